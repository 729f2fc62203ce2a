"""Counts seats in SQL against what callers were told: none missing, none twice, whatever an index promises."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

import psycopg

from services.chassis import ids

_SEATS = "SELECT campaign_id, seat_id, confirmed_at IS NOT NULL FROM seats"
_SIT_TWICE = (
    "SELECT campaign_id, team_id, member_id FROM seats"
    " WHERE state IN ('WAITING', 'HELD', 'CONFIRMED') AND NOT sponsored"
    " GROUP BY campaign_id, team_id, member_id HAVING count(*) > 1"
)
# A join names its seat; who opens a team has its first seat.
_MADE = (
    "SELECT s.campaign_id, s.seat_id, count(r.request_id) FROM (SELECT campaign_id, seat_id, team_id,"
    " row_number() OVER (PARTITION BY campaign_id, team_id ORDER BY number) = 1 AS is_first"
    " FROM seats WHERE NOT sponsored) AS s LEFT JOIN requests AS r ON r.campaign_id = s.campaign_id AND NOT r.refused"
    " AND (r.rpc = 'JoinTeam' AND r.subject = s.seat_id"
    " OR r.rpc = 'OpenTeam' AND r.subject = s.team_id AND s.is_first)"
    " GROUP BY s.campaign_id, s.seat_id HAVING count(r.request_id) <> 1"
)
_DECIDED = "SELECT count(*) FROM requests WHERE request_id = ANY (%s) AND created_at <= %s"


@dataclass(frozen=True)
class SeatCounts:
    """How many seats there are, and those that should not be as they are."""

    seats: int
    lost: Sequence[str] = ()
    """Acknowledged, and not there."""
    unconfirmed: Sequence[str] = ()
    """Their confirmation was acknowledged, and they were never confirmed."""
    told_twice: Sequence[str] = ()
    """One seat that two calls were told is theirs."""
    sit_twice: Sequence[str] = ()
    """Members with more than one live seat in a team."""
    made_twice: Sequence[str] = ()
    """Seats that no request made, as where one made two, or that more than one did."""

    def wrong(self) -> dict[str, int]:
        """Tell how many there are of each kind that must not be."""
        found = {
            "lost": self.lost,
            "unconfirmed": self.unconfirmed,
            "told twice": self.told_twice,
            "sit twice": self.sit_twice,
            "made twice": self.made_twice,
        }
        return {what: len(seats) for what, seats in found.items() if seats}


async def count_seats(url: str, seats: Sequence[str], confirmed: Sequence[str]) -> SeatCounts:
    """Compare the seats of a database with those of acknowledged calls, and with the requests that made them."""
    rows = await _rows(url, _SEATS)
    there = {ids.opaque("seat", campaign, seat): is_confirmed for campaign, seat, is_confirmed in rows}
    return SeatCounts(
        len(there),
        lost=sorted(set(seats) - set(there)),
        unconfirmed=sorted(seat for seat in set(confirmed) if not there.get(seat)),
        told_twice=sorted(seat for seat, times in Counter(seats).items() if times > 1),
        sit_twice=[f"{team} {member}" for _, team, member in await _rows(url, _SIT_TWICE)],
        made_twice=[f"{seat}: {times}" for _, seat, times in await _rows(url, _MADE)],
    )


async def count_decided(url: str, request_ids: Sequence[str], at: datetime) -> int:
    """Count requests that were decided at a moment of the machine's time."""
    [(decided,)] = await _rows(url, _DECIDED, list(request_ids), at)
    return int(decided)


async def _rows(url: str, sql: LiteralString, *values: object) -> list[psycopg.rows.TupleRow]:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        return await (await connection.execute(sql, values)).fetchall()
