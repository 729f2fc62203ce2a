"""Taking seats: opening a team, joining one, waiting for room, places that the platform sponsors."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.team_formation.domain.abuse import Signal
from services.team_formation.domain.campaign import Campaign, CampaignState, OnFull, Phase, Terms
from services.team_formation.domain.change import Change, ended, written
from services.team_formation.domain.commands import Asserted, Join, Open, Sponsor
from services.team_formation.domain.confirming import fill_up
from services.team_formation.domain.prices import Basis, Quote, Role
from services.team_formation.domain.suspecting import judge
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
    Totals,
    Usage,
    hold_end,
)


def open_team(around: Around, command: Open, usage: Usage, *, overflow_of: UUID | None = None) -> Decision | Refusal:
    """Open a team and hold its opener's seat as leader; both or, with a Refusal, neither.

    `overflow_of` is the full team whose late comers it takes; its opener came to join that one, and is checked so.
    """
    campaign, now = around.campaign, around.now
    terms, comes_late = campaign.terms, overflow_of is not None
    if refusal := campaign_refusal(campaign, around) or _may_not_open(
        terms, command.join, usage, comes_late=comes_late
    ):
        return refusal
    deadline = command.ends_at or now + terms.rules.team_lifetime
    ends_at = min(deadline, campaign.ends_at)
    team = Team(
        campaign.campaign_id,
        command.team_id,
        campaign.platform_id,
        terms.version,
        TeamState.FORMING,
        version=0,
        totals=Totals(),
        opened_at=now,
        ends_at=ends_at,
        due_at=ends_at,
        opener_member_id=command.join.member_id,
        external_ref=command.external_ref,
        deadline=deadline,
        leader_seat_id=command.join.seat_id,
        overflow_of=overflow_of,
        match_key=command.join.asserted.match_key if terms.rules.who_may_join.match_key_needed else "",
        tally=around.tally,
    )
    change = Change(team, replace(around, terms=terms))
    change.tell(FactKind.TEAM_OPENED)
    decision = _take(change, command.join, Role.LEADER, usage)
    return decision.outcome if isinstance(decision.outcome, Refusal) else decision


def join_team(team: Team, around: Around, live_seat: Seat | None, usage: Usage, command: Join) -> Decision:
    """Take a seat, or wait for one; `live_seat` is the member's seat in this team, if it has one."""
    change = Change(team, around)
    refusal = ended(team, around.now) or _occupied(live_seat) or campaign_refusal(around.campaign, around)
    if refusal or (refusal := _not_eligible(team, around.terms, command.asserted)):
        return change.done(refusal)
    return _take(change, command, Role.MEMBER, usage)


def campaign_refusal(campaign: Campaign, around: Around) -> Refusal | None:
    """Tell why nobody opens or joins a campaign's teams now, if so."""
    match campaign.state(around.now):
        case CampaignState.RUNNING:
            return None
        case CampaignState.SCHEDULED:
            return Refusal("CAMPAIGN_NOT_STARTED", {"starts_at": written(campaign.starts_at)})
        case CampaignState.ENDED:
            return Refusal("CAMPAIGN_ENDED", {"ends_at": written(campaign.ends_at)})
        case CampaignState.PAUSED if campaign.suspension_reason:
            return Refusal("MERCHANT_SUSPENDED", {"suspension_reason": campaign.suspension_reason})
        case state:
            return Refusal(_CLOSED[state])


_CLOSED = {
    CampaignState.DRAFT: "CAMPAIGN_DRAFT",
    CampaignState.PAUSED: "CAMPAIGN_PAUSED",
    CampaignState.CANCELLED: "CAMPAIGN_CANCELLED",
}


def is_full(decision: Decision) -> bool:
    """Tell whether a join was refused for want of room."""
    return isinstance(decision.outcome, Refusal) and decision.outcome.reason == "TEAM_FULL"


def overflow_into(team: Team, other: Team) -> Team:
    """Send the late comers of a full team to another one from now on; no event tells of it but the other's first."""
    return replace(team, overflow_team_id=other.team_id)


class _Cap(NamedTuple):
    """The most a unit can be charged, and where it was read: at a fill, and where the campaign fills it at a tally."""

    unit_price: int
    fill: int
    tally_seq: int
    from_quote: bool = False


_NO_CAP = _Cap(0, 0, 0)


def _take(change: Change, command: Join, role: Role, usage: Usage) -> Decision:
    terms = change.around.terms
    item = terms.item(command.sku)
    refusal = _quote_refusal(change, command.quote)
    if refusal or item is None:
        return change.done(refusal or _item_unknown(terms, command.sku))
    suspected, flags = judge(change.around.campaign.abuse_rules, command.seen)
    if refusal := _order_refusal(terms, command) or _beyond_limits(terms, command, usage) or suspected:
        return change.done(refusal)
    if not change.fits(command.quantity):
        return _wait(change, command, flags) if change.rules.on_full is OnFull.WAITLIST else change.done(_full(change))
    if not change.has_left(item.sku, command.quantity):
        return change.done(Refusal("OUT_OF_STOCK", {"sku": item.sku, "left": str(change.left[item.sku])}))
    cap = _cap(change, item.sku, role, command.quantity, _good(command.quote))
    if command.max_unit_price is not None and cap.unit_price > command.max_unit_price:
        return change.done(_price_changed(terms, cap.unit_price, command.max_unit_price))
    seat = _seat(change, command, role, SeatState.HELD, cap, flags)
    change.move(FactKind.SEAT_HELD, None, seat)
    return change.done(Outcome.SEAT, seat)


def _wait(change: Change, command: Join, flags: tuple[Signal, ...]) -> Decision:
    most = change.rules.max_waiting
    if change.team.totals.waiting_members >= most:
        return change.done(Refusal("WAITLIST_FULL", {"maximum": str(most)}))
    seat = _seat(change, command, Role.MEMBER, SeatState.WAITING, _NO_CAP, flags)
    change.move(FactKind.SEAT_WAITLISTED, None, seat)
    return change.done(Outcome.WAITLISTED, seat)


def _seat(
    change: Change, command: Join, role: Role, state: SeatState, cap: _Cap, flags: tuple[Signal, ...] = ()
) -> Seat:
    team, now = change.team, change.now
    item = change.around.terms.item(command.sku)
    return Seat(
        command.seat_id,
        team.campaign_id,
        team.team_id,
        team.platform_id,
        command.member_id,
        item.sku if item else command.sku,
        command.quantity,
        role,
        state,
        cap.unit_price,
        cap.fill,
        held_at=now,
        hold_until=min(command.hold_until or hold_end(change.rules, team, now), team.ends_at),
        invite_id=command.invite_id,
        external_ref=command.external_ref,
        number=team.version + 1,
        max_unit_price=command.max_unit_price if state is SeatState.WAITING else None,
        updated_at=now,
        cap_tally_seq=cap.tally_seq,
        quote=_good(command.quote),
        cap_from_quote=cap.from_quote,
        promoter_id=command.promoter_id,
        commission_basis_points=command.commission_basis_points,
        flags=flags,
    )


def promote(change: Change, waiting: Iterable[Seat], beyond: Iterable[Seat] = ()) -> bool:
    """Give room that is free to those who wait: the longest waiting whose quantity fits, each with a hold of its own.

    `beyond` are some who wait after them: one of these is seated where nobody before fits. Tells whether somebody was
    seated and there is still room.
    """
    if not change.team.totals.waiting_members or ended(change.team, change.now):
        return False
    if campaign_refusal(change.around.campaign, change.around):
        return False
    seated = False
    for waits in waiting:
        if not change.fits(1):
            return False
        seated = _seat_if_it_fits(change, waits) or seated
    seated = seated or any(_seat_if_it_fits(change, waits) for waits in beyond)
    return seated and change.fits(1)


def _seat_if_it_fits(change: Change, waits: Seat) -> bool:
    seat = change.seats.get(waits.seat_id, waits)  # it may be the one that was given back just now, or a part of it
    if seat.state is not SeatState.WAITING or not change.fits(seat.quantity):
        return False
    if not change.has_left(seat.sku, seat.quantity):
        return False
    _seat_waiting(change, seat)
    return True


def _seat_waiting(change: Change, seat: Seat) -> None:
    cap = _cap(change, seat.sku, seat.role, seat.quantity, seat.quote)
    if seat.max_unit_price is not None and cap.unit_price > seat.max_unit_price:
        change.release(seat, ReleaseReason.PRICE_CHANGED)
        return
    hold_until = hold_end(change.rules, change.team, change.now)
    after = replace(
        seat,
        state=SeatState.HELD,
        cap=cap.unit_price,
        cap_fill=cap.fill,
        cap_tally_seq=cap.tally_seq,
        cap_from_quote=cap.from_quote,
        held_at=change.now,
        hold_until=hold_until,
        updated_at=change.now,
    )
    change.move(FactKind.SEAT_HELD, SeatState.WAITING, after, from_waitlist=True)


def fill_place(change: Change, waiting: Iterable[Seat], beyond: Iterable[Seat] = ()) -> None:
    """Give free places of a formed team to those who still wait: the longest waiting who fit, confirmed at once.

    In mode COMMIT nothing is paid before; whoever does not pay in time gives the place to the next. A pause or the end
    of the campaign changes nothing: its team has formed, and they were told that they wait.
    """
    terms, price_fill = change.stays, change.team.formed_fill
    if terms is None or price_fill is None or change.around.campaign.phase is Phase.CANCELLED:
        return
    for seat in (*waiting, *beyond):
        if not change.fits(1):
            return
        if seat.state is SeatState.WAITING and change.fits(seat.quantity) and change.has_left(seat.sku, seat.quantity):
            _fill_with(change, seat, price_fill, terms.waits_until(change.now))


def _fill_with(change: Change, seat: Seat, fill: int, window: datetime) -> None:
    cap, _, _, from_quote = _cap_at(change, seat.sku, seat.role, seat.quote, fill)
    if seat.max_unit_price is not None and cap > seat.max_unit_price:
        change.release(seat, ReleaseReason.PRICE_CHANGED)
        return
    now = change.now
    after = replace(seat, state=SeatState.CONFIRMED, cap=cap, cap_fill=fill, held_at=now, hold_until=now)
    after = replace(after, confirmed_at=now, updated_at=now, cap_from_quote=from_quote)
    change.move(FactKind.SEAT_CONFIRMED, SeatState.WAITING, after, amount=cap * seat.quantity, from_waitlist=True)
    change.note(due_at=max(change.team.due_at, window))


def sponsor_team(team: Team, around: Around, command: Sponsor) -> Decision:
    """Fill places to complete a team; the seats are confirmed at once, nobody's, and owe nothing."""
    change = Change(team, around)
    places, totals, rules = len(command.seat_ids), team.totals, around.terms.rules
    if refusal := ended(team, around.now):
        return change.done(refusal)
    item = around.terms.item(command.sku)
    if item is None:
        return change.done(_item_unknown(around.terms, command.sku))
    if totals.sponsored_members + places > rules.max_sponsored:
        limit = {"maximum": str(rules.max_sponsored), "sponsored": str(totals.sponsored_members)}
        return change.done(Refusal("SPONSOR_LIMIT", limit))
    if totals.taken(rules.counted_in) + places > rules.maximum:
        return change.done(_full(change))
    if not change.has_left(item.sku, places):
        return change.done(Refusal("OUT_OF_STOCK", {"sku": item.sku, "left": str(change.left[item.sku])}))
    for seat_id in command.seat_ids:
        _sponsor(change, seat_id, item.sku)
    fill_up(change)
    return change.done(Outcome.SPONSORED)


def _sponsor(change: Change, seat_id: UUID, sku: str) -> None:
    cap = _cap(change, sku, Role.MEMBER, 1)
    join = Join(seat_id, "", sku, 1)
    seat = replace(
        _seat(change, join, Role.MEMBER, SeatState.CONFIRMED, cap),
        confirmed_at=change.now,
        hold_until=change.now,
        sponsored=True,
    )
    totals = change.team.totals
    counted = replace(
        totals, sponsored_members=totals.sponsored_members + 1, sponsored_units=totals.sponsored_units + 1
    )
    change.team = replace(change.team, totals=counted)
    change.move(FactKind.SEAT_SPONSORED, None, seat)


def _good(quote: Quote | Refusal | None) -> Quote | None:
    return quote if isinstance(quote, Quote) else None


def _quote_refusal(change: Change, quote: Quote | Refusal | None) -> Refusal | None:
    """Tell why a quote cannot be used, if so; it is good for the ladder it was made from, and once."""
    if not isinstance(quote, Quote):
        return quote
    version = change.around.terms.price_table.ladder_version
    if quote.ladder_version != version:
        told = {"field": "ladder_version", "quoted": str(quote.ladder_version), "given": str(version)}
        return Refusal("QUOTE_MISMATCH", told)
    return Refusal("QUOTE_USED") if quote.quote_id in change.around.used_quotes else None


def _cap(change: Change, sku: str, role: Role, quantity: int, quote: Quote | None = None) -> _Cap:
    """Tell the most a unit can be charged: the price at the confirmed fill with this seat added, or a quote's cap."""
    table, team = change.around.terms.price_table, change.team
    fill = team.price_fill(table.basis) + (1 if table.basis is Basis.TEAM_MEMBERS else quantity)
    seq = team.tally.seq if table.basis is Basis.CAMPAIGN_UNITS else 0
    return _cap_at(change, sku, role, quote, fill, seq)


def _cap_at(change: Change, sku: str, role: Role, quote: Quote | None, fill: int, seq: int = 0) -> _Cap:
    price = change.around.terms.price_table.row(sku, role).at(fill).unit_price
    if quote is None:
        return _Cap(price, fill, seq)
    own = quote.own_price(fill)
    price = price if own is None else own
    return _Cap(min(price, quote.cap), fill, seq, from_quote=quote.cap < price)


def _occupied(live_seat: Seat | None) -> Refusal | None:
    return Refusal("ALREADY_IN_TEAM", {"seat_id": str(live_seat.seat_id)}) if live_seat else None


def _order_refusal(terms: Terms, command: Join) -> Refusal | None:
    most = terms.rules.max_units_per_seat
    if not 1 <= command.quantity <= most:
        return Refusal("QUANTITY_OUT_OF_RANGE", {"maximum": str(most), "quantity": str(command.quantity)})
    if command.currency and command.currency != terms.price_table.currency:
        return Refusal("CURRENCY_MISMATCH", {"currency": terms.price_table.currency, "given": command.currency})
    return None


def _item_unknown(terms: Terms, sku: str) -> Refusal:
    return Refusal("ITEM_UNKNOWN", {"sku": sku, "skus": ", ".join(item.sku for item in terms.items)})


def _beyond_limits(terms: Terms, command: Join, usage: Usage) -> Refusal | None:
    rules = terms.rules
    if rules.max_units_per_member and usage.units + command.quantity > rules.max_units_per_member:
        return _limit("max_units_per_member", rules.max_units_per_member, usage.units)
    if rules.max_teams_per_member and usage.teams >= rules.max_teams_per_member:
        return _limit("max_teams_per_member", rules.max_teams_per_member, usage.teams)
    return None


def _may_not_open(terms: Terms, command: Join, usage: Usage, *, comes_late: bool) -> Refusal | None:
    rules, who, asserted = terms.rules, terms.rules.who_may_join, command.asserted
    if rules.max_teams_opened_per_member and usage.opened >= rules.max_teams_opened_per_member:
        return _limit("max_teams_opened_per_member", rules.max_teams_opened_per_member, usage.opened)
    is_new_wanted = who.newcomers_only or comes_late
    if (who.newcomers_only or who.old_brings_new) and asserted.newcomer is not is_new_wanted:
        return _ineligible("newcomers_only" if who.newcomers_only else "old_brings_new")
    if who.tags and not asserted.tags.intersection(who.tags):
        return _ineligible("tags")
    return _ineligible("match_key") if who.match_key_needed and not asserted.match_key else None


def _not_eligible(team: Team, terms: Terms, asserted: Asserted) -> Refusal | None:
    who = terms.rules.who_may_join
    if (who.newcomers_only or who.old_brings_new) and not asserted.newcomer:
        return _ineligible("newcomers_only" if who.newcomers_only else "old_brings_new")
    if who.tags and not asserted.tags.intersection(who.tags):
        return _ineligible("tags")
    return _ineligible("match_key") if who.match_key_needed and asserted.match_key != team.match_key else None


def _limit(name: str, most: int, has: int) -> Refusal:
    return Refusal("MEMBER_LIMIT", {"limit": name, "maximum": str(most), "has": str(has)})


def _ineligible(rule: str) -> Refusal:
    return Refusal("NOT_ELIGIBLE", {"rule": rule})


def _full(change: Change) -> Refusal:
    team, rules = change.team, change.rules
    unpaid = team.totals.taken(rules.counted_in) - team.totals.confirmed(rules.counted_in)
    frees = (
        written(team.due_at) if unpaid else ""
    )  # loading looks again where joins may be refused: it may be that of a hold confirmed since
    return Refusal("TEAM_FULL", {"unpaid": str(unpaid), "maximum": str(rules.maximum), "next_free_at": frees})


def _price_changed(terms: Terms, cap: int, most: int) -> Refusal:
    currency = terms.price_table.currency
    return Refusal("PRICE_CHANGED", {"unit_price": str(cap), "max_unit_price": str(most), "currency": currency})
