"""Members and their contact points in SQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.notification.domain import Member

Connection: TypeAlias = AsyncConnection[TupleRow]


@dataclass(frozen=True, slots=True)
class Reach:
    """What is needed to write a message to a member: its wishes, and the first channel, None without contact point."""

    language: str
    time_zone: str
    channel: str | None


SealPosition: TypeAlias = tuple[str, UUID, str, int]
"""Key id, platform, member and position of a contact point."""


@dataclass(frozen=True, slots=True)
class PointRow:
    """A contact point as it is kept: its address sealed, or in plain in a row of 0.1.0."""

    platform_id: UUID
    member_id: str
    position: int
    contact_id: UUID
    channel: str
    address: str | None
    sealed: bytes | None
    key_id: str
    gone_at: datetime | None = None
    gone_why: str = ""


_POINT = ", ".join(PointRow.__dataclass_fields__)
_POINT_VALUES = ", ".join(["%s"] * len(PointRow.__dataclass_fields__))


async def save_members(connection: Connection, ordered: Sequence[tuple[UUID, Member]], now: datetime) -> None:
    """Replace what members wish, given in order with their platform; no member twice. It locks them."""
    await connection.execute(
        "INSERT INTO members (platform_id, member_id, language, time_zone, updated_at)"
        " SELECT k.*, %s FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[]) AS k"
        " ON CONFLICT (platform_id, member_id) DO UPDATE SET language = excluded.language,"
        " time_zone = excluded.time_zone, updated_at = excluded.updated_at",
        (
            now,
            [platform_id for platform_id, _ in ordered],
            [member.member_id for _, member in ordered],
            [member.language for _, member in ordered],
            [member.time_zone for _, member in ordered],
        ),
    )


async def take_points(connection: Connection, members: Sequence[tuple[UUID, str]]) -> list[PointRow]:
    """Take away the contact points of locked members, given as (platform, member), and give them."""
    cursor = await connection.execute(
        "DELETE FROM contact_points AS c USING unnest(%s::uuid[], %s::text[]) AS k (platform_id, member_id)"  # noqa: S608 - constants
        " WHERE c.platform_id = k.platform_id AND c.member_id = k.member_id"
        f" RETURNING {', '.join(f'c.{name}' for name in PointRow.__dataclass_fields__)}",
        ([platform_id for platform_id, _ in members], [member_id for _, member_id in members]),
    )
    return [PointRow(*row) async for row in cursor]


async def insert_points(connection: Connection, rows: Sequence[PointRow]) -> None:
    """Write contact points."""
    await connection.cursor().executemany(
        f"INSERT INTO contact_points ({_POINT}) VALUES ({_POINT_VALUES})",  # noqa: S608 - constants
        [tuple(getattr(row, name) for name in PointRow.__dataclass_fields__) for row in rows],
    )


async def find_member(connection: Connection, platform_id: UUID, member_id: str) -> Member | None:
    """Read a member of a platform, without its contact points."""
    cursor = await connection.execute(
        "SELECT language, time_zone FROM members WHERE platform_id = %s AND member_id = %s", (platform_id, member_id)
    )
    row = await cursor.fetchone()
    return Member(member_id, *row) if row else None


async def find_points_sealed_otherwise(
    connection: Connection, key_id: str, after: SealPosition, limit: int
) -> list[PointRow]:
    """Lock contact points behind a position that are in plain or sealed with another key, passing by locked ones.

    Two ranges of an index, below the key in use and above it: where all is sealed with it, nothing is read.
    """
    for order in ("<", ">"):
        cursor = await connection.execute(
            f"SELECT {_POINT} FROM contact_points WHERE key_id {order} %s"  # noqa: S608 - constants
            " AND (key_id, platform_id, member_id, position) > (%s, %s, %s, %s)"
            " ORDER BY key_id, platform_id, member_id, position LIMIT %s FOR UPDATE SKIP LOCKED",
            (key_id, *after, limit),
        )
        if found := [PointRow(*row) async for row in cursor]:
            return found
    return []


async def seal_points_anew(connection: Connection, rows: Sequence[PointRow]) -> None:
    """Store the addresses of locked contact points as the key in use has sealed them."""
    await connection.cursor().executemany(
        "UPDATE contact_points SET address = NULL, sealed = %s, key_id = %s"
        " WHERE platform_id = %s AND member_id = %s AND position = %s",
        [(row.sealed, row.key_id, row.platform_id, row.member_id, row.position) for row in rows],
    )


async def mark_gone(connection: Connection, rows: Sequence[tuple[UUID, str, UUID, str]], now: datetime) -> None:
    """Try contact points no more, given as (platform, member, contact, why), until they are registered again."""
    await connection.cursor().executemany(
        "UPDATE contact_points SET gone_at = %s, gone_why = %s"
        " WHERE platform_id = %s AND member_id = %s AND contact_id = %s AND gone_at IS NULL",
        [(now, why, platform_id, member_id, contact_id) for platform_id, member_id, contact_id, why in sorted(rows)],
    )


async def find_points(
    connection: Connection, members: Sequence[tuple[UUID, str]]
) -> dict[tuple[UUID, str], list[PointRow]]:
    """Read the contact points of members, given as (platform, member), in the members' order."""
    found: dict[tuple[UUID, str], list[PointRow]] = {}
    cursor = await connection.execute(
        f"SELECT {_POINT} FROM contact_points"  # noqa: S608 - constants
        " JOIN (SELECT DISTINCT * FROM unnest(%s::uuid[], %s::text[]) AS k (platform_id, member_id)) AS k"
        " USING (platform_id, member_id) ORDER BY platform_id, member_id, position",
        ([platform_id for platform_id, _ in members], [member_id for _, member_id in members]),
    )
    async for row in cursor:
        found.setdefault((row[0], row[1]), []).append(PointRow(*row))
    return found


async def find_reaches(connection: Connection, members: Sequence[tuple[UUID, str]]) -> dict[tuple[UUID, str], Reach]:
    """Read what is needed to write to members, given as (platform, member); unknown ones are left out."""
    cursor = await connection.execute(
        "SELECT platform_id, member_id, m.language, m.time_zone, c.channel FROM members AS m"
        " JOIN (SELECT DISTINCT * FROM unnest(%s::uuid[], %s::text[]) AS k (platform_id, member_id)) AS k"
        " USING (platform_id, member_id)"
        " LEFT JOIN LATERAL (SELECT channel FROM contact_points AS p WHERE p.platform_id = m.platform_id"
        " AND p.member_id = m.member_id AND p.gone_at IS NULL ORDER BY p.position LIMIT 1) AS c ON true",
        ([platform_id for platform_id, _ in members], [member_id for _, member_id in members]),
    )
    return {(row[0], row[1]): Reach(*row[2:]) async for row in cursor}
