"""Letters as glyphs: Arabic joined and from right to left, Chinese, signs of each, and what no font has."""

import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uharfbuzz as hb

from services.team_formation.web.picture import bidi, fonts
from services.team_formation.web.picture.fonts import Weight, choose
from services.team_formation.web.picture.shaping import Glyph, Line, Paragraph, Span, Style

STRAWBERRY = "فراولة"
ZWNJ = "\u200c"
THAI = "สตรอว์เบอร์รี"


@pytest.fixture
def use_folders(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Puts folders in the place of those that the system has its fonts in."""

    def use(*folders: Path) -> None:
        monkeypatch.setattr(fonts, "FOLDERS", tuple(str(folder) for folder in folders))
        fonts.of_system.cache_clear()

    yield use
    fonts.of_system.cache_clear()


@pytest.fixture
def no_system_fonts(use_folders: Callable[..., None]) -> None:
    use_folders()


def shaped(text: str, language: str = "en", level: int = bidi.LEFT, weight: Weight = Weight.MEDIUM) -> Line:
    return Paragraph([Span(text, Style(64, weight))], language, level).line(0, len(text))


def numbers(line: Line) -> list[int]:
    return [glyph.number for glyph in line.glyphs]


def test_arabic_letters_join() -> None:
    joined = shaped(STRAWBERRY, "ar", bidi.RIGHT)
    apart = shaped(ZWNJ.join(STRAWBERRY), "ar", bidi.RIGHT)
    alone = {shaped(letter, "ar", bidi.RIGHT).glyphs[0].number for letter in STRAWBERRY}
    assert joined.width < apart.width
    assert not set(numbers(joined)) <= alone, "some letter has the form that it has within a word"


def test_arabic_runs_from_right_to_left() -> None:
    word = shaped("درو", "ar", bidi.RIGHT)  # none of them joins the next, so all have the form that they have alone
    assert numbers(word) == [shaped(letter, "ar", bidi.RIGHT).glyphs[0].number for letter in "ورد"]
    assert [glyph.x for glyph in word.glyphs] == sorted(glyph.x for glyph in word.glyphs)


def test_lam_and_alef_are_one_sign() -> None:
    joined, apart = ("\u0644" + between + "\u0627" for between in ("", ZWNJ))
    assert shaped(joined, "ar", bidi.RIGHT).width < shaped(apart, "ar", bidi.RIGHT).width


def test_letters_join_across_a_change_of_style() -> None:
    whole = shaped("بب", "ar", bidi.RIGHT)
    styles = [Style(64), Style(65)]
    halves = Paragraph([Span("ب", style) for style in styles], "ar", bidi.RIGHT).line(0, 2)
    assert numbers(halves) == numbers(whole)


def test_a_price_in_arabic_runs_from_left_to_right() -> None:
    line = shaped("حتى 19.90 ر.س", "ar", bidi.RIGHT)
    digits = [shaped(digit).glyphs[0].number for digit in "19.90"]
    found = numbers(line)
    assert any(found[at : at + 5] == digits for at in range(len(found)))


@pytest.mark.parametrize("weight", Weight)
@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Organic strawberries, 2 kg for 39.90 €", "en"),
        ("Fresas ecológicas, ¿cuánto? 19,90 €", "es"),
        ("有机草莓 5人拼团低至¥19.90，截止：（UTC+08:00）", "zh-Hans"),  # noqa: RUF001 - Chinese has its own signs
        ("有機草莓，新鮮送達", "zh-Hant"),  # noqa: RUF001 - as above
        ("فراولة عضوية، صندوق ٢ كجم؛ 19.90 ر.س", "ar"),
        ("توت‌فرنگی گیلاس پ چ ژ", "fa"),
        ("Органическая клубника", "ru"),
        ("Dâu tây hữu cơ Đà Lạt ₫", "vi"),
        ("有機いちご「特選」ー", "ja"),
    ],
)
@pytest.mark.usefixtures("no_system_fonts")
def test_our_fonts_have_every_letter_of(text: str, language: str, weight: Weight) -> None:
    assert None not in choose(text, language)
    assert 0 not in numbers(shaped(text, language, weight=weight)), "glyph 0 is the box for what is missing"


def test_chinese_signs_are_in_the_chinese_font() -> None:
    chinese, latin = choose("国a", "zh-Hans")
    assert choose("“国”——…", "zh-Hans") == [chinese] * 6
    assert choose("“a”", "en") == [latin] * 3
    assert choose("19", "zh-Hans") == [latin] * 2


def test_bold_is_bolder_in_every_script() -> None:
    for letter in ("H", "国", "د"):
        (medium,), (bold,) = (shaped(letter, weight=weight).glyphs for weight in Weight)
        assert outline(medium) != outline(bold)


def outline(glyph: Glyph) -> object:
    """Where the ink of a glyph begins and how far it goes."""
    extents = glyph.font.get_glyph_extents(glyph.number)
    return extents.x_bearing, extents.width


@pytest.mark.usefixtures("no_system_fonts")
def test_what_no_font_has_is_left_out() -> None:
    assert choose("aสb", "en")[1] is None
    assert numbers(shaped("aสb")) == numbers(shaped("ab"))
    assert shaped(THAI).glyphs == ()


@pytest.mark.usefixtures("no_system_fonts")
def test_what_orders_text_is_kept() -> None:
    text = "\u2068abc\u2069 دار \u2067ab\u2069\u200f"
    assert fonts.drawable(text, "ar") == text


def test_a_font_of_the_system_helps(use_folders: Callable[..., None], tmp_path: Path) -> None:
    ours = Path(fonts.__file__).parents[1] / "fonts" / "NotoSans-Medium.ttf"
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "NotoSansThai-Regular.ttf").write_bytes(with_letter(ours, "a", "ส"))
    (tmp_path / "PingFang.ttc").write_bytes(b"no font")
    use_folders(tmp_path)
    assert numbers(shaped("aสb")) != numbers(shaped("ab"))
    assert choose("ส", "th") != [None]
    assert choose("ก", "th") == [None]


def with_letter(font: Path, old: str, new: str) -> bytes:
    """A font that has a single character, in the shape that another one has in a font."""
    face = hb.Face(hb.Blob.from_file_path(str(font)))
    group = (ord(new), ord(new), hb.Font(face).get_nominal_glyph(ord(old)))
    characters = struct.pack(">HHHHIHHIIIIII", 0, 1, 3, 10, 12, 12, 0, 28, 0, 1, *group)  # cmap, format 12
    tables = {tag: bytes(face.reference_table(tag).data) for tag in face.table_tags} | {"cmap": characters}
    head, body = struct.pack(">IHHHH", 0x10000, len(tables), 0, 0, 0), b""
    for tag, data in sorted(tables.items()):
        head += struct.pack(">4sIII", tag.encode(), 0, 12 + 16 * len(tables) + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    return head + body
