"""What the names in a query stand for, and how far their rows are restricted to one platform."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TypeAlias

from tests.support.isolation.syntax import Node


class Level(IntEnum):
    """How far rows are restricted; GIVEN is for values that come with the statement."""

    NOTHING = 0
    KEY = 1
    PLATFORM = 2
    GIVEN = 3


@dataclass(frozen=True)
class Table:
    """Columns of a table, its keys, and the columns of its foreign keys and of those that refer to it."""

    columns: frozenset[str] = frozenset()
    keys: frozenset[frozenset[str]] = frozenset()
    links: frozenset[frozenset[str]] = frozenset()


@dataclass(frozen=True)
class Access:
    """One place in a statement that reads or writes a table."""

    table: str
    level: Level


Columns: TypeAlias = dict[str, Level]
"""Levels of the columns that come out of rows; `*` stands for those whose names are not known."""


@dataclass
class Source:
    """What a FROM names: a table, or rows that come out of something else."""

    name: str
    node: Node
    table: Table | None = None
    level: Level = Level.NOTHING
    columns: Columns = field(default_factory=dict)
    anchored: Columns = field(default_factory=dict)

    def has(self, column: str) -> bool:
        known = self.table.columns if self.table else self.columns
        return column in known or "*" in known

    def of(self, column: str) -> Level:
        return self.level if self.table else self.columns.get(column, self.columns.get("*", Level.NOTHING))

    def anchor(self, column: str, level: Level) -> None:
        self.anchored[column] = max(level, self.anchored.get(column, Level.NOTHING))

    def settle(self) -> None:
        """Compute a table's level from what is anchored."""
        if self.table is None:
            return
        found = [self.level, min(self.anchored.get("platform_id", Level.NOTHING), Level.PLATFORM)]
        for key in self.table.keys:
            weakest = self._weakest(key)
            found.append(Level.KEY if weakest is Level.GIVEN else weakest)
        found += [weakest for link in self.table.links if (weakest := self._weakest(link)) is not Level.GIVEN]
        self.level = max(found)

    def _weakest(self, columns: frozenset[str]) -> Level:
        return min(self.anchored.get(column, Level.NOTHING) for column in columns)


@dataclass
class Scope:
    """What the names in a query may mean: its own sources, the named queries before it, and the query around it."""

    ctes: Mapping[str, Columns]
    outer: "Scope | None" = None
    sources: list[Source] = field(default_factory=list)

    def find(self, column: Sequence[str]) -> Source | None:
        for source in self.sources:
            if (source.name == column[-2]) if len(column) > 1 else source.has(column[0]):
                return source
        return self.outer.find(column) if self.outer else None

    def state(self) -> list[object]:
        return [(source.level, dict(source.columns), dict(source.anchored)) for source in self.sources]
