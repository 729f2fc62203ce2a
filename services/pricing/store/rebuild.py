"""A second set of the derived tables beside the ones in use: made, compared row by row, put in their place."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from psycopg import AsyncConnection, sql
from psycopg.rows import TupleRow

SCHEMA = "rebuild"

DERIVED = (
    "price_tables",
    "price_steps",
    "teams",
    "seats",
    "facts",
    "settlement_jobs",
    "settlement_lines",
    "tallies",
    "tally_fixes",
)
"""Tables that follow from events alone, and are built again. Every other table of the service is used as it is."""

OF_TEAM = ("teams", "seats", "facts", "settlement_jobs", "settlement_lines", "tally_fixes")
"""Those of them whose rows belong to one team."""

_OWN = ("inbox", "parked_messages", "tally_deltas", "tally_waits")
"""What the building itself needs apart: how far it is, what it could not apply, and what is counted already."""

_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Difference:
    """How one table differs: rows in use, rows built, rows that only one of both has, and a few of those as JSON."""

    table: str
    in_use: int
    built: int
    only_in_use: int
    only_built: int
    examples: tuple[str, ...] = ()

    @property
    def identical(self) -> bool:
        """Whether both have the same rows."""
        return not self.only_in_use and not self.only_built


async def prepare(connection: AsyncConnection[TupleRow], migrations: Sequence[str]) -> None:
    """Make the derived tables beside, empty, by the service's own migrations; what an earlier attempt left goes."""
    async with connection.transaction():
        await connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
        await connection.execute(f"CREATE SCHEMA {SCHEMA}")
        await connection.execute(f"SET LOCAL search_path = {SCHEMA}")
        await connection.execute("SET LOCAL client_min_messages = warning")
        for text in migrations:
            await connection.execute(text.encode())
        for name in await _tables(connection):
            if name not in DERIVED:  # found in use instead
                await connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(SCHEMA, name)))
        for name in _OWN:
            await connection.execute(
                sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(
                    sql.Identifier(SCHEMA, name), sql.Identifier("public", name)
                )
            )


async def _tables(connection: AsyncConnection[TupleRow]) -> list[str]:
    cursor = await connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", (SCHEMA,))
    return [name async for (name,) in cursor]


async def applied(connection: AsyncConnection[TupleRow], topic: str, keys: Sequence[str]) -> dict[str, int]:
    """Tell how far the service in use is: the last sequence that it applied, by key."""
    cursor = await connection.execute(
        "SELECT key, sequence FROM public.inbox WHERE topic = %s AND key = ANY(%s)", (topic, list(keys))
    )
    return {key: sequence async for key, sequence in cursor}


async def tallied(connection: AsyncConnection[TupleRow], campaigns: Sequence[UUID]) -> dict[UUID, int]:
    """Tell the last tally that the service in use has made, by campaign."""
    cursor = await connection.execute(
        "SELECT campaign_id, seq FROM public.tally_heads WHERE campaign_id = ANY(%s)", (list(campaigns),)
    )
    return {campaign_id: seq async for campaign_id, seq in cursor}


async def fix_teams(connection: AsyncConnection[TupleRow]) -> None:
    """Fix the prices of teams that have formed, each at the tally that named it."""
    await connection.execute(
        "WITH named AS (DELETE FROM tally_waits AS w USING tally_fixes AS f WHERE f.campaign_id = w.campaign_id"
        " AND f.team_id = w.team_id RETURNING f.campaign_id, f.team_id, f.seq)"
        " UPDATE teams AS t SET fill = y.units_confirmed_now, tally_seq = y.seq FROM named AS n JOIN tallies AS y"
        " USING (campaign_id, seq) WHERE t.campaign_id = n.campaign_id AND t.team_id = n.team_id"
    )


async def stop_the_clock(connection: AsyncConnection[TupleRow]) -> bool:
    """Keep everybody from changing a team until this transaction ends; False where lines are still to be made.

    Those would be lost: their events are told when they are made.
    """
    await connection.execute("LOCK TABLE public.tally_heads, public.inbox, public.teams IN EXCLUSIVE MODE")
    cursor = await connection.execute("SELECT EXISTS (SELECT FROM public.settlement_jobs)")
    row = await cursor.fetchone()
    return not (row and row[0])


async def carry_over(connection: AsyncConnection[TupleRow]) -> int:
    """Take over, as they are, the teams whose first events are not kept any more; returns how many."""
    cursor = await connection.execute(
        f"SELECT campaign_id, team_id FROM public.teams EXCEPT SELECT campaign_id, team_id FROM {SCHEMA}.teams"  # noqa: S608 - a constant
    )
    missing = await cursor.fetchall()
    keys = ([row[0] for row in missing], [row[1] for row in missing])
    for name in OF_TEAM if missing else ():
        await connection.execute(
            sql.SQL(
                "INSERT INTO {} SELECT t.* FROM {} AS t JOIN unnest(%s::uuid[], %s::uuid[]) AS k (campaign_id, team_id)"
                " USING (campaign_id, team_id)"
            ).format(sql.Identifier(SCHEMA, name), sql.Identifier("public", name)),
            keys,
        )
    for name in ("price_tables", "price_steps", "tallies"):
        await connection.execute(
            sql.SQL("INSERT INTO {} SELECT * FROM {} ON CONFLICT DO NOTHING").format(
                sql.Identifier(SCHEMA, name), sql.Identifier("public", name)
            )
        )
    return len(missing)


async def why_parked(connection: AsyncConnection[TupleRow]) -> list[str]:
    """Tell why events could not be applied again, a few of them, each key's first."""
    cursor = await connection.execute(
        f"SELECT key, (array_agg(reason ORDER BY number))[1] FROM {SCHEMA}.parked_messages"  # noqa: S608 - a constant
        " GROUP BY key ORDER BY min(number) LIMIT %s",
        (_EXAMPLES,),
    )
    return [f"{key}: {reason}" async for key, reason in cursor]


async def compare(connection: AsyncConnection[TupleRow]) -> list[Difference]:
    """Compare every derived table row by row."""
    return [await _difference(connection, name) for name in DERIVED]


async def _difference(connection: AsyncConnection[TupleRow], table: str) -> Difference:
    cursor = await connection.execute(
        sql.SQL(
            "WITH gone AS (SELECT * FROM {used} EXCEPT ALL SELECT * FROM {built}),"
            " come AS (SELECT * FROM {built} EXCEPT ALL SELECT * FROM {used})"
            " SELECT (SELECT count(*) FROM {used}), (SELECT count(*) FROM {built}), (SELECT count(*) FROM gone),"
            " (SELECT count(*) FROM come),"
            " array(SELECT 'in use: ' || row_to_json(gone) FROM gone LIMIT %s)"
            " || array(SELECT 'built:  ' || row_to_json(come) FROM come LIMIT %s)"
        ).format(used=sql.Identifier("public", table), built=sql.Identifier(SCHEMA, table)),
        (_EXAMPLES, _EXAMPLES),
    )
    row = await cursor.fetchone()
    assert row  # noqa: S101 - a query without FROM has one row
    return Difference(table, row[0], row[1], row[2], row[3], tuple(row[4]))


async def swap(connection: AsyncConnection[TupleRow]) -> None:
    """Put the tables that were built in the place of those in use, within the transaction that stopped the clock."""
    for name in DERIVED:
        await connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier("public", name)))
        await connection.execute(sql.SQL("ALTER TABLE {} SET SCHEMA public").format(sql.Identifier(SCHEMA, name)))


async def clear(connection: AsyncConnection[TupleRow]) -> None:
    """Drop what was built beside."""
    await connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
