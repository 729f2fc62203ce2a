"""Faust's totals are SQL's totals, with workers added, removed and killed, on every broker."""

import asyncio
import contextlib
import random
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from groupbuy.pricing.v1 import events_pb2

from services.chassis.topics import create_topics
from tests.contract.conftest import Client
from tests.support.brokers import BrokerProcess
from tests.support.database import Database, database, database_server
from tests.support.demand import COUNTED, DEMAND, TALLIES, DemandWorkers, Tallies
from tests.support.until import until

__all__ = ["database", "database_server"]

CHANGES = 10
MOST_WORKERS = 3
CAMPAIGNS = 40
EACH = 60


@pytest.fixture
async def workers(broker: BrokerProcess, tmp_path: Path) -> AsyncIterator[DemandWorkers]:
    """Workers that are killed at the end, if any are left; a failure shows their logs."""
    await create_topics(broker.bootstrap)
    made = DemandWorkers(broker.bootstrap, tmp_path)
    try:
        yield made
    finally:
        print(made.logs())  # pytest shows it where the test fails  # noqa: T201
        await made.end()


class Told:
    """What groupbuy.demand.v1 says last of each campaign."""

    def __init__(self, consumer: Any, campaigns: set[str]) -> None:
        self._consumer = consumer
        self._campaigns = campaigns
        self.last: dict[str, events_pb2.DemandEvent] = {}
        self.records = 0

    def read(self) -> dict[str, tuple[int, ...]]:
        """Read on, and give sequence and totals of each campaign; a lower sequence is a repeat."""
        for batch in self._consumer.poll(timeout_ms=200).values():
            for record in batch:
                event = events_pb2.DemandEvent.FromString(record.value)
                assert record.key.decode() == event.campaign_id
                if event.campaign_id in self._campaigns:
                    self._take(event)
        return {name: _sums(event) for name, event in self.last.items()}

    def _take(self, event: events_pb2.DemandEvent) -> None:
        self.records += 1
        before = self.last.get(event.campaign_id)
        if before is None or event.sequence > before.sequence:
            self.last[event.campaign_id] = event


def _sums(event: events_pb2.DemandEvent) -> tuple[int, ...]:
    return event.sequence, *(getattr(event.demand_counted.totals, name) for name in COUNTED)


@pytest.mark.timeout(400)
async def test_faust_totals_are_sql_totals_with_workers_added_removed_and_killed(
    broker: BrokerProcess,
    producer: Client,
    consumer: Client,
    database: Database,
    workers: DemandWorkers,
    clients: contextlib.ExitStack,
) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    chance = random.Random(seed)  # noqa: S311 - the seed is printed, so that a failure can be seen again
    tallies = Tallies(await database(""), CAMPAIGNS, chance)
    clients.callback(tallies.close)
    sender = producer()
    told = Told(consumer(DEMAND), set(map(tallies.name, tallies.campaigns)))
    done: list[str] = []

    def tell(count: int) -> None:
        for _ in range(count):
            key, value = tallies.next()
            sender.send(TALLIES, value, key=key)
        sender.flush()

    await workers.add()
    for _ in range(CHANGES):
        await asyncio.to_thread(tell, EACH)
        change = asyncio.create_task(_change(workers, chance, done))
        while not change.done():  # they change while tallies come
            await asyncio.to_thread(tell, 5)
            await asyncio.sleep(0.05)
        await change
    if not workers.running:
        await workers.add()
    await asyncio.to_thread(tell, EACH)

    wanted = tallies.sums()
    try:
        await until(lambda: asyncio.to_thread(told.read), seconds=30)
        await until(lambda: _same(told, wanted, workers), seconds=90)
    except AssertionError:
        found = told.read()
        wrong = {name: (sums, found.get(name)) for name, sums in wanted.items() if found.get(name) != sums}
        pytest.fail(f"seed {seed}, changes {done}: SQL and Faust differ: {wrong}")
    for name, event in told.last.items():
        assert sum(window.joins for window in event.demand_counted.quarters) == wanted[name][1], f"seed {seed}"
    total = sum(sums[1] for sums in wanted.values())
    print(  # noqa: T201
        f"demand on {broker.kind}: after {len(done)} changes ({', '.join(done)}) {len(wanted)} campaigns,"
        f" {sum(sums[0] for sums in wanted.values())} tallies: joins in SQL {total}, in Faust"
        f" {sum(_sums(event)[1] for event in told.last.values())}; {told.records} records written;"
        f" {workers.revived} workers ended by themselves and were started again; seed {seed}"
    )


async def _same(told: Told, wanted: dict[str, tuple[int, ...]], workers: DemandWorkers) -> bool:
    workers.revived += await workers.revive()
    return await asyncio.to_thread(told.read) == wanted


async def _change(workers: DemandWorkers, chance: random.Random, done: list[str]) -> None:
    """Add a worker, remove one in order, kill one for good, or kill one that comes back with its folder."""
    workers.revived += await workers.revive()
    kinds = ["add"] if not workers.running else ["add", "remove", "kill", "kill and restart"]
    if len(workers.running) >= MOST_WORKERS:
        kinds.remove("add")
    kind = chance.choice(kinds)
    done.append(kind)
    if kind == "add":
        await workers.add()
    elif kind == "kill and restart":
        await workers.again(chance.choice(workers.running))
    else:
        await workers.remove(chance.choice(workers.running), signal.SIGTERM if kind == "remove" else signal.SIGKILL)
