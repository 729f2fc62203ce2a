"""A second set of the derived tables beside the ones in use: made, compared row by row, put in their place.

Every table of pricing stands in exactly one of three lists: DERIVED, KEPT, APART. Who adds a table decides which.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from psycopg import AsyncConnection, errors, sql
from psycopg.rows import TupleRow

from services.chassis.columns import columns
from services.pricing.domain import Delivery, DeliveryOutcome

SCHEMA = "rebuild"

DERIVED = (
    "price_tables",
    "price_steps",
    "teams",
    "seats",
    "facts",
    "settlement_jobs",
    "settlement_lines",
    "payment_terms",
    "beneficiary_lines",
    "tallies",
    "tally_fixes",
)
"""Tables that follow from events, and from what is kept, and are built again."""

KEPT = (
    "payment_facts",  # told when a clock said so
    "deliveries_reported",  # entered by RPC
    "tally_heads",  # how far counting is, and which numbers were told
    "demand",  # a view of its own topic
    "requests",  # what was answered
    "outbox",  # what was told, and how far the relay is with it
    "relay_positions",
    "campaigns",  # from topics of their own
    "platforms",
    "platform_keys",
    "platform_limits",
    "suspended_merchants",
    "key_uses",  # of calls
    "audit_entries",
    "erased_members",  # by which the ids of before are no ids of the building either
    "erasure_key",
)
"""Tables that are used as they are, and that the building only reads."""

APART = (
    "inbox",  # how far the building is, and what it could not apply
    "parked_messages",
    "tally_deltas",  # what it counts was counted
    "tally_waits",
    "settlement_feed",  # when lines were committed, which streams have read
    "awaited_payments",  # moved by clocks and reports since
    "line_reports",  # entered by RPC; those that wait for lines in use are to be told behind those, not by the building
    "line_states",  # by those reports, and by lines that took others back
)
"""Tables that stay as they are too, but that the building would write: it has empty ones of its own, thrown away."""

OF_TEAM = (
    "teams",
    "seats",
    "facts",
    "settlement_jobs",
    "settlement_lines",
    "payment_terms",
    "beneficiary_lines",
)
"""Derived tables whose rows belong to one team."""

_TAKEN = " UNION ALL ".join(
    f"SELECT campaign_id, team_id, team_version, sequence FROM public.{name} WHERE sequence IS NOT NULL"  # noqa: S608
    for name in ("line_reports", "payment_facts", "deliveries_reported")
)
"""Settlement numbers of teams that no event of a team promised."""

_EXAMPLES = 5
_WAITING = 100
_LOCK_MS = 200
_LOCK_MS_AT_MOST = 3_000


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
            if name not in DERIVED:
                await connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(SCHEMA, name)))
        for name in APART:
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
        " UPDATE teams AS t SET fill = y.units_of_fill, tally_seq = y.seq FROM named AS n JOIN tallies AS y"
        " USING (campaign_id, seq) WHERE t.campaign_id = n.campaign_id AND t.team_id = n.team_id"
    )


async def load_taken(
    connection: AsyncConnection[TupleRow], teams: Sequence[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], list[tuple[int, int]]]:
    """Load what numbers reports, payments and deliveries took, by team: its version then, the last number."""
    cursor = await connection.execute(
        f"SELECT campaign_id, team_id, team_version, max(sequence) FROM ({_TAKEN}) AS taken"  # noqa: S608 - constants
        " JOIN unnest(%s::uuid[], %s::uuid[]) AS k (campaign_id, team_id) USING (campaign_id, team_id)"
        " GROUP BY campaign_id, team_id, team_version",
        columns(teams),
    )
    found: dict[tuple[UUID, UUID], list[tuple[int, int]]] = {}
    async for campaign_id, team_id, version, number in cursor:
        found.setdefault((campaign_id, team_id), []).append((version, number))
    return found


async def end_numbers(connection: AsyncConnection[TupleRow]) -> None:
    """Have teams that were built go on behind the numbers that were taken since the last event of each."""
    await connection.execute(
        f"UPDATE {SCHEMA}.teams AS t SET settlement_sequence = taken.number"  # noqa: S608 - constants
        f" FROM (SELECT campaign_id, team_id, max(team_version) AS version, max(sequence) AS number FROM ({_TAKEN})"
        " AS every GROUP BY campaign_id, team_id) AS taken"
        " WHERE t.campaign_id = taken.campaign_id AND t.team_id = taken.team_id AND taken.version <= t.version"
        " AND taken.number > t.settlement_sequence"
    )


async def list_refused(connection: AsyncConnection[TupleRow], after: tuple[UUID, UUID], limit: int) -> list[Delivery]:
    """List deliveries whose line is not built yet and can be, by campaign and seat, after such a place.

    It can be when the team was built up to the report and waits for nothing: its price is final then.
    """
    cursor = await connection.execute(
        "SELECT d.campaign_id, d.seat_id, d.team_id, d.platform_id, d.report_id, d.outcome, d.reason, d.refused_units,"
        " d.reported_at, d.team_version, d.sequence FROM deliveries_reported AS d JOIN teams AS t"
        " ON t.campaign_id = d.campaign_id AND t.team_id = d.team_id AND t.version >= d.team_version"
        " WHERE d.sequence IS NOT NULL AND (d.campaign_id, d.seat_id) > (%s, %s)"
        " AND NOT EXISTS (SELECT FROM settlement_jobs AS j WHERE j.campaign_id = d.campaign_id"
        " AND j.team_id = d.team_id)"
        " AND NOT EXISTS (SELECT FROM settlement_lines AS l WHERE l.campaign_id = d.campaign_id"
        " AND l.seat_id = d.seat_id AND l.cause_event_id = d.report_id)"
        " ORDER BY d.campaign_id, d.seat_id LIMIT %s",
        (*after, limit),
    )
    return [_delivery(row) async for row in cursor]


def _delivery(row: TupleRow) -> Delivery:
    return Delivery(
        campaign_id=row[0],
        seat_id=row[1],
        team_id=row[2],
        platform_id=row[3],
        report_id=row[4],
        outcome=DeliveryOutcome(row[5]),
        reason=row[6],
        refused_units=row[7],
        at=row[8],
        team_version=row[9],
        sequence=row[10],
    )


class Waiting(NamedTuple):
    """Lines of a team that are to be made for a cause, and how many of them are."""

    team_id: UUID
    version: int
    done: int


async def stop_the_clock(connection: AsyncConnection[TupleRow]) -> list[Waiting]:
    """Keep everybody from changing a team until this transaction ends; returns lines that are still to be made, a few.

    Those would be lost: their events are told when they are made.
    """
    await connection.execute("LOCK TABLE public.tally_heads, public.inbox, public.teams IN EXCLUSIVE MODE")
    cursor = await connection.execute(
        "SELECT team_id, version, done FROM public.settlement_jobs ORDER BY campaign_id, team_id, version LIMIT %s",
        (_WAITING,),
    )
    return [Waiting(*row) async for row in cursor]


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
    for name in ("price_tables", "price_steps"):
        await _take_over(connection, name)
    return len(missing)


async def carry_tallies(connection: AsyncConnection[TupleRow]) -> None:
    """Take over, as they are, the tallies that the topic does not have: any more, or yet. Caps and prices need them."""
    for name in ("tally_fixes", "tallies"):  # in this order no team is named by a tally that is not there
        await _take_over(connection, name)


async def forget_tally(connection: AsyncConnection[TupleRow], campaign_id: UUID, seq: int) -> None:
    """Drop what was taken over of a tally: the topic has it after all."""
    for name in ("tally_fixes", "tallies"):
        await connection.execute(
            sql.SQL("DELETE FROM {} WHERE campaign_id = %s AND seq = %s").format(sql.Identifier(SCHEMA, name)),
            (campaign_id, seq),
        )


async def _take_over(connection: AsyncConnection[TupleRow], table: str) -> None:
    await connection.execute(
        sql.SQL("INSERT INTO {} SELECT * FROM {} ON CONFLICT DO NOTHING").format(
            sql.Identifier(SCHEMA, table), sql.Identifier("public", table)
        )
    )


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
    """Put the tables that were built in the place of those in use, within the transaction that stopped the clock.

    Who reads several tables in a transaction may have one and wait for another: such a reader is let go on first.
    """
    wait = _LOCK_MS
    while not await _lock(connection, wait):
        wait = min(wait * 2, _LOCK_MS_AT_MOST)  # from a second on, PostgreSQL ends a vacuum that is in the way
    for name in DERIVED:
        await connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier("public", name)))
        await connection.execute(sql.SQL("ALTER TABLE {} SET SCHEMA public").format(sql.Identifier(SCHEMA, name)))


async def _lock(connection: AsyncConnection[TupleRow], wait_ms: int) -> bool:
    """Lock the tables in use against everybody; False, and none is locked, where one is not to be had in time."""
    await connection.execute("SAVEPOINT unlocked")
    try:
        await connection.execute(f"SET LOCAL lock_timeout = {wait_ms}")
        names = sql.SQL(", ").join(sql.Identifier("public", name) for name in DERIVED)
        await connection.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(names))
    except errors.LockNotAvailable:
        await connection.execute("ROLLBACK TO SAVEPOINT unlocked")
        return False
    await connection.execute("SET LOCAL lock_timeout = 0")
    return True


async def clear(connection: AsyncConnection[TupleRow]) -> None:
    """Drop what was built beside."""
    await connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
