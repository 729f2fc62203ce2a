"""Members and their contact points in SQL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import TypeAlias
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.notification.domain import Kind, Member, QuietHours, Wishes

Connection: TypeAlias = AsyncConnection[TupleRow]


@dataclass(frozen=True, slots=True)
class Reach:
    """What is needed to write a message to a member: its wishes, and the first channel, None without contact point."""

    language: str
    time_zone: str
    channel: str | None
    templates: UUID | None = None
    """The last change of the platform's own templates; None where it never had any."""


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
    consent_source: str = ""
    consent_at: datetime | None = None


_POINT = ", ".join(PointRow.__dataclass_fields__)
_POINT_OF_C = ", ".join(f"c.{name}" for name in PointRow.__dataclass_fields__)
_POINT_VALUES = ", ".join(["%s"] * len(PointRow.__dataclass_fields__))


async def save_members(
    connection: Connection, ordered: Sequence[tuple[UUID, Member]], nows: Sequence[datetime]
) -> None:
    """Replace what members wish, given in order with their platform, and the time for each; no member twice.

    It locks them.
    """
    await connection.execute(
        "INSERT INTO members (platform_id, member_id, language, time_zone, quiet_from, quiet_until, muted, muted_all,"
        " promotions, tags, updated_at) SELECT platform_id, member_id, language, time_zone, quiet_from, quiet_until,"
        " string_to_array(muted, ','), muted_all, promotions,"
        " string_to_array(tags, ','), now"
        " FROM unnest(%s::timestamptz[], %s::uuid[], %s::text[], %s::text[], %s::text[], %s::time[], %s::time[],"
        " %s::text[], %s::boolean[], %s::boolean[], %s::text[]) AS k (now, platform_id, member_id,"
        " language, time_zone, quiet_from, quiet_until, muted, muted_all, promotions, tags)"
        " ON CONFLICT (platform_id, member_id) DO UPDATE SET"
        " language = excluded.language, time_zone = excluded.time_zone,"
        " quiet_from = excluded.quiet_from, quiet_until = excluded.quiet_until,"
        " muted = excluded.muted, muted_all = excluded.muted_all, promotions = excluded.promotions,"
        " tags = excluded.tags, updated_at = excluded.updated_at",
        (
            list(nows),
            [platform_id for platform_id, _ in ordered],
            [member.member_id for _, member in ordered],
            [member.language for _, member in ordered],
            [member.time_zone for _, member in ordered],
            *map(list, zip(*[(*_wishes(member.wishes), ",".join(member.tags)) for _, member in ordered], strict=True)),
        ),
    )


def _wishes(wishes: Wishes) -> tuple[object, ...]:
    quiet = wishes.quiet
    return (
        quiet.starts if quiet else None,
        quiet.ends if quiet else None,
        ",".join(sorted(wishes.muted)),
        wishes.muted_all,
        wishes.promotions,
    )


async def take_points(connection: Connection, members: Sequence[tuple[UUID, str]]) -> list[PointRow]:
    """Take away the contact points of locked members, given as (platform, member), and give them."""
    cursor = await connection.execute(
        "DELETE FROM contact_points AS c USING unnest(%s::uuid[], %s::text[]) AS k (platform_id, member_id)"  # noqa: S608 - constants
        " WHERE c.platform_id = k.platform_id AND c.member_id = k.member_id"
        f" RETURNING {_POINT_OF_C}",
        ([platform_id for platform_id, _ in members], [member_id for _, member_id in members]),
    )
    return [PointRow(*row) async for row in cursor]


async def insert_points(connection: Connection, rows: Sequence[PointRow]) -> None:
    """Write contact points."""
    await connection.cursor().executemany(
        f"INSERT INTO contact_points ({_POINT}) VALUES ({_POINT_VALUES})",  # noqa: S608 - constants
        [tuple(getattr(row, name) for name in PointRow.__dataclass_fields__) for row in rows],
    )


async def find_members(
    connection: Connection, members: Sequence[tuple[UUID, str]]
) -> dict[tuple[UUID, str], tuple[Member, list[PointRow]]]:
    """Read members, given as (platform, member): what they wish, and beside it their contact points in their order."""
    found: dict[tuple[UUID, str], tuple[Member, list[PointRow]]] = {}
    cursor = await connection.execute(
        "SELECT m.platform_id, m.member_id, m.language, m.time_zone, m.quiet_from, m.quiet_until, m.muted, m.muted_all,"  # noqa: S608 - constants
        f" m.promotions, m.unsubscribed_at, m.tags, {_POINT_OF_C} FROM members AS m"
        " JOIN (SELECT DISTINCT * FROM unnest(%s::uuid[], %s::text[]) AS k (platform_id, member_id)) AS k"
        " USING (platform_id, member_id) LEFT JOIN contact_points AS c USING (platform_id, member_id)"
        " ORDER BY m.platform_id, m.member_id, c.position",
        ([platform_id for platform_id, _ in members], [member_id for _, member_id in members]),
    )
    async for row in cursor:
        key = row[0], row[1]
        if key not in found:
            found[key] = Member(row[1], row[2], row[3], wishes=_read_wishes(*row[3:10]), tags=tuple(row[10])), []
        if row[11] is not None:
            found[key][1].append(PointRow(*row[11:]))
    return found


def _read_wishes(
    time_zone: str,
    quiet_from: time | None,
    quiet_until: time | None,
    muted: Sequence[str],
    muted_all: bool,  # noqa: FBT001 - columns of a row
    promotions: bool,  # noqa: FBT001
    unsubscribed_at: datetime | None,
) -> Wishes:
    quiet = QuietHours(quiet_from, quiet_until, time_zone) if quiet_from and quiet_until else None
    return Wishes(quiet, frozenset(map(Kind, muted)), muted_all, promotions, unsubscribed_at)


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


async def unsubscribe(connection: Connection, member: tuple[UUID, str], now: datetime, *, all_kinds: bool) -> bool:
    """End promotions to a member, given as (platform, member), or all that may be muted; False where it is unknown."""
    cursor = await connection.execute(
        "UPDATE members SET promotions = false, muted_all = muted_all OR %s, unsubscribed_at = %s"
        " WHERE platform_id = %s AND member_id = %s RETURNING member_id",
        (all_kinds, now, *member),
    )
    return await cursor.fetchone() is not None


async def unmute(connection: Connection, member: tuple[UUID, str]) -> bool:
    """Lift a member's mute of every kind, given as (platform, member); False where it is unknown."""
    cursor = await connection.execute(
        "UPDATE members SET muted_all = false WHERE platform_id = %s AND member_id = %s RETURNING member_id", member
    )
    return await cursor.fetchone() is not None


async def find_muted(connection: Connection, member: tuple[UUID, str]) -> bool | None:
    """Tell whether a member, given as (platform, member), muted every kind that may be; None where it is unknown."""
    cursor = await connection.execute("SELECT muted_all FROM members WHERE platform_id = %s AND member_id = %s", member)
    row = await cursor.fetchone()
    return bool(row[0]) if row else None


async def mark_gone(
    connection: Connection, rows: Sequence[tuple[UUID, str, UUID, str]], nows: Mapping[UUID, datetime]
) -> None:
    """Try contact points no more until they are registered again.

    They are given as (platform, member, contact, why), and the time of each platform.
    """
    await connection.cursor().executemany(
        "UPDATE contact_points SET gone_at = %s, gone_why = %s"
        " WHERE platform_id = %s AND member_id = %s AND contact_id = %s AND gone_at IS NULL",
        [(nows[owner], why, owner, member_id, contact_id) for owner, member_id, contact_id, why in sorted(rows)],
    )


async def find_tagged(
    connection: Connection, platform_id: UUID, tags: Sequence[str], after: str, limit: int
) -> list[str]:
    """List members of a platform that have one of some tags, in the order of their ids, from behind one of them."""
    cursor = await connection.execute(
        "SELECT member_id FROM members WHERE platform_id = %s AND tags && %s::text[] AND member_id > %s"
        " ORDER BY member_id LIMIT %s",
        (platform_id, list(tags), after, limit),
    )
    return [row[0] async for row in cursor]


async def find_reaches(connection: Connection, members: Sequence[tuple[UUID, str]]) -> dict[tuple[UUID, str], Reach]:
    """Read what is needed to write to members, given as (platform, member); unknown ones are left out."""
    cursor = await connection.execute(
        "SELECT platform_id, member_id, m.language, m.time_zone, coalesce((SELECT b.service FROM member_chats AS b"
        " WHERE b.platform_id = m.platform_id AND b.member_id = m.member_id AND b.gone_at IS NULL"
        " ORDER BY b.bound_at DESC LIMIT 1), c.channel),"
        " (SELECT change_id FROM template_sets AS s WHERE s.platform_id = m.platform_id) FROM members AS m"
        " JOIN (SELECT DISTINCT * FROM unnest(%s::uuid[], %s::text[]) AS k (platform_id, member_id)) AS k"
        " USING (platform_id, member_id)"
        " LEFT JOIN LATERAL (SELECT channel FROM contact_points AS p WHERE p.platform_id = m.platform_id"
        " AND p.member_id = m.member_id AND p.gone_at IS NULL ORDER BY p.position LIMIT 1) AS c ON true",
        ([platform_id for platform_id, _ in members], [member_id for _, member_id in members]),
    )
    return {(row[0], row[1]): Reach(*row[2:]) async for row in cursor}
