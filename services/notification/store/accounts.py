"""Platforms' accounts of channels, and which channels rest, in SQL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from services.notification.domain import Pause

Connection: TypeAlias = AsyncConnection[TupleRow]
AccountKey: TypeAlias = tuple[UUID, str]
"""Platform and channel."""


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account as it is kept: its secrets are sealed."""

    platform_id: UUID
    channel: str
    version: int
    settings: Mapping[str, str]
    secrets: bytes
    updated_at: datetime


_COLUMNS = "platform_id, channel, version, settings, secrets, updated_at"


async def save_account(connection: Connection, row: AccountRow, key_id: str) -> int:
    """Store an account in the place of the one there was, and let its channel go on; returns its new version."""
    cursor = await connection.execute(
        "INSERT INTO channel_accounts (platform_id, channel, version, settings, secrets, key_id, updated_at)"
        " VALUES (%s, %s, 1, %s, %s, %s, %s) ON CONFLICT (platform_id, channel) DO UPDATE"
        " SET version = channel_accounts.version + 1, settings = excluded.settings, secrets = excluded.secrets,"
        " key_id = excluded.key_id, updated_at = excluded.updated_at RETURNING version",
        (row.platform_id, row.channel, Jsonb(dict(row.settings)), row.secrets, key_id, row.updated_at),
    )
    [(version,)] = await cursor.fetchall()
    await connection.execute(
        "DELETE FROM channel_pauses WHERE platform_id = %s AND channel = %s", (row.platform_id, row.channel)
    )
    return int(version)


async def delete_account(connection: Connection, platform_id: UUID, channel: str) -> None:
    """Forget an account; none is fine."""
    for table in ("channel_accounts", "channel_pauses"):
        await connection.execute(
            f"DELETE FROM {table} WHERE platform_id = %s AND channel = %s",  # noqa: S608 - constants
            (platform_id, channel),
        )


async def find_accounts(connection: Connection, keys: Sequence[AccountKey]) -> dict[AccountKey, AccountRow]:
    """Read accounts, by platform and channel."""
    cursor = await connection.execute(
        f"SELECT {_COLUMNS} FROM channel_accounts"  # noqa: S608 - constants
        " JOIN unnest(%s::uuid[], %s::text[]) AS k (platform_id, channel) USING (platform_id, channel)",
        ([platform_id for platform_id, _ in keys], [channel for _, channel in keys]),
    )
    return {(row[0], row[1]): AccountRow(*row) async for row in cursor}


async def list_accounts(connection: Connection, platform_id: UUID) -> dict[str, AccountRow]:
    """Read all accounts of a platform, by channel."""
    cursor = await connection.execute(
        f"SELECT {_COLUMNS} FROM channel_accounts WHERE platform_id = %s",  # noqa: S608 - constants
        (platform_id,),
    )
    return {row[1]: AccountRow(*row) async for row in cursor}


async def find_sealed_otherwise(connection: Connection, key_id: str, limit: int) -> list[AccountRow]:
    """Lock accounts whose secrets another key has sealed, passing by those that are locked."""
    cursor = await connection.execute(
        f"SELECT {_COLUMNS} FROM channel_accounts WHERE key_id <> %s"  # noqa: S608 - constants
        " ORDER BY platform_id, channel LIMIT %s FOR UPDATE SKIP LOCKED",
        (key_id, limit),
    )
    return [AccountRow(*row) async for row in cursor]


async def seal_anew(connection: Connection, row: AccountRow, key_id: str) -> None:
    """Store the secrets of a locked account as the key in use has sealed them."""
    await connection.execute(
        "UPDATE channel_accounts SET secrets = %s, key_id = %s WHERE platform_id = %s AND channel = %s",
        (row.secrets, key_id, row.platform_id, row.channel),
    )


@dataclass(frozen=True, slots=True)
class PauseRow:
    """A channel of a platform that rests; `since` is when its problem was first seen."""

    pause: Pause
    since: datetime


async def find_pauses(connection: Connection, platforms: Sequence[UUID]) -> dict[UUID, dict[str, PauseRow]]:
    """Read which channels of platforms rest or rested last."""
    found: dict[UUID, dict[str, PauseRow]] = {}
    cursor = await connection.execute(
        "SELECT platform_id, channel, paused_until, problem, since FROM channel_pauses WHERE platform_id = ANY(%s)",
        (list(platforms),),
    )
    async for platform_id, channel, until, problem, since in cursor:
        found.setdefault(platform_id, {})[channel] = PauseRow(Pause(until, problem), since)
    return found


async def save_pauses(
    connection: Connection, pauses: Mapping[AccountKey, Pause], nows: Mapping[UUID, datetime]
) -> None:
    """Have channels of platforms rest, given the time of each; one that rests longer already goes on resting."""
    ordered = sorted(pauses.items(), key=lambda item: item[0])
    await connection.cursor().executemany(
        "INSERT INTO channel_pauses AS p (platform_id, channel, paused_until, problem, since)"
        " VALUES (%s, %s, %s, %s, %s) ON CONFLICT (platform_id, channel) DO UPDATE"
        " SET paused_until = greatest(p.paused_until, excluded.paused_until), problem = excluded.problem,"
        " since = CASE WHEN p.problem = '' OR excluded.problem = '' THEN excluded.since ELSE p.since END",
        [(*key, pause.until, pause.problem, nows[key[0]]) for key, pause in ordered],
    )


async def end_problems(connection: Connection, keys: Sequence[AccountKey]) -> None:
    """Have channels of platforms go on that rest because of a problem: something was sent there."""
    await connection.execute(
        "DELETE FROM channel_pauses AS p USING unnest(%s::uuid[], %s::text[]) AS k (platform_id, channel)"
        " WHERE p.platform_id = k.platform_id AND p.channel = k.channel AND p.problem <> ''",
        ([platform_id for platform_id, _ in keys], [channel for _, channel in keys]),
    )
