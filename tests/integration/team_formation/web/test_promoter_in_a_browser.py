"""A promoter's own pages in a real browser: on a phone, dark, right to left, without a script, and kept up to date."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from playwright.async_api import Browser, expect

from services.team_formation import translate
from services.team_formation.commissions import Commission
from services.team_formation.web import promoter_numbers, promoter_pages
from tests.integration.team_formation.web.test_promoter_page import EARNS, Settled, by_invite, path_of
from tests.support.browser import a_browser, a_tab, picture, serious_barriers
from tests.support.formation import Formation
from tests.support.web import Visitor, a_shown_campaign, a_web_edge, an_invite


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A browser of its own for each test."""
    async with a_browser() as running:
        yield running


@pytest.fixture
async def visitor(formation: Formation, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Visitor]:
    """The pages' server: it counts anew at each look, and an open page looks twice a second."""
    monkeypatch.setattr(promoter_numbers, "FRESH_SECONDS", 0.0)
    monkeypatch.setattr(promoter_pages, "POLL_SECONDS", 0.5)
    settled = Settled()
    settled.sums = dict.fromkeys(map(UUID, await _campaigns(formation)), Commission(4500, 350))
    async with a_web_edge(formation, commissions=settled.of) as someone:
        yield someone


async def _campaigns(formation: Formation) -> list[str]:
    """Make two campaigns, the second with links of a promoter that earn; their ids."""
    made = []
    for member in ("mei", "lin"):
        campaign = await formation.create(a_shown_campaign(maximum=4))
        opened = await formation.open(campaign, member)
        team = opened.team.team_id
        await formation.confirm(opened.seat)
        code = await an_invite(formation, team, commission_basis_points=EARNS, note="For my followers")
        await formation.confirm(await by_invite(formation, team, code, f"{member}-friend", quantity=2))
        made.append(str(campaign.campaign_id))
    return made


async def first_of(formation: Formation) -> tuple[str, str, str]:
    """Give the path of a campaign's page, its team and the code of its link."""
    [(campaign_id, team_id, invite_id)] = await formation.rows(
        "SELECT campaign_id, team_id, invite_id FROM invites ORDER BY campaign_id LIMIT 1"
    )
    code = translate.campaign_id(campaign_id).removeprefix("camp_")
    team = translate.team_id(campaign_id, team_id)
    return f"{await path_of(formation)}/{code}", team, formation.codes.code(invite_id)


@pytest.mark.parametrize("language", ["en-US", "zh-CN", "es-ES", "ar-EG"])
@pytest.mark.parametrize("colours", ["light", "dark"])
async def test_the_pages_fit_a_small_phone_in_every_language(
    formation: Formation, visitor: Visitor, browser: Browser, language: str, colours: str
) -> None:
    detail, _, _ = await first_of(formation)
    async with a_tab(browser, locale=language, color_scheme=colours) as page:
        for name, path in (("overview", detail.rpartition("/")[0]), ("campaign", detail)):
            await page.goto(f"{visitor.origin}{path}")
            wide = await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
            assert not wide
            assert await page.evaluate("document.documentElement.dir") == ("rtl" if language == "ar-EG" else "ltr")
            assert await serious_barriers(page) == []
            await picture(page, f"promoter-{name}-{language}-{colours}")


async def test_an_open_page_follows_its_numbers(formation: Formation, visitor: Visitor, browser: Browser) -> None:
    detail, team, code = await first_of(formation)
    joined = '[data-live="figures"] dd >> nth=1'
    async with a_tab(browser) as page:
        await page.goto(f"{visitor.origin}{detail}")
        await expect(page.locator(joined)).to_have_text("1")
        await page.locator("summary", has_text="What is counted").click()
        await by_invite(formation, team, code, "bo")
        await expect(page.locator(joined)).to_have_text("2")
        await expect(page.locator("details[open]")).to_have_count(1)  # the page was not loaded again
        await an_invite(formation, team)
        await expect(page.locator(".links > li")).to_have_count(2)
        async with formation.database.work() as work:
            await work.connection.execute("UPDATE promoter_links SET number = number + 1")
        await expect(page.locator("h1")).to_have_text("This link leads nowhere")


async def test_a_page_works_without_a_script(formation: Formation, visitor: Visitor, browser: Browser) -> None:
    detail, _, _ = await first_of(formation)
    async with a_tab(browser, java_script_enabled=False) as page:
        await page.goto(f"{visitor.origin}{detail.rpartition('/')[0]}")
        await page.locator("h2 a").last.click()
        await expect(page.locator(".figures").first).to_contain_text("In complete teams")
        await expect(page.locator(".price strong")).to_have_text("€41.50")
        await page.locator(".counted a").first.click()
        await expect(page.locator(".price strong")).to_have_text("€41.50")
