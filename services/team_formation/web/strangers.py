"""Answers to those whose link leads nowhere: one page for all of them, and a bound for whoever guesses."""

import json
from collections.abc import Collection

from starlette.requests import Request

from services.team_formation.web import languages
from services.team_formation.web.answers import (
    JSON,
    NO_STORE,
    Answer,
    Headers,
    answer,
    body_of,
    common,
    cross_origin,
    for_pages,
)
from services.team_formation.web.guesses import Guesses
from services.team_formation.web.pages import Assets, Pages


class Strangers:
    """Turns visitors away; pages of all kinds count the same guesses."""

    def __init__(self, pages: Pages, assets: Assets, guesses: Guesses, origins: Collection[str] = ()) -> None:
        self._pages = pages
        self._guesses = guesses
        self._origins = origins
        self._headers = for_pages(NO_STORE, assets.style)

    def blocked(self, request: Request) -> Answer | None:
        """Answer whoever has guessed too often; None for everybody else."""
        return self.slowed(request) if self._guesses.is_blocked(address_of(request)) else None

    def slowed(self, request: Request) -> Answer:
        """Answer whoever has asked too often for what is not there."""
        return self._notice(request, "busy", 429, [(b"retry-after", b"60")])

    def crowded(self, request: Request) -> Answer:
        """Answer whoever asks for more at once than is done for one."""
        return self._notice(request, "crowded", 429, [(b"retry-after", b"5")])

    def guessed(self, request: Request) -> Answer:
        """Answer a link that leads nowhere, and count it."""
        self._guesses.add(address_of(request))
        return self.unknown(request)

    def unknown(self, request: Request) -> Answer:
        """Answer a link that leads nowhere any more."""
        return self._notice(request, "unknown", 404, [])

    def _notice(self, request: Request, name: str, status: int, headers: Headers) -> Answer:
        """Say why there is nothing: as a page, or as data to who has asked for data."""
        if request.url.path.endswith(".json"):
            body = body_of(JSON, json.dumps({"error": name}).encode())
            return answer(request, body, [*common(NO_STORE), *cross_origin(request, self._origins), *headers], status)
        body = self._pages.notice(name, languages.words_read(request))
        return answer(request, body, [*self._headers, *headers], status)


def address_of(request: Request) -> str:
    """Give the address that a request came from; empty where it is not known."""
    return request.client.host if request.client else ""
