"""The languages that explanations are written in, those of notification's templates, and how each says it."""

from collections.abc import Callable
from dataclasses import dataclass

from services.chassis import formats
from services.pricing import domain
from services.pricing.translate import chinese, sentences

_FALLBACK = "en"


@dataclass(frozen=True, slots=True)
class Words:
    """How one language explains a seat's price and a team's; the tag is BCP 47."""

    language: str
    of_seat: Callable[[domain.Explanation, str], str]
    of_team: Callable[[domain.TeamExplanation, domain.PriceTable], str]


_WORDS = {
    words.language: words
    for words in (
        Words("en", sentences.explain_seat, sentences.explain_team),
        Words("zh-Hans", chinese.explain_seat, chinese.explain_team),
    )
}


def words_in(language: str) -> Words:
    """Choose the best language there is for a reader; English where the tag is empty or not known."""
    return _WORDS[formats.best_match(language, tuple(_WORDS), _FALLBACK) if language else _FALLBACK]
