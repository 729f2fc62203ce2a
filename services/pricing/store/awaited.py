"""Money that is waited for, and what was told about it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.columns import columns
from services.pricing.domain import (
    AwaitedPayment,
    AwaitedState,
    PaymentFact,
    PaymentFactKind,
    PaymentTold,
    WaitsFor,
)

_COLUMNS = (
    "campaign_id, line_id, team_id, platform_id, seat_id, member_id, amount, currency, waits_for, warn_at, lapses_at,"
    " state"
)


async def insert_awaited(connection: AsyncConnection[TupleRow], payments: Sequence[AwaitedPayment]) -> None:
    """Begin to wait, for at least one payment; one that is there already stays as it is."""
    await connection.execute(
        f"INSERT INTO awaited_payments ({_COLUMNS}, next_at)"  # noqa: S608 - a constant
        " SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::uuid[], %s::uuid[], %s::text[], %s::bigint[],"
        " %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::text[], %s::timestamptz[])"
        " ON CONFLICT DO NOTHING",
        columns(map(_row, payments)),
    )


class Due(NamedTuple):
    """A payment to look at; time, as the database writes it, and line are its place in the order of what is due."""

    next_at: str = "-infinity"
    line_id: UUID = UUID(int=0)
    campaign_id: UUID = UUID(int=0)
    team_id: UUID = UUID(int=0)


_DUE = (
    "SELECT next_at, line_id, campaign_id, team_id FROM awaited_payments AS a WHERE state = 'OPEN'"
    " AND (next_at, line_id) > (%(at)s::timestamptz, %(line)s)"
)


async def find_due_payments(
    connection: AsyncConnection[TupleRow], now: datetime, ahead: Mapping[UUID, datetime], after: Due, limit: int
) -> list[Due]:
    """Find payments to look at after a place, without locks: by the machine's time, or their platform's that is ahead.

    A platform whose clock is ahead has those that are due by the machine's time too.
    """
    cursor = await connection.execute(
        f"SELECT next_at::text, line_id, campaign_id, team_id FROM (({_DUE} AND next_at <= %(now)s"  # noqa: S608 - constants
        " ORDER BY next_at, line_id LIMIT %(limit)s) UNION ALL (SELECT own.* FROM"
        f" unnest(%(platforms)s::uuid[], %(nows)s::timestamptz[]) AS k (whose, now) CROSS JOIN LATERAL ({_DUE}"
        " AND platform_id = k.whose AND next_at > %(now)s AND next_at <= k.now"
        " ORDER BY next_at, line_id LIMIT %(limit)s) AS own)) AS due ORDER BY due.next_at, line_id LIMIT %(limit)s",
        {
            "now": now,
            "platforms": list(ahead),
            "nows": list(ahead.values()),
            "at": after.next_at,
            "line": after.line_id,
            "limit": limit,
        },
    )
    return [Due(*row) async for row in cursor]


async def load_due_payments(
    connection: AsyncConnection[TupleRow], campaign_id: UUID, team_id: UUID, now: datetime, limit: int
) -> list[AwaitedPayment]:
    """Load payments of a locked team that have to be looked at."""
    cursor = await connection.execute(
        f"SELECT {_COLUMNS} FROM awaited_payments"  # noqa: S608 - a constant
        " WHERE campaign_id = %s AND team_id = %s AND state = 'OPEN' AND next_at <= %s"
        " ORDER BY next_at, line_id LIMIT %s",
        (campaign_id, team_id, now, limit),
    )
    return [_payment(row) async for row in cursor]


async def save_awaited(connection: AsyncConnection[TupleRow], payments: Sequence[AwaitedPayment]) -> None:
    """Store what became of payments of a locked team, at least one."""
    await connection.execute(
        "UPDATE awaited_payments AS a SET waits_for = k.waits_for, warn_at = k.warn_at, lapses_at = k.lapses_at,"
        " next_at = k.next_at, state = k.state"
        " FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[],"
        " %s::text[]) AS k (campaign_id, line_id, waits_for, warn_at, lapses_at, next_at, state)"
        " WHERE a.campaign_id = k.campaign_id AND a.line_id = k.line_id",
        columns(
            (
                own.campaign_id,
                own.line_id,
                own.waits_for,
                own.warn_at,
                own.lapses_at,
                own.next_at,
                own.state,
            )
            for own in payments
        ),
    )


async def look_again(connection: AsyncConnection[TupleRow], lines: Sequence[tuple[UUID, UUID]]) -> None:
    """Have what lines of locked teams, named by campaign and line, at least one, wait for looked at at once."""
    await connection.execute(
        "UPDATE awaited_payments AS a SET next_at = '-infinity'"
        " FROM unnest(%s::uuid[], %s::uuid[]) AS k (campaign_id, line_id)"
        " WHERE a.campaign_id = k.campaign_id AND a.line_id = k.line_id AND a.state = 'OPEN'",
        columns(lines),
    )


async def load_confirmed_at(
    connection: AsyncConnection[TupleRow], seats: Sequence[tuple[UUID, UUID]]
) -> dict[UUID, datetime]:
    """Load when seats named by campaign and seat, at least one, were last confirmed."""
    cursor = await connection.execute(
        "SELECT seat_id, max(occurred_at) FROM facts"
        " JOIN unnest(%s::uuid[], %s::uuid[]) AS k (campaign_id, seat_id) USING (campaign_id, seat_id)"
        " WHERE kind = 'SeatConfirmed' GROUP BY seat_id",
        columns(seats),
    )
    return {seat_id: at async for seat_id, at in cursor}


async def insert_payment_facts(connection: AsyncConnection[TupleRow], told: Sequence[PaymentTold]) -> None:
    """Store what is told, at least one fact."""
    await connection.execute(
        "INSERT INTO payment_facts (campaign_id, line_id, kind, team_id, platform_id, seat_id, sequence, team_version,"
        " occurred_at, waits_for, lapses_at, amount)"
        " SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::uuid[], %s::uuid[], %s::uuid[], %s::bigint[],"
        " %s::bigint[], %s::timestamptz[], %s::text[], %s::timestamptz[], %s::bigint[])",
        columns(
            (
                one.campaign_id,
                one.fact.payment.line_id,
                one.fact.kind,
                one.team_id,
                one.platform_id,
                one.fact.payment.seat_id,
                one.sequence,
                one.team_version,
                one.fact.at,
                one.fact.payment.waits_for,
                one.fact.payment.lapses_at,
                one.fact.payment.amount,
            )
            for one in told
        ),
    )


_TOLD = (
    "SELECT a.campaign_id, a.line_id, a.team_id, a.platform_id, a.seat_id, a.member_id, f.amount, a.currency,"
    " f.waits_for, NULL::timestamptz, f.lapses_at, a.state, f.kind, f.occurred_at, f.sequence, f.team_version"
    " FROM payment_facts AS f JOIN awaited_payments AS a USING (campaign_id, line_id)"
)


async def load_payment_facts_of(
    connection: AsyncConnection[TupleRow], spans: Sequence[tuple[UUID, UUID, int, int]]
) -> list[PaymentTold]:
    """Load what was told with numbers of a team: campaign, team, first and last number, at least one span."""
    cursor = await connection.execute(
        f"{_TOLD} JOIN unnest(%s::uuid[], %s::uuid[], %s::bigint[], %s::bigint[])"
        " AS k (campaign_id, team_id, low, high) ON k.campaign_id = f.campaign_id AND k.team_id = f.team_id"
        " AND f.sequence BETWEEN k.low AND k.high",
        columns(spans),
    )
    return [_told(row) async for row in cursor]


async def load_payment_facts(
    connection: AsyncConnection[TupleRow], lines: Sequence[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], list[PaymentTold]]:
    """Load what was told about lines named by campaign and line, at least one, in order."""
    cursor = await connection.execute(
        f"{_TOLD} JOIN unnest(%s::uuid[], %s::uuid[]) AS k (campaign_id, line_id) USING (campaign_id, line_id)"
        " ORDER BY f.sequence",
        columns(lines),
    )
    found: dict[tuple[UUID, UUID], list[PaymentTold]] = {}
    async for row in cursor:
        found.setdefault((row[0], row[1]), []).append(_told(row))
    return found


def _told(row: TupleRow) -> PaymentTold:
    return PaymentTold(PaymentFact(PaymentFactKind(row[12]), row[13], _payment(row)), row[14], row[15])


def _row(payment: AwaitedPayment) -> tuple[object, ...]:
    return (
        payment.campaign_id,
        payment.line_id,
        payment.team_id,
        payment.platform_id,
        payment.seat_id,
        payment.member_id,
        payment.amount,
        payment.currency,
        payment.waits_for,
        payment.warn_at,
        payment.lapses_at,
        payment.state,
        payment.next_at,
    )


def _payment(row: TupleRow) -> AwaitedPayment:
    return AwaitedPayment(
        campaign_id=row[0],
        line_id=row[1],
        team_id=row[2],
        platform_id=row[3],
        seat_id=row[4],
        member_id=row[5],
        amount=row[6],
        currency=row[7],
        waits_for=WaitsFor(row[8]),
        warn_at=row[9],
        lapses_at=row[10],
        state=AwaitedState(row[11]),
    )
