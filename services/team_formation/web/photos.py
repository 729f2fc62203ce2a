"""Pictures of products as pages show them: found by the address that a campaign names, served from our origin."""

import re
import time
from dataclasses import dataclass
from uuid import UUID

import psycopg

from services.chassis.database import Database
from services.chassis.once import Once
from services.team_formation.store import images as shelf
from services.team_formation.store.images import ShownImage
from services.team_formation.web.answers import Body, body_of

FRESH_SECONDS = 3.0
"""A picture that has come is shown after at most so long."""
STALE_SECONDS = 60.0
"""While the database is away it is shown as it was, for at most so long."""
KEPT_SECONDS = 600.0
"""What was removed is served by a process for at most so long."""
MISSED_SECONDS = 3.0
"""What was not there is not looked for again for so long."""
_MOST = 50_000
_MOST_MISSED = 10_000
_MOST_BODIES = 200
"""Pictures kept; one has up to 150 KB."""
_FILE = re.compile(r"([0-9A-Za-z]{22})(-small)?")
_WIDEST, _HIGHEST = 512, 240
"""CSS pixels that a page has room for, without the price being pushed out of sight."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A picture on a page; sizes in CSS pixels, so that nothing moves when it comes."""

    url: str
    path: str
    """The same without its origin."""
    srcset: str
    """For screens of any density, as HTML has it; empty where there is one size."""
    width: int
    height: int


def photo_of(image: ShownImage | None, base: str) -> Photo | None:
    """Say how a picture is shown on pages below `base`, an origin and perhaps a path."""
    if image is None:
        return None
    path = "/" + "/".join(base.split("/")[3:]) if base.count("/") > 2 else ""  # noqa: PLR2004 - https://host/path
    large, small = f"/images/{image.name}.jpg", f"/images/{image.name}-small.jpg"
    scale = min(1, _WIDEST / image.width, _HIGHEST / image.height)
    return Photo(
        url=base + large,
        path=path + large,
        srcset=f"{path}{small} {image.small_width}w, {path}{large} {image.width}w" if image.small_width else "",
        width=max(1, round(image.width * scale)),
        height=max(1, round(image.height * scale)),
    )


class Photos:
    """Finds pictures, and keeps those that are asked for; all who ask for one at once wait for one query."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._shown: dict[tuple[UUID, str], tuple[float, ShownImage | None]] = {}
        self._looks: Once[tuple[UUID, str], ShownImage | None] = Once()
        self._bodies: dict[str, tuple[float, Body]] = {}
        self._loads: Once[str, Body | None] = Once()
        self._missed: dict[str, float] = {}

    async def shown(self, platform_id: UUID, source: str) -> ShownImage | None:
        """Find what is shown of a picture, as it was a moment ago; None where there is none, or none yet."""
        if not source:
            return None
        key = platform_id, source
        known = self._shown.get(key)
        if known and time.monotonic() - known[0] < FRESH_SECONDS:
            return known[1]
        try:
            return await self._looks.once(key, lambda: self._look(key))
        except psycopg.Error:
            if known and time.monotonic() - known[0] < STALE_SECONDS:
                return known[1]
            return None

    async def _look(self, key: tuple[UUID, str]) -> ShownImage | None:
        at = time.monotonic()
        async with self._database.read() as connection:
            found = await shelf.find_shown(connection, *key)
        if len(self._shown) >= _MOST:
            self._shown.clear()
        self._shown[key] = at, found
        return found

    async def file(self, name: str) -> Body | None:
        """Give what is served under a name, without its ending; None where there is nothing."""
        named = _FILE.fullmatch(name)
        if named is None or self._is_missed(name):
            return None
        known = self._bodies.get(name)
        if known and time.monotonic() - known[0] < KEPT_SECONDS:
            return known[1]
        return await self._loads.once(name, lambda: self._load(name, named[1], small=bool(named[2])))

    def is_known(self, name: str) -> bool:
        """Tell whether `file` asks nobody what is served under a name."""
        kept = self._bodies.get(name)
        if kept and time.monotonic() - kept[0] < KEPT_SECONDS:
            return True
        return self._is_missed(name) or not _FILE.fullmatch(name)

    def _is_missed(self, name: str) -> bool:
        at = self._missed.get(name)
        return at is not None and time.monotonic() - at < MISSED_SECONDS

    def _miss(self, name: str) -> None:
        self._missed.pop(name, None)
        if len(self._missed) >= _MOST_MISSED:
            del self._missed[next(iter(self._missed))]  # the oldest
        self._missed[name] = time.monotonic()

    async def _load(self, key: str, name: str, *, small: bool) -> Body | None:
        async with self._database.read() as connection:
            found = await shelf.find_bytes(connection, name, small=small)
        self._bodies.pop(key, None)
        if found is None:
            self._miss(key)
            return None
        if len(self._bodies) >= _MOST_BODIES:
            del self._bodies[next(iter(self._bodies))]
        body = body_of(b"image/jpeg", found, packs=False)
        self._bodies[key] = time.monotonic(), body
        return body
