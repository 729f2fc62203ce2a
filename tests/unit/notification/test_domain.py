"""The rules: who is told of prices, what is still true when its turn comes, and what follows from an attempt."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notification.domain import (
    Contact,
    End,
    Kind,
    Limits,
    Misconfigured,
    Move,
    PriceFact,
    PriceMoved,
    Refused,
    Reroute,
    Retry,
    Role,
    Seat,
    SeatState,
    Send,
    Sent,
    Standing,
    State,
    TeamState,
    Tried,
    Wait,
    after,
    language_problem,
    next_step,
    price_news,
)
from services.notification.privacy import without_addresses

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LIMITS = Limits()
PRICES = st.integers(min_value=0, max_value=10_000)
A, B = Contact(UUID(int=1), "email", "a"), Contact(UUID(int=2), "console", "b")


def a_seat(cap: int = 3990, confirmed: int | None = 3, state: SeatState = SeatState.CONFIRMED) -> Seat:
    return Seat(UUID(int=9), "mei", "mango", 1, Role.MEMBER, cap, state, NOW, confirmed)


def a_price(old: int, new: int, following: int, *, near: bool = False) -> PriceFact:
    return PriceFact((Move("mango", Role.LEADER, 1, 2, 3), Move("mango", Role.MEMBER, old, new, following)), 1, near)


@given(PRICES, PRICES, PRICES, PRICES)
def test_a_price_is_news_exactly_when_what_the_member_pays_changes(old: int, new: int, later: int, cap: int) -> None:
    news = price_news(a_price(old, new, later), a_seat(cap), version=7)
    before, now = min(old, cap), min(new, cap)
    if before == now:
        assert news is None
        return
    assert news is not None
    kind, facts = news
    assert isinstance(facts, PriceMoved)
    assert kind is (Kind.PRICE_FELL if now < before else Kind.PRICE_ROSE)
    assert (facts.before, facts.now) == (before, now)
    assert max(facts.now, facts.next) <= facts.cap == cap


@given(PRICES, PRICES, PRICES)
def test_one_missing_is_said_exactly_when_it_would_save_something(now: int, later: int, cap: int) -> None:
    news = price_news(a_price(now, now, later, near=True), a_seat(cap), version=3)
    assert (news is not None) == (min(later, cap) < min(now, cap))


def test_a_change_is_no_news_to_who_caused_it_nor_to_another_item() -> None:
    assert price_news(a_price(3990, 3490, 2990), a_seat(confirmed=7), version=7) is None
    other = Seat(UUID(int=9), "mei", "papaya", 1, Role.MEMBER, 3990, SeatState.CONFIRMED, NOW, 3)
    assert price_news(a_price(3990, 3490, 2990), other, version=7) is None


def a_standing(
    kind: Kind = Kind.JOINED,
    team: TeamState = TeamState.FORMING,
    seat: SeatState | None = SeatState.CONFIRMED,
    **known: Any,
) -> Standing:
    """What is known of a message made at version 5, by default of one that was never tried."""
    fresh = Standing(kind, 5, "email", 0, NOW, team, 0, 0, seat, None, newer_price=False)
    return replace(fresh, **known)


FORMING, TIPPED, FORMED = TeamState.FORMING, TeamState.TIPPED, TeamState.FORMED
FAILED, CANCELLED = TeamState.FAILED, TeamState.CANCELLED
WAITING, HELD, CONFIRMED = SeatState.WAITING, SeatState.HELD, SeatState.CONFIRMED
RELEASED, DEFAULTED = SeatState.RELEASED, SeatState.DEFAULTED


@pytest.mark.parametrize(
    ("standing", "old"),
    [
        (a_standing(Kind.PRICE_FELL), False),
        (a_standing(Kind.PRICE_FELL, TeamState.TIPPED), False),
        (a_standing(Kind.PRICE_FELL, TeamState.FORMED), True),
        (a_standing(Kind.PRICE_ROSE, TeamState.FAILED), True),
        (a_standing(Kind.PRICE_ROSE, seat=SeatState.RELEASED), True),
        (a_standing(Kind.PRICE_ROSE, newer_price=True), True),
        (a_standing(Kind.PRICE_FELL, fill_version=6), False),
        (a_standing(Kind.ONE_MISSING, fill_version=5), False),
        (a_standing(Kind.ONE_MISSING, fill_version=6), True),
        (a_standing(Kind.TIPPED, TeamState.TIPPED), False),
        (a_standing(Kind.TIPPED, TeamState.FORMED), False),
        (a_standing(Kind.TIPPED, TeamState.FORMING), True),
        (a_standing(Kind.TIPPED, TeamState.TIPPED, SeatState.RELEASED), True),
        (a_standing(Kind.UNTIPPED, TeamState.FORMING), False),
        (a_standing(Kind.UNTIPPED, TeamState.TIPPED), True),
        (a_standing(Kind.JOINED, seat=SeatState.HELD), False),
        (a_standing(Kind.JOINED, seat=SeatState.RELEASED), True),
        (a_standing(Kind.FORMED, TeamState.FORMED), False),
        (a_standing(Kind.FAILED, TeamState.FAILED), False),
        (a_standing(Kind.LEFT, seat=SeatState.RELEASED), False),
        (a_standing(Kind.LATE_PAYMENT, TeamState.FAILED, SeatState.RELEASED), False),
        (a_standing(Kind.FORMED, TeamState.FORMED, None), False),
        (a_standing(Kind.FORMED, FORMED, RELEASED), True),
        (a_standing(Kind.FORMED, FORMED, DEFAULTED), True),
        (a_standing(Kind.FORMED, CANCELLED), True),
        (a_standing(Kind.PRICE_FELL, CANCELLED), True),
        (a_standing(Kind.PRICE_FELL, TIPPED, DEFAULTED), True),
        (a_standing(Kind.TIPPED, CANCELLED), True),
        (a_standing(Kind.WAITLISTED, FORMED, WAITING, team_waits=True), False),
        (a_standing(Kind.WAITLISTED, FORMED, CONFIRMED, team_waits=True), True),
        (a_standing(Kind.TIPPED, TIPPED, DEFAULTED), True),
        (a_standing(Kind.UNTIPPED, FORMING, DEFAULTED), True),
        (a_standing(Kind.UNTIPPED, CANCELLED), True),
        (a_standing(Kind.JOINED, CANCELLED, HELD), True),
        (a_standing(Kind.JOINED, FAILED, CONFIRMED), True),
        (a_standing(Kind.WAITLISTED, TIPPED, WAITING), False),
        (a_standing(Kind.WAITLISTED, TIPPED, HELD), True),
        (a_standing(Kind.WAITLISTED, TIPPED, RELEASED), True),
        (a_standing(Kind.WAITLISTED, FORMED, WAITING), True),
        (a_standing(Kind.WAITLISTED, CANCELLED, WAITING), True),
        (a_standing(Kind.SEAT_FREE, TIPPED, HELD), False),
        (a_standing(Kind.SEAT_FREE, TIPPED, RELEASED), True),
        (a_standing(Kind.SEAT_FREE, CANCELLED, HELD), True),
        (a_standing(Kind.PRICED_OUT, CANCELLED, RELEASED), False),
        (a_standing(Kind.WAITED_IN_VAIN, FORMED, WAITING), False),
        (a_standing(Kind.REDUCED, FORMED, reduced_version=5), False),
        (a_standing(Kind.REDUCED, FORMED, reduced_version=6), True),
        (a_standing(Kind.REDUCED, FORMED, RELEASED, reduced_version=5), True),
        (a_standing(Kind.REDUCED, FORMED, WAITING, reduced_version=5), True),
        (a_standing(Kind.LEADING, FORMED), False),
        (a_standing(Kind.LEADING, TIPPED, RELEASED), True),
        (a_standing(Kind.LEADING, FAILED), True),
        (a_standing(Kind.RESCHEDULED, end_version=5), False),
        (a_standing(Kind.RESCHEDULED, end_version=9), True),
        (a_standing(Kind.RESCHEDULED, FORMED, end_version=5), True),
        (a_standing(Kind.RESCHEDULED, FORMING, RELEASED, end_version=5), True),
        (a_standing(Kind.WITHDRAWN, CANCELLED, RELEASED), False),
        (a_standing(Kind.DEFAULTED, FORMED, DEFAULTED), False),
        (a_standing(Kind.CANCELLED, CANCELLED, HELD), False),
        (a_standing(Kind.PAYMENT_CHANGED, CANCELLED), False),
        (a_standing(Kind.PAYMENT_DUE, FORMED), False),
        (a_standing(Kind.PAYMENT_DUE, FORMED, DEFAULTED), True),
        (a_standing(Kind.PAYMENT_DUE, FORMED, paid=True), True),
    ],
)
def test_nothing_is_sent_that_is_no_longer_true(standing: Standing, old: bool) -> None:  # noqa: FBT001
    step = next_step(standing, [A], {}, NOW, LIMITS)
    assert isinstance(step, End if old else Send)
    assert not isinstance(step, End) or (step.state is State.SUPERSEDED and step.reason)


def test_contact_points_take_turns() -> None:
    assert next_step(a_standing(), [A, B], {}, NOW, LIMITS) == Send(A)
    assert next_step(a_standing(), [A, B], {A.contact_id: Tried(2, refused=False)}, NOW, LIMITS) == Send(A)
    tried = {A.contact_id: Tried(3, refused=False)}
    assert next_step(a_standing(), [A, B], tried, NOW, LIMITS) == Reroute("console")
    assert next_step(a_standing(channel="console"), [A, B], tried, NOW, LIMITS) == Send(B)
    both = tried | {B.contact_id: Tried(3, refused=False)}
    assert next_step(a_standing(), [A, B], both, NOW, LIMITS) == Send(A)
    refused = {A.contact_id: Tried(1, refused=True)}
    assert next_step(a_standing(channel="console"), [A, B], refused, NOW, LIMITS) == Send(B)


@pytest.mark.parametrize(
    ("standing", "contacts", "tried", "state"),
    [
        (a_standing(), [], {}, State.SUPPRESSED),
        (a_standing(), [A], {A.contact_id: Tried(1, refused=True)}, State.REFUSED),
        (a_standing(attempts=LIMITS.attempts), [A], {}, State.DEAD),
        (a_standing(created_at=NOW - LIMITS.age), [A], {}, State.DEAD),
    ],
)
def test_a_delivery_ends_with_a_reason(
    standing: Standing, contacts: list[Contact], tried: dict[UUID, Tried], state: State
) -> None:
    step = next_step(standing, contacts, tried, NOW, LIMITS)
    assert isinstance(step, End)
    assert step.state is state
    assert step.reason


@given(
    st.integers(1, 1000),
    st.floats(0, 1),
    st.timedeltas(timedelta(), timedelta(days=2)),
    st.none() | st.timedeltas(timedelta(), timedelta(days=400)),
)
def test_waits_grow_are_spread_and_never_outlast_the_age(
    attempts: int, jitter: float, age: timedelta, asked: timedelta | None
) -> None:
    created_at = NOW - age
    step = after(Retry("busy", asked), attempts, created_at, NOW, jitter, LIMITS)
    assert isinstance(step, Wait)
    end = max(NOW, created_at + LIMITS.age)
    assert NOW <= step.due_at <= end
    if step.due_at < end:
        assert step.due_at - NOW >= (asked or timedelta())
        assert step.due_at - NOW <= max(LIMITS.longest_wait, asked or timedelta())


def test_what_follows_from_each_outcome() -> None:
    assert after(Sent("x"), 1, NOW, NOW, 0, LIMITS) == End(State.SENT)
    assert after(Refused("no"), 1, NOW, NOW, 0, LIMITS) == Wait(NOW)
    assert after(Retry("busy"), 1, NOW, NOW, 0, LIMITS) == Wait(NOW + timedelta(seconds=0.5))
    assert after(Retry("busy"), 4, NOW, NOW, 1, LIMITS) == Wait(NOW + timedelta(seconds=8))
    assert after(Misconfigured("x"), 1, NOW, NOW, 1, LIMITS) == Wait(NOW)


@pytest.mark.parametrize(
    "language", ["", "en", "zh-Hans", "zh-Hant-TW", "es-419", "sl-rozaj-biske", "de-CH-1996", "x" * 3]
)
def test_languages_are_accepted(language: str) -> None:
    assert language_problem(language) is None


@pytest.mark.parametrize("language", ["e", "english language", "en_US", "-en", "en-", "中文", "en\n"])
def test_what_is_no_language_is_refused(language: str) -> None:
    assert language_problem(language)


@pytest.mark.parametrize(
    ("detail", "address"),
    [
        ("550 5.1.1 <Mei.Li@Example.com> unknown", "mei.li@example.com"),
        ("no such user mei.li here", "mei.li@example.com"),
        (
            "ClientConnectorError: Cannot connect to host hooks.example.com:443 ssl",
            "https://hooks.example.com/t/123456",
        ),
        ("see https://hooks.example.com/t/123456?x=1", "https://hooks.example.com/t/123456"),
        ("forwarded to other.person@elsewhere.example", "mei.li@example.com"),
    ],
)
def test_details_name_no_address(detail: str, address: str) -> None:
    said = without_addresses(detail, address)
    assert "(address)" in said
    for part in ("example", "mei.li", "123456", "person"):
        assert part not in said.lower()


def test_details_are_one_short_line() -> None:
    said = without_addresses("a\r\nb\x00" + "c" * 1000, "mei@example.com")
    assert said.startswith("a b c")
    assert len(said) == 300
