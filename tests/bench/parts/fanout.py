"""Notification beside joins at full rate on one team: from events to pending deliveries, and what it costs the joins.

Everybody who joins is known to notification and gets a delivery. Nothing is sent meanwhile: consuming is a process of
its own here, as it may be in production.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import psycopg
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb

from services.chassis.database import Database
from services.notification.domain import Point
from tests.bench.bench import Bench
from tests.bench.campaign import joins
from tests.bench.consuming import Lookout, lookout, nothing_left, opened_teams
from tests.bench.crowd import notification_database, opened_database, register
from tests.bench.errors import BenchError
from tests.bench.installation import Installation
from tests.bench.notified import notification_from_now, platform_of
from tests.bench.seed import Team
from tests.bench.template import MARK

MOST_A_SECOND = 4_000
"""So many joins a second have members whom notification knows; more than there ever are."""
_WARM = 2
"""Seconds of a measurement besides its own, rounded up."""

_WRITTEN = "SELECT count(*) FROM deliveries WHERE platform_id = %s AND created_at >= %s AND state = 'PENDING'"
_JOINED = "SELECT count(*) FROM seats WHERE campaign_id = %s AND team_id = %s AND role = 'MEMBER'"


async def run(bench: Bench) -> None:
    """Measure."""
    whole = bench.whole
    async with opened_database(whole) as database:
        alone_in, campaign = whole.campaign(), whole.campaign()

        async def alone(_round: int) -> float:
            [team] = await opened_teams(whole, alone_in, 1)
            return bench.results.add("fanout_joins_alone", (await bench.join([team])).rate, "a second")

        async def with_notification(_round: int) -> float:
            async with notification_from_now(whole, "consumer"), lookout(whole, notification_database(whole)) as looks:
                [team] = await opened_teams(whole, campaign, 1)
                await looks.until(team.campaign_id, nothing_left)
                return await _beside(bench, database, looks, team)

        await bench.interleaved({"joins alone": alone, "joins with notification": with_notification})
    bench.results.ratio("fanout_with_joins", "fanout_applied", "fanout_told")
    bench.results.ratio("fanout_joins_to_alone", "fanout_joins", "fanout_joins_alone")


async def _beside(bench: Bench, database: Database, looks: Lookout, team: Team) -> float:
    """Join a team for a while and see how far notification is; gives the joins a second."""
    templates, since = joins([team.name]), datetime.now(UTC)
    platform_id = await platform_of(bench.whole, team.campaign_id)
    count = int(MOST_A_SECOND * (bench.seconds + _WARM))
    await register(
        bench.whole, database, platform_id, members(templates[0], count), Point("webhook", "https://shop.example.com")
    )
    work = asyncio.create_task(bench.join_by(templates))
    places = await looks.places(team.campaign_id, work)
    rate = (await work).rate
    first, last = places[len(places) // 3], places[-1]
    bench.results.add("fanout_told", (last.told - first.told) / (last.at - first.at), "a second")
    bench.results.add("fanout_applied", (last.applied - first.applied) / (last.at - first.at), "a second")
    bench.results.add("fanout_backlog", last.backlog, "events")
    await looks.until(team.campaign_id, nothing_left)
    await _check(bench.whole, platform_id, team, since)
    return bench.results.add("fanout_joins", rate, "a second")


def members(template: bytes, count: int) -> Sequence[str]:
    """Give the members of the first requests that are made from a template of a join."""
    name = pb.JoinTeamRequest.FromString(template).member_id
    return [name.replace(MARK, f"{number:010d}") for number in range(1, count + 1)]


async def _check(whole: Installation, platform_id: UUID, team: Team, since: datetime) -> None:
    """BenchError unless everybody who joined has a delivery that is pending."""
    async with await psycopg.AsyncConnection.connect(notification_database(whole), autocommit=True) as connection:
        [written] = await (await connection.execute(_WRITTEN, (platform_id, since))).fetchone() or (0,)
        [joined] = await (await connection.execute(_JOINED, (team.campaign_id, team.team_id))).fetchone() or (0,)
    if not joined or written != joined:
        raise BenchError(f"{joined:,} members joined, {written:,} deliveries are pending.")
