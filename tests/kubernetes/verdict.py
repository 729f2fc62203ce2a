"""What a load was told while something happened, and whether that keeps the promise."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.kubernetes.calling import Count, Way
from tests.kubernetes.errors import FoundError
from tests.kubernetes.load import Load, unexpected

AFTER_CALLS = 10
"""So many more calls of each way belong to what happened: its effect may come a moment later."""


@dataclass
class Told:
    """What came of the calls during one scene."""

    calls: int = 0
    again: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    unexpected: dict[str, int] = field(default_factory=dict)
    slowest: float = 0.0

    def read(self, counts: Mapping[Way, Count]) -> None:
        """Sum up counts of each way."""
        for way, count in counts.items():
            self.calls += count.calls
            self.again += count.again
            self.failed += [f"{way.value}: {failure}" for failure in count.failed]
            self.slowest = max(self.slowest, count.slowest)
        self.unexpected = unexpected(list(counts.values()))

    def keep(self, what: str) -> None:
        """Raise FoundError unless every call was answered as it should be, by the policy's end."""
        if self.failed or self.unexpected:
            raise FoundError(f"{what}: {len(self.failed)} calls failed: {self.failed[:5]}, refused {self.unexpected}")

    def __str__(self) -> str:
        again = ", ".join(f"{times} {code}" for code, times in self.again.items()) or "none"
        return f"{self.calls} calls, {len(self.failed)} failed; sent again: {again}; slowest {self.slowest:.2f} s"


@asynccontextmanager
async def told(load: Load) -> AsyncIterator[Told]:
    """Give what the load is told while this lasts; it is complete afterwards."""
    result = Told()
    before = load.counts()
    yield result
    await load.more(AFTER_CALLS)
    result.read(since(load, before))


def since(load: Load, before: Mapping[Way, Count]) -> dict[Way, Count]:
    """Give what came of the calls since a reading."""
    return {way: count.less(before[way]) for way, count in load.counts().items()}
