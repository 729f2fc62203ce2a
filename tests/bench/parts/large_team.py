"""A team of 100,000 becomes certain and forms, and all of them are told: how fast, in which pieces, in how much memory.

The team is put into notification's tables as it would be there; what happens to it comes through Kafka: one event makes
it certain, which the fan-out tells to all; what each member of the formed team pays is an event for each. Notification
is one process with all roles: it sends meanwhile. Once a run, as it takes long.
"""

import asyncio
import time
from collections.abc import Sequence
from uuid import UUID

import psutil
import psycopg

from services.chassis.messages import Message
from services.notification.domain import Kind, Point, TeamState
from services.notification.handlers.fanout import CHUNK
from tests.bench.bench import Bench
from tests.bench.crowd import Crowd, a_crowd, forget, notification_database, opened_database
from tests.bench.errors import BenchError
from tests.bench.installation import Installation, Program
from tests.bench.memory import MIB, peak_memory
from tests.bench.notified import notification_from_now
from tests.bench.sinking import a_sink
from tests.bench.telling import formed, publish, tipped

SMALL, LARGE = 2_500, 100_000
"""Members of the team that warms up, and of the one that is measured."""
LONGEST_SECONDS = 180.0
_LOOK_SECONDS = 0.25

_WRITTEN = """
SELECT coalesce(sum(n), 0), coalesce(max(n), 0) FROM (
    SELECT count(*) AS n FROM deliveries WHERE platform_id = %s AND kind = %s GROUP BY created_at) AS chunks
"""


async def run(bench: Bench) -> None:
    """Measure."""
    whole = bench.whole
    async with a_sink() as sink, opened_database(whole) as database:
        to = Point("webhook", sink.url)
        small, large = [await a_crowd(whole, database, count, to, TeamState.FORMING) for count in (SMALL, LARGE)]
        async with notification_from_now(whole, WEBHOOK_PRIVATE_ADDRESSES="allow") as program:
            await _told(whole, small, Kind.TIPPED, tipped(small))
            await _told(whole, small, Kind.FORMED, formed(small))
            await _measured(bench, program, large)
        for crowd in (small, large):
            await forget(whole, crowd)


async def _measured(bench: Bench, program: Program, crowd: Crowd) -> None:
    resident = psutil.Process(program.pid).memory_info().rss / MIB
    bench.results.add("large_team_memory_before", resident, "MiB")
    for name, kind, events in (("certain", Kind.TIPPED, tipped(crowd)), ("formed", Kind.FORMED, formed(crowd))):
        bench.say(f"a team of {LARGE:,}: {name}")
        seconds = await _told(bench.whole, crowd, kind, events)
        bench.results.add(f"large_team_{name}_written", len(crowd.seats) / seconds, "a second")
        bench.results.add(f"large_team_{name}_memory_growth", peak_memory(program.pid) - resident, "MiB")


async def _told(whole: Installation, crowd: Crowd, kind: Kind, events: Sequence[Message]) -> float:
    """Publish events; gives the seconds from there until everybody has a delivery of a kind.

    BenchError when that takes too long, or more than a chunk was written at once.
    """
    await publish(whole, events)
    began = time.monotonic()
    async with await psycopg.AsyncConnection.connect(notification_database(whole), autocommit=True) as connection:
        while (written := await _written(connection, crowd.team.platform_id, kind)) < len(crowd.seats):
            if time.monotonic() - began > LONGEST_SECONDS:
                raise BenchError(f"After {LONGEST_SECONDS:.0f} s {written:,} of {len(crowd.seats):,} are written.")
            await asyncio.sleep(_LOOK_SECONDS)
    return time.monotonic() - began


async def _written(connection: "psycopg.AsyncConnection[tuple[int, int]]", platform_id: UUID, kind: Kind) -> int:
    written, most = await (await connection.execute(_WRITTEN, (platform_id, kind))).fetchone() or (0, 0)
    if most > CHUNK:
        raise BenchError(f"{most:,} deliveries were written at once, more than {CHUNK:,}.")
    return int(written)
