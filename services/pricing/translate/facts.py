"""Reads the events of team_formation into values; what cannot be read is poison."""

from datetime import UTC
from typing import Any
from uuid import UUID

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
    "seat_waitlisted": domain.FactKind.SEAT_WAITLISTED,
    "seat_reduced": domain.FactKind.SEAT_REDUCED,
    "hold_extended": domain.FactKind.HOLD_EXTENDED,
    "seat_defaulted": domain.FactKind.SEAT_DEFAULTED,
    "seat_sponsored": domain.FactKind.SEAT_SPONSORED,
    "leader_changed": domain.FactKind.LEADER_CHANGED,
    "team_cancelled": domain.FactKind.TEAM_CANCELLED,
    "team_rescheduled": domain.FactKind.TEAM_RESCHEDULED,
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
    fact: Any = getattr(message, name)
    seat, currency = _seat(fact, campaign_id, platform_id)
    amount, currency = _amount(fact, currency)
    reward, currency = _reward(fact, campaign_id, currency)
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
        opened=_opened(fact) if kind is domain.FactKind.TEAM_OPENED else None,
        seat=seat,
        previous_state=_seat_state(fact.previous_state) if kind is domain.FactKind.SEAT_RELEASED else None,
        amount=amount,
        # what a fact does not carry, it does not have
        payment_reference=getattr(fact, "payment_reference", ""),
        after_expiry=getattr(fact, "after_expiry", False),
        totals_at_end=_totals(fact.totals_at_end) if hasattr(fact, "totals_at_end") else None,
        units=getattr(fact, "units", 0),
        after_formed=getattr(fact, "after_formed", False),
        below_minimum=getattr(fact, "below_minimum", False),
        from_waitlist=getattr(fact, "from_waitlist", False),
        reward=reward,
    )


def _opened(message: events_pb2.TeamOpened) -> domain.Opened:
    mode = types_pb2.PaymentMode.Name(message.rules.payment_mode).removeprefix("PAYMENT_MODE_")
    table = read_price_table(message.price_table)
    if problem := domain.table_problem(table):
        raise ValueError(problem)
    return domain.Opened(message.merchant_id, domain.PaymentMode(mode), table, _payment_terms(message.rules))


def _payment_terms(rules: types_pb2.Rules) -> domain.PaymentTerms | None:
    """Read by when money has to come; terms of a mode in which none is waited for mean nothing."""
    if not rules.HasField("payment_terms") or rules.payment_mode not in _WAITS_FOR_MONEY:
        return None
    terms = rules.payment_terms
    return domain.PaymentTerms(
        terms.pay_within.ToTimedelta(), terms.authorisation_lifetime.ToTimedelta(), terms.lapse_warning.ToTimedelta()
    )


_WAITS_FOR_MONEY = {types_pb2.PAYMENT_MODE_COMMIT, types_pb2.PAYMENT_MODE_HOLD}


def _seat(fact: Any, campaign_id: UUID, platform_id: UUID) -> tuple[domain.Seat | None, str]:
    """Read the seat of a fact and its cap's currency; a leader may be nobody."""
    if not hasattr(fact, "seat") or not fact.HasField("seat"):
        return None, ""
    message = fact.seat
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
        _seat_state(message.state),
        _reason(message.release_reason),
        sponsored=message.sponsored,
        cap_tally_seq=message.cap_tally_seq,
        own_steps=tuple(domain.OwnStep(step.threshold, step.unit_price) for step in message.own_steps),
        cap_from_quote=message.cap_from_quote,
        promoter_id=message.promoter_id,
        commission_basis_points=message.commission_basis_points,
    )
    return seat, message.cap.currency


def _seat_state(code: types_pb2.SeatState.ValueType) -> domain.SeatState:
    return domain.SeatState(types_pb2.SeatState.Name(code).removeprefix("SEAT_STATE_"))


def _reason(code: types_pb2.ReleaseReason.ValueType) -> domain.ReleaseReason | None:
    name = types_pb2.ReleaseReason.Name(code).removeprefix("RELEASE_REASON_")
    return domain.ReleaseReason(name) if code else None


def _amount(fact: Any, currency: str) -> tuple[int, str]:
    """Read the amount of a fact, if it has one, and the one currency of all its amounts."""
    if not hasattr(fact, "amount"):
        return 0, currency
    amount = fact.amount
    if currency and amount.currency != currency:
        raise ValueError(f"the amount is in {amount.currency or 'no currency'}, the cap in {currency}")
    return int(amount.minor_units), amount.currency


def _reward(fact: Any, campaign_id: UUID, currency: str) -> tuple[domain.LeaderReward | None, str]:
    """Read what a leader is given when its team forms, and its currency."""
    if not hasattr(fact, "leader_reward") or not fact.HasField("leader_reward"):
        return None, currency
    of_campaign, seat_id = _ids(SEAT, fact.leader_seat_id, 2)
    if of_campaign != campaign_id:
        raise ValueError("the leader's seat is of another campaign")
    return domain.LeaderReward(seat_id, fact.leader_reward.minor_units), fact.leader_reward.currency


def _state(code: types_pb2.TeamState.ValueType) -> domain.TeamState:
    return domain.TeamState(types_pb2.TeamState.Name(code).removeprefix("TEAM_STATE_"))


def _totals(message: types_pb2.Totals) -> domain.Totals:
    return domain.Totals(
        message.confirmed_members,
        message.confirmed_units,
        message.held_members,
        message.held_units,
        message.waiting_members,
        message.waiting_units,
        message.sponsored_members,
        message.sponsored_units,
    )


def _ids(prefix: str, text: str, count: int) -> tuple[UUID, ...]:
    found = ids.parse(prefix, text, count)
    if found is None:
        raise ValueError(f"{text!r} is no {prefix} id")
    return found
