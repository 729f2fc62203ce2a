"""How long rows are kept, as data (retention.toml of the chassis and of each service), and the timer that removes them.

What is removed by age is removed in small batches, each a transaction of its own, and never on the way of a call.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from importlib.resources import files

from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.old_rows import remove_old

PAGE = 1_000
"""Rows of a table in one transaction."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How long rows of one table are kept; docs/privacy.md shows all of them."""

    table: str
    holds: str
    """What of a person stands there; empty: nothing."""
    kept: str
    """Until when, in words."""
    why: str
    days: int = 0
    """After so many days rows are removed; 0: it is no time that decides."""
    least_days: int = 0
    by: str = ""
    """The column that their age is counted from."""
    setting: str = ""
    """The setting that changes the days; empty: nothing does."""
    key: tuple[str, ...] = ()
    """The columns by which the timer of this module removes them; empty: another one does, or nobody."""
    only: str = ""
    """A condition besides, in SQL."""


@cache
def rules(service: str) -> Mapping[str, Rule]:
    """Give the rules of a service's tables, those of the chassis among them, by table."""
    found: dict[str, Rule] = {}
    for source in ("chassis", service):
        data = tomllib.loads((files("services") / source / "retention.toml").read_text())
        found |= {table: Rule(table, **{**row, "key": tuple(row.get("key", ()))}) for table, row in data.items()}
    return found


class Retention:
    """Removes rows of a service that are older than they are kept; `days` are settings, by their names."""

    def __init__(self, database: Database, clock: Clock, service: str, days: Mapping[str, int]) -> None:
        self._database = database
        self._clock = clock
        self._rules = [rule for rule in rules(service).values() if rule.key]
        self._days = days

    async def run_once(self) -> int:
        """Remove at most a page of each table; returns the most that was removed of one. Run by a timer."""
        return max([await self._remove(rule) for rule in self._rules], default=0)

    async def _remove(self, rule: Rule) -> int:
        days = self._days[rule.setting] if rule.setting else rule.days
        before = self._clock.now() - timedelta(days=days)
        async with self._database.work() as work:
            return await remove_old(work.connection, rule.table, rule.key, rule.by, before, PAGE, rule.only)
