"""A poster as the bytes of a picture: PNG, or JPEG where it shows a photo, and never larger than chats take."""

import io

from PIL import Image

from services.team_formation.web.picture.colours import palette
from services.team_formation.web.picture.compose import compose
from services.team_formation.web.picture.poster import Poster, Shape

_QUALITIES = (88, 80, 70, 60, 50, 40)


def draw(poster: Poster, shape: Shape) -> bytes:
    """Draw a poster, as the same bytes for the same poster, fonts and versions of the libraries; see `media_type`.

    A photo that cannot be read, or would need more bytes than the shape has, is left out.
    """
    photo = _read(poster.image)
    return (photo and _with_photo(poster, shape, photo)) or compose(poster, shape, None).png(palette())


def _read(image: bytes | None) -> Image.Image | None:
    if not image:
        return None
    try:
        with Image.open(io.BytesIO(image), formats=("JPEG", "PNG")) as photo:
            return photo.convert("RGB")
    except (OSError, SyntaxError, ValueError):
        return None


def _with_photo(poster: Poster, shape: Shape, photo: Image.Image) -> bytes | None:
    canvas = compose(poster, shape, photo)
    encoded = (canvas.jpeg(quality) for quality in _QUALITIES)
    return next((picture for picture in encoded if len(picture) <= shape.most_bytes), None)
