"""The shop of docs/examples as a server, its buyers' browsers, and the posts that it gets."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import aiohttp
import uvicorn
from google.protobuf.message import Message
from groupbuy.pricing.v1.events_pb2 import SettlementEvent
from standardwebhooks.webhooks import Webhook

from docs.examples.shop.__main__ import make_app
from docs.examples.shop.books import Books
from docs.examples.shop.engine import Engine
from docs.examples.shop.sink import Sink
from services.notification.translate import body_of
from tests.support.web import PERSON

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
LINE = "settlement.settlement_line_recorded"


class _Server(uvicorn.Server):
    """A server that leaves signals to the test."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass
class Shop:
    """One life of the shop's process, on books that outlive it."""

    url: str
    books: Books
    sink: Sink


@asynccontextmanager
async def a_shop(addresses: dict[str, str], key: str, folder: Path, port: int) -> AsyncIterator[Shop]:
    """Serve the shop on a port, as its `__main__` does."""
    engine = Engine(addresses["team_formation"], addresses["pricing"], key)
    books, sink = Books(folder / "shop.db"), Sink(folder / "sink.db")
    listening = socket.create_server(("127.0.0.1", port), reuse_port=True)
    config = uvicorn.Config(make_app(engine, books, sink, SECRET), lifespan="off", log_level="warning")
    server = _Server(config)
    running = asyncio.create_task(server.serve([listening]))
    try:
        yield Shop(f"http://127.0.0.1:{port}", books, sink)
    finally:
        server.should_exit = True
        await running
        for channel in engine.channels:
            await channel.close()
        books.db.close()
        sink.db.close()


@dataclass
class Page:
    """What a buyer sees: where, and what it says."""

    url: str
    status: int
    text: str

    @property
    def note(self) -> str:
        """What the shop tells the buyer."""
        found = re.search(r'<p role="status">(.*?)</p>', self.text)
        return unescape(found[1]) if found else ""

    def form(self) -> tuple[str, dict[str, str]]:
        """Give the first form: where it goes, and its fields as they stand."""
        [action, inside] = re.findall(r'<form method="post" action="(.*?)">(.*?)</form>', self.text, re.DOTALL)[0]
        return action, dict(re.findall(r'name="(\w+)".*?value="(.*?)"', inside))


@dataclass
class Buyer:
    """A browser with cookies of its own; `pages` says where an origin of the engine's pages is served in the test."""

    pages: tuple[str, str]
    session: aiohttp.ClientSession = field(
        default_factory=lambda: aiohttp.ClientSession(
            cookie_jar=aiohttp.CookieJar(unsafe=True), headers={"user-agent": PERSON}
        )
    )

    async def open(self, url: str) -> Page:
        """Open an address and follow where it leads."""
        return await self._land("GET", url)

    async def press(self, page: Page, **changed: str) -> Page:
        """Send the first form of a page, twice at once, as impatient fingers do; both lead to the same place."""
        action, fields = page.form()
        url = page.url.partition("/cart/")[0] + action
        first, second = await asyncio.gather(*(self._land("POST", url, {**fields, **changed}) for _ in range(2)))
        assert (first.status, first.url, first.note) == (second.status, second.url, second.note)
        return first

    async def _land(self, method: str, url: str, data: dict[str, str] | None = None) -> Page:
        for _ in range(8):
            asked = url.replace(*self.pages)
            async with self.session.request(method, asked, data=data, allow_redirects=False) as response:
                if response.status not in {302, 303}:
                    return Page(url, response.status, await response.text())
                method, data = "GET", None
                url = urljoin(url, response.headers["location"])
        raise AssertionError(f"{url} leads in a circle")


async def post(shop: Shop, body: bytes, secret: str = SECRET, at: datetime | None = None, name: str = "msg_1") -> int:
    """Post a body as notification does, signed by the reference library; give the status."""
    at = at or datetime.now(UTC)
    headers = {
        "webhook-id": name,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(name, at, body.decode()),
    }
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{shop.url}/groupbuy", data=body, headers=headers) as answer,
    ):
        return answer.status


async def post_twice(shop: Shop, events: Sequence[SettlementEvent]) -> None:
    """Post settlement events in order, each twice at once, and all of them once more."""
    for event in [*events, *events]:
        kind = f"settlement.{event.WhichOneof('fact')}"
        body = body_of(kind, event.occurred_at.ToDatetime(UTC), event)
        answers = await asyncio.gather(*(post(shop, body, name=event.event_id) for _ in range(2)))
        assert answers == [204, 204]


def something_else(event: Message, kind: str) -> bytes:
    """Write a post about something that is no settlement line."""
    return body_of(kind, datetime.now(UTC), event)


def booked(shop: Shop) -> dict[str, tuple[int, int, int, int]]:
    """Give what the provider's books say of each payment: authorised, captured, voided, refunded."""
    sums = ", ".join(
        f"coalesce(sum(amount) FILTER (WHERE kind = '{kind}'), 0)" for kind in ("CAPTURED", "VOIDED", "REFUNDED")
    )
    rows: list[Any] = shop.sink.db.execute(
        f"SELECT reference, authorised, {sums} FROM payments LEFT JOIN moves USING (reference) GROUP BY reference"  # noqa: S608
    ).fetchall()
    return {row[0]: tuple(row[1:]) for row in rows}
