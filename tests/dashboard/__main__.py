"""python -m tests.dashboard [BOARD] [SECONDS]: draws a board of deploy/observability into docs/pictures/BOARD.png.

A fresh stack with a crowd of shoppers, a Prometheus that scrapes it, and what the board asks: all real, and all of it
on loopback. Needs the programs prometheus and chromium.
"""

import asyncio
import contextlib
import math
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deploy.check.record import OWNER, record
from deploy.check.runner import wait_for_checks
from deploy.local.sockets import free_port
from deploy.local.stack.options import StackOptions
from deploy.local.stack.ports import DEFAULTS
from deploy.local.stack.stack import Stack
from services.chassis.database import database_url
from tests.dashboard.drawing import Series, legend, page
from tests.dashboard.load import a_crowd
from tests.dashboard.server import Prometheus, prometheus
from tests.support.browser import a_browser
from tests.support.rules import ROOT, dashboards

STEP = 2.0
WINDOW = "15s"
_TARGETS = ("team_formation", "pricing", "notification", "demand")


async def draw(name: str, seconds: float) -> None:
    """Run, ask and draw."""
    board = dashboards()[name]
    with tempfile.TemporaryDirectory(prefix="groupbuy-dashboard-", ignore_cleanup_errors=True) as folder:
        ports = {listener: free_port() for listener in DEFAULTS}
        stack = Stack(StackOptions(data=Path(folder) / "data", ports=ports, demand=True), say=print)
        await stack.start()
        try:
            targets = {service: stack.ops_address(service) for service in _TARGETS}
            async with prometheus(Path(folder), targets) as server:
                began = time.time()
                crowd = await a_crowd(stack)
                await crowd.shop(seconds)
                url = database_url(stack.database_url, OWNER)
                await record(url, await wait_for_checks(stack.database_url, 60.0))
                await crowd.shop(seconds / 2)
                drawn = await _ask(server, board, began, time.time())
        finally:
            await stack.stop()
    print(f"{crowd.came} buyers; panels without data: {', '.join(_empty(board, drawn)) or 'none'}")
    came = f"{crowd.came} buyers, who come, pause and come again, scraped every 2 seconds"
    caption = f"A stack on one machine, {came}. Made by `make dashboard BOARD={name}`."
    await _photograph(page(board, drawn, caption), ROOT / "docs" / "pictures" / f"{name}.png")


async def _ask(server: Prometheus, board: Mapping[str, Any], since: float, until: float) -> dict[int, list[Series]]:
    """Ask what each panel asks."""
    drawn: dict[int, list[Series]] = {}
    for panel in board["panels"]:
        drawn[panel["id"]] = [
            Series(legend(target["legendFormat"], found["metric"]), points)
            for target in panel.get("targets", [])
            if "expr" in target
            for found in await server.range(_filled(target["expr"]), since, until, STEP)
            if (points := _points(found))
        ]
    return drawn


def _points(found: Mapping[str, Any]) -> list[tuple[float, float]]:
    return [(at, number) for at, value in found["values"] if math.isfinite(number := float(value))]


def _filled(expression: str) -> str:
    return expression.replace("$__rate_interval", WINDOW)


def _empty(board: Mapping[str, Any], drawn: Mapping[int, Sequence[Series]]) -> list[str]:
    return [panel["title"] for panel in board["panels"] if panel["type"] != "row" and not drawn[panel["id"]]]


async def _photograph(text: str, path: Path) -> None:
    async with a_browser() as browser:
        tab = await browser.new_page(viewport={"width": 1720, "height": 900})
        await tab.set_content(text)
        await tab.screenshot(path=str(path), full_page=True)
    print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    name, seconds = [*sys.argv[1:3], *("overview", "60")[len(sys.argv[1:3]) :]]
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(draw(name, float(seconds)))
