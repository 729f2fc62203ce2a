"""Live demand: repeats change nothing, missed tallies are made up for, rates and forecast follow from the windows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.pricing.domain import demand
from services.pricing.domain.demand import CampaignDemand, CampaignTotals, Window, count

START = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


def tallies(steps: list[tuple[int, int, int, int]]) -> list[tuple[int, datetime, CampaignTotals]]:
    """Make tallies of steps (seconds later, joins, confirms, leaves)."""
    found, at, totals = [], START, CampaignTotals()
    for sequence, (seconds, joins, confirms, leaves) in enumerate(steps, start=1):
        at += timedelta(seconds=seconds)
        totals = replace(
            totals,
            seats_held=totals.seats_held + joins,
            seats_confirmed=totals.seats_confirmed + confirms,
            seats_left=totals.seats_left + leaves,
            units_of_fill=totals.units_of_fill + confirms - leaves,
        )
        found.append((sequence, at, totals))
    return found


COUNTS = st.integers(0, 50)
STEPS = st.lists(st.tuples(st.integers(0, 3000), COUNTS, COUNTS, COUNTS), min_size=1, max_size=30)


@given(STEPS, st.data())
def test_repeats_and_older_tallies_change_nothing(steps: list[tuple[int, int, int, int]], data: st.DataObject) -> None:
    told = tallies(steps)
    once = repeated = CampaignDemand()
    for at, tally in enumerate(told):
        once, repeated = count(once, *tally), count(repeated, *tally)
        again = data.draw(st.integers(0, at))
        repeated = count(repeated, *told[again])
    assert repeated == once


@given(STEPS, st.data())
def test_totals_are_the_last_tally_whatever_was_missed(
    steps: list[tuple[int, int, int, int]], data: st.DataObject
) -> None:
    told = tallies(steps)
    seen = [tally for tally in told[:-1] if data.draw(st.booleans())] + told[-1:]
    kept = CampaignDemand()
    for tally in seen:
        kept = count(kept, *tally)
    assert (kept.sequence, kept.at, kept.totals) == told[-1]


@given(STEPS)
def test_rings_are_short_sorted_and_within_their_span(steps: list[tuple[int, int, int, int]]) -> None:
    kept = CampaignDemand()
    for tally in tallies(steps):
        kept = count(kept, *tally)
        for ring, size in ((kept.minutes, demand.MINUTES_KEPT), (kept.quarters, demand.QUARTERS_KEPT)):
            numbers = [window.number for window in ring]
            assert numbers == sorted(set(numbers))
            assert not ring or numbers[-1] - numbers[0] < size


def test_rates_are_per_minute_of_each_span() -> None:
    kept = CampaignDemand()
    for tally in tallies([(0, 30, 15, 0), (70, 60, 30, 3), (3600, 0, 0, 0)]):
        kept = count(kept, *tally)
    now = START + timedelta(seconds=125)
    early = CampaignDemand()
    for tally in tallies([(0, 30, 15, 0), (70, 60, 30, 3)]):
        early = count(early, *tally)
    minute, quarter, day = demand.rates(early, now)
    assert (minute.joins, minute.confirms, minute.leaves) == (60, 30, 3)
    assert (quarter.joins, quarter.confirms, quarter.leaves) == (6, 3, 0.2)
    assert day.joins == pytest.approx(90 / 1440)
    assert [rate.joins for rate in demand.rates(kept, now + timedelta(hours=1))] == [0, 0, pytest.approx(90 / 1440)]


def test_what_a_first_tally_in_the_middle_sums_up_is_a_base() -> None:
    kept = count(CampaignDemand(), 7, START, CampaignTotals(seats_held=500))
    assert kept.minutes == ()
    kept = count(kept, 8, START, CampaignTotals(seats_held=503))
    assert [window.joins for window in kept.minutes] == [3]


def test_the_smoothed_rate_is_brown_s() -> None:
    minute = int(START.timestamp()) // 60
    kept = CampaignDemand(minutes=(Window(minute - 2, net_units=8), Window(minute - 1, net_units=16)))
    assert demand.units_per_minute(kept, START) == 0.25 * 16 + 0.75 * (0.25 * 8)
    assert demand.units_per_minute(kept, START + timedelta(hours=1)) == 0


@pytest.mark.parametrize(
    ("missing", "rate", "seconds"), [(10, 5.0, 120.0), (10, 0.0, None), (10, -1.0, None), (0, 5.0, None)]
)
def test_time_to_what_is_missing(missing: int, rate: float, seconds: float | None) -> None:
    assert demand.seconds_to(missing, rate) == seconds


def test_the_share_of_teams_that_form_leaves_out_open_and_cancelled_ones() -> None:
    assert demand.formed_share(CampaignTotals(teams_opened=9, teams_cancelled=2)) is None
    assert demand.formed_share(CampaignTotals(teams_opened=9, teams_formed=3, teams_failed=1)) == 0.75
