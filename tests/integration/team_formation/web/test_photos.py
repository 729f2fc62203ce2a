"""Pictures of products on pages and previews: there once they have come, from our origin, and never in the way."""

import gzip
import io
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from PIL import Image

from services.team_formation import domain
from services.team_formation.images.worker import ImageWorker
from services.team_formation.store.images import LINGER
from services.team_formation.web import photos
from tests.support.formation import OTHER_PLATFORM, PUBLIC_URL, Formation
from tests.support.partitioned import recorded
from tests.support.shop_pictures import Shop, a_fetcher, a_picture, a_shop, with_picture
from tests.support.web import Visitor, a_web_edge, an_invite, becomes, code_of

LIMIT = 14 * 1024


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    """A shop's server."""
    async with a_shop() as running:
        yield running


@pytest.fixture
async def fetcher(formation: Formation) -> AsyncIterator[ImageWorker]:
    """One who fetches."""
    async with a_fetcher(formation) as one:
        yield one


@pytest.fixture
async def visitor(formation: Formation, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Visitor]:
    """A visitor of a running web edge, where what has come is looked for at once."""
    monkeypatch.setattr(photos, "FRESH_SECONDS", 0.0)
    async with a_web_edge(formation) as someone:
        yield someone


async def an_offer(formation: Formation, source: str) -> tuple[domain.Campaign, str]:
    """A campaign that names a picture, and the code of an invite."""
    campaign = await formation.create(with_picture(source))
    return campaign, await an_invite(formation, (await formation.open(campaign)).team.team_id)


def image_of(page: str) -> str:
    found = re.findall(r"<div class=\"photo\"[^>]*>(.*?)</div>", page)
    assert len(found) == 1
    return str(found[0])


async def test_pages_show_a_picture_once_it_has_come(
    formation: Formation, visitor: Visitor, fetcher: ImageWorker, shop: Shop
) -> None:
    campaign, code = await an_offer(formation, shop.has("/mango", a_picture()))
    paths = (f"/i/{code}", f"/c/{code_of(campaign)}")
    tags = {}
    for path in paths:
        before = await visitor.get(path)
        tags[path] = before.headers["etag"]
        assert image_of(before.text) == ""
        assert b'"photo":null' in (await visitor.get(f"{path}.json")).body
    await fetcher.run_once()
    data = await visitor.data(code)
    name = data["photo"]["path"].removeprefix("/images/").removesuffix(".jpg")
    assert data["photo"]["url"] == f"{PUBLIC_URL}/images/{name}.jpg"
    assert (data["photo"]["width"], data["photo"]["height"]) == (320, 240)
    for path in paths:
        page = await visitor.get(path, if_none_match=tags[path])
        assert image_of(page.text) == (
            f'<img src="/images/{name}.jpg" srcset="/images/{name}-small.jpg 400w, /images/{name}.jpg 800w"'
            ' sizes="320px" width="320" height="240" alt="Mangoes" lang="en" decoding="async">'
        )
        assert "img-src 'self'" in page.headers["content-security-policy"]
        assert shop.sink.url not in page.text
        assert len(gzip.compress(page.body)) <= LIMIT
    page = await visitor.get(f"/i/{code}", "zh-Hans")
    assert 'alt="芒果" lang="zh-Hans"' in image_of(page.text)
    drawn = await visitor.get(f"/c/{code_of(campaign)}/picture")
    assert drawn.headers["content-type"] == "image/jpeg"  # with a photo; PNG without


async def test_a_picture_is_served_for_ever_and_says_what_it_is(
    formation: Formation, visitor: Visitor, fetcher: ImageWorker, shop: Shop
) -> None:
    _, code = await an_offer(formation, shop.has("/mango", a_picture("PNG")))
    await fetcher.run_once()
    path = (await visitor.data(code))["photo"]["path"]
    for name, size in ((path, (800, 600)), (path.replace(".jpg", "-small.jpg"), (400, 300))):
        seen = await visitor.get(name)
        assert (seen.status, seen.headers["content-type"]) == (200, "image/jpeg")
        assert seen.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert seen.headers["x-content-type-options"] == "nosniff"
        picture = Image.open(io.BytesIO(seen.body))
        assert (picture.format, picture.size) == ("JPEG", size)
        again = await visitor.get(name, if_none_match=seen.headers["etag"])
        assert (again.status, again.body) == (304, b"")


async def test_who_asks_for_no_picture_has_guessed_nothing(formation: Formation, visitor: Visitor) -> None:
    _, code = await an_offer(formation, "")
    for number in range(20):
        assert (await visitor.get(f"/images/{number:022}.jpg")).status == 404
    for odd in ("x", "../../etc/passwd", "0" * 22 + "-large", "%00" * 22, "0" * 5000):
        assert (await visitor.get(f"/images/{odd}.jpg")).status == 404
    assert (await visitor.get(f"/i/{code}")).status == 200
    assert (await visitor.get("/i/abcdefghijkl")).status == 404, "a guess, the first"


async def test_one_address_cannot_have_the_database_asked_for_what_is_not_there(
    formation: Formation, visitor: Visitor, fetcher: ImageWorker, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, code = await an_offer(formation, shop.has("/mango", a_picture()))
    await fetcher.run_once()
    path = (await visitor.data(code))["photo"]["path"]
    assert (await visitor.get(path)).status == 200
    with recorded(monkeypatch) as found:
        for _ in range(50):
            assert (await visitor.get(f"/images/{0:022}.jpg")).status == 404
        assert len([one for one in found if "images" in one.text]) <= 3  # once in some seconds
        answers = [(await visitor.get(f"/images/{number:022}.jpg")).status for number in range(1, 90)]
    assert len([one for one in found if "images" in one.text]) <= 50
    assert answers[:20] == [404] * 20
    assert 429 in answers
    assert (await visitor.get(path)).status == 200, "which the process has"
    assert (await visitor.get(f"/i/{code}")).status == 200
    assert (await visitor.get("/i/abcdefghijkl")).status == 404, "a guess, the first"


@pytest.mark.parametrize("shape", ["picture", "square"])
async def test_previews_show_the_picture(
    formation: Formation, visitor: Visitor, fetcher: ImageWorker, shop: Shop, shape: str
) -> None:
    _, code = await an_offer(formation, shop.has("/mango", a_picture(colour="red")))
    before = await visitor.get(f"/i/{code}/{shape}")
    address = (await visitor.data(code))[shape]
    assert before.headers["content-type"] == "image/png"
    await fetcher.run_once()
    after = await visitor.get(f"/i/{code}/{shape}")
    assert after.headers["content-type"] == "image/jpeg"
    assert (await visitor.data(code))[shape] != address, "chats keep pictures by their address"
    picture = Image.open(io.BytesIO(after.body)).convert("RGB")
    spot: Any = picture.getpixel((1000, 300) if shape == "picture" else (300, 100))
    assert spot[0] > 200
    assert max(spot[1:]) < 60


async def test_a_page_without_a_picture_stays_whole(
    formation: Formation, visitor: Visitor, fetcher: ImageWorker, shop: Shop
) -> None:
    sources = ["", shop.has("/html", a_picture()[:100]), f"{shop.sink.url}/nothing"]
    codes = [(await an_offer(formation, source))[1] for source in sources]
    await fetcher.run_once()
    for code in codes:
        page = await visitor.get(f"/i/{code}")
        assert (page.status, image_of(page.text)) == (200, "")
        assert '<div class="photo" data-live="photo" hidden>' in page.text
        assert (await visitor.get(f"/i/{code}/picture")).headers["content-type"] == "image/png"


async def test_an_open_page_gets_the_picture(
    formation: Formation, visitor: Visitor, fetcher: ImageWorker, shop: Shop
) -> None:
    _, code = await an_offer(formation, shop.has("/mango", a_picture()))
    before = await visitor.data(code)
    async with visitor.session.get(f"{visitor.origin}/i/{code}/events?after={before['version']}") as stream:
        await fetcher.run_once()
        async for line in stream.content:
            if b"/images/" in line:
                break
    waited = await visitor.data(code, after=before["version"])
    assert waited["photo"]
    assert waited["version"].startswith(before["version"])


async def test_another_picture_takes_its_place_and_the_old_one_goes(
    formation: Formation, visitor: Visitor, fetcher: ImageWorker, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photos, "KEPT_SECONDS", 0.0)
    campaign, code = await an_offer(formation, shop.has("/mango", a_picture()))
    await fetcher.run_once()
    old = (await visitor.data(code))["photo"]["path"]
    wanted = with_picture(shop.has("/papaya", a_picture(colour="gold")), campaign)
    await formation.change(campaign, domain.Update(wanted, frozenset({"presentation"}), 0))
    await fetcher.run_once()
    data = await becomes(lambda: visitor.data(code), lambda data: data["photo"] and data["photo"]["path"] != old)
    assert (await visitor.get(data["photo"]["path"])).status == 200
    assert (await visitor.get(old)).status == 200, "pages of a moment ago name it"
    formation.clock.move(LINGER)
    await fetcher.sweep()
    assert (await visitor.get(old)).status == 404


async def test_names_tell_nothing_of_whose_a_picture_is(
    formation: Formation, visitor: Visitor, fetcher: ImageWorker, shop: Shop
) -> None:
    source = shop.has("/mango", a_picture())
    _, code = await an_offer(formation, source)
    other = await formation.create(with_picture(source, platform_id=OTHER_PLATFORM))
    await fetcher.run_once()
    ours = (await visitor.data(code))["photo"]["path"]
    page = await visitor.get(f"/c/{code_of(other)}")
    theirs = re.findall(r'src="(/images/\w+\.jpg)"', page.text)
    assert ours not in theirs
    one, two = [await visitor.get(path) for path in (ours, *theirs)]
    assert one.body == two.body
    volatile = {"date"}
    assert {k: v for k, v in one.headers.items() if k not in volatile} == {
        k: v for k, v in two.headers.items() if k not in volatile
    }
