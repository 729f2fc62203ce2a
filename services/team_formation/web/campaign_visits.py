"""From a campaign's code to what its pages are made from.

The code is what the API's id of the campaign has behind its prefix: a platform knows the link of what it has created,
and there is no secret to keep. It is as hard to guess as an invite's (74 random bits of a UUIDv7), and begins and ends
with a letter, so that chats take the whole of a link. A draft is as unknown as what is not there.
"""

import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

import psycopg

from services.chassis import ids
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.team_formation import store, translate
from services.team_formation.codes import InviteCodes
from services.team_formation.domain import CampaignState, Phase
from services.team_formation.store.hidden import find_hidden
from services.team_formation.store.images import ShownImage
from services.team_formation.web.campaign_shown import ShownCampaign
from services.team_formation.web.live import Live
from services.team_formation.web.photos import Photos
from services.team_formation.web.positions import position

FRESH_SECONDS = 2.0
"""Pictures that were hidden are shown for at most so long."""
_MOST = 50_000


@dataclass(frozen=True, slots=True)
class CampaignPlace:
    """Where a code leads."""

    platform_id: UUID
    campaign_id: UUID
    code: str
    link: str


@dataclass(frozen=True, slots=True)
class CampaignVisit:
    """What the pages of a campaign are made from."""

    shown: ShownCampaign
    code: str
    link: str
    hands_over: bool
    """Whether this installation can sign what the checkout is told."""
    photo: ShownImage | None = None
    """The picture of what is sold, where there is one by now."""

    @property
    def path(self) -> str:
        """The link without its origin."""
        return urlsplit(self.link).path

    @property
    def base(self) -> str:
        """The path that all pages are below."""
        return self.path.removesuffix(f"/c/{self.code}")

    @property
    def version(self) -> str:
        """Name what it shows: the same for the same words."""
        standing = f"{self.shown.version}.{self.shown.turn}"
        return f"{standing}.{self.photo.tag}" if self.photo else standing

    @property
    def leads_to_checkout(self) -> bool:
        """Whether buttons open the platform's checkout."""
        return self.hands_over and bool(self.shown.campaign.presentation.checkout_url)

    @property
    def is_open(self) -> bool:
        """Whether a team can be opened or joined now."""
        return self.shown.state is CampaignState.RUNNING and not self.shown.is_sold_out

    @property
    def is_early(self) -> bool:
        """Whether it is yet to start."""
        return self.shown.state is CampaignState.SCHEDULED


class CampaignVisits:
    """Finds what a visitor of a campaign sees."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        codes: InviteCodes,
        live: Live[UUID, ShownCampaign],
        photos: Photos,
        *,
        hands_over: bool,
    ) -> None:
        self._database = database
        self._clock = clock
        self._codes = codes
        self._live = live
        self._photos = photos
        self._hands_over = hands_over
        self._places: dict[str, CampaignPlace] = {}
        self._hidden: dict[UUID, tuple[float, bool]] = {}

    async def place(self, code: str) -> CampaignPlace | None:
        """Find where a code leads; None where it leads nowhere."""
        found = self._places.get(code)
        named = None if found else ids.parse(translate.CAMPAIGN, f"{translate.CAMPAIGN}_{code}", 1)
        if named is None:
            return found
        async with self._database.read() as connection:
            platform_id = await store.find_owner(connection, named[0])
        if platform_id is None:
            return None
        found = CampaignPlace(platform_id, named[0], code, self._codes.campaign(code))
        if len(self._places) >= _MOST:
            self._places.clear()
        self._places[code] = found
        return found

    async def visit(self, place: CampaignPlace) -> CampaignVisit | None:
        """Find what a page shows now; None for a draft."""
        shown = self._live.at_hand(place.platform_id, place.campaign_id)
        return await self.seen(place, shown or await self._live.now(place.platform_id, place.campaign_id))

    async def seen(self, place: CampaignPlace, shown: ShownCampaign) -> CampaignVisit | None:
        """Tell what a page shows with a state of the campaign; None for a draft."""
        if shown.campaign.phase is Phase.DRAFT:
            return None
        address = "" if await self._hides_images(place) else shown.campaign.presentation.image_url
        photo = await self._photos.shown(place.platform_id, address)
        return CampaignVisit(shown, place.code, place.link, self._hands_over, photo)

    async def _hides_images(self, place: CampaignPlace) -> bool:
        """Tell whether pictures are hidden, as it was a moment ago; while the database is away, as it was last."""
        at, known = self._hidden.get(place.campaign_id, (0.0, False))
        if at and time.monotonic() - at < FRESH_SECONDS:
            return known
        subjects = [("PLATFORM", ""), ("CAMPAIGN", str(place.campaign_id))]
        try:
            async with self._database.read() as connection:
                known = (await find_hidden(connection, place.platform_id, subjects)).images
        except psycopg.Error:
            if not at:
                raise
        if len(self._hidden) >= _MOST:
            self._hidden.clear()
        self._hidden[place.campaign_id] = time.monotonic(), known
        return known

    def follow(self, place: CampaignPlace, after: str) -> AsyncGenerator[ShownCampaign, None]:
        """Yield the states of the campaign after a version of the page, as they come."""
        version, turn = position(after) or (0, 0)
        return self._live.after(place.platform_id, place.campaign_id, version, turn)

    def milliseconds(self, place: CampaignPlace) -> int:
        """Tell the time of a place's platform, in milliseconds since 1970: countdowns go by it."""
        return int(self._clock.now(place.platform_id).timestamp() * 1000)
