"""Promoters' own links: the id that a promoter's link has, and which number of it is good."""

from datetime import datetime
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow


async def find_link(
    connection: AsyncConnection[TupleRow], platform_id: UUID, promoter_id: str
) -> tuple[UUID, int] | None:
    """Find the id and the good number of a promoter's link; None where none was asked for yet."""
    cursor = await connection.execute(
        "SELECT link_id, number FROM promoter_links WHERE platform_id = %s AND promoter_id = %s",
        (platform_id, promoter_id),
    )
    row = await cursor.fetchone()
    return (row[0], row[1]) if row else None


async def find_linked(
    connection: AsyncConnection[TupleRow], platform_id: UUID, link_id: UUID
) -> tuple[str, int] | None:
    """Find whose link it is, and which number of it is good."""
    cursor = await connection.execute(
        "SELECT promoter_id, number FROM promoter_links WHERE platform_id = %s AND link_id = %s", (platform_id, link_id)
    )
    row = await cursor.fetchone()
    return (row[0], row[1]) if row else None


async def add_link(
    connection: AsyncConnection[TupleRow], platform_id: UUID, promoter_id: str, link_id: UUID, now: datetime
) -> None:
    """Give a promoter a link, if it has none."""
    await connection.execute(
        "INSERT INTO promoter_links (platform_id, promoter_id, link_id, number, changed_at) VALUES (%s, %s, %s, 0, %s)"
        " ON CONFLICT (platform_id, promoter_id) DO NOTHING",
        (platform_id, promoter_id, link_id, now),
    )


async def replace_link(
    connection: AsyncConnection[TupleRow], platform_id: UUID, promoter_id: str, link_id: UUID, now: datetime
) -> None:
    """Take the links of a promoter back. Where no number is left, the id becomes another."""
    await connection.execute(
        "INSERT INTO promoter_links AS p (platform_id, promoter_id, link_id, number, changed_at)"
        " VALUES (%s, %s, %s, 1, %s) ON CONFLICT (platform_id, promoter_id) DO UPDATE SET"
        " link_id = CASE WHEN p.number < 65535 THEN p.link_id ELSE excluded.link_id END,"
        " number = CASE WHEN p.number < 65535 THEN p.number + 1 ELSE 0 END, changed_at = excluded.changed_at",
        (platform_id, promoter_id, link_id, now),
    )
