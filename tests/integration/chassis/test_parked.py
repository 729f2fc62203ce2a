"""groupbuy dlq against a service's own gRPC server: list, show, redrive, and what an operator is told when it fails."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest
from click.testing import CliRunner, Result

from deploy.cli import COMMANDS
from deploy.cli.group import LazyGroup
from services.chassis import parked
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.inbox import Inbox
from services.chassis.messages import Record
from services.chassis.platforms import KeyRing
from services.chassis.server import GrpcServer
from tests.support.effects import Effects
from tests.support.outbox import TOPIC, team_event

Run = Callable[..., Coroutine[Any, Any, Result]]


def record(key: str, sequence: int) -> Record:
    value = team_event(key, sequence).SerializeToString()
    return Record(TOPIC, key, value, (("ce_type", b"groupbuy.team_formation.v1.TeamOpened"),), 0, sequence)


@pytest.fixture
async def effect(store: Database) -> Effects:
    effects = Effects(store)
    await effects.create()
    return effects


@pytest.fixture
async def inbox(store: Database, effect: Effects) -> Inbox:
    return Inbox(store, {TOPIC: effect.handle})


@pytest.fixture
async def groupbuy(store: Database, inbox: Inbox) -> AsyncIterator[Run]:
    server = GrpcServer(
        "127.0.0.1:0",
        [parked.servicer(store, inbox)],
        KeyRing(store, Clock()),
        service_key="of-the-services",
        drain_seconds=1,
    )
    await server.start()
    runner = CliRunner(
        env={
            "GROUPBUY_PRICING": f"127.0.0.1:{server.port}",
            "GROUPBUY_NOTIFICATION": f"127.0.0.1:{server.port}",
            "GROUPBUY_TEAM_FORMATION": f"127.0.0.1:{server.port}",
            "GROUPBUY_SERVICE_KEY": "of-the-services",
        }
    )

    async def run(*words: str, **env: str) -> Result:
        return await asyncio.to_thread(runner.invoke, LazyGroup(COMMANDS), ["dlq", *words], env=env)

    yield run
    await server.stop()


async def test_what_is_parked_is_listed_shown_and_goes_on_after_the_fix(
    inbox: Inbox, effect: Effects, groupbuy: Run
) -> None:
    effect.poison = {("a", 2)}
    await inbox.apply([record("a", 1), record("a", 2), record("b", 1), record("a", 3)])

    listed = (await groupbuy("list")).output
    assert f"pricing {TOPIC} a\n    2 messages since" in listed
    assert "a cannot be" in listed

    shown = (await groupbuy("show", "pricing", TOPIC, "a")).output.splitlines()
    assert shown[0] == "groupbuy.team_formation.v1.TeamOpened (partition 0, offset 2)"
    assert "a cannot be" in shown[1]
    assert '"sequence": "2"' in shown[2]
    assert "behind a parked event of its key" in shown[4]

    still = await groupbuy("redrive", "pricing", TOPIC, "a")
    assert still.exit_code == 1
    assert "still cannot be applied, and nothing changed: a cannot be" in still.output

    effect.poison = set()
    assert (await groupbuy("redrive", "pricing", TOPIC, "a")).output == f"pricing {TOPIC} a: 2 messages applied\n"
    assert await effect.seen() == [("a", 1), ("b", 1), ("a", 2), ("a", 3)]
    assert (await groupbuy("list")).output == "Nothing is parked.\n"


async def test_redriving_all_lets_every_key_go_on_that_can(inbox: Inbox, effect: Effects, groupbuy: Run) -> None:
    effect.poison = {("a", 1), ("b", 1), ("c", 1)}
    await inbox.apply([record("a", 1), record("b", 1), record("c", 1), record("c", 2)])
    effect.poison = {("b", 1)}
    result = await groupbuy("redrive", "pricing", "--all")
    assert result.exit_code == 1
    assert f"pricing {TOPIC} c: 2 messages applied" in result.output
    assert "b cannot be" in result.output
    assert await effect.seen() == [("a", 1), ("c", 1), ("c", 2)]


async def test_bytes_that_are_no_event_are_shown_as_they_are(inbox: Inbox, groupbuy: Run) -> None:
    await inbox.apply([Record(TOPIC, "a", b"\xff\xfe", (), 3, 7)])
    shown = (await groupbuy("show", "pricing", TOPIC, "a")).output
    assert "partition 3, offset 7" in shown
    assert shown.splitlines()[2] == "  2 bytes, the value is no envelope of this topic: fffe"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("redrive", "pricing", TOPIC, "nobody"), "Nothing is parked of key nobody"),
        (("show", "pricing", TOPIC, "nobody"), "groupbuy dlq list shows what is parked"),
        (("show", "shipping", TOPIC, "a"), "No service shipping reads topics."),
        (("redrive", "pricing"), "Name SERVICE, TOPIC and KEY"),
    ],
)
async def test_a_wrong_word_is_told_with_its_remedy(groupbuy: Run, words: tuple[str, ...], told: str) -> None:
    result = await groupbuy(*words)
    assert result.exit_code != 0
    assert told in result.output


async def test_only_the_services_own_key_opens_it(groupbuy: Run) -> None:
    result = await groupbuy("list", GROUPBUY_SERVICE_KEY="another")
    assert result.exit_code == 1
    assert "Set GROUPBUY_SERVICE_KEY" in result.output
