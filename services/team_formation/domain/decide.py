"""Every decision about a team: what a command leads to, given the team, its terms and the seats concerned."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from services.team_formation.domain.campaign import Campaign, LeaveUntil, Terms
from services.team_formation.domain.commands import Confirm, Invite, Join, NewInvite, Open
from services.team_formation.domain.prices import Role
from services.team_formation.domain.team import (
    Decision,
    Fact,
    FactKind,
    Outcome,
    Refusal,
    ReleaseReason,
    Seat,
    SeatState,
    Team,
    TeamState,
    Totals,
    hold_end,
)


class _Change:
    """A team while a command is played on it: each fact raises the version by one and keeps the team as it stood."""

    def __init__(self, team: Team, terms: Terms, now: datetime) -> None:
        self.team = team
        self.terms = terms
        self.now = now
        self.seats: dict[object, Seat] = {}
        self.facts: list[Fact] = []
        self.all_released = False

    def tell(self, fact: Fact) -> None:
        """Count a fact as the team's next version."""
        self.team = replace(self.team, version=self.team.version + 1)
        self.facts.append(replace(fact, team=self.team))

    def move(self, kind: FactKind, before: SeatState, after: Seat, **more: object) -> None:
        """Put a seat from one state into another and tell it."""
        totals = self.team.totals.plus(before, after.quantity, -1).plus(after.state, after.quantity)
        self.team = replace(self.team, totals=totals)
        self.seats[after.seat_id] = after
        self.tell(replace(Fact(kind, self.team, self.now, after), **more))  # type: ignore[arg-type]

    def become(self, kind: FactKind, state: TeamState) -> None:
        """Put the team into another state and tell it."""
        ended_at = None if state.is_open else self.now
        self.team = replace(self.team, state=state, ended_at=ended_at)
        self.tell(Fact(kind, self.team, self.now))

    def fail(self) -> None:
        """End the team below its minimum; its confirmed seats are released by this one fact."""
        before = self.team.totals
        self.team = replace(self.team, state=TeamState.FAILED, ended_at=self.now, totals=Totals())
        self.all_released = True
        self.tell(Fact(FactKind.TEAM_FAILED, self.team, self.now, totals_before=before))

    def done(self, outcome: Outcome | Refusal, seat: Seat | None = None) -> Decision:
        """Say what came of it."""
        return Decision(
            self.team, tuple(self.seats.values()), tuple(self.facts), outcome, seat, all_released=self.all_released
        )


def open_team(campaign: Campaign, command: Open, now: datetime) -> Decision | Refusal:
    """Open a team and hold its opener's seat as leader; both or, with a Refusal, neither."""
    if now < campaign.starts_at:
        return Refusal("CAMPAIGN_NOT_STARTED", {"starts_at": _time(campaign.starts_at)})
    if now >= campaign.ends_at:
        return Refusal("CAMPAIGN_ENDED", {"ends_at": _time(campaign.ends_at)})
    terms = campaign.terms
    ends_at = min(now + terms.rules.team_lifetime, campaign.ends_at)
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
    )
    change = _Change(team, terms, now)
    change.tell(Fact(FactKind.TEAM_OPENED, team, now))
    decision = _take_seat(change, command.join, Role.LEADER, None)
    return decision.outcome if isinstance(decision.outcome, Refusal) else decision


def join_team(team: Team, terms: Terms, live_seat: Seat | None, command: Join, now: datetime) -> Decision:
    """Take a seat; `live_seat` is the member's seat in this team, if it has one."""
    return _take_seat(_Change(team, terms, now), command, Role.MEMBER, live_seat)


def _take_seat(change: _Change, command: Join, role: Role, live_seat: Seat | None) -> Decision:
    team, terms, rules = change.team, change.terms, change.terms.rules
    refusal = _ended(team, change.now) or _occupied(live_seat) or _order_refusal(terms, command)
    item = terms.item(command.sku)
    if refusal or item is None:
        return change.done(refusal or Refusal("ITEM_UNKNOWN"))
    if not _fits(team, terms, command.quantity):
        unpaid = team.totals.taken(rules.counted_in) - team.totals.confirmed(rules.counted_in)
        return change.done(Refusal("TEAM_FULL", {"unpaid": str(unpaid), "maximum": str(rules.maximum)}))
    fill = team.totals.plus(SeatState.CONFIRMED, command.quantity).ladder_fill(terms.price_table.basis)
    cap = terms.price_table.row(item.sku, role).at(fill).unit_price
    if command.max_unit_price is not None and cap > command.max_unit_price:
        return change.done(_price_changed(terms, cap, command.max_unit_price))
    hold_until = hold_end(rules, team, change.now)
    seat = Seat(
        command.seat_id,
        team.campaign_id,
        team.team_id,
        team.platform_id,
        command.member_id,
        item.sku,
        command.quantity,
        role,
        SeatState.HELD,
        cap,
        fill,
        held_at=change.now,
        hold_until=hold_until,
        invite_id=command.invite_id,
        external_ref=command.external_ref,
        number=team.version + 1,
    )
    change.team = replace(team, due_at=min(team.due_at, hold_until))
    change.move(FactKind.SEAT_HELD, SeatState.RELEASED, seat)
    return change.done(Outcome.SEAT, seat)


def confirm_seat(
    team: Team,
    terms: Terms,
    seat: Seat,
    live_seat: Seat | None,
    known_payments: Sequence[str],
    command: Confirm,
    now: datetime,
) -> Decision:
    """Confirm a seat.

    `live_seat` is the member's live seat in the team, which may be another one; `known_payments` are the references of
    payments reported late for this seat before.
    """
    change = _Change(team, terms, now)
    if command.currency != terms.price_table.currency or command.amount != seat.cap * seat.quantity:
        return change.done(_amount_refusal(terms, seat, command))
    if _brings_money(terms, command) and not command.payment_reference:
        return change.done(Refusal("PAYMENT_REFERENCE_MISSING", {"payment_mode": terms.rules.payment_mode}))
    if command.payment_reference and command.payment_reference in known_payments:
        return change.done(Outcome.REFUND_REQUIRED, seat)
    if seat.state is SeatState.CONFIRMED:
        return _confirm_again(change, seat, command)
    revivable = seat.release_reason is ReleaseReason.EXPIRED and live_seat is None and _fits(team, terms, seat.quantity)
    if _ended(team, now) is None and (seat.state is SeatState.HELD or revivable):
        return _confirm(change, seat, command)
    return _too_late(change, seat, command)


def _confirm_again(change: _Change, seat: Seat, command: Confirm) -> Decision:
    if not _brings_money(change.terms, command) or command.payment_reference == seat.payment_reference:
        return change.done(Outcome.CONFIRMED, seat)
    return _report_late(change, seat, command)


def _confirm(change: _Change, seat: Seat, command: Confirm) -> Decision:
    rules = change.terms.rules
    after = replace(
        seat,
        state=SeatState.CONFIRMED,
        confirmed_at=change.now,
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
    fill = change.team.totals.confirmed(rules.counted_in)
    if change.team.state is TeamState.FORMING and fill >= rules.minimum:
        change.become(FactKind.TEAM_TIPPED, TeamState.TIPPED)
    if fill >= rules.maximum and rules.close_when_full:
        change.become(FactKind.TEAM_FORMED, TeamState.FORMED)
    return change.done(Outcome.CONFIRMED, after)


def _too_late(change: _Change, seat: Seat, command: Confirm) -> Decision:
    if _brings_money(change.terms, command) and not (
        seat.payment_reference and seat.payment_reference == command.payment_reference
    ):
        return _report_late(change, seat, command)
    if refusal := _ended(change.team, change.now):
        return change.done(refusal)
    if seat.release_reason is ReleaseReason.EXPIRED:
        return change.done(Refusal("HOLD_EXPIRED", {"hold_until": _time(seat.hold_until)}))
    return change.done(_released(seat))


def _report_late(change: _Change, seat: Seat, command: Confirm) -> Decision:
    fact = Fact(
        FactKind.LATE_PAYMENT_REPORTED,
        change.team,
        change.now,
        seat,
        amount=command.amount,
        payment_reference=command.payment_reference,
    )
    change.tell(fact)
    return change.done(Outcome.REFUND_REQUIRED, seat)


def leave_team(team: Team, terms: Terms, seat: Seat, now: datetime) -> Decision:
    """Give a seat back: a held one as long as the team is open, a confirmed one by the rule of the campaign."""
    change = _Change(team, terms, now)
    if refusal := _ended(team, now):
        return change.done(refusal)
    if seat.state is SeatState.RELEASED:
        return change.done(_released(seat))
    if seat.state is SeatState.CONFIRMED and not _may_leave(team, terms.rules.leave_until):
        return change.done(Refusal("LEAVE_CLOSED", {"leave_until": terms.rules.leave_until}))
    _release(change, seat, ReleaseReason.LEFT)
    if team.state is TeamState.TIPPED and change.team.totals.confirmed(terms.rules.counted_in) < terms.rules.minimum:
        change.become(FactKind.TEAM_UNTIPPED, TeamState.FORMING)
    return change.done(Outcome.LEFT, change.seats[seat.seat_id])


def bring_up_to_date(
    team: Team, terms: Terms, held: Sequence[Seat], now: datetime, *, all_held: bool = True
) -> Decision:
    """Release holds whose time has passed, then end a team that is past its end.

    `held` are the team's held seats by hold_until, at least those that are due; `all_held` tells whether it is all of
    them: if not, the team stays due and is looked at again.
    """
    change = _Change(team, terms, now)
    if not team.state.is_open or now < team.due_at:
        return change.done(Outcome.NOTHING)
    due = [seat for seat in held if seat.hold_until <= now]
    for seat in due:
        _release(change, seat, ReleaseReason.EXPIRED)
    waiting = [seat.hold_until for seat in held if seat.hold_until > now]
    change.team = replace(change.team, due_at=min([team.ends_at, *waiting]) if all_held else now)
    if now >= team.ends_at and change.team.totals.held_members == 0:
        if change.team.totals.confirmed(terms.rules.counted_in) >= terms.rules.minimum:
            change.become(FactKind.TEAM_FORMED, TeamState.FORMED)
        else:
            change.fail()
    return change.done(Outcome.NOTHING)


def create_invite(team: Team, live_seat: Seat | None, command: NewInvite, now: datetime) -> Invite | Refusal:
    """Make an invite to an open team; a member needs a seat in it, a promoter does not."""
    if refusal := _ended(team, now):
        return refusal
    if command.member_id and live_seat is None:
        return Refusal("NOT_IN_TEAM")
    return Invite(
        command.invite_id,
        team.campaign_id,
        team.team_id,
        team.platform_id,
        command.member_id,
        command.promoter_id,
        command.channel,
        command.label,
        command.note,
        created_at=now,
        expires_at=command.expires_at,
    )


def revoke_invite(invite: Invite, now: datetime) -> Invite:
    """Take an invite back; once is enough."""
    return invite if invite.revoked_at else replace(invite, revoked_at=now)


def invite_refusal(invite: Invite, now: datetime) -> Refusal | None:
    """Tell why nobody can join by an invite, if so."""
    if invite.revoked_at:
        return Refusal("INVITE_REVOKED")
    if invite.expires_at and invite.expires_at <= now:
        return Refusal("INVITE_EXPIRED", {"expires_at": _time(invite.expires_at)})
    return None


def _release(change: _Change, seat: Seat, reason: ReleaseReason) -> None:
    after = replace(seat, state=SeatState.RELEASED, released_at=change.now, release_reason=reason)
    change.move(FactKind.SEAT_RELEASED, seat.state, after, previous_state=seat.state)


def _may_leave(team: Team, until: LeaveUntil) -> bool:
    return until is LeaveUntil.ENDED or (until is LeaveUntil.TIPPED and team.state is TeamState.FORMING)


def _fits(team: Team, terms: Terms, quantity: int) -> bool:
    counted_in, maximum = terms.rules.counted_in, terms.rules.maximum
    return team.totals.plus(SeatState.HELD, quantity).taken(counted_in) <= maximum


def _ended(team: Team, now: datetime) -> Refusal | None:
    """Refuse from the end on, also while holds of a big team are still being released: nothing is taken after it."""
    if team.state.is_open and now < team.ends_at:
        return None
    return Refusal("TEAM_ENDED", {"state": "ENDING" if team.state.is_open else team.state})


def _brings_money(terms: Terms, command: Confirm) -> bool:
    return terms.rules.payment_mode.moves_money and command.amount > 0


def _occupied(live_seat: Seat | None) -> Refusal | None:
    return Refusal("ALREADY_IN_TEAM", {"seat_id": str(live_seat.seat_id)}) if live_seat else None


def _released(seat: Seat) -> Refusal:
    return Refusal("SEAT_RELEASED", {"release_reason": seat.release_reason or ""})


def _order_refusal(terms: Terms, command: Join) -> Refusal | None:
    if terms.item(command.sku) is None:
        return Refusal("ITEM_UNKNOWN", {"sku": command.sku, "skus": ", ".join(item.sku for item in terms.items)})
    most = terms.rules.max_units_per_seat
    if not 1 <= command.quantity <= most:
        return Refusal("QUANTITY_OUT_OF_RANGE", {"maximum": str(most), "quantity": str(command.quantity)})
    if command.currency and command.currency != terms.price_table.currency:
        return Refusal("CURRENCY_MISMATCH", {"currency": terms.price_table.currency, "given": command.currency})
    return None


def _price_changed(terms: Terms, cap: int, most: int) -> Refusal:
    currency = terms.price_table.currency
    return Refusal("PRICE_CHANGED", {"unit_price": str(cap), "max_unit_price": str(most), "currency": currency})


def _amount_refusal(terms: Terms, seat: Seat, command: Confirm) -> Refusal:
    currency = terms.price_table.currency
    if command.currency != currency:
        return Refusal("CURRENCY_MISMATCH", {"currency": currency, "given": command.currency})
    expected = str(seat.cap * seat.quantity)
    return Refusal("AMOUNT_MISMATCH", {"expected": expected, "currency": currency, "given": str(command.amount)})


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
