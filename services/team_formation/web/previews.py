"""Preview pictures of links: what a chat shows of one, and keeps, so only what stays true is on them."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.chassis import formats
from services.team_formation.domain import Campaign, Role, Tally
from services.team_formation.web.answers import Body, body_of
from services.team_formation.web.campaign_visits import CampaignVisit
from services.team_formation.web.offer import Offer, offer_of, offer_of_new
from services.team_formation.web.photos import Photos
from services.team_formation.web.picture import Poster, Shape, draw, media_type
from services.team_formation.web.visits import Visit
from services.team_formation.web.wording import ending, of_basis, text_of
from services.team_formation.web.words import Words

_MOST = 300
"""Pictures kept; one has up to 100 KB."""
_PATHS = {Shape.WIDE: "picture", Shape.SQUARE: "square"}
_AT_ONCE = 2
"""Pictures drawn at once: each takes a processor for some tens of milliseconds."""


@dataclass(frozen=True, slots=True)
class _Key:
    """What a picture is a function of."""

    campaign_id: UUID
    campaign_version: int
    terms_version: int
    ends_at: datetime
    language: str
    title_language: str
    shape: Shape
    photo: str
    says: str = "team"
    """Of what: a team, a campaign, or one that is yet to start."""


class Previews:
    """Draws pictures, and keeps those that are asked for; all who ask for one at once wait for one drawing."""

    def __init__(self, photos: Photos) -> None:
        self._photos = photos
        self._kept: dict[_Key, asyncio.Future[Body]] = {}
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def picture(self, visit: Visit, words: Words, title_language: str, shape: Shape) -> Body:
        """Give the picture of a visit's team."""
        shown = visit.shown
        key = _Key(
            shown.campaign.campaign_id,
            shown.campaign.version,
            shown.terms.version,
            shown.team.ends_at,
            words.language,
            title_language,
            shape,
            visit.photo.name if visit.photo else "",
        )
        return await self._picture(key, lambda: poster_of(visit, words, title_language))

    async def of_campaign(self, visit: CampaignVisit, words: Words, title_language: str, shape: Shape) -> Body:
        """Give the picture of a campaign."""
        campaign = visit.shown.campaign
        key = _Key(
            campaign.campaign_id,
            campaign.version,
            campaign.terms.version,
            campaign.ends_at,
            words.language,
            title_language,
            shape,
            visit.photo.name if visit.photo else "",
            says="early" if visit.is_early else "campaign",
        )
        return await self._picture(key, lambda: campaign_poster(visit, words, title_language))

    async def _picture(self, key: _Key, poster: Callable[[], Poster]) -> Body:
        drawing = self._kept.get(key)
        if drawing is None:
            if len(self._kept) >= _MOST:
                del self._kept[next(iter(self._kept))]
            drawing = asyncio.ensure_future(self._drawn(poster(), key))
            drawing.add_done_callback(lambda done: self._forget_failed(key, done))
            self._kept[key] = drawing
        return await asyncio.shield(drawing)

    async def _drawn(self, poster: Poster, key: _Key) -> Body:
        async with self._room:
            photo = await self._photos.file(key.photo) if key.photo else None
            poster = replace(poster, image=photo.plain if photo else None)
            picture = await asyncio.to_thread(draw, poster, key.shape)
        return body_of(media_type(picture).encode(), picture, packs=False)

    def _forget_failed(self, key: _Key, done: "asyncio.Future[Body]") -> None:
        if done.cancelled() or done.exception():
            self._kept.pop(key, None)


def picture_url(visit: Visit | CampaignVisit, words: Words, shape: Shape) -> str:
    """Give the address of a picture: another one where it shows something else, since chats keep pictures by it."""
    version = str(visit.shown.campaign.version)
    version += ".early" if isinstance(visit, CampaignVisit) and visit.is_early else ""
    version += f".{visit.photo.tag}" if visit.photo else ""
    return f"{visit.link}/{_PATHS[shape]}?lang={words.language}&v={version}"


def poster_of(visit: Visit, words: Words, title_language: str) -> Poster:
    """Say what a picture says. No end is said that a live host may still move."""
    team, terms, campaign = visit.shown.team, visit.shown.terms, visit.shown.campaign
    closing = "" if campaign.latest_end else words.say("ends", by=ending(team.ends_at, campaign, words))
    return _poster(offer_of(team, terms, campaign), campaign, closing, words, title_language)


def campaign_poster(visit: CampaignVisit, words: Words, title_language: str) -> Poster:
    """Say what the picture of a campaign says: the same, whatever its teams have reached.

    Before the start it says when that is; the address of the picture is another one once it is moved, or has begun.
    """
    campaign = visit.shown.campaign
    key, at = ("c_starts", campaign.starts_at) if visit.is_early else ("ends", campaign.ends_at)
    closing = "" if campaign.latest_end else words.say(key, by=ending(at, campaign, words))
    return _poster(offer_of_new(campaign, Tally(), Role.MEMBER), campaign, closing, words, title_language)


def _poster(offer: Offer, campaign: Campaign, closing: str, words: Words, title_language: str) -> Poster:
    main, text = offer.main, text_of(campaign, title_language)
    price = formats.money(main.lowest, campaign.currency, words.locale)
    falls = main.lowest < main.alone
    return Poster(
        title=text.title,
        seller=campaign.presentation.seller,
        alone=words.say("poster_alone", price=formats.money(main.alone, campaign.currency, words.locale)),
        lowest=words.count(of_basis("poster", offer.basis), main.lowest_at, price=price) if falls else "",
        closing=closing,
        language=words.language,
        price=price if falls else "",
    )
