"""Connections to a service's own PostgreSQL database: a pool for work, a direct address for what a pooler cannot do."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from services.chassis.work import Work

Connection: TypeAlias = AsyncConnection[TupleRow]

CONNECT_SECONDS = 5.0

# A peer that vanished without a word is noticed within half a minute, by us and, for a session's locks, by the server.
_KEEPALIVE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 20_000}
_SERVER_KEEPALIVE = "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3"


def database_url(server: str, service: str) -> str:
    """Name a service's database on a server: `groupbuy_<service>`; options after "?" are kept."""
    parts = urlsplit(server)
    options = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{parts.netloc}/groupbuy_{service}{options}"


class Database:
    """A service's database. Opening does not wait for the server: calls fail as unavailable until it is there."""

    def __init__(self, url: str, direct_url: str | None = None, *, pool_size: int = 8, prepare: bool = True) -> None:
        self.direct_url = direct_url or url
        options: dict[str, Any] = {"autocommit": True, **_options("groupbuy")}
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
        """Lend a connection in autocommit, for reading."""
        async with self._pool.connection() as connection:
            yield connection

    @asynccontextmanager
    async def direct(self) -> AsyncIterator[Connection]:
        """Open a connection past the pooler, in autocommit, for locks of a session and LISTEN."""
        connection = await AsyncConnection.connect(self.direct_url, autocommit=True, **_options("groupbuy-direct"))
        async with connection:
            await connection.execute(_SERVER_KEEPALIVE)
            yield connection


def _options(name: str) -> dict[str, Any]:
    return {"connect_timeout": int(CONNECT_SECONDS), "application_name": name, **_KEEPALIVE}
