"""How long messages of one channel take while another channel is dead, over how long they take without it.

Messages arrive by chance at half of what the sender can do. The dead channel is e-mail to a server that takes
connections and says nothing; it is offered as many messages, each attempt runs into its time-out and is made again.
"""

import asyncio
import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from services.chassis.database import Database
from services.notification.domain import Point, Seat
from tests.bench.bench import Bench
from tests.bench.crowd import Crowd, a_crowd, forget, opened_database, tell
from tests.bench.errors import BenchError
from tests.bench.installation import Installation
from tests.bench.parts.arrivals import LONGER
from tests.bench.rounds import Variant, percentile
from tests.bench.sending import a_sender, sent, steady_rate
from tests.bench.sinking import Sink, a_sink

MEMBERS = 1_500
ATTEMPT_SECONDS = 2
"""The longest time of one attempt: so short that time-outs and further attempts are part of what is measured."""
_BATCH_SECONDS = 0.01
"""What arrives in so long is written in one transaction, as events are."""
_FEW = 100


async def run(bench: Bench) -> None:
    """Measure."""
    whole = bench.whole
    async with a_sink() as sink, opened_database(whole) as database:
        quick = await a_crowd(whole, database, MEMBERS, Point("webhook", sink.url))
        dead = await a_crowd(whole, database, MEMBERS, Point("email", "somebody@example.com"))
        rate = await _half_load(bench, database, sink, quick)
        await bench.interleaved(
            {
                "without a dead channel": _variant(bench, database, sink, rate, [quick]),
                "with a dead channel": _variant(bench, database, sink, rate, [quick, dead]),
            }
        )
    bench.results.ratio("slow_channel_p99", "slow_channel_with_dead_p99", "slow_channel_without_p99")


async def _half_load(bench: Bench, database: Database, sink: Sink, quick: Crowd) -> float:
    """Give half of how many messages a second the sender sends when all are there."""
    bench.say("what the sender can do")
    async with a_sender(bench.whole):
        since = datetime.now(UTC)
        await tell(database, quick, quick.seats)
        times = await sent(bench.whole, quick.team.platform_id, since, "webhook")
    await sink.taken()
    return bench.results.add("slow_channel_offered", steady_rate([at for _, at in times.values()]) / 2, "a second")


def _variant(bench: Bench, database: Database, sink: Sink, rate: float, crowds: Sequence[Crowd]) -> Variant:
    whole, quick = bench.whole, crowds[0]
    name = "with_dead" if crowds[1:] else "without"

    async def measured(_round: int) -> float:
        settings = {"SMTP": sink.dead, "SEND_SECONDS": str(ATTEMPT_SECONDS)}
        async with a_sender(whole, **settings):
            await _warm_up(whole, database, quick)
            await sink.taken()
            since = datetime.now(UTC)
            offered, *_ = await asyncio.gather(
                *[_arrive(database, crowd, rate, bench.seconds * LONGER) for crowd in crowds]
            )
            times = await sent(whole, quick.team.platform_id, since, "webhook")
        for crowd in crowds[1:]:
            await forget(whole, crowd)
        delivered = len(times)
        if delivered != offered or len(await sink.taken()) != offered:
            raise BenchError(f"{offered:,} messages were offered, {delivered:,} delivered.")
        waits = [ended - written for written, ended in times.values()]
        bench.results.add(f"slow_channel_{name}_p50", percentile(waits, 0.5) * 1000, "ms")
        return bench.results.add(f"slow_channel_{name}_p99", percentile(waits, 0.99) * 1000, "ms")

    return measured


async def _warm_up(whole: Installation, database: Database, crowd: Crowd) -> None:
    since = datetime.now(UTC)
    await tell(database, crowd, crowd.seats[:_FEW])
    await sent(whole, crowd.team.platform_id, since, "webhook")


async def _arrive(database: Database, crowd: Crowd, rate: float, seconds: float) -> int:
    """Have messages arrive as a Poisson process; gives how many did."""
    chance = random.Random(len(crowd.seats))  # noqa: S311 - arrivals that can be repeated, no secret
    began = time.monotonic()
    arrival, arrived = chance.expovariate(rate), 0
    while arrival < seconds:
        batch: list[Seat] = []
        await asyncio.sleep(max(began + arrival - time.monotonic(), 0) + _BATCH_SECONDS)
        while arrival < min(time.monotonic() - began, seconds):
            batch.append(crowd.seats[arrived % len(crowd.seats)])
            arrival, arrived = arrival + chance.expovariate(rate), arrived + 1
        await tell(database, crowd, batch)
    return arrived
