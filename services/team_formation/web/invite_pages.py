"""Answers to those who open an invite link: the page, its data, its events, its QR code."""

from functools import partial
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.routing import BaseRoute, Route

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
from services.team_formation.web.following import Following
from services.team_formation.web.opens import Opens, is_person
from services.team_formation.web.picture import Shape
from services.team_formation.web.share_cards import invite_card
from services.team_formation.web.shown import Shown
from services.team_formation.web.streams import EventStream
from services.team_formation.web.tools import Tools
from services.team_formation.web.visits import Place, Visit, Visits
from services.team_formation.web.words import Words


class InvitePages:
    """The pages of invites."""

    def __init__(self, visits: Visits, opens: Opens, tools: Tools) -> None:
        self._visits = visits
        self._opens = opens
        self._pages = tools.pages
        self._checkouts = tools.checkouts
        self._cards = tools.cards
        self._previews = tools.previews
        self._strangers = tools.strangers
        self._following = Following(visits, tools.origins)
        self._origins = frozenset(tools.origins)
        self._unkept = for_pages(NO_STORE, tools.assets.style)

    def routes(self) -> list[BaseRoute]:
        """List what is answered."""
        return [
            Route("/i/{code}.json", self.data),
            Route("/i/{code}/events", self.events),
            Route("/i/{code}/qr.svg", self.qr_code),
            Route("/i/{code}/join", self.join),
            Route("/i/{code}/wechat.json", self.card),
            Route("/i/{code}/picture", partial(self.picture, Shape.WIDE)),
            Route("/i/{code}/square", partial(self.picture, Shape.SQUARE)),
            Route("/i/{code}", self.page),
        ]

    async def page(self, request: Request) -> Answer:
        """Answer with the page."""
        found = await self._find(request)
        if isinstance(found, Answer):
            return found
        place, visit = found
        if request.method == "GET" and is_person(dict(request.scope["headers"])):
            self._opens.add(place.door)
        headers = await self._cards.page_headers(request, place.door.platform_id)
        return answer(request, self._pages.html(visit, *_languages(request, visit)), headers)

    async def data(self, request: Request) -> Answer:
        """Answer with all that the page says; `after` a version, once there is something newer."""
        found = await self._find(request)
        if isinstance(found, Answer):
            return found
        visit = await self._following.news(request, *found)
        if visit is None:
            return self._strangers.unknown(request)
        body = self._pages.json(visit, *_languages(request, visit))
        return answer(request, body, [*common(FRESH), *cross_origin(request, self._origins)])

    async def events(self, request: Request) -> Answer | EventStream[Shown]:
        """Answer with the page each time that it changes, as Server-Sent Events."""
        found = await self._find(request)
        if isinstance(found, Answer):
            return found

        def draw(visit: Visit) -> bytes:
            return self._pages.event(visit, *_languages(request, visit))

        return self._following.stream(request, *found, draw)

    async def qr_code(self, request: Request) -> Answer:
        """Answer with the link's QR code, which never changes."""
        found = await self._find(request)
        if isinstance(found, Answer):
            return found
        drawn = body_of(qr.Format.SVG.encode(), qr.draw(found[0].link, qr.Format.SVG))
        return answer(request, drawn, common(IMMUTABLE))

    async def picture(self, shape: Shape, request: Request) -> Answer:
        """Answer with the preview picture."""
        found = await self._find(request)
        if isinstance(found, Answer):
            return found
        drawn = await self._previews.picture(found[1], *_languages(request, found[1]), shape)
        return answer(request, drawn, common(A_DAY))

    async def card(self, request: Request) -> Answer:
        """Answer with what WeChat's browser needs to show the link as a card."""
        found = await self._find(request)
        if isinstance(found, Answer):
            return found
        place, visit = found
        card = invite_card(visit, *_languages(request, visit))
        return await self._cards.signed(request, place.door.platform_id, card)

    async def join(self, request: Request) -> Answer:
        """Lead to the platform's checkout with a token of its own for each; back to the page where nobody can join."""
        found = await self._find(request)
        if isinstance(found, Answer):
            return found
        _, visit = found
        address = self._checkouts.address(visit, request.query_params.get("sku", ""))
        return redirect(address or urlsplit(visit.link).path, self._unkept)

    async def _find(self, request: Request) -> tuple[Place, Visit] | Answer:
        """Find what a code leads to; unknown and revoked codes get the same answer."""
        code = request.path_params["code"]
        if not self._visits.knows(code) and (blocked := self._strangers.blocked(request)):
            return blocked
        place = await self._visits.place(code)
        if place is None:
            return self._strangers.guessed(request)
        visit = await self._visits.visit(place)
        # a link that was taken back is no guess, however many have it
        return (place, visit) if visit else self._strangers.unknown(request)


def _languages(request: Request, visit: Visit) -> tuple[Words, str]:
    return languages.chosen(request, visit.shown.campaign.presentation)
