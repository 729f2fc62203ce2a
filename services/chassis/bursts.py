"""Has the statements of a transaction sent together: in one piece when their rows are fetched, or when told to.

psycopg (3.3) hands every statement of a pipeline to the network by itself: two system calls for us, and a server
process that wakes up for each. It also makes a cursor for each, three times the work of what is needed here; a
transaction of ours has a dozen statements, and a set of them for every campaign in it. A burst gives them to libpq
itself, which keeps them until it is told to send. psycopg has no public way for this;
tests/integration/chassis/test_bursts.py checks what is used of its inside.
"""

from collections.abc import Generator, Sequence
from functools import lru_cache
from types import TracebackType
from typing import Any, Self, TypeAlias

from psycopg import AsyncConnection, AsyncPipeline, errors
from psycopg.abc import Transformer as AnyTransformer
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ExecStatus, Format
from psycopg.pq.abc import PGresult
from psycopg.rows import TupleRow

_Key: TypeAlias = tuple[str, tuple[int, ...]]
"""A statement with the types of its parameters."""

_WELL = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)
_MOST_NAMES = 1000


class Statements:
    """The statements that the server has prepared for one connection, for as long as the connection lives."""

    def __init__(self, connection: AsyncConnection[TupleRow], *, prepare: bool) -> None:
        self.prepare = prepare
        self.transformer: AnyTransformer = Transformer(connection)
        self.names: dict[_Key, bytes] = {}
        self._numbered = 0

    def forget(self) -> None:
        """Have every statement prepared anew: the server may have forgotten them."""
        self.names.clear()

    def new_name(self) -> bytes:
        """Make a name. None is used twice: what became of one that failed is not known."""
        self._numbered += 1
        return b"groupbuy_%d" % self._numbered


class Sent:
    """A statement on its way. It stands where psycopg has a cursor, and is told the result in its place."""

    __slots__ = ("_burst", "_key", "_name", "_result")

    def __init__(self, burst: "Burst", key: _Key, name: bytes) -> None:
        self._burst = burst
        self._key = key
        self._name = name
        self._result: PGresult | None = None

    async def fetchall(self) -> list[tuple[Any, ...]]:
        """Fetch the rows; waits for them and for what was sent before, if they are not here yet."""
        if self._result is None:
            await self._burst.fetch()
        result = self._result
        if result is None:
            raise RuntimeError("a statement got no result, and no error either")
        transformer = self._burst.statements.transformer
        transformer.set_pgresult(result)
        return transformer.load_rows(0, result.ntuples, tuple)

    @property
    def status(self) -> bytes:
        """What the server calls the command that it carried out; empty while it has not."""
        return (self._result.command_status or b"") if self._result else b""

    def _check_results(self, results: list[PGresult]) -> None:
        [result] = results
        if result.status in _WELL:
            self._burst.keep_name(self._key, self._name)
        elif result.status == ExecStatus.PIPELINE_ABORTED:
            raise errors.PipelineAborted("pipeline aborted")
        else:
            raise errors.error_from_result(result, encoding="utf-8")

    def _set_results(self, results: list[PGresult]) -> None:
        self._result = results[0]


class Burst(AsyncPipeline):
    """A pipeline that waits with its statements, on a connection that is in none."""

    def __init__(self, connection: AsyncConnection[TupleRow], statements: Statements) -> None:
        super().__init__(connection)
        self.statements = statements
        self._fresh: dict[_Key, bytes] = {}
        """Names that are prepared in this pipeline, if all goes well."""

    async def __aenter__(self) -> Self:
        """Begin: psycopg's own cursors of the connection are part of it from now on."""
        self._conn._pipeline = self  # noqa: SLF001 - there is no public way, and the version is pinned
        return await super().__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Send what waits, and wait for all of it; raises what went wrong, unless something else did."""
        try:
            await super().__aexit__(kind, error, trace)
        finally:
            if not self.level:  # a transaction within enters and leaves it too
                self._conn._pipeline = None  # noqa: SLF001

    @classmethod
    def under_way(cls, connection: AsyncConnection[TupleRow]) -> "Burst | None":
        """Give the one that a connection is in, if so."""
        pipeline = connection._pipeline  # noqa: SLF001 - there is no public way, and the version is pinned
        return pipeline if isinstance(pipeline, Burst) else None

    def run(self, statement: str, parameters: Sequence[Any] = ()) -> Sent:
        """Put a statement on its way; its rows come in binary. An error of it comes with the next fetch, or the end."""
        self._hand_over()
        transformer = self.statements.transformer
        values = transformer.dump_sequence(parameters, _formats(len(parameters)))
        types, formats = transformer.types or (), transformer.formats or ()
        key = (statement, types)
        name = self.statements.names.get(key) or self._fresh.get(key) or self._prepared(key)
        if name:
            self.pgconn.send_query_prepared(name, values, formats, Format.BINARY)
        else:
            self.pgconn.send_query_params(_numbered(statement), values, types, formats, Format.BINARY)
        sent = Sent(self, key, name)
        self.result_queue.append((sent, None))  # type: ignore[arg-type]
        return sent

    def keep_name(self, key: _Key, name: bytes) -> None:
        """Remember that a statement is prepared: it was executed."""
        if name:
            self.statements.names[key] = name

    async def send(self) -> None:
        """Send what waits, so that the server begins with it."""
        await self._conn.wait(self._send_gen())

    async def fetch(self) -> None:
        """Send what waits, and wait until all of it is done."""
        await self._conn.wait(self._fetch_gen(flush=True))

    def _prepared(self, key: _Key) -> bytes:
        """Have a statement prepared and give its name; none behind a pooler, or where there are too many already."""
        if not self.statements.prepare or len(self.statements.names) >= _MOST_NAMES:
            return b""
        statement, types = key
        name = self._fresh[key] = self.statements.new_name()
        self.pgconn.send_prepare(name, _numbered(statement), types)
        self.result_queue.append(None)
        return name

    def _hand_over(self) -> None:
        """Give libpq what psycopg's own cursors have queued; libpq's buffer has no limit."""
        while self.command_queue:
            self.command_queue.popleft()()

    def _send_gen(self) -> Generator[Any, Any, None]:
        self._hand_over()
        yield from super()._communicate_gen()

    def _communicate_gen(self) -> Generator[Any, Any, None]:
        """Hold a statement back; what psycopg calls after each of them."""
        yield from ()

    def _fetch_gen(self, *, flush: bool) -> Generator[Any, Any, None]:
        self._hand_over()
        yield from super()._fetch_gen(flush=flush)


@lru_cache(256)
def _formats(count: int) -> list[PyFormat]:
    return [PyFormat.AUTO] * count


@lru_cache(_MOST_NAMES)
def _numbered(statement: str) -> bytes:
    """Number a statement's parameters as PostgreSQL does; a percent sign of its own stands twice."""
    first, *others = statement.replace("%%", _PERCENT).split("%s")
    numbered = first + "".join(f"${number}{part}" for number, part in enumerate(others, 1))
    return numbered.replace(_PERCENT, "%").encode()


_PERCENT = "\0"
