"""What one member leaves behind, in bytes: `python -m tests.bench.sizes`, half a minute, needs no Kafka.

Members join teams of up to 20, mostly pay, and are told, in the three services within this process, on a PostgreSQL of
its own; events are carried by hand. Bytes do not follow what else the machine does. What is printed is what
deploy/capacity/figures.toml has: tables by `service.table`, topics as Kafka stores their records without compression.
"""

import asyncio
import io
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
from groupbuy.team_formation.v1.team_formation_service_pb2_grpc import TeamFormationStub

from deploy.local.postgres import LocalPostgres
from services.chassis.coalesce import Coalescer
from services.chassis.messages import fixed_headers
from services.notification.accounts import Accounts
from services.notification.channels.console import ConsoleChannel
from services.notification.contacts import Contacts
from services.notification.domain import Limits, Member, Point
from services.notification.flights import Pace
from services.notification.recorder import Attempted, Recorder
from services.notification.sender import Sender
from tests.bench.cpu import cpu_seconds
from tests.support.crowd import Crowd
from tests.support.database import DatabaseServer
from tests.support.engine import KEY, Engine, an_engine, served
from tests.support.formation import PLATFORM
from tests.support.notifying import SEALER, Notifying, a_sandbox

MEMBERS, TEAMS = 1_000, 16
"""Members that join, at least, and teams that are filled at a time."""
NAMES = 20_000
"""Members that notification knows: more than join."""
TEAM_LIFETIME = timedelta(minutes=31)
"""Longer than that of the teams."""
LIMITS = Limits(attempts=5, age=timedelta(days=1))
RECORD_BYTES = 20
"""Of a record in Kafka's format besides its key, value and headers."""
HEADER_BYTES = 3
"""Of a header besides its name and value; ce_id and ce_time are a record's own."""
OWN_HEADER_BYTES = len("ce_id") + 36 + len("ce_time") + 27 + 2 * HEADER_BYTES
TRACE_BYTES = len("traceparent") + 55 + HEADER_BYTES

_TABLES = (
    "SELECT c.oid::regclass::text, pg_total_relation_size(c.oid) FROM pg_class AS c"
    " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'"
)
_EVENTS = (
    "SELECT aggregatetype, type, count(*), sum(length(payload) + length(aggregateid)), count(*) FILTER"
    " (WHERE traceparent <> '') FROM outbox GROUP BY aggregatetype, type"
)
_LOG_NAME = "log"
_MICRO = 1e6
_LOG = "SELECT pg_current_wal_insert_lsn() - '0/0'"


async def main() -> int:
    """Measure, and print sections for the file of figures."""
    with tempfile.TemporaryDirectory(prefix="groupbuy-sizes-") as folder:
        postgres = LocalPostgres(Path(folder), 0)
        await postgres.start()
        server = DatabaseServer(postgres.url)

        async def make(service: str) -> str:
            return server.database_url(await server.create(await server.template(service)))

        try:
            async with an_engine(make) as engine, served(engine) as channels:
                stub = TeamFormationStub(channels["groupbuy.team_formation.v1.TeamFormation"])
                sys.stdout.write("\n".join([*await _measured(engine, stub, postgres.pid or 0), ""]))
        finally:
            server.close()
            await postgres.stop()
    return 0


async def _measured(engine: Engine, stub: Any, postgres: int) -> list[str]:
    """Have members join and be told, and give what each left."""
    empty = await _kept(engine)
    await _register(engine)
    before, began = await _kept(engine), cpu_seconds(postgres, family=True)
    crowd = Crowd("127.0.0.1:1", KEY)
    crowd._stubs = [stub]
    stop = asyncio.Event()
    living = asyncio.create_task(crowd.live(await crowd.campaign(maximum=20, scarce=True), TEAMS, stop))
    await crowd.more(2 * MEMBERS, living)
    stop.set()
    await living
    await _end(engine)
    await _send(engine.notification)
    spent, after = cpu_seconds(postgres, family=True) - began, await _kept(engine)
    members = len(crowd.seats())
    grown = {name: (size - before.get(name, 0)) / members for name, size in after.items()}
    known = sum(before[name] - empty[name] for name in ("notification.members", "notification.contact_points"))
    return [
        f"# {members} members",
        "[cpu.microseconds]",
        f"postgres = {spent / members * _MICRO:.0f}",
        "[sizes]",
        f"log = {grown.pop(_LOG_NAME):.0f}",
        f"known_member = {known / NAMES:.0f}",
        *("[sizes.tables]", *(f'"{name}" = {size:.0f}' for name, size in sorted(grown.items()) if size >= 1)),
        *("[sizes.topics]", *[f'"{name}" = {size / members:.0f}' for name, size in (await _topics(engine)).items()]),
    ]


async def _end(engine: Engine) -> None:
    """Have every team end and be settled, and carry all that was told."""
    await engine.carry()
    engine.formation.clock.move(TEAM_LIFETIME)
    while await engine.formation.finder.run_once():
        pass
    await engine.carry()
    while await _waiting(engine):  # a turn that makes no line ends carry's own
        await engine.pricing.settle()
    await engine.carry()


async def _waiting(engine: Engine) -> int:
    [row] = await engine.pricing.rows("SELECT count(*) AS jobs FROM settlement_jobs")
    return int(row["jobs"])


async def _register(engine: Engine) -> None:
    """Have notification know everybody who will join, and more."""
    names = [*(f"regular-{number}" for number in range(400)), *(f"member-7-{number}" for number in range(NAMES - 400))]
    contacts = Contacts(SEALER)
    for start in range(0, NAMES, 1000):
        members = [
            (PLATFORM, Member(name, "en", "UTC", (Point("console", f"console of {name}"),)))
            for name in names[start : start + 1000]
        ]
        async with engine.notification.database.work() as work:
            await contacts.save(work.connection, members, engine.notification.clock.now)


async def _send(notification: Notifying) -> None:
    """Send all that is due to nowhere, and record it."""
    recorder = Recorder(notification.database, notification.clock, LIMITS, lambda: 1.0)
    outcomes: Coalescer[Attempted, None] = Coalescer("outcomes", recorder.record)
    recording = asyncio.create_task(outcomes.run())
    console = ConsoleChannel(io.StringIO())
    sender = Sender(
        notification.database,
        notification.clock,
        {console.name: console},
        Accounts(SEALER),
        Contacts(SEALER),
        outcomes.submit,
        limits=LIMITS,
        pace=Pace(),
        sandbox=a_sandbox({console.name: console}, notification.clock),
    )
    while await sender.run_once():
        await sender.idle()
    await sender.stop()
    recording.cancel()
    await asyncio.wait([recording])


async def _kept(engine: Engine) -> dict[str, int]:
    """Look at the bytes of each table, the days of the outbox together, and of the log."""
    tables = Counter[str]()
    for service, url in engine.urls.items():
        async with await psycopg.AsyncConnection.connect(url) as connection:
            for table, size in await (await connection.execute(_TABLES)).fetchall():
                tables[f"{service}.{'outbox' if table.startswith('outbox') else table}"] += size
            [log] = await (await connection.execute(_LOG)).fetchone() or (0,)
            tables[_LOG_NAME] = int(log)
    return dict(tables)


async def _topics(engine: Engine) -> Mapping[str, int]:
    """Add up what Kafka stores of all events, from the outboxes."""
    topics = Counter[str]()
    for url in engine.urls.values():
        async with await psycopg.AsyncConnection.connect(url) as connection:
            for topic, fact, count, size, traced in await (await connection.execute(_EVENTS)).fetchall():
                fixed = sum(len(name) + len(value) + HEADER_BYTES for name, value in fixed_headers(topic, fact))
                each = RECORD_BYTES + fixed + OWN_HEADER_BYTES
                topics[topic] += size + count * each + traced * TRACE_BYTES
    return topics


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
