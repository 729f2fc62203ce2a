"""The switch of messages on a member's own page, with a real notification behind it, one that is away, and none."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
from groupbuy.notification.v1 import notification_internal_pb2 as pb
from groupbuy.notification.v1 import notification_internal_pb2_grpc as pb_grpc

from services.team_formation.message_switch import FRESH_SECONDS, REST_SECONDS, MessageSwitch
from tests.integration.team_formation.web.test_member_page import path_of, post
from tests.support.database import Database
from tests.support.engine import SERVICE_KEY, Engine, an_engine, listening
from tests.support.formation import PLATFORM, Formation
from tests.support.web import Seen, Visitor, a_shown_campaign, a_web_edge

NOTHING_SAID = ("/messages", "Messages are")


@dataclass
class Watch:
    """A clock that a test moves."""

    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class House:
    """Pages, and the notification that they ask."""

    engine: Engine
    visitor: Visitor
    watch: Watch
    path: str

    async def wishes(self) -> tuple[bool, bool, bool]:
        """Read what is stored: all muted, promotions, whether the member ever unsubscribed."""
        [row] = await self.engine.notification.rows(
            "SELECT muted_all, promotions, unsubscribed_at IS NOT NULL FROM members WHERE member_id = 'mei'"
        )
        return tuple(row)


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    watch = Watch()
    async with (
        an_engine(database) as engine,
        listening(engine) as addresses,
        grpc.aio.insecure_channel(addresses["notification"]) as channel,
    ):
        messages = MessageSwitch(pb_grpc.NotificationInternalStub(channel), SERVICE_KEY, now=watch)
        async with a_web_edge(engine.formation, switch=messages) as visitor:
            opened = await engine.formation.open(await engine.formation.create(a_shown_campaign()))
            yield House(engine, visitor, watch, path_of(opened.seat))


def button(page: Seen) -> str:
    """Read what the switch's button would send."""
    [form] = [part for part in page.text.split("<form") if "/messages" in part]
    return form.split('name="on" value="')[1].split('"')[0]


async def test_messages_are_turned_off_and_on_again(house: House) -> None:
    await house.engine.notification.put(PLATFORM, "mei", ("email", "mei@example.com"))
    await house.engine.notification.do("UPDATE members SET promotions = true")
    page = await house.visitor.get(house.path)
    assert "Messages are on" in page.text
    assert "What concerns your own place and your money you are told in any case." in page.text
    assert "example.com" not in page.text
    for _ in range(2):
        answer = await post(house.visitor, f"{house.path}/messages", on=button(page))
        assert (answer.status, answer.headers["location"]) == (303, f"{house.path}#messages")
        assert "set-cookie" not in answer.headers
        assert await house.wishes() == (True, False, True)
    page = await house.visitor.get(house.path)
    assert "Messages are off" in page.text
    assert (await post(house.visitor, f"{house.path}/messages", on=button(page))).status == 303
    assert await house.wishes() == (False, False, True)
    assert "Messages are on" in (await house.visitor.get(house.path)).text


async def test_a_change_elsewhere_is_seen_within_two_seconds(house: House) -> None:
    await house.engine.notification.put(PLATFORM, "mei")
    assert "Messages are on" in (await house.visitor.get(house.path)).text
    await house.engine.notification.do("UPDATE members SET muted_all = true")
    assert "Messages are on" in (await house.visitor.get(house.path)).text
    house.watch.seconds = FRESH_SECONDS
    assert "Messages are off" in (await house.visitor.get(house.path)).text


async def test_who_is_not_registered_has_no_switch(house: House) -> None:
    page = await house.visitor.get(house.path)
    assert page.status == 200
    assert not any(said in page.text for said in NOTHING_SAID)
    answer = await post(house.visitor, f"{house.path}/messages", on="no")
    assert answer.status == 503
    assert "could not be changed just now" in answer.text


async def test_what_the_form_does_not_say_changes_nothing(house: House) -> None:
    await house.engine.notification.put(PLATFORM, "mei")
    for form in ({}, {"on": "maybe"}, {"on": "no" * 4000}):
        answer = await post(house.visitor, f"{house.path}/messages", **form)
        assert (answer.status, answer.headers["location"]) == (303, house.path)
    assert (await house.visitor.get(f"{house.path}/messages")).headers["location"] == house.path
    changed = house.path[:-1] + ("A" if house.path[-1] != "A" else "B")
    assert (await post(house.visitor, f"{changed}/messages", on="no")).status == 404
    assert await house.wishes() == (False, False, False)


@pytest.mark.parametrize("language", ["en", "es", "ar", "zh-Hans"])
async def test_it_speaks_the_readers_language(house: House, language: str) -> None:
    await house.engine.notification.put(PLATFORM, "mei")
    said = {"en": "Turn messages off", "es": "Desactivar los mensajes", "ar": "إيقاف الرسائل", "zh-Hans": "关闭消息"}
    assert said[language] in (await house.visitor.get(house.path, language)).text


@dataclass
class Silent(pb_grpc.NotificationInternalServicer):
    """A notification that is asked, and does not answer until it is told to."""

    asked: int = 0
    answers: asyncio.Event = field(default_factory=asyncio.Event)

    async def GetMessageSwitch(self, _request: Any, _context: Any) -> pb.GetMessageSwitchResponse:  # noqa: N802
        """Say that they are on, in the end."""
        self.asked += 1
        await self.answers.wait()
        return pb.GetMessageSwitchResponse(on=True)


@asynccontextmanager
async def behind_silence(formation: Formation, watch: Watch) -> AsyncIterator[tuple[Silent, Visitor, str]]:
    silent, server = Silent(), grpc.aio.server()  # type: ignore[abstract]  # what is missing is unimplemented
    pb_grpc.add_NotificationInternalServicer_to_server(silent, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        messages = MessageSwitch(pb_grpc.NotificationInternalStub(channel), "", now=watch)
        async with a_web_edge(formation, switch=messages) as visitor:
            opened = await formation.open(await formation.create(a_shown_campaign()))
            yield silent, visitor, path_of(opened.seat)
    silent.answers.set()
    await server.stop(None)


async def test_a_page_waits_for_no_notification_that_is_silent(formation: Formation) -> None:
    watch = Watch()
    async with behind_silence(formation, watch) as (silent, visitor, path):
        for _ in range(3):
            page = await visitor.get(path)
            assert page.status == 200
            assert not any(said in page.text for said in NOTHING_SAID)
        assert silent.asked == 1
        silent.answers.set()
        watch.seconds = REST_SECONDS
        assert "Messages are on" in (await visitor.get(path)).text
        assert silent.asked == 2
        for _ in range(3):
            await visitor.get(path)
        assert silent.asked == 2


async def test_without_a_notification_there_is_no_switch(formation: Formation) -> None:
    async with a_web_edge(formation) as visitor:
        opened = await formation.open(await formation.create(a_shown_campaign()))
        path = path_of(opened.seat)
        page = await visitor.get(path)
        assert not any(said in page.text for said in NOTHING_SAID)
        assert (await post(visitor, f"{path}/messages", on="no")).headers["location"] == path
