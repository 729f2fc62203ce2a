"""Which language a visitor reads: the one the address names, else the first one of the browser's that suits."""

import re
from functools import lru_cache

from starlette.requests import Request

from services.chassis import formats
from services.team_formation.domain import Presentation
from services.team_formation.web.words import Words, words_for

_LONGEST = 200
_MOST = 10
_TAG = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")


def wanted(request: Request) -> str:
    """Tell the BCP 47 tag that a visitor wants most; empty where none is said."""
    named = request.query_params.get("lang", "")
    if _TAG.fullmatch(named) and len(named) <= _LONGEST:
        return named
    return _first(request.headers.get("accept-language", "")[:_LONGEST])


def chosen(request: Request, shown: Presentation) -> tuple[Words, str]:
    """Choose the words for a visitor, and the language of a campaign's texts."""
    tag = wanted(request)
    texts = tuple(text.language for text in shown.texts)
    title = formats.best_match(tag or texts[0], texts, texts[0])
    return words_for(tag, title), title


@lru_cache(maxsize=1024)
def _first(header: str) -> str:
    """Find the tag with the highest weight (RFC 9110, section 12.5.4)."""
    found = []
    for at, part in enumerate(header.split(",")[:_MOST]):
        tag, _, weight = part.strip().partition(";q=")
        try:
            quality = float(weight or 1)
        except ValueError:
            continue
        if _TAG.fullmatch(tag) and quality > 0:
            found.append((-quality, at, tag))
    return min(found)[2] if found else ""
