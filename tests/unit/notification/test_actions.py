"""Messages with something to do carry a link and its label, and say both in the text where there is no button."""

from dataclasses import replace

import pytest

from services.notification.domain import (
    EXAMPLE_TEAM,
    EXAMPLES,
    Facts,
    Kind,
    PaymentMode,
    Settled,
    Template,
    with_link,
    without_link,
)
from services.notification.rendering import languages, render, write

LINK = EXAMPLE_TEAM.checkout_url
DUE = Settled(1, 2490, 2490, 0, 0, 0, 0)


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize(
    ("kind", "facts"),
    [*((kind, EXAMPLES[kind][0]) for kind in (Kind.JOINED, Kind.SEAT_FREE, Kind.PAYMENT_DUE)), (Kind.FORMED, DUE)],
)
def test_what_has_to_be_done_is_the_last_line_and_the_button(kind: Kind, facts: Facts, language: str) -> None:
    words = render(kind, facts, EXAMPLE_TEAM, language, "")
    assert words.link == LINK
    assert words.body.splitlines()[-1] == f"{words.link_label}: {LINK}"
    assert words.body.count(LINK) == 1
    assert without_link(words.body, words.link_label, LINK) == words.body.rsplit("\n", 2)[0] + "\n"


@pytest.mark.parametrize(
    ("language", "label"), [("en", "Pay now"), ("zh", "立即付款"), ("es-MX", "Pagar ahora"), ("ar", "ادفع الآن")]
)
def test_a_button_speaks_the_messages_language(language: str, label: str) -> None:
    assert render(Kind.FORMED, DUE, EXAMPLE_TEAM, language, "").link_label == label


@pytest.mark.parametrize(
    ("kind", "facts", "mode"),
    [
        (Kind.FORMED, DUE, PaymentMode.PAY_ON_DELIVERY),
        (Kind.FORMED, EXAMPLES[Kind.FORMED][0], PaymentMode.PREPAID),
        (Kind.TIPPED, EXAMPLES[Kind.TIPPED][0], PaymentMode.PREPAID),
        (Kind.PAYMENT_CHANGED, DUE, PaymentMode.PREPAID),
    ],
)
def test_where_nothing_has_to_be_done_there_is_no_button(kind: Kind, facts: Facts, mode: PaymentMode) -> None:
    words = render(kind, facts, replace(EXAMPLE_TEAM, payment_mode=mode), "en", "")
    assert (words.link, words.link_label) == ("", "")
    assert LINK not in words.body


def test_a_campaign_without_checkout_has_no_button() -> None:
    words = render(Kind.JOINED, EXAMPLES[Kind.JOINED][0], replace(EXAMPLE_TEAM, checkout_url=""), "en", "")
    assert (words.link, words.link_label) == ("", "")
    assert "\n\n" not in words.body
    assert words.body.splitlines()[-1].startswith("Whatever happens")


def test_a_template_that_names_the_link_itself_is_left_as_it_is() -> None:
    own = Template(Kind.JOINED, "", "en", 1, "s", "Go to {{ checkout_url }} now.")
    words = write(own, EXAMPLES[Kind.JOINED][0], EXAMPLE_TEAM, "en", "")
    assert words.body == f"Go to {LINK} now.\n"
    assert words.link == LINK
    assert without_link(words.body, words.link_label, LINK) == words.body


def test_a_template_in_another_language_has_a_label_all_the_same() -> None:
    own = Template(Kind.JOINED, "", "de", 1, "s", "Los.")
    assert write(own, EXAMPLES[Kind.JOINED][0], EXAMPLE_TEAM, "de", "").body == f"Los.\nConfirm my seat: {LINK}\n"


def test_without_a_link_a_text_stays_as_it_is() -> None:
    assert with_link("a\n", "", "") == "a\n"
    assert without_link("a\n: \n", "", "") == "a\n: \n"
