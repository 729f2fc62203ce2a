"""The horizon of the outbox: up to which position every row that will ever be there can be seen."""

from collections import deque

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

_MOST_PENDING = 100

_DRAWN = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM outbox_position_seq"
_MARK = "SELECT pg_current_xact_id()::text::bigint"
_OLDEST = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"


class Horizon:
    """Moves up as transactions end.

    Positions are drawn before their transactions commit, so a higher one may be seen before a lower one. Here: read the
    last position P that was drawn, then take a transaction number X of our own (a mark). Whoever drew P or less had its
    number before it drew (outbox.append sees to that), so that number is below X. Once no transaction below X is under
    way, all of them have ended, and the rows up to P are complete. A snapshot's own upper bound would not do as the
    mark: it is the number after the last one that ended, and a transaction under way may already have it.
    """

    def __init__(self) -> None:
        self._pending: deque[tuple[int, int]] = deque()
        self._marked = 0
        self.safe = 0

    async def advance(self, connection: AsyncConnection[TupleRow]) -> bool:
        """Look again, in autocommit; tells whether transactions under way still hide something."""
        drawn = await _number(connection, _DRAWN)
        if drawn > self._marked and len(self._pending) < _MOST_PENDING:
            self._pending.append((drawn, await _number(connection, _MARK)))
            self._marked = drawn
        if self._pending:
            oldest = await _number(connection, _OLDEST)
            while self._pending and self._pending[0][1] <= oldest:
                self.safe = self._pending.popleft()[0]
        return self.safe < drawn


async def _number(connection: AsyncConnection[TupleRow], query: str) -> int:
    row = await (await connection.execute(query)).fetchone()
    return int(row[0]) if row else 0
