"""The rules: what the copy of a team becomes, who is told what, and what follows from an attempt."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notification.domain import (
    Contact,
    Contradiction,
    CountedIn,
    End,
    Kind,
    Limits,
    Misconfigured,
    Move,
    Opened,
    PaymentMode,
    PriceFact,
    PriceMoved,
    Refused,
    Reroute,
    Retry,
    Role,
    Seat,
    SeatMoved,
    SeatState,
    Send,
    Sent,
    Standing,
    State,
    Team,
    TeamFact,
    TeamState,
    Text,
    Tried,
    Wait,
    advance,
    after,
    language_problem,
    move_seat,
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


def a_team(counted_in: CountedIn = CountedIn.MEMBERS) -> Team:
    opened = Opened((Text("en", "Mangoes"),), "s", "", "UTC", PaymentMode.COMMIT, counted_in, 2, "EUR", NOW)
    return Team(UUID(int=1), UUID(int=2), UUID(int=3), 1, TeamState.FORMING, opened=opened)


def a_fact(version: int, change: SeatMoved | Opened | None = None, *, platform: int = 1) -> TeamFact:
    return TeamFact(
        UUID(int=version), UUID(int=platform), UUID(int=2), UUID(int=3), version, TeamState.TIPPED, 2, 5, change
    )


@pytest.mark.parametrize(("counted_in", "fill"), [(CountedIn.MEMBERS, 2), (CountedIn.UNITS, 5)])
def test_a_team_keeps_the_fill_its_minimum_is_counted_in(counted_in: CountedIn, fill: int) -> None:
    team = advance(a_team(counted_in), a_fact(2, SeatMoved(a_seat())))
    assert isinstance(team, Team)
    assert (team.version, team.state, team.fill, team.fill_version) == (2, TeamState.TIPPED, fill, 2)


def test_a_hold_does_not_change_the_confirmed_fill() -> None:
    team = advance(a_team(), a_fact(2, SeatMoved(a_seat(state=SeatState.HELD))))
    assert isinstance(team, Team)
    assert team.fill_version == 0


def test_what_was_seen_or_never_opened_changes_nothing_and_contradictions_are_said() -> None:
    team = a_team()
    assert advance(team, a_fact(1)) is None
    assert advance(Team(UUID(int=1), UUID(int=2), UUID(int=3)), a_fact(5)) is None
    assert isinstance(advance(team, a_fact(2, platform=8)), Contradiction)
    assert isinstance(advance(team, a_fact(2, team.opened)), Contradiction)
    assert isinstance(
        move_seat(a_seat(), Seat(UUID(int=9), "tom", "mango", 1, Role.MEMBER, 1, SeatState.HELD, NOW), 4), Contradiction
    )


def test_a_seat_counts_between_confirmation_and_release() -> None:
    held = move_seat(None, a_seat(confirmed=None, state=SeatState.HELD), 2)
    expired = move_seat(held, a_seat(confirmed=None, state=SeatState.RELEASED), 3) if isinstance(held, Seat) else None
    assert isinstance(expired, Seat)
    assert (expired.confirmed_version, expired.released_version) == (None, 3)
    back = move_seat(expired, a_seat(confirmed=None), 4)
    assert isinstance(back, Seat)
    assert (back.confirmed_version, back.released_version) == (4, None)
    left = move_seat(back, a_seat(confirmed=None, state=SeatState.RELEASED), 6)
    assert isinstance(left, Seat)
    assert (left.confirmed_version, left.released_version) == (4, 6)


def a_standing(
    kind: Kind = Kind.JOINED,
    team: TeamState = TeamState.FORMING,
    seat: SeatState | None = SeatState.CONFIRMED,
    *,
    newer: bool = False,
    fill_version: int = 0,
    attempts: int = 0,
    channel: str = "email",
    age: timedelta = timedelta(),
) -> Standing:
    return Standing(kind, 5, channel, attempts, NOW - age, team, fill_version, seat, newer)


@pytest.mark.parametrize(
    ("standing", "old"),
    [
        (a_standing(Kind.PRICE_FELL), False),
        (a_standing(Kind.PRICE_FELL, TeamState.TIPPED), False),
        (a_standing(Kind.PRICE_FELL, TeamState.FORMED), True),
        (a_standing(Kind.PRICE_ROSE, TeamState.FAILED), True),
        (a_standing(Kind.PRICE_ROSE, seat=SeatState.RELEASED), True),
        (a_standing(Kind.PRICE_ROSE, newer=True), True),
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
        (a_standing(age=LIMITS.age), [A], {}, State.DEAD),
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
    assert after(Misconfigured("x"), 1, NOW, NOW, 1, LIMITS) == Wait(NOW + LIMITS.misconfigured_wait)


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
