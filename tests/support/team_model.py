"""A team as a list of chairs: the rules once more, as plainly as they can be said, with everything counted anew."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.team_formation.domain import Basis, CountedIn, LeaveUntil, OnFull, PaymentMode, Rules

LADDER = {0: 3990, 2: 3490, 3: 2990, 5: 2490}
LATE_NEWS = timedelta(hours=1)
LIVE = ("waiting", "held", "confirmed")


def price_at(fill: int) -> int:
    """Tell the unit price at a fill."""
    return next(price for at, price in sorted(LADDER.items(), reverse=True) if at <= fill)


@dataclass
class Chair:
    """What the model knows of one seat."""

    member: str
    quantity: int
    order: int
    state: str
    most: int | None = None
    until: datetime | None = None
    cap: int = 0
    sponsored: bool = False
    extended: bool = False
    confirmed_at: datetime | None = None
    payment: str = ""
    late: set[str] = field(default_factory=set)


@dataclass
class TeamModel:
    """One team of a campaign; each method says what a command must come to and does it."""

    rules: Rules
    basis: Basis
    now: datetime
    deadline: datetime
    campaign_ends: datetime
    stock: int | None
    chairs: list[Chair] = field(default_factory=list)
    leader: Chair | None = None
    end: str = ""
    """formed, failed or cancelled."""
    ended_at: datetime | None = None
    paused: bool = False
    cancelled: bool = False
    formed_too: bool = False
    elsewhere: dict[str, int] = field(default_factory=dict)
    """Units that members have in other teams of the campaign; they take stock too."""
    fills: timedelta | None = None
    """The pay window, where a place of the formed team that is not paid goes to who waits."""
    waits_until: datetime | None = None
    formed_fill: int = 0
    counted: int = 0
    """Units of all the campaign's teams, as pricing counted them last."""

    # What is counted.

    def fill(self, *states: str) -> int:
        """Count chairs in these states, as minimum and maximum are counted."""
        units = self.rules.counted_in is CountedIn.UNITS
        return sum(chair.quantity if units else 1 for chair in self.chairs if chair.state in states)

    def has_room(self, quantity: int) -> bool:
        """Tell whether so many units fit."""
        one = quantity if self.rules.counted_in is CountedIn.UNITS else 1
        return self.fill("held", "confirmed") + one <= self.rules.maximum

    def left(self) -> int:
        """Count the units that nobody has taken."""
        if self.stock is None:
            return 10**9
        here = sum(chair.quantity for chair in self.chairs if chair.state in {"held", "confirmed"})
        return self.stock - here - sum(self.elsewhere.values())

    def price(self, quantity: int) -> int:
        """Tell the unit price once one more seat were confirmed."""
        units = self.basis is not Basis.TEAM_MEMBERS
        fill = self.counted if self.basis is Basis.CAMPAIGN_UNITS else self._sitting()
        return price_at(fill + (quantity if units else 1))

    def _sitting(self) -> int:
        units = self.basis is not Basis.TEAM_MEMBERS
        return sum(chair.quantity if units else 1 for chair in self.chairs if chair.state == "confirmed")

    @property
    def ends(self) -> datetime:
        """When it ends, at the latest."""
        return min(self.deadline, self.campaign_ends)

    @property
    def over(self) -> bool:
        """Whether nothing can be taken any more."""
        return bool(self.end) or self.now >= self.ends

    def beyond_limits(self, member: str, quantity: int) -> bool:
        """Tell whether a member may have no more."""
        has, rules = self.elsewhere.get(member, 0), self.rules
        too_many_units = bool(rules.max_units_per_member) and has + quantity > rules.max_units_per_member
        return too_many_units or (bool(rules.max_teams_per_member) and (has > 0) >= rules.max_teams_per_member)

    def live(self, member: str) -> list[Chair]:
        """Find a member's live chairs."""
        return [chair for chair in self.chairs if chair.member == member and chair.state in LIVE]

    # What time does.

    def look(self) -> None:
        """Bring it up to date."""
        if self.cancelled and (not self.end or (self.end == "formed" and self.formed_too)):
            self._cancel()
        if self.end:
            self._stop_waiting()
            return
        for chair in self.chairs:
            if chair.state == "held" and (self.now >= self.ends or (chair.until and chair.until <= self.now)):
                chair.state = "EXPIRED"
            if chair.state == "held" and chair.until:
                chair.until = min(chair.until, self.ends)
        if self.now < self.ends:
            self._make_way()
        elif self.fill("confirmed") >= self.rules.minimum:
            self._succeed()
            self._finish("formed")
        else:
            self._finish("failed", TEAM_FAILED="confirmed")

    def _finish(self, end: str, **released: str) -> None:
        self.end, self.ended_at = end, self.now
        if end == "formed" and self.fills:
            self.formed_fill, self.waits_until = self._sitting(), self.now + self.fills + LATE_NEWS
            return
        for chair in self.chairs:
            for reason, state in {**released, "TEAM_ENDED": "waiting"}.items():
                if chair.state == state:
                    chair.state = reason

    def _stop_waiting(self) -> None:
        if self.end == "formed" and self.waits_until and self.now >= self.waits_until:
            for chair in self.chairs:
                chair.state = "TEAM_ENDED" if chair.state == "waiting" else chair.state

    def _fill_places(self) -> None:
        if not self.fills or self.cancelled:
            return
        for chair in [chair for chair in self.chairs if chair.state == "waiting"]:
            if not (self.has_room(chair.quantity) and self.left() >= chair.quantity):
                continue
            price = price_at(self.formed_fill)
            if chair.most is not None and price > chair.most:
                chair.state = "PRICE_CHANGED"
                continue
            chair.state, chair.cap, chair.confirmed_at = "confirmed", price, self.now
            self.waits_until = max(self.waits_until or self.now, self.now + self.fills + LATE_NEWS)

    def _cancel(self) -> None:
        for chair in self.chairs:
            chair.state = "TEAM_ENDED" if chair.state == "waiting" and self.end == "formed" else chair.state
        self.end, self.ended_at = "cancelled", self.now
        for chair in self.chairs:
            chair.state = "TEAM_CANCELLED" if chair.state in LIVE else chair.state

    def _make_way(self) -> None:
        self._succeed()
        if self.paused or self.cancelled:
            return
        for chair in [chair for chair in self.chairs if chair.state == "waiting"]:
            if self.has_room(chair.quantity) and self.left() >= chair.quantity:
                price = self.price(chair.quantity)
                if chair.most is not None and price > chair.most:
                    chair.state = "PRICE_CHANGED"
                else:
                    self._hold(chair, price)

    def _succeed(self) -> None:
        if self.leader and self.leader.state not in {"held", "confirmed"}:
            sitting = [chair for chair in self.chairs if chair.state == "confirmed" and not chair.sponsored]
            first = sorted(sitting, key=lambda chair: (chair.confirmed_at or self.now, chair.order))
            self.leader = first[0] if first else None

    def _hold(self, chair: Chair, price: int) -> None:
        chair.state, chair.cap = "held", price
        chair.until = min(self.now + self.rules.hold_lifetime, self.ends)

    def _filled(self) -> None:
        if self.rules.close_when_full and self.fill("confirmed") >= self.rules.maximum:
            self._finish("formed")

    # What is asked.

    def join(self, chair: Chair, *, newcomer: bool) -> str:
        """Take a seat or wait."""
        if refused := self._join_refused(chair, newcomer=newcomer):
            return refused
        if not self.has_room(chair.quantity):
            return self._wait(chair)
        if self.left() < chair.quantity:
            return "OUT_OF_STOCK"
        price = self.price(chair.quantity)
        if chair.most is not None and price > chair.most:
            return "PRICE_CHANGED"
        self._hold(chair, price)
        self.chairs.append(chair)
        return "SEAT"

    def _wait(self, chair: Chair) -> str:
        if self.rules.on_full is not OnFull.WAITLIST:
            return "TEAM_FULL"
        if len([other for other in self.chairs if other.state == "waiting"]) >= self.rules.max_waiting:
            return "WAITLIST_FULL"
        chair.state = "waiting"
        self.chairs.append(chair)
        return "WAITLISTED"

    def _join_refused(self, chair: Chair, *, newcomer: bool) -> str:
        checks = {
            "TEAM_ENDED": self.over,
            "ALREADY_IN_TEAM": bool(self.live(chair.member)),
            "CAMPAIGN_PAUSED": self.paused,
            "NOT_ELIGIBLE": self.rules.who_may_join.newcomers_only and not newcomer,
            "QUANTITY_OUT_OF_RANGE": not 1 <= chair.quantity <= self.rules.max_units_per_seat,
            "MEMBER_LIMIT": self.beyond_limits(chair.member, chair.quantity),
        }
        return next((reason for reason, holds in checks.items() if holds), "")

    def confirm(self, chair: Chair, reference: str) -> str:
        """Confirm a seat at its cap."""
        money = self.rules.payment_mode in {PaymentMode.HOLD, PaymentMode.PREPAID} and chair.cap > 0
        known = not money or (chair.payment != "" and reference == chair.payment)
        told = self._confirm_told(chair, reference, money=money, known=known)
        if told == "REFUND_REQUIRED":
            chair.late.add(reference)
        if told == "CONFIRMED" and chair.state != "confirmed":
            chair.state, chair.payment, chair.confirmed_at = "confirmed", reference, self.now
            self.leader = self.leader or chair
            self._filled()
        return told

    def _confirm_told(self, chair: Chair, reference: str, *, money: bool, known: bool) -> str:  # noqa: PLR0911
        if chair.sponsored:
            return "SPONSORED_SEAT"
        if chair.state == "waiting":
            return "SEAT_WAITING"
        if money and not reference:
            return "PAYMENT_REFERENCE_MISSING"
        if reference and reference in chair.late:
            return "REFUND_REQUIRED"
        if chair.state == "confirmed":
            return "CONFIRMED" if known else "REFUND_REQUIRED"
        if not self.over and (chair.state == "held" or self._revives(chair)):
            return "CONFIRMED"
        if not known:
            return "REFUND_REQUIRED"
        if self.over:
            return "TEAM_ENDED"
        return {"defaulted": "SEAT_STATE", "EXPIRED": "HOLD_EXPIRED"}.get(chair.state, "SEAT_RELEASED")

    def _revives(self, chair: Chair) -> bool:
        free = self.has_room(chair.quantity) and self.left() >= chair.quantity and not self.live(chair.member)
        return chair.state == "EXPIRED" and free and not self.beyond_limits(chair.member, chair.quantity)

    def leave(self, chair: Chair, units: int) -> str:
        """Give a seat or a part of it back; 0 units are all."""
        formed = self.end == "formed"
        told = self._leave_refused(chair, formed=formed)
        if not told and units > chair.quantity:
            told = "QUANTITY_OUT_OF_RANGE"
        if told:
            return told
        part = 0 < units < chair.quantity
        if part:
            chair.quantity -= units
        else:
            chair.state = "WITHDRAWN" if formed and chair.state == "confirmed" else "LEFT"
        if not formed:
            self._make_way()
        return "REDUCED" if part else "LEFT"

    def _leave_refused(self, chair: Chair, *, formed: bool) -> str:
        after, until = self.rules.leave_after_formed, self.rules.leave_until
        if chair.sponsored:
            return "SPONSORED_SEAT"
        if formed and chair.state == "confirmed" and after:
            return "" if self.ended_at and self.now < self.ended_at + after else "LEAVE_CLOSED"
        if formed and chair.state == "waiting":
            return ""
        if self.over:
            return "TEAM_ENDED"
        if chair.state not in LIVE:
            return "SEAT_STATE" if chair.state == "defaulted" else "SEAT_RELEASED"
        tipped = self.fill("confirmed") >= self.rules.minimum
        closed = until is LeaveUntil.NEVER or (until is LeaveUntil.TIPPED and tipped)
        return "LEAVE_CLOSED" if chair.state == "confirmed" and closed else ""

    def extend(self, chair: Chair) -> str:
        """Extend a hold."""
        if self.over:
            return "TEAM_ENDED"
        if chair.state != "held":
            return "SEAT_STATE"
        if not self.rules.hold_extension:
            return "HOLD_NOT_EXTENDABLE"
        if chair.extended:
            return "HOLD_EXTENDED_ALREADY"
        chair.extended, chair.until = True, min((chair.until or self.now) + self.rules.hold_extension, self.ends)
        return "EXTENDED"

    def default(self, chair: Chair) -> str:
        """Have its money not come."""
        if self.over and self.end != "formed":
            return "TEAM_ENDED"
        if chair.sponsored:
            return "SPONSORED_SEAT"
        if chair.state != "confirmed":
            return "SEAT_STATE"
        chair.state = "defaulted"
        if self.end:
            self._fill_places()
        else:
            self._make_way()
        return "DEFAULTED"

    def sponsor(self, chairs: list[Chair]) -> str:
        """Fill places."""
        places = len(chairs)
        sponsored = sum(chair.sponsored and chair.state == "confirmed" for chair in self.chairs)
        if self.over:
            return "TEAM_ENDED"
        if sponsored + places > self.rules.max_sponsored:
            return "SPONSOR_LIMIT"
        if self.fill("held", "confirmed") + places > self.rules.maximum:
            return "TEAM_FULL"
        if self.left() < places:
            return "OUT_OF_STOCK"
        for chair in chairs:
            chair.cap = self.price(1)
            self.chairs.append(chair)
        self._filled()
        return "SPONSORED"

    def cancel(self) -> str:
        """Give it up."""
        if self.end and self.end != "formed":
            return "TEAM_ENDED"
        self._cancel()
        return "CANCELLED"
