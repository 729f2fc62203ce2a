"""Quiet hours on the clock on the wall, over changes of it too; what may be muted; who is sent promotions."""

import re
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notification.domain import (
    CONCERNS,
    Concern,
    Contact,
    End,
    Joined,
    Kind,
    Limits,
    QuietHours,
    SeatState,
    Send,
    Settled,
    Standing,
    State,
    TeamState,
    ToPay,
    Wait,
    Waiting,
    Wishes,
    deadline,
    next_step,
    quiet_problem,
)

BERLIN = "Europe/Berlin"
NIGHT = QuietHours(time(22), time(8), BERLIN)
A = Contact(UUID(int=1), "email", "a@example.com")
B = Contact(UUID(int=2), "console", "desk", consents=True)
MINUTE = timedelta(minutes=1)
MANY = Limits()


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("quiet", "now", "end"),
    [
        (NIGHT, "2026-11-21T21:59:59+01:00", None),
        (NIGHT, "2026-11-21T22:00:00+01:00", "2026-11-22T08:00:00+01:00"),
        (NIGHT, "2026-11-22T07:59:59+01:00", "2026-11-22T08:00:00+01:00"),
        (NIGHT, "2026-11-22T08:00:00+01:00", None),
        (QuietHours(time(13), time(15), BERLIN), "2026-11-21T14:00:00+01:00", "2026-11-21T15:00:00+01:00"),
        (QuietHours(time(13), time(15), BERLIN), "2026-11-21T15:00:00+01:00", None),
        # The clock goes on from 02:00 to 03:00 on 2027-03-28, and back from 03:00 to 02:00 on 2026-10-25.
        (NIGHT, "2027-03-27T23:00:00+01:00", "2027-03-28T08:00:00+02:00"),
        (NIGHT, "2026-10-24T23:00:00+02:00", "2026-10-25T08:00:00+01:00"),
        (QuietHours(time(22), time(2, 30), BERLIN), "2027-03-28T01:00:00+01:00", "2027-03-28T03:00:00+02:00"),
        (QuietHours(time(22), time(2, 30), BERLIN), "2026-10-25T01:00:00+02:00", "2026-10-25T02:30:00+02:00"),
        (QuietHours(time(22), time(2, 30), BERLIN), "2026-10-25T02:10:00+01:00", "2026-10-25T02:30:00+01:00"),
        (QuietHours(time(2, 15), time(2, 45), BERLIN), "2027-03-28T03:00:00+02:00", None),
        (QuietHours(time(23), time(0), "Asia/Kolkata"), "2026-11-21T23:30:00+05:30", "2026-11-22T00:00:00+05:30"),
        # Apia left out 2011-12-30 altogether.
        (QuietHours(time(22), time(8), "Pacific/Apia"), "2011-12-29T23:00:00-10:00", "2011-12-31T08:00:00+14:00"),
    ],
)
def test_quiet_hours_end_when_the_clock_on_the_wall_says_so(quiet: QuietHours, now: str, end: str | None) -> None:
    assert quiet.until(at(now)) == (at(end) if end else None)


ZONES = (BERLIN, "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Shanghai", "America/St_Johns")
TIMES = st.times(min_value=time(0), max_value=time(23, 59)).map(lambda one: one.replace(second=0, microsecond=0))
NOWS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31))  # noqa: DTZ001 - given their zone below


@given(TIMES, TIMES, st.sampled_from(ZONES), NOWS)
def test_the_end_is_the_first_minute_that_is_not_quiet(starts: time, ends: time, zone: str, moment: datetime) -> None:
    quiet, now = QuietHours(starts, ends, zone), moment.replace(tzinfo=UTC, second=0, microsecond=0)
    if quiet_problem(quiet):
        return

    def is_quiet(instant: datetime) -> bool:
        shown = instant.astimezone(ZoneInfo(zone)).time()
        return starts <= shown < ends if starts < ends else shown >= starts or shown < ends

    first = now
    while is_quiet(first):
        first += MINUTE
    assert quiet.until(now) == (first if first > now else None)


def test_quiet_hours_have_a_length() -> None:
    assert quiet_problem(NIGHT) is None
    assert quiet_problem(replace(NIGHT, ends=time(14))) is None
    assert quiet_problem(replace(NIGHT, ends=time(14, 1)))
    assert quiet_problem(replace(NIGHT, ends=time(22)))


def a_standing(kind: Kind, until: datetime | None = None) -> Standing:
    made = at("2026-11-21T21:00:00+01:00")
    known = Standing(kind, 5, "email", 0, made, TeamState.FORMED, 0, 0, SeatState.CONFIRMED, None, newer_price=False)
    return replace(known, deadline=until)


def test_what_can_wait_waits_and_money_with_a_deadline_does_not() -> None:
    now, end = at("2026-11-21T23:00:00+01:00"), at("2026-11-22T08:00:00+01:00")
    wishes = Wishes(NIGHT)
    assert next_step(a_standing(Kind.FORMED), [A], {}, now, MANY, wishes=wishes) == Wait(end)
    assert next_step(a_standing(Kind.FORMED), [A], {}, end, MANY, wishes=wishes) == Send(A)
    for hours, step in ((7, Send(A)), (9, Send(A)), (9.5, Send(A)), (10, Wait(end)), (48, Wait(end))):
        pay_by = a_standing(Kind.PAYMENT_DUE, now + timedelta(hours=hours))
        assert next_step(pay_by, [A], {}, now, MANY, wishes=wishes) == step
    assert next_step(a_standing(Kind.JOINED), [A], {}, now, MANY, wishes=wishes) == Send(A)


def test_by_when_a_member_has_to_act() -> None:
    until = at("2026-11-21T23:00:00+01:00")
    assert deadline(Joined(1, 3990, until)) == until
    assert deadline(ToPay(100, until)) == until
    assert deadline(Settled(1, 2490, 2490, 0, 0, 0, 0, pay_by=until)) == until
    assert deadline(Settled(1, 2490, 0, 2490, 0, 0, 0, pay_by=until)) is None
    assert deadline(Waiting(1)) is None


@pytest.mark.parametrize("kind", Kind)
def test_what_may_be_muted_is_and_the_rest_is_not(kind: Kind) -> None:
    may = CONCERNS[kind].may_be_muted
    for wishes in (Wishes(muted=frozenset({kind}), promotions=True), Wishes(muted_all=True, promotions=True)):
        assert (wishes.unwanted(kind) is not None) is may
    assert Wishes(muted=frozenset(Kind) - {kind}, promotions=True).unwanted(kind) is None


def test_a_muted_message_ends_as_suppressed() -> None:
    standing = replace(a_standing(Kind.TIPPED), team_state=TeamState.TIPPED)
    step = next_step(standing, [A], {}, standing.created_at, MANY, wishes=Wishes(muted=frozenset({Kind.TIPPED})))
    assert step == End(State.SUPPRESSED, "the member muted it")


def test_promotions_need_an_opt_in_and_consent_at_the_contact_point(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.notification.domain.wishes.CONCERNS", dict.fromkeys(Kind, Concern.PROMOTION))
    monkeypatch.setattr("services.notification.domain.sending.CONCERNS", dict.fromkeys(Kind, Concern.PROMOTION))
    standing = replace(a_standing(Kind.LEADING), channel="console")
    now, opted_in = standing.created_at, Wishes(promotions=True)
    assert next_step(standing, [A, B], {}, now, MANY, wishes=opted_in) == Send(B)
    for contacts, wishes in (([A, B], Wishes()), ([A], opted_in), ([A, B], replace(opted_in, muted_all=True))):
        step = next_step(standing, contacts, {}, now, MANY, wishes=wishes)
        assert isinstance(step, End)
        assert step.state is State.SUPPRESSED


def test_the_page_lists_every_kind_by_its_concern() -> None:
    page = Path(__file__).parents[3] / "docs" / "messages.md"
    table = [line for line in page.read_text().splitlines() if line.startswith("|")][2:]
    said = [frozenset(re.findall(r"\b[A-Z_]{4,}\b", line.split("|")[2])) for line in table]
    order = (Concern.ANSWER, Concern.OWN, Concern.TEAM, Concern.PLATFORM, Concern.GROUP, Concern.PROMOTION)
    assert said == [frozenset(kind for kind in Kind if CONCERNS[kind] is concern) for concern in order]
    assert set(CONCERNS) == set(Kind)
