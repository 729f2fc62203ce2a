"""Real PostgreSQL for tests: one server a run, one migrated template a service, one clone a test."""

import asyncio
import hashlib
import os
import tempfile
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from deploy.local.postgres import LocalPostgres

SERVER_VARIABLE = "GROUPBUY_TEST_DATABASE_URL"

Database = Callable[[str], Awaitable[str]]


class DatabaseServer:
    """A PostgreSQL server that tests make databases on; it holds one connection for that."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._connection = psycopg.connect(url, autocommit=True)
        self._templates: dict[str, str] = {}

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def database_url(self, name: str) -> str:
        """The address of the database `name` on this server."""
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))

    async def create(self, template: str = "template1") -> str:
        """Make a database with a name of its own, as a copy of `template`; give the name."""
        name = f"test_{uuid.uuid4().hex}"
        # copying files beats writing the copy to the log for databases of this size
        await self._execute("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY", name, template)
        return name

    async def drop(self, name: str) -> None:
        """Drop the database `name`, ending its connections."""
        await self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    async def template(self, service: str) -> str:
        """Give the name of a database with the schema of `service`; "" is an empty one. Made at the first call."""
        if not service:
            return "template1"
        if service not in self._templates:
            self._templates[service] = await self._migrated(service)
        return self._templates[service]

    async def _migrated(self, service: str) -> str:
        """Migrate a new database and name it by its migrations, so that a server that lives on keeps it for later."""
        # imported here because it brings the Kafka client with it, which tests of PostgreSQL alone can do without
        from services.chassis.migrations import migrate, migrations  # noqa: PLC0415

        checksums = "".join(item.checksum for item in migrations(service))
        name = f"template_{service}_{hashlib.sha256(checksums.encode()).hexdigest()[:12]}"
        if not await self._exists(name):
            scratch = await self.create()
            await migrate(self.database_url(scratch), service)
            await self._execute("ALTER DATABASE {} RENAME TO {}", scratch, name)
        return name

    async def _exists(self, name: str) -> bool:
        query = "SELECT 1 FROM pg_database WHERE datname = %s"
        return await asyncio.to_thread(lambda: self._connection.execute(query, (name,)).fetchone()) is not None

    async def _execute(self, statement: str, *names: str) -> None:
        composed = sql.SQL(statement).format(*map(sql.Identifier, names))
        await asyncio.to_thread(self._connection.execute, composed)


@pytest.fixture(scope="session")
def database_server() -> Iterator[DatabaseServer]:
    """The server of GROUPBUY_TEST_DATABASE_URL, else a local one that lives as long as the run."""
    if url := os.environ.get(SERVER_VARIABLE):
        yield from _connected(url)
        return
    with tempfile.TemporaryDirectory(prefix="groupbuy-test-") as folder:
        postgres = LocalPostgres(Path(folder), 0, durable=False)
        asyncio.run(postgres.start())
        yield from _connected(postgres.url)
        asyncio.run(postgres.stop())


@pytest.fixture
async def database(database_server: DatabaseServer) -> AsyncIterator[Database]:
    """Call it with a service's name (or "" for an empty one): a fresh database's address, dropped after the test."""
    made: list[str] = []

    async def make(service: str) -> str:
        made.append(await database_server.create(await database_server.template(service)))
        return database_server.database_url(made[-1])

    yield make
    for name in made:
        await database_server.drop(name)


def _connected(url: str) -> Iterator[DatabaseServer]:
    server = DatabaseServer(url)
    yield server
    server.close()
