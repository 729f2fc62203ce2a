"""One team played by the real rules of team_formation, priced and settled by the real ones of pricing, no database.

    crowd = Crowd(campaign)
    crowd.join("ada")             # the first opens the team
    crowd.confirm("ada")
    crowd.leave("ada")
    crowd.wait(3600)              # holds run out, the team ends
    crowd.paid()                  # what each seat finally pays, from its settlement lines

What the rules refuse changes nothing.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

from services.chassis import ids
from services.chassis.messages import Record, decode
from services.pricing import domain as pricing
from services.pricing import translate as reading
from services.team_formation import domain, translate
from tests.support.formation import START


class Books:
    """Pricing of one team: follows each event, and makes every line at once."""

    def __init__(self) -> None:
        self.team: pricing.Team | None = None
        self.table: pricing.PriceTable | None = None
        self.seats: dict[UUID, pricing.Seat] = {}
        self.lines: list[pricing.SettlementLine] = []

    def follow(self, record: Record) -> None:
        """Apply an event; one that contradicts what is known is a fault of the engine."""
        fact = reading.team_fact(decode(record))
        self.table = fact.opened.table if fact.opened else self.table
        followed = pricing.follow(self.team, self.seats.get(fact.seat.seat_id) if fact.seat else None, self.table, fact)
        assert not isinstance(followed, pricing.Contradiction), followed
        self.team = followed.team
        if followed.seat:
            self.seats[followed.seat.seat_id] = followed.seat
        if followed.job:
            self._settle(followed.team, followed.job)

    def _settle(self, team: pricing.Team, job: pricing.Job) -> None:
        seats = [(ids.derived_id(seat.seat_id, job.cause_event_id), seat) for seat in self._settled_by(job)]
        assert self.table
        lines, after = pricing.settle(team, self.table, job, seats)
        assert after.finished, f"{job.lines} lines were promised, {len(lines)} made"
        self.lines += lines

    def _settled_by(self, job: pricing.Job) -> list[pricing.Seat]:
        if job.seat_id:
            return [self.seats[job.seat_id]]
        in_order = sorted(self.seats.values(), key=lambda seat: seat.number)
        return [seat for seat in in_order if seat.state is pricing.SeatState.CONFIRMED and not seat.sponsored]


class Crowd:
    """Members of one team by name; each has one seat at a time."""

    def __init__(self, campaign: domain.Campaign) -> None:
        self.campaign, self.terms, self.now = campaign, campaign.terms, START
        self.books = Books()
        self.team: domain.Team | None = None
        self.seats: dict[UUID, domain.Seat] = {}
        self._of: dict[str, UUID] = {}
        self._payments = 0

    def join(self, name: str, sku: str = "mango", quantity: int = 1) -> None:
        """Hold a seat, or wait for one; the first who joins opens the team."""
        wanted = domain.Join(uuid4(), name, sku, quantity)
        if self.team is None:
            opened = domain.open_team(self._around(), domain.Open(uuid4(), wanted), domain.Usage())
            if not isinstance(opened, domain.Refusal):
                self._of[name] = wanted.seat_id
                self._enter(opened)
            return
        self._look()
        decision = domain.join_team(self.team, self._around(), self._live(name), domain.Usage(), wanted)
        if not isinstance(decision.outcome, domain.Refusal):
            self._of[name] = wanted.seat_id
        self._enter(decision)

    def confirm(self, name: str) -> None:
        """Confirm a seat with cap times quantity and a payment of its own."""
        seat = self._looked_at(name)
        if seat and self.team:
            self._payments += 1
            asked = domain.Confirm(seat.cap * seat.quantity, self.campaign.currency, f"pay-{self._payments}")
            self._enter(
                domain.confirm_seat(self.team, self._around(), seat, self._live(name), domain.Usage(), (), asked)
            )

    def leave(self, name: str, units: int = 0) -> None:
        """Give a seat or some of its units back, after formation too where the rules say so."""
        seat = self._looked_at(name)
        if seat and self.team:
            self._enter(domain.leave_team(self.team, self._around(), seat, self._heirs(), domain.Leave(units)))

    def default(self, name: str) -> None:
        """Say that the money of a seat did not come."""
        seat = self._looked_at(name)
        if seat and self.team:
            self._enter(domain.default_seat(self.team, self._around(), seat, self._heirs(), domain.Default("lapsed")))

    def sponsor(self) -> None:
        """Have the platform fill a place."""
        if self.team:
            self._look()
            sku = self.terms.items[0].sku
            self._enter(domain.sponsor_team(self.team, self._around(), domain.Sponsor((uuid4(),), sku)))

    def cancel(self) -> None:
        """Give the team up, one that has formed too."""
        if self.team:
            self._look()
            self._enter(domain.cancel_team(self.team, self._around(), domain.Cancel("recall")))

    def wait(self, seconds: int) -> None:
        """Let time go by."""
        self.now += timedelta(seconds=seconds)
        self._look()

    @property
    def has_formed(self) -> bool:
        """Whether the team is formed, and was not given up since."""
        return self.team is not None and self.team.state is domain.TeamState.FORMED

    def staying(self) -> Counter[str]:
        """Count the units of the seats that stay, by SKU, without sponsored ones."""
        units: Counter[str] = Counter()
        for seat in self._confirmed():
            units[seat.sku] += seat.quantity
        return units

    def paid(self) -> Mapping[UUID, int]:
        """Add up what each seat finally pays; zero for who is gone."""
        charged: Counter[UUID] = Counter()
        for line in self.books.lines:
            charged[line.seat_id] += line.amounts.charged
        return charged

    def revenue(self) -> int:
        """Add up what the seller finally gets from the seats that stay."""
        paid = self.paid()
        return sum(paid[seat.seat_id] for seat in self._confirmed())

    def _confirmed(self) -> list[domain.Seat]:
        of_members = (seat for seat in self.seats.values() if not seat.sponsored)
        return [seat for seat in of_members if seat.state is domain.SeatState.CONFIRMED]

    def _around(self) -> domain.Around:
        return domain.Around(self.campaign, self.terms, self.now)

    def _live(self, name: str) -> domain.Seat | None:
        seat = self.seats.get(self._of[name]) if name in self._of else None
        return seat if seat and seat.state.is_live else None

    def _looked_at(self, name: str) -> domain.Seat | None:
        self._look()
        return self.seats.get(self._of[name]) if name in self._of else None

    def _heirs(self) -> domain.Heirs:
        waiting = [seat for seat in self.seats.values() if seat.state is domain.SeatState.WAITING]
        confirmed = [seat for seat in self._confirmed() if seat.confirmed_at]
        in_time = sorted(confirmed, key=lambda seat: (seat.confirmed_at or START, seat.number))
        return domain.Heirs(sorted(waiting, key=lambda seat: seat.number), in_time)

    def _look(self) -> None:
        """Bring the team up to date, as a batch does before it decides anything."""
        if self.team and domain.is_due(self.team, self._around()):
            held = [seat for seat in self.seats.values() if seat.state is domain.SeatState.HELD]
            held.sort(key=lambda seat: (seat.hold_until, seat.number))
            self._enter(domain.bring_up_to_date(self.team, self._around(), held, self._heirs()))

    def _enter(self, decision: domain.Decision) -> None:
        """Store what was decided, and have pricing follow its events."""
        self.team = decision.team
        self.seats |= {seat.seat_id: seat for seat in decision.seats}
        for state, reason in decision.released:
            for seat_id, seat in self.seats.items():
                if seat.state is state:
                    gone = replace(seat, state=domain.SeatState.RELEASED, release_reason=reason)
                    self.seats[seat_id] = gone
        scribe = translate.Scribe(self.campaign.platform_id, self.campaign.campaign_id)
        for fact in decision.facts:
            told = scribe.message(fact, self.terms, self.campaign)
            self.books.follow(Record(told.topic, told.key, told.payload))
