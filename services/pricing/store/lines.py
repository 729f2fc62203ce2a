"""Settlement lines."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.arrays import Kind, bigints, packed, texts, times, uuids
from services.chassis.columns import columns
from services.chassis.rows import marks, put
from services.pricing.domain import Amounts, Cause, SettlementLine

LINE_COLUMNS = (
    "campaign_id, team_id, platform_id, sequence, line_id, team_version, occurred_at, cause, cause_event_id, seat_id,"
    " member_id, merchant_id, sku, quantity, currency, cap, unit_price, authorised, paid, to_capture, to_void, to_keep,"
    " to_refund, due, payment_reference, tally_seq, pay_by"
)


_KINDS: Final[Sequence[Kind]] = (
    *[uuids] * 3,
    bigints,
    uuids,
    bigints,
    times,
    texts,
    *[uuids] * 2,
    *[texts] * 3,
    bigints,
    texts,
    *[bigints] * 9,
    texts,
    bigints,
    times,
)
_INSERT = f"INSERT INTO settlement_lines ({LINE_COLUMNS}) SELECT * FROM unnest({marks(len(_KINDS))})"  # noqa: S608 - constants


async def insert_lines(connection: AsyncConnection[TupleRow], lines: Sequence[SettlementLine]) -> None:
    """Store lines, at least one."""
    await put(connection, _INSERT, [packed(_KINDS, map(_row, lines))])


async def find_lines(
    connection: AsyncConnection[TupleRow], line_ids: Sequence[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], SettlementLine]:
    """Find lines, at least one, named by platform and line; lines never change."""
    cursor = await connection.execute(
        f"SELECT {LINE_COLUMNS} FROM settlement_lines"  # noqa: S608 - a constant
        " JOIN unnest(%s::uuid[], %s::uuid[]) AS k (platform_id, line_id) USING (platform_id, line_id)",
        columns(line_ids),
    )
    lines = [read_line(row) async for row in cursor]
    return {(line.platform_id, line.line_id): line for line in lines}


async def list_lines(
    connection: AsyncConnection[TupleRow], campaign_id: UUID, team_id: UUID, after: int, limit: int
) -> list[SettlementLine]:
    """List the lines of a team in the order they were made, after a sequence."""
    cursor = await connection.execute(
        f"SELECT {LINE_COLUMNS} FROM settlement_lines"  # noqa: S608 - a constant
        " WHERE campaign_id = %s AND team_id = %s AND sequence > %s ORDER BY sequence LIMIT %s",
        (campaign_id, team_id, after, limit),
    )
    return [read_line(row) async for row in cursor]


async def list_lines_of_seat(
    connection: AsyncConnection[TupleRow], campaign_id: UUID, seat_id: UUID
) -> list[SettlementLine]:
    """List the lines of a seat in the order they were made."""
    cursor = await connection.execute(
        f"SELECT {LINE_COLUMNS} FROM settlement_lines"  # noqa: S608 - a constant
        " WHERE campaign_id = %s AND seat_id = %s ORDER BY sequence",
        (campaign_id, seat_id),
    )
    return [read_line(row) async for row in cursor]


async def load_lines_of_seats(
    connection: AsyncConnection[TupleRow], seats: Sequence[tuple[UUID, UUID]]
) -> list[SettlementLine]:
    """Load the lines of seats, at least one, named by campaign and seat, in the order of their numbers."""
    cursor = await connection.execute(
        f"SELECT {LINE_COLUMNS} FROM settlement_lines"  # noqa: S608 - a constant
        " JOIN unnest(%s::uuid[], %s::uuid[]) AS k (campaign_id, seat_id) USING (campaign_id, seat_id)"
        " ORDER BY campaign_id, seat_id, sequence",
        columns(seats),
    )
    return [read_line(row) async for row in cursor]


def _row(line: SettlementLine) -> tuple[object, ...]:
    amounts = line.amounts
    return (
        line.campaign_id,
        line.team_id,
        line.platform_id,
        line.sequence,
        line.line_id,
        line.team_version,
        line.at,
        line.cause,
        line.cause_event_id,
        line.seat_id,
        line.member_id,
        line.merchant_id,
        line.sku,
        line.quantity,
        line.currency,
        line.cap,
        line.unit_price,
        amounts.authorised,
        amounts.paid,
        amounts.to_capture,
        amounts.to_void,
        amounts.to_keep,
        amounts.to_refund,
        amounts.due,
        line.payment_reference,
        line.tally_seq,
        line.pay_by,
    )


def read_line(row: TupleRow) -> SettlementLine:
    """Read a row that begins with LINE_COLUMNS."""
    return SettlementLine(
        campaign_id=row[0],
        team_id=row[1],
        platform_id=row[2],
        sequence=row[3],
        line_id=row[4],
        team_version=row[5],
        at=row[6],
        cause=Cause(row[7]),
        cause_event_id=row[8],
        seat_id=row[9],
        member_id=row[10],
        merchant_id=row[11],
        sku=row[12],
        quantity=row[13],
        currency=row[14],
        cap=row[15],
        unit_price=row[16],
        amounts=Amounts(*row[17:24]),
        payment_reference=row[24],
        tally_seq=row[25],
        pay_by=row[26],
    )
