"""A member's own page in words: where the seat stands, what it costs now, at most and in the end, what can be done."""

from dataclasses import dataclass

from services.chassis import formats
from services.team_formation.domain import (
    CountedIn,
    ReleaseReason,
    Seat,
    SeatState,
    TeamState,
)
from services.team_formation.web.offer import offer_of
from services.team_formation.web.shown import Shown
from services.team_formation.web.wording import ended_title, ending, seats_text, text_of
from services.team_formation.web.words import Words


@dataclass(frozen=True, slots=True)
class MemberView:
    """What the page says."""

    path: str
    title: str
    title_language: str
    seller: str
    shop: str
    """The seller's name alone."""
    state: str
    item: str
    price: str
    """What it costs now, or in the end; empty where nothing is owed."""
    due: str
    """What was paid or is due, and what becomes of a difference."""
    team: str
    """How the team stands."""
    ends: str
    why: tuple[str, ...]
    checkout: str
    """Where to go on: the shop's checkout, while the seat is to be confirmed."""
    may_leave: bool
    leaving: tuple[str, ...]
    """What giving the seat back means."""
    link: str
    """The member's own invite; empty where there is none yet."""
    may_invite: bool


@dataclass(frozen=True, slots=True)
class Member:
    """What the page is made from."""

    seat: Seat
    shown: Shown
    path: str
    link: str
    """The member's own invite; empty where there is none yet."""


def unit_price(seat: Seat, shown: Shown) -> int:
    """Tell what a unit of a seat costs at the confirmed fill, or the fill that its team formed with: at most its cap.

    A seat that was taken with a coupon has a price of its own at every fill.
    """
    table = shown.terms.price_table
    fill = shown.team.price_fill(table.basis)
    own = seat.quote.own_price(fill) if seat.quote else None
    price = table.row(seat.sku, seat.role).at(fill).unit_price if own is None else own
    return min(price, seat.cap)


def member_view(member: Member, words: Words, title_language: str, *, may_leave: bool) -> MemberView:
    """Say what the page says; `may_leave` is whether the seat can be given back at this time."""
    return _Writer(member, words, title_language).write(may_leave=may_leave)


class _Writer:
    """Writes one page."""

    def __init__(self, member: Member, words: Words, title_language: str) -> None:
        self.member = member
        self.seat, self.shown, self.words = member.seat, member.shown, words
        self.campaign, self.team, self.terms = member.shown.campaign, member.shown.team, member.shown.terms
        self.mode = self.terms.rules.payment_mode
        self.text = text_of(self.campaign, title_language)
        self.offer = offer_of(self.team, self.terms, self.campaign)

    def write(self, *, may_leave: bool) -> MemberView:
        words, seat = self.words, self.seat
        holds = seat.state is SeatState.HELD and self.team.state.is_open
        return MemberView(
            path=self.member.path,
            title=self.text.title,
            title_language=self.text.language,
            seller=words.say("sold_by", seller=formats.isolated(self.campaign.presentation.seller, words.locale)),
            shop=self.campaign.presentation.seller,
            state=self._state(),
            item=words.count("my_quantity", seat.quantity, sku=formats.isolated(seat.sku, words.locale)),
            price=self._price(),
            due=self._due(),
            team=self._team(),
            ends=self._ends(),
            why=self._why(),
            checkout=self.campaign.presentation.checkout_url if holds else "",
            may_leave=may_leave,
            leaving=self._leaving() if may_leave else (),
            link=self.member.link,
            may_invite=self.team.state.is_open and seat.state.is_live and not self.member.link,
        )

    @property
    def is_mine(self) -> bool:
        return self.seat.state in {SeatState.HELD, SeatState.CONFIRMED}

    def _money(self, amount: int) -> str:
        return formats.money(amount, self.campaign.currency, self.words.locale)

    def _state(self) -> str:
        seat, words = self.seat, self.words
        if seat.state is SeatState.HELD:
            return words.say("my_HELD", by=ending(seat.hold_until, self.campaign, words))
        if seat.state is not SeatState.RELEASED:
            return words.say(f"my_{seat.state}")
        left = {ReleaseReason.LEFT: "my_LEFT", ReleaseReason.WITHDRAWN: "my_LEFT", ReleaseReason.EXPIRED: "my_EXPIRED"}
        return words.say(left.get(seat.release_reason or ReleaseReason.TEAM_ENDED, "my_GONE"))

    def _price(self) -> str:
        if not self.is_mine or self.team.state in {TeamState.FAILED, TeamState.CANCELLED}:
            return ""
        price = self._money(unit_price(self.seat, self.shown) * self.seat.quantity)
        if self.team.state is TeamState.FORMED:
            return self.words.say("my_final", price=price)
        return self.words.say("my_now", price=price, cap=self._money(self.seat.cap * self.seat.quantity))

    def _due(self) -> str:
        if self.seat.state is not SeatState.CONFIRMED:
            return ""
        return self.words.say(f"my_due_{self.mode}", paid=self._money(self.seat.cap * self.seat.quantity))

    def _team(self) -> str:
        if not self.team.state.is_open:
            return ended_title(self.team.state, self.words)
        seats = seats_text(self.offer, self.words)
        if not self.offer.needed:
            return f"{seats}. {self.words.say('certain')}"
        key = "my_missing_members" if self.offer.counted_in is CountedIn.MEMBERS else "needed_units"
        needed = self.words.count(key, self.offer.needed, **{"else": self.words.say(f"else_{self.mode}")})
        return f"{seats}. {needed}"

    def _ends(self) -> str:
        by = ending(self.team.ends_at, self.campaign, self.words)
        return self.words.say("ends", by=by) if self.team.state.is_open else ""

    def _why(self) -> tuple[str, ...]:
        """Say from which stored facts the price follows."""
        if not self._price():
            return ()
        words, seat = self.words, self.seat
        fill = formats.number(self.offer.fill, words.locale)
        step = self.terms.price_table.row(seat.sku, seat.role).at(self.offer.fill)
        lines = [
            words.say("my_why_fill", fill=fill, price=self._money(step.unit_price)),
            words.say("my_why_cap", cap=self._money(seat.cap), fill=formats.number(seat.cap_fill, words.locale)),
        ]
        if seat.quote and seat.quote.steps:
            own = seat.quote.own_price(self.offer.fill)
            lines.append(words.say("my_why_own", price=self._money(own if own is not None else seat.cap)))
        return tuple(lines)

    def _leaving(self) -> tuple[str, ...]:
        """Say what giving the seat back means: for the member's money, for the others, for the team."""
        words, seat = self.words, self.seat
        if seat.state is not SeatState.CONFIRMED:
            return (words.say("my_leave_money_HELD"),)
        lines = [words.say(f"my_leave_money_{self.mode}")]
        if self.team.state.is_open:
            lines.append(words.say("my_leave_others"))
            if not self.offer.needed and self.offer.confirmed - seat.quantity < self.offer.minimum:
                lines.append(words.say("my_leave_untip"))
            if seat.seat_id == self.team.leader_seat_id:
                lines.append(words.say("my_leave_lead"))
        return tuple(lines)
