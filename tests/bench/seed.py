"""Rows for measurements: RPCs make the first ones, SQL multiplies them, whatever columns and tables there are.

A copy differs from its model by its number: it takes the place of the last twelve digits of every id of its own, and
follows every member's name. Copies have no events.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import psycopg
from psycopg import AsyncConnection, sql
from psycopg.rows import TupleRow

from services.chassis import ids
from services.team_formation import translate
from tests.bench.campaign import a_team
from tests.bench.installation import Installation

_LEFT_OUT = {"outbox", "requests", "invite_codes"}
"""Have a campaign, but rows that are found by something else or belong to a request."""


@dataclass(frozen=True)
class Team:
    """A team's two ids."""

    campaign_id: UUID
    team_id: UUID

    @property
    def name(self) -> str:
        """Its id in the API."""
        return ids.opaque(translate.TEAM, self.campaign_id, self.team_id)


async def new_teams(whole: Installation, campaign_id: str, count: int = 1) -> list[Team]:
    """Open teams."""
    async with whole.stub() as call:
        opened = [await call("OpenTeam", a_team(campaign_id)) for _ in range(count)]
    return [read_team(answer.team.team_id) for answer in opened]


def read_team(name: str) -> Team:
    """Read the id of a team in the API; ValueError where it is none."""
    found = ids.parse(translate.TEAM, name, 2)
    if found is None:
        raise ValueError(f"{name} is no team's id")
    return Team(*found)


def copied(model: UUID, number: int) -> UUID:
    """Give the id of a copy."""
    return UUID(f"{str(model)[:24]}{number:012x}")


async def more_teams(whole: Installation, model: Team, count: int, shift: timedelta = timedelta()) -> list[Team]:
    """Copy a team with its seats; every time of a copy is shifted. Gives the copies."""
    async with await psycopg.AsyncConnection.connect(whole.database) as connection:
        tables = await _tables(connection)
        for table, columns in tables.items():
            if "team_id" in columns:
                await _copy(connection, table, columns, model, count, {"campaign_id", "platform_id"}, shift)
            elif "member_id" in columns:
                await _copy_members(connection, table, columns, model, count)
        await _recount_stock(connection, tables, model.campaign_id)
    await settle(whole)
    return [Team(model.campaign_id, copied(model.team_id, number)) for number in range(1, count + 1)]


async def more_campaigns(whole: Installation, teams: Sequence[Team], count: int) -> list[Team]:
    """Copy a campaign with all that it has; gives the copies of those of its teams that are named."""
    async with await psycopg.AsyncConnection.connect(whole.database) as connection:
        for table, columns in (await _tables(connection)).items():
            model = Team(teams[0].campaign_id, UUID(int=0))
            await _copy(connection, table, columns, model, count, {"platform_id"}, timedelta(), whole_campaign=True)
    await settle(whole)
    numbers = range(1, count + 1)
    return [Team(copied(one.campaign_id, at), copied(one.team_id, at)) for at in numbers for one in teams]


async def forget_teams(whole: Installation, one: Team) -> None:
    """Delete all teams of a team's campaign, with their seats; the service may be at work on them."""
    async with await psycopg.AsyncConnection.connect(whole.database) as connection:
        tables = await _tables(connection)
        for lock in [item for item in ("stock", "teams") if item in tables]:  # in the service's own order
            statement = sql.SQL("SELECT FROM {} AS t WHERE campaign_id = %s ORDER BY t FOR UPDATE")
            await connection.execute(statement.format(sql.Identifier(lock)), (one.campaign_id,))
        for table, columns in tables.items():
            if "team_id" in columns:
                await connection.execute(
                    sql.SQL("DELETE FROM {} WHERE campaign_id = %s").format(sql.Identifier(table)), (one.campaign_id,)
                )
        await _recount_stock(connection, tables, one.campaign_id)
    await settle(whole)


async def _recount_stock(connection: AsyncConnection[TupleRow], tables: Collection[str], campaign_id: UUID) -> None:
    """Have a campaign's stock, where there is such a thing, count the seats that are there."""
    if "stock" in tables:
        await connection.execute(
            "UPDATE stock AS i SET taken = (SELECT coalesce(sum(quantity), 0) FROM seats AS s WHERE s.campaign_id ="
            " i.campaign_id AND s.sku = i.sku AND s.state IN ('HELD', 'CONFIRMED')) WHERE i.campaign_id = %s",
            (campaign_id,),
        )


async def settle(whole: Installation) -> None:
    """Leave nothing to do in the background that a measurement would pay for."""
    async with await psycopg.AsyncConnection.connect(whole.database, autocommit=True) as connection:
        await connection.execute("VACUUM ANALYZE")
        await connection.execute("CHECKPOINT")


async def _tables(connection: AsyncConnection[TupleRow]) -> dict[str, dict[str, str]]:
    """Every table with a campaign in it: the types of its columns by name. Copies need no other row first."""
    await connection.execute("SET session_replication_role = replica")
    cursor = await connection.execute(
        "SELECT c.table_name, c.column_name, c.data_type FROM information_schema.columns AS c"
        " JOIN information_schema.tables AS t USING (table_schema, table_name)"
        " JOIN pg_class AS k ON k.oid = format('%I.%I', c.table_schema, c.table_name)::regclass"
        " WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE' AND NOT k.relispartition"
        " AND c.is_generated = 'NEVER' AND c.is_identity = 'NO' ORDER BY c.table_name, c.ordinal_position"
    )
    tables: dict[str, dict[str, str]] = {}
    for table, column, kind in await cursor.fetchall():
        tables.setdefault(table, {})[column] = kind
    return {name: columns for name, columns in tables.items() if "campaign_id" in columns and name not in _LEFT_OUT}


async def _copy(
    connection: AsyncConnection[TupleRow],
    table: str,
    columns: dict[str, str],
    model: Team,
    count: int,
    kept: set[str],
    shift: timedelta,
    *,
    whole_campaign: bool = False,
) -> None:
    values = [_value(name, kind, kept) for name, kind in columns.items()]
    team = sql.SQL("") if whole_campaign else sql.SQL(" AND s.team_id = %(team)s")
    await connection.execute(
        sql.SQL(
            "INSERT INTO {table} ({names}) SELECT {values} FROM {table} AS s, generate_series(1, %(count)s) AS n"
            " WHERE s.campaign_id = %(campaign)s{team}"
        ).format(table=sql.Identifier(table), names=_names(columns), values=sql.SQL(", ").join(values), team=team),
        {"count": count, "campaign": model.campaign_id, "team": model.team_id, "shift": shift},
    )


async def _copy_members(
    connection: AsyncConnection[TupleRow], table: str, columns: dict[str, str], model: Team, count: int
) -> None:
    """Copy what a campaign keeps of those members who are in the model."""
    values = [_value(name, kind, {"campaign_id", "platform_id"}) for name, kind in columns.items()]
    await connection.execute(
        sql.SQL(
            "INSERT INTO {table} ({names}) SELECT {values} FROM {table} AS s, generate_series(1, %(count)s) AS n"
            " WHERE s.campaign_id = %(campaign)s AND s.member_id IN (SELECT member_id FROM seats"
            " WHERE campaign_id = %(campaign)s AND team_id = %(team)s)"
        ).format(table=sql.Identifier(table), names=_names(columns), values=sql.SQL(", ").join(values)),
        {"count": count, "campaign": model.campaign_id, "team": model.team_id, "shift": timedelta()},
    )


def _names(columns: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def _value(name: str, kind: str, kept: set[str]) -> sql.Composable:
    """Say what a column of a copy gets."""
    column = sql.SQL("s.{}").format(sql.Identifier(name))
    if name in kept:
        return column
    if kind == "uuid":
        return sql.SQL("overlay({}::text placing lpad(to_hex(n), 12, '0') from 25)::uuid").format(column)
    if name.endswith("member_id"):
        return sql.SQL("CASE {0} WHEN '' THEN '' ELSE {0} || '-' || n END").format(column)
    if kind == "timestamp with time zone":
        return sql.SQL("{} + %(shift)s::interval").format(column)
    return column
