"""Calls of chat services while every round trip to PostgreSQL takes two seconds more: answered in time, none lost."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict

from services.chassis.clock import ManualClock
from services.chassis.database import Database
from services.team_formation.chats.apps import FRESH_SECONDS
from services.team_formation.hooks.registry import SERVICES
from tests.support.chat_stage import Stage, a_chat_stage
from tests.support.formation import Formation
from tests.support.hook_calls import STYLES
from tests.support.proxy import Proxy, running_proxy
from tests.support.until import until

SLOW_SECONDS = 2.0
LOAD_SECONDS = 2 * FRESH_SECONDS
A_SECOND = 5
CONNECTIONS = 8


@dataclass
class SlowStage:
    """A stage whose database is behind a proxy, and the database itself."""

    stage: Stage
    proxy: Proxy
    formation: Formation

    def slow(self) -> None:
        """Have every round trip take two seconds more."""
        self.proxy.delay(SLOW_SECONDS / 2)

    async def stored(self) -> list[str]:
        """The ids of the events that are stored, as often as they are."""
        return [event_id for (event_id,) in await self.formation.rows("SELECT event_id FROM hook_calls")]

    async def worked(self) -> bool:
        """Tell whether all are worked."""
        return not await self.formation.rows("SELECT FROM hook_calls WHERE due_at IS NOT NULL")


@pytest.fixture
async def slow(url: str, formation: Formation, clock: ManualClock) -> AsyncIterator[SlowStage]:
    where = conninfo_to_dict(url)
    with running_proxy((str(where["host"]), int(where["port"] or 5432))) as proxy:
        database = Database(url.replace(f"{where['host']}:{where['port']}", proxy.address), pool_size=CONNECTIONS)
        await database.start()
        try:
            async with a_chat_stage(replace(formation, database=database), clock) as stage:
                assert stage.visitor.web.chats
                await asyncio.gather(_connect(database), _connect(stage.visitor.web.chats.lane))
                yield SlowStage(stage, proxy, formation)
                proxy.delay(0)
        finally:
            proxy.delay(0)
            await database.stop()


async def _connect(database: Database) -> None:
    """Open the connections that a busy process has."""

    async def use() -> None:
        async with database.read() as connection:
            await connection.execute("SELECT pg_sleep(0.3)")

    await asyncio.gather(*(use() for _ in range(CONNECTIONS)))


async def called(waits: float, call: Callable[[], Any]) -> int:
    """Call as a service does that waits so long; its status, TimeoutError where no answer came."""
    async with asyncio.timeout(waits):
        return int((await call()).status)


async def test_every_call_is_answered_in_time_and_none_is_lost(slow: SlowStage, counts: Callable[..., None]) -> None:
    stage = slow.stage
    bodies = {f"Ev{at}": stage.shared(stage.link, event_id=f"Ev{at}") for at in range(int(LOAD_SECONDS * A_SECOND))}

    waits = SERVICES["slack"].waits
    assert await called(waits, partial(stage.post, stage.shared(event_id="first"))) == 200
    slow.slow()
    sending: dict[str, asyncio.Task[int]] = {}
    for event_id, body in bodies.items():
        sending[event_id] = asyncio.create_task(called(waits, partial(stage.post, body)))
        await asyncio.sleep(1 / A_SECOND)
    statuses = {event_id: await task for event_id, task in sending.items()}
    taken = {event_id for event_id, status in statuses.items() if status == 200}
    put_off = bodies.keys() - taken
    assert {statuses[event_id] for event_id in put_off} <= {503}
    assert taken <= set(await slow.stored())
    assert len(taken) > len(put_off)
    slow.proxy.delay(0)
    for event_id in put_off:
        await until(partial(_answers, 200, waits, partial(stage.post, bodies[event_id])))
    await until(slow.worked, seconds=60)
    assert sorted(await slow.stored()) == sorted([*bodies, "first"])
    assert len(stage.chat.given) == len(bodies)
    counts(calls=len(bodies), taken_at_once=len(taken), put_off=len(put_off), lost=0, twice=0)


async def _answers(status: int, waits: float, call: Callable[[], Any]) -> bool:
    return await called(waits, call) == status


@pytest.mark.parametrize("service", ["dingtalk", "line"])
async def test_who_waits_for_less_is_told_to_come_again_and_what_was_kept_meanwhile_has_one_effect(
    slow: SlowStage, service: str
) -> None:
    stage, waits = slow.stage, SERVICES[service].waits
    assert stage.visitor.web.apps
    style = next(one for one in STYLES if one.service == service and not one.is_handshake)
    path = await stage.app_of(style)
    assert await stage.visitor.web.apps.find(service, path.rpartition("/")[2])  # called a moment ago
    slow.slow()
    assert await called(waits, partial(stage.call, path, style)) == 503
    await until(slow.stored)  # the commit was under way
    before = sorted(await slow.stored())
    slow.proxy.delay(0)
    await until(partial(_answers, 200, waits, partial(stage.call, path, style)))
    await until(slow.worked, seconds=60)
    assert sorted(await slow.stored()) == before
    assert {attempts for (attempts,) in await slow.formation.rows("SELECT attempts FROM hook_calls")} <= {0, 1}
