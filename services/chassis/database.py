"""Connections to a service's own PostgreSQL database: a pool for work, a direct address for what a pooler cannot do."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias
from urllib.parse import urlsplit, urlunsplit

from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from services.chassis.work import Work

Connection: TypeAlias = AsyncConnection[TupleRow]

CONNECT_SECONDS = 5.0


def database_url(server: str, service: str) -> str:
    """Name a service's database on a server: `groupbuy_<service>`; options after "?" are kept."""
    parts = urlsplit(server)
    return urlunsplit((parts.scheme, parts.netloc, f"/groupbuy_{service}", parts.query, ""))


class Database:
    """A service's database. Opening does not wait for the server: calls fail as unavailable until it is there."""

    def __init__(self, url: str, direct_url: str | None = None, *, pool_size: int = 8, prepare: bool = True) -> None:
        self.direct_url = direct_url or url
        options: dict[str, Any] = {"connect_timeout": int(CONNECT_SECONDS), "application_name": "groupbuy"}
        if not prepare:
            options["prepare_threshold"] = None
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            url,
            min_size=1,
            max_size=pool_size,
            timeout=CONNECT_SECONDS,
            kwargs=options,
            open=False,
            reconnect_timeout=30,
        )

    async def start(self) -> None:
        """Begin to connect."""
        await self._pool.open(wait=False)

    async def stop(self) -> None:
        """Close every connection."""
        await self._pool.close()

    async def ready(self) -> bool:
        """Tell whether the server answers."""
        async with self._pool.connection() as connection:
            await connection.execute("SELECT 1")
        return True

    @asynccontextmanager
    async def work(self) -> AsyncIterator[Work]:
        """Open one transaction; what is told in it is written to the outbox just before it commits."""
        async with self._pool.connection() as connection, connection.transaction():
            work = Work(connection)
            yield work
            await work.write_outbox()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Connection]:
        """Lend a connection for reading."""
        async with self._pool.connection() as connection:
            await connection.set_autocommit(True)
            try:
                yield connection
            finally:
                await connection.set_autocommit(False)

    @asynccontextmanager
    async def direct(self) -> AsyncIterator[Connection]:
        """Open a connection past the pooler, in autocommit, for locks of a session and LISTEN."""
        connection = await AsyncConnection.connect(
            self.direct_url, autocommit=True, connect_timeout=int(CONNECT_SECONDS), application_name="groupbuy-direct"
        )
        async with connection:
            yield connection
