"""What a preview picture says, and the shapes that chats take."""

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class Poster:
    """What a picture says. Chats keep it, so it is only what stays true; all of it is already written in a language."""

    title: str
    """Of the product; at most three lines are shown."""
    seller: str
    alone: str
    """What one pays who buys alone, with the words around it if any: "Alone 39.90 €"."""
    lowest: str
    """The lowest price and when it is reached: "down to 19.90 € with 5"."""
    closing: str
    """When the campaign closes, with its zone."""
    language: str
    """BCP 47; decides the direction of the picture, and which shape some letters have."""
    price: str = ""
    """The price within `lowest`, drawn large; empty where nothing of it stands out."""
    image: bytes | None = None
    """A picture of the product as `images.reencode` gives it; one that cannot be read is left out."""


class Shape(Enum):
    """A size in pixels, and the most bytes that a picture of it has.

    WIDE is what Facebook asks for (https://developers.facebook.com/docs/sharing/webmasters/images: 1200 x 630, at most
    8 MB), X takes too (https://developer.x.com/en/docs/x-for-websites/cards/overview/summary-card-with-large-image: at
    least 300 x 157, at most 5 MB) and WhatsApp shows large
    (https://developers.facebook.com/documentation/business-messaging/whatsapp/link-previews/). What WhatsApp leaves out
    is measured rather than documented: more than 300 KB
    (https://help.branch.io/faq/docs/why-are-some-quick-link-thumbnails-not-shown-in-whatsapp).

    SQUARE is for cards with a small picture. WeChat's SDKs refuse a thumbnail above 32 KiB (`thumbData` of
    WXMediaMessage); its own choice from a page is a picture of at least 300 x 300.
    """

    WIDE = (1200, 630, 300_000)
    SQUARE = (600, 600, 32_768)

    def __init__(self, width: int, height: int, most_bytes: int) -> None:
        self.width = width
        self.height = height
        self.most_bytes = most_bytes


def media_type(picture: bytes) -> str:
    """Tell what `draw` gave: PNG, or JPEG where it shows a photo, as photos are several times larger in PNG."""
    return "image/png" if picture.startswith(b"\x89PNG") else "image/jpeg"
