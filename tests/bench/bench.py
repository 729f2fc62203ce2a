"""What every part of the benchmark is given: the installation, how long to measure, and where results go."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from tests.bench.backlog import until_empty
from tests.bench.caller import Job, Outcome
from tests.bench.campaign import JOIN, JOIN_MANY, joins
from tests.bench.installation import Installation
from tests.bench.rounds import Results, Variant, interleaved
from tests.bench.seed import Team, more_teams, new_teams

Item = TypeVar("Item")

SPREAD_TEAMS = 5_000
BUNDLE = 500
CALLERS, BULK_CALLERS = 64, 2
_MICRO = 1e6


@dataclass
class Bench:
    """One run; `seconds` is the length of each measurement, `say` is told what is measured now."""

    whole: Installation
    rounds: int
    seconds: float
    say: Callable[[str], None]
    results: Results = field(default_factory=Results)
    _spread: list[Team] = field(default_factory=list)

    async def interleaved(self, variants: Mapping[str, Variant]) -> None:
        """Measure every variant in every round."""

        def told(name: str, measure: Variant) -> Variant:
            async def measured(number: int) -> float:
                self.say(f"round {number + 1} of {self.rounds}: {name}")
                await until_empty(self.whole.database)
                return await measure(number)

            return measured

        await interleaved(self.rounds, {name: told(name, measure) for name, measure in variants.items()})

    async def spread(self) -> list[Team]:
        """Give 5,000 teams of one campaign, made at the first call, in an order without a pattern."""
        if not self._spread:
            [model] = await new_teams(self.whole, self.whole.campaign())
            teams = [model, *await more_teams(self.whole, model, SPREAD_TEAMS - 1)]
            self._spread = self.shuffled(teams)
        return self._spread

    async def hot(self) -> list[Team]:
        """Open a team for everybody."""
        return await new_teams(self.whole, self.whole.home)

    def shuffled(self, items: Sequence[Item]) -> list[Item]:
        """Give items in an order without a pattern, the same in every run."""
        order = list(items)
        random.Random(len(order)).shuffle(order)  # noqa: S311 - an order, no secret
        return order

    async def join(self, teams: Sequence[Team], address: str = "", *, seconds: float = 0) -> Outcome:
        """Have 64 callers join teams in turn, at the service or at another address."""
        return await self.join_by(joins([team.name for team in teams]), address, seconds=seconds)

    async def join_by(self, templates: Sequence[bytes], address: str = "", *, seconds: float = 0) -> Outcome:
        """Have 64 callers make joins from templates in turn."""
        job = Job(
            address or self.whole.service.address,
            JOIN,
            self.whole.key,
            templates,
            seconds or self.seconds,
            callers=CALLERS,
        )
        return await self.whole.client.run(job, self.whole.meter)

    async def join_many(self, teams: Sequence[Team]) -> Outcome:
        """Have two callers join teams in turn, 500 joins a call; the outcome counts joins."""
        job = Job(
            self.whole.service.address,
            JOIN_MANY,
            self.whole.key,
            joins([team.name for team in teams]),
            self.seconds,
            callers=BULK_CALLERS,
            connections=BULK_CALLERS,
            bundle=BUNDLE,
        )
        return await self.whole.client.run(job, self.whole.meter)

    def note(self, name: str, outcome: Outcome, *, echo: bool = False) -> float:
        """Note a rate with what one call cost each program, and its p99; gives the rate."""
        self.results.add(f"{name}_cpu_elsewhere", outcome.elsewhere / outcome.seconds * 1000, "ms/s")
        for program in ("service", "postgres", "kafka", "client"):
            spent = outcome.cpu["echo" if echo and program == "service" else program]
            self.results.add(f"{name}_cpu_{program}", spent / outcome.calls * _MICRO, "us each")
        if not outcome.bundle:
            self.results.add(f"{name}_p99", outcome.latency["p99"] * 1000, "ms")
        return self.results.add(name, outcome.rate, "a second")
