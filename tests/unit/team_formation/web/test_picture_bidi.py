"""The order of text of two directions, by examples of UAX #9 and by what a shop writes."""

from unicodedata import bidirectional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.team_formation.web.picture.bidi import LEFT, RIGHT, direction, levels, visual

# Three letters of each: A, B, C run from right to left in the expectations below.
LETTERS = str.maketrans("ABC", "אבג")
TEXTS = st.text(st.sampled_from("abאבفر 12٣.,:()[]«»+-€%\u2066\u2067\u2068\u2069\u200e\u200f\u200d\u0301"), max_size=30)


def shown(text: str, paragraph: int) -> str:
    """A text as it is read from left to right, without what has no width."""
    order: list[int] = []
    for start, stop, level in visual(text, levels(text, paragraph), paragraph):
        order += reversed(range(start, stop)) if level % 2 else range(start, stop)
    seen = "".join(text[at] for at in order if bidirectional(text[at]) not in {"LRI", "RLI", "FSI", "PDI", "BN"})
    return seen.translate({letter: name for name, letter in LETTERS.items()})


@pytest.mark.parametrize(
    ("text", "paragraph", "expected"),
    [
        ("abc", LEFT, "abc"),
        ("ABC", LEFT, "CBA"),
        ("ab ABC de", LEFT, "ab CBA de"),
        ("ab ABC de", RIGHT, "de CBA ab"),
        ("ABC 19.90", RIGHT, "19.90 CBA"),  # a number runs from left to right, behind the words before it
        ("AB 19.90 € C", RIGHT, "C € 19.90 BA"),
        ("AB €19.90 C", RIGHT, "C €19.90 BA"),  # W5: a sign at a number is part of it
        ("AB (utc+03:00)", RIGHT, ")utc+03:00( BA"),  # HarfBuzz turns brackets around that are at an odd level
        ("ab (AB) cd", LEFT, "ab (BA) cd"),
        ("AB (ab) C", RIGHT, "C )ab( BA"),  # N0
        ("AB (CA) b", LEFT, ")AC( BA b"),
        ("a(B)C", LEFT, "a(B)C"),
        ("ab \u2067AB cd\u2069 ef", LEFT, "ab cd BA ef"),
        ("AB \u2068ab 12\u2069 C", RIGHT, "C ab 12 BA"),  # an isolate stays in one piece
        ("AB, ab", RIGHT, "ab ,BA"),
        ("ab AB  ", LEFT, "ab BA  "),  # L1
        ("فرA12", RIGHT, "12Aرف"),
    ],
)
def test_text_is_ordered(text: str, paragraph: int, expected: str) -> None:
    assert shown(text.translate(LETTERS), paragraph) == expected


def test_numbers_after_arabic_letters_keep_their_signs_apart() -> None:
    assert shown("ف 1+2", RIGHT) == "2+1 ف", "W2 makes them Arabic numbers, between which W4 knows no plus"
    assert shown("א 1+2", RIGHT) == "1+2 A"


def test_the_first_letter_gives_the_direction() -> None:
    assert direction("19.90 € ab", RIGHT) == LEFT
    assert direction("12 فراولة ab", LEFT) == RIGHT
    assert direction("12 €", RIGHT) == RIGHT
    assert direction("\u2067אב\u2069 ab", RIGHT) == LEFT, "isolates are passed over (P2)"


@given(TEXTS, st.sampled_from([LEFT, RIGHT]))
def test_every_character_is_shown_once(text: str, paragraph: int) -> None:
    found = levels(text, paragraph)
    assert all(level >= paragraph for level in found)
    runs = visual(text, found, paragraph)
    assert sorted(at for start, stop, _ in runs for at in range(start, stop)) == list(range(len(text)))


@given(TEXTS)
def test_letters_run_their_own_way(text: str) -> None:
    for letter, level in zip(text, levels(text, RIGHT), strict=True):
        if bidirectional(letter) in {"L", "R", "AL", "EN", "AN"}:
            assert level % 2 == (bidirectional(letter) in {"R", "AL"})


def test_isolates_without_an_end_or_nested_without_end_are_bounded() -> None:
    deep = "\u2067" * 300 + "abc"
    assert max(levels(deep, LEFT)) < 32
    assert shown("ab\u2069 \u2067AB".translate(LETTERS), LEFT) == "ab BA"
