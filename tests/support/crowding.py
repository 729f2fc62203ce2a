"""What tests of concurrency ask: outcomes of many calls at once, the invariants in SQL after, and counts to print."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from deploy.check.invariants import invariants
from services.chassis.errors import Rejected
from tests.support.formation import Formation
from tests.support.told import LOOKED_AT

LEAST_INVARIANTS = 14


async def outcome(call: Awaitable[Any]) -> Any:
    """Give the answer of a call, or the reason of its refusal; anything else is raised."""
    try:
        return await call
    except Rejected as refused:
        return refused.reason


async def all_at_once(calls: Iterable[Awaitable[Any]]) -> list[Any]:
    """Make calls at once and give their outcomes, in order."""
    return await asyncio.gather(*map(outcome, calls))


async def amid(calls: Iterable[Awaitable[Any]], call: Awaitable[Any], after: int) -> list[Any]:
    """Make calls at once, and one more when so many of them are answered; the one's outcome comes last."""
    enough, answered = asyncio.Event(), 0

    async def counted(one: Awaitable[Any]) -> Any:
        nonlocal answered
        answer = await outcome(one)
        answered += 1
        if answered >= after:
            enough.set()
        return answer

    async def late() -> Any:
        await enough.wait()
        return await outcome(call)

    return await asyncio.gather(*map(counted, calls), late())


def told(answers: Iterable[Any]) -> Counter[str]:
    """Count answers: refusals by their reason, others as OK."""
    return Counter(answer if isinstance(answer, str) else "OK" for answer in answers)


async def violations(formation: Formation) -> dict[str, object]:
    """Run every invariant of team_formation alone, as of the test's clock; gives those that do not hold."""
    found: dict[str, object] = {}
    looked_at = 0
    for item in invariants():
        [(service, sql), *others] = item.sections
        if service != "team_formation" or others or "in_kafka" in item.name:
            continue
        looked_at += 1
        LOOKED_AT[item.name] += 1
        async with formation.database.read() as connection:
            row = await (await connection.execute(sql, {"now": formation.clock.now()})).fetchone()
        if row is None or row[1]:
            found[item.name] = row
    assert looked_at >= LEAST_INVARIANTS
    return found


@dataclass
class Said:
    """Stands before a module's log and keeps what is said to it."""

    log: Any
    lines: list[str] = field(default_factory=list)

    def __getattr__(self, level: str) -> Callable[..., None]:
        """Give a way to log that keeps the line, too."""

        def say(event: str, **more: object) -> None:
            self.lines.append(f"{event} {more}")
            getattr(self.log, level)(event, **more)

        return say


def deadlocks(said: Said) -> list[str]:
    """Find what was said of deadlocks; a batch that meets one is tried again, and says why."""
    return [line for line in said.lines if "deadlock" in line]


async def sweep(formation: Formation) -> None:
    """Have teams that a change of their campaign concerns, and those that are due, looked at until none is left."""
    while await formation.sweeper.run_once() or await formation.finder.run_once():
        pass
