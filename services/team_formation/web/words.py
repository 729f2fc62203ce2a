"""The words of pages, per language, from files beside this one."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from babel import Locale

from services.chassis import formats
from services.team_formation.sharing.words import FALLBACK, LANGUAGES


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a language."""

    language: str
    locale: Locale
    texts: Mapping[str, Any]

    @property
    def direction(self) -> str:
        """In which direction it is written, as HTML says it: ltr or rtl."""
        return str(self.locale.text_direction)

    def say(self, key: str, **values: str) -> str:
        """Fill a text in; KeyError where there is none."""
        text: str = self.texts[key]
        return text.format(**values)

    def count(self, key: str, number: int, **values: str) -> str:
        """Fill in the form of a text that goes with a number."""
        forms: Mapping[str, str] = self.texts[key]
        return formats.plural(number, forms, self.locale).format(**values)


@cache
def words_of(language: str) -> Words:
    """Read the words of one of LANGUAGES."""
    found = files(__package__) / "words" / f"{language}.toml"
    return Words(language, Locale.parse(language, sep="-"), tomllib.loads(found.read_text(encoding="utf-8")))


def words_for(wanted: str, campaign_language: str) -> Words:
    """Choose the words for a reader of a language, else those that go with the campaign's, else English."""
    beside = formats.best_match(campaign_language, LANGUAGES, FALLBACK)
    return words_of(formats.best_match(wanted, LANGUAGES, beside) if wanted else beside)
