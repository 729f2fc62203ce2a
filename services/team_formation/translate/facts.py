"""Facts about teams on the wire: what each holds besides the seat, in bytes."""

from collections.abc import Callable
from typing import Any, TypeAlias

from groupbuy.team_formation.v1 import events_pb2

from services.team_formation import domain
from services.team_formation.domain import FactKind
from services.team_formation.translate.basics import money, seat_id, team_id, time
from services.team_formation.translate.teams import SEAT_STATES, totals
from services.team_formation.translate.terms import presentation, price_table, rules

Write: TypeAlias = Callable[[domain.Fact, domain.Terms, domain.Campaign | None], bytes]


def _opened(fact: domain.Fact, terms: domain.Terms, of: domain.Campaign | None) -> bytes:
    if of is None:
        raise RuntimeError("a team is opened in a campaign")
    team = fact.team
    return events_pb2.TeamOpened(
        opener_member_id=team.opener_member_id,
        merchant_id=of.merchant_id,
        rules=rules(terms.rules, of.currency),
        price_table=price_table(terms.price_table),
        presentation=presentation(of.presentation),
        ends_at=time(team.ends_at),
        external_ref=team.external_ref,
        overflow_of_team_id=team_id(team.campaign_id, team.overflow_of) if team.overflow_of else "",
        match_key=team.match_key,
        imported_to=fact.imported_to,
    ).SerializeToString()


def _held(fact: domain.Fact, _terms: domain.Terms, _of: domain.Campaign | None) -> bytes:
    return _FROM_WAITLIST if fact.from_waitlist else b""


_FROM_WAITLIST = events_pb2.SeatHeld(from_waitlist=True).SerializeToString()


def _confirmed(fact: domain.Fact, terms: domain.Terms, _of: domain.Campaign | None) -> bytes:
    return events_pb2.SeatConfirmed(
        amount=money(fact.amount, terms.price_table.currency),
        payment_reference=fact.payment_reference,
        after_expiry=fact.after_expiry,
        from_waitlist=fact.from_waitlist,
    ).SerializeToString()


def _released(fact: domain.Fact, _terms: domain.Terms, _of: domain.Campaign | None) -> bytes:
    return _RELEASED_FROM[fact.previous_state or domain.SeatState.HELD]


_RELEASED_FROM = {
    state: events_pb2.SeatReleased(previous_state=code).SerializeToString() for state, code in SEAT_STATES.items()
}


def _late(fact: domain.Fact, terms: domain.Terms, _of: domain.Campaign | None) -> bytes:
    return events_pb2.LatePaymentReported(
        amount=money(fact.amount, terms.price_table.currency), payment_reference=fact.payment_reference
    ).SerializeToString()


def _formed(fact: domain.Fact, terms: domain.Terms, _of: domain.Campaign | None) -> bytes:
    team, reward = fact.team, terms.rules.leader_reward
    return events_pb2.TeamFormed(
        leader_seat_id=seat_id(team.campaign_id, team.leader_seat_id) if team.leader_seat_id else "",
        leader_reward=money(reward, terms.price_table.currency) if reward and team.leader_seat_id else None,
    ).SerializeToString()


def _failed(fact: domain.Fact, _terms: domain.Terms, _of: domain.Campaign | None) -> bytes:
    return events_pb2.TeamFailed(totals_at_end=totals(fact.totals_before or domain.Totals())).SerializeToString()


def _cancelled(fact: domain.Fact, _terms: domain.Terms, _of: domain.Campaign | None) -> bytes:
    return events_pb2.TeamCancelled(
        totals_at_end=totals(fact.totals_before or domain.Totals()),
        reason=fact.reason,
        after_formed=fact.after_formed,
        below_minimum=fact.below_minimum,
    ).SerializeToString()


def _reduced(fact: domain.Fact, _terms: domain.Terms, _of: domain.Campaign | None) -> bytes:
    return events_pb2.SeatReduced(units=fact.units, after_formed=fact.after_formed).SerializeToString()


def _defaulted(fact: domain.Fact, _terms: domain.Terms, _of: domain.Campaign | None) -> bytes:
    return events_pb2.SeatDefaulted(reason=fact.reason, after_formed=fact.after_formed).SerializeToString()


def _leader(fact: domain.Fact, _terms: domain.Terms, _of: domain.Campaign | None) -> bytes:
    previous = fact.previous_seat_id
    text = seat_id(fact.team.campaign_id, previous) if previous else ""
    return events_pb2.LeaderChanged(previous_seat_id=text).SerializeToString()


def _rescheduled(fact: domain.Fact, _terms: domain.Terms, _of: domain.Campaign | None) -> bytes:
    return events_pb2.TeamRescheduled(ends_at=time(fact.team.ends_at)).SerializeToString()


def _nothing(_fact: domain.Fact, _terms: domain.Terms, _of: domain.Campaign | None) -> bytes:
    return b""


_EVENT: Any = events_pb2.TeamEvent
FACTS: dict[FactKind, tuple[int, Write]] = {
    FactKind.TEAM_OPENED: (_EVENT.TEAM_OPENED_FIELD_NUMBER, _opened),
    FactKind.SEAT_HELD: (_EVENT.SEAT_HELD_FIELD_NUMBER, _held),
    FactKind.SEAT_CONFIRMED: (_EVENT.SEAT_CONFIRMED_FIELD_NUMBER, _confirmed),
    FactKind.SEAT_RELEASED: (_EVENT.SEAT_RELEASED_FIELD_NUMBER, _released),
    FactKind.TEAM_TIPPED: (_EVENT.TEAM_TIPPED_FIELD_NUMBER, _nothing),
    FactKind.TEAM_UNTIPPED: (_EVENT.TEAM_UNTIPPED_FIELD_NUMBER, _nothing),
    FactKind.TEAM_FORMED: (_EVENT.TEAM_FORMED_FIELD_NUMBER, _formed),
    FactKind.TEAM_FAILED: (_EVENT.TEAM_FAILED_FIELD_NUMBER, _failed),
    FactKind.LATE_PAYMENT_REPORTED: (_EVENT.LATE_PAYMENT_REPORTED_FIELD_NUMBER, _late),
    FactKind.SEAT_WAITLISTED: (_EVENT.SEAT_WAITLISTED_FIELD_NUMBER, _nothing),
    FactKind.SEAT_REDUCED: (_EVENT.SEAT_REDUCED_FIELD_NUMBER, _reduced),
    FactKind.HOLD_EXTENDED: (_EVENT.HOLD_EXTENDED_FIELD_NUMBER, _nothing),
    FactKind.SEAT_DEFAULTED: (_EVENT.SEAT_DEFAULTED_FIELD_NUMBER, _defaulted),
    FactKind.SEAT_SPONSORED: (_EVENT.SEAT_SPONSORED_FIELD_NUMBER, _nothing),
    FactKind.LEADER_CHANGED: (_EVENT.LEADER_CHANGED_FIELD_NUMBER, _leader),
    FactKind.TEAM_CANCELLED: (_EVENT.TEAM_CANCELLED_FIELD_NUMBER, _cancelled),
    FactKind.TEAM_RESCHEDULED: (_EVENT.TEAM_RESCHEDULED_FIELD_NUMBER, _rescheduled),
}
"""Field number of each fact in the envelope, and what it holds besides its seat, which is always field 1."""
