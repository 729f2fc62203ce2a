"""How pictures are laid out: within their room, in their shape, below whatever path the pages have."""

import pytest

from services.team_formation.store.images import ShownImage
from services.team_formation.web.photos import photo_of

NAME = "A" * 22


@pytest.mark.parametrize(
    ("size", "laid_out"),
    [
        ((800, 800), (240, 240)),
        ((800, 100), (512, 64)),
        ((100, 800), (30, 240)),
        ((1, 800), (1, 240)),
        ((800, 1), (512, 1)),
        ((60, 40), (60, 40)),
    ],
)
def test_a_picture_keeps_its_shape_within_its_room(size: tuple[int, int], laid_out: tuple[int, int]) -> None:
    photo = photo_of(ShownImage(NAME, *size, 0), "https://shop.example")
    assert photo
    assert (photo.width, photo.height) == laid_out


@pytest.mark.parametrize(("base", "path"), [("https://s.example", ""), ("https://s.example:7180/go/here", "/go/here")])
def test_addresses_are_below_the_path_of_all_pages(base: str, path: str) -> None:
    photo = photo_of(ShownImage(NAME, 800, 600, 400), base)
    assert photo
    assert photo.url == f"{base}/images/{NAME}.jpg"
    assert photo.path == f"{path}/images/{NAME}.jpg"
    assert photo.srcset == f"{path}/images/{NAME}-small.jpg 400w, {path}/images/{NAME}.jpg 800w"


def test_a_small_picture_has_one_size_and_none_has_none() -> None:
    photo = photo_of(ShownImage(NAME, 300, 200, 0), "https://s.example")
    assert photo
    assert photo.srcset == ""
    assert photo_of(None, "https://s.example") is None
