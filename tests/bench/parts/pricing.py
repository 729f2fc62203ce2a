"""Pricing beside joins: how fast it follows them alone and with them, settles a large team, builds its tables again."""

import asyncio
import json
import sys
import time
from asyncio.subprocess import PIPE
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from uuid import UUID, uuid4

import psycopg
from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition
from psycopg import AsyncConnection

from services.chassis.database import database_url
from tests.bench.backlog import until_empty
from tests.bench.bench import Bench
from tests.bench.errors import BenchError
from tests.bench.installation import Installation
from tests.bench.paths import environment
from tests.bench.seed import Team, new_teams

NAME = "pricing"
TOPIC = "groupbuy.team.v1"
TEAMS = 500
"""Opened by RPC: copies of teams have no events, and pricing follows events."""
FEW, MANY = 10_000, 100_000
"""Seats of the teams that are settled."""
LONGEST_SECONDS = 120.0
_LOOK_SECONDS = 0.05

Connection = AsyncConnection[tuple[Any, ...]]


async def run(bench: Bench) -> None:
    """Measure."""
    whole = bench.whole
    async with await psycopg.AsyncConnection.connect(database_url(whole.postgres.url, NAME), autocommit=True) as own:
        await until_empty(whole.database)
        await asyncio.to_thread(_begin_at_the_end, whole.kafka.bootstrap)
        before = await _published(whole)
        spread = bench.shuffled(await new_teams(whole, whole.campaign(), TEAMS))
        for number in range(bench.rounds):
            bench.say(
                f"round {number + 1} of {bench.rounds}: a backlog of bulk joins, followed alone, then built again"
            )
            await _alone(bench, own, before, spread)
            await _replay(bench)
            await _with_joins(bench, own, before, "spread", spread)
            await _with_joins(bench, own, before, "hot", await bench.hot())
        for count in (FEW, MANY):
            bench.say(f"settling {count:,} seats")
            await _settle(bench, own, count)
    results = bench.results
    results.ratio("pricing_alone_to_bulk_join", "pricing_alone", "pricing_bulk_join")
    results.ratio("replay_to_live", "replay", "pricing_alone")
    for name in ("spread", "hot"):
        results.ratio(f"pricing_with_joins_{name}", f"pricing_beside_{name}", f"pricing_join_{name}")
    bulk = results.figures["pricing_bulk_join"].median
    results.add("settlement_to_bulk_join", results.figures[f"settlement_{MANY}"].median / bulk, "")
    few, many = (results.figures[f"settlement_{count}_seconds"].median for count in (FEW, MANY))
    results.add("settlement_time_many_to_few", many / few, "")


async def _alone(bench: Bench, own: Connection, before: int, spread: list[Team]) -> None:
    """Join by the hundred while pricing is away; then have it follow, with nothing else going on.

    `before` counts the events that it does not read.
    """
    bench.results.add("pricing_bulk_join", (await bench.join_many(spread)).rate, "a second")
    await until_empty(bench.whole.database)
    async with _Followed(bench.whole, own, before) as pricing:
        bench.results.add("pricing_alone", await pricing.catch_up(), "a second")


async def _with_joins(bench: Bench, own: Connection, before: int, name: str, teams: list[Team]) -> None:
    """Have pricing follow while joins go on; what it consumed meanwhile, and what was left over at the end."""
    async with _Followed(bench.whole, own, before) as pricing:
        await pricing.catch_up()
        held = await _facts(own)
        outcome = await bench.join(teams)
        consumed = await _facts(own) - held
        window = outcome.seconds + 1.0  # and the client's second of warming up
        bench.results.add(f"pricing_join_{name}", outcome.rate, "a second")
        bench.results.add(f"pricing_beside_{name}", consumed / window, "a second")
        began = time.monotonic()
        await pricing.catch_up()
        bench.results.add(f"pricing_left_over_{name}", time.monotonic() - began, "s")


@dataclass
class _Followed:
    """Pricing, started, and ended with the block."""

    whole: Installation
    own: Connection
    before: int = 0

    async def __aenter__(self) -> Self:
        settings = {"LISTEN": f"127.0.0.1:{self.whole.ports['pricing']}", "MAX_PARKED_KEYS": "1"}
        self.pid = (await self.whole.run(NAME, "services.pricing", **settings)).pid
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.whole.end(NAME)

    async def catch_up(self) -> float:
        """Wait until every event of the topic was applied; gives the rate from the first look that saw progress on."""
        ends = time.monotonic() + LONGEST_SECONDS
        wanted = await _published(self.whole) - self.before
        start = reached = await _applied(self.own)
        began = last = time.monotonic()
        while reached < wanted:
            await asyncio.sleep(_LOOK_SECONDS)
            now = await _applied(self.own)
            if start == reached and now > reached:
                start, began = now, time.monotonic()  # connecting, and the first batch, are over
            reached, last = now, time.monotonic()
            if last > ends:
                raise BenchError(f"Pricing has applied {reached:,} of {wanted:,} events in {LONGEST_SECONDS:.0f} s.")
        return (reached - start) / max(last - began, _LOOK_SECONDS)


async def _published(whole: Installation) -> int:
    """Count the events of the teams that pricing can follow: those that were opened by RPC."""
    await until_empty(whole.database)
    async with await psycopg.AsyncConnection.connect(whole.database, autocommit=True) as connection:
        query = (
            "SELECT coalesce(sum(last), 0) FROM (SELECT max(sequence) AS last FROM outbox WHERE aggregatetype = %s"
            " GROUP BY aggregateid HAVING min(sequence) = 1) AS teams"
        )
        row = await (await connection.execute(query, (TOPIC,))).fetchone()
    return int(row[0]) if row else 0


async def _applied(own: Connection) -> int:
    row = await (
        await own.execute("SELECT coalesce(sum(sequence), 0) FROM inbox WHERE topic = %s", (TOPIC,))
    ).fetchone()
    return int(row[0]) if row else 0


async def _facts(own: Connection) -> int:
    row = await (await own.execute("SELECT count(*) FROM facts WHERE kind = 'SeatHeld'")).fetchone()
    return int(row[0]) if row else 0


async def _replay(bench: Bench) -> None:
    """Build the tables again as `groupbuy replay` does; BenchError where they differ."""
    whole = bench.whole
    settings = {f"GROUPBUY_{key}": value for key, value in whole.settings().items()}
    own = {"GROUPBUY_LISTEN": "127.0.0.1:0", "GROUPBUY_OPS_LISTEN": "127.0.0.1:0"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "services.pricing", "replay"), stdout=PIPE, env=environment(**settings, **own)
    )
    out, _ = await process.communicate()
    if process.returncode:
        raise BenchError(f"The replay ended with code {process.returncode}: {out.decode()[:500]}")
    found = json.loads(out)
    bench.results.add("replay", found["events"] / found["seconds"], "a second")


async def _settle(bench: Bench, own: Connection, count: int) -> None:
    """Have pricing settle a team that formed with many seats; its memory before and at the end."""
    campaign = await _formed_team(own, count)
    async with _Followed(bench.whole, own) as pricing:
        before, began = _resident(pricing.pid), time.monotonic()
        while await _open_jobs(own, campaign):
            await asyncio.sleep(_LOOK_SECONDS)
            if time.monotonic() - began > LONGEST_SECONDS:
                raise BenchError(f"{count:,} seats were not settled in {LONGEST_SECONDS:.0f} s.")
        seconds = time.monotonic() - began
        bench.results.add(f"settlement_{count}_seconds", seconds, "s")
        bench.results.add(f"settlement_{count}", count / seconds, "a second")
        bench.results.add(f"settlement_{count}_memory", (_resident(pricing.pid) - before) / 1024, "MiB")


async def _formed_team(own: Connection, count: int) -> UUID:
    """Write what pricing has of a team that formed with so many confirmed seats, and the job of their lines."""
    campaign, team, platform = uuid4(), uuid4(), uuid4()
    ids = {"campaign": campaign, "team": team, "platform": platform, "count": count}
    for statement in _FORMED:
        await own.execute(statement, ids)
    return campaign


_FORMED = (
    (
        "INSERT INTO price_tables (campaign_id, ladder_version, platform_id, currency, basis)"
        " VALUES (%(campaign)s, 1, %(platform)s, 'EUR', 'TEAM_MEMBERS')"
    ),
    (
        "INSERT INTO price_steps (campaign_id, ladder_version, place, threshold, platform_id, sku, role, unit_price,"
        " tier, discount_value, discount_sku) SELECT %(campaign)s, 1, 1, step.threshold, %(platform)s, 'mango',"
        " 'MEMBER', step.price, step.tier, 0, '' FROM (VALUES (0, 3990, 0), (5, 2490, 1))"
        " AS step (threshold, price, tier)"
    ),
    (
        "INSERT INTO teams (campaign_id, team_id, platform_id, merchant_id, payment_mode, ladder_version, state,"
        " version, confirmed_members, confirmed_units, held_members, held_units, fill, fill_version, ended_version,"
        " formed_version, price_sequence, settlement_sequence)"
        " VALUES (%(campaign)s, %(team)s, %(platform)s, 'merchant', 'PREPAID', 1,"
        " 'FORMED', %(count)s + 1, %(count)s, %(count)s, 0, 0, %(count)s, %(count)s, %(count)s + 1, %(count)s + 1, 0,"
        " %(count)s)"
    ),
    (
        "INSERT INTO seats (campaign_id, seat_id, team_id, platform_id, member_id, sku, role, quantity, cap, cap_fill,"
        " state, payment_reference, number) SELECT %(campaign)s, gen_random_uuid(), %(team)s, %(platform)s, 'm' || n,"
        " 'mango', 'MEMBER', 1, 3990, 1, 'CONFIRMED', 'pay-' || n, n FROM generate_series(1, %(count)s) AS n"
    ),
    "ANALYZE seats",
    (
        "INSERT INTO settlement_jobs (campaign_id, team_id, version, platform_id, cause, cause_event_id, occurred_at,"
        " first_sequence, lines, done, after_number, amount, payment_reference) VALUES (%(campaign)s, %(team)s,"
        " %(count)s + 1, %(platform)s, 'TEAM_FORMED', gen_random_uuid(), clock_timestamp(), 1, %(count)s, 0, 0, 0, '')"
    ),
)


async def _open_jobs(own: Connection, campaign: UUID) -> bool:
    return bool(await (await own.execute("SELECT FROM settlement_jobs WHERE campaign_id = %s", (campaign,))).fetchone())


def _resident(pid: int) -> int:
    """Tell how much memory a process has, in KiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def _begin_at_the_end(bootstrap: str) -> None:
    """Have pricing begin with what comes now: the events so far are of copied teams, whose first ones do not exist."""
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap.split(","), group_id=f"groupbuy-{NAME}", enable_auto_commit=False
    )
    parts = [TopicPartition(TOPIC, number) for number in consumer.partitions_for_topic(TOPIC) or ()]
    consumer.assign(parts)
    ends = consumer.end_offsets(parts)
    consumer.commit({part: OffsetAndMetadata(end, "", -1) for part, end in ends.items()})
    consumer.close()
