"""Seats, by campaign, and payments that came too late for one."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.arrays import bigints, booleans, texts, times, uuids
from services.chassis.rows import Asked, ask, marks, put
from services.team_formation.domain import ReleaseReason, Role, Seat, SeatState, Signal, Team
from services.team_formation.store.quotes import quote_of, quote_text

COLUMNS = (
    "s.seat_id, s.campaign_id, s.team_id, s.platform_id, s.member_id, s.sku, s.quantity, s.role, s.state, s.cap,"
    " s.cap_fill, s.held_at, s.hold_until, s.invite_id, s.external_ref, s.payment_reference, s.confirmed_at,"
    " s.released_at, s.release_reason, s.number, s.sponsored, s.hold_extended, s.max_unit_price, s.updated_at,"
    " s.cap_tally_seq, s.quote_id, s.quote, s.promoter_id, s.commission_basis_points,"
    " s.flags"
)
_STATES = {state.value: state for state in SeatState}
_ROLES = {role.value: role for role in Role}
_REASONS: dict[str | None, ReleaseReason | None] = {None: None} | {reason.value: reason for reason in ReleaseReason}


async def load_seats(
    connection: AsyncConnection[TupleRow], wanted: Sequence[tuple[UUID, UUID, Sequence[UUID]]]
) -> Asked[Seat]:
    """Load seats by platform, campaign and id; their teams are locked."""
    return await ask(
        connection,
        f"SELECT {COLUMNS} FROM unnest(%s) AS k (seat_id)"  # noqa: S608 - a constant
        " CROSS JOIN LATERAL (SELECT * FROM seats AS n WHERE n.campaign_id = %s AND n.platform_id = %s"
        " AND n.seat_id = k.seat_id OFFSET 0) AS s",
        [(uuids(seats), campaign, platform) for platform, campaign, seats in wanted],
        seat_of,
    )


async def load_live_of_members(
    connection: AsyncConnection[TupleRow], wanted: Sequence[tuple[UUID, UUID, Sequence[str], Sequence[UUID]]]
) -> Asked[Seat]:
    """Load all live seats of members in a campaign; wanted: platform, campaign, members, seats of more members."""
    return await ask(
        connection,
        f"SELECT {COLUMNS} FROM (SELECT m.member_id FROM unnest(%s) AS m (member_id) UNION"  # noqa: S608 - a constant
        " SELECT o.member_id FROM unnest(%s) AS l (seat_id) CROSS JOIN LATERAL (SELECT n.member_id FROM seats AS n"
        " WHERE n.campaign_id = %s AND n.platform_id = %s AND n.seat_id = l.seat_id AND NOT n.sponsored OFFSET 0) AS o"
        ") AS k"
        " CROSS JOIN LATERAL (SELECT * FROM seats AS v WHERE v.campaign_id = %s AND v.platform_id = %s"
        " AND v.member_id = k.member_id AND v.state IN ('WAITING', 'HELD', 'CONFIRMED') OFFSET 0) AS s",
        [
            (texts(members), uuids(seats), campaign, platform, campaign, platform)
            for platform, campaign, members, seats in wanted
        ],
        seat_of,
    )


async def load_held(
    connection: AsyncConnection[TupleRow], wanted: Sequence[tuple[UUID, Sequence[UUID], Sequence[int]]]
) -> Asked[Seat]:
    """Load held seats of teams, those that run out first; wanted: campaign, teams, the most seats of each."""
    return await ask(
        connection,
        f"SELECT {COLUMNS} FROM unnest(%s, %s) AS k (team_id, most)"  # noqa: S608 - a constant
        " CROSS JOIN LATERAL (SELECT * FROM seats AS h WHERE h.campaign_id = %s AND h.team_id = k.team_id"
        " AND h.state = 'HELD' ORDER BY h.hold_until LIMIT k.most) AS s ORDER BY s.hold_until, s.number",
        [(uuids(teams), bigints(most), campaign) for campaign, teams, most in wanted],
        seat_of,
    )


async def find_first_holds(
    connection: AsyncConnection[TupleRow], wanted: Sequence[tuple[UUID, Sequence[UUID]]]
) -> Asked[tuple[UUID, datetime]]:
    """Find when the next hold of each team ends, by campaign: team, time."""
    return await ask(
        connection,
        "SELECT k.team_id, s.hold_until FROM unnest(%s) AS k (team_id) CROSS JOIN LATERAL (SELECT h.hold_until"
        " FROM seats AS h WHERE h.campaign_id = %s AND h.team_id = k.team_id AND h.state = 'HELD'"
        " ORDER BY h.hold_until LIMIT 1) AS s",
        [(uuids(teams), campaign) for campaign, teams in wanted],
        lambda row: (row[0], row[1]),
    )


async def load_waiting(
    connection: AsyncConnection[TupleRow], wanted: Sequence[tuple[UUID, Sequence[UUID]]], limit: int
) -> Asked[Seat]:
    """Load who waits for room in each team, by campaign, the longest waiting first, at most `limit` each."""
    return await ask(
        connection,
        f"SELECT {COLUMNS} FROM unnest(%s) AS k (team_id)"  # noqa: S608 - a constant
        " CROSS JOIN LATERAL (SELECT * FROM seats AS w WHERE w.campaign_id = %s AND w.team_id = k.team_id"
        " AND w.state = 'WAITING' ORDER BY w.number LIMIT %s) AS s ORDER BY s.team_id, s.number",
        [(uuids(teams), campaign, limit) for campaign, teams in wanted],
        seat_of,
    )


async def load_waiting_beyond(
    connection: AsyncConnection[TupleRow], wanted: Sequence[tuple[UUID, Sequence[tuple[UUID, int]]]]
) -> Asked[Seat]:
    """Load, of those who wait in teams after a number, the longest waiting of each item and quantity.

    Wanted: campaign, teams with that number.
    """
    return await ask(
        connection,
        f"SELECT {COLUMNS} FROM unnest(%s, %s) AS k (team_id, last)"  # noqa: S608 - a constant
        " CROSS JOIN LATERAL (SELECT DISTINCT ON (w.sku, w.quantity) * FROM seats AS w WHERE w.campaign_id = %s"
        " AND w.team_id = k.team_id AND w.number > k.last AND w.state = 'WAITING'"
        " ORDER BY w.sku, w.quantity, w.number) AS s",
        [
            (uuids(team for team, _ in teams), bigints(last for _, last in teams), campaign)
            for campaign, teams in wanted
        ],
        seat_of,
    )


async def load_first_confirmed(
    connection: AsyncConnection[TupleRow], wanted: Sequence[tuple[UUID, Sequence[UUID], int]]
) -> Asked[Seat]:
    """Load the members' seats of each team that were confirmed first: who could lead.

    Wanted: campaign, teams, most seats of each.
    """
    return await ask(
        connection,
        f"SELECT {COLUMNS} FROM unnest(%s) AS k (team_id)"  # noqa: S608 - a constant
        " CROSS JOIN LATERAL (SELECT * FROM seats AS c WHERE c.campaign_id = %s AND c.team_id = k.team_id"
        " AND c.state = 'CONFIRMED' AND NOT c.sponsored ORDER BY c.confirmed_at, c.number LIMIT %s) AS s"
        " ORDER BY s.team_id, s.confirmed_at, s.number",
        [(uuids(teams), campaign, limit) for campaign, teams, limit in wanted],
        seat_of,
    )


async def count_taken(
    connection: AsyncConnection[TupleRow], wanted: Sequence[tuple[UUID, Sequence[UUID]]]
) -> Asked[tuple[UUID, SeatState, str, int]]:
    """Count the units that teams take, by campaign: team, state (held, confirmed), SKU, units."""
    return await ask(
        connection,
        "SELECT k.team_id, s.state, s.sku, s.units FROM unnest(%s) AS k (team_id) CROSS JOIN LATERAL"
        " (SELECT t.state, t.sku, sum(t.quantity)::bigint AS units FROM seats AS t WHERE t.campaign_id = %s"
        " AND t.team_id = k.team_id AND t.state IN ('HELD', 'CONFIRMED') GROUP BY t.state, t.sku) AS s",
        [(uuids(teams), campaign) for campaign, teams in wanted],
        lambda row: (row[0], _STATES[row[1]], row[2], row[3]),
    )


async def find_seat(
    connection: AsyncConnection[TupleRow], platform_id: UUID, campaign_id: UUID, seat_id: UUID
) -> Seat | None:
    """Find one seat of a platform."""
    found = await (await load_seats(connection, [(platform_id, campaign_id, [seat_id])])).one()
    return found[0] if found else None


_CHANGING = (
    "quantity, role, state, cap, cap_fill, held_at, hold_until, payment_reference, confirmed_at, released_at,"
    " release_reason, hold_extended, updated_at, cap_tally_seq, quote"
)
_INSERT = (
    "INSERT INTO seats (campaign_id, seat_id, team_id, platform_id, member_id, sku, invite_id, external_ref, number,"  # noqa: S608 - constants
    f" sponsored, max_unit_price, quote_id, promoter_id, commission_basis_points, flags, {_CHANGING})"
    f" SELECT %s, k.* FROM unnest({marks(29)}) AS k"
)


async def insert_seats(connection: AsyncConnection[TupleRow], seats: Sequence[tuple[UUID, Sequence[Seat]]]) -> None:
    """Store new seats, by campaign; after updates, which may make a member's place free."""
    await put(connection, _INSERT, [(campaign, *_columns(own)) for campaign, own in seats])


_UPDATE = (
    f"{_INSERT} ON CONFLICT (campaign_id, seat_id) DO UPDATE"
    f" SET ({_CHANGING}) = ROW (excluded.{_CHANGING.replace(', ', ', excluded.')})"
)


async def update_seats(connection: AsyncConnection[TupleRow], seats: Sequence[tuple[UUID, Sequence[Seat]]]) -> None:
    """Store what can change of seats, by campaign; their teams are locked.

    As an insert that meets them: each is found by its key, whatever the planner thinks of the campaign's size. Those
    that end go before those that live: a member's place is given back before it is taken again.
    """
    ending = [(campaign, [seat for seat in own if not seat.state.is_live]) for campaign, own in seats]
    living = [(campaign, [seat for seat in own if seat.state.is_live]) for campaign, own in seats]
    for part in (ending, living):
        await put(connection, _UPDATE, [(campaign, *_columns(own)) for campaign, own in part if own])


def _columns(seats: Sequence[Seat]) -> tuple[object, ...]:
    return (
        uuids(seat.seat_id for seat in seats),
        uuids(seat.team_id for seat in seats),
        uuids(seat.platform_id for seat in seats),
        texts(seat.member_id for seat in seats),
        texts(seat.sku for seat in seats),
        uuids(seat.invite_id for seat in seats),
        texts(seat.external_ref for seat in seats),
        bigints(seat.number for seat in seats),
        booleans(seat.sponsored for seat in seats),
        bigints(seat.max_unit_price for seat in seats),
        uuids(seat.quote.quote_id if seat.quote else None for seat in seats),
        texts(seat.promoter_id for seat in seats),
        bigints(seat.commission_basis_points for seat in seats),
        texts(" ".join(seat.flags) for seat in seats),
        *_changing(seats),
    )


def _changing(seats: Sequence[Seat]) -> tuple[object, ...]:
    return (
        bigints(seat.quantity for seat in seats),
        texts(seat.role for seat in seats),
        texts(seat.state for seat in seats),
        bigints(seat.cap for seat in seats),
        bigints(seat.cap_fill for seat in seats),
        times(seat.held_at for seat in seats),
        times(seat.hold_until for seat in seats),
        texts(seat.payment_reference for seat in seats),
        times(seat.confirmed_at for seat in seats),
        times(seat.released_at for seat in seats),
        texts(seat.release_reason for seat in seats),
        booleans(seat.hold_extended for seat in seats),
        times(seat.updated_at for seat in seats),
        bigints(seat.cap_tally_seq for seat in seats),
        texts(map(quote_text, seats)),
    )


async def release_all(
    connection: AsyncConnection[TupleRow], team: Team, state: SeatState, why: ReleaseReason, now: datetime
) -> None:
    """Release every seat of a team that is in a state, with their stock; after its seats were saved."""
    if state.takes_room:
        await connection.execute(
            "UPDATE stock AS k SET taken = k.taken - s.units FROM"
            " (SELECT sku, sum(quantity) AS units FROM seats WHERE campaign_id = %s AND team_id = %s AND state = %s"
            " GROUP BY sku) AS s WHERE k.campaign_id = %s AND k.sku = s.sku",
            (team.campaign_id, team.team_id, state, team.campaign_id),
        )
    await connection.execute(
        "UPDATE seats SET state = 'RELEASED', release_reason = %s, released_at = %s, updated_at = %s"
        " WHERE campaign_id = %s AND team_id = %s AND state = %s",
        (why, now, now, team.campaign_id, team.team_id, state),
    )


async def shorten_holds(connection: AsyncConnection[TupleRow], team: Team, now: datetime) -> None:
    """Keep held seats of a team no longer than to its end, those that were not loaded; after its seats were saved."""
    await connection.execute(
        "UPDATE seats SET hold_until = %s, updated_at = %s WHERE campaign_id = %s AND team_id = %s"
        " AND state = 'HELD' AND hold_until > %s",
        (team.ends_at, now, team.campaign_id, team.team_id, team.ends_at),
    )


async def load_late_payments(
    connection: AsyncConnection[TupleRow], wanted: Sequence[tuple[UUID, UUID, Sequence[UUID]]]
) -> Asked[tuple[UUID, str]]:
    """Load the references of payments reported late for seats, by platform, campaign and seat."""
    return await ask(
        connection,
        "SELECT p.seat_id, p.payment_reference FROM unnest(%s) AS k (seat_id) CROSS JOIN LATERAL"
        " (SELECT * FROM late_payments AS l WHERE l.campaign_id = %s AND l.platform_id = %s AND l.seat_id = k.seat_id"
        " OFFSET 0) AS p",
        [(uuids(seats), campaign, platform) for platform, campaign, seats in wanted],
        lambda row: (row[0], row[1]),
    )


async def insert_late_payments(
    connection: AsyncConnection[TupleRow], campaign_id: UUID, payments: Sequence[tuple[Seat, str, int, datetime]]
) -> None:
    """Store payments that came too late: seat, reference, amount in minor units, time."""
    await connection.execute(
        "INSERT INTO late_payments (campaign_id, seat_id, payment_reference, platform_id, amount, reported_at)"
        " SELECT %s, k.* FROM unnest(%s, %s, %s, %s, %s) AS k",
        (
            campaign_id,
            uuids(seat.seat_id for seat, _, _, _ in payments),
            texts(reference for _, reference, _, _ in payments),
            uuids(seat.platform_id for seat, _, _, _ in payments),
            bigints(amount for _, _, amount, _ in payments),
            times(at for _, _, _, at in payments),
        ),
    )


def seat_of(row: TupleRow) -> Seat:
    """Make a seat of a row of COLUMNS."""
    return Seat(
        row[0],
        row[1],
        row[2],
        row[3],
        row[4],
        row[5],
        row[6],
        _ROLES[row[7]],
        _STATES[row[8]],
        row[9],
        row[10],
        row[11],
        row[12],
        row[13],
        row[14],
        row[15],
        row[16],
        row[17],
        _REASONS[row[18]],
        row[19],
        row[20],
        row[21],
        row[22],
        row[23],
        row[24],
        *quote_of(row[25], row[26]),
        row[27],
        row[28],
        tuple(map(Signal, row[29].split())),
    )
