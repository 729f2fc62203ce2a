"""Platforms' own templates in SQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.notification.domain import Kind, Template, Templates

Connection: TypeAlias = AsyncConnection[TupleRow]


async def change_templates(connection: Connection, platform_id: UUID, change_id: UUID) -> None:
    """Note that a platform's templates change, and keep others from changing them until this transaction ends."""
    await connection.execute(
        "INSERT INTO template_sets (platform_id, change_id) VALUES (%s, %s)"
        " ON CONFLICT (platform_id) DO UPDATE SET change_id = excluded.change_id",
        (platform_id, change_id),
    )


async def count_templates(connection: Connection, platform_id: UUID) -> int:
    """Count the templates of a platform that are in force."""
    cursor = await connection.execute(
        "SELECT count(*) FROM templates WHERE platform_id = %s AND is_current", (platform_id,)
    )
    [(count,)] = await cursor.fetchall()
    return int(count)


async def end_template(
    connection: Connection, platform_id: UUID, kind: Kind, channel: str, language: str
) -> int | None:
    """Take a template out of force; its version, None where there was none."""
    cursor = await connection.execute(
        "UPDATE templates SET is_current = false"
        " WHERE platform_id = %s AND kind = %s AND channel = %s AND language = %s AND is_current RETURNING version",
        (platform_id, kind, channel, language),
    )
    row = await cursor.fetchone()
    return int(row[0]) if row else None


async def insert_template(connection: Connection, platform_id: UUID, template: Template, now: datetime) -> int:
    """Store a template as the current one, after the former has ended; returns its version."""
    cursor = await connection.execute(
        "INSERT INTO templates (platform_id, kind, channel, language, version, subject, body, created_at, is_current)"
        " SELECT %s, %s, %s, %s, coalesce(max(version), 0) + 1, %s, %s, %s, true FROM templates"
        " WHERE platform_id = %s AND kind = %s AND channel = %s AND language = %s RETURNING version",
        (
            *(platform_id, template.kind, template.channel, template.language),
            *(template.subject, template.body, now),
            *(platform_id, template.kind, template.channel, template.language),
        ),
    )
    [(version,)] = await cursor.fetchall()
    return int(version)


async def load_templates(
    connection: Connection, platforms: Sequence[UUID]
) -> dict[UUID, tuple[UUID, dict[tuple[Kind, str, str], Template]]]:
    """Read the templates in force of platforms, and the id of the change that they are as of."""
    found: dict[UUID, tuple[UUID, dict[tuple[Kind, str, str], Template]]] = {}
    cursor = await connection.execute(
        "SELECT s.platform_id, s.change_id, t.kind, t.channel, t.language, t.version, t.subject, t.body"
        " FROM template_sets AS s LEFT JOIN templates AS t ON t.platform_id = s.platform_id AND t.is_current"
        " WHERE s.platform_id = ANY(%s)",
        (list(platforms),),
    )
    async for platform_id, change_id, kind, *rest in cursor:
        _, templates = found.setdefault(platform_id, (change_id, {}))
        if kind in Kind.__members__:
            template = Template(Kind(kind), *rest)
            templates[template.kind, template.channel, template.language] = template
    return found


async def find_templates(connection: Connection, platform_id: UUID) -> Templates:
    """Read the templates in force of a platform."""
    _, templates = (await load_templates(connection, [platform_id])).get(platform_id, (None, {}))
    return templates


@dataclass(frozen=True, slots=True)
class TemplateRow:
    """A version of a template as it is shown."""

    template: Template
    created_at: datetime
    is_current: bool


@dataclass(frozen=True, slots=True)
class TemplateFilter:
    """Which templates of a platform are wanted; no kind means all."""

    platform_id: UUID
    kind: Kind | None
    all_versions: bool


TemplatePosition: TypeAlias = tuple[str, str, str, int]
"""Where a page of templates ended: kind, channel, language, version."""


async def list_templates(
    connection: Connection, wanted: TemplateFilter, after: TemplatePosition | None, limit: int
) -> list[TemplateRow]:
    """List templates of a platform by kind, channel, language and version, from behind a position."""
    conditions = ["platform_id = %(platform_id)s"]
    if wanted.kind:
        conditions.append("kind = %(kind)s")
    if not wanted.all_versions:
        conditions.append("is_current")
    if after:
        conditions.append("(kind, channel, language, version) > (%(a)s, %(b)s, %(c)s, %(d)s)")
    names = dict(zip("abcd", after or (), strict=False))
    cursor = await connection.execute(
        "SELECT kind, channel, language, version, subject, body, created_at, is_current FROM templates"  # noqa: S608
        f" WHERE {' AND '.join(conditions)} ORDER BY kind, channel, language, version LIMIT %(limit)s",
        {"platform_id": wanted.platform_id, "kind": wanted.kind, "limit": limit, **names},
    )
    return [TemplateRow(Template(Kind(row[0]), *row[1:6]), row[6], row[7]) async for row in cursor]
