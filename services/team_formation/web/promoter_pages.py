"""A promoter's own pages: what its links brought, campaign by campaign, and the links themselves.

Whoever has the address sees the numbers, as a bearer of it; nothing is kept by a browser or told to others.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

from starlette.requests import Request
from starlette.routing import BaseRoute, Route

from services.chassis import ids
from services.team_formation import translate
from services.team_formation.store import promoter_links as shelf
from services.team_formation.web import languages
from services.team_formation.web.answers import HTML, NO_STORE, Answer, answer, body_of, for_pages
from services.team_formation.web.ground import Ground
from services.team_formation.web.guesses import Guesses
from services.team_formation.web.pages import Assets, Pages
from services.team_formation.web.promoter_numbers import Promoter, PromoterNumbers
from services.team_formation.web.promoter_view import DetailView, OverviewView, detail_view, overview_view
from services.team_formation.web.strangers import Strangers
from services.team_formation.web.turns import TooManyWait
from services.team_formation.web.words import Words

POLL_SECONDS = 15
"""An open page looks for other numbers so often, while it is seen."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What a token opens."""

    promoter: Promoter
    path: str


class PromoterPages:
    """The pages of promoters."""

    def __init__(self, ground: Ground, pages: Pages, assets: Assets, guesses: Guesses) -> None:
        self._database = ground.database
        self._links = ground.promoter_links
        self._codes = ground.codes
        self._numbers = PromoterNumbers(ground)
        self._pages = pages
        self._strangers = Strangers(pages, assets, guesses)
        self._headers = for_pages(NO_STORE, assets.style)

    def routes(self) -> list[BaseRoute]:
        """List what is answered."""
        return [Route("/p/{token}", self.overview), Route("/p/{token}/{campaign}", self.campaign)]

    async def overview(self, request: Request) -> Answer:
        """Answer with the campaigns of a promoter."""
        found = await self._find(request)
        if isinstance(found, Answer):
            return found
        words = languages.words_read(request)
        try:
            shown = await self._numbers.overview(found.promoter, _before(request, translate.CAMPAIGN))
        except TooManyWait:
            return self._strangers.crowded(request)
        return self._answer(request, "promoter.html", words, overview_view(shown, found.path, words))

    async def campaign(self, request: Request) -> Answer:
        """Answer with what a promoter brought to one campaign, and its links."""
        found = await self._find(request)
        if isinstance(found, Answer):
            return found
        named = ids.parse(translate.CAMPAIGN, f"{translate.CAMPAIGN}_{request.path_params['campaign']}", 1)
        before = _before(request, translate.INVITE)
        try:
            shown = await self._numbers.detail(found.promoter, named[0], before) if named else None
        except TooManyWait:
            return self._strangers.crowded(request)
        if shown is None:
            return self._strangers.guessed(request)
        words, title_language = languages.chosen(request, shown.promoted.campaign.presentation)
        view = detail_view(shown, found.path, words, title_language, self._codes)
        return self._answer(request, "promoted.html", words, view)

    async def _find(self, request: Request) -> _Found | Answer:
        """Find whose page a token opens; one that is none of ours, or was taken back, leads nowhere."""
        if blocked := self._strangers.blocked(request):
            return blocked
        read = self._links.read(request.path_params["token"])
        if read is None:
            return self._strangers.guessed(request)
        platform_id, link_id, number = read
        async with self._database.read() as connection:
            linked = await shelf.find_linked(connection, platform_id, link_id)
        if linked is None or linked[1] != number:
            return self._strangers.guessed(request)
        return _Found(Promoter(platform_id, linked[0]), urlsplit(self._links.url(platform_id, link_id, number)).path)

    def _answer(self, request: Request, template: str, words: Words, view: OverviewView | DetailView) -> Answer:
        path = urlsplit(self._links.url(UUID(int=0), UUID(int=0), 0)).path
        script = self._pages.script(path.rpartition("/p/")[0])
        html = self._pages.filled(template, words, view=view, script=script, poll=POLL_SECONDS)
        return answer(request, body_of(HTML, html), self._headers)


def _before(request: Request, prefix: str) -> UUID | None:
    """Read where a page begins; the newest where that is not said, or is no place."""
    count = 1 if prefix == translate.CAMPAIGN else 2
    named = ids.parse(prefix, request.query_params.get("before", ""), count)
    return named[-1] if named else None
