"""What of an invite is shared: titles and prices in the asked language, and words that turn nothing around."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.team_formation import domain
from services.team_formation.sharing.links import Shared
from services.team_formation.sharing.values import shared, words_language
from services.team_formation.sharing.words import LANGUAGES, WORDS
from tests.support.formation import START, a_campaign

AT = datetime(2026, 11, 21, tzinfo=UTC)
CAMPAIGN = a_campaign()
TEAM_ID = UUID(int=1)


def a_team(confirmed: int) -> domain.Team:
    totals = domain.Totals(confirmed, confirmed, 0, 0)
    state = domain.TeamState.FORMING
    ids = (CAMPAIGN.campaign_id, TEAM_ID, CAMPAIGN.platform_id)
    return domain.Team(*ids, 1, state, 1, totals, START, CAMPAIGN.ends_at, CAMPAIGN.ends_at, "mei")


def an_invite(**changes: object) -> domain.Invite:
    invite = domain.Invite(
        UUID(int=2), CAMPAIGN.campaign_id, TEAM_ID, CAMPAIGN.platform_id, "mei", "", "wechat", "Mei", "Sweet!", AT
    )
    return replace(invite, **changes)  # type: ignore[arg-type]


def titled(**titles: str) -> domain.Campaign:
    texts = tuple(domain.LocalizedText(language.replace("_", "-"), title) for language, title in titles.items())
    return replace(CAMPAIGN, presentation=replace(CAMPAIGN.presentation, texts=texts))


def values(
    campaign: domain.Campaign = CAMPAIGN, invite: domain.Invite | None = None, confirmed: int = 0, language: str = ""
) -> Shared:
    team = a_team(confirmed)
    link = "https://shop.example/i/x"
    return shared(invite or an_invite(), campaign, team, campaign.terms, link=link, code="x", language=language)


@pytest.mark.parametrize(
    ("asked", "title", "words"),
    [
        ("", "Mangoes", "en"),
        ("en-GB", "Mangoes", "en"),
        ("zh-CN", "芒果", "zh-Hans"),
        ("zh-Hans", "芒果", "zh-Hans"),
        ("es-MX", "Mangos", "es"),
        ("de", "Mangoes", "en"),
        ("ar", "Mangoes", "ar"),
        ("???", "Mangoes", "en"),
    ],
)
def test_title_and_words_are_in_the_language_asked_for(asked: str, title: str, words: str) -> None:
    found = values(titled(en="Mangoes", zh_Hans="芒果", es="Mangos"), language=asked)
    assert (found.title, found.language) == (title, words)


def test_without_words_in_the_language_asked_for_they_follow_the_title() -> None:
    assert words_language("fr", "zh-Hans") == "zh-Hans"
    assert words_language("", "fr") == "en"
    found = values(titled(zh_Hans="芒果", fr="Mangues"), language="fr-CA")
    assert (found.title, found.language) == ("Mangues", "en")


@pytest.mark.parametrize(
    ("confirmed", "language", "price"),
    [
        (0, "en", "€39.90"),
        (2, "en", "€34.90"),
        (4, "es", "29,90\N{NO-BREAK SPACE}€"),
        (5, "zh-Hans", "€24.90"),
        (5, "en-IE", "€24.90"),
        (2, "ar-EG", "\u200f34.90\N{NO-BREAK SPACE}€"),
    ],
)
def test_the_price_is_the_one_now_as_the_language_writes_it(confirmed: int, language: str, price: str) -> None:
    assert values(confirmed=confirmed, language=language).price.replace("\u200f", "") == price.replace("\u200f", "")


def test_a_formed_team_shares_the_price_it_formed_with() -> None:
    team = replace(a_team(2), state=domain.TeamState.FORMED, formed_fill=3)  # one has withdrawn since
    found = shared(an_invite(), CAMPAIGN, team, CAMPAIGN.terms, link="https://shop.example/i/x", code="x", language="")
    assert found.price == "€29.90"


def two_items() -> domain.Campaign:
    table = CAMPAIGN.terms.price_table
    lime = tuple(domain.PriceRow("lime", role, (domain.PriceStep(0, 990),)) for role in domain.Role)
    terms = replace(CAMPAIGN.terms, price_table=replace(table, rows=(*table.rows, *lime)))
    return replace(CAMPAIGN, terms=terms)


@pytest.mark.parametrize(
    ("shown_sku", "language", "price"),
    [
        ("", "en", "from €9.90"),
        ("", "zh-Hans", "€9.90起"),
        ("mango", "en", "€39.90"),
        ("lime", "en", "€9.90"),
        ("gone", "en", "from €9.90"),
    ],
)
def test_of_several_prices_the_lowest_is_said_to_be_that(shown_sku: str, language: str, price: str) -> None:
    assert values(replace(two_items(), shown_sku=shown_sku), language=language).price == price


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_commission_is_disclosed_in_the_language(language: str) -> None:
    earning = an_invite(commission_basis_points=250)
    assert values(invite=earning, language=language).disclosure == WORDS[language].disclosure
    assert values(language=language).disclosure == ""


@given(st.text(max_size=40), st.text(max_size=140), st.text(max_size=35))
def test_words_are_one_line_and_turn_nothing_around(label: str, note: str, language: str) -> None:
    found = values(invite=an_invite(label=label, note=note), language=language)
    for text in (found.label, found.note):
        assert "\n" not in text
        assert "\r" not in text
        assert not set(text) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    assert set(found.label) <= {*label, " "}


def test_words_stay_as_they_were_written() -> None:
    found = values(invite=an_invite(label="Mei 梅 🥭", note="50%  off? *yes* _really_"))
    assert (found.label, found.note) == ("Mei 梅 🥭", "50%  off? *yes* _really_")
