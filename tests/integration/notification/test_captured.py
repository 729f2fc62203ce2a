"""Test platforms: nothing of them leaves, and what would have is kept as it would have gone out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.chassis.clock import ManualClock
from services.chassis.http import Http
from services.notification.channels import Channels, Outcome, Refused, Retry, Sent
from services.notification.channels.registry import open_channels
from services.notification.domain import Limits, Play
from services.notification.sandbox import Content, Sandbox
from services.notification.sandbox.outlet import Exchange
from services.notification.sandbox.rehearsals import Rehearsals
from services.notification.sandbox.services import SERVICES
from services.notification.settings import Settings
from services.notification.store import CapturedFilter, CapturedRow, list_captured
from services.notification.testing import a_letter
from tests.integration.notification.test_sending import a_sender, turn
from tests.support.addressed import ADDRESSES
from tests.support.notification_rpc import SHOP, TWIN
from tests.support.notifying import SEAL_KEYS, START, Notifying, a_sandbox
from tests.support.outward import no_way_out
from tests.support.teams import TeamLife

SETTINGS = Settings(
    database_url="postgresql://unused",
    kafka="unused:1",
    listen="127.0.0.1:0",
    ops_listen="127.0.0.1:0",
    smtp="mail.example.com:25",
    seal_keys=SEAL_KEYS,
)
CHANNELS = sorted(open_channels(SETTINGS, Http(seconds=1, connections=1, allow_private=False)))


@pytest.fixture
async def channels() -> AsyncIterator[Channels]:
    """Every channel of the registry, as a process has them."""
    http = Http(seconds=1, connections=1, allow_private=False)
    opened = open_channels(SETTINGS, http)
    yield opened
    for channel in opened.values():
        await channel.close()
    await http.close()


@asynccontextmanager
async def a_process(notification: Notifying, channels: Channels) -> AsyncIterator[Any]:
    """Run the sender of a process that has every channel."""
    async with a_sender(notification, *channels.values(), limits=Limits()) as sender:
        yield sender


async def captured(notification: Notifying, **wanted: Any) -> list[tuple[CapturedRow, Content]]:
    """Read what was captured, oldest first."""
    reader: Sandbox = a_sandbox({}, notification.clock)
    async with notification.database.read() as connection:
        rows = await list_captured(connection, CapturedFilter(TWIN, oldest_first=True, **wanted), None, 100)
    return [(row, reader.captures.content(row)) for row in rows]


async def a_team(notification: Notifying, *points: tuple[str, str], platform: UUID = TWIN) -> TeamLife:
    """Have Mei open a team: one message to her."""
    life = TeamLife(platform=platform, start=START)
    await notification.put(platform, "mei", *points)
    life.open("mei")
    await notification.apply(*life.records)
    return life


def test_every_channel_has_an_address_here() -> None:
    assert sorted(ADDRESSES) == CHANNELS


@pytest.mark.parametrize("name", CHANNELS)
async def test_nothing_of_a_test_platform_connects_and_what_would_have_gone_out_is_kept(
    notification: Notifying, channels: Channels, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await a_team(notification, (name, ADDRESSES[name]))
    with no_way_out(monkeypatch) as tried:
        async with a_process(notification, channels) as sender:
            assert await turn(sender) == 1
    assert tried == []
    assert await notification.states() == {("JOINED", "mei"): "SENT"}
    [(row, content)] = await captured(notification)
    assert (row.channel, row.member_id, row.outcome, row.number) == (name, "mei", "sent", 1)
    assert content.address == ADDRESSES[name]
    assert content.subject
    assert content.body
    [(provider_id, delivery_id)] = await notification.rows("SELECT provider_id, delivery_id FROM attempts")
    assert provider_id.startswith("captured_")
    assert row.delivery_id == delivery_id
    if name in SERVICES:
        assert content.exchange
        assert content.exchange.status == 200
        assert content.exchange.url.startswith("https://")


async def test_the_guard_sees_what_a_real_platform_sends(
    notification: Notifying, channels: Channels, monkeypatch: pytest.MonkeyPatch
) -> None:
    await a_team(notification, ("webhook", ADDRESSES["webhook"]), ("email", ADDRESSES["email"]), platform=SHOP)
    with no_way_out(monkeypatch) as tried:
        async with a_process(notification, channels) as sender:
            await sender.run_once()
            await sender.idle()
            notification.clock.move(timedelta(minutes=20))
            await turn(sender)
    assert tried
    assert await captured(notification) == []


async def play(channels: Channels, name: str, word: str, tries: int = 0) -> tuple[Outcome, Exchange | None]:
    rehearsals = Rehearsals(channels, ManualClock(START), "shop@example.com", allow_private=False)
    letter = a_letter(ADDRESSES[name])
    made = await rehearsals.send(channels[name], replace(letter, member_id=f"mei-{word}"), None, tries)
    return made.outcome, made.exchange


NEVER_SAY_GONE = {"webhook", "email", "line", "whatsapp"}


@pytest.mark.parametrize("name", CHANNELS)
async def test_an_outcome_can_be_forced_on_every_channel(channels: Channels, name: str) -> None:
    outcomes = {one: (await play(channels, name, f"test-{one.lower()}"))[0] for one in Play if one is not Play.TAKEN}
    gone, throttled, refused, unavailable = (
        outcomes[one] for one in (Play.GONE, Play.THROTTLED, Play.REFUSED, Play.UNAVAILABLE)
    )
    assert isinstance(gone, Refused), gone
    assert gone.is_gone == (name not in NEVER_SAY_GONE), gone
    assert isinstance(throttled, Retry), throttled
    assert isinstance(refused, Refused), refused
    assert not refused.is_gone, refused
    assert isinstance(unavailable, Retry), unavailable
    assert isinstance((await play(channels, name, f"test-{name}-gone-1", 1))[0], Sent)
    assert isinstance((await play(channels, name, "test-other-gone"))[0], Sent)
