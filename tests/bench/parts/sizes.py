"""What one member leaves behind: bytes by table, in the topics and in PostgreSQL's log, and the CPU of each service.

A member joins, mostly pays, and is told by a message; teams have up to 20. Sizes do not follow what else the machine
does. They are what docs/scaling.md and `make capacity` reckon with.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import psycopg

from deploy.check.runner import SERVICES
from services.chassis import ids
from services.chassis.database import database_url
from services.notification.domain import Point
from services.team_formation import translate
from tests.bench.bench import Bench
from tests.bench.consuming import Lookout, lookout, nothing_left, pricing_database, pricing_from_now
from tests.bench.cpu import spent
from tests.bench.crowd import notification_database, opened_database, register
from tests.bench.errors import BenchError
from tests.bench.installation import Installation
from tests.bench.notified import notification_from_now, platform_of
from tests.bench.sinking import a_sink
from tests.support.crowd import Crowd

MEMBERS = 1_000
TEAMS = 32
"""Filled at a time, up to 20 members each."""
LONGEST_SECONDS = 120.0
_MICRO = 1e6

_TABLES = (
    "SELECT c.oid::regclass::text, pg_total_relation_size(c.oid) FROM pg_class AS c"
    " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'"
)
_UNSETTLED = "SELECT count(*) FROM settlement_jobs"
_UNTOLD = (
    "SELECT (SELECT count(*) FROM deliveries WHERE state = 'PENDING') + (SELECT count(*) FROM join_digests)"
    " + (SELECT count(*) FROM fanout_jobs)"
)
_LOOK_SECONDS = 0.2
_LOG = "SELECT pg_current_wal_insert_lsn() - '0/0'"


@dataclass(frozen=True)
class Sizes:
    """Bytes at a moment."""

    tables: Mapping[str, int]
    """By `service.table`; the days of the outbox together."""
    topics: Mapping[str, int]
    log: int


async def run(bench: Bench) -> None:
    """Measure once, whatever the rounds: what is stored does not vary."""
    whole = bench.whole
    async with (
        a_sink() as sink,
        opened_database(whole) as database,
        pricing_from_now(whole) as looks,
        notification_from_now(whole, WEBHOOK_PRIVATE_ADDRESSES="allow"),
    ):
        crowd = Crowd(whole.service.address, whole.key)
        campaign = await crowd.campaign(maximum=20, scarce=True)
        names = [*(f"regular-{n}" for n in range(400)), *(f"member-{crowd.seed}-{n}" for n in range(10 * MEMBERS))]
        [campaign_id] = ids.parse(translate.CAMPAIGN, campaign, 1) or ()
        platform = await platform_of(whole, campaign_id)
        await register(whole, database, platform, names, Point("webhook", sink.url))
        bench.say(f"{MEMBERS:,} members join and mostly pay")
        before, meter = await sizes(whole), whole.meter
        began = meter.read()
        members = await _live(crowd, campaign)
        bench.say("until everything has arrived, and everybody was told")
        await _arrived(whole, campaign_id, looks)
        await crowd.close()
        for program, seconds in spent(began, meter.read()).items():
            bench.results.add(f"sizes_cpu_{program}", seconds / members * _MICRO, "us each")
        note(bench, members, before, await sizes(whole))


async def _live(crowd: Crowd, campaign: str) -> int:
    """Have so many members join and mostly pay; gives how many it were."""
    stop = asyncio.Event()
    living = asyncio.create_task(crowd.live(campaign, TEAMS, stop))
    await crowd.more(2 * MEMBERS, living)
    stop.set()
    await living
    return len(crowd.seats())


async def _arrived(whole: Installation, campaign: UUID, looks: Lookout) -> None:
    """Wait until both consumers have applied everything, all is settled and everybody was told."""
    await looks.until(campaign, nothing_left)
    async with lookout(whole, notification_database(whole)) as theirs:
        await theirs.until(campaign, nothing_left)
    for url, query in ((pricing_database(whole), _UNSETTLED), (notification_database(whole), _UNTOLD)):
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            ends = asyncio.get_running_loop().time() + LONGEST_SECONDS
            while (await (await connection.execute(query)).fetchone() or (0,))[0]:
                if asyncio.get_running_loop().time() > ends:
                    raise BenchError(f"Within {LONGEST_SECONDS:.0f} s there was no end to: {query}")
                await asyncio.sleep(_LOOK_SECONDS)


async def sizes(whole: Installation) -> Sizes:
    """Look at everything that is kept."""
    tables, log = Counter[str](), 0
    for service in SERVICES:
        async with await psycopg.AsyncConnection.connect(database_url(whole.postgres.url, service)) as connection:
            for table, size in await (await connection.execute(_TABLES)).fetchall():
                tables[f"{service}.{'outbox' if table.startswith('outbox') else table}"] += size
            [log] = await (await connection.execute(_LOG)).fetchone() or (0,)
    topics = Counter[str]()
    for path in (whole.kafka.data / "logs").glob("groupbuy.*/*.log"):
        topics[path.parent.name.rpartition("-")[0]] += path.stat().st_size
    return Sizes(tables, topics, int(log))


def note(bench: Bench, members: int, before: Sizes, after: Sizes) -> None:
    """Note what came to what was there, for one member."""
    bench.results.add("sizes_members", members, "members")
    for name, size in sorted(after.tables.items()):
        if grown := size - before.tables.get(name, 0):
            bench.results.add(f"sizes_{name}", grown / members, "bytes")
    for name, size in sorted(after.topics.items()):
        if grown := size - before.topics.get(name, 0):
            bench.results.add(f"sizes_{name}", grown / members, "bytes")
    bench.results.add("sizes_log", (after.log - before.log) / members, "bytes")
