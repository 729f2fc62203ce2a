"""Random ladders and histories for the reference calculator, and the same told to pricing as team_formation would."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from uuid import UUID

from services.pricing import domain
from services.pricing.domain import FactKind, SeatState, TeamState
from tests.support import reference
from tests.support.reference import Happened

PLATFORM, CAMPAIGN, TEAM = UUID(int=1), UUID(int=2), UUID(int=3)
_AT = datetime(2026, 11, 1, tzinfo=UTC)
_BASES = {"members": domain.Basis.TEAM_MEMBERS, "units": domain.Basis.TEAM_UNITS}
_MODES = ("COMMIT", "HOLD", "PREPAID", "PAY_ON_DELIVERY")
_ENDS = {
    "formed": (FactKind.TEAM_FORMED, TeamState.FORMED),
    "failed": (FactKind.TEAM_FAILED, TeamState.FAILED),
    "cancelled": (FactKind.TEAM_CANCELLED, TeamState.CANCELLED),
}
_LEAVES = {
    "left": (FactKind.SEAT_RELEASED, SeatState.RELEASED),
    "defaulted": (FactKind.SEAT_DEFAULTED, SeatState.DEFAULTED),
}


def a_ladder(random: Random) -> tuple[reference.Ladder, domain.PriceTable]:
    """Make a ladder that compiles, and its table."""
    while True:
        ladder = _any_ladder(random)
        tiers = tuple(
            domain.Tier(threshold, tuple(_discount(*discount) for discount in discounts))
            for threshold, discounts in ladder.tiers
        )
        listed = [
            domain.ListPrice(sku, amount, ladder.floors.get(sku, 0)) for sku, amount in ladder.list_prices.items()
        ]
        table = domain.compile_ladder("EUR", listed, domain.Ladder(_BASES[ladder.basis], tiers), 1)
        if isinstance(table, domain.PriceTable):
            return ladder, table


def _any_ladder(random: Random) -> reference.Ladder:
    """Make a ladder of tiers that take off more and more, in any kind, here and there for an item or role alone."""
    listed = {sku: random.choice((3, 5, 15, 999, 3990, 100_001, random.randint(1, 10**9))) for sku in ("a", "b")}
    off, tiers = 0, []
    thresholds = sorted(random.sample(range(1, 12), random.randint(0, 4)))
    for threshold in thresholds:
        off = min(10_000, off + random.choice((500, 1_000, 2_500, random.randint(1, 3_000))))
        subjects = [("", ""), *random.sample([("a", ""), ("", "LEADER"), ("b", "MEMBER"), ("a", "LEADER")], 1)]
        discounts = [(sku, role, *_worth(random, listed[sku or "a"], off)) for sku, role in subjects]
        tiers.append((threshold, discounts if random.random() < 0.5 else discounts[:1]))
    ladder = reference.Ladder(random.choice(("members", "units")), listed, tiers, {})
    return ladder._replace(floors=_floors(random, ladder))


def _floors(random: Random, ladder: reference.Ladder) -> dict[str, int]:
    """Give one item or both a floor here and there, never above the least that a tier makes of it."""
    least = {sku: _least(ladder, sku) for sku in random.sample(("a", "b"), random.randint(0, 2))}
    return {sku: random.choice((price, price * 9 // 10, price // 2)) for sku, price in least.items()}


def _least(ladder: reference.Ladder, sku: str) -> int:
    return min(reference.price(ladder, sku, role, 99) for role in ("LEADER", "MEMBER"))


def _worth(random: Random, listed: int, off: int) -> tuple[str, int]:
    kind = random.choice(("fixed_price", "amount_off", "basis_points_off", "basis_points_off"))
    if kind == "basis_points_off":
        return kind, off
    taken = listed * off // 10_000
    return (kind, taken) if kind == "amount_off" else (kind, listed - taken)


def _discount(sku: str, role: str, kind: str, value: int) -> domain.Discount:
    return domain.Discount(domain.DiscountKind(kind), value, sku, domain.Role(role) if role else None)


def a_history(random: Random, ladder: reference.Ladder) -> tuple[str, list[Happened]]:
    """Make a payment mode and a history: who joins, confirms, leaves, gives a part back, does not pay; and the end."""
    story = _Story(random, ladder)
    for _ in range(random.randint(2, 9)):
        story.turn()
    story.end()
    for _ in range(random.randint(0, 3)):
        story.later()
    return random.choice(_MODES), story.told


class _Story:
    """What can happen next, by the simplest bookkeeping: units by seat that is held, and by seat that is confirmed."""

    def __init__(self, random: Random, ladder: reference.Ladder) -> None:
        self.told: list[Happened] = []
        self._random = random
        self._listed = ladder.list_prices
        self._before_tier = random.random() < 0.5
        self._quoted: list[Happened] = []
        """Who was quoted a price and has not joined yet."""
        self._held: dict[int, int] = {}
        self._confirmed: dict[int, int] = {}
        self._seats = 0

    def turn(self) -> None:
        """Have something happen to a team that is open."""
        pick = self._random.random()
        if self.told and self.told[-1].what == "quoted" and self._confirmed and pick < 0.4:
            self._change(self._confirmed, ("left",))  # so that the price may be above what was promised
        elif self._held and pick < 0.45:
            self._confirm()
        elif self._confirmed and pick < 0.65:
            self._change(self._confirmed, ("left", "reduced", "defaulted"))
        elif self._held and pick < 0.72:
            self._change(self._held, ("left", "reduced"))
        else:
            self._hold()

    def end(self) -> None:
        """End the team as team_formation does: no hold is left then."""
        for seat in list(self._held):
            self.told.append(Happened("left", seat))
            del self._held[seat]
        kinds = ("formed", "formed", "formed", "failed", "cancelled") if self._confirmed else ("failed",)
        self.told.append(Happened(self._random.choice(kinds)))

    def later(self) -> None:
        """Have something happen to a team that formed."""
        if self._confirmed and self.told[-1].what not in {"failed", "cancelled"}:
            if self._random.random() < 0.1:
                self.told.append(Happened("cancelled"))
            else:
                self._change(self._confirmed, ("left", "reduced", "defaulted"))

    def _hold(self) -> None:
        """Have a member join, one who was quoted a price before or a new one; or quote a new one a price."""
        if self._quoted and self._random.random() < 0.5:
            comes = self._quoted.pop(0)._replace(what="held", coupon=None)
        else:
            self._seats += 1
            role = "LEADER" if self._seats == 1 else "MEMBER"
            comes = Happened("held", self._seats, self._random.choice(("a", "b")), role, self._random.randint(1, 3))
            if self._random.random() < 0.3:
                self._quoted.append(comes._replace(what="quoted", coupon=self._coupon(self._listed[comes.sku])))
                self.told.append(self._quoted[-1])
                return
        self._held[comes.seat] = comes.units
        self.told.append(comes)

    def _coupon(self, listed: int) -> reference.Coupon | None:
        """Make a coupon, large ones too; or none: the quote then promises its cap alone."""
        if self._random.random() < 0.2:
            return None
        if self._random.random() < 0.5:
            return reference.Coupon("amount_off", self._random.randint(1, max(1, listed // 2)), self._before_tier)
        points = self._random.choice((500, 1_000, 3_333, self._random.randint(1, 10_000)))
        return reference.Coupon("basis_points_off", points, self._before_tier)

    def _confirm(self) -> None:
        seat = self._random.choice(list(self._held))
        self._confirmed[seat] = self._held.pop(seat)
        self.told.append(Happened("confirmed", seat))

    def _change(self, seats: dict[int, int], kinds: tuple[str, ...]) -> None:
        seat, kind = self._random.choice(list(seats)), self._random.choice(kinds)
        if kind == "reduced" and seats[seat] == 1:
            kind = "left"
        self.told.append(Happened(kind, seat, units=1 if kind == "reduced" else 0))
        if kind == "reduced":
            seats[seat] -= 1
        else:
            del seats[seat]


class Pricing:
    """Follows a history with the engine's own rules, as events of team_formation, and makes every line at once."""

    def __init__(self, ladder: reference.Ladder, table: domain.PriceTable, mode: str) -> None:
        self.team: domain.Team | None = None
        self.seats: dict[int, domain.Seat] = {}
        self.lines: list[domain.SettlementLine] = []
        self.quotes: dict[int, domain.Promise] = {}
        self._coupons: dict[int, reference.Coupon | None] = {}
        self._ladder, self.table, self._mode = ladder, table, domain.PaymentMode(mode)
        self._enter(self._fact(FactKind.TEAM_OPENED, domain.Totals(), TeamState.FORMING, self._opened()))

    def play(self, history: list[Happened]) -> None:
        """Follow a history."""
        for item in history:
            if item.what in _ENDS:
                self._end(item)
            elif item.what == "quoted":
                self._quote(item)
            else:
                self._move(item)

    def _opened(self) -> domain.Opened:
        return domain.Opened("merchant", self._mode, self.table)

    def _fact(
        self, kind: FactKind, totals: domain.Totals, state: TeamState, opened: domain.Opened | None = None
    ) -> domain.TeamFact:
        version = self.team.version + 1 if self.team else 1
        return domain.TeamFact(
            kind, UUID(int=version), CAMPAIGN, TEAM, PLATFORM, version, _AT, totals, state, "EUR", opened
        )

    def _end(self, item: Happened) -> None:
        team = _known(self.team)
        kind, state = _ENDS[item.what]
        totals = team.totals if item.what == "formed" else domain.Totals()
        fact = self._fact(kind, totals, state)
        if item.what != "formed":
            formed = team.state is TeamState.FORMED
            fact = replace(fact, totals_at_end=team.totals, after_formed=formed and item.what == "cancelled")
        self._enter(fact)

    def _move(self, item: Happened) -> None:
        before = self.seats.get(item.seat)
        after = self._moved(item, before)
        team = _known(self.team)
        kind = {"held": FactKind.SEAT_HELD, "confirmed": FactKind.SEAT_CONFIRMED, "reduced": FactKind.SEAT_REDUCED}.get(
            item.what, FactKind.SEAT_RELEASED
        )
        kind = _LEAVES[item.what][0] if item.what in _LEAVES else kind
        fact = replace(
            self._fact(kind, team.totals.moved(before, after), team.state),
            seat=after,
            previous_state=before.state if before and item.what == "left" else None,
            amount=after.committed if item.what == "confirmed" else 0,
            units=item.units if item.what == "reduced" else 0,
            after_formed=team.state is TeamState.FORMED and item.what != "left",
        )
        self._enter(fact, item.seat)

    def _moved(self, item: Happened, before: domain.Seat | None) -> domain.Seat:
        """Give the seat as team_formation tells it; the cap of a new one is the reference's: pricing must agree."""
        if before is None:
            return self._held(item)
        if item.what == "confirmed":
            return replace(before, state=SeatState.CONFIRMED)
        if item.what == "reduced":
            return replace(before, quantity=before.quantity - item.units)
        formed = _known(self.team).state is TeamState.FORMED
        left = domain.ReleaseReason.WITHDRAWN if formed else domain.ReleaseReason.LEFT
        return replace(before, state=_LEAVES[item.what][1], release_reason=left if item.what == "left" else None)

    def _quote(self, item: Happened) -> None:
        coupon = item.coupon and domain.Coupon(domain.CouponKind(item.coupon.kind), item.coupon.value)
        before = item.coupon is not None and item.coupon.before_tier
        order = domain.CouponOrder.BEFORE_TIER if before else domain.CouponOrder.AFTER_TIER
        order_of = (item.sku, domain.Role(item.role), item.units, _known(self.team).fill)
        self.quotes[item.seat] = domain.promise(self.table, *order_of, coupon, order)
        self._coupons[item.seat] = item.coupon

    def _held(self, item: Happened) -> domain.Seat:
        fill = _known(self.team).fill + (item.units if self._ladder.basis == "units" else 1)
        coupon, quote = self._coupons.get(item.seat), self.quotes.get(item.seat)
        cap = reference.price(self._ladder, item.sku, item.role, fill)
        if coupon:
            cap = reference.own_price(self._ladder, item.sku, item.role, coupon, fill)
        return domain.Seat(
            CAMPAIGN,
            UUID(int=item.seat),
            TEAM,
            PLATFORM,
            f"m{item.seat}",
            item.sku,
            domain.Role(item.role),
            item.units,
            min(cap, quote.cap) if quote else cap,
            fill,
            SeatState.HELD,
            own_steps=quote.steps if quote else (),
            cap_from_quote=quote is not None and quote.cap < cap,
        )

    def _enter(self, fact: domain.TeamFact, seat: int = 0) -> None:
        followed = domain.follow(self.team, self.seats.get(seat), self.table, fact)
        if isinstance(followed, domain.Contradiction):
            raise AssertionError(f"{fact.kind}: {followed.reason}")  # noqa: TRY004 - the test's finding
        self.team = followed.team
        if followed.seat:
            self.seats[seat] = followed.seat
        if followed.job:
            self._settle(followed.job)

    def _settle(self, job: domain.Job) -> None:
        of = [seat for seat in self.seats.values() if self._concerned(job, seat)]
        lines, after = domain.settle(_known(self.team), self.table, job, [(seat.seat_id, seat) for seat in of])
        assert after.finished
        self.lines += lines

    def _concerned(self, job: domain.Job, seat: domain.Seat) -> bool:
        return seat.seat_id == job.seat_id if job.seat_id else seat.state is SeatState.CONFIRMED


def histories(seed: int, count: int) -> Iterator[tuple[reference.Ladder, domain.PriceTable, str, list[Happened]]]:
    """Make histories, twenty to a ladder; the same seed gives the same ones."""
    random = Random(seed)  # noqa: S311 - for tests
    for _ in range(count // 20):
        ladder, table = a_ladder(random)
        for _ in range(20):
            yield ladder, table, *a_history(random, ladder)


def _known(team: domain.Team | None) -> domain.Team:
    assert team
    return team
