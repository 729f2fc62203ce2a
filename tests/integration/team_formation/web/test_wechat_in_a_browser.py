"""Cards in WeChat as a browser meets them: WeChat's script, which is stood in for, and what is loaded without it."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Route

from services.team_formation.web.wechat_cards import SCRIPT
from tests.support.browser import a_browser, a_tab
from tests.support.database import Database
from tests.support.formation import PUBLIC_URL, Formation
from tests.support.until import until
from tests.support.web import PERSON, a_shown_campaign, an_invite
from tests.support.wechat import BROWSER, TICKET, WeChatStage, a_wechat_stage

WX = """
window.said = [];
window.wx = Object.fromEntries(["config", "updateAppMessageShareData", "updateTimelineShareData"].map((name) =>
  [name, (given) => window.said.push([name, given])]));
wx.ready = (then) => { if (!%(refuses)s) setTimeout(then); };
wx.error = (then) => { if (%(refuses)s) setTimeout(() => then({ errMsg: "config:invalid signature" })); };
"""
"""What the script defines, by its document: it tells what it was given, and takes or refuses every signature."""


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A browser of its own for each test."""
    async with a_browser() as running:
        yield running


@pytest.fixture
async def stage(formation: Formation, database: Database) -> AsyncIterator[WeChatStage]:
    """The pages' server, with WeChat behind it."""
    async with a_wechat_stage(formation, await database("notification")) as running:
        yield running


@dataclass
class Tab:
    """A tab at the public address, and the paths that it asked for."""

    page: Page
    asked: list[str] = field(default_factory=list)

    def has_asked(self, part: str) -> bool:
        """Tell whether anything with such a part in its address was asked for."""
        return any(part in url for url in self.asked)


@asynccontextmanager
async def opened(stage: WeChatStage, browser: Browser, agent: str, *, refuses: bool = False) -> AsyncIterator[Tab]:
    """Open an invite's page at the public address, as whoever has this browser does."""
    made = await stage.formation.open(await stage.formation.create(a_shown_campaign()))
    code = await an_invite(stage.formation, made.team.team_id)
    async with a_tab(browser, user_agent=agent, beside=[SCRIPT]) as page:
        tab = Tab(page)

        async def ours(route: Route) -> None:
            path = route.request.url.removeprefix(PUBLIC_URL)
            if "/events" in path:
                await route.fulfill(status=200, content_type="text/event-stream", body="event: end\ndata:\n\n")
            else:
                await route.fulfill(response=await route.fetch(url=stage.visitor.origin + path))

        async def theirs(route: Route) -> None:
            script = WX % {"refuses": str(refuses).lower()}
            await route.fulfill(status=200, content_type="text/javascript", body=script)

        page.on("request", lambda request: tab.asked.append(request.url))
        await page.route(f"{PUBLIC_URL}/**", ours)
        await page.route(SCRIPT, theirs)
        await page.goto(f"{PUBLIC_URL}/i/{code}?from=singlemessage#top")
        yield tab


async def given(tab: Tab, calls: int) -> dict[str, Any]:
    """Give what WeChat's script was given once it was called so often."""

    async def enough() -> list[Any] | None:
        said: list[Any] = await tab.page.evaluate("window.said || []")
        return said if len(said) >= calls else None

    return dict(await until(enough))


async def test_in_wechat_the_page_is_signed_and_says_what_is_shared(stage: WeChatStage, browser: Browser) -> None:
    await stage.put_file()
    await stage.put_account()
    async with opened(stage, browser, BROWSER) as tab:
        said = await given(tab, 3)
        config, link = said["config"], await tab.page.locator("link[rel=canonical]").get_attribute("href")
        text = f"jsapi_ticket={TICKET}&noncestr={config['nonceStr']}&timestamp={config['timestamp']}"
        signed = f"{text}&url={link}?from=singlemessage"
        assert config["signature"] == hashlib.sha1(signed.encode()).hexdigest()  # noqa: S324 - theirs to choose
        message, moment = said["updateAppMessageShareData"], said["updateTimelineShareData"]
        assert (message["title"], message["link"]) == ("Mangoes", link)
        assert moment["imgUrl"] == message["imgUrl"] == f"{link}/square?lang=en&v=1"
        assert not tab.has_asked("/square")


@pytest.mark.parametrize("agent", [PERSON, f"{BROWSER} wxwork/4.1.28"], ids=["a browser", "WeCom"])
async def test_elsewhere_nothing_of_wechats_is_loaded(stage: WeChatStage, browser: Browser, agent: str) -> None:
    await stage.put_file()
    await stage.put_account()
    async with opened(stage, browser, agent) as tab:
        await tab.page.wait_for_load_state("networkidle")
        assert not tab.has_asked("qq.com")
        assert not tab.has_asked("wechat.json")
        assert not tab.has_asked("/square")


@pytest.mark.parametrize("refuses", [False, True], ids=["no account", "a signature that WeChat refuses"])
async def test_without_a_card_wechat_finds_a_large_picture(
    stage: WeChatStage, browser: Browser, *, refuses: bool
) -> None:
    if refuses:
        await stage.put_file()
        await stage.put_account()
    async with opened(stage, browser, BROWSER, refuses=refuses) as tab:
        width = "document.querySelector('img').naturalWidth"

        async def wide() -> int | None:
            return await tab.page.evaluate(width) or None

        assert await until(wide) == 600
        assert tab.has_asked("qq.com") is refuses
        assert not await tab.page.locator("img.cover").is_visible()
