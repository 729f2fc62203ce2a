"""How much one process sends, beside a bare loop of the same HTTP client, to a sink that answers in 50 ms.

Once at the concurrency that a channel has by default, where both wait for the sink, and once so wide that the processor
is what counts.
"""

import asyncio
import sys
from collections.abc import Mapping
from datetime import UTC, datetime

from services.chassis.database import Database
from services.notification.domain import Point
from tests.bench.bench import Bench
from tests.bench.cpu import spent
from tests.bench.crowd import Crowd, a_crowd, opened_database, tell
from tests.bench.errors import BenchError
from tests.bench.memory import peak_memory
from tests.bench.paths import environment
from tests.bench.rounds import Variant
from tests.bench.sending import SENDER, a_sender, sent, steady_rate
from tests.bench.sinking import MILLISECONDS, Sink, a_sink

CONCURRENCY: Mapping[str, int] = {"": 32, "_wide": 256}
"""Attempts under way at once: as by default, and wide; by what the names of figures end with."""
_MICRO = 1e6


async def run(bench: Bench) -> None:
    """Measure; each round sends to everybody of a team, once by the sender and once by the bare loop."""
    async with a_sink() as sink, opened_database(bench.whole) as database:
        to = Point("webhook", sink.url)
        crowds = {
            name: await a_crowd(bench.whole, database, _count(bench, wide), to) for name, wide in CONCURRENCY.items()
        }
        variants: dict[str, Variant] = {}
        for name, crowd in crowds.items():
            variants[f"sender{name}"] = _sender(bench, database, sink, crowd, name)
            variants[f"bare client{name}"] = _bare(bench, sink, len(crowd.seats), name)
        await bench.interleaved(variants)
    for name in CONCURRENCY:
        bench.results.ratio(f"send_to_bare_client{name}", f"send{name}", f"send_bare_client{name}")


def _count(bench: Bench, concurrency: int) -> int:
    """Give how many messages take the sender about as long as a measurement, at half of what the sink allows."""
    return max(int(min(concurrency / (MILLISECONDS / 1000) / 2, 1000) * bench.seconds), 100)


def _sender(bench: Bench, database: Database, sink: Sink, crowd: Crowd, name: str) -> Variant:
    whole, wide = bench.whole, str(CONCURRENCY[name])

    async def measured(_round: int) -> float:
        async with a_sender(whole, SEND_CONCURRENCY=str(max(96, int(wide))), CHANNEL_CONCURRENCY=wide) as program:
            since = datetime.now(UTC)
            told = await tell(database, crowd, crowd.seats)
            before = whole.meter.read()
            times = await sent(whole, crowd.team.platform_id, since, "webhook")
            cpu = spent(before, whole.meter.read())
            bench.results.add(f"send{name}_peak_memory", peak_memory(program.pid), "MiB")
        for process in (SENDER, "postgres"):
            bench.results.add(f"send{name}_cpu_{process}", cpu[process] / len(told) * _MICRO, "us each")
        if sorted(key for key, _ in await sink.taken()) != sorted(map(str, told)) or set(times) != set(told):
            raise BenchError("Not every message reached the sink exactly once.")
        return bench.results.add(f"send{name}", steady_rate([at for _, at in times.values()]), "a second")

    return measured


def _bare(bench: Bench, sink: Sink, count: int, name: str) -> Variant:
    async def measured(_round: int) -> float:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "tests.bench.bare_client", sink.url, str(count), str(CONCURRENCY[name])),
            env=environment(),
        )
        if await process.wait():
            raise BenchError("The bare client failed; it said why above.")
        return bench.results.add(
            f"send_bare_client{name}", steady_rate([at for _, at in await sink.taken()]), "a second"
        )

    return measured
