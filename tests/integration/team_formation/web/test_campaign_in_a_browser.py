"""Campaign pages and a stream's screen in a real browser: on a phone, dark, right to left, and while many join."""

import io
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from PIL import Image
from playwright.async_api import Browser, Page, expect

from services.team_formation import domain
from tests.support.browser import a_browser, a_tab, picture, serious_barriers
from tests.support.formation import START, Formation, a_campaign
from tests.support.web import Visitor, a_web_edge, code_of

LISTED = {"visibility": domain.Visibility.LISTED}
STREAM = {"width": 1920, "height": 1080}
UPRIGHT = {"width": 1080, "height": 1920}


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
    campaign = a_campaign(rules=LISTED, stock=changes.pop("stock", 500), **changes)
    terms = "Ripe and ready to eat. Delivered on Thursday between 14:00 and 20:00."
    texts = (
        domain.LocalizedText("en", "Alphonso mangoes, box of 12", terms),
        domain.LocalizedText("zh-Hans", "阿方索芒果 12个装", "成熟即食，周四14:00至20:00配送。"),  # noqa: RUF001
        domain.LocalizedText("ar", "مانجو ألفونسو، صندوق من 12 حبة"),
    )
    shown = replace(campaign.presentation, texts=texts, seller="Fruit Shop", checkout_url="https://shop.example/buy")
    return replace(campaign, presentation=shown)


async def teams_of(formation: Formation, campaign: domain.Campaign, sizes: Sequence[int]) -> list[str]:
    """Open teams with as many members who have confirmed; one more place is not paid."""
    opened = []
    for at, size in enumerate(sizes):
        team = await formation.open(campaign, f"m{at}")
        opened.append(team.team.team_id)
        seats = [team.seat, *[(await formation.join(opened[-1], f"m{at}-{more}")).seat for more in range(size - 1)]]
        for seat in seats[:size]:
            await formation.confirm(seat)
    return opened


@pytest.mark.parametrize("language", ["en-US", "zh-CN", "es-ES", "ar-EG"])
@pytest.mark.parametrize("colours", ["light", "dark"])
async def test_a_page_fits_a_small_phone_in_every_language(
    formation: Formation, visitor: Visitor, browser: Browser, language: str, colours: str
) -> None:
    campaign = await formation.create(a_shown_campaign(minimum=4))
    await teams_of(formation, campaign, (1, 3, 0, 2))
    async with a_tab(browser, locale=language, color_scheme=colours) as page:
        await page.goto(f"{visitor.origin}/c/{code_of(campaign)}")
        wide = await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        assert not wide
        await expect(page.locator(".join")).to_be_in_viewport()
        await expect(page.locator(".take")).to_have_count(4)
        assert await page.evaluate("document.documentElement.dir") == ("rtl" if language == "ar-EG" else "ltr")
        assert await serious_barriers(page) == []
        await picture(page, f"campaign-{language}-{colours}")


async def test_a_page_works_without_a_script(formation: Formation, visitor: Visitor, browser: Browser) -> None:
    campaign = await formation.create(a_shown_campaign())
    await teams_of(formation, campaign, (1,))
    code = code_of(campaign)
    async with a_tab(browser, java_script_enabled=False) as page:
        await page.goto(f"{visitor.origin}/c/{code}")
        await expect(page.locator(".join")).to_have_attribute("href", f"/c/{code}/open")
        await expect(page.locator(".take")).to_have_attribute("href", re.compile(f"^/c/{code}/join/team_"))
        await expect(page.locator(".left")).to_be_hidden()


async def test_a_page_follows_its_campaign_and_keeps_the_readers_place(
    formation: Formation, visitor: Visitor, browser: Browser
) -> None:
    campaign = await formation.create(a_shown_campaign(minimum=4))
    first, second = await teams_of(formation, campaign, (2, 1))
    async with a_tab(browser) as page:
        await page.goto(f"{visitor.origin}/c/{code_of(campaign)}")
        await expect(page.locator(".take").first).to_have_class(f"take {first}")
        await page.locator(f".{second}").focus()
        for member in ("bo", "eve"):
            await formation.confirm((await formation.join(second, member)).seat)
        await expect(page.locator(".take").first).to_have_class(f"take {second}")
        await expect(page.locator(f".{second}")).to_be_focused()
        await formation.change(campaign, domain.Pause())
        await expect(page.locator(".offer h2")).to_have_text("A short break")
        await expect(page.locator(".join")).to_have_count(0)
        await picture(page, "campaign-paused")
        await formation.change(campaign, domain.Resume())
        await expect(page.locator(".join")).to_have_count(1)


async def test_what_is_not_open_is_friendly(formation: Formation, visitor: Visitor, browser: Browser) -> None:
    early = await formation.create(replace(a_shown_campaign(), starts_at=START + timedelta(hours=3)))
    over = await formation.create(replace(a_shown_campaign(), phase=domain.Phase.CANCELLED))
    async with a_tab(browser) as page:
        await page.goto(f"{visitor.origin}/c/{code_of(early)}")
        await expect(page.locator(".left b")).to_have_text(re.compile(r"02:59:\d\d|03:00:00"))
        assert await serious_barriers(page) == []
        await picture(page, "campaign-early")
        await page.goto(f"{visitor.origin}/c/{code_of(over)}")
        await expect(page.locator(".offer h2")).to_have_text("This campaign was called off")
        await picture(page, "campaign-cancelled")


def a_screen(browser: Browser, **options: Any) -> Any:
    """Open a tab as a stream's browser source has it."""
    chosen = {"viewport": STREAM, "device_scale_factor": 1, "is_mobile": False, **options}
    return a_tab(browser, **chosen)


async def fits(page: Page) -> bool:
    """Tell whether all of a screen is on it, and nothing over its card's edge."""
    return bool(
        await page.evaluate(
            "[...document.querySelectorAll('.card, .card *')].every((item) => {"
            " const box = item.getBoundingClientRect();"
            " return box.left >= -1 && box.top >= -1 && box.right <= innerWidth + 1 && box.bottom <= innerHeight + 1 })"
        )
    )


@pytest.mark.parametrize("language", ["en", "zh-Hans", "es", "ar"])
async def test_a_screen_is_whole_at_every_size_in_every_language(
    formation: Formation, visitor: Visitor, browser: Browser, language: str
) -> None:
    campaign = await formation.create(a_shown_campaign(minimum=4, maximum=20))
    await teams_of(formation, campaign, (4, 2, 1))
    sizes = {"stream": STREAM, "small": {"width": 1280, "height": 720}, "upright": UPRIGHT}
    for name, size in sizes.items():
        async with a_screen(browser, viewport=size) as page:
            await page.goto(f"{visitor.origin}/live/{code_of(campaign)}?lang={language}")
            await expect(page.locator(".left")).to_be_visible()
            await page.locator(".scan img").evaluate("async (item) => item.decode()")
            await picture(page, f"screen-{language}-{name}")
            assert await fits(page)
            side = await page.locator(".scan img").evaluate(
                "(item) => item.getBoundingClientRect().width / innerHeight"
            )
            assert side > (0.2 if name == "upright" else 0.35)


async def test_a_screen_counts_up_and_says_how_many_have_just_come(
    formation: Formation, visitor: Visitor, browser: Browser
) -> None:
    campaign = await formation.create(a_shown_campaign(maximum=100, close_when_full=False))
    [team] = await teams_of(formation, campaign, (1,))
    async with a_screen(browser) as page:
        await page.goto(f"{visitor.origin}/live/{code_of(campaign)}")
        await expect(page.locator("[data-count]")).to_have_text("1")
        await expect(page.locator(".burst")).not_to_have_class(re.compile("on"))
        for at in range(37):
            await formation.confirm((await formation.join(team, f"f{at}")).seat)
        await expect(page.locator("[data-count]")).to_have_text("38", timeout=20_000)
        await expect(page.locator(".burst")).to_have_text(re.compile(r"\+\d+ in 10 s"))
        await expect(page.locator(".price .big")).to_have_text("€24.90")
        await picture(page, "screen-burst")
        await expect(page.locator(".burst")).not_to_have_class(re.compile("on"), timeout=20_000)


async def test_a_screen_without_motion_shows_the_number_at_once(
    formation: Formation, visitor: Visitor, browser: Browser
) -> None:
    campaign = await formation.create(a_shown_campaign(maximum=100))
    [team] = await teams_of(formation, campaign, (1,))
    async with a_screen(browser, reduced_motion="reduce") as page:
        await page.goto(f"{visitor.origin}/live/{code_of(campaign)}")
        await page.evaluate(
            "window.faces = new Set(); setInterval(() => faces.add(document.querySelector('[data-count]').textContent))"
        )
        for at in range(30):
            await formation.confirm((await formation.join(team, f"f{at}")).seat)
        await expect(page.locator("[data-count]")).to_have_text("31", timeout=20_000)
        true = await page.evaluate("[...faces].every((face) => Number(face) >= 1)")
        assert true
        assert await page.evaluate("faces.size") <= 4  # what the server said, and nothing in between


async def test_a_screen_without_a_script_says_that_it_stands_still(
    formation: Formation, visitor: Visitor, browser: Browser
) -> None:
    campaign = await formation.create(a_shown_campaign())
    async with a_screen(browser, java_script_enabled=False) as page:
        await page.goto(f"{visitor.origin}/live/{code_of(campaign)}")
        await expect(page.locator(".still")).to_be_visible()
        await picture(page, "screen-still")


@pytest.mark.parametrize("colours", ["light", "dark"])
async def test_what_is_behind_a_clear_screen_is_seen(
    formation: Formation, visitor: Visitor, browser: Browser, colours: str
) -> None:
    campaign = await formation.create(a_shown_campaign())
    async with a_screen(browser, color_scheme=colours) as page:
        await page.goto(f"{visitor.origin}/live/{code_of(campaign)}?background=none")
        await expect(page.locator(".left")).to_be_visible()
        shot = Image.open(io.BytesIO(await page.screenshot(omit_background=True))).getchannel("A")
        assert shot.getpixel((4, 4)) == 0
        alone = await page.locator(".price").bounding_box()
        assert alone
        inside = shot.crop((int(alone["x"]) + 40, int(alone["y"]) + 20, int(alone["x"]) + 60, int(alone["y"]) + 40))
        assert min(inside.tobytes()) > 200


async def test_screens_of_what_is_not_open_are_friendly(
    formation: Formation, visitor: Visitor, browser: Browser
) -> None:
    early = await formation.create(replace(a_shown_campaign(), starts_at=START + timedelta(hours=3)))
    over = await formation.create(replace(a_shown_campaign(), phase=domain.Phase.CANCELLED))
    async with a_screen(browser) as page:
        await page.goto(f"{visitor.origin}/live/{code_of(early)}")
        await expect(page.locator(".left b")).to_have_text(re.compile(r"02:59:\d\d|03:00:00"))
        assert await fits(page)
        await picture(page, "screen-early")
        await page.goto(f"{visitor.origin}/live/{code_of(over)}")
        await expect(page.locator(".price h2")).to_have_text("This campaign was called off")
        await expect(page.locator(".scan")).to_be_hidden()
        await picture(page, "screen-cancelled")
