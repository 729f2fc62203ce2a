"""When rows were committed: PostgreSQL keeps the time of each transaction, and all databases here are on one server.

So what lies between two commits is exact, and nobody has to look again and again meanwhile.
"""

from collections.abc import Sequence
from uuid import UUID

import psycopg

_TOLD = """
SELECT aggregateid, extract(epoch FROM pg_xact_commit_timestamp(xmin)) FROM outbox
WHERE aggregatetype = %s AND aggregateid = ANY(%s) AND type = %s
"""
_CONSUMED = """
SELECT key, extract(epoch FROM pg_xact_commit_timestamp(xmin)) FROM inbox WHERE topic = %s AND key = ANY(%s)
"""
_TALLIED = """
SELECT seq::text, extract(epoch FROM pg_xact_commit_timestamp(xmin)) FROM tallies WHERE campaign_id = %s AND seq > %s
"""


async def told(database: str, topic: str, fact: str, keys: Sequence[str]) -> dict[str, float]:
    """Give when a service committed a fact, in seconds since 1970, by key; for keys that have told it once."""
    return await _times(database, _TOLD, (topic, list(keys), fact))


async def consumed(database: str, topic: str, keys: Sequence[str]) -> dict[str, float]:
    """Give when a service committed the last event of each key that it has consumed, in seconds since 1970."""
    return await _times(database, _CONSUMED, (topic, list(keys)))


async def tallied(database: str, campaign_id: UUID, after: int) -> dict[int, float]:
    """Give when each tally of a campaign after a number was committed, in seconds since 1970, by its number."""
    return {int(seq): at for seq, at in (await _times(database, _TALLIED, (campaign_id, after))).items()}


async def _times(database: str, query: str, values: tuple[object, ...]) -> dict[str, float]:
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        cursor = await connection.execute(query.encode(), values)
        return {str(key): float(at) async for key, at in cursor}
