"""A shop's server of pictures on loopback, and those who fetch them for a replica."""

import io
import struct
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from PIL import Image

from services.chassis.database import Database
from services.chassis.http import Http
from services.notification.testing import Answer, HttpSink, Request
from services.team_formation.domain import Campaign
from services.team_formation.images.fetching import client, fetch
from services.team_formation.images.making import Maker
from services.team_formation.images.worker import ImageWorker, Names
from tests.support.formation import Formation
from tests.support.web import a_shown_campaign

SECRET = "a secret of tests"


def a_picture(kind: str = "JPEG", size: tuple[int, int] = (1200, 900), colour: str = "tomato") -> bytes:
    """Make the file of a picture in one colour."""
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, kind)
    return file.getvalue()


def a_bomb(side: int = 10_000) -> bytes:
    """Make a PNG of a few bytes that would be gigabytes of pixels."""

    def part(kind: bytes, body: bytes) -> bytes:
        return struct.pack("!I", len(body)) + kind + body + struct.pack("!I", zlib.crc32(kind + body))

    header = struct.pack("!IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", zlib.compress(bytes(10**6))) + part(b"IEND", b"")
    )


@dataclass
class Shop:
    """What the server answers, by path: the first answer once, the last one from then on."""

    sink: HttpSink = field(default_factory=HttpSink)
    answers: dict[str, list[Answer]] = field(default_factory=dict)

    def has(self, path: str, *answers: Answer | bytes) -> str:
        """Set what an address answers, and give the address."""
        made = [
            Answer(body=one, headers={"content-type": "image/jpeg"}) if isinstance(one, bytes) else one
            for one in answers
        ]
        self.answers[path] = made
        return self.sink.url + path

    def asked(self, path: str) -> list[Request]:
        """Tell what an address was asked."""
        return [request for request in self.sink.asked if request.path == path]

    def __call__(self, request: Request) -> Answer:
        answers = self.answers.get(request.path, [Answer(404)])
        return answers.pop(0) if len(answers) > 1 else answers[0]


@asynccontextmanager
async def a_shop() -> AsyncIterator[Shop]:
    """Run a shop's server."""
    shop = Shop()
    await shop.sink.start(shop)
    try:
        yield shop
    finally:
        await shop.sink.stop()


@asynccontextmanager
async def a_fetcher(formation: Formation, http: Http | None = None, **changes: Any) -> AsyncIterator[ImageWorker]:
    """Make one who fetches pictures for a replica; the shop is on loopback."""
    http = http or client(allow_private=True)
    database: Database = changes.pop("database", formation.database)
    make = changes.pop("make", Maker().make)
    most = changes.pop("per_platform", 100)
    try:
        yield ImageWorker(database, formation.clock, Names(SECRET), partial(fetch, http), make, most)
    finally:
        await http.close()


def with_picture(source: str, campaign: Campaign | None = None, **changes: Any) -> Campaign:
    """Give a campaign that names a picture."""
    campaign = campaign or a_shown_campaign(**changes)
    return replace(campaign, presentation=replace(campaign.presentation, image_url=source))
