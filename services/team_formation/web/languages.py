"""Which languages a visitor reads: the one the address names, then those of the browser, the best first."""

import re
from functools import lru_cache

from starlette.requests import Request

from services.chassis import formats
from services.team_formation.domain import Presentation
from services.team_formation.sharing.words import LANGUAGES
from services.team_formation.web.words import Words, words_for

_LONGEST = 200
_MOST = 10
_TAG = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
_PART = re.compile(r"\s*(?P<tag>[A-Za-z0-9-]+)\s*(?:;\s*q\s*=\s*(?P<weight>[0-9.]{1,6})\s*)?")


def wanted(request: Request) -> tuple[str, ...]:
    """List the BCP 47 tags that a visitor reads, what it wants most first; none where none is said."""
    named = request.query_params.get("lang", "")
    ours = (named,) if _TAG.fullmatch(named) and len(named) <= _LONGEST else ()
    return (*ours, *_listed(request.headers.get("accept-language", "")[:_LONGEST]))


def first_of(tags: tuple[str, ...], offered: tuple[str, ...]) -> str:
    """Choose what is offered in the first of the languages that it is offered in at all; "" where in none."""
    return next((found for tag in tags if (found := formats.best_match(tag, offered, ""))), "")


def words_read(request: Request) -> Words:
    """Choose the words for a visitor of a page that is of no campaign."""
    return words_for(first_of(wanted(request), LANGUAGES), "")


def read_by(request: Request, texts: tuple[str, ...]) -> tuple[Words, str]:
    """Choose the words for a visitor, and which of the languages of a campaign's texts goes with them.

    Who reads none of ours gets the campaign's first, and English where that is none of ours either.
    """
    tags = wanted(request)
    words = words_for(first_of(tags, LANGUAGES), texts[0])
    return words, first_of(tags, texts) or formats.best_match(words.language, texts, texts[0])


def chosen(request: Request, shown: Presentation) -> tuple[Words, str]:
    """Choose the words for a visitor, and the language of a campaign's texts."""
    return read_by(request, tuple(text.language for text in shown.texts))


@lru_cache(maxsize=1024)
def _listed(header: str) -> tuple[str, ...]:
    """List tags by their weights (RFC 9110, section 12.5.4)."""
    found = []
    for at, part in enumerate(header.split(",")[:_MOST]):
        read = _PART.fullmatch(part)
        if read is None or not _TAG.fullmatch(read["tag"]):
            continue
        try:
            quality = float(read["weight"] or 1)
        except ValueError:
            continue
        if quality > 0:
            found.append((-quality, at, read["tag"]))
    return tuple(tag for _, _, tag in sorted(found))
