"""Preview pictures: of the shapes and bytes that chats take, legible, and never with anything beyond their margins."""

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest
from PIL import Image, ImageChops

from services.team_formation.web.picture import Poster, Shape, bidi, canvas, colours, draw, fonts, media_type
from services.team_formation.web.picture.compose import compose
from services.team_formation.web.picture.shaping import Paragraph, Span, Style
from services.team_formation.web.picture.sheets import sheet
from tests.support.posters import POSTERS, photo

WORD = "W" * 200
HOSTILE = {
    "wide characters": "籲" * 200,  # of those with most strokes in our own fonts: a test needs none of the system
    "one word": WORD,
    "one word of narrow letters": "i" * 200,
    "emoji": "🍓 Fresh 👨‍👩‍👧‍👦 👍🏽 🇪🇸 1️⃣ ❤️ " * 20,
    "towers of marks": ("Z" + "\u0334\u0351\u0316" * 12) * 40,
    "marks alone": "\u0301" * 200,
    "right to left": "עברית mixed ועוד 19.90 € (בסוגריים) " * 6,
    "Arabic without spaces": "فراولةعضويةطازجة" * 20,
    "directions turned and never turned back": "\u202eabc \u2066\u2067 فراولة 123 (abc) " * 12,
    "isolates without end": "\u2067" * 300 + "abc",
    "control characters": "a\x00\x01\n\r\tb\u2028\x7fc\ud800\U000f0000 " * 20,
    "signs of other scripts": "สตรอว์เบอร์รี जैविक 유기농 " * 10,
    "spaces": " " * 300,
    "nothing": "",
    "very long": "Lorem ipsum " * 2000,
}
# Chosen so that letters may hang over a box by what `canvas` grants them, and no more.
EMPTY_MARGIN = {Shape.WIDE: 30, Shape.SQUARE: 10}


def read(picture: bytes) -> Image.Image:
    return Image.open(io.BytesIO(picture)).convert("RGB")


def all_of(text: str, language: str = "en") -> Poster:
    return Poster(text, text, text, text, text, language)


def beyond(image: Image.Image, margin: int) -> set[object]:
    """The colours of the margin of a picture."""
    width, height = image.size
    edges = [
        (0, 0, width, margin),
        (0, height - margin, width, height),
        (0, 0, margin, height),
        (width - margin, 0, width, height),
    ]
    return {colour for edge in edges for _, colour in image.crop(edge).getcolors(width * height) or ()}


@pytest.mark.parametrize("shape", Shape)
@pytest.mark.parametrize("language", POSTERS)
def test_a_picture_has_the_size_and_bytes_that_chats_take(language: str, shape: Shape) -> None:
    for image, kind in ((None, "image/png"), (photo(), "image/jpeg")):
        picture = draw(replace(POSTERS[language], image=image), shape)
        assert media_type(picture) == kind
        assert read(picture).size == (shape.width, shape.height)
        assert len(picture) <= shape.most_bytes


@pytest.mark.parametrize("image", [None, photo()], ids=["text", "photo"])
def test_the_same_poster_gives_the_same_bytes(image: bytes | None) -> None:
    poster = replace(POSTERS["ar"], image=image)
    with ThreadPoolExecutor(4) as pool:
        pictures = set(pool.map(lambda _: draw(poster, Shape.WIDE), range(8)))
    assert len(pictures) == 1


@pytest.mark.parametrize(("language", "shape"), [("en", Shape.SQUARE), ("ar", Shape.WIDE)])
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_nothing_leaves_its_place(text: str, language: str, shape: Shape) -> None:
    titled = replace(POSTERS[language], title=text)
    priced = replace(POSTERS[language], lowest=f"{text} 19.90 {text}", price="19.90")
    for poster in (titled, priced, all_of(text, language)):
        picture = draw(poster, shape)
        assert beyond(read(picture), EMPTY_MARGIN[shape]) == {colours.PAPER}
        assert len(picture) <= shape.most_bytes


@pytest.mark.parametrize("shape", Shape)
@pytest.mark.parametrize("text", [WORD, HOSTILE["wide characters"], HOSTILE["towers of marks"]])
def test_text_keeps_to_its_panel(text: str, shape: Shape) -> None:
    for poster in (all_of(text), replace(all_of(f"{text}19.90{text}"), price="19.90")):
        image = read(draw(poster, shape))
        left, top, right, bottom = place_of(image, colours.PANEL)
        assert place_of(image, colours.ON_PANEL)
        sizes = sheet(shape, with_photo=False, is_rtl=False).sizes
        pad = int(sizes.words * 0.85)
        corner = 24
        _, _, steps_right, steps_bottom = place_of(image, colours.STEPS[-1])
        steps_left = steps_right - sizes.steps
        for edge in (
            (steps_left - 12, top + 6, steps_left - 2, steps_bottom),
            (left, top + corner, left + pad - 3, bottom - corner),
            (right - pad + 3, top + corner, right, bottom - corner),
            (left + corner, top, right - corner, top + 6),
            (left + corner, bottom - 6, right - corner, bottom),
        ):
            assert [colour for _, colour in image.crop(edge).getcolors() or ()] == [colours.PANEL]


def place_of(image: Image.Image, colour: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """Where a picture has a colour: left, top, right, bottom."""
    other = ImageChops.difference(image, Image.new("RGB", image.size, colour)).split()
    unlike = ImageChops.lighter(ImageChops.lighter(other[0], other[1]), other[2])
    found = unlike.point([255] + [0] * 255).getbbox()
    assert found, f"nothing is {colour}"
    return found


def test_what_would_leave_its_box_is_cut_off() -> None:
    surface = canvas.Canvas(400, 400, colours.PAPER)
    line = Paragraph([Span("MgÅ" * 9, Style(100))], "en", bidi.LEFT).line(0, 27)
    surface.text([line] * 5, canvas.Box(100, 100, 80, 60), colours.INK, canvas.Align.LEFT)
    left, top, right, bottom = place_of(surface.image, colours.INK)
    assert (left >= 85, top >= 100, right <= 195, bottom <= 185) == (True,) * 4


def test_the_title_has_three_lines_at_most() -> None:
    image = read(draw(Poster("Hill " * 200, "", "", "", "", "en"), Shape.WIDE))
    column = image.convert("L").resize((1, image.height), Image.Resampling.BOX)
    rows = [value < colours.PAPER[0] - 4 for value in column.tobytes()]
    assert sum(now and not before for before, now in pairwise([False, *rows])) == 3


def test_a_longer_title_is_written_smaller_then_shortened() -> None:
    def height(title: str) -> int:
        image = read(draw(Poster(title, "", "", "", "", "en"), Shape.WIDE))
        _, top, _, bottom = place_of(image, colours.INK)
        return bottom - top

    one = height("H")
    assert height("H " * 24) > 3 * one, "two lines of the same size, or three"
    assert height("H " * 400) < height("H " * 24), "as many lines, of smaller letters"


def test_arabic_is_mirrored() -> None:
    arabic, english = (compose(POSTERS[language], Shape.WIDE, read(photo())).image for language in ("ar", "en"))
    left, _, right, _ = place_of(arabic, colours.PANEL)
    english_left, _, english_right, _ = place_of(english, colours.PANEL)
    assert (left, right) == (Shape.WIDE.width - english_right, Shape.WIDE.width - english_left)
    text = place_of(read(draw(Poster("دار", "", "", "", "", "ar"), Shape.WIDE)), colours.INK)
    assert text[0] > Shape.WIDE.width / 2
    steps = place_of(read(draw(POSTERS["ar"], Shape.WIDE)), colours.STEPS[-1])
    assert steps[2] < Shape.WIDE.width / 2


def test_an_english_title_in_an_arabic_picture_is_the_same_at_the_right() -> None:
    arabic, english = (
        read(draw(Poster("Strawberries", "", "", "", "", language), Shape.WIDE)) for language in ("ar", "en")
    )
    there, here = place_of(arabic, colours.INK), place_of(english, colours.INK)
    assert there[0] > here[0]
    unlike = ImageChops.difference(arabic.crop(there), english.crop(here)).convert("L")
    assert len(unlike.tobytes().strip(bytes(range(40)))) == 0, "but for a shade at an edge"


def test_the_price_has_the_largest_letters_of_its_panel() -> None:
    poster = POSTERS["en"]
    with_price = place_of(read(draw(poster, Shape.WIDE)), colours.ON_PANEL)
    assert place_of(read(draw(replace(poster, price=""), Shape.WIDE)), colours.ON_PANEL) != with_price
    unknown = draw(replace(poster, price="17.00 €"), Shape.WIDE)
    assert unknown == draw(replace(poster, price=""), Shape.WIDE), "a price that is not in the words is not written"


def test_what_is_empty_leaves_no_trace() -> None:
    image = read(draw(all_of(""), Shape.WIDE))
    assert image.getcolors() == [(Shape.WIDE.width * Shape.WIDE.height, colours.PAPER)]


@pytest.mark.parametrize("image", [b"", b"no picture", photo()[:200], b"GIF89a"])
def test_a_photo_that_cannot_be_read_is_left_out(image: bytes) -> None:
    assert draw(replace(POSTERS["en"], image=image), Shape.WIDE) == draw(POSTERS["en"], Shape.WIDE)


@pytest.mark.parametrize("shape", Shape)
def test_a_photo_with_too_much_in_it_costs_quality_or_is_left_out(shape: Shape) -> None:
    noise = Image.frombytes("RGB", (700, 700), Random(1).randbytes(700 * 700 * 3))  # noqa: S311 - for tests
    file = io.BytesIO()
    noise.save(file, "PNG")
    picture = draw(replace(POSTERS["en"], image=file.getvalue()), shape)
    assert len(picture) <= shape.most_bytes
    assert read(picture).size == (shape.width, shape.height)


def test_a_title_that_no_font_has_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "of_system", tuple)
    nothing = draw(replace(POSTERS["en"], title=""), Shape.WIDE)
    assert draw(replace(POSTERS["en"], title="สตรอว์เบอร์รี 2 kg"), Shape.WIDE) == nothing
    most = draw(replace(POSTERS["en"], title="Organic strawberries ส"), Shape.WIDE)
    assert most == draw(replace(POSTERS["en"], title="Organic strawberries"), Shape.WIDE)


@pytest.mark.parametrize(
    ("text", "behind"),
    [
        (colours.INK, colours.PAPER),
        (colours.QUIET, colours.PAPER),
        (colours.ON_PANEL, colours.PANEL),
        (colours.QUIET_ON_PANEL, colours.PANEL),
    ],
)
def test_text_stands_out(text: canvas.Colour, behind: canvas.Colour) -> None:
    lighter, darker = sorted((luminance(text), luminance(behind)), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5, "WCAG 2.2, 1.4.3"


def luminance(colour: canvas.Colour) -> float:
    """Relative luminance, as WCAG 2.2 defines it."""
    parts = [part / 255 for part in colour]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(factor * part for factor, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_the_colours_of_a_picture_are_exact() -> None:
    found = {colour for _, colour in read(draw(POSTERS["en"], Shape.WIDE)).getcolors(256) or ()}
    assert found <= set(colours.palette())
    assert found >= {colours.PAPER, colours.INK, colours.QUIET, colours.PANEL, colours.ON_PANEL, *colours.STEPS}
