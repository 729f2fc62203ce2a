"""The services' databases on a PostgreSQL server: create what is missing, bring each up to date."""

import asyncio
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from deploy.local.errors import LocalError
from deploy.local.stack.services import SERVICES
from services.chassis.database import database_url
from services.chassis.migrations import MigrationError, migrate


async def prepare_databases(server: str) -> int:
    """Create and migrate one database per service on `server`; give how many files were applied.

    LocalError if the server cannot be reached or refuses.
    """
    try:
        await _create_missing(server)
        applied = await asyncio.gather(*(migrate(database_url(server, name), name) for name in SERVICES))
    except MigrationError as error:
        raise LocalError(f"The databases could not be migrated: {error}.", "No service was started.") from None
    except psycopg.Error as error:
        raise _refusal(server, error) from None
    return sum(len(files) for files in applied)


async def _create_missing(server: str) -> None:
    async with await psycopg.AsyncConnection.connect(server, autocommit=True, connect_timeout=10) as connection:
        rows = await connection.execute("SELECT datname FROM pg_database")
        there = {name for (name,) in await rows.fetchall()}
        for service in SERVICES:
            name = urlsplit(database_url(server, service)).path.strip("/")
            if name not in there:
                await connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def _refusal(server: str, error: psycopg.Error) -> LocalError:
    where = urlsplit(server).netloc.rpartition("@")[2]
    reason = str(error).strip().partition("\n")[0].removeprefix("connection failed: ").rstrip(".")
    return LocalError(
        f"PostgreSQL at {where}: {reason}.",
        "If GROUPBUY_DATABASE_URL names it: does it run, is the address right, and may its user create databases?",
    )
