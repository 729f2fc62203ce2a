"""Every kind of message is written in every language and payment mode, with money and times as people write them."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from services.chassis import formats
from services.notification.domain import (
    OWN_WORDS,
    Brought,
    Card,
    CountedIn,
    EndMoved,
    Facts,
    GivenUp,
    HoldEnds,
    Joined,
    Joins,
    Kind,
    Leading,
    OneLeft,
    OneMissing,
    Opened,
    PaymentMode,
    PriceMoved,
    Reduced,
    Refunded,
    Settled,
    Starts,
    TeamState,
    Text,
    TimeLeft,
    ToPay,
    Turned,
    Waiting,
)
from services.notification.rendering import languages, render

LANGUAGES = ["ar", "en", "es", "zh-Hans"]
FSI, PDI = "\N{FIRST STRONG ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"
UNTIL = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)


def an_opened(mode: PaymentMode = PaymentMode.PREPAID, currency: str = "EUR", texts: tuple[Text, ...] = ()) -> Opened:
    return Opened(
        texts=texts or (Text("en", "Mangoes"), Text("zh-Hans", "芒果")),
        seller="Orchard",
        checkout_url="https://shop.example/checkout",
        time_zone="Asia/Shanghai",
        payment_mode=mode,
        counted_in=CountedIn.MEMBERS,
        minimum=4,
        currency=currency,
        ends_at=UNTIL + timedelta(hours=5),
    )


def a_card(state: TeamState, missing: int = 0, left: int = 4, stop: str = "https://shop.example/stop?t=x") -> Card:
    return Card(state, 3, missing, left, UNTIL, "https://shop.example/i/x", stop)


SETTLED = Settled(quantity=2, unit_price=2490, due=0, captured=0, kept=4980, voided=0, refunded=2000)
FACTS: dict[Kind, Facts] = {
    Kind.JOINED: Joined(2, 3990, UNTIL),
    Kind.PRICE_FELL: PriceMoved(2, 3990, 3490, 2990, 1, 3990),
    Kind.PRICE_ROSE: PriceMoved(2, 2990, 3490, 2990, 1, 3490),
    Kind.ONE_MISSING: OneMissing(2, 2990, 2490, 3490),
    Kind.TIPPED: Turned(2, 3490, 0, 2),
    Kind.UNTIPPED: Turned(2, 3490, 1, 0),
    Kind.FORMED: SETTLED,
    Kind.FAILED: Settled(2, 0, 0, 0, 0, 0, 6980),
    Kind.LEFT: Settled(2, 0, 0, 0, 0, 6980, 0),
    Kind.LATE_PAYMENT: Settled(2, 0, 0, 0, 0, 0, 6980),
    Kind.WAITLISTED: Waiting(2),
    Kind.SEAT_FREE: Joined(2, 3990, UNTIL),
    Kind.PRICED_OUT: Waiting(2),
    Kind.WAITED_IN_VAIN: Waiting(2),
    Kind.REDUCED: Reduced(2, 1, 3490, paid=True),
    Kind.WITHDRAWN: GivenUp(2, paid=True),
    Kind.DEFAULTED: GivenUp(2, paid=False),
    Kind.LEADING: Leading(2, 3490, 500),
    Kind.CANCELLED: GivenUp(2, paid=True, reason="Hail."),
    Kind.RESCHEDULED: EndMoved(2, UNTIL),
    Kind.PAYMENT_CHANGED: Settled(-2, 2490, -4980, 0, 0, 6980, 6980),
    Kind.PAYMENT_DUE: ToPay(4980, UNTIL),
    Kind.SOMEONE_JOINED: Joins(2),
    Kind.TIME_RUNNING_OUT: TimeLeft(UNTIL, 2),
    Kind.HOLD_ENDING: HoldEnds(2, UNTIL),
    Kind.ONE_SEAT_LEFT: OneLeft(UNTIL),
    Kind.NUDGE: TimeLeft(UNTIL, 2),
    Kind.REMINDER: Starts(UNTIL),
    Kind.PROMOTER_DAILY: Brought(3, 1),
    Kind.REFUND_DONE: Refunded(1500),
    Kind.GROUP_CARD: a_card(TeamState.FORMING, 2),
    Kind.GROUP_ON: a_card(TeamState.TIPPED),
    Kind.GROUP_ENDED: a_card(TeamState.FORMED),
}
# The other branch of what a template tells apart.
OTHERWISE: dict[Kind, Facts] = {
    Kind.TIPPED: Turned(1, 3490, 0, 1),
    Kind.FORMED: Settled(1, 2490, 2490, 0, 0, 0, 0, sponsored=1),
    Kind.WAITLISTED: Waiting(1),
    Kind.SEAT_FREE: Joined(1, 3990, UNTIL),
    Kind.PRICED_OUT: Waiting(1),
    Kind.WAITED_IN_VAIN: Waiting(1),
    Kind.REDUCED: Reduced(1, 2, 0, paid=False),
    Kind.WITHDRAWN: GivenUp(1, paid=False),
    Kind.DEFAULTED: GivenUp(1, paid=False),
    Kind.LEADING: Leading(1, 3490, 0),
    Kind.CANCELLED: GivenUp(1, paid=False, waiting=True),
    Kind.PAYMENT_CHANGED: Settled(1, 2490, 2490, 2490, 0, 0, 0),
    Kind.TIME_RUNNING_OUT: TimeLeft(UNTIL, 0),
    Kind.NUDGE: TimeLeft(UNTIL, 0),
    Kind.HOLD_ENDING: HoldEnds(1, UNTIL),
}


# Every number that has a form of its own somewhere, for each kind that counts something.
NUMBERS = (1, 2, 3, 11, 100)
COUNTS: list[tuple[Kind, Facts]] = [
    *((kind, Joined(number, 3990, UNTIL)) for kind in (Kind.JOINED, Kind.SEAT_FREE) for number in NUMBERS),
    *(
        (kind, Waiting(number))
        for kind in (Kind.WAITLISTED, Kind.PRICED_OUT, Kind.WAITED_IN_VAIN)
        for number in NUMBERS
    ),
    *((Kind.REDUCED, Reduced(number, number, 3490, paid=True)) for number in NUMBERS),
    *(
        (kind, GivenUp(number, paid=True))
        for kind in (Kind.WITHDRAWN, Kind.DEFAULTED, Kind.CANCELLED)
        for number in NUMBERS
    ),
    *((kind, TimeLeft(UNTIL, number)) for kind in (Kind.TIME_RUNNING_OUT, Kind.NUDGE) for number in NUMBERS),
    *((Kind.HOLD_ENDING, HoldEnds(number, UNTIL)) for number in NUMBERS),
    *((Kind.GROUP_CARD, a_card(TeamState.FORMING, number, number, stop="")) for number in NUMBERS),
    *((Kind.PROMOTER_DAILY, Brought(number, number)) for number in NUMBERS),
    *((Kind.GROUP_CARD, a_card(state)) for state in TeamState if state is not TeamState.UNKNOWN),
    *((Kind.GROUP_ENDED, a_card(state)) for state in (TeamState.FAILED, TeamState.CANCELLED)),
    *((Kind.UNTIPPED, Turned(1, 3490, number, 0)) for number in NUMBERS),
    *((Kind.TIPPED, Turned(1, 3490, 0, number)) for number in NUMBERS),
    *(
        (kind, PriceMoved(1, 3990, 3490, 2990, number, 3990, of_campaign=joint))
        for kind in (Kind.PRICE_FELL, Kind.PRICE_ROSE)
        for number in NUMBERS
        for joint in (False, True)
    ),
]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("mode", PaymentMode)
@pytest.mark.parametrize(("kind", "facts"), [*FACTS.items(), *OTHERWISE.items(), *COUNTS])
def test_each_kind_is_written(kind: Kind, facts: Facts, mode: PaymentMode, language: str) -> None:
    words = render(kind, facts, an_opened(mode), language, "")
    assert words.language == language
    assert ("芒果" if language == "zh-Hans" else "Mangoes") in words.subject
    assert "\n" not in words.subject
    assert words.body.strip()
    assert "\n\n" not in words.body
    for leftover in ("{{", "}}", "{%", "None", "Undefined"):
        assert leftover not in words.subject + words.body


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_due_says_by_when(language: str) -> None:
    due = Settled(1, 2490, 2490, 0, 0, 0, 0, pay_by=UNTIL)
    opened = an_opened(PaymentMode.COMMIT)
    later = render(Kind.PAYMENT_DUE, FACTS[Kind.PAYMENT_DUE], opened, language, "").body
    said = render(Kind.FORMED, due, opened, language, "").body
    whenever = render(Kind.FORMED, replace(due, pay_by=None), opened, language, "").body
    assert str(UNTIL.year) in said
    assert str(UNTIL.year) in later
    assert "49.80" in later.replace(",", ".")
    assert "24.90" in said.replace(",", ".")
    assert "24.90" in whenever.replace(",", ".")
    assert str(UNTIL.year) not in whenever


def test_every_kind_is_among_those_written() -> None:
    assert set(FACTS) == set(Kind) - OWN_WORDS


def test_there_are_four_languages() -> None:
    assert set(languages()) == set(LANGUAGES)


@pytest.mark.parametrize(
    ("units", "said"), [(1, "بـمقعد "), (2, "بـوحدتين "), (3, "بـ3 وحدات "), (11, "بـ11 وحدة "), (100, "بـ100 وحدة ")]
)
def test_arabic_counts_in_six_forms(units: int, said: str) -> None:
    assert said in render(Kind.JOINED, Joined(units, 3990, UNTIL), an_opened(), "ar", "").body


@pytest.mark.parametrize(("missing", "said"), [(1, "una participación más"), (1200, "1.200 participaciones más")])
def test_spanish_counts_in_its_forms(missing: int, said: str) -> None:
    facts = PriceMoved(1, 3990, 3490, 2990, missing, 3990)
    assert said in render(Kind.PRICE_FELL, facts, an_opened(), "es", "").body


@pytest.mark.parametrize(("kind", "facts"), [*FACTS.items(), *OTHERWISE.items()])
def test_what_runs_left_to_right_is_isolated_in_arabic(kind: Kind, facts: Facts) -> None:
    words = render(kind, facts, an_opened(), "ar-EG", "")
    text = words.subject + words.body
    assert f"{FSI}Mangoes{PDI}" in words.subject
    assert text.count(FSI) == text.count(PDI)
    for outside in re.sub(f"{FSI}[^{PDI}]*{PDI}", "", text).splitlines():
        assert "€" not in outside
        assert "UTC" not in outside
        assert "Orchard" not in outside


def test_nothing_is_isolated_where_all_runs_left_to_right() -> None:
    assert FSI not in render(Kind.JOINED, FACTS[Kind.JOINED], an_opened(), "es", "").body


def test_joined_says_until_when_and_the_most_it_can_cost() -> None:
    words = render(Kind.JOINED, FACTS[Kind.JOINED], an_opened(), "en", "Europe/Berlin")
    assert "Nov 21, 2026" in words.body
    assert "11:30" in words.body
    assert "UTC+01:00" in words.body
    assert "never pay more than €79.80 (2 × €39.90)" in words.body  # noqa: RUF001


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        (PaymentMode.PREPAID, "Pay by then"),
        (PaymentMode.HOLD, "Authorise €79.80"),
        (PaymentMode.COMMIT, "Nothing is paid before"),
        (PaymentMode.PAY_ON_DELIVERY, "You pay at delivery"),
    ],
)
def test_joined_asks_for_what_the_payment_mode_asks(mode: PaymentMode, said: str) -> None:
    assert said in render(Kind.JOINED, FACTS[Kind.JOINED], an_opened(mode), "en", "").body


def test_price_fell_says_what_is_paid_now_the_cap_and_what_one_more_changes() -> None:
    body = render(Kind.PRICE_FELL, PriceMoved(1, 3990, 3490, 2990, 1, 3990), an_opened(), "en", "").body
    assert "now pay €34.90 instead of €39.90, and never more than €39.90" in body
    assert "One more brings it down to €29.90" in body


def test_a_price_that_can_fall_no_further_says_so() -> None:
    body = render(Kind.PRICE_FELL, PriceMoved(1, 2990, 2490, 2490, 0, 3990), an_opened(), "en", "").body
    assert "best price" in body


def test_price_rose_states_the_cap() -> None:
    body = render(Kind.PRICE_ROSE, PriceMoved(1, 2990, 3490, 2990, 2, 3490), an_opened(), "en", "").body
    assert "never pay more than €34.90" in body
    assert "2 more bring it down to €29.90 again" in body


@pytest.mark.parametrize(
    ("facts", "said", "unsaid"),
    [
        (
            Settled(1, 2490, 0, 0, 2490, 0, 1000),
            ["paid €24.90", "€10.00 comes back"],
            ["charged", "released", "delivery"],
        ),
        (Settled(1, 2490, 0, 2490, 0, 1000, 0), ["€24.90 of what you authorised is charged", "€10.00"], ["comes back"]),
        (Settled(1, 2490, 2490, 0, 0, 0, 0), ["€24.90 is still to be paid"], ["comes back", "charged"]),
    ],
)
def test_formed_is_worded_by_the_amounts(facts: Settled, said: list[str], unsaid: list[str]) -> None:
    body = render(Kind.FORMED, facts, an_opened(), "en", "").body
    assert all(text in body for text in said)
    assert not any(text in body for text in unsaid)


def test_pay_on_delivery_is_due_at_delivery() -> None:
    facts = Settled(1, 2490, 2490, 0, 0, 0, 0)
    assert "€24.90 at delivery" in render(Kind.FORMED, facts, an_opened(PaymentMode.PAY_ON_DELIVERY), "en", "").body


@pytest.mark.parametrize(
    ("kind", "facts", "said"),
    [
        (Kind.TIPPED, Turned(1, 3490, 0, 0), None),
        (Kind.TIPPED, Turned(1, 3490, 0, 1), "One of its places is sponsored by the platform."),
        (Kind.TIPPED, Turned(1, 3490, 0, 3), "3 of its places are sponsored by the platform."),
        (Kind.FORMED, SETTLED, None),
        (
            Kind.FORMED,
            Settled(1, 2490, 2490, 0, 0, 0, 0, sponsored=2),
            "2 of the team's places are sponsored by the platform",
        ),
    ],
)
def test_sponsored_places_are_named_where_there_are_any(kind: Kind, facts: Facts, said: str | None) -> None:
    body = render(kind, facts, an_opened(), "en", "").body
    assert (said or "") in body
    assert ("sponsored" in body) == bool(said)


def test_a_seat_that_became_free_says_until_when_and_the_most_it_can_cost() -> None:
    body = render(Kind.SEAT_FREE, Joined(1, 3990, UNTIL), an_opened(), "en", "Europe/Berlin").body
    assert "11:30" in body
    assert "Pay by then" in body
    assert "never pay more than €39.90" in body


@pytest.mark.parametrize(
    ("facts", "said", "unsaid"),
    [
        (Settled(-1, 2490, 0, 0, -2490, 0, 2490), ["€24.90 comes back"], ["paid any more", "charged"]),
        (Settled(-1, 2490, 0, -2490, 0, 2490, 0), ["€24.90 of what you authorised is released"], ["is charged."]),
        (Settled(-1, 2490, -2490, 0, 0, 0, 0), ["€24.90 does not have to be paid any more"], ["comes back", "-"]),
        (Settled(1, 2490, 2490, 0, 0, 0, -100), ["€24.90 is still to be paid"], ["comes back", "-"]),
    ],
)
def test_a_changed_payment_is_worded_by_the_amounts(facts: Settled, said: list[str], unsaid: list[str]) -> None:
    body = render(Kind.PAYMENT_CHANGED, facts, an_opened(), "en", "").body
    assert all(text in body for text in said)
    assert not any(text in body for text in unsaid)


def test_a_failed_team_in_which_nothing_was_paid_owes_nothing() -> None:
    assert (
        "paid nothing and owe nothing" in render(Kind.FAILED, Settled(1, 0, 0, 0, 0, 0, 0), an_opened(), "en", "").body
    )


@pytest.mark.parametrize(
    ("minor_units", "currency", "language", "written"),
    [
        (3990, "EUR", "en", "€39.90"),
        (3990, "JPY", "en", "¥3,990"),
        (3990, "KWD", "en", "KWD\N{NO-BREAK SPACE}3.990"),
        (3990, "CNY", "zh-Hans", "¥39.90"),
        (3990, "JPY", "zh-Hans", "JP¥3,990"),
        (123456, "EUR", "de", "1.234,56\N{NO-BREAK SPACE}€"),
        (3990, "RSD", "en", "RSD\N{NO-BREAK SPACE}39.90"),  # ISO 4217 counts hundredths, whatever cash has
        (0, "EUR", "en", "€0.00"),
    ],
)
def test_money_is_written_exactly(minor_units: int, currency: str, language: str, written: str) -> None:
    locale = formats.parse_locale(language)
    assert locale is not None
    assert formats.money(minor_units, currency, locale) == written


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("en", "en"),
        ("en-GB", "en"),
        ("zh", "zh-Hans"),
        ("zh-CN", "zh-Hans"),
        ("zh-Hant-TW", "zh-Hans"),
        ("de", "en"),
        ("tlh", "en"),
        ("", "en"),
    ],
)
def test_the_closest_language_is_used(wanted: str, found: str) -> None:
    assert formats.best_match(wanted, ("en", "zh-Hans"), "en") == found


def test_a_language_without_templates_gets_the_fallback_with_its_own_title() -> None:
    opened = an_opened(texts=(Text("en", "Mangoes"), Text("de", "Mangos")))
    words = render(Kind.TIPPED, FACTS[Kind.TIPPED], opened, "de-AT", "")
    assert words.language == "en"
    assert words.subject == "It is on: Mangos"
    assert "€69.80" in words.body


def test_without_a_language_the_campaigns_first_is_used() -> None:
    opened = an_opened(texts=(Text("zh-CN", "芒果"), Text("en", "Mangoes")))
    assert render(Kind.TIPPED, FACTS[Kind.TIPPED], opened, "", "").language == "zh-Hans"


def test_a_title_cannot_break_the_subject_or_run_code() -> None:
    opened = an_opened(texts=(Text("en", "Mango\r\nBcc: x@y.example {{ 1 + 1 }}"),))
    words = render(Kind.TIPPED, FACTS[Kind.TIPPED], opened, "en", "")
    assert words.subject == "It is on: Mango Bcc: x@y.example {{ 1 + 1 }}"


def test_the_same_message_to_many_is_written_once() -> None:
    facts = OneMissing(1, 2990, 2490, int(uuid4().int % 10_000) + 3000)
    assert render(Kind.ONE_MISSING, facts, an_opened(), "en", "") is render(
        Kind.ONE_MISSING, facts, an_opened(), "en", ""
    )
