"""A platform's webhook endpoints in SQL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

Connection: TypeAlias = AsyncConnection[TupleRow]
EndpointKey: TypeAlias = tuple[UUID, UUID]
"""Platform and endpoint."""


@dataclass(frozen=True, slots=True)
class EndpointRow:
    """An endpoint as it is kept: its secrets are sealed."""

    platform_id: UUID
    endpoint_id: UUID
    url: str
    description: str
    patterns: Sequence[str]
    types: Sequence[str]
    in_order: bool
    secrets: bytes
    old_until: datetime | None
    disabled_at: datetime | None
    disabled_why: str
    last_success_at: datetime | None
    created_at: datetime
    updated_at: datetime

    @property
    def key(self) -> EndpointKey:
        """Platform and endpoint."""
        return self.platform_id, self.endpoint_id


_NAMES = tuple(EndpointRow.__dataclass_fields__)
_COLUMNS = ", ".join(f"w.{name}" for name in _NAMES)
_CHANGED = ", ".join(
    f"{name} = excluded.{name}" for name in _NAMES[2:] if name not in {"last_success_at", "created_at"}
)


async def save_endpoint(connection: Connection, row: EndpointRow, key_id: str) -> None:
    """Store an endpoint in the place of what it was; one that goes on does not rest."""
    marks = ", ".join(["%s"] * len(_NAMES))
    await connection.execute(
        f"INSERT INTO webhook_endpoints ({', '.join(_NAMES)}, key_id) VALUES ({marks}, %s)"  # noqa: S608 - constants
        f" ON CONFLICT (platform_id, endpoint_id) DO UPDATE SET {_CHANGED}, key_id = excluded.key_id,"
        " resting_until = NULL, failing = false",
        (
            row.platform_id,
            row.endpoint_id,
            row.url,
            row.description,
            list(row.patterns),
            list(row.types),
            row.in_order,
            row.secrets,
            row.old_until,
            row.disabled_at,
            row.disabled_why,
            row.last_success_at,
            row.created_at,
            row.updated_at,
            key_id,
        ),
    )


async def lock_endpoint(connection: Connection, platform_id: UUID, endpoint_id: UUID) -> EndpointRow | None:
    """Read an endpoint and lock it; None where there is none."""
    cursor = await connection.execute(
        f"SELECT {_COLUMNS} FROM webhook_endpoints AS w WHERE platform_id = %s AND endpoint_id = %s"  # noqa: S608
        " FOR NO KEY UPDATE",  # events are kept for it meanwhile
        (platform_id, endpoint_id),
    )
    row = await cursor.fetchone()
    return EndpointRow(*row) if row else None


async def find_endpoints(connection: Connection, keys: Sequence[EndpointKey]) -> dict[EndpointKey, EndpointRow]:
    """Read endpoints by platform and id."""
    cursor = await connection.execute(
        f"SELECT {_COLUMNS} FROM webhook_endpoints AS w"  # noqa: S608 - constants
        " JOIN unnest(%s::uuid[], %s::uuid[]) AS k (platform_id, endpoint_id) USING (platform_id, endpoint_id)",
        ([key[0] for key in keys], [key[1] for key in keys]),
    )
    return {(row[0], row[1]): EndpointRow(*row) async for row in cursor}


async def list_endpoints(connection: Connection, platform_id: UUID) -> list[tuple[EndpointRow, int]]:
    """Read all endpoints of a platform, the oldest first, each with how many events wait for it."""
    cursor = await connection.execute(
        f"SELECT {_COLUMNS}, (SELECT count(*) FROM webhook_posts AS p WHERE p.platform_id = w.platform_id"  # noqa: S608
        " AND p.endpoint_id = w.endpoint_id AND p.state = 'PENDING')"
        " FROM webhook_endpoints AS w WHERE platform_id = %s ORDER BY created_at, endpoint_id",
        (platform_id,),
    )
    return [(EndpointRow(*row[:-1]), row[-1]) async for row in cursor]


async def find_endpoint_of_url(connection: Connection, platform_id: UUID, url: str) -> UUID | None:
    """Find a platform's endpoint by its URL."""
    cursor = await connection.execute(
        "SELECT endpoint_id FROM webhook_endpoints WHERE platform_id = %s AND url = %s LIMIT 1", (platform_id, url)
    )
    row = await cursor.fetchone()
    return row[0] if row else None


async def list_patterns(connection: Connection) -> list[tuple[EndpointKey, Sequence[str], Sequence[str]]]:
    """List all endpoints with their patterns and what these meant when they were put."""
    cursor = await connection.execute("SELECT platform_id, endpoint_id, patterns, types FROM webhook_endpoints")
    return [((row[0], row[1]), row[2], row[3]) async for row in cursor]


async def save_types(connection: Connection, rows: Sequence[tuple[EndpointKey, Sequence[str]]]) -> None:
    """Store what endpoints' patterns mean now."""
    await connection.cursor().executemany(
        "UPDATE webhook_endpoints SET types = %s WHERE platform_id = %s AND endpoint_id = %s",
        [(list(types), *key) for key, types in rows],
    )


async def delete_endpoint(connection: Connection, platform_id: UUID, endpoint_id: UUID) -> None:
    """Forget an endpoint and what waits for it."""
    await connection.execute(
        "DELETE FROM webhook_endpoints WHERE platform_id = %s AND endpoint_id = %s", (platform_id, endpoint_id)
    )


async def disable_endpoint(
    connection: Connection, key: EndpointKey, why: str, tried_at: datetime, now: datetime
) -> int | None:
    """Disable an endpoint that is not, and has not been changed since an attempt.

    Returns how often it was by now; None where it is disabled already, changed since or gone.
    """
    cursor = await connection.execute(
        "UPDATE webhook_endpoints SET disabled_at = %s, disabled_why = %s, disabled_count = disabled_count + 1"
        " WHERE platform_id = %s AND endpoint_id = %s AND disabled_at IS NULL AND updated_at <= %s"
        " RETURNING disabled_count",
        (now, why, *key, tried_at),
    )
    row = await cursor.fetchone()
    return row[0] if row else None


async def mark_successes(connection: Connection, keys: Sequence[EndpointKey], nows: Mapping[UUID, datetime]) -> None:
    """Note that endpoints took something, to the second, given the time of each platform."""
    await connection.execute(
        "UPDATE webhook_endpoints AS w SET last_success_at = k.now, failing = false"
        " FROM unnest(%s::uuid[], %s::uuid[], %s::timestamptz[]) AS k (platform_id, endpoint_id, now)"
        " WHERE w.platform_id = k.platform_id AND w.endpoint_id = k.endpoint_id"
        " AND (w.failing OR w.last_success_at IS NULL OR w.last_success_at < k.now - make_interval(secs => 1))",
        ([key[0] for key in keys], [key[1] for key in keys], [nows[key[0]] for key in keys]),
    )


async def mark_failing(connection: Connection, keys: Sequence[EndpointKey]) -> None:
    """Note that the last attempts at endpoints failed."""
    await connection.execute(
        "UPDATE webhook_endpoints AS w SET failing = true FROM unnest(%s::uuid[], %s::uuid[])"
        " AS k (platform_id, endpoint_id) WHERE w.platform_id = k.platform_id AND w.endpoint_id = k.endpoint_id"
        " AND NOT w.failing",
        ([key[0] for key in keys], [key[1] for key in keys]),
    )


async def rest_endpoint(connection: Connection, key: EndpointKey, until: datetime, tried_at: datetime) -> None:
    """Post nothing to an endpoint until a time, or longer where that was said before; unless it was changed since."""
    await connection.execute(
        "UPDATE webhook_endpoints SET resting_until = greatest(resting_until, %s)"
        " WHERE platform_id = %s AND endpoint_id = %s AND updated_at <= %s",
        (until, *key, tried_at),
    )


async def find_endpoints_sealed_otherwise(connection: Connection, key_id: str, limit: int) -> list[EndpointRow]:
    """Lock endpoints whose secrets another key has sealed, passing by those that are locked."""
    cursor = await connection.execute(
        f"SELECT {_COLUMNS} FROM webhook_endpoints AS w WHERE key_id <> %s"  # noqa: S608 - constants
        " ORDER BY platform_id, endpoint_id LIMIT %s FOR UPDATE SKIP LOCKED",
        (key_id, limit),
    )
    return [EndpointRow(*row) async for row in cursor]


async def seal_endpoint_anew(connection: Connection, row: EndpointRow, key_id: str) -> None:
    """Store secrets that were sealed anew."""
    await connection.execute(
        "UPDATE webhook_endpoints SET secrets = %s, key_id = %s WHERE platform_id = %s AND endpoint_id = %s",
        (row.secrets, key_id, *row.key),
    )
