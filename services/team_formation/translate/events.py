"""Facts as events: what other services read of campaigns and teams."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from groupbuy.team_formation.v1 import events_pb2

from services.chassis import ids, messages, trace
from services.chassis.messages import Message
from services.team_formation import domain
from services.team_formation.domain import FactKind
from services.team_formation.translate.basics import (
    CAMPAIGN_TOPIC,
    PLATFORM,
    TEAM_TOPIC,
    campaign_id,
    money,
    seat_id,
    team_id,
    time,
)
from services.team_formation.translate.teams import SEAT_STATES, TEAM_STATES, seat, totals
from services.team_formation.translate.terms import campaign, presentation, price_table, rules

_PACKAGE = "groupbuy.team_formation.v1"


def team_message(fact: domain.Fact, terms: domain.Terms, of: domain.Campaign | None) -> Message:
    """Write a fact as the message of its team's version; TeamOpened needs the campaign."""
    team, event_id = fact.team, ids.derived_id(fact.team.team_id, fact.team.version)
    name, write = _FACTS[fact.kind]
    envelope: dict[str, Any] = {name: write(fact, terms, of)}
    event = events_pb2.TeamEvent(
        event_id=str(event_id),
        platform_id=ids.opaque(PLATFORM, team.platform_id),
        sequence=team.version,
        occurred_at=time(fact.at),
        campaign_id=campaign_id(team.campaign_id),
        team_id=team_id(team.campaign_id, team.team_id),
        totals=totals(team.totals),
        state=TEAM_STATES[team.state],
        **envelope,
    )
    return Message(
        topic=TEAM_TOPIC,
        key=event.team_id,
        event_id=event_id,
        fact=f"{_PACKAGE}.{fact.kind}",
        sequence=team.version,
        occurred_at=fact.at,
        payload=event.SerializeToString(),
        traceparent=trace.current(),
    )


def _opened(fact: domain.Fact, terms: domain.Terms, of: domain.Campaign | None) -> events_pb2.TeamOpened:
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
    )


def _seat(fact: domain.Fact, terms: domain.Terms) -> dict[str, Any]:
    return {"seat": seat(fact.seat, terms.price_table.currency) if fact.seat else None}


def _confirmed(fact: domain.Fact, terms: domain.Terms, _of: domain.Campaign | None) -> events_pb2.SeatConfirmed:
    return events_pb2.SeatConfirmed(
        **_seat(fact, terms),
        amount=money(fact.amount, terms.price_table.currency),
        payment_reference=fact.payment_reference,
        after_expiry=fact.after_expiry,
    )


def _late(fact: domain.Fact, terms: domain.Terms, _of: domain.Campaign | None) -> events_pb2.LatePaymentReported:
    return events_pb2.LatePaymentReported(
        **_seat(fact, terms),
        amount=money(fact.amount, terms.price_table.currency),
        payment_reference=fact.payment_reference,
    )


def _formed(fact: domain.Fact, terms: domain.Terms, _of: domain.Campaign | None) -> events_pb2.TeamFormed:
    team, reward = fact.team, terms.rules.leader_reward
    return events_pb2.TeamFormed(
        leader_seat_id=seat_id(team.campaign_id, team.leader_seat_id) if team.leader_seat_id else "",
        leader_reward=money(reward, terms.price_table.currency) if reward and team.leader_seat_id else None,
    )


def _failed(fact: domain.Fact, _terms: domain.Terms, _of: domain.Campaign | None) -> events_pb2.TeamFailed:
    return events_pb2.TeamFailed(totals_at_end=totals(fact.totals_before or domain.Totals()))


def _cancelled(fact: domain.Fact, _terms: domain.Terms, _of: domain.Campaign | None) -> events_pb2.TeamCancelled:
    return events_pb2.TeamCancelled(
        totals_at_end=totals(fact.totals_before or domain.Totals()),
        reason=fact.reason,
        after_formed=fact.after_formed,
    )


def _leader(fact: domain.Fact, terms: domain.Terms, _of: domain.Campaign | None) -> events_pb2.LeaderChanged:
    previous = fact.previous_seat_id
    return events_pb2.LeaderChanged(
        **_seat(fact, terms), previous_seat_id=seat_id(fact.team.campaign_id, previous) if previous else ""
    )


_FACTS: dict[FactKind, tuple[str, Callable[[domain.Fact, domain.Terms, domain.Campaign | None], Any]]] = {
    FactKind.TEAM_OPENED: ("team_opened", _opened),
    FactKind.SEAT_HELD: (
        "seat_held",
        lambda fact, terms, _: events_pb2.SeatHeld(**_seat(fact, terms), from_waitlist=fact.from_waitlist),
    ),
    FactKind.SEAT_CONFIRMED: ("seat_confirmed", _confirmed),
    FactKind.SEAT_RELEASED: (
        "seat_released",
        lambda fact, terms, _: events_pb2.SeatReleased(
            **_seat(fact, terms), previous_state=SEAT_STATES[fact.previous_state or domain.SeatState.HELD]
        ),
    ),
    FactKind.TEAM_TIPPED: ("team_tipped", lambda *_: events_pb2.TeamTipped()),
    FactKind.TEAM_UNTIPPED: ("team_untipped", lambda *_: events_pb2.TeamUntipped()),
    FactKind.TEAM_FORMED: ("team_formed", _formed),
    FactKind.TEAM_FAILED: ("team_failed", _failed),
    FactKind.LATE_PAYMENT_REPORTED: ("late_payment_reported", _late),
    FactKind.SEAT_WAITLISTED: (
        "seat_waitlisted",
        lambda fact, terms, _: events_pb2.SeatWaitlisted(**_seat(fact, terms)),
    ),
    FactKind.SEAT_REDUCED: (
        "seat_reduced",
        lambda fact, terms, _: events_pb2.SeatReduced(
            **_seat(fact, terms), units=fact.units, after_formed=fact.after_formed
        ),
    ),
    FactKind.HOLD_EXTENDED: ("hold_extended", lambda fact, terms, _: events_pb2.HoldExtended(**_seat(fact, terms))),
    FactKind.SEAT_DEFAULTED: (
        "seat_defaulted",
        lambda fact, terms, _: events_pb2.SeatDefaulted(
            **_seat(fact, terms), reason=fact.reason, after_formed=fact.after_formed
        ),
    ),
    FactKind.SEAT_SPONSORED: (
        "seat_sponsored",
        lambda fact, terms, _: events_pb2.SeatSponsored(**_seat(fact, terms)),
    ),
    FactKind.LEADER_CHANGED: ("leader_changed", _leader),
    FactKind.TEAM_CANCELLED: ("team_cancelled", _cancelled),
    FactKind.TEAM_RESCHEDULED: (
        "team_rescheduled",
        lambda fact, *_: events_pb2.TeamRescheduled(ends_at=time(fact.team.ends_at)),
    ),
}


def campaign_created(values: domain.Campaign, at: datetime) -> Message:
    """Write the first event of a campaign."""
    created = events_pb2.CampaignCreated(campaign=campaign(values, at))
    return _campaign_message(values, at, campaign_created=created)


def campaign_changed(decision: domain.CampaignDecision, actor: str, at: datetime) -> Message:
    """Write what was done to a campaign."""
    changed = events_pb2.CampaignChanged(
        campaign=campaign(decision.campaign, at),
        action=events_pb2.CampaignAction.Value(f"CAMPAIGN_ACTION_{decision.action}"),
        actor=actor,
        fields=decision.fields,
    )
    return _campaign_message(decision.campaign, at, campaign_changed=changed)


def _campaign_message(values: domain.Campaign, at: datetime, **fact: Any) -> Message:
    event = events_pb2.CampaignEvent(
        event_id=str(ids.derived_id(values.campaign_id, values.version)),
        platform_id=ids.opaque(PLATFORM, values.platform_id),
        sequence=values.version,
        occurred_at=time(at),
        campaign_id=campaign_id(values.campaign_id),
        **fact,
    )
    return messages.message(CAMPAIGN_TOPIC, event.campaign_id, event)
