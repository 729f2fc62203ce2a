"""Members and their contact points in SQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.notification.domain import Contact, Member, Point

Connection: TypeAlias = AsyncConnection[TupleRow]


@dataclass(frozen=True, slots=True)
class Reach:
    """What is needed to write a message to a member: its wishes, and the first channel, None without contact point."""

    language: str
    time_zone: str
    channel: str | None
    templates: UUID | None = None
    """The last change of the platform's own templates; None where it never had any."""


async def save_members(
    connection: Connection, members: Sequence[tuple[UUID, Member, list[UUID]]], now: datetime
) -> None:
    """Replace what is known of members, given as (platform, member, ids of its contact points); no member twice."""
    ordered = sorted(members, key=lambda item: (item[0], item[1].member_id))
    platforms = [platform_id for platform_id, _, _ in ordered]
    member_ids = [member.member_id for _, member, _ in ordered]
    await connection.execute(
        "INSERT INTO members (platform_id, member_id, language, time_zone, updated_at)"
        " SELECT k.*, %s FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[]) AS k"
        " ON CONFLICT (platform_id, member_id) DO UPDATE SET language = excluded.language,"
        " time_zone = excluded.time_zone, updated_at = excluded.updated_at",
        (
            now,
            platforms,
            member_ids,
            [member.language for _, member, _ in ordered],
            [member.time_zone for _, member, _ in ordered],
        ),
    )
    await connection.execute(
        "DELETE FROM contact_points AS c USING unnest(%s::uuid[], %s::text[]) AS k (platform_id, member_id)"
        " WHERE c.platform_id = k.platform_id AND c.member_id = k.member_id",
        (platforms, member_ids),
    )
    await connection.cursor().executemany(
        "INSERT INTO contact_points (platform_id, member_id, position, contact_id, channel, address)"
        " VALUES (%s, %s, %s, %s, %s, %s)",
        [
            (platform_id, member.member_id, position, contact_id, point.channel, point.address)
            for platform_id, member, contact_ids in ordered
            for position, (contact_id, point) in enumerate(zip(contact_ids, member.points, strict=True))
        ],
    )


async def find_member(connection: Connection, platform_id: UUID, member_id: str) -> Member | None:
    """Read a member of a platform."""
    cursor = await connection.execute(
        "SELECT language, time_zone FROM members WHERE platform_id = %s AND member_id = %s", (platform_id, member_id)
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    cursor = await connection.execute(
        "SELECT channel, address, gone_why FROM contact_points"
        " WHERE platform_id = %s AND member_id = %s ORDER BY position",
        (platform_id, member_id),
    )
    points = tuple([Point(*point) async for point in cursor])
    return Member(member_id, row[0], row[1], points)


async def mark_gone(connection: Connection, rows: Sequence[tuple[UUID, str, UUID, str]], now: datetime) -> None:
    """Try contact points no more, given as (platform, member, contact, why), until they are registered again."""
    await connection.cursor().executemany(
        "UPDATE contact_points SET gone_at = %s, gone_why = %s"
        " WHERE platform_id = %s AND member_id = %s AND contact_id = %s AND gone_at IS NULL",
        [(now, why, platform_id, member_id, contact_id) for platform_id, member_id, contact_id, why in sorted(rows)],
    )


async def find_contacts(
    connection: Connection, members: Sequence[tuple[UUID, str]]
) -> dict[tuple[UUID, str], list[Contact]]:
    """Read the contact points of members that are not gone, given as (platform, member), in the members' order."""
    found: dict[tuple[UUID, str], list[Contact]] = {}
    cursor = await connection.execute(
        "SELECT platform_id, member_id, contact_id, channel, address FROM contact_points"
        " JOIN (SELECT DISTINCT * FROM unnest(%s::uuid[], %s::text[]) AS k (platform_id, member_id)) AS k"
        " USING (platform_id, member_id) WHERE gone_at IS NULL ORDER BY platform_id, member_id, position",
        ([platform_id for platform_id, _ in members], [member_id for _, member_id in members]),
    )
    async for platform_id, member_id, *contact in cursor:
        found.setdefault((platform_id, member_id), []).append(Contact(*contact))
    return found


async def find_reaches(connection: Connection, members: Sequence[tuple[UUID, str]]) -> dict[tuple[UUID, str], Reach]:
    """Read what is needed to write to members, given as (platform, member); unknown ones are left out."""
    cursor = await connection.execute(
        "SELECT platform_id, member_id, m.language, m.time_zone, c.channel,"
        " (SELECT change_id FROM template_sets AS s WHERE s.platform_id = m.platform_id) FROM members AS m"
        " JOIN (SELECT DISTINCT * FROM unnest(%s::uuid[], %s::text[]) AS k (platform_id, member_id)) AS k"
        " USING (platform_id, member_id)"
        " LEFT JOIN LATERAL (SELECT channel FROM contact_points AS p WHERE p.platform_id = m.platform_id"
        " AND p.member_id = m.member_id AND p.gone_at IS NULL ORDER BY p.position LIMIT 1) AS c ON true",
        ([platform_id for platform_id, _ in members], [member_id for _, member_id in members]),
    )
    return {(row[0], row[1]): Reach(*row[2:]) async for row in cursor}
