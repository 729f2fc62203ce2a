"""The services' databases on a PostgreSQL server: create what is missing, bring each up to date."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from deploy.local.errors import LocalError, ServerAway
from deploy.local.stack.services import SERVICES
from services.chassis.database import database_url
from services.chassis.migrations import MigrationError, migrate

MAINTENANCE = "postgres"
"""The database that every server has."""


async def prepare_databases(server: str, services: Sequence[str] = SERVICES) -> dict[str, list[str]]:
    """Create and migrate one database for each of `services` on `server`; give the files that were applied, by service.

    ServerAway if the server cannot be reached, LocalError if it refuses.
    """
    try:
        await asyncio.gather(*(_create(server, name) for name in services))
        applied = await asyncio.gather(*(migrate(database_url(server, name), name) for name in services))
    except MigrationError as error:
        raise LocalError(f"The databases could not be migrated: {error}.", "No service was started.") from None
    except psycopg.Error as error:
        raise _refusal(server, error) from None
    return dict(zip(services, applied, strict=True))


async def _create(server: str, service: str) -> None:
    """Create a service's database, unless it is there, or somebody else creates it at this moment."""
    own = urlsplit(database_url(server, service))
    name = own.path.strip("/")
    try:
        async with await psycopg.AsyncConnection.connect(own.geturl(), connect_timeout=10):
            return
    except psycopg.OperationalError as error:
        missing = error
    maintenance = own._replace(path=f"/{MAINTENANCE}").geturl()
    async with await psycopg.AsyncConnection.connect(maintenance, autocommit=True, connect_timeout=10) as connection:
        rows = await connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
        if await rows.fetchone():
            raise missing
        with suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
            await connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def _refusal(server: str, error: psycopg.Error) -> LocalError:
    where = urlsplit(server).netloc.rpartition("@")[2]
    reason = str(error).strip().partition("\n")[0].removeprefix("connection failed: ").rstrip(".")
    kind = ServerAway if isinstance(error, psycopg.OperationalError) else LocalError
    return kind(
        f"PostgreSQL at {where}: {reason}.",
        "If GROUPBUY_DATABASE_URL names it: does it run, is the address right, and may its user create databases?",
    )
