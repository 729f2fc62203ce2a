"""Confirming seats, extending holds, and payments that come too late."""

from collections.abc import Sequence
from dataclasses import replace

from services.team_formation.domain.change import Change, ended, written
from services.team_formation.domain.commands import Confirm
from services.team_formation.domain.prices import Role
from services.team_formation.domain.team import (
    Around,
    Decision,
    FactKind,
    Outcome,
    Refusal,
    ReleaseReason,
    Seat,
    SeatState,
    Team,
    TeamState,
    Usage,
)


def confirm_seat(
    team: Team,
    around: Around,
    seat: Seat,
    live_seat: Seat | None,
    usage: Usage,
    known_payments: Sequence[str],
    command: Confirm,
) -> Decision:
    """Confirm a seat.

    `live_seat` is the member's live seat in the team, which may be another one; `usage` what the member has in the
    campaign; `known_payments` are the references of payments reported late for this seat before.
    """
    change = Change(team, around)
    if refusal := _refusal(change, seat, command):
        return change.done(refusal)
    if command.payment_reference and command.payment_reference in known_payments:
        return change.done(Outcome.REFUND_REQUIRED, seat)
    if seat.state is SeatState.CONFIRMED:
        return _confirm_again(change, seat, command)
    if ended(team, around.now) is None and (seat.state is SeatState.HELD or _revives(change, seat, live_seat, usage)):
        return _confirm(change, seat, command)
    return _too_late(change, seat, command)


def _refusal(change: Change, seat: Seat, command: Confirm) -> Refusal | None:
    if seat.sponsored:
        return Refusal("SPONSORED_SEAT")
    if seat.state is SeatState.WAITING:
        return Refusal("SEAT_WAITING")
    currency, expected = change.around.terms.price_table.currency, seat.cap * seat.quantity
    if command.currency != currency:
        return Refusal("CURRENCY_MISMATCH", {"currency": currency, "given": command.currency})
    if command.amount != expected:
        given = {"expected": str(expected), "currency": currency, "given": str(command.amount)}
        return Refusal("AMOUNT_MISMATCH", given)
    if _brings_money(change, command) and not command.payment_reference:
        return Refusal("PAYMENT_REFERENCE_MISSING", {"payment_mode": change.rules.payment_mode})
    return None


def _revives(change: Change, seat: Seat, live_seat: Seat | None, usage: Usage) -> bool:
    """Tell whether an expired seat can still be given: room, stock and the member's limits allow it."""
    rules = change.rules
    return (
        seat.release_reason is ReleaseReason.EXPIRED
        and live_seat is None
        and change.fits(seat.quantity)
        and change.has_left(seat.sku, seat.quantity)
        and not (rules.max_units_per_member and usage.units + seat.quantity > rules.max_units_per_member)
        and not (rules.max_teams_per_member and usage.teams >= rules.max_teams_per_member)
    )


def _confirm_again(change: Change, seat: Seat, command: Confirm) -> Decision:
    if not _brings_money(change, command) or command.payment_reference == seat.payment_reference:
        return change.done(Outcome.CONFIRMED, seat)
    return _report_late(change, seat, command)


def _confirm(change: Change, seat: Seat, command: Confirm) -> Decision:
    after = replace(
        seat,
        state=SeatState.CONFIRMED,
        role=Role.LEADER if change.team.leader_seat_id == seat.seat_id else Role.MEMBER,
        confirmed_at=change.now,
        updated_at=change.now,
        released_at=None,
        release_reason=None,
        payment_reference=command.payment_reference,
    )
    change.move(
        FactKind.SEAT_CONFIRMED,
        seat.state,
        after,
        amount=command.amount,
        payment_reference=command.payment_reference,
        after_expiry=seat.state is SeatState.RELEASED,
    )
    if change.team.leader_seat_id is None:
        change.lead(after)
    fill_up(change)
    return change.done(Outcome.CONFIRMED, after)


def fill_up(change: Change) -> None:
    """Tip a team whose confirmed fill has reached the minimum, and form one that is full with confirmed seats."""
    fill, rules = change.confirmed_fill(), change.rules
    if change.team.state is TeamState.FORMING and fill >= rules.minimum:
        change.tell(FactKind.TEAM_TIPPED, team={"state": TeamState.TIPPED})
    if fill >= rules.maximum and rules.close_when_full:
        form(change)


def form(change: Change) -> None:
    """End a team at or above its minimum."""
    change.end(FactKind.TEAM_FORMED, TeamState.FORMED, (SeatState.WAITING, ReleaseReason.TEAM_ENDED))


def _too_late(change: Change, seat: Seat, command: Confirm) -> Decision:
    if _brings_money(change, command) and not (
        seat.payment_reference and seat.payment_reference == command.payment_reference
    ):
        return _report_late(change, seat, command)
    if refusal := ended(change.team, change.now):
        return change.done(refusal)
    if seat.state is SeatState.DEFAULTED:
        return change.done(Refusal("SEAT_STATE", {"state": seat.state, "action": "confirm"}))
    if seat.release_reason is ReleaseReason.EXPIRED:
        return change.done(Refusal("HOLD_EXPIRED", {"hold_until": written(seat.hold_until)}))
    return change.done(Refusal("SEAT_RELEASED", {"release_reason": seat.release_reason or ""}))


def _report_late(change: Change, seat: Seat, command: Confirm) -> Decision:
    change.tell(
        FactKind.LATE_PAYMENT_REPORTED, seat, amount=command.amount, payment_reference=command.payment_reference
    )
    return change.done(Outcome.REFUND_REQUIRED, seat)


def extend_hold(team: Team, around: Around, seat: Seat) -> Decision:
    """Extend a hold, once, by what the campaign allows, at most to the team's end."""
    change = Change(team, around)
    if refusal := ended(team, around.now):
        return change.done(refusal)
    if seat.state is not SeatState.HELD:
        return change.done(Refusal("SEAT_STATE", {"state": seat.state, "action": "extend"}))
    if not change.rules.hold_extension:
        return change.done(Refusal("HOLD_NOT_EXTENDABLE"))
    if seat.hold_extended:
        return change.done(Refusal("HOLD_EXTENDED_ALREADY", {"hold_until": written(seat.hold_until)}))
    until = min(seat.hold_until + change.rules.hold_extension, team.ends_at)
    after = replace(seat, hold_until=until, hold_extended=True, updated_at=around.now)
    change.seats[seat.seat_id] = after
    change.tell(FactKind.HOLD_EXTENDED, after)
    return change.done(Outcome.EXTENDED, after)


def _brings_money(change: Change, command: Confirm) -> bool:
    return change.rules.payment_mode.moves_money and command.amount > 0
