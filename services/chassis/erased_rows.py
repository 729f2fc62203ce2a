"""The rows of members that were erased: by a keyed hash of the id, for as long as something may still name it.

The hash is taken with a random key of this database; a row is removed after the date at which its erasure is complete.
The id itself is kept only until its rows are replaced.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.arrays import texts
from services.chassis.rows import Asked, ask

PASSES = 2
"""So often are a member's rows replaced; then its id is forgotten."""

_HASH = "sha256((SELECT key FROM erasure_key) || convert_to(%s::uuid || '/' || {member}, 'UTF8'))"
_HASH_OF_ONE = _HASH.format(member="%s")
_ENDED_BEFORE = "mark <= pg_snapshot_xmin(pg_current_snapshot())::text::bigint"


@dataclass(frozen=True, slots=True)
class Erased:
    """One erasure. `member_id` is known only until the member's rows are replaced; passes: how often they were."""

    platform_id: UUID
    pseudonym: str
    erased_at: datetime
    complete_at: datetime
    campaigns: tuple[UUID, ...] = ()
    """Where team_formation knows the member from."""
    member_id: str = ""
    passes: int = 0


class Known(NamedTuple):
    """What is known of an erased member by its id."""

    member_id: str
    pseudonym: str
    complete_at: datetime


async def hash_of(connection: AsyncConnection[TupleRow], platform_id: UUID, member_id: str) -> bytes:
    """Hash a member's id with the key of this database."""
    cursor = await connection.execute(f"SELECT {_HASH_OF_ONE}", (platform_id, member_id))
    row = await cursor.fetchone()
    if row is None or row[0] is None:
        raise RuntimeError("the table erasure_key is empty")
    return bytes(row[0])


async def note(connection: AsyncConnection[TupleRow], erased: Erased) -> bool:
    """Note that a member is erased, once; its rows are replaced from then on (erasing.py)."""
    cursor = await connection.execute(
        "INSERT INTO erased_members (platform_id, member_hash, pseudonym, member_id, look_at, erased_at, complete_at,"  # noqa: S608 - constants
        f" campaign_ids) VALUES (%s, {_HASH_OF_ONE}, %s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (platform_id, member_hash) DO NOTHING RETURNING 1",
        (
            erased.platform_id,
            erased.platform_id,
            erased.member_id,
            erased.pseudonym,
            erased.member_id,
            erased.erased_at,
            erased.erased_at,
            erased.complete_at,
            list(erased.campaigns),
        ),
    )
    return await cursor.fetchone() is not None


async def find(connection: AsyncConnection[TupleRow], platform_id: UUID, member_id: str) -> Erased | None:
    """Find the erasure of a member by its id."""
    cursor = await connection.execute(
        "SELECT platform_id, pseudonym, erased_at, complete_at FROM erased_members"  # noqa: S608 - constants
        f" WHERE platform_id = %s AND member_hash = {_HASH_OF_ONE}",
        (platform_id, platform_id, member_id),
    )
    row = await cursor.fetchone()
    return Erased(*row) if row else None


async def look_up(
    connection: AsyncConnection[TupleRow], wanted: Sequence[tuple[UUID, Collection[str]]]
) -> Asked[Known]:
    """Ask which members of platforms are erased; wanted: platform, ids, at least one pair.

    To be asked in a transaction that has its number already (which has locked or written something): then whoever
    erases one of them waits until this transaction has ended, and sees what it wrote.
    """
    return await ask(
        connection,
        "SELECT k.member_id, e.pseudonym, e.complete_at FROM unnest(%s) AS k (member_id)"  # noqa: S608 - constants
        f" JOIN erased_members AS e ON e.platform_id = %s AND e.member_hash = {_HASH.format(member='k.member_id')}",
        [(texts(members), platform_id, platform_id) for platform_id, members in wanted],
        lambda row: Known(row[0], row[1], row[2]),
    )


async def take_number(connection: AsyncConnection[TupleRow]) -> None:
    """Give the transaction its number, before `look_up` is asked in one that has written nothing yet."""
    await connection.execute("SELECT pg_current_xact_id()")


async def is_any(connection: AsyncConnection[TupleRow]) -> bool:
    """Tell whether anybody is known to be erased."""
    cursor = await connection.execute("SELECT EXISTS (SELECT FROM erased_members)")
    row = await cursor.fetchone()
    return bool(row and row[0])


async def is_replaced(connection: AsyncConnection[TupleRow], pseudonym: str) -> bool:
    """Tell whether a member's id was replaced in the rows of this service, once at least."""
    cursor = await connection.execute(
        "SELECT NOT EXISTS (SELECT FROM erased_members WHERE pseudonym = %s AND passes = 0)", (pseudonym,)
    )
    row = await cursor.fetchone()
    return bool(row and row[0])


async def find_due(connection: AsyncConnection[TupleRow], now: datetime, limit: int) -> list[tuple[UUID, bytes]]:
    """Find members whose rows can be replaced now, as (platform, hash); in autocommit.

    Each is marked with a transaction's number first: whoever has a lower one may not have seen that it is erased.
    """
    await connection.execute(
        "UPDATE erased_members SET mark = pg_current_xact_id()::text::bigint"
        " WHERE member_id IS NOT NULL AND mark IS NULL AND look_at <= %s",
        (now,),
    )
    cursor = await connection.execute(
        "SELECT platform_id, member_hash FROM erased_members WHERE member_id IS NOT NULL AND look_at <= %s"  # noqa: S608 - constants
        f" AND {_ENDED_BEFORE} ORDER BY look_at LIMIT %s",
        (now, limit),
    )
    return [(row[0], row[1]) async for row in cursor]


async def lock_due(connection: AsyncConnection[TupleRow], platform_id: UUID, member_hash: bytes) -> Erased | None:
    """Lock an erasure whose turn it is still, and that nobody else has."""
    cursor = await connection.execute(
        "SELECT platform_id, pseudonym, erased_at, complete_at, campaign_ids, member_id, passes FROM erased_members"  # noqa: S608 - constants
        f" WHERE platform_id = %s AND member_hash = %s AND member_id IS NOT NULL AND {_ENDED_BEFORE}"
        " FOR UPDATE SKIP LOCKED",
        (platform_id, member_hash),
    )
    row = await cursor.fetchone()
    return Erased(row[0], row[1], row[2], row[3], tuple(row[4]), row[5], row[6]) if row else None


async def passed(connection: AsyncConnection[TupleRow], erased: Erased, member_hash: bytes, look_at: datetime) -> None:
    """Note that the rows of a locked erasure were replaced; after the last time its id is forgotten."""
    await connection.execute(
        "UPDATE erased_members SET passes = passes + 1, mark = NULL, look_at = %s, campaign_ids = %s,"
        " member_id = CASE WHEN passes + 1 < %s THEN member_id END WHERE platform_id = %s AND member_hash = %s",
        (look_at, list(erased.campaigns), PASSES, erased.platform_id, member_hash),
    )
