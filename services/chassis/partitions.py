"""The outbox's partitions, one a day: made ahead, and dropped whole when the topics keep that day no longer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta

from psycopg import AsyncConnection, sql
from psycopg.rows import TupleRow

from services.chassis import logs

KEEP_DAYS = 14
AHEAD_DAYS = 3

_PREFIX = "outbox_"
_LOCK = 7_022_365_303

log = logs.logger(__name__)


async def keep_partitions(connection: AsyncConnection[TupleRow], today: date, keep_days: int = KEEP_DAYS) -> None:
    """Make the partitions from yesterday to three days ahead, and drop older days than are kept.

    A day with events that are not in Kafka yet is kept. Waits at most a second for the outbox, because whoever writes
    there waits behind: LockNotAvailable, to be tried again. Not inside a transaction.
    """
    async with _alone(connection):
        there = await _partitions(connection)
        for day in (today + timedelta(days=n) for n in range(-1, AHEAD_DAYS + 1)):
            if day not in there:
                await _make(connection, day)
    for day in sorted(day for day in there if day < today - timedelta(days=keep_days)):
        async with _alone(connection):
            await _drop(connection, day)


@asynccontextmanager
async def _alone(connection: AsyncConnection[TupleRow]) -> AsyncIterator[None]:
    """Open a transaction that waits for other keepers, and briefly for the outbox."""
    async with connection.transaction():
        await connection.execute("SET LOCAL client_min_messages = warning")
        await connection.execute("SET LOCAL lock_timeout = '1s'")
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        yield


async def _partitions(connection: AsyncConnection[TupleRow]) -> set[date]:
    cursor = await connection.execute(
        "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = 'outbox'::regclass"
    )
    names = [name.removeprefix(_PREFIX) async for (name,) in cursor]
    return {datetime.strptime(name, "%Y%m%d").replace(tzinfo=UTC).date() for name in names}


async def _make(connection: AsyncConnection[TupleRow], day: date) -> None:
    await connection.execute(
        sql.SQL("CREATE TABLE {} PARTITION OF outbox FOR VALUES FROM ({}) TO ({})").format(
            _name(day), sql.Literal(_start(day)), sql.Literal(_start(day + timedelta(days=1)))
        )
    )


async def _drop(connection: AsyncConnection[TupleRow], day: date) -> None:
    if day not in await _partitions(connection):
        return
    unsent = sql.SQL(
        "SELECT 1 FROM {} AS old JOIN relay_positions USING (shard)"
        " WHERE old.position > relay_positions.position LIMIT 1"
    )
    if await (await connection.execute(unsent.format(_name(day)))).fetchone():
        log.warning("a day of the outbox is kept: it has events that are not in Kafka yet", day=day.isoformat())
    else:
        await connection.execute(sql.SQL("DROP TABLE {}").format(_name(day)))


def _name(day: date) -> sql.Identifier:
    return sql.Identifier(f"{_PREFIX}{day:%Y%m%d}")


def _start(day: date) -> str:
    return f"{day.isoformat()} 00:00:00+00"
