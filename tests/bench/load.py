"""Load on one method: callers who call again as soon as they are answered, or arrivals that wait for nobody."""

import asyncio
import random
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from tests.bench.http1 import Http1
from tests.bench.http2 import Connection
from tests.bench.rounds import percentile

DRAIN_SECONDS = 10.0
_EXHAUSTED = "status 8:"
_SEEN = 20
"""So many failures are enough to know that the run is worth nothing."""


@dataclass
class Load:
    """Calls in turn over the connections; what is answered between `begin` and `end` counts."""

    connections: Sequence[Connection | Http1]
    requests: Iterator[bytes]
    keep_answers: bool = False
    limited: bool = False
    """Whether a refusal by a limit is no failure."""
    latencies: "array[float]" = field(default_factory=lambda: array("d"))
    """Seconds from the intended start of a call to its answer."""
    late: "array[float]" = field(default_factory=lambda: array("d"))
    """Seconds from the intended start of an open-loop call to its real one: the client's own lateness."""
    failures: Counter[str] = field(default_factory=Counter)
    answers: list[bytes] = field(default_factory=list)
    answered: int = 0
    """Calls that were answered without trouble, whenever that was."""
    delivered: int = 0
    """Calls that were made while it counted, and answered without trouble whenever that was."""
    refused: int = 0
    """Calls that a limit refused while it counted."""
    under_way: int = 0
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once it has stopped and no call is under way."""
    counting: bool = False
    stopped: bool = False
    _turn: int = 0

    def call(self, intended: float, then: Callable[[], None] | None = None) -> None:
        """Make one call; `then` comes after its answer."""
        request, counted = next(self.requests), self.counting
        self.under_way += 1

        def done(trouble: str, body: bytes) -> None:
            self.under_way -= 1
            self.answered += not trouble
            self.delivered += counted and not trouble
            if self.limited and trouble.startswith(_EXHAUSTED):
                self.refused += self.counting
            elif trouble:
                self.failures[trouble] += 1
            elif self.counting:
                self.latencies.append(time.perf_counter() - intended)
                if self.keep_answers:
                    self.answers.append(body)
            if then:
                then()
            if self.stopped and not self.under_way:
                self.idle.set()

        self._turn = (self._turn + 1) % len(self.connections)
        self.connections[self._turn].call(request, done)

    async def finish(self) -> None:
        """Stop, and wait for the calls under way; those without an answer count as failures."""
        self.counting, self.stopped = False, True
        if not self.under_way:
            return
        try:
            await asyncio.wait_for(self.idle.wait(), DRAIN_SECONDS)
        except TimeoutError:
            self.failures[f"no answer within {DRAIN_SECONDS:.0f} s"] += self.under_way


async def closed_loop(load: Load, callers: int, seconds: float) -> None:
    """Keep a number of callers calling."""

    def again() -> None:
        if not load.stopped and load.failures.total() < _SEEN:
            load.call(time.perf_counter(), again)

    for _ in range(callers):
        again()
    await asyncio.sleep(seconds)


async def open_loop(load: Load, rate: float, seconds: float, *, regular: bool, seed: int) -> None:
    """Call `rate` times a second on average, whatever the answers do: as a Poisson process, or evenly."""
    chance = random.Random(seed)  # noqa: S311 - arrivals that can be repeated, no secret
    began = intended = time.perf_counter()
    while intended - began < seconds and load.failures.total() < _SEEN:
        intended += 1 / rate if regular else chance.expovariate(rate)
        if (ahead := intended - time.perf_counter()) > 0:
            await asyncio.sleep(ahead)
        if load.counting:
            load.late.append(time.perf_counter() - intended)
        load.call(intended)
    await asyncio.sleep(0)


def summary(values: Sequence[float]) -> dict[str, float]:
    """Describe latencies by percentiles, in seconds; empty for none."""
    if not values:
        return {}
    shares = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999, "max": 1.0}
    return {name: percentile(values, share) for name, share in shares.items()}
