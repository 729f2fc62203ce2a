"""Plain-SQL migrations: the chassis' own, then the service's, each applied once, in order, never changed after.

A file runs in one transaction. Two processes that migrate at once wait for each other (advisory lock). A file that was
changed after it was applied is an error that names it: mend by a new file.
"""

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files

from psycopg import AsyncConnection
from psycopg.errors import DeadlockDetected
from psycopg.rows import TupleRow

from services.chassis.partitions import keep_partitions

_LOCK = 7_022_365_301
_TRIES = 20


class MigrationError(Exception):
    """The database's history and the files do not agree; the text names the file and the remedy."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One SQL file."""

    source: str
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, in hexadecimal."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations(service: str) -> list[Migration]:
    """List the files of the chassis and of a service (or of the chassis alone), in the order they are applied."""
    return [item for source in dict.fromkeys(("chassis", service)) for item in _of(source)]


def _of(source: str) -> list[Migration]:
    folder = files("services") / source / "migrations"
    found = sorted((item for item in folder.iterdir() if item.name.endswith(".sql")), key=lambda item: item.name)
    return [Migration(source, item.name, item.read_text()) for item in found]


async def migrate(url: str, service: str) -> list[str]:
    """Bring a service's database up to date; returns the names of the files applied.

    Raises MigrationError, or psycopg.Error where the server does not answer or refuses.
    """
    async with await AsyncConnection.connect(url, autocommit=True, connect_timeout=10) as connection:
        await connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        try:
            applied = await _history(connection)
            names = [item.name for item in migrations(service) if await _apply(connection, item, applied)]
            await keep_partitions(connection, datetime.now(UTC).date())
        finally:
            await connection.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))
    return names


async def _history(connection: AsyncConnection[TupleRow]) -> dict[tuple[str, str], str]:
    await connection.execute("SET client_min_messages = warning")
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_migrations (source text, name text, checksum text NOT NULL,"
        " applied_at timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (source, name))"
    )
    rows = await connection.execute("SELECT source, name, checksum FROM schema_migrations")
    return {(source, name): checksum async for source, name, checksum in rows}


async def _apply(connection: AsyncConnection[TupleRow], item: Migration, applied: dict[tuple[str, str], str]) -> bool:
    known = applied.get((item.source, item.name))
    if known == item.checksum:
        return False
    if known is not None:
        raise MigrationError(
            f"{item.source}/migrations/{item.name} was changed after it was applied;"
            " put it back and add a new file instead"
        )
    await _until_no_deadlock(connection, item)
    return True


async def _until_no_deadlock(connection: AsyncConnection[TupleRow], item: Migration) -> None:
    """Apply a file; again where it met calls that lock the same tables the other way round, and it was undone whole."""
    for _ in range(_TRIES):
        with suppress(DeadlockDetected):
            return await _in_one_transaction(connection, item)
    return await _in_one_transaction(connection, item)


async def _in_one_transaction(connection: AsyncConnection[TupleRow], item: Migration) -> None:
    async with connection.transaction():
        await connection.execute(item.sql.encode())
        await connection.execute(
            "INSERT INTO schema_migrations (source, name, checksum) VALUES (%s, %s, %s)",
            (item.source, item.name, item.checksum),
        )
