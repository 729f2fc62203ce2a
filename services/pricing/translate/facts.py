"""Reads the events of team_formation into values; what cannot be read is poison."""

from collections.abc import Iterable
from enum import Enum
from functools import cache
from typing import Any, TypeVar
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

Known = TypeVar("Known", bound=Enum)


def _by_code(names: Iterable[tuple[str, int]], prefix: str, kind: type[Known]) -> dict[int, Known]:
    """Say what the codes of an enum stand for; KeyError for one that this release does not know."""
    return {code: kind(name.removeprefix(prefix)) for name, code in names if code}


_SEAT_STATES = _by_code(types_pb2.SeatState.items(), "SEAT_STATE_", domain.SeatState)
_TEAM_STATES = _by_code(types_pb2.TeamState.items(), "TEAM_STATE_", domain.TeamState)
_REASONS: dict[int, domain.ReleaseReason | None] = {
    0: None,
    **_by_code(types_pb2.ReleaseReason.items(), "RELEASE_REASON_", domain.ReleaseReason),
}


def team_fact(event: Event) -> domain.TeamFact:
    """Read one event of a team; Poison where it names nothing that exists."""
    try:
        return _read(event, event.read_as(events_pb2.TeamEvent))
    except (KeyError, ValueError, OverflowError) as problem:
        raise Poison(event.event_id, f"cannot be read: {problem}") from problem


def full_name(kind: domain.FactKind) -> str:
    """Write the full name of a fact, as in the proto."""
    return _PREFIX + kind


def _read(event: Event, message: events_pb2.TeamEvent) -> domain.TeamFact:
    campaign_id, team_id = _ids(TEAM, message.team_id, 2)
    if _ids(CAMPAIGN, message.campaign_id, 1) != (campaign_id,):
        raise ValueError("campaign_id is not the campaign in team_id")
    name = message.WhichOneof("fact")
    if name not in _KINDS:
        raise ValueError(f"a fact this release does not know: {name}")
    kind = _KINDS[name]
    platform_id = _ids(PLATFORM, message.platform_id, 1)[0]
    fact: Any = getattr(message, name)
    has = _fields(kind)
    seat, currency = _seat(fact, campaign_id, platform_id) if "seat" in has else (None, "")
    amount, currency = _amount(fact, currency) if "amount" in has else (0, currency)
    reward, currency = _reward(fact, campaign_id, currency) if "leader_reward" in has else (None, currency)
    return domain.TeamFact(
        kind,
        event.event_id,
        campaign_id,
        team_id,
        platform_id,
        event.sequence,
        event.occurred_at,
        _totals(message.totals),
        _TEAM_STATES[message.state],
        currency,
        opened=_opened(fact) if kind is domain.FactKind.TEAM_OPENED else None,
        seat=seat,
        previous_state=_SEAT_STATES[fact.previous_state] if kind is domain.FactKind.SEAT_RELEASED else None,
        amount=amount,
        totals_at_end=_totals(fact.totals_at_end) if "totals_at_end" in has else None,
        reward=reward,
        **{own: getattr(fact, own) for own in _AS_TOLD & has},
    )


_AS_TOLD = frozenset({"payment_reference", "after_expiry", "units", "after_formed", "below_minimum", "from_waitlist"})
"""What a fact's value has by the name that the fact has; what a fact does not carry, it does not have."""


@cache
def _fields(kind: domain.FactKind) -> frozenset[str]:
    """Name the fields of a fact."""
    return frozenset(getattr(events_pb2, kind).DESCRIPTOR.fields_by_name)


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
    if not fact.HasField("seat"):
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
        _SEAT_STATES[message.state],
        _REASONS[message.release_reason],
        sponsored=message.sponsored,
        cap_tally_seq=message.cap_tally_seq,
        own_steps=tuple(domain.OwnStep(step.threshold, step.unit_price) for step in message.own_steps),
        cap_from_quote=message.cap_from_quote,
        promoter_id=message.promoter_id,
        commission_basis_points=message.commission_basis_points,
    )
    return seat, message.cap.currency


def _amount(fact: Any, currency: str) -> tuple[int, str]:
    """Read the amount of a fact, and the one currency of all its amounts."""
    amount = fact.amount
    if currency and amount.currency != currency:
        raise ValueError(f"the amount is in {amount.currency or 'no currency'}, the cap in {currency}")
    return int(amount.minor_units), amount.currency


def _reward(fact: Any, campaign_id: UUID, currency: str) -> tuple[domain.LeaderReward | None, str]:
    """Read what a leader is given when its team forms, and its currency."""
    if not fact.HasField("leader_reward"):
        return None, currency
    of_campaign, seat_id = _ids(SEAT, fact.leader_seat_id, 2)
    if of_campaign != campaign_id:
        raise ValueError("the leader's seat is of another campaign")
    return domain.LeaderReward(seat_id, fact.leader_reward.minor_units), fact.leader_reward.currency


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
