"""The words of pages: every language says the same things, with the same values and the forms that its numbers need."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from services.team_formation.sharing.channels import CHANNELS
from services.team_formation.sharing.words import LANGUAGES
from services.team_formation.web.words import words_for, words_of

_NAME = re.compile(r"\{(\w+)\}")
NUMBERS = (0, 1, 2, 3, 5, 11, 21, 100, 1_000_000)


def texts_of(language: str) -> dict[str, Any]:
    return {key: value for key, value in words_of(language).texts.items() if key != "channels"}


def forms(text: Any) -> Iterator[str]:
    yield from text.values() if isinstance(text, dict) else (text,)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_every_text_and_counts_where_english_does(language: str) -> None:
    ours, english = texts_of(language), texts_of("en")
    assert ours.keys() == english.keys()
    assert {key for key, value in ours.items() if isinstance(value, dict)} == {
        key for key, value in english.items() if isinstance(value, dict)
    }
    assert set(words_of(language).texts["channels"]) == set(CHANNELS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_form_names_the_values_that_english_names(language: str) -> None:
    english = texts_of("en")
    for key, value in texts_of(language).items():
        expected = {name for form in forms(english[key]) for name in _NAME.findall(form)}
        for form in forms(value):
            assert set(_NAME.findall(form)) == expected, f"{language}: {key}: {form}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_number_is_in_its_form_or_said_in_words(language: str) -> None:
    words = words_of(language)
    for key, value in texts_of(language).items():
        if not isinstance(value, dict):
            continue
        assert "other" in value
        assert "#" in value["other"]
        names = {name: "x" for form in value.values() for name in _NAME.findall(form)}
        for number in NUMBERS:
            assert words.count(key, number, **names)


@pytest.mark.parametrize(
    ("wanted", "campaign", "chosen"),
    [
        ("zh-CN", "en", "zh-Hans"),
        ("es-MX", "zh-Hans", "es"),
        ("", "ar", "ar"),
        ("tlh", "es", "es"),
        ("tlh", "de", "en"),
        ("", "", "en"),
    ],
)
def test_words_are_the_readers_then_the_campaigns_then_english(wanted: str, campaign: str, chosen: str) -> None:
    assert words_for(wanted, campaign).language == chosen
