"""Plays a team's life as the events that team_formation would publish: totals, versions, caps and ids agree.

Written apart from the services on purpose: it computes fills, totals and caps by itself.

    life = TeamLife(payment_mode=PREPAID)
    life.open("mei")                  # TeamOpened, and SeatHeld for the leader
    life.confirm("mei")
    life.join("tom")                  # SeatHeld and SeatConfirmed
    life.tip()
    life.form()
    await inbox.apply(life.records)   # every event so far; `life.records[3:]` are those from version 4 on
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID, uuid4

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from groupbuy.money.v1.money_pb2 import Money
from groupbuy.pricing.v1 import ladder_pb2
from groupbuy.team_formation.v1 import events_pb2, types_pb2

from services.chassis import ids
from services.chassis.messages import Record, headers, message

TOPIC = "groupbuy.team.v1"
START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
COMMIT = types_pb2.PAYMENT_MODE_COMMIT
HOLD = types_pb2.PAYMENT_MODE_HOLD
PREPAID = types_pb2.PAYMENT_MODE_PREPAID
PAY_ON_DELIVERY = types_pb2.PAYMENT_MODE_PAY_ON_DELIVERY
MEMBERS = ladder_pb2.BASIS_TEAM_MEMBERS
UNITS = ladder_pb2.BASIS_TEAM_UNITS
CAMPAIGN = ladder_pb2.BASIS_CAMPAIGN_UNITS
LEADER = ladder_pb2.ROLE_LEADER
MEMBER = ladder_pb2.ROLE_MEMBER
MANGO_STEPS = ((2, 3490), (3, 2990), (5, 2490))

_offsets = count()
_MONEY_MOVES = {HOLD, PREPAID}


def price_table(
    list_price: int = 3990,
    steps: Sequence[tuple[int, int]] = MANGO_STEPS,
    *,
    skus: Sequence[str] = ("mango",),
    currency: str = "EUR",
    basis: ladder_pb2.Basis.ValueType = MEMBERS,
    ladder_version: int = 1,
) -> ladder_pb2.PriceTable:
    """Make a price table: every item and role has the same list price, then fixed prices from the fills given."""
    table = ladder_pb2.PriceTable(currency=currency, basis=basis, ladder_version=ladder_version)
    for sku in skus:
        for role in (LEADER, MEMBER):
            row = table.rows.add(sku=sku, role=role)
            row.steps.add(threshold=0, unit_price=list_price)
            for tier, (threshold, price) in enumerate(steps, start=1):
                discount = ladder_pb2.Discount(fixed_price=price)
                row.steps.add(threshold=threshold, unit_price=price, tier=tier, discount=discount)
    return table


class TeamLife:
    """One team; each method tells one event (`open` and `join` two) and returns the last. Members are named by id."""

    def __init__(  # noqa: PLR0913 - each has a default
        self,
        *,
        platform: UUID | None = None,
        campaign: UUID | None = None,
        team: UUID | None = None,
        table: ladder_pb2.PriceTable | None = None,
        payment_mode: types_pb2.PaymentMode.ValueType = PREPAID,
        minimum: int = 2,
        maximum: int = 5,
        counted_in: types_pb2.CountedIn.ValueType = types_pb2.COUNTED_IN_MEMBERS,
        presentation: types_pb2.Presentation | None = None,
        payment_terms: types_pb2.PaymentTerms | None = None,
        start: datetime = START,
    ) -> None:
        self.platform = platform or uuid4()
        self.campaign = campaign or uuid4()
        self.team = team or uuid4()
        self.table = table or price_table()
        self.currency = self.table.currency
        self.payment_mode = payment_mode
        self.presentation = presentation or presentation_of("Mangoes, 2 kg")
        self.now = start
        self.ends_at = start + timedelta(days=1)
        self.state: types_pb2.TeamState.ValueType = types_pb2.TEAM_STATE_FORMING
        self.totals = types_pb2.Totals()
        self.events: list[events_pb2.TeamEvent] = []
        self.records: list[Record] = []
        self.rules = types_pb2.Rules(
            payment_mode=payment_mode,
            counted_in=counted_in,
            minimum=minimum,
            maximum=maximum,
            hold_lifetime=Duration(seconds=900),
            team_lifetime=Duration(seconds=86_400),
            close_when_full=True,
            max_units_per_seat=100,
            leave_until=types_pb2.LEAVE_UNTIL_ENDED,
            payment_terms=payment_terms,
        )
        self._seats: dict[str, types_pb2.Seat] = {}
        self.tally = (0, 0)
        """The campaign's tally last applied: its number, and the confirmed units that it counts."""

    @property
    def platform_id(self) -> str:
        """The platform as events name it."""
        return ids.opaque("plat", self.platform)

    @property
    def campaign_id(self) -> str:
        """The campaign as events name it."""
        return ids.opaque("camp", self.campaign)

    @property
    def team_id(self) -> str:
        """The team as events name it; the key of its records."""
        return ids.opaque("team", self.campaign, self.team)

    @property
    def version(self) -> int:
        """The team's version: the number of its events."""
        return len(self.events)

    @property
    def fill(self) -> int:
        """Confirmed fill in the ladder's basis; of the whole campaign, as of the tally last applied."""
        if self.table.basis == ladder_pb2.BASIS_CAMPAIGN_UNITS:
            return self.tally[1]
        members = self.table.basis == MEMBERS
        return self.totals.confirmed_members if members else self.totals.confirmed_units

    def seat(self, member: str) -> types_pb2.Seat:
        """The member's last seat as it stands."""
        return self._seats[member]

    def price(self, fill: int, sku: str = "mango", role: ladder_pb2.Role.ValueType = MEMBER) -> int:
        """Unit price of an item and role at a fill, in minor units."""
        row = next(row for row in self.table.rows if row.sku == sku and row.role == role)
        return [step.unit_price for step in row.steps if step.threshold <= fill][-1]

    def open(self, opener: str = "mei", sku: str = "mango", quantity: int = 1) -> events_pb2.TeamEvent:
        """Open the team and hold its opener's seat."""
        opened = events_pb2.TeamOpened(
            opener_member_id=opener,
            merchant_id="orchard",
            rules=self.rules,
            price_table=self.table,
            presentation=self.presentation,
            ends_at=_time(self.ends_at),
        )
        self._tell("team_opened", opened)
        return self.hold(opener, sku, quantity, role=LEADER)

    def hold(
        self, member: str, sku: str = "mango", quantity: int = 1, *, role: ladder_pb2.Role.ValueType = MEMBER
    ) -> events_pb2.TeamEvent:
        """Take a seat."""
        fill = self.fill + (1 if self.table.basis == MEMBERS else quantity)
        seat = types_pb2.Seat(
            seat_id=ids.opaque("seat", self.campaign, uuid4()),
            team_id=self.team_id,
            member_id=member,
            sku=sku,
            quantity=quantity,
            role=role,
            state=types_pb2.SEAT_STATE_HELD,
            cap=self._money(self.price(fill, sku, role)),
            cap_fill=fill,
            cap_tally_seq=self.tally[0],
            hold_until=_time(self.now + timedelta(minutes=15)),
        )
        self._seats[member] = seat
        self._count(held=1, units=quantity)
        return self._tell("seat_held", events_pb2.SeatHeld(seat=seat))

    def confirm(self, member: str, payment_reference: str | None = None) -> events_pb2.TeamEvent:
        """Confirm a held seat, or one whose hold ran out; where money moves, a reference is made up."""
        seat = self._seats[member]
        after_expiry = seat.state == types_pb2.SEAT_STATE_RELEASED
        if not after_expiry:
            self._count(held=-1, units=-seat.quantity)
        seat.state = types_pb2.SEAT_STATE_CONFIRMED
        seat.release_reason = types_pb2.RELEASE_REASON_UNSPECIFIED
        self._count(confirmed=1, units=seat.quantity)
        if payment_reference is None:
            payment_reference = f"pay-{member}-{self.version}" if self.payment_mode in _MONEY_MOVES else ""
        return self._tell(
            "seat_confirmed",
            events_pb2.SeatConfirmed(
                seat=seat,
                amount=self._money(seat.cap.minor_units * seat.quantity),
                payment_reference=payment_reference,
                after_expiry=after_expiry,
            ),
        )

    def join(self, member: str, sku: str = "mango", quantity: int = 1) -> events_pb2.TeamEvent:
        """Take a seat and confirm it."""
        self.hold(member, sku, quantity)
        return self.confirm(member)

    def leave(self, member: str) -> events_pb2.TeamEvent:
        """Give a held or confirmed seat back."""
        return self._release(member, types_pb2.RELEASE_REASON_LEFT)

    def expire(self, member: str) -> events_pb2.TeamEvent:
        """Let a hold run out."""
        return self._release(member, types_pb2.RELEASE_REASON_EXPIRED)

    def tip(self) -> events_pb2.TeamEvent:
        """Reach the minimum."""
        self.state = types_pb2.TEAM_STATE_TIPPED
        return self._tell("team_tipped", events_pb2.TeamTipped())

    def untip(self) -> events_pb2.TeamEvent:
        """Fall below the minimum again."""
        self.state = types_pb2.TEAM_STATE_FORMING
        return self._tell("team_untipped", events_pb2.TeamUntipped())

    def form(self) -> events_pb2.TeamEvent:
        """End at or above the minimum."""
        self.state = types_pb2.TEAM_STATE_FORMED
        return self._tell("team_formed", events_pb2.TeamFormed())

    def fail(self) -> events_pb2.TeamEvent:
        """End below the minimum: every confirmed seat is released by this event."""
        at_end = types_pb2.Totals()
        at_end.CopyFrom(self.totals)
        self.state = types_pb2.TEAM_STATE_FAILED
        self.totals = types_pb2.Totals()
        for seat in self._seats.values():
            if seat.state == types_pb2.SEAT_STATE_CONFIRMED:
                seat.state = types_pb2.SEAT_STATE_RELEASED
                seat.release_reason = types_pb2.RELEASE_REASON_TEAM_FAILED
        return self._tell("team_failed", events_pb2.TeamFailed(totals_at_end=at_end))

    def cancel(self) -> events_pb2.TeamEvent:
        """Be given up by the platform."""
        at_end = types_pb2.Totals()
        at_end.CopyFrom(self.totals)
        after_formed = self.state == types_pb2.TEAM_STATE_FORMED
        self.state = types_pb2.TEAM_STATE_CANCELLED
        self.totals = types_pb2.Totals()
        fact = events_pb2.TeamCancelled(totals_at_end=at_end, after_formed=after_formed)
        return self._tell("team_cancelled", fact)

    def late(self, member: str, payment_reference: str = "pay-late") -> events_pb2.TeamEvent:
        """Report money for a member's seat that could not be given."""
        seat = self._seats[member]
        amount = self._money(seat.cap.minor_units * seat.quantity)
        fact = events_pb2.LatePaymentReported(seat=seat, amount=amount, payment_reference=payment_reference)
        return self._tell("late_payment_reported", fact)

    def _release(self, member: str, reason: types_pb2.ReleaseReason.ValueType) -> events_pb2.TeamEvent:
        seat = self._seats[member]
        previous = seat.state
        if previous == types_pb2.SEAT_STATE_HELD:
            self._count(held=-1, units=-seat.quantity)
        else:
            self._count(confirmed=-1, units=-seat.quantity)
        seat.state = types_pb2.SEAT_STATE_RELEASED
        seat.release_reason = reason
        return self._tell("seat_released", events_pb2.SeatReleased(seat=seat, previous_state=previous))

    def _count(self, *, held: int = 0, confirmed: int = 0, units: int) -> None:
        self.totals.held_members += held
        self.totals.confirmed_members += confirmed
        if held:
            self.totals.held_units += units
        else:
            self.totals.confirmed_units += units

    def _tell(self, name: str, fact: Message) -> events_pb2.TeamEvent:
        self.now += timedelta(seconds=1)
        event = events_pb2.TeamEvent(
            event_id=str(ids.derived_id(self.team, self.version + 1)),
            platform_id=self.platform_id,
            sequence=self.version + 1,
            occurred_at=_time(self.now),
            campaign_id=self.campaign_id,
            team_id=self.team_id,
            totals=self.totals,
            state=self.state,
        )
        getattr(event, name).SetInParent()
        getattr(event, name).CopyFrom(fact)
        self.events.append(event)
        self.records.append(record(event))
        return event

    def _money(self, minor_units: int) -> Money:
        return Money(minor_units=minor_units, currency=self.currency)


def record(event: events_pb2.TeamEvent) -> Record:
    """Make the Kafka record of an event, at an offset of its own."""
    told = message(TOPIC, event.team_id, event)
    return Record(TOPIC, told.key, told.payload, tuple(headers(told)), partition=0, offset=next(_offsets))


def presentation_of(title: str, language: str = "en") -> types_pb2.Presentation:
    """Make what messages show, in one language."""
    return types_pb2.Presentation(
        texts=[types_pb2.LocalizedText(language=language, title=title, terms="Picked up within two days.")],
        seller="Orchard Ltd",
        checkout_url="https://shop.example/checkout",
        time_zone="Europe/Berlin",
    )


def _time(at: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(at)
    return stamp
