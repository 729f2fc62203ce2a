"""A real browser for tests of pages: Chromium as the system has it, driven by Playwright."""

import os
import shutil
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright

from tests.support.require import require

PICTURES = "GROUPBUY_PICTURES"
"""A folder that pictures of pages are put into, to be looked at."""
PHONE = {"width": 360, "height": 740}
_PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def _program() -> str | None:
    return next((found for name in _PROGRAMS if (found := shutil.which(name))), None)


def require_browser() -> str:
    """Give the path of Chromium; a stated skip where there is none."""
    program = _program()
    require("browser", None if program else "pages are tested in Chromium (on Debian and Ubuntu: apt install chromium)")
    return program or ""


@asynccontextmanager
async def a_browser() -> AsyncIterator[Browser]:
    """Run the browser."""
    program = require_browser()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def a_tab(browser: Browser, *, beside: Collection[str] = (), **options: Any) -> AsyncIterator[Page]:
    """Open a tab as a small phone with settings of its own; it fails the test that leaves errors behind.

    Nothing is asked for elsewhere than of the page's origin, besides the addresses in `beside`.
    """
    chosen = {"viewport": PHONE, "device_scale_factor": 2, "is_mobile": True, "locale": "en-US", **options}
    context = await browser.new_context(**chosen)
    page = await context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda line: problems.append(line.text) if _is_ours(line) else None)
    page.on("request", lambda request: _note_elsewhere(request.url, page.url, beside, problems))
    try:
        yield page
    finally:
        await context.close()
    assert problems == []


def _is_ours(line: ConsoleMessage) -> bool:
    """Tell whether a line of the console is a fault of the page; a page's own 404 is no fault."""
    return line.type in {"error", "warning"} and "Failed to load resource" not in line.text


def _note_elsewhere(url: str, page: str, beside: Collection[str], problems: list[str]) -> None:
    """Note a request to another origin than the page's."""
    origin = "/".join(page.split("/")[:3])
    if page.startswith("http") and not url.startswith((origin, "data:")) and url not in beside:
        problems.append(f"a request to elsewhere: {url}")


async def serious_barriers(page: Page) -> list[str]:
    """List what keeps people from using the page, as axe-core finds it: its serious and critical findings."""
    found = await Axe().run(page)
    return [
        f"{item['id']}: {item['help']}: {[node['html'] for node in item['nodes']]}"
        for item in found.response["violations"]
        if item["impact"] in {"serious", "critical"}
    ]


async def picture(page: Page, name: str) -> None:
    """Keep a picture of the page where somebody wants to look at it."""
    if folder := os.environ.get(PICTURES):
        await page.screenshot(path=f"{folder}/{name}.png", full_page=True)
