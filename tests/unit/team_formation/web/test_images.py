"""Pictures of strangers: every kind that is taken, all that is left behind, and what is refused by its header."""

import io
import struct
import zlib
from random import Random

import pytest
from PIL import Image, PngImagePlugin

from services.team_formation.web.images import MOST_BYTES, ImageRefused, reencode

RED, BLUE = (200, 30, 40), (20, 40, 200)
SECRET = b"secret-of-the-camera"
ORIENTATION, GPS = 0x0112, 0x8825


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def halves(mode: str = "RGB", size: tuple[int, int] = (120, 60)) -> Image.Image:
    """A picture that is red at the left and blue at the right."""
    image = Image.new("RGB", size, RED)
    image.paste(BLUE, (size[0] // 2, 0, *size))
    return image.convert(mode)


def read(picture: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(picture))
    assert image.format == "JPEG"
    return image


def noise_of(side: int) -> Image.Image:
    return Image.frombytes("RGB", (side, side), Random(1).randbytes(side * side * 3))  # noqa: S311 - for tests


def is_near(found: object, expected: tuple[int, int, int]) -> bool:
    assert isinstance(found, tuple)
    return all(abs(one - other) < 30 for one, other in zip(found, expected, strict=True))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "CMYK"])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_picture_is_taken(kind: str, mode: str) -> None:
    if (kind, mode) in {("PNG", "CMYK"), ("WEBP", "CMYK"), ("GIF", "CMYK"), ("JPEG", "RGBA"), ("JPEG", "P")}:
        mode = "RGB"
    image = read(reencode(saved(halves(mode), kind)))
    assert (image.size, image.mode) == ((120, 60), "RGB")
    assert is_near(image.getpixel((20, 30)), RED)
    assert is_near(image.getpixel((100, 30)), BLUE)


@pytest.mark.parametrize("mode", ["1", "L", "LA"])
def test_grey_is_taken(mode: str) -> None:
    image = read(reencode(saved(Image.new("L", (64, 64), 255).convert(mode), "PNG")))
    assert is_near(image.getpixel((30, 30)), (255, 255, 255))


def test_16_bits_keep_their_grey() -> None:
    image = Image.new("I;16", (64, 64), 0x8000)
    assert is_near(read(reencode(saved(image, "PNG"))).getpixel((30, 30)), (128, 128, 128))


def test_16_bits_of_each_colour_are_taken() -> None:
    rows = b"".join(b"\0" + struct.pack(">HHH", 0xC800, 0x1E00, 0x2800) * 8 for _ in range(8))
    picture = png(8, 8, zlib.compress(rows), depth=16)
    assert is_near(read(reencode(picture)).getpixel((4, 4)), RED)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF"])
def test_what_is_transparent_is_white(kind: str) -> None:
    image = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    image.paste((*RED, 255), (0, 0, 32, 64))
    found = read(reencode(saved(image, kind)))
    assert is_near(found.getpixel((10, 30)), RED)
    assert is_near(found.getpixel((54, 30)), (255, 255, 255))


def test_a_palette_may_have_a_transparent_colour() -> None:
    image = halves().quantize(4)
    found = read(reencode(saved(image, "PNG", transparency=image.getpixel((100, 30)))))
    assert is_near(found.getpixel((20, 30)), RED)
    assert is_near(found.getpixel((100, 30)), (255, 255, 255))


def test_a_colour_may_be_the_transparent_one() -> None:
    found = read(reencode(saved(halves(), "PNG", transparency=BLUE)))
    assert is_near(found.getpixel((20, 30)), RED)
    assert is_near(found.getpixel((100, 30)), (255, 255, 255))


def test_colours_of_a_palette_are_mixed() -> None:
    stripes = Image.frombytes("L", (1600, 1600), b"\0\xff" * 1280000).convert("P")
    assert is_near(read(reencode(saved(stripes, "PNG"))).getpixel((400, 400)), (128, 128, 128))


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_of_an_animation_the_first_frame_is_taken(kind: str) -> None:
    first, second = (Image.new("RGB", (64, 64), colour) for colour in (RED, BLUE))
    picture = saved(first, kind, save_all=True, append_images=[second], duration=100)
    assert is_near(read(reencode(picture)).getpixel((30, 30)), RED)


def test_no_side_is_longer_than_asked_for() -> None:
    assert read(reencode(saved(halves(size=(3000, 1000)), "JPEG"), longest_side=600)).size == (600, 200)
    assert read(reencode(saved(halves(size=(60, 30)), "JPEG"))).size == (60, 30), "nothing is made larger"
    assert read(reencode(saved(halves(size=(4000, 2)), "PNG"))).size == (800, 1)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    ("orientation", "size", "left_top"),
    [(1, (120, 60), RED), (3, (120, 60), BLUE), (6, (60, 120), RED), (8, (60, 120), BLUE)],
)
def test_it_is_turned_as_the_camera_was(
    kind: str, orientation: int, size: tuple[int, int], left_top: tuple[int, int, int]
) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    image = read(reencode(saved(halves(), kind, exif=exif)))
    assert image.size == size
    assert is_near(image.getpixel((10, 10)), left_top)


def with_metadata(kind: str) -> bytes:
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    exif.get_ifd(GPS)[2] = (52.0, 31.0, 12.0)
    options: dict[str, object] = {"exif": exif, "icc_profile": SECRET * 20}
    if kind == "JPEG":
        options |= {"comment": SECRET, "xmp": SECRET}
    if kind == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_text("Author", SECRET.decode())
        options |= {"pnginfo": text}
    return saved(halves(), kind, **options)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_nothing_is_left_but_pixels(kind: str) -> None:
    picture = with_metadata(kind) + SECRET
    assert SECRET in picture
    found = reencode(picture)
    assert SECRET not in found
    image = read(found)
    assert not image.getexif()
    assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_noise_is_written_within_the_limit() -> None:
    noise = noise_of(1600)
    picture = reencode(saved(noise, "PNG", compress_level=1), longest_side=1600)
    assert len(picture) <= MOST_BYTES
    assert read(picture).width > 300


def test_the_same_file_gives_the_same_bytes() -> None:
    assert reencode(with_metadata("JPEG")) == reencode(with_metadata("JPEG"))


def png(width: int, height: int, data: bytes, depth: int = 8) -> bytes:
    """A PNG of three colours whose header says what it likes."""
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, 0)),
        (b"IDAT", data),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )


def gif(width: int, height: int) -> bytes:
    whole = bytearray(saved(halves("P"), "GIF"))
    whole[6:10] = struct.pack("<HH", width, height)
    return bytes(whole)


def webp(width: int, height: int) -> bytes:
    whole = bytearray(saved(Image.new("RGBA", (16, 16), (1, 2, 3, 100)), "WEBP"))
    at = whole.index(b"VP8X") + 12
    whole[at : at + 6] = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    return bytes(whole)


def jpeg(width: int, height: int) -> bytes:
    whole = bytearray(saved(halves(), "JPEG"))
    at = whole.index(b"\xff\xc0") + 5
    whole[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(whole)


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(png(60_000, 60_000, zlib.compress(b"\0" * 1000)), id="png"),
        pytest.param(png(2**31 - 1, 2**31 - 1, b""), id="larger png"),
        pytest.param(png(5001, 5000, b""), id="png just too large"),
        pytest.param(gif(65_535, 65_535), id="gif"),
        pytest.param(webp(16_384, 16_384), id="webp"),
        pytest.param(jpeg(65_000, 65_000), id="jpeg"),
        pytest.param(jpeg(5001, 5000), id="jpeg just too large"),
    ],
)
def test_a_bomb_is_refused_by_its_header(picture: bytes) -> None:
    with pytest.raises(ImageRefused, match="pixels"):
        reencode(picture)


def test_the_most_pixels_are_the_callers() -> None:
    picture = saved(halves(size=(100, 100)), "PNG")
    assert reencode(picture, most_pixels=10_000)
    with pytest.raises(ImageRefused, match="100 x 100 pixels, more than 9,999"):
        reencode(picture, most_pixels=9_999)


def test_a_jpeg_of_many_scans_is_refused() -> None:
    picture = saved(halves(), "JPEG", progressive=True)
    last = picture[picture.rindex(b"\xff\xda") : -2]
    assert reencode(picture[:-2] + last * 5 + b"\xff\xd9")
    with pytest.raises(ImageRefused, match="scans"):
        reencode(picture[:-2] + last * 1000 + b"\xff\xd9")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_broken_file_is_refused(kind: str) -> None:
    whole = saved(noise_of(200), kind)
    for part in (whole[: len(whole) // 2], whole[:40], whole[:16]):
        with pytest.raises(ImageRefused, match=f"the {kind} file cannot be read"):
            reencode(part)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_file_with_wrong_bytes_is_refused_or_shown(kind: str) -> None:
    chance, whole = Random(1), saved(halves(), kind)  # noqa: S311 - for tests
    for _ in range(60):
        wrong = bytearray(whole)
        for _ in range(8):
            wrong[chance.randrange(12, len(wrong))] = chance.randrange(256)
        try:
            assert len(reencode(bytes(wrong), most_pixels=100_000)) <= MOST_BYTES
        except ImageRefused:
            continue


@pytest.mark.parametrize("kind", ["BMP", "TIFF", "ICO", "PPM", "PDF", "AVIF", "JPEG2000"])
def test_other_kinds_are_refused(kind: str) -> None:
    with pytest.raises(ImageRefused, match="no PNG, JPEG, WebP or GIF"):
        reencode(saved(halves(), kind))


@pytest.mark.parametrize(
    "raw", [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<html>", b"%!PS-Adobe-3.0 EPSF-3.0", b"RIFF0000WAVE"]
)
def test_what_is_no_picture_is_refused(raw: bytes) -> None:
    with pytest.raises(ImageRefused, match="no PNG"):
        reencode(raw)


def test_a_file_is_what_it_begins_with() -> None:
    with pytest.raises(ImageRefused, match="PNG file cannot be read"):
        reencode(b"\x89PNG\r\n\x1a\n" + saved(halves(), "BMP"))
