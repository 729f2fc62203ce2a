"""How long a member waits to be told: from the event that notification applies until the message is at the sink.

Members whom notification knows join evenly; beside them others, whom it does not know, join by chance at half of what
is possible with notification at work. What is told of a join (JOINED) waits in no window.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import psycopg
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb

from services.chassis.database import Database
from services.notification.domain import Point
from tests.bench.bench import Bench
from tests.bench.campaign import SKU, unique
from tests.bench.consuming import SPREAD_TEAMS, TEAMS, opened_teams
from tests.bench.crowd import NOTIFICATION, notification_database, opened_database, register
from tests.bench.errors import BenchError
from tests.bench.installation import Installation
from tests.bench.notified import notification_from_now, platform_of
from tests.bench.parts.arrivals import LONGER, open_loop
from tests.bench.reading import until_read
from tests.bench.rounds import percentile
from tests.bench.seed import Team
from tests.bench.sinking import Sink, a_sink

RATE = 50.0
"""Members a second who are to be told."""
LONGEST_SECONDS = 30.0
_LOOK_SECONDS = 0.2

_WRITTEN = """
SELECT delivery_id::text, cause_event_id::text, extract(epoch FROM created_at) FROM deliveries
WHERE platform_id = %s AND member_id = ANY(%s) AND kind = 'JOINED' AND state = 'SENT'
"""
_COMMITTED = """
SELECT id::text, extract(epoch FROM pg_xact_commit_timestamp(xmin)) FROM outbox
WHERE aggregatetype = %s AND aggregateid = ANY(%s) AND id = ANY(%s)
"""


@dataclass(frozen=True)
class Written:
    """A delivery that was sent: its id, its cause, and when it was written, in seconds since 1970."""

    delivery_id: str
    event_id: str
    at: float


async def run(bench: Bench) -> None:
    """Measure; each round finds the maximum anew."""
    whole = bench.whole
    async with (
        a_sink() as sink,
        opened_database(whole) as database,
        notification_from_now(whole, WEBHOOK_PRIVATE_ADDRESSES="allow"),
    ):
        spread = await opened_teams(whole, whole.campaign(), SPREAD_TEAMS)
        platform_id = await platform_of(whole, spread[0].campaign_id)
        for number in range(bench.rounds):
            bench.say(f"round {number + 1} of {bench.rounds}: maximum, then members told at half of it")
            rate = bench.results.add("event_to_send_joins", (await bench.join(spread)).rate / 2, "a second")
            names = await _members(bench, database, platform_id, sink)
            await until_read(whole, NOTIFICATION, [TEAMS])
            loaded = asyncio.create_task(open_loop(bench, spread, rate, whole.service.address))
            await asyncio.sleep(1)  # the load's own warm-up
            await _join(whole, names, spread)
            await _note(bench, await _sent(whole, platform_id, names), sink, spread)
            await loaded


async def _members(bench: Bench, database: Database, platform_id: UUID, sink: Sink) -> Sequence[str]:
    """Register as many members as are to join in one round."""
    tag = unique("told-")
    names = [f"{tag}-{number}" for number in range(int(RATE * (bench.seconds * LONGER - 1)))]
    await register(bench.whole, database, platform_id, names, Point("webhook", sink.url))
    return names


async def _join(whole: Installation, names: Sequence[str], teams: Sequence[Team]) -> None:
    """Have members join teams in turn, each when it is its turn and not later for those before it."""
    began = time.monotonic()
    async with whole.stub() as call, asyncio.TaskGroup() as group:
        for number, name in enumerate(names):
            await asyncio.sleep(max(began + number / RATE - time.monotonic(), 0))
            team = teams[number % len(teams)].name
            request = pb.JoinTeamRequest(request_id=name, team_id=team, member_id=name, sku=SKU, quantity=1)
            group.create_task(call("JoinTeam", request))


async def _sent(whole: Installation, platform_id: UUID, names: Sequence[str]) -> list[Written]:
    """Wait until every member was sent its message; BenchError when that takes too long."""
    ends = time.monotonic() + LONGEST_SECONDS
    async with await psycopg.AsyncConnection.connect(notification_database(whole), autocommit=True) as connection:
        while True:
            rows = await (await connection.execute(_WRITTEN, (platform_id, list(names)))).fetchall()
            if len(rows) == len(names):
                return [Written(row[0], row[1], float(row[2])) for row in rows]
            if time.monotonic() > ends:
                raise BenchError(f"Only {len(rows)} of {len(names)} members were told in {LONGEST_SECONDS:.0f} s.")
            await asyncio.sleep(_LOOK_SECONDS)


async def _note(bench: Bench, written: Sequence[Written], sink: Sink, teams: Sequence[Team]) -> None:
    came = dict(await sink.taken())
    committed = await _committed(bench.whole, written, teams)
    waits = {
        "event_to_send": [came[item.delivery_id] - item.at for item in written],
        "join_to_send": [came[item.delivery_id] - committed[item.event_id] for item in written],
    }
    for name, seconds in waits.items():
        for share in (50, 99):
            bench.results.add(f"{name}_p{share}_ms", percentile(seconds, share / 100) * 1000, "ms")


async def _committed(whole: Installation, written: Sequence[Written], teams: Sequence[Team]) -> Mapping[str, float]:
    """Give when team_formation committed the events, in seconds since 1970, by their ids."""
    wanted = TEAMS, [team.name for team in teams], [UUID(item.event_id) for item in written]
    async with await psycopg.AsyncConnection.connect(whole.database, autocommit=True) as connection:
        return {str(key): float(at) async for key, at in await connection.execute(_COMMITTED, wanted)}
