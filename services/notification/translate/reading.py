"""Reads what other services tell: protobuf events to the domain's values."""

from collections.abc import Iterable
from datetime import UTC, datetime
from math import inf
from typing import TypeVar
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp
from groupbuy.pricing.v1 import events_pb2 as pricing_pb2
from groupbuy.pricing.v1 import ladder_pb2
from groupbuy.team_formation.v1 import events_pb2 as teams_pb2
from groupbuy.team_formation.v1 import types_pb2

from services.chassis import ids
from services.notification.domain import (
    Campaign,
    CampaignState,
    Cancelled,
    Change,
    CountedIn,
    Ended,
    Kind,
    Move,
    Opened,
    PaymentMode,
    PriceFact,
    PriceRow,
    Refunded,
    Rescheduled,
    Role,
    Seat,
    SeatFact,
    SeatMoved,
    SeatState,
    Settled,
    Sponsored,
    TeamFact,
    TeamState,
    Text,
    ToPay,
    TurnedTo,
    lowest,
    price_of,
)
from services.notification.store import ALL_TEAMS

_SETTLED = {
    pricing_pb2.SETTLEMENT_CAUSE_TEAM_FORMED: Kind.FORMED,
    pricing_pb2.SETTLEMENT_CAUSE_TEAM_FAILED: Kind.FAILED,
    pricing_pb2.SETTLEMENT_CAUSE_SEAT_LEFT: Kind.LEFT,
    pricing_pb2.SETTLEMENT_CAUSE_LATE_PAYMENT: Kind.LATE_PAYMENT,
}
"""Causes told by their settlement alone. The others are told by their team's event, and their lines tell the money."""

_SEAT_FACTS = {
    "seat_held": SeatFact.HELD,
    "seat_confirmed": SeatFact.CONFIRMED,
    "seat_released": SeatFact.RELEASED,
    "seat_waitlisted": SeatFact.WAITLISTED,
    "seat_reduced": SeatFact.REDUCED,
    "hold_extended": SeatFact.EXTENDED,
    "seat_defaulted": SeatFact.DEFAULTED,
    "leader_changed": SeatFact.LEADING,
}
_RELEASED = {
    types_pb2.RELEASE_REASON_PRICE_CHANGED: SeatFact.PRICED_OUT,
    types_pb2.RELEASE_REASON_WITHDRAWN: SeatFact.WITHDRAWN,
}

Word = TypeVar("Word", TeamState, SeatState, PaymentMode, Role, CampaignState)


class Unreadable(Exception):
    """An event that says something no release of ours has said."""


def team_key(
    envelope: teams_pb2.TeamEvent | pricing_pb2.PriceEvent | pricing_pb2.SettlementEvent,
) -> tuple[UUID, UUID, UUID]:
    """Read platform, campaign and team of an event."""
    platform = _ids("plat", envelope.platform_id, 1)[0]
    campaign, team = _ids("team", envelope.team_id, 2)
    return platform, campaign, team


def campaign_key(envelope: pricing_pb2.PriceEvent) -> tuple[UUID, UUID]:
    """Read platform and campaign of an event that concerns all teams of a campaign."""
    if envelope.tally_seq < 1 or price_fact(envelope).ladder_version < 1:
        raise Unreadable("a price of the whole campaign names its tally and its ladder's version")
    return _ids("plat", envelope.platform_id, 1)[0], _ids("camp", envelope.campaign_id, 1)[0]


def team_fact(envelope: teams_pb2.TeamEvent) -> TeamFact:
    """Read a team's event; Unreadable."""
    platform_id, campaign_id, team_id = team_key(envelope)
    return TeamFact(
        event_id=UUID(envelope.event_id),
        platform_id=platform_id,
        campaign_id=campaign_id,
        team_id=team_id,
        version=envelope.sequence,
        state=_word(TeamState, types_pb2.TeamState.Name(envelope.state), "TEAM_STATE_"),
        confirmed_members=envelope.totals.confirmed_members,
        confirmed_units=envelope.totals.confirmed_units,
        change=_change(envelope),
        waiting=envelope.totals.waiting_members,
        sponsored=envelope.totals.sponsored_members,
        taken_members=envelope.totals.confirmed_members + envelope.totals.held_members,
        taken_units=envelope.totals.confirmed_units + envelope.totals.held_units,
    )


def _change(envelope: teams_pb2.TeamEvent) -> Change | None:
    """Read what changed; None for what changes neither seats nor teams, as what a later release may tell."""
    match envelope.WhichOneof("fact"):
        case "team_opened":
            return _opened(envelope.team_opened)
        case "team_tipped" | "team_untipped" as name:
            return TurnedTo(TeamState.TIPPED if name == "team_tipped" else TeamState.FORMING)
        case "team_formed" | "team_failed":
            # who is counted as waiting goes on waiting for a place that is not paid
            return None if envelope.totals.waiting_members else Ended()
        case "team_cancelled":
            told = envelope.team_cancelled
            # whoever waits in a formed team has not been released by its end
            waited = told.totals_at_end.waiting_members > 0
            return Cancelled(" ".join(told.reason.split()), told.after_formed and not waited)
        case "team_rescheduled":
            return Rescheduled(_time(envelope.team_rescheduled.ends_at))
        case _:
            return _moved(envelope)


def _moved(envelope: teams_pb2.TeamEvent) -> SeatMoved | Sponsored | None:
    name = envelope.WhichOneof("fact")
    if name == "seat_sponsored":
        return Sponsored()
    if name not in _SEAT_FACTS or (name == "leader_changed" and not envelope.leader_changed.HasField("seat")):
        return None
    seat = getattr(envelope, name).seat
    if seat.sponsored:
        return Sponsored()  # nobody's, so that nobody is ever told of it
    return SeatMoved(
        _seat(seat), _seat_fact(envelope, name), _fills(envelope, name), envelope.seat_reduced.units, seat.promoter_id
    )


def _seat_fact(envelope: teams_pb2.TeamEvent, name: str) -> SeatFact:
    if name == "seat_held" and envelope.seat_held.from_waitlist:
        return SeatFact.SEATED
    if name == "seat_released" and _waited_in_vain(envelope.seat_released):
        return SeatFact.IN_VAIN
    return _RELEASED.get(envelope.seat_released.seat.release_reason, _SEAT_FACTS[name])


def _waited_in_vain(fact: teams_pb2.SeatReleased) -> bool:
    ended = fact.seat.release_reason == types_pb2.RELEASE_REASON_TEAM_ENDED
    return ended and fact.previous_state == types_pb2.SEAT_STATE_WAITING


def _fills(envelope: teams_pb2.TeamEvent, name: str) -> bool:
    """Tell whether the confirmed fill changed by what happened to a seat."""
    if name == "seat_released":
        return envelope.seat_released.previous_state == types_pb2.SEAT_STATE_CONFIRMED
    if name == "seat_reduced":
        return envelope.seat_reduced.seat.state == types_pb2.SEAT_STATE_CONFIRMED
    return name in {"seat_confirmed", "seat_defaulted"}


def _opened(fact: teams_pb2.TeamOpened) -> Opened:
    rules, shown = fact.rules, fact.presentation
    if not shown.texts:
        raise Unreadable("the team has no text in any language")
    return Opened(
        texts=tuple(Text(item.language, item.title) for item in shown.texts),
        seller=shown.seller,
        checkout_url=shown.checkout_url,
        time_zone=shown.time_zone,
        payment_mode=_word(PaymentMode, types_pb2.PaymentMode.Name(rules.payment_mode), "PAYMENT_MODE_"),
        counted_in=CountedIn.UNITS if rules.counted_in == types_pb2.COUNTED_IN_UNITS else CountedIn.MEMBERS,
        minimum=rules.minimum,
        currency=fact.price_table.currency,
        ends_at=_time(fact.ends_at),
        leader_reward=rules.leader_reward.minor_units,
        ladder_version=fact.price_table.ladder_version,
        of_campaign=fact.price_table.basis == ladder_pb2.BASIS_CAMPAIGN_UNITS,
        maximum=rules.maximum,
        imported_to=fact.imported_to,
    )


def first_price(envelope: teams_pb2.TeamEvent) -> PriceRow | None:
    """Read the price that a team opens with, from its price table; None of any other event."""
    if envelope.WhichOneof("fact") != "team_opened":
        return None
    platform_id, campaign_id, team_id = team_key(envelope)
    opened = envelope.team_opened
    rows = [row for row in opened.price_table.rows if row.role == ladder_pb2.ROLE_MEMBER and row.steps]
    room = _room(opened)
    best = min((step.unit_price for row in rows for step in row.steps if step.threshold <= room), default=0)
    price = lowest((row.steps[0].unit_price for row in rows), best)
    return PriceRow(platform_id, campaign_id, team_id, envelope.sequence, 0, price) if price else None


def _room(opened: teams_pb2.TeamOpened) -> float:
    """Tell how far the team itself can fill its ladder: no tier beyond is ever reached."""
    of_team = opened.price_table.basis in {ladder_pb2.BASIS_TEAM_MEMBERS, ladder_pb2.BASIS_TEAM_UNITS}
    in_units = opened.rules.counted_in == types_pb2.COUNTED_IN_UNITS
    bounded = of_team and (in_units or opened.price_table.basis == ladder_pb2.BASIS_TEAM_MEMBERS)
    return opened.rules.maximum if bounded and opened.rules.maximum else inf


def price_row(envelope: pricing_pb2.PriceEvent) -> PriceRow | None:
    """Read what a team's, or a whole campaign's, price is from now on; None where it stays. Unreadable."""
    fact = price_fact(envelope)
    price = price_of(fact)
    if price is None:
        return None
    if is_of_campaign(envelope):
        return PriceRow(*campaign_key(envelope), ALL_TEAMS, envelope.tally_seq, fact.ladder_version, price)
    return PriceRow(*team_key(envelope), envelope.team_version, 0, price)


def campaign_copy(envelope: teams_pb2.CampaignEvent) -> Campaign | None:
    """Read the whole campaign that each of its events carries; None of a draft, which may lack anything. Unreadable."""
    fact = getattr(envelope, envelope.WhichOneof("fact") or "campaign_created")
    item: types_pb2.Campaign = fact.campaign
    if item.state == types_pb2.CAMPAIGN_STATE_DRAFT:
        return None
    rules, shown = item.rules, item.presentation
    if not shown.texts:
        raise Unreadable("the campaign has no text in any language")
    opened = Opened(
        texts=tuple(Text(text.language, text.title) for text in shown.texts),
        seller=shown.seller,
        checkout_url=shown.checkout_url,
        time_zone=shown.time_zone,
        payment_mode=_word(PaymentMode, types_pb2.PaymentMode.Name(rules.payment_mode), "PAYMENT_MODE_"),
        counted_in=CountedIn.UNITS if rules.counted_in == types_pb2.COUNTED_IN_UNITS else CountedIn.MEMBERS,
        minimum=rules.minimum,
        currency=item.currency,
        ends_at=_time(item.ends_at),
        maximum=rules.maximum,
    )
    return Campaign(
        campaign_id=_ids("camp", envelope.campaign_id, 1)[0],
        platform_id=_ids("plat", envelope.platform_id, 1)[0],
        version=envelope.sequence,
        state=_word(CampaignState, types_pb2.CampaignState.Name(item.state), "CAMPAIGN_STATE_"),
        starts_at=_time(item.starts_at),
        opened=opened,
    )


def _seat(seat: types_pb2.Seat) -> Seat:
    return Seat(
        seat_id=_ids("seat", seat.seat_id, 2)[1],
        member_id=seat.member_id,
        sku=seat.sku,
        quantity=seat.quantity,
        role=_role(seat.role),
        cap=seat.cap.minor_units,
        state=_word(SeatState, types_pb2.SeatState.Name(seat.state), "SEAT_STATE_"),
        hold_until=_time(seat.hold_until),
        cap_tally_seq=seat.cap_tally_seq,
    )


def is_of_campaign(envelope: pricing_pb2.PriceEvent) -> bool:
    """Tell whether a price event concerns all teams of a campaign."""
    return envelope.WhichOneof("fact") in {"campaign_price_changed", "campaign_next_tier_came_near"}


def price_fact(envelope: pricing_pb2.PriceEvent) -> PriceFact:
    """Read a price event; Unreadable."""
    match envelope.WhichOneof("fact"):
        case "next_tier_came_near":
            return PriceFact(_moves(envelope.next_tier_came_near.moves), missing=1, near=True)
        case "campaign_next_tier_came_near":
            close = envelope.campaign_next_tier_came_near
            return PriceFact(_moves(close.moves), missing=1, near=True, ladder_version=close.ladder_version)
        case "campaign_price_changed":
            of_all = envelope.campaign_price_changed
            return PriceFact(
                _moves(of_all.moves), of_all.missing_to_next, near=False, ladder_version=of_all.ladder_version
            )
        case _:
            changed = envelope.price_changed
            return PriceFact(_moves(changed.moves), changed.missing_to_next, near=False)


def _moves(moves: Iterable[pricing_pb2.PriceMove]) -> tuple[Move, ...]:
    return tuple(
        Move(item.sku, _role(item.role), item.old_unit_price, item.new_unit_price, item.next_unit_price)
        for item in moves
    )


def settled(line: pricing_pb2.SettlementLine) -> tuple[Kind, UUID, Settled] | None:
    """Read a settlement line: the kind of its message, the seat and the facts; None where nobody is told. Unreadable.

    Of a cause that is told by its team's event, or that this release does not know, the money is told where any moves.
    """
    if line.cause == pricing_pb2.SETTLEMENT_CAUSE_UNSPECIFIED:
        raise Unreadable("a settlement line without a cause")
    seat_id = _ids("seat", line.seat_id, 2)[1]
    facts = Settled(
        quantity=line.quantity,
        unit_price=line.unit_price.minor_units,
        due=line.due.minor_units,
        captured=line.to_capture.minor_units,
        kept=line.to_keep.minor_units,
        voided=line.to_void.minor_units,
        refunded=line.to_refund.minor_units,
        pay_by=_time(line.pay_by) if line.HasField("pay_by") else None,
    )
    kind = _SETTLED.get(line.cause, Kind.PAYMENT_CHANGED)
    # Of a seat whose money did not come there is none to tell of: its line only takes back what was expected.
    silent = line.cause == pricing_pb2.SETTLEMENT_CAUSE_SEAT_DEFAULTED
    if not line.member_id or silent or (kind is Kind.PAYMENT_CHANGED and not facts.moves_money):
        return None
    return kind, seat_id, facts


def payment_due(event: pricing_pb2.SettlementEvent) -> tuple[UUID, UUID, UUID, ToPay]:
    """Read what a member is asked to pay in another way: campaign, line, seat and facts; Unreadable."""
    due = event.payment_due
    campaign_id, seat_id = _ids("seat", due.seat_id, 2)
    return campaign_id, UUID(due.line_id), seat_id, ToPay(due.amount.minor_units, _time(due.pay_by))


def refunded(event: pricing_pb2.SettlementEvent) -> tuple[UUID, Refunded] | None:
    """Read what has gone back to a member, and of which seat; None where a report tells something else. Unreadable."""
    report = event.settlement_reported
    if report.kind != pricing_pb2.REPORT_KIND_REFUNDED or report.amount.minor_units <= 0:
        return None
    return _ids("seat", report.seat_id, 2)[1], Refunded(report.amount.minor_units)


def paid_line(event: pricing_pb2.SettlementEvent) -> tuple[UUID, UUID] | None:
    """Read which line's money came, by campaign and line, from a report; None where it tells of something else."""
    report = event.settlement_reported
    if not report.line_id or report.kind not in {pricing_pb2.REPORT_KIND_CAPTURED, pricing_pb2.REPORT_KIND_PAID}:
        return None
    return _ids("camp", event.campaign_id, 1)[0], UUID(report.line_id)


def _role(role: ladder_pb2.Role.ValueType) -> Role:
    return _word(Role, ladder_pb2.Role.Name(role), "ROLE_")


def _word(words: type[Word], name: str, prefix: str) -> Word:
    try:
        return words(name.removeprefix(prefix))
    except ValueError:
        raise Unreadable(f"{name} is not expected here") from None


def _ids(prefix: str, text: str, count: int) -> tuple[UUID, ...]:
    found = ids.parse(prefix, text, count)
    if found is None:
        raise Unreadable(f"{text[:80]!r} is no id of the form {prefix}_...")
    return found


def _time(at: Timestamp) -> datetime:
    return at.ToDatetime(tzinfo=UTC)
