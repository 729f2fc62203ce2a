"""Reads the events of team_formation into values; what cannot be read is poison."""

from datetime import UTC
from uuid import UUID

from google.protobuf.message import Message
from groupbuy.team_formation.v1 import events_pb2, types_pb2

from services.chassis import ids
from services.chassis.errors import Poison
from services.chassis.messages import Event
from services.pricing import domain
from services.pricing.translate.words import CAMPAIGN, PLATFORM, READ_ROLES, SEAT, TEAM, read_price_table

_KINDS = {
    "team_opened": domain.FactKind.TEAM_OPENED,
    "seat_held": domain.FactKind.SEAT_HELD,
    "seat_confirmed": domain.FactKind.SEAT_CONFIRMED,
    "seat_released": domain.FactKind.SEAT_RELEASED,
    "team_tipped": domain.FactKind.TEAM_TIPPED,
    "team_untipped": domain.FactKind.TEAM_UNTIPPED,
    "team_formed": domain.FactKind.TEAM_FORMED,
    "team_failed": domain.FactKind.TEAM_FAILED,
    "late_payment_reported": domain.FactKind.LATE_PAYMENT_REPORTED,
}
_PREFIX = "groupbuy.team_formation.v1."


def team_fact(event: Event) -> domain.TeamFact:
    """Read one event of a team; Poison where it names nothing that exists."""
    try:
        return _read(event.event_id, event.read_as(events_pb2.TeamEvent))
    except (KeyError, ValueError, OverflowError) as problem:
        raise Poison(event.event_id, f"cannot be read: {problem}") from problem


def full_name(kind: domain.FactKind) -> str:
    """Write the full name of a fact, as in the proto."""
    return _PREFIX + kind


def _read(event_id: UUID, message: events_pb2.TeamEvent) -> domain.TeamFact:
    campaign_id, team_id = _ids(TEAM, message.team_id, 2)
    if _ids(CAMPAIGN, message.campaign_id, 1) != (campaign_id,):
        raise ValueError("campaign_id is not the campaign in team_id")
    name = message.WhichOneof("fact")
    if name not in _KINDS:
        raise ValueError(f"a fact this release does not know: {name}")
    kind = _KINDS[name]
    platform_id = _ids(PLATFORM, message.platform_id, 1)[0]
    seat, currency = _seat(getattr(message, name), campaign_id, platform_id)
    return domain.TeamFact(
        kind,
        event_id,
        campaign_id,
        team_id,
        platform_id,
        message.sequence,
        message.occurred_at.ToDatetime(tzinfo=UTC),
        _totals(message.totals),
        _state(message.state),
        currency,
        opened=_opened(message.team_opened) if kind is domain.FactKind.TEAM_OPENED else None,
        seat=seat,
        previous_state=_previous_state(message),
        amount=_amount(message, currency),
        payment_reference=message.seat_confirmed.payment_reference or message.late_payment_reported.payment_reference,
        after_expiry=message.seat_confirmed.after_expiry,
        totals_at_end=_totals(message.team_failed.totals_at_end) if message.HasField("team_failed") else None,
    )


def _opened(message: events_pb2.TeamOpened) -> domain.Opened:
    mode = types_pb2.PaymentMode.Name(message.rules.payment_mode).removeprefix("PAYMENT_MODE_")
    table = read_price_table(message.price_table)
    if problem := domain.table_problem(table):
        raise ValueError(problem)
    return domain.Opened(message.merchant_id, domain.PaymentMode(mode), table)


def _seat(fact: Message, campaign_id: UUID, platform_id: UUID) -> tuple[domain.Seat | None, str]:
    message = getattr(fact, "seat", None)
    if message is None:
        return None, ""
    of_campaign, seat_id = _ids(SEAT, message.seat_id, 2)
    team_campaign, team_id = _ids(TEAM, message.team_id, 2)
    if {of_campaign, team_campaign} != {campaign_id}:
        raise ValueError("the seat is of another campaign")
    seat = domain.Seat(
        campaign_id,
        seat_id,
        team_id,
        platform_id,
        message.member_id,
        message.sku,
        READ_ROLES[message.role],
        message.quantity,
        message.cap.minor_units,
        message.cap_fill,
        domain.SeatState(types_pb2.SeatState.Name(message.state).removeprefix("SEAT_STATE_")),
        _reason(message.release_reason),
    )
    return seat, message.cap.currency


def _previous_state(message: events_pb2.TeamEvent) -> domain.SeatState | None:
    if not message.HasField("seat_released"):
        return None
    name = types_pb2.SeatState.Name(message.seat_released.previous_state)
    return domain.SeatState(name.removeprefix("SEAT_STATE_"))


def _reason(code: types_pb2.ReleaseReason.ValueType) -> domain.ReleaseReason | None:
    name = types_pb2.ReleaseReason.Name(code).removeprefix("RELEASE_REASON_")
    return domain.ReleaseReason(name) if code else None


def _amount(message: events_pb2.TeamEvent, currency: str) -> int:
    for name in ("seat_confirmed", "late_payment_reported"):
        if message.HasField(name):
            amount = getattr(message, name).amount
            if amount.currency != currency:
                raise ValueError(f"the amount is in {amount.currency or 'no currency'}, the cap in {currency}")
            return int(amount.minor_units)
    return 0


def _state(code: types_pb2.TeamState.ValueType) -> domain.TeamState:
    return domain.TeamState(types_pb2.TeamState.Name(code).removeprefix("TEAM_STATE_"))


def _totals(message: types_pb2.Totals) -> domain.Totals:
    return domain.Totals(message.confirmed_members, message.confirmed_units, message.held_members, message.held_units)


def _ids(prefix: str, text: str, count: int) -> tuple[UUID, ...]:
    found = ids.parse(prefix, text, count)
    if found is None:
        raise ValueError(f"{text!r} is no {prefix} id")
    return found
