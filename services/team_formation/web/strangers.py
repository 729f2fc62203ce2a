"""Answers to those whose link leads nowhere: one page for all of them, and a bound for whoever guesses."""

from starlette.requests import Request

from services.team_formation.web import languages
from services.team_formation.web.answers import NO_STORE, Answer, Headers, answer, for_pages
from services.team_formation.web.guesses import Guesses
from services.team_formation.web.pages import Assets, Pages
from services.team_formation.web.words import words_for


class Strangers:
    """Turns visitors away; pages of all kinds count the same guesses."""

    def __init__(self, pages: Pages, assets: Assets, guesses: Guesses) -> None:
        self._pages = pages
        self._guesses = guesses
        self._headers = for_pages(NO_STORE, assets.style)

    def blocked(self, request: Request) -> Answer | None:
        """Answer whoever has guessed too often; None for everybody else."""
        if not self._guesses.is_blocked(_address(request)):
            return None
        return self._notice(request, "busy", 429, [(b"retry-after", b"60")])

    def guessed(self, request: Request) -> Answer:
        """Answer a link that leads nowhere, and count it."""
        self._guesses.add(_address(request))
        return self.unknown(request)

    def unknown(self, request: Request) -> Answer:
        """Answer a link that leads nowhere any more."""
        return self._notice(request, "unknown", 404, [])

    def _notice(self, request: Request, name: str, status: int, headers: Headers) -> Answer:
        body = self._pages.notice(name, words_for(languages.wanted(request), ""))
        return answer(request, body, [*self._headers, *headers], status)


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
