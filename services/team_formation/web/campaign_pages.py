"""Answers to those who open a campaign's link: the page, its data, its events, its QR code; and a stream's screen."""

from collections.abc import Callable
from functools import partial

from starlette.requests import Request
from starlette.routing import BaseRoute, Route

from services.chassis import ids
from services.chassis.errors import Rejected
from services.team_formation import translate
from services.team_formation.domain import Visibility
from services.team_formation.sharing import qr
from services.team_formation.web import languages
from services.team_formation.web.answers import (
    A_DAY,
    FRESH,
    IMMUTABLE,
    NO_STORE,
    Answer,
    answer,
    body_of,
    common,
    cross_origin,
    for_pages,
    redirect,
)
from services.team_formation.web.campaign_sheets import CampaignSheets
from services.team_formation.web.campaign_shown import ShownCampaign
from services.team_formation.web.campaign_visits import CampaignPlace, CampaignVisit, CampaignVisits
from services.team_formation.web.following import Following
from services.team_formation.web.live import Live
from services.team_formation.web.picture import Shape
from services.team_formation.web.share_cards import campaign_card
from services.team_formation.web.shown import Shown
from services.team_formation.web.streams import EventStream
from services.team_formation.web.tools import Tools
from services.team_formation.web.words import Words

Draw = Callable[[CampaignVisit, Words, str], bytes]


class CampaignPages:
    """The pages of campaigns."""

    def __init__(self, visits: CampaignVisits, teams: Live[str, Shown], tools: Tools) -> None:
        self._visits = visits
        self._teams = teams
        self._sheets = CampaignSheets(tools.pages, tools.assets)
        self._checkouts = tools.checkouts
        self._cards = tools.cards
        self._previews = tools.previews
        self._strangers = tools.strangers
        self._origins = frozenset(tools.origins)
        self._following = Following(visits, tools.origins)
        self._unkept = for_pages(NO_STORE, tools.assets.style)
        self._of_screens = for_pages(FRESH, tools.assets.screen_style)

    def routes(self) -> list[BaseRoute]:
        """List what is answered."""
        return [
            Route("/c/{code}.json", self.data),
            Route("/c/{code}/events", self.events),
            Route("/c/{code}/qr.svg", self.qr_code),
            Route("/c/{code}/picture", partial(self.picture, Shape.WIDE)),
            Route("/c/{code}/square", partial(self.picture, Shape.SQUARE)),
            Route("/c/{code}/open", self.open),
            Route("/c/{code}/wechat.json", self.card),
            Route("/c/{code}/join/{team}", self.join),
            Route("/c/{code}", self.page),
            Route("/live/{code}/events", self.screen_events),
            Route("/live/{code}", self.screen),
        ]

    async def page(self, request: Request) -> Answer:
        """Answer with the page."""
        found = await self._find(request)
        if isinstance(found, Answer):
            return found
        place, visit = found
        headers = await self._cards.page_headers(request, place.platform_id)
        return answer(request, self._sheets.html(visit, *_languages(request, visit)), headers)

    async def data(self, request: Request) -> Answer:
        """Answer with all that the page says; `after` a version, once there is something newer."""
        found = await self._find(request)
        if isinstance(found, Answer):
            return found
        visit = await self._following.news(request, *found)
        if visit is None:
            return self._strangers.unknown(request)
        body = self._sheets.json(visit, *_languages(request, visit))
        return answer(request, body, [*common(FRESH), *cross_origin(request, self._origins)])

    async def events(self, request: Request) -> Answer | EventStream[ShownCampaign]:
        """Answer with the page each time that it changes, as Server-Sent Events."""
        return await self._events(request, self._sheets.event)

    async def screen(self, request: Request) -> Answer:
        """Answer with the screen of a live stream."""
        found = await self._find(request)
        if isinstance(found, Answer):
            return found
        clear = request.query_params.get("background") == "none"
        words, title_language = _languages(request, found[1])
        return answer(request, self._sheets.screen(found[1], words, title_language, clear=clear), self._of_screens)

    async def screen_events(self, request: Request) -> Answer | EventStream[ShownCampaign]:
        """Answer with the screen each time that it changes, as Server-Sent Events."""
        return await self._events(request, self._sheets.screen_event)

    async def qr_code(self, request: Request) -> Answer:
        """Answer with the QR code of the page's link, which never changes."""
        found = await self._find(request)
        if isinstance(found, Answer):
            return found
        drawn = body_of(qr.Format.SVG.encode(), qr.draw(found[0].link, qr.Format.SVG))
        return answer(request, drawn, common(IMMUTABLE))

    async def card(self, request: Request) -> Answer:
        """Answer with what WeChat's browser needs to show the link as a card."""
        found = await self._find(request)
        if isinstance(found, Answer):
            return found
        place, visit = found
        return await self._cards.signed(request, place.platform_id, campaign_card(visit, *_languages(request, visit)))

    async def picture(self, shape: Shape, request: Request) -> Answer:
        """Answer with the preview picture."""
        found = await self._find(request)
        if isinstance(found, Answer):
            return found
        drawn = await self._previews.of_campaign(found[1], *_languages(request, found[1]), shape)
        return answer(request, drawn, common(A_DAY))

    async def open(self, request: Request) -> Answer:
        """Lead to the checkout with a token that names no team; back to the page where none can be opened."""
        found = await self._find(request)
        if isinstance(found, Answer):
            return found
        visit = found[1]
        address = self._checkouts.opening(visit, request.query_params.get("sku", ""))
        return redirect(address or visit.path, self._unkept)

    async def join(self, request: Request) -> Answer:
        """Lead to the checkout with a token that names a listed team; back to the page where that cannot be joined."""
        found = await self._find(request)
        if isinstance(found, Answer):
            return found
        place, visit = found
        team = await self._listed(place, request.path_params["team"])
        address = self._checkouts.joining(visit, team, request.query_params.get("sku", "")) if team else ""
        return redirect(address or visit.path, self._unkept)

    async def _events(self, request: Request, draw: Draw) -> Answer | EventStream[ShownCampaign]:
        found = await self._find(request)
        if isinstance(found, Answer):
            return found

        def drawn(visit: CampaignVisit) -> bytes:
            return draw(visit, *_languages(request, visit))

        return self._following.stream(request, *found, drawn)

    async def _listed(self, place: CampaignPlace, team: str) -> Shown | None:
        """Find a team of the campaign that anybody may join: a page may be older than the ten that it lists now."""
        if (ids.parse(translate.TEAM, team, 2) or (None,))[0] != place.campaign_id:
            return None
        try:
            shown = self._teams.at_hand(place.platform_id, team) or await self._teams.now(place.platform_id, team)
        except Rejected as error:
            if error.reason != "TEAM_UNKNOWN":
                raise
            return None
        rules = shown.terms.rules
        is_listed = rules.visibility is Visibility.LISTED and not shown.team.match_key
        has_room = shown.team.state.is_open and shown.team.totals.taken(rules.counted_in) < rules.maximum
        return shown if is_listed and has_room else None

    async def _find(self, request: Request) -> tuple[CampaignPlace, CampaignVisit] | Answer:
        """Find what a code leads to; unknown codes and drafts get the same answer, and count as guesses."""
        if blocked := self._strangers.blocked(request):
            return blocked
        place = await self._visits.place(request.path_params["code"])
        visit = await self._visits.visit(place) if place else None
        if place is None or visit is None:
            return self._strangers.guessed(request)
        return place, visit


def _languages(request: Request, visit: CampaignVisit) -> tuple[Words, str]:
    return languages.chosen(request, visit.shown.campaign.presentation)
