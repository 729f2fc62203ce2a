"""Fetches pictures that are due, and keeps them true: claims with leases, so that of many replicas one does.

An attempt that fails is made again after ever longer pauses. A picture that never came is given up after the last of
them, until a campaign names it anew; one that is shown stays as it is, and is looked at again each day.
"""

import hmac
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

from services.chassis import logs
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.team_formation.claims import Claims
from services.team_formation.codes import ALPHABET
from services.team_formation.images.fetching import Failed, Fetched, Outcome
from services.team_formation.images.making import Made, NotMade
from services.team_formation.images.noting import WAKE_CHANNEL
from services.team_formation.metrics import FETCHES
from services.team_formation.store import images as shelf
from services.team_formation.store.images import DueImage, ImageFile

POLL_SECONDS = 5.0
MOST = 8
"""Pictures fetched at once by a process."""
PER_PLATFORM = 3
"""Of these, of one platform: a slow server keeps nobody else waiting."""
LEASE = timedelta(minutes=5)
"""Longer than an attempt, and waiting to be made for as many as there are at once."""
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 720))
REFRESH = timedelta(days=1)
SWEEP_SECONDS = 60.0
SWEEP_PAGE = 500
_NAME_LETTERS = 22
_PURPOSE = b"groupbuy.image.v1\0"

Fetch = Callable[[str, str], Awaitable[Outcome]]
Make = Callable[[bytes], Awaitable[Made]]

log = logs.logger(__name__)


class Names:
    """Names files by their content and whose they are; without the secret nobody tells what is behind a name."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def name(self, image: DueImage, content: bytes) -> str:
        """Name what is served of a picture: letters and digits, 130 bits."""
        whose = image.platform_id.bytes + image.source_hash
        number = int.from_bytes(hmac.digest(self._secret, _PURPOSE + whose + content, "sha256"))
        letters = []
        for _ in range(_NAME_LETTERS):
            number, at = divmod(number, len(ALPHABET))
            letters.append(ALPHABET[at])
        return "".join(letters)


class ImageWorker:
    """The part of a process that fetches pictures: so many at once, and of one platform no more than its part."""

    def __init__(
        self, database: Database, clock: Clock, names: Names, fetch: Fetch, make: Make, per_platform: int
    ) -> None:
        self._database = database
        self._clock = clock
        self._names = names
        self._fetch = fetch
        self._make = make
        self._most_kept = per_platform
        self._claims: Claims[UUID] = Claims("pictures", self._begin, most=MOST, per_lane=PER_PLATFORM)

    async def run(self) -> None:
        """Work for as long as the process runs: woken when a campaign names a picture, else every few seconds."""
        await self._claims.run(self._database.wakes, WAKE_CHANNEL, POLL_SECONDS)

    async def run_once(self) -> int:
        """Fetch what is due, and wait until that is done; returns how many pictures were claimed."""
        return await self._claims.run_once()

    async def sweep(self) -> int:
        """Remove what nobody needs any more; run by a timer."""
        async with self._database.work() as work:
            return await shelf.drop_images(work.connection, self._clock.now(), SWEEP_PAGE)

    async def _begin(self) -> int:
        """Claim what there is room for, and begin to fetch it; returns how many pictures that are."""
        free = self._claims.free
        if free <= 0:
            return 0
        async with self._database.work() as work:
            images = await shelf.claim_images(
                work.connection, self._clock.now(), LEASE, (free, PER_PLATFORM), self._claims.busy
            )
        for image in images:
            self._claims.begin(image.platform_id, self._work(image))
        return len(images)

    async def _work(self, image: DueImage) -> None:
        outcome = await self._attempt(image)
        now = self._clock.now()
        async with self._database.work() as work:
            if isinstance(outcome, Failed):
                again = _again(image, now)
                noted = await shelf.put_off_image(work.connection, image, outcome.why, now, again)
            else:
                noted = await shelf.end_image(work.connection, image, outcome, now, now + _refresh(image))
        if noted:
            _tell(image, outcome)

    async def _attempt(self, image: DueImage) -> Failed | tuple[ImageFile | None, str]:
        """Read a picture and make it safe: no file where it is as it was."""
        if image.file is None and await self._is_full(image.platform_id):
            return Failed(f"the platform has {self._most_kept} pictures already; end campaigns, or share pictures")
        try:
            outcome = await self._fetch(image.source, image.tag if image.file else "")
            if isinstance(outcome, Failed):
                return outcome
            if not isinstance(outcome, Fetched):
                return None, image.tag
            made = await self._make(outcome.raw)
        except NotMade as problem:
            return Failed(str(problem))
        except Exception as error:  # noqa: BLE001 - one picture must not harm the others
            log.warning("a picture failed", why=type(error).__name__)
            return Failed("it could not be read by a fault of ours")
        name = self._names.name(image, made.large)
        return ImageFile(name, made.width, made.height, made.large, made.small, made.small_width), outcome.tag

    async def _is_full(self, platform_id: UUID) -> bool:
        async with self._database.read() as connection:
            return await shelf.count_shown(connection, platform_id, self._most_kept) >= self._most_kept


def _again(image: DueImage, now: datetime) -> datetime | None:
    """Tell when a picture is tried again that was not read; None where it is given up."""
    if image.attempts <= len(PAUSES):
        return now + PAUSES[image.attempts - 1]
    return now + _refresh(image) if image.file else None


def _refresh(image: DueImage) -> timedelta:
    """Tell after how long a picture is looked at again: spread, as many are named at once."""
    return REFRESH * (0.9 + 0.2 * image.source_hash[0] / 255)


def _tell(image: DueImage, outcome: Failed | tuple[ImageFile | None, str]) -> None:
    if isinstance(outcome, Failed):
        FETCHES.labels("failed").inc()
        host = urlsplit(image.source).hostname  # the rest may hold a secret
        log.info("a picture was not fetched", host=host, attempts=image.attempts, why=outcome.why)
        return
    FETCHES.labels("new" if outcome[0] and outcome[0].name != image.file else "unchanged").inc()
