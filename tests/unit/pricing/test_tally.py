"""What fills the ladder of a whole campaign: no team that has formed moves it, whatever becomes of its seats."""

from dataclasses import dataclass, field
from random import Random
from uuid import UUID, uuid4

from groupbuy.pricing.v1 import ladder_pb2
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis.messages import decode
from services.pricing import translate
from services.pricing.domain import Contradiction, Counts, PriceTable, Seat, Team, TeamFact, difference, follow
from tests.support.pricing_histories import play
from tests.support.pricing_lives import FullLife, leaders_pay_less
from tests.support.teams import COMMIT, HOLD, PAY_ON_DELIVERY, PREPAID, price_table

MODES = (COMMIT, HOLD, PREPAID, PAY_ON_DELIVERY)


@dataclass
class Counted:
    """Pricing of one team without a database, and what its events change in the campaign's counts."""

    team: Team | None = None
    table: PriceTable | None = None
    seats: dict[UUID, Seat] = field(default_factory=dict)

    def apply(self, fact: TeamFact) -> Counts:
        """Follow an event; returns what it changes."""
        self.table = fact.opened.table if fact.opened else self.table
        seat = self.seats.get(fact.seat.seat_id) if fact.seat else None
        followed = follow(self.team, seat, self.table, fact)
        assert not isinstance(followed, Contradiction), followed
        changed = difference(self.team, followed.team, fact)
        self.team = followed.team
        if followed.seat:
            self.seats[followed.seat.seat_id] = followed.seat
        return changed


def teams(seed: int) -> list[FullLife]:
    """Play some teams of one campaign."""
    chance = Random(seed)  # noqa: S311 - for tests
    campaign, platform = uuid4(), uuid4()
    table = leaders_pay_less(price_table(3990, ((3, 3490), (10, 2990)), basis=ladder_pb2.BASIS_CAMPAIGN_UNITS), 50)
    made = []
    for _ in range(4):
        life = FullLife(
            campaign=campaign, platform=platform, table=table, maximum=100, payment_mode=chance.choice(MODES)
        )
        play(life, [(chance.randrange(999), chance.randrange(999)) for _ in range(chance.randint(12, 45))])
        made.append(life)
    return made


@settings(deadline=None)
@given(st.integers(0, 10**9))
def test_no_price_of_an_open_team_rises_by_what_becomes_of_a_team_that_has_formed(seed: int) -> None:
    lives, chance = teams(seed), Random(seed)  # noqa: S311 - for tests
    waiting = [(Counted(), [translate.team_fact(decode(record)) for record in life.records]) for life in lives]
    counts, formed = Counts(), dict.fromkeys((life.team for life in lives), 0)
    while any(facts for _, facts in waiting):
        counted, facts = chance.choice([item for item in waiting if item[1]])
        before, had_formed = counts.units_of_fill, bool(counted.team and counted.team.formed_version)
        counts = counts.plus(counted.apply(facts.pop(0)))
        assert counted.team
        assert counted.table
        if had_formed:
            rows = counted.table.rows
            assert [row.at(counts.units_of_fill) for row in rows] == [row.at(before) for row in rows]
            assert counts.units_of_fill == before
        else:
            formed[counted.team.team_id] = counted.team.totals.confirmed_units
    assert counts.units_of_fill == sum(formed.values())


def test_seats_that_are_cancelled_below_the_minimum_stay_in_the_fill() -> None:
    life = FullLife(
        table=price_table(3990, ((2, 3490),), basis=ladder_pb2.BASIS_CAMPAIGN_UNITS), minimum=2, payment_mode=COMMIT
    )
    life.open("mei")
    life.confirm("mei")
    life.join("tom")
    life.form()
    life.default("tom")
    life.cancel_seats()
    counted, counts = Counted(), Counts()
    for record in life.records:
        counts = counts.plus(counted.apply(translate.team_fact(decode(record))))
    assert (counts.units_confirmed_now, counts.units_of_fill) == (0, 2)


def test_a_team_that_ends_before_it_formed_fills_nothing() -> None:
    life = FullLife(table=price_table(3990, ((2, 3490),), basis=ladder_pb2.BASIS_CAMPAIGN_UNITS), payment_mode=COMMIT)
    life.open("mei")
    life.confirm("mei")
    life.fail()
    counted, counts = Counted(), Counts()
    for record in life.records:
        counts = counts.plus(counted.apply(translate.team_fact(decode(record))))
    assert counts.units_of_fill == 0
