"""Whether a statement that only a key restricts is ever given a key of another platform, while that one's calls run."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from psycopg import AsyncConnection, AsyncCursor

from services.chassis.bursts import Burst
from tests.support.isolation.exceptions import TABLES_OF_NO_PLATFORM
from tests.support.isolation.proving import Prover
from tests.support.isolation.sources import Level


@dataclass
class Watched:
    """What was executed: statements by level, and those that got a key that they must not have."""

    counts: Counter[str] = field(default_factory=Counter)
    breaches: list[str] = field(default_factory=list)
    seen: dict[str, set[str]] = field(default_factory=dict)
    """Statements by the name of the database."""


@contextmanager
def watching(
    monkeypatch: pytest.MonkeyPatch, provers: Mapping[str, Prover], foreign: Iterable[UUID | str]
) -> Iterator[Watched]:
    """Look at each statement that psycopg or a burst executes; `provers` by the name of the database."""
    watched, known = Watched(), dict[tuple[str, str], Level]()
    keys = [one.bytes if isinstance(one, UUID) else one.encode() for one in foreign]
    texts = [str(one).encode() for one in foreign]

    def look(connection: AsyncConnection[Any], statement: object, values: object) -> None:
        if isinstance(statement, bytes):
            statement = statement.decode()
        if not isinstance(statement, str):
            return
        place = connection.info.dbname, statement
        watched.seen.setdefault(place[0], set()).add(statement)
        if place not in known:
            accesses = [one for one in provers[place[0]].accesses(statement) if one.table not in TABLES_OF_NO_PLATFORM]
            known[place] = min((access.level for access in accesses), default=Level.GIVEN)
        watched.counts[known[place].name] += 1
        raw = b"|".join(_bytes(values))
        if known[place] < Level.PLATFORM and any(key in raw for key in (*keys, *texts)):
            watched.breaches.append(statement)

    execute, executemany, run = AsyncCursor.execute, AsyncCursor.executemany, Burst.run

    async def one(cursor: Any, statement: Any, values: Any = None, **options: Any) -> Any:
        look(cursor.connection, statement, values)
        return await execute(cursor, statement, values, **options)

    async def many(cursor: Any, statement: Any, rows: Any, **options: Any) -> Any:
        rows = list(rows)
        look(cursor.connection, statement, rows)
        return await executemany(cursor, statement, rows, **options)

    def in_burst(burst: Burst, statement: str, values: Sequence[Any] = ()) -> Any:
        look(burst._conn, statement, values)
        return run(burst, statement, values)

    with monkeypatch.context() as patch:
        patch.setattr(AsyncCursor, "execute", one)
        patch.setattr(AsyncCursor, "executemany", many)
        patch.setattr(Burst, "run", in_burst)
        yield watched


def _bytes(values: Any) -> Iterator[bytes]:
    """Give parameters as bytes in which ids can be looked for, whatever holds them."""
    if isinstance(values, UUID):
        yield values.bytes
    elif isinstance(values, bytes | bytearray | memoryview):
        yield bytes(values)
    elif isinstance(values, str):
        yield values.encode()
    elif isinstance(values, Mapping):
        yield from _bytes(list(values.values()))
    elif isinstance(values, Iterable):
        for value in values:
            yield from _bytes(value)
