"""What preview pictures say of a team and of a campaign: what stays true, in every language."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.team_formation import domain
from services.team_formation.domain import Basis, Invite, Tally
from services.team_formation.watch import Counted
from services.team_formation.web.campaign_shown import ShownCampaign
from services.team_formation.web.campaign_visits import CampaignVisit
from services.team_formation.web.previews import campaign_poster, poster_of
from services.team_formation.web.shown import Shown
from services.team_formation.web.visits import Standing, Visit
from services.team_formation.web.wording import ending
from services.team_formation.web.words import words_of
from tests.support.formation import PLATFORM, START, a_campaign
from tests.unit.team_formation.web.test_offer import a_team


def a_visit(campaign: domain.Campaign, **team: object) -> Visit:
    shown = Shown(a_team(campaign, **team), campaign.terms, campaign)  # type: ignore[arg-type]
    invite = Invite(
        shown.team.team_id, campaign.campaign_id, shown.team.team_id, PLATFORM, "mei", "", "wechat", "Mei", "", START
    )
    return Visit(invite, Standing.GOOD, shown, "7sGk2mPq9XaB", "https://shop.example/i/7sGk2mPq9XaB", hands_over=True)


@pytest.mark.parametrize(
    ("language", "lowest", "closing"),
    [
        ("en", "down to €24.90 with 5 members", "Ends Nov 21, 9:00\u202fPM (Shanghai)"),
        ("zh-Hans", "满5人低至€24.90", "11月21日 21:00（上海）截止"),  # noqa: RUF001
        ("es", "hasta 24,90\xa0€ con 5 miembros", "Termina el 21 nov, 21:00 (Shanghái)"),
    ],
)
def test_a_poster_says_the_lowest_price_and_the_end(language: str, lowest: str, closing: str) -> None:
    poster = poster_of(a_visit(a_campaign()), words_of(language), "en")
    assert (poster.title, poster.seller) == ("Mangoes", "Fruit Shop")
    assert poster.lowest == lowest
    assert poster.price in poster.lowest
    assert poster.closing == closing


def test_what_fills_a_team_changes_nothing_on_it() -> None:
    campaign = a_campaign()
    empty = poster_of(a_visit(campaign), words_of("en"), "en")
    assert poster_of(a_visit(campaign, confirmed=4, held=1), words_of("en"), "en") == empty


def test_no_end_is_said_that_may_move_and_no_price_that_does_not_fall() -> None:
    moving = replace(a_campaign(), latest_end=START + timedelta(days=9))
    assert poster_of(a_visit(moving), words_of("en"), "en").closing == ""
    flat = poster_of(a_visit(a_campaign(maximum=2, minimum=1), confirmed=0), words_of("en"), "en")
    assert "with 2 members" in flat.lowest
    alone = poster_of(a_visit(a_campaign(maximum=1, minimum=1)), words_of("en"), "en")
    assert (alone.lowest, alone.price) == ("", "")


def test_a_ladder_of_the_whole_campaign_says_so() -> None:
    poster = poster_of(a_visit(a_campaign(basis=Basis.CAMPAIGN_UNITS)), words_of("en"), "en")
    assert poster.lowest == "down to €24.90 with 5 bought by everybody"


def a_look(campaign: domain.Campaign, units: int = 0) -> CampaignVisit:
    counted = Counted(campaign, (), (), Tally(1, units), START)
    return CampaignVisit(ShownCampaign(counted, ()), "code", "https://shop.example/c/code", hands_over=True)


@pytest.mark.parametrize("language", ["en", "zh-Hans", "es", "ar"])
def test_a_campaigns_poster_says_what_that_of_a_team_does_and_the_campaigns_end(language: str) -> None:
    campaign, words = a_campaign(), words_of(language)
    of_team = poster_of(a_visit(campaign), words, "en")
    of_campaign = campaign_poster(a_look(campaign), words, "en")
    assert replace(of_campaign, closing="") == replace(of_team, closing="")
    assert of_campaign.closing == words.say("ends", by=ending(campaign.ends_at, campaign, words))


def test_before_its_start_a_campaigns_poster_says_when_that_is() -> None:
    early = replace(a_campaign(), starts_at=START + timedelta(hours=2))
    assert campaign_poster(a_look(early), words_of("en"), "en").closing == "Starts Nov 21, 10:00\u202fPM (Shanghai)"
    hosted = replace(early, latest_end=START + timedelta(days=9))  # its host starts and ends it
    assert campaign_poster(a_look(hosted), words_of("en"), "en").closing == ""


def test_what_the_whole_campaign_has_reached_changes_nothing_on_its_poster() -> None:
    campaign = a_campaign(basis=Basis.CAMPAIGN_UNITS)
    posters = [campaign_poster(a_look(campaign, units), words_of("en"), "en") for units in (0, 4, 100)]
    assert posters[0].lowest == "down to €24.90 with 5 bought by everybody"
    assert posters[1:] == posters[:1] * 2
