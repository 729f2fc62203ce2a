"""Rounds: what is compared runs in turns, and each ratio is taken within its round: a slow minute harms both."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

Variant = Callable[[int], Awaitable[float]]
"""Measures one variant in the round of a number and gives its value."""


@dataclass
class Figure:
    """One thing measured, once a round."""

    unit: str
    rounds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """The middle one of its rounds."""
        return median(self.rounds)


@dataclass
class Results:
    """All that a run measured, by name."""

    figures: dict[str, Figure] = field(default_factory=dict)
    ratios: dict[str, Figure] = field(default_factory=dict)

    def add(self, name: str, value: float, unit: str) -> float:
        """Note what a round measured, and give it back; ValueError if the name had another unit before."""
        figure = self.figures.setdefault(name, Figure(unit))
        if figure.unit != unit:
            raise ValueError(f"{name} is measured in {figure.unit}, not in {unit}")
        figure.rounds.append(value)
        return value

    def ratio(self, name: str, over: str, under: str) -> None:
        """Note, round by round, the ratio of two figures; ValueError unless both have the same number of rounds."""
        pairs = zip(self.figures[over].rounds, self.figures[under].rounds, strict=True)
        self.ratios[name] = Figure("", [above / below for above, below in pairs])


async def interleaved(rounds: int, variants: Mapping[str, Variant]) -> list[dict[str, float]]:
    """Measure every variant in every round, every second round backwards, so that no place in the order is favoured."""
    measured = []
    for number in range(rounds):
        values: dict[str, float] = {}
        for name in in_turn(list(variants), number):
            values[name] = await variants[name](number)
        measured.append(values)
    return measured


def in_turn(names: Sequence[str], number: int) -> list[str]:
    """Give the order of a round: as named in even ones, backwards in odd ones."""
    return list(names if number % 2 == 0 else reversed(names))


def percentile(values: Sequence[float], share: float) -> float:
    """Give the least value that at least a share (0 to 1) of all values do not exceed; ValueError for no values."""
    if not values:
        raise ValueError("there is no percentile of nothing")
    ordered = sorted(values)
    rank = -(-len(ordered) * share // 1)  # rounded up
    return ordered[max(int(rank), 1) - 1]
