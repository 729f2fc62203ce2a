"""Connections to a service's own PostgreSQL database: a pool for work, a direct address for what a pooler cannot do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import psycopg
from opentelemetry.semconv.attributes.db_attributes import DB_NAMESPACE, DB_SYSTEM_NAME
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from services.chassis import metrics, requests, spans
from services.chassis.bursts import Burst, Sent, Statements
from services.chassis.errors import Raced
from services.chassis.spans import Attributes, SpanKind
from services.chassis.wakes import Wakes
from services.chassis.work import Work

Connection: TypeAlias = AsyncConnection[TupleRow]

CONNECT_SECONDS = 5.0
RECONNECT_SECONDS = 2.0
"""The pool waits twice as long after each attempt that failed: given up soon, the next call begins anew, at once."""

# Where a statement finds rows by key, planning it each time costs more than it does. Planned once, it must not depend
# on how large a table was then, or how many rows a campaign has on average.
_BY_KEY = (
    "SELECT set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_seqscan', 'off', true),"
    " set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)"
)
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

    def __init__(
        self,
        url: str,
        direct_url: str | None = None,
        *,
        pool_size: int = 8,
        prepare: bool = True,
        beside: str = "",
    ) -> None:
        """Name the database. With `beside` its transactions find tables in that schema first, and tell nobody anything.

        So are tables built a second time from events that were told long ago.
        """
        self._url = url
        self._name = urlsplit(url).path.removeprefix("/")
        self._said: Attributes = {DB_SYSTEM_NAME: "postgresql", DB_NAMESPACE: self._name}
        self.direct_url = direct_url or url
        self._tells = not beside
        self.wakes = Wakes(self.direct)
        self._is_lane = False
        self._prepare = prepare
        self._statements: dict[Connection, Statements] = {}
        manner = {"autocommit": True, "prepare_threshold": 0 if prepare else None}
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            url,
            min_size=1,
            max_size=pool_size,
            timeout=CONNECT_SECONDS,
            kwargs=manner | _options("groupbuy") | _search(beside),
            open=False,
            reconnect_timeout=RECONNECT_SECONDS,
        )

    async def start(self) -> None:
        """Begin to connect."""
        await self._pool.open(wait=False)

    def lane(self, pool_size: int) -> "Database":
        """Make another pool to the same database, for what must not wait for connections behind all else.

        It is started and stopped by itself; wake-up calls are shared.
        """
        lane = Database(self._url, self.direct_url, pool_size=pool_size, prepare=self._prepare)
        lane.wakes, lane._is_lane = self.wakes, True
        return lane

    async def stop(self) -> None:
        """Close every connection."""
        if not self._is_lane:
            await self.wakes.stop()
        await self._pool.close()

    def pool(self, number: str) -> int:
        """Tell a number of the pool, by the pool's own name for it: pool_size, pool_available, requests_waiting."""
        return self._pool.get_stats().get(number, 0)

    async def ready(self) -> bool:
        """Tell whether the server answers."""
        async with self._pool.connection() as connection:
            await connection.execute("SELECT 1")
        return True

    @asynccontextmanager
    async def work(self, *, by_key: bool = False) -> AsyncIterator[Work]:
        """Open one transaction; what is told in it is written to the outbox just before it commits.

        It is a pipeline: statements wait for nothing, and are sent together when rows are fetched, when the work is
        told to `send`, or at the end; an error comes with the next fetch or at the end. Nothing may be read from a
        cursor but by fetching: rowcount is not known yet. Raced where another transaction decided the same request.
        With `by_key` its statements are planned once, to find each row by its key, and must be written so.
        """
        async with self._transaction("BEGIN", *([_BY_KEY] if by_key else [])) as work:
            yield work

    @asynccontextmanager
    async def one_moment(self) -> AsyncIterator[Connection]:
        """Open a transaction that reads only, and all of it as of one moment; a pipeline too."""
        async with self._transaction("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY") as work:
            yield work.connection

    @asynccontextmanager
    async def _transaction(self, *begin: str) -> AsyncIterator[Work]:
        before = _cancels()
        with spans.under(f"transaction {self._name}", self._said, SpanKind.CLIENT):
            connection = await self._pool.getconn()
            try:
                _end_if_told(before)
                async with Burst(connection, self._statements_of(connection)) as burst:
                    for statement in begin:
                        burst.run(statement)
                    work = Work(connection, burst)
                    yield work
                    if self._tells:
                        await work.write_outbox()
                    ended = burst.run("COMMIT")
            except BaseException as error:
                await self._undo(connection)
                if isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
                    await connection.close()  # another server may take writes by now; the pool connects anew
                if isinstance(error, psycopg.errors.UniqueViolation) and requests.is_race(error):
                    raise Raced("another process decides the same request") from error
                if not isinstance(error, psycopg.Rollback):
                    raise
            else:
                _check_committed(ended)
                metrics.count_facts(work.written)
                for channel in work.calls:
                    self.wakes.ring(channel)
            finally:
                await self._pool.putconn(connection)

    async def _undo(self, connection: Connection) -> None:
        """Roll back; a connection that is lost is rolled back by the server.

        psycopg may have the server forget what is prepared when it sees a transaction undone: here it always does, so
        that what was prepared by whatever name neither is missed nor piles up.
        """
        statements = self._statements_of(connection)
        statements.forget()
        with suppress(psycopg.Error):
            await connection.rollback()
            if statements.prepare:
                await connection.execute("DEALLOCATE ALL")  # psycopg notices, and forgets its own too

    def _statements_of(self, connection: Connection) -> Statements:
        known = self._statements.get(connection)
        if known is None:
            # what is kept of a connection keeps the connection: a weak reference to it would never end
            self._statements = {one: kept for one, kept in self._statements.items() if not one.closed}
            known = self._statements[connection] = Statements(connection, prepare=self._prepare)
        return known

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Connection]:
        """Lend a connection in autocommit, for reading."""
        before = _cancels()
        with spans.under(f"read {self._name}", self._said, SpanKind.CLIENT):
            async with self._pool.connection() as connection:
                _end_if_told(before)
                yield connection

    @asynccontextmanager
    async def direct(self) -> AsyncIterator[Connection]:
        """Open a connection past the pooler, in autocommit, for locks of a session and LISTEN."""
        connection = await AsyncConnection.connect(self.direct_url, autocommit=True, **_options("groupbuy-direct"))
        async with connection:
            await connection.execute(_SERVER_KEEPALIVE)
            yield connection


def _cancels() -> int:
    """Count how often this task was told to end."""
    task = asyncio.current_task()
    return task.cancelling() if task else 0


def _end_if_told(before: int) -> None:
    """End this task if it was told to while it waited for a connection.

    The pool waits by asyncio.wait_for, which loses that (before Python 3.12) where the connection comes at the same
    moment: a process that is to stop would wait for such a part for ever.
    """
    if _cancels() > before:
        raise asyncio.CancelledError


def _check_committed(ended: Sent) -> None:
    """Refuse to go on as if committed: PostgreSQL answers ROLLBACK where an error before was caught and ignored."""
    if ended.status != b"COMMIT":
        raise RuntimeError("a transaction was not committed: one of its statements failed, and that was ignored")


def _search(beside: str) -> dict[str, Any]:
    """Options of who works beside: no commit is waited for, as whoever takes over what was built commits behind it."""
    return {"options": f"-c search_path={beside},public -c synchronous_commit=off"} if beside else {}


def _options(name: str) -> dict[str, Any]:
    named = {"application_name": name, "client_encoding": "utf-8"}
    return {"connect_timeout": int(CONNECT_SECONDS), **named, **_KEEPALIVE}
