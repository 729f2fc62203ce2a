"""What every part of the benchmark is given: the installation, how long to measure, and where results go."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from tests.bench.installation import Installation
from tests.bench.rounds import Results

Item = TypeVar("Item")


@dataclass
class Bench:
    """One run; `seconds` is the length of each measurement."""

    whole: Installation
    rounds: int
    seconds: float
    results: Results = field(default_factory=Results)

    def shuffled(self, items: Sequence[Item]) -> list[Item]:
        """Give items in an order without a pattern, the same in every run."""
        order = list(items)
        random.Random(len(order)).shuffle(order)  # noqa: S311 - an order, no secret
        return order
