"""Invite pages in a real browser, on a small phone: without a script, live, dark, in Chinese and right to left."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from playwright.async_api import Browser, Route, expect

from services.team_formation import domain
from tests.support.browser import a_browser, a_tab, picture, serious_barriers
from tests.support.formation import Formation, a_campaign
from tests.support.shop_pictures import a_fetcher, a_picture, a_shop, with_picture
from tests.support.web import Visitor, a_web_edge, an_invite


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A browser of its own for each test."""
    async with a_browser() as running:
        yield running


@pytest.fixture
async def visitor(formation: Formation) -> AsyncIterator[Visitor]:
    """The pages' server."""
    async with a_web_edge(formation) as someone:
        yield someone


def a_shown_campaign(**changes: Any) -> domain.Campaign:
    """A campaign as a shop would show it."""
    campaign = a_campaign(**changes)
    terms = "Ripe and ready to eat. Delivered on Thursday between 14:00 and 20:00."
    texts = (
        domain.LocalizedText("en", "Alphonso mangoes, box of 12", terms),
        domain.LocalizedText("zh-Hans", "阿方索芒果 12个装", "成熟即食，周四14:00至20:00配送。"),  # noqa: RUF001
        domain.LocalizedText("ar", "مانجو ألفونسو، صندوق من 12 حبة"),
    )
    charges = (domain.ShownCharge(domain.ChargeKind.DELIVERY, "Delivery", 390, "EUR"),)
    shown = replace(
        campaign.presentation,
        texts=texts,
        seller="Fruit Shop",
        checkout_url="https://shop.example/buy",
        charges=charges,
        prices_include_tax=True,
    )
    return replace(campaign, presentation=shown)


async def a_team(formation: Formation, **changes: Any) -> tuple[Any, str]:
    """A team of three with an unpaid place, and a code that leads to it."""
    opened = await formation.open(await formation.create(a_shown_campaign(**changes)))
    await formation.confirm(opened.seat)
    await formation.confirm((await formation.join(opened.team.team_id, "lin")).seat)
    await formation.join(opened.team.team_id, "ana")
    return opened.team, await an_invite(formation, opened.team.team_id, note="The ones from last year!")


@pytest.mark.parametrize("language", ["en-US", "zh-CN", "es-ES", "ar-EG"])
@pytest.mark.parametrize("colours", ["light", "dark"])
async def test_a_page_fits_a_small_phone_in_every_language(
    formation: Formation, visitor: Visitor, browser: Browser, language: str, colours: str
) -> None:
    _, code = await a_team(formation)
    async with a_tab(browser, locale=language, color_scheme=colours) as page:
        await page.goto(f"{visitor.origin}/i/{code}")
        wide = await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        assert not wide
        await expect(page.locator(".join")).to_be_in_viewport()
        assert await page.evaluate("document.documentElement.dir") == ("rtl" if language == "ar-EG" else "ltr")
        assert await serious_barriers(page) == []
        await picture(page, f"invite-{language}-{colours}")


async def test_a_page_works_without_a_script(formation: Formation, visitor: Visitor, browser: Browser) -> None:
    _, code = await a_team(formation)
    async with a_tab(browser, java_script_enabled=False) as page:
        await page.goto(f"{visitor.origin}/i/{code}")
        await expect(page.locator(".line")).to_contain_text("You pay €29.90 now, never more")
        await expect(page.locator(".join")).to_have_attribute("href", f"/i/{code}/join")
        await expect(page.locator(".left")).to_be_hidden()
        await picture(page, "invite-without-script")


async def test_a_page_fills_while_it_is_open_and_stays_as_the_reader_left_it(
    formation: Formation, visitor: Visitor, browser: Browser
) -> None:
    team, code = await a_team(formation)
    async with a_tab(browser) as page:
        await page.goto(f"{visitor.origin}/i/{code}")
        await expect(page.locator(".left b")).to_have_text(re.compile(r"00:5\d:\d\d"))
        await page.locator(".ladder summary").click()
        await expect(page.locator(".seats > p").first).to_have_text("2 of 5 have joined")
        for member in ("bo", "eve"):
            await formation.confirm((await formation.join(team.team_id, member)).seat)
        await expect(page.locator(".seats > p").first).to_have_text("4 of 5 have joined")
        await expect(page.locator(".price strong")).to_have_text("€29.90")
        for part in (".offer", ".seats", ".ladder"):
            await expect(page.locator(part)).to_be_visible()
        await expect(page.locator(".ladder details")).to_have_attribute("open", "")
        await picture(page, "invite-full")
        held = await formation.rows("SELECT seat_id FROM seats WHERE state = 'HELD'")
        assert len(held) == 1
        await formation.cancel(team.team_id)
        await expect(page.locator(".offer h2")).to_have_text("This team was called off")
        await expect(page.locator(".join")).to_have_count(0)
        await picture(page, "invite-cancelled")


@pytest.mark.parametrize("language", ["en-US", "ar-EG"])
@pytest.mark.parametrize("colours", ["light", "dark"])
async def test_a_picture_of_what_is_sold_moves_nothing(
    formation: Formation, visitor: Visitor, browser: Browser, language: str, colours: str
) -> None:
    async with a_shop() as shop, a_fetcher(formation) as fetcher:
        campaign = with_picture(shop.has("/mango", a_picture(size=(900, 900))), a_shown_campaign())
        opened = await formation.open(await formation.create(campaign))
        await fetcher.run_once()
    code = await an_invite(formation, opened.team.team_id)
    async with a_tab(browser, locale=language, color_scheme=colours) as page:
        may_come = asyncio.Event()

        async def hold(route: Route) -> None:
            await may_come.wait()
            await route.continue_()

        await page.route("**/images/*", hold)
        await page.goto(f"{visitor.origin}/i/{code}", wait_until="domcontentloaded")
        shown, price = page.locator(".photo img"), page.locator(".price")
        before = await price.bounding_box()
        assert not await shown.evaluate("image => image.complete")
        may_come.set()
        await shown.evaluate("image => image.decode()")
        assert await shown.evaluate("image => [image.width, image.height]") == [240, 240]
        assert await price.bounding_box() == before
        assert "-small.jpg" not in await shown.evaluate("image => image.currentSrc"), (
            "a dense screen gets the large one"
        )
        wide = await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        assert not wide
        await expect(price).to_be_in_viewport()
        await expect(page.locator(".join")).to_be_in_viewport()
        assert await serious_barriers(page) == []
        await picture(page, f"invite-photo-{language}-{colours}")


async def test_a_link_that_leads_nowhere_is_friendly(visitor: Visitor, browser: Browser) -> None:
    async with a_tab(browser) as page:
        answer = await page.goto(f"{visitor.origin}/i/AAAAAAAAAAAA")
        assert answer
        assert answer.status == 404
        await expect(page.locator("h1")).to_have_text("This link leads nowhere")
        await picture(page, "invite-unknown")
