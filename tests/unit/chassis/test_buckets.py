"""Token buckets by their promises: never more than a burst and the rate, and never less; and the counts of a minute."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.buckets import BURST_SECONDS, Bucket, Recent

RATE = 10
calls = st.lists(st.tuples(st.floats(0, 5), st.integers(1, 50)), max_size=60)
"""Seconds since the one before, and how much is wanted."""


def played(bucket: Bucket, wanted: list[tuple[float, int]]) -> list[tuple[float, int]]:
    """Have calls come; gives when how much was taken."""
    now, taken = 0.0, []
    for pause, count in wanted:
        now += pause
        if not bucket.missing(count, now):
            bucket.take(count)
            taken.append((now, count))
    return taken


@given(calls)
def test_no_span_of_time_has_more_than_a_burst_the_rate_and_one_bulk(wanted: list[tuple[float, int]]) -> None:
    bucket = Bucket(RATE, 0)
    taken = played(bucket, wanted)
    for first, (began, _) in enumerate(taken):
        total = 0
        for at, count in taken[first:]:
            total += count
            largest = max(0, max(size for _, size in taken) - bucket.room)
            assert total <= bucket.room + RATE * (at - began) + largest + 1e-3


@given(st.lists(st.tuples(st.floats(0, 5), st.integers(1, int(RATE * BURST_SECONDS))), max_size=60))
def test_who_keeps_to_the_rate_is_never_refused(wanted: list[tuple[float, int]]) -> None:
    bucket, now = Bucket(RATE, 0), 0.0
    for pause, count in wanted:
        now += max(pause, count / RATE)
        assert not bucket.missing(count, now)
        bucket.take(count)


@given(calls, st.integers(1, 50))
def test_when_it_says_it_is_possible_it_is_and_not_much_sooner(wanted: list[tuple[float, int]], count: int) -> None:
    bucket = Bucket(RATE, 0)
    now = sum(pause for pause, _ in wanted)
    played(bucket, wanted)
    wait = bucket.missing(count, now)
    if wait > 0.001:
        assert bucket.missing(count, now + wait - 0.001) > 0
    assert bucket.missing(count, now + wait + 1e-6) == 0


def test_a_bulk_larger_than_the_bucket_passes_when_it_is_full_and_is_paid_for() -> None:
    bucket = Bucket(RATE, 0)
    bulk = 10 * bucket.room
    assert not bucket.missing(bulk, 0)
    bucket.take(bulk)
    assert bucket.missing(1, 0) == pytest.approx((bulk - bucket.room + 1) / RATE)
    assert bucket.missing(bulk, 0) == pytest.approx(bulk / RATE)


@given(st.integers(1, 1000), st.integers(1, 1000), st.integers(0, 5000))
def test_another_rate_forgives_nothing_that_was_taken(first: int, second: int, taken: int) -> None:
    bucket = Bucket(first, 0)
    bucket.take(taken)
    bucket.change(second, 0)
    room = second * BURST_SECONDS
    assert bucket.missing(room, 0) == pytest.approx(taken / second)


def test_time_that_goes_back_gives_nothing() -> None:
    bucket = Bucket(RATE, 100)
    bucket.take(bucket.room)
    assert bucket.missing(1, 50) == pytest.approx(1 / RATE)
    assert bucket.missing(1, 100) == pytest.approx(1 / RATE)


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(1, 9)), max_size=80))
def test_a_minute_is_counted_by_the_second(came: list[tuple[float, int]]) -> None:
    recent, now, all_of_it = Recent(), 1000.0, []
    for pause, count in came:
        now += pause
        recent.add(count, now)
        all_of_it.append((math.floor(now), count))
        second = math.floor(now)
        assert recent.last_minute(now) == sum(n for at, n in all_of_it if at > second - 60)
        assert recent.last_second(now) == sum(n for at, n in all_of_it if at == second - 1)
