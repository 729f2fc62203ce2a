"""Lines of a text: where they end, that they keep within their width, and what becomes of text that is too long."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.team_formation.web.picture import bidi
from services.team_formation.web.picture.breaks import clusters, opportunities
from services.team_formation.web.picture.clean import LONGEST, cleaned
from services.team_formation.web.picture.shaping import Line, Paragraph, Span, Style
from services.team_formation.web.picture.wrapping import largest, wrapped

ANY_TEXT = st.text(
    st.characters(codec="utf-8") | st.sampled_from("abc WWWW 国国 فراولة \u0301\u200d-/()「、。\u2067\u2069🍓"),
    max_size=80,
)


def paragraph(text: str, size: int = 40, language: str = "en") -> Paragraph:
    return Paragraph([Span(cleaned(text), Style(size))], language, bidi.direction(text, bidi.LEFT))


def parts(text: str) -> list[str]:
    """A text cut wherever a line may end."""
    places = [0, *opportunities(text), len(text)]
    return [text[start:stop] for start, stop in pairwise(places)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("big red box", ["big ", "red ", "box"]),
        ("a 2 kg box", ["a ", "2 kg ", "box"]),  # a number keeps its unit
        ("well-known", ["well-", "known"]),
        ("x -5", ["x ", "-5"]),
        ("有机草莓，新鲜", ["有", "机", "草", "莓，", "新", "鲜"]),  # noqa: RUF001 - Chinese has its own signs
        ("买（大）", ["买", "（大）"]),  # noqa: RUF001 - as above
        ("共¥19.90元起", ["共", "¥19.90元", "起"]),
        ("装2千克", ["装", "2千", "克"]),
        ("a\u00a0b c", ["a\u00a0b ", "c"]),
    ],
)
def test_a_line_may_end(text: str, expected: list[str]) -> None:
    assert parts(text) == expected


def test_a_letter_keeps_its_marks() -> None:
    assert clusters("ab") == [1]
    assert clusters("a\u0301b") == [2]
    assert clusters("a\u200db") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  a \n\t b\x00c\u2028 ", "a b c"),
        ("e\u0301", "é"),
        ("a\u202eb\u202cc\ud800\U000f0000", "abc"),
        ("🍓 Fresh 👨\u200d👩\u200d👧 1\ufe0f\u20e3", "Fresh 1"),
        ("می\u200cخرم", "می\u200cخرم"),
        ("\u0301 \u0301a", "a"),
        ("z" + "\u0335" * 50, "z" + "\u0335" * 3),
    ],
)
def test_text_is_cleaned(text: str, expected: str) -> None:
    assert cleaned(text) == expected


def test_cleaned_text_is_bounded() -> None:
    assert len(cleaned("ﷺ" * 10_000)) == LONGEST


@given(ANY_TEXT, st.integers(1, 4), st.integers(30, 900))
@settings(deadline=None)
def test_no_line_is_wider_than_its_place(text: str, most: int, width: int) -> None:
    found = wrapped(paragraph(text), width, most)
    assert len(found.lines) <= most
    assert all(line.width <= width for line in found.lines)


@given(ANY_TEXT)
@settings(deadline=None)
def test_text_that_fits_is_shown_whole(text: str) -> None:
    found = wrapped(paragraph(text), 100_000, 3)
    assert found.is_whole
    assert len(found.lines) <= 1


def test_lines_are_of_about_one_length() -> None:
    text = "Organic strawberries picked today in the box"
    whole = paragraph(text).line(0, len(text)).width
    widths = [line.width for line in wrapped(paragraph(text), whole * 0.9, 3).lines]
    assert len(widths) == 2
    assert min(widths) > 0.7 * max(widths), "a single word would be left on the last line otherwise"


def test_chinese_lines_end_between_phrases_where_that_costs_no_line() -> None:
    text = "有机草莓新鲜水果礼盒 2千克装 当季现摘 冷链配送"
    first = wrapped(paragraph(text, language="zh-Hans"), 15 * 40, 3).lines[0]
    assert numbers(first) == numbers(paragraph("有机草莓新鲜水果礼盒", language="zh-Hans").line(0, 10))
    without = wrapped(paragraph(text.replace(" ", ""), language="zh-Hans"), 15 * 40, 3).lines
    assert [len(line.glyphs) for line in without] == [12, 10], "else they end anywhere"


def numbers(line: Line) -> list[int]:
    return [glyph.number for glyph in line.glyphs]


def test_the_largest_size_that_fits_is_taken() -> None:
    def size_of(text: str, height: float) -> int:
        return largest(lambda size: paragraph(text, size), (80, 60, 40), 600, 3, height)[0].size

    assert size_of("Short", 400) == 80
    assert size_of("Short", 80) == 60, "80 pixels are no line of letters of 80"
    assert size_of("A title that needs letters of a smaller size by far", 400) == 60
    assert size_of("W" * 200, 400) == 40, "what fits in no size is cut at the smallest"
    assert largest(lambda size: paragraph("Short", size), (80,), 600, 3, 20) == ()


def test_text_that_is_too_long_ends_with_an_ellipsis() -> None:
    text = "Organic strawberries picked today in the box"
    cut = wrapped(paragraph(text), 500, 1)
    assert not cut.is_whole
    expected = paragraph("Organic strawberries").line(0, 20, tail="…")
    assert numbers(cut.lines[0]) == numbers(expected)


def test_the_ellipsis_of_arabic_is_at_the_left() -> None:
    line = wrapped(paragraph("فراولة " * 40, language="ar"), 500, 1).lines[0]
    dots = paragraph("…", language="ar").line(0, 1).glyphs[0].number
    assert line.glyphs[0].number == dots
