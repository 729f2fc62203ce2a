"""Teams."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.arrays import Kind, bigints, packed, texts, uuids
from services.chassis.rows import Asked, ask, marks, put
from services.pricing.domain import PaymentMode, Team, TeamState, Totals

_COLUMNS = (
    "t.campaign_id, t.team_id, t.platform_id, t.merchant_id, t.payment_mode, t.ladder_version, t.state, t.version,"
    " t.confirmed_members, t.confirmed_units, t.held_members, t.held_units, t.waiting_members, t.waiting_units,"
    " t.sponsored_members, t.sponsored_units, t.fill, t.fill_version, t.ended_version, t.formed_version,"
    " t.price_sequence, t.settlement_sequence, t.tally_seq"
)


async def lock_teams(
    connection: AsyncConnection[TupleRow], ids: Sequence[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], Team]:
    """Lock teams named by campaign and team, at least one, in id order; whose they are is for the caller to compare."""
    asked = await ask_teams(connection, ids)
    return {(team.campaign_id, team.team_id): team for team in await asked.one()}


async def ask_teams(connection: AsyncConnection[TupleRow], ids: Sequence[tuple[UUID, UUID]]) -> Asked[Team]:
    """Have teams locked as `lock_teams` does; what is asked next is asked of locked teams, without waiting for them."""
    return await ask(
        connection,
        f"SELECT {_COLUMNS} FROM teams AS t"  # noqa: S608 - a constant
        " JOIN unnest(%s, %s) AS k (campaign_id, team_id) USING (campaign_id, team_id)"
        " ORDER BY t.campaign_id, t.team_id FOR UPDATE OF t",
        [packed((uuids, uuids), ids)],
        _team,
    )


async def find_team(
    connection: AsyncConnection[TupleRow], platform_id: UUID, campaign_id: UUID, team_id: UUID
) -> Team | None:
    """Find one team of a platform."""
    cursor = await connection.execute(
        f"SELECT {_COLUMNS} FROM teams AS t"  # noqa: S608 - a constant
        " WHERE t.platform_id = %s AND t.campaign_id = %s AND t.team_id = %s",
        (platform_id, campaign_id, team_id),
    )
    row = await cursor.fetchone()
    return _team(row) if row else None


_KINDS: Final[Sequence[Kind]] = (uuids, uuids, uuids, texts, texts, bigints, texts, *[bigints] * 16)
_CHANGING = (
    "state, version, confirmed_members, confirmed_units, held_members, held_units, waiting_members, waiting_units,"
    " sponsored_members, sponsored_units, fill, fill_version, ended_version, formed_version, price_sequence,"
    " settlement_sequence, tally_seq"
)
_SAVE = (
    "INSERT INTO teams (campaign_id, team_id, platform_id, merchant_id, payment_mode, ladder_version,"  # noqa: S608 - constants
    f" {_CHANGING}) SELECT * FROM unnest({marks(len(_KINDS))}) ON CONFLICT (campaign_id, team_id) DO UPDATE"
    f" SET ({_CHANGING}) = ROW (excluded.{_CHANGING.replace(', ', ', excluded.')})"
)


async def save_teams(connection: AsyncConnection[TupleRow], teams: Sequence[Team]) -> None:
    """Store new teams, and what can change of old ones."""
    await put(connection, _SAVE, [packed(_KINDS, map(_row, teams))])


def _row(team: Team) -> tuple[object, ...]:
    totals = team.totals
    return (
        team.campaign_id,
        team.team_id,
        team.platform_id,
        team.merchant_id,
        team.payment_mode,
        team.ladder_version,
        team.state,
        team.version,
        totals.confirmed_members,
        totals.confirmed_units,
        totals.held_members,
        totals.held_units,
        totals.waiting_members,
        totals.waiting_units,
        totals.sponsored_members,
        totals.sponsored_units,
        team.fill,
        team.fill_version,
        team.ended_version,
        team.formed_version,
        team.price_sequence,
        team.settlement_sequence,
        team.tally_seq,
    )


def _team(row: TupleRow) -> Team:
    return Team(
        campaign_id=row[0],
        team_id=row[1],
        platform_id=row[2],
        merchant_id=row[3],
        payment_mode=PaymentMode(row[4]),
        ladder_version=row[5],
        state=TeamState(row[6]),
        version=row[7],
        totals=Totals(*row[8:16]),
        fill=row[16],
        fill_version=row[17],
        ended_version=row[18],
        formed_version=row[19],
        price_sequence=row[20],
        settlement_sequence=row[21],
        tally_seq=row[22],
    )
