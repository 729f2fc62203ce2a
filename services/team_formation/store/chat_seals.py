"""Cards in chats whose place another key has sealed: found in the order of their keys, and stored as sealed anew."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow


class SealedPlace(NamedTuple):
    """Where a card stands, sealed."""

    campaign_id: UUID
    team_id: UUID
    app_id: str
    place: bytes
    sealed: bytes


async def find_sealed_otherwise(
    connection: AsyncConnection[TupleRow], key_id: str, after: SealedPlace | None, limit: int
) -> list[SealedPlace]:
    """Lock cards behind one that were not sealed with a key, passing by locked ones; a finder over all platforms.

    Which key it was stands at the beginning of what is sealed (services/chassis/sealing.py).
    """
    begin = after[:4] if after else (UUID(int=0), UUID(int=0), "", b"")
    cursor = await connection.execute(
        "SELECT campaign_id, team_id, app_id, place, sealed FROM chat_previews"
        " WHERE (campaign_id, team_id, app_id, place) > (%s, %s, %s, %s)"
        " AND substring(sealed FROM 2 FOR get_byte(sealed, 0)) <> %s"
        " ORDER BY campaign_id, team_id, app_id, place LIMIT %s FOR UPDATE SKIP LOCKED",
        (*begin, key_id.encode(), limit),
    )
    return [SealedPlace(*row) async for row in cursor]


async def save_sealed(connection: AsyncConnection[TupleRow], rows: Sequence[SealedPlace]) -> None:
    """Store what was sealed anew of locked cards."""
    await connection.cursor().executemany(
        "UPDATE chat_previews SET sealed = %s WHERE campaign_id = %s AND team_id = %s AND app_id = %s AND place = %s",
        [(row.sealed, *row[:4]) for row in rows],
    )
