"""What was captured of test platforms, in SQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from operator import attrgetter
from typing import Any, TypeAlias
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

Connection: TypeAlias = AsyncConnection[TupleRow]


class CapturedKind(StrEnum):
    """What was captured."""

    MESSAGE = "MESSAGE"
    GROUP = "GROUP"
    CHAT_ANSWER = "CHAT_ANSWER"
    WEBHOOK = "WEBHOOK"


@dataclass(frozen=True, slots=True)
class CapturedRow:
    """One request that was not made; its fields have the names of the columns."""

    platform_id: UUID
    captured_id: UUID
    kind: CapturedKind
    captured_at: datetime
    kept_at: datetime
    number: int
    channel: str
    outcome: str
    detail: str
    content: bytes | None
    """Sealed; None of a webhook."""
    posted: bytes | None
    """Of a webhook."""
    key_id: str
    campaign_id: UUID | None = None
    team_id: UUID | None = None
    delivery_id: UUID | None = None
    member_id: str = ""
    endpoint_id: UUID | None = None
    event_id: UUID | None = None
    type: str = ""


_NAMES = tuple(CapturedRow.__dataclass_fields__)
_COLUMNS = ", ".join(_NAMES)
_values = attrgetter(*_NAMES)


async def insert_captured(connection: Connection, rows: Sequence[CapturedRow]) -> None:
    """Keep what was captured."""
    marks = ", ".join(["%s"] * len(_NAMES))
    await connection.cursor().executemany(
        f"INSERT INTO captured ({_COLUMNS}) VALUES ({marks})",  # noqa: S608 - constants
        [_values(row) for row in rows],
    )


@dataclass(frozen=True, slots=True)
class CapturedFilter:
    """Which are wanted; None means all."""

    platform_id: UUID
    kind: CapturedKind | None = None
    member_id: str | None = None
    campaign_id: UUID | None = None
    team_id: UUID | None = None
    """Beside its campaign."""
    delivery_id: UUID | None = None
    since: datetime | None = None
    oldest_first: bool = False


@dataclass(frozen=True, slots=True)
class CapturedPosition:
    """Where a page ended."""

    at: datetime
    captured_id: UUID


async def list_captured(
    connection: Connection, wanted: CapturedFilter, after: CapturedPosition | None, limit: int
) -> list[CapturedRow]:
    """List what was captured, from behind a position."""
    conditions, values = ["platform_id = %s"], list[Any]([wanted.platform_id])
    for column in ("kind", "member_id", "campaign_id", "team_id", "delivery_id"):
        if (value := getattr(wanted, column)) is not None:
            conditions.append(f"{column} = %s")
            values.append(value)
    if wanted.member_id:
        conditions.append("member_id <> ''")  # as the index has it
    if wanted.since:
        conditions.append("captured_at >= %s")
        values.append(wanted.since)
    sign, order = (">", "ASC") if wanted.oldest_first else ("<", "DESC")
    if after:
        conditions.append(f"(captured_at, captured_id) {sign} (%s, %s)")
        values += [after.at, after.captured_id]
    cursor = await connection.execute(
        f"SELECT {_COLUMNS} FROM captured WHERE {' AND '.join(conditions)}"  # noqa: S608 - constants
        f" ORDER BY captured_at {order}, captured_id {order} LIMIT %s",
        (*values, limit),
    )
    return [_row(row) async for row in cursor]


async def drop_most(connection: Connection, most: int, limit: int) -> int:
    """Forget what is older than the newest `most` of a platform; returns how many, at most so many of each."""
    cursor = await connection.execute(
        "WITH old AS (SELECT o.* FROM (SELECT platform_id FROM captured GROUP BY platform_id HAVING count(*) > %s) AS p"
        " CROSS JOIN LATERAL (SELECT platform_id, captured_id FROM captured AS c WHERE c.platform_id = p.platform_id"
        " ORDER BY captured_at DESC, captured_id DESC OFFSET %s LIMIT %s) AS o),"
        " gone AS (DELETE FROM captured AS c USING old WHERE c.platform_id = old.platform_id"
        " AND c.captured_id = old.captured_id RETURNING 1)"
        " SELECT count(*) FROM gone",
        (most, most, limit),
    )
    [(count,)] = await cursor.fetchall()
    return int(count)


async def find_captured_sealed_otherwise(connection: Connection, key_id: str, limit: int) -> list[CapturedRow]:
    """Lock rows that another key has sealed, passing by those that others have."""
    cursor = await connection.execute(
        f"SELECT {_COLUMNS} FROM captured WHERE key_id <> %s AND key_id <> '' ORDER BY captured_id LIMIT %s"  # noqa: S608
        " FOR UPDATE SKIP LOCKED",
        (key_id, limit),
    )
    return [_row(row) async for row in cursor]


async def seal_captured_anew(connection: Connection, rows: Sequence[CapturedRow]) -> None:
    """Replace contents that were sealed anew."""
    await connection.cursor().executemany(
        "UPDATE captured SET content = %s, key_id = %s WHERE platform_id = %s AND captured_id = %s",
        [(row.content, row.key_id, row.platform_id, row.captured_id) for row in rows],
    )


def _row(row: TupleRow) -> CapturedRow:
    named = dict(zip(_NAMES, row, strict=True))
    return CapturedRow(**{**named, "kind": CapturedKind(named["kind"])})
