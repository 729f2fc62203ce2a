"""The horizon of the outbox, or of another table like it: up to which position every row that will ever be is seen."""

from collections import deque

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.rows import Rows

_MOST_PENDING = 100
_NEVER = 2**63 - 1

# The mark is taken of what was drawn, so it is taken after it was read; the oldest one is older than both, or the mark.
_LOOK = """
SELECT drawn, CASE WHEN drawn > %s THEN pg_current_xact_id()::text::bigint END,
       pg_snapshot_xmin(pg_current_snapshot())::text::bigint
FROM (SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS drawn FROM {sequence}) AS positions
"""


class Horizon:
    """Moves up as transactions end.

    Positions are drawn before their transactions commit, so a higher one may be seen before a lower one. Here: read the
    last position P that was drawn, then take a transaction number X of our own (a mark). Whoever drew P or less had its
    number before it drew (outbox.append sees to that), so that number is below X. Once no transaction below X is under
    way, all of them have ended, and the rows up to P are complete. A snapshot's own upper bound would not do as the
    mark: it is the number after the last one that ended, and a transaction under way may already have it.
    """

    def __init__(self, sequence: str = "outbox_position_seq") -> None:
        self._look = _LOOK.format(sequence=sequence)
        self._pending: deque[tuple[int, int]] = deque()
        self._marked = 0
        self.safe = 0

    async def look(self, connection: AsyncConnection[TupleRow]) -> Rows[tuple[int, int | None, int]]:
        """Ask in autocommit; the answer is for `advance`. What is asked after it sees every row up to `safe` then."""
        marked = self._marked if len(self._pending) < _MOST_PENDING else _NEVER
        return Rows(await connection.execute(self._look, (marked,), binary=True), lambda row: (row[0], row[1], row[2]))

    def advance(self, drawn: int, mark: int | None, oldest: int) -> bool:
        """Take an answer; tells whether transactions under way still hide something."""
        if mark is not None:
            self._pending.append((drawn, mark))
            self._marked = drawn
        while self._pending and self._pending[0][1] <= oldest:
            self.safe = self._pending.popleft()[0]
        return self.safe < drawn
