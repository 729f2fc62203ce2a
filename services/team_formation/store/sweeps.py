"""Sweeps: campaigns whose teams all have to be looked at, and how far each is."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

_FIRST = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Sweep:
    """How far the sweep of a campaign is, for the version of the campaign that it was begun for."""

    platform_id: UUID
    campaign_id: UUID
    version: int
    after: UUID | None
    formed_too: bool


async def find_sweeps(connection: AsyncConnection[TupleRow], limit: int) -> list[Sweep]:
    """Find campaigns whose teams have to be looked at. A finder: it names no campaign."""
    cursor = await connection.execute(
        "SELECT platform_id, campaign_id, sequence, sweep_after, phase = 'CANCELLED' AND cancels_formed FROM campaigns"
        " WHERE sweeping ORDER BY campaign_id LIMIT %s",
        (limit,),
        binary=True,
    )
    return [Sweep(*row) async for row in cursor]


async def list_sweep(connection: AsyncConnection[TupleRow], sweep: Sweep, limit: int) -> Sequence[UUID]:
    """List the next teams of a sweep, in id order: the open ones, and those that formed where they end, too."""
    cursor = await connection.execute(
        "SELECT t.team_id FROM teams AS t WHERE t.campaign_id = %s AND t.team_id > %s"
        " AND (t.state IN ('FORMING', 'TIPPED') OR (%s AND t.state = 'FORMED')) ORDER BY t.team_id LIMIT %s",
        (sweep.campaign_id, sweep.after or _FIRST, sweep.formed_too, limit),
        binary=True,
    )
    return [team_id async for (team_id,) in cursor]


async def note_sweep(connection: AsyncConnection[TupleRow], sweep: Sweep, after: UUID | None) -> None:
    """Note how far a sweep is; None: it is done. Nothing is noted where the campaign has changed meanwhile."""
    await connection.execute(
        "UPDATE campaigns SET sweep_after = %s, sweeping = %s WHERE campaign_id = %s AND sequence = %s",
        (after, after is not None, sweep.campaign_id, sweep.version),
    )
