"""A team of 100,000 becomes certain, and all of them are told: how fast, in which pieces, and in how much memory.

The team is put into notification's tables as it would be there; what makes it certain is an event that comes through
Kafka. Notification is one process with all roles: it sends meanwhile. Once a run, as it takes long.
"""

import asyncio
import time
from datetime import UTC, datetime
from uuid import UUID

import psutil
import psycopg
from groupbuy.team_formation.v1 import events_pb2, types_pb2

from services.chassis import ids, outbox
from services.chassis.messages import Message
from services.notification.domain import Point, TeamState
from services.notification.handlers.fanout import CHUNK
from services.team_formation import translate
from tests.bench.bench import Bench
from tests.bench.consuming import TEAMS
from tests.bench.crowd import Crowd, a_crowd, forget, notification_database, opened_database
from tests.bench.errors import BenchError
from tests.bench.installation import Installation, Program
from tests.bench.memory import MIB, peak_memory
from tests.bench.notified import notification_from_now
from tests.bench.sinking import a_sink

SMALL, LARGE = 2_500, 100_000
"""Members of the team that warms up, and of the one that is measured."""
LONGEST_SECONDS = 180.0
_LOOK_SECONDS = 0.25

_WRITTEN = """
SELECT coalesce(sum(n), 0), coalesce(max(n), 0) FROM (
    SELECT count(*) AS n FROM deliveries WHERE platform_id = %s AND kind = 'TIPPED' GROUP BY created_at) AS chunks
"""


async def run(bench: Bench) -> None:
    """Measure."""
    whole = bench.whole
    async with a_sink() as sink, opened_database(whole) as database:
        to = Point("webhook", sink.url)
        small, large = [await a_crowd(whole, database, count, to, TeamState.FORMING) for count in (SMALL, LARGE)]
        async with notification_from_now(whole, WEBHOOK_PRIVATE_ADDRESSES="allow") as program:
            await _told(whole, small)
            bench.say(f"a team of {LARGE:,} becomes certain")
            await _measured(bench, program, large)
        for crowd in (small, large):
            await forget(whole, crowd)


async def _measured(bench: Bench, program: Program, crowd: Crowd) -> None:
    resident = psutil.Process(program.pid).memory_info().rss / MIB
    seconds = await _told(bench.whole, crowd)
    bench.results.add("large_team_written", len(crowd.seats) / seconds, "a second")
    bench.results.add("large_team_memory_before", resident, "MiB")
    bench.results.add("large_team_memory_growth", peak_memory(program.pid) - resident, "MiB")


async def _told(whole: Installation, crowd: Crowd) -> float:
    """Make a team certain; gives the seconds from there until everybody has a delivery.

    BenchError when that takes too long, or more than a chunk was written at once.
    """
    async with await psycopg.AsyncConnection.connect(whole.database) as connection:
        await outbox.append(connection, [_tipped(crowd)])
        await connection.execute("SELECT pg_notify(%s, '')", (outbox.WAKE_CHANNEL,))
    began = time.monotonic()
    async with await psycopg.AsyncConnection.connect(notification_database(whole), autocommit=True) as connection:
        while (written := await _written(connection, crowd.team.platform_id)) < len(crowd.seats):
            if time.monotonic() - began > LONGEST_SECONDS:
                raise BenchError(f"After {LONGEST_SECONDS:.0f} s {written:,} of {len(crowd.seats):,} are written.")
            await asyncio.sleep(_LOOK_SECONDS)
    return time.monotonic() - began


async def _written(connection: "psycopg.AsyncConnection[tuple[int, int]]", platform_id: UUID) -> int:
    written, most = await (await connection.execute(_WRITTEN, (platform_id,))).fetchone() or (0, 0)
    if most > CHUNK:
        raise BenchError(f"{most:,} deliveries were written at once, more than {CHUNK:,}.")
    return int(written)


def _tipped(crowd: Crowd) -> Message:
    """Make the event by which the team becomes certain, the next of its versions."""
    team, count = crowd.team, len(crowd.seats)
    event = events_pb2.TeamEvent(
        event_id=str(ids.new_id()),
        platform_id=ids.opaque("plat", team.platform_id),
        sequence=team.version + 1,
        campaign_id=ids.opaque(translate.CAMPAIGN, team.campaign_id),
        team_id=ids.opaque(translate.TEAM, team.campaign_id, team.team_id),
        totals=types_pb2.Totals(confirmed_members=count, confirmed_units=count),
        state=types_pb2.TEAM_STATE_TIPPED,
        team_tipped=events_pb2.TeamTipped(),
    )
    now = datetime.now(UTC)
    event.occurred_at.FromDatetime(now)
    fact = events_pb2.TeamTipped.DESCRIPTOR.full_name
    raw = event.SerializeToString()
    return Message(TEAMS, event.team_id, UUID(event.event_id), fact, event.sequence, now, raw, "")
