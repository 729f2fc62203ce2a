"""From a commit to a record that can be read, beside Kafka's own way there; and how much the relay carries."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

import psycopg

from services.chassis import ids, outbox
from services.chassis.messages import Message
from tests.bench.bench import Bench
from tests.bench.errors import BenchError
from tests.bench.kafka_beside import KafkaBeside, kafka_beside
from tests.bench.kafka_client import OTHERS, TOPIC
from tests.bench.parts.arrivals import LONGER, open_loop
from tests.bench.rounds import percentile

RATE = 50.0
"""Records a second, and events a second, that are timed."""
BACKLOG = 100_000
LONGEST_SECONDS = 30.0
_LOOK_SECONDS = 0.1


async def run(bench: Bench) -> None:
    """Measure."""
    spread = await bench.spread()
    async with kafka_beside(bench.whole.kafka.bootstrap) as kafka:
        for number in range(bench.rounds):
            bench.say(f"round {number + 1} of {bench.rounds}: commit to readable, at half of the maximum")
            rate = (await bench.join(spread)).rate / 2
            loaded = asyncio.create_task(open_loop(bench, spread, rate, bench.whole.service.address))
            await _latencies(bench, kafka)
            await loaded
    bench.results.ratio("relay_p99_to_kafka_rtt", "relay_p99", "kafka_rtt_p99")

    async def bulk(_round: int) -> float:
        return bench.results.add("relay_bulk_join", (await bench.join_many(spread)).rate, "a second")

    async def relay(_round: int) -> float:
        return bench.results.add("relay", await _carried(bench), "a second")

    await bench.interleaved({"bulk": bulk, "relay": relay})
    bench.results.ratio("relay_to_bulk_join", "relay", "relay_bulk_join")


async def _latencies(bench: Bench, kafka: KafkaBeside) -> None:
    """Time both ways side by side, while joins go on."""
    await asyncio.sleep(1)  # the load's own warm-up
    seconds = bench.seconds * LONGER - 1
    kafka.begin(seconds, RATE)
    committed = await _commit(bench.whole.database, seconds)
    seen = await kafka.seen(seconds)
    relayed = [max(seen["others"][key] - at, 0.0) for key, at in committed.items() if key in seen["others"]]
    if seen["lost"] or len(relayed) < len(committed):
        raise BenchError(f"{seen['lost']} records and {len(committed) - len(relayed)} events did not arrive in time.")
    for name, values in (("kafka_rtt", seen["own"]), ("relay", relayed)):
        for share in (50, 99):
            bench.results.add(f"{name}_p{share}", percentile(values, share / 100) * 1000, "ms")


async def _commit(database: str, seconds: float) -> dict[str, float]:
    """Commit events evenly, each in a transaction of its own; gives by key when each commit was answered."""
    committed: dict[str, float] = {}
    began = intended = time.monotonic()
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        while intended - began < seconds:
            intended += 1 / RATE
            await asyncio.sleep(max(intended - time.monotonic(), 0))
            key = f"{OTHERS}{len(committed)}"
            async with connection.transaction():
                await outbox.append(connection, [_event(key)])
            committed[key] = time.monotonic()
    return committed


def _event(key: str) -> Message:
    return Message(TOPIC, key, ids.new_id(), "groupbuy.team_formation.v1.Bench", 1, datetime.now(UTC), b"x" * 500, "")


async def _carried(bench: Bench) -> float:
    """Put many events into the outbox at once; gives how many the relay writes to Kafka a second."""
    async with await psycopg.AsyncConnection.connect(bench.whole.database, autocommit=True) as connection:
        first, last = await _copy_events(connection)
        began = time.monotonic()
        reached = first
        while reached < last and time.monotonic() - began < LONGEST_SECONDS:
            reached = await _reached(connection)
            await asyncio.sleep(_LOOK_SECONDS)
        return (min(reached, last) - first + 1) / (time.monotonic() - began)


async def _copy_events(connection: "psycopg.AsyncConnection[tuple[Any, ...]]") -> tuple[int, int]:
    """Write copies of events that joins have told; gives the first and the last position."""
    cursor = await connection.execute(
        "SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns"
        " WHERE table_schema = 'public' AND table_name = 'outbox' AND is_identity = 'NO'"
    )
    [columns] = await cursor.fetchone() or [""]
    async with connection.transaction():
        cursor = await connection.execute(
            f"WITH copies AS (INSERT INTO outbox ({columns}) SELECT {columns} FROM outbox"  # noqa: S608 - names quoted by the server
            " WHERE aggregatetype = 'groupbuy.team.v1' ORDER BY position DESC LIMIT %s RETURNING position)"
            " SELECT min(position), max(position), pg_notify(%s, '') FROM copies",
            (BACKLOG, outbox.WAKE_CHANNEL),
        )
        row = await cursor.fetchone()
    if row is None or row[0] is None:
        raise BenchError("The outbox has no events of joins that could be copied.")
    return int(row[0]), int(row[1])


async def _reached(connection: "psycopg.AsyncConnection[tuple[Any, ...]]") -> int:
    row = await (await connection.execute("SELECT min(position) FROM relay_positions")).fetchone()
    return int(row[0]) if row else 0
