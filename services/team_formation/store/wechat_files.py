"""Files by which WeChat is told that an official account may use our public host."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file as it is stored."""

    name: str
    content: str
    created_at: datetime


async def lock_files(connection: AsyncConnection[TupleRow], platform_id: UUID) -> None:
    """Keep others from changing the files of a platform until this transaction ends."""
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('wechat_files ' || %s, 0))", (str(platform_id),)
    )


async def list_files(connection: AsyncConnection[TupleRow], platform_id: UUID) -> list[FileRow]:
    """List the files of a platform, by name."""
    cursor = await connection.execute(
        "SELECT name, content, created_at FROM wechat_files WHERE platform_id = %s ORDER BY name", (platform_id,)
    )
    return [FileRow(*row) async for row in cursor]


async def save_file(connection: AsyncConnection[TupleRow], platform_id: UUID, row: FileRow) -> FileRow | None:
    """Store a file, or change what it says; None where the name is another platform's."""
    cursor = await connection.execute(
        "INSERT INTO wechat_files (name, platform_id, content, created_at) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT (name) DO UPDATE SET content = excluded.content"
        " WHERE wechat_files.platform_id = excluded.platform_id RETURNING name, content, created_at",
        (row.name, platform_id, row.content, row.created_at),
    )
    saved = await cursor.fetchone()
    return FileRow(*saved) if saved else None


async def delete_file(connection: AsyncConnection[TupleRow], platform_id: UUID, name: str) -> None:
    """Forget a file of a platform."""
    await connection.execute("DELETE FROM wechat_files WHERE platform_id = %s AND name = %s", (platform_id, name))


async def find_content(connection: AsyncConnection[TupleRow], name: str) -> str | None:
    """Tell what a file says; None where there is none. A finder: WeChat asks for a name and knows no platform."""
    cursor = await connection.execute("SELECT content FROM wechat_files WHERE name = %s", (name,))
    row = await cursor.fetchone()
    return str(row[0]) if row else None


async def has_files(connection: AsyncConnection[TupleRow], platform_id: UUID) -> bool:
    """Tell whether a platform has set a file."""
    cursor = await connection.execute("SELECT EXISTS (SELECT FROM wechat_files WHERE platform_id = %s)", (platform_id,))
    row = await cursor.fetchone()
    return bool(row and row[0])
