"""Pictures that campaigns name: fetched once by many, again after trouble, never for ever, and removed when unused."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb
from groupbuy.team_formation.v1 import types_pb2
from pydantic import SecretStr

from services import team_formation
from services.chassis import addresses
from services.chassis.clock import ManualClock
from services.chassis.database import Database
from services.notification.testing import CUT, GARBAGE, SLOW, Answer
from services.team_formation import domain, store
from services.team_formation.images import fetching
from services.team_formation.images.fetching import Failed, client, fetch
from services.team_formation.images.making import Maker, NotMade
from services.team_formation.images.wiring import image_parts
from services.team_formation.images.worker import PAUSES, PER_PLATFORM, ImageWorker
from services.team_formation.settings import Settings
from services.team_formation.store.images import KEEP, LINGER, ImageStanding
from tests.support.formation import OTHER_PLATFORM, PLATFORM, Formation
from tests.support.shop_api import Api
from tests.support.shop_pictures import Shop, a_bomb, a_fetcher, a_picture, a_shop, with_picture
from tests.support.until import until
from tests.support.web import code_of

DAY = timedelta(days=1)
FOLDER = Path(team_formation.__file__).parent / "migrations"


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


async def standing(formation: Formation, source: str, platform_id: UUID = PLATFORM) -> ImageStanding:
    async with formation.database.read() as connection:
        found = await store.images.find_standing(connection, platform_id, source)
    assert found
    return found


async def files(formation: Formation) -> list[tuple[Any, ...]]:
    return await formation.rows(
        "SELECT name, width, height, small_width, gone_at FROM image_files ORDER BY made_at, name"
    )


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
async def test_a_picture_is_fetched_and_made_small(
    formation: Formation, fetcher: ImageWorker, shop: Shop, kind: str
) -> None:
    source = shop.has("/mango", Answer(body=a_picture(kind), headers={"content-type": f"image/{kind.lower()}"}))
    await formation.create(with_picture(source))
    assert await fetcher.run_once() == 1
    [(name, *sizes, gone_at)] = await files(formation)
    assert (len(name), sizes, gone_at) == (22, [800, 600, 400], None)
    found = await standing(formation, source)
    assert (found.is_shown, found.problem, found.fetched_at) == (True, "", formation.clock.now())
    assert await fetcher.run_once() == 0, "nothing is due"


TROUBLE = {
    "html": (Answer(body=b"<html>", headers={"content-type": "text/html; charset=utf-8"}), "text/html, which is no"),
    "svg": (Answer(body=b"<svg/>", headers={"content-type": "image/svg+xml"}), "no PNG, JPEG, WebP or GIF"),
    "nothing": (Answer(body=b"", headers={"content-type": "image/png"}), "no PNG, JPEG, WebP or GIF"),
    "broken": (Answer(body=a_picture()[:200], headers={"content-type": "image/jpeg"}), "cannot be read"),
    "bomb": (Answer(body=a_bomb(), headers={"content-type": "image/png"}), "10000 x 10000 pixels"),
    "huge": (Answer(body=bytes(fetching.MOST_BYTES + 1), headers={"content-type": "image/png"}), "larger than 8 MiB"),
    "packed": (
        Answer(body=b"\x1f\x8b" + bytes(50), headers={"content-type": "image/png", "content-encoding": "gzip"}),
        "no PNG, JPEG, WebP or GIF",
    ),
    "gone": (Answer(410), "answered 410"),
    "broken server": (Answer(500), "answered 500"),
    "unasked 304": (Answer(304), "answered 304"),
    "cut": (Answer(trouble=CUT), "did not answer"),
    "garbage": (Answer(trouble=GARBAGE), "did not answer"),
}


@pytest.mark.parametrize("name", TROUBLE)
async def test_trouble_is_told_and_tried_again(
    formation: Formation, fetcher: ImageWorker, shop: Shop, name: str
) -> None:
    answer, why = TROUBLE[name]
    source = shop.has("/mango", answer, *([answer] if name == "cut" else ()), a_picture())  # aiohttp asks again at once
    await formation.create(with_picture(source))
    await fetcher.run_once()
    found = await standing(formation, source)
    assert why in found.problem
    assert (found.is_shown, found.due_at) == (False, formation.clock.now() + PAUSES[0])
    assert await fetcher.run_once() == 0, "not before its time"
    formation.clock.move(PAUSES[0])
    assert await fetcher.run_once() == 1
    found = await standing(formation, source)
    assert (found.is_shown, found.problem) == (True, "")


@pytest.mark.parametrize("slowly", ["no answer", "byte by byte"])
async def test_a_slow_server_is_left(shop: Shop, monkeypatch: pytest.MonkeyPatch, slowly: str) -> None:
    monkeypatch.setattr(fetching, "SECONDS", 0.3)

    left = asyncio.Event()

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: 100000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await asyncio.sleep(0.02)
        left.set()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    source = f"http://127.0.0.1:{port}/" if slowly == "byte by byte" else shop.has("/", Answer(trouble=SLOW))
    http = client(allow_private=True)
    try:
        assert await fetch(http, source, "") == Failed("its server took longer than 0.3 seconds")
    finally:
        await http.close()
        if slowly == "byte by byte":
            await left.wait()
        server.close()


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("https://127.0.0.2/mango", "private"),
        ("https://localhost/mango", "private"),
        ("https://[::1]/mango", "private"),
        ("https://169.254.169.254/latest", "private"),
        ("/plain", "not https"),
        ("file:///etc/passwd", "not https"),
        ("https://user:password@shop.example/", "credentials"),
    ],
)
async def test_a_redirect_leads_nowhere_inside(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, target: str, why: str
) -> None:
    monkeypatch.setattr(
        addresses, "is_private", lambda address: str(address) != "127.0.0.1"
    )  # the shop stands for one outside
    source = shop.has("/mango", Answer(302, headers={"location": target}))
    shop.has("/plain", a_picture())
    http = client(allow_private=False)
    outcome = await fetch(http, source, "")
    await http.close()
    assert isinstance(outcome, Failed)
    assert why in outcome.why
    assert [request.path for request in shop.sink.asked] == ["/mango"]


async def test_a_server_inside_is_not_asked(shop: Shop) -> None:
    http = client(allow_private=False)
    outcome = await fetch(http, shop.has("/mango", a_picture()), "")
    assert outcome == Failed("the address must not be a private, loopback or link-local address")
    assert shop.sink.asked == []
    await http.close()


async def test_redirects_are_followed_a_few_times(formation: Formation, fetcher: ImageWorker, shop: Shop) -> None:
    good = shop.has("/a", Answer(301, headers={"location": "b"}))
    shop.has("/b", Answer(307, headers={"location": "/c"}))
    shop.has("/c", a_picture())
    round_and_round = shop.has("/round", Answer(302, headers={"location": "/round"}))
    await formation.create(with_picture(good))
    await formation.create(with_picture(round_and_round))
    await fetcher.run_once()
    assert (await standing(formation, good)).is_shown
    assert "more than 3 times" in (await standing(formation, round_and_round)).problem
    assert len(shop.asked("/round")) == 4


async def test_campaigns_of_an_older_release_are_noted_by_the_migration(
    formation: Formation, fetcher: ImageWorker, shop: Shop
) -> None:
    source = shop.has("/mango", a_picture())
    for _ in range(2):
        await formation.create(with_picture(source))
    await formation.create(with_picture(""))
    noted = await formation.rows("SELECT * FROM image_uses ORDER BY campaign_id")
    moved = (FOLDER / "0010_images.sql").read_text().partition("\nINSERT")[2].replace("now()", "%s")
    async with formation.database.work() as work:
        await work.connection.execute("DELETE FROM image_uses")
        await work.connection.execute("DELETE FROM images")
        for statement, times in zip(f"INSERT{moved}".split(";"), (2, 1), strict=False):
            await work.connection.execute(statement, [formation.clock.now()] * times)
    assert await formation.rows("SELECT * FROM image_uses ORDER BY campaign_id") == noted
    assert await fetcher.run_once() == 1
    assert (await standing(formation, source)).is_shown


async def test_two_replicas_fetch_each_picture_once(formation: Formation, url: str, shop: Shop) -> None:
    for number in range(12):
        await formation.create(with_picture(shop.has(f"/{number}", a_picture(size=(20, 20)))))
    other = Database(url, pool_size=4)
    await other.start()
    async with a_fetcher(formation) as one, a_fetcher(formation, database=other) as two:
        while sum(await asyncio.gather(one.run_once(), two.run_once())):
            pass
    await other.stop()
    assert [len(shop.asked(f"/{number}")) for number in range(12)] == [1] * 12
    assert len(await files(formation)) == 12


async def test_a_worker_that_died_leaves_its_picture_to_others(
    formation: Formation, fetcher: ImageWorker, shop: Shop
) -> None:
    source = shop.has("/mango", a_picture())
    await formation.create(with_picture(source))
    async with formation.database.work() as work:
        [lost] = await store.images.claim_images(
            work.connection, formation.clock.now(), timedelta(minutes=5), (8, 3), []
        )
    assert await fetcher.run_once() == 0
    formation.clock.move(timedelta(minutes=5))
    assert await fetcher.run_once() == 1
    async with formation.database.work() as work:
        now = formation.clock.now()
        assert not await store.images.put_off_image(work.connection, lost, "late", now, now), "its claim is over"
    assert (await standing(formation, source)).problem == ""


async def test_a_platform_with_much_to_fetch_leaves_room(formation: Formation, shop: Shop) -> None:
    for number in range(20):
        await formation.create(with_picture(shop.has(f"/{number}", a_picture(size=(9, 9)))))
    formation.clock.move(timedelta(seconds=1))
    await formation.create(with_picture(shop.has("/other", a_picture(size=(9, 9))), platform_id=OTHER_PLATFORM))
    async with formation.database.work() as work:
        now = formation.clock.now()
        claimed = await store.images.claim_images(work.connection, now, DAY, (8, PER_PLATFORM), [])
        rest = await store.images.claim_images(work.connection, now, DAY, (8, PER_PLATFORM), [PLATFORM])
    platforms = [image.platform_id for image in claimed]
    assert (platforms.count(PLATFORM), platforms.count(OTHER_PLATFORM), rest) == (PER_PLATFORM, 1, [])


async def test_the_same_picture_of_two_platforms_tells_nothing(
    formation: Formation, fetcher: ImageWorker, shop: Shop
) -> None:
    source = shop.has("/mango", a_picture())
    for platform_id in (PLATFORM, OTHER_PLATFORM):
        for _ in range(2):
            await formation.create(with_picture(source, platform_id=platform_id))
    assert await fetcher.run_once() == 2, "once for a platform, however many campaigns name it"
    [one, two] = await files(formation)
    assert one[0] != two[0]


async def test_what_never_comes_is_given_up_until_it_is_named_anew(
    formation: Formation, fetcher: ImageWorker, shop: Shop, clock: ManualClock
) -> None:
    source = shop.has("/mango", Answer(404))
    campaign = await formation.create(with_picture(source, ends_at=clock.now() + 30 * DAY))
    for pause in (timedelta(), *PAUSES):
        clock.move(pause)
        assert await fetcher.run_once() == 1
    found = await standing(formation, source)
    assert (found.is_shown, found.due_at, found.problem) == (False, None, "its server answered 404")
    shop.has("/mango", a_picture())
    await formation.change(campaign, domain.Update(campaign, frozenset({"presentation"}), 0))
    assert await fetcher.run_once() == 1
    assert (await standing(formation, source)).is_shown


async def test_a_picture_is_looked_at_again_each_day_while_a_campaign_goes_on(
    formation: Formation, fetcher: ImageWorker, shop: Shop, clock: ManualClock
) -> None:
    first = Answer(body=a_picture(), headers={"content-type": "image/jpeg", "etag": '"one"'})
    second = Answer(body=a_picture(colour="gold"), headers={"content-type": "image/jpeg"})
    source = shop.has("/mango", first, Answer(304), Answer(503), second)
    await formation.create(with_picture(source, ends_at=clock.now() + 4 * DAY))
    await fetcher.run_once()
    [(name, *_)] = await files(formation)
    clock.move(DAY * 1.1)
    assert await fetcher.run_once() == 1
    assert shop.asked("/mango")[-1].headers["if-none-match"] == '"one"'
    assert [row[0] for row in await files(formation)] == [name]
    clock.move(DAY * 1.1)
    await fetcher.run_once()
    found = await standing(formation, source)
    assert (found.is_shown, found.problem) == (True, "its server answered 503"), "what is shown stays"
    clock.move(PAUSES[0])
    await fetcher.run_once()
    old, new = await files(formation)
    assert (old[0], old[-1], new[-1]) == (name, clock.now() + LINGER, None)
    await fetcher.sweep()
    assert len(await files(formation)) == 2, "pages of a moment ago name the old one"
    clock.move(LINGER)
    await fetcher.sweep()
    assert await files(formation) == [new]
    clock.move(2 * DAY)
    assert await fetcher.run_once() == 1
    assert (await standing(formation, source)).due_at is None, "its campaign has ended"


async def test_a_picture_that_no_campaign_names_any_more_is_removed(
    formation: Formation, fetcher: ImageWorker, shop: Shop, clock: ManualClock
) -> None:
    source, other = shop.has("/mango", a_picture()), shop.has("/papaya", a_picture(colour="gold"))
    ends_at = clock.now() + 9 * DAY
    campaign = await formation.create(with_picture(source, ends_at=ends_at))
    shared = await formation.create(with_picture(source, ends_at=ends_at))
    await fetcher.run_once()
    await change_picture(formation, campaign, other)
    await fetcher.run_once()
    clock.move(LINGER)
    await fetcher.sweep()
    assert len(await files(formation)) == 2, "another campaign names it"
    await change_picture(formation, shared, "")
    clock.move(LINGER)
    assert await fetcher.sweep() == 1
    [(kept,)] = await formation.rows("SELECT source FROM images")
    assert (kept, len(await files(formation))) == (other, 1)
    clock.move(9 * DAY + KEEP)
    await fetcher.sweep()
    assert (
        await formation.rows("SELECT 1 FROM images UNION SELECT 1 FROM image_files UNION SELECT 1 FROM image_uses")
        == []
    )


async def change_picture(formation: Formation, campaign: domain.Campaign, source: str) -> None:
    wanted = with_picture(source, campaign)
    await formation.change(campaign, domain.Update(wanted, frozenset({"presentation"}), 0))


async def test_the_parts_of_a_process_fetch_what_is_named(formation: Formation, shop: Shop) -> None:
    source = shop.has("/mango", a_picture())
    chosen: dict[str, Any] = {
        "image_private_addresses": "allow",
        "images_per_platform": 9,
        "invite_secret": SecretStr("a secret"),
    }
    parts = image_parts(formation.database, formation.clock, Settings.model_construct(**chosen))
    running = [asyncio.create_task(part.run()) for part in parts if part.run]
    await formation.create(with_picture(source))

    async def is_shown() -> bool:
        return (await standing(formation, source)).is_shown

    assert await until(is_shown)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    for part in parts:
        if part.stop:
            await part.stop()


async def test_a_platform_has_so_many_pictures(formation: Formation, shop: Shop) -> None:
    sources = [shop.has(f"/{number}", a_picture(size=(9, 9))) for number in range(2)]
    async with a_fetcher(formation, per_platform=1) as fetcher:
        for source in sources:
            await formation.create(with_picture(source))
            await fetcher.run_once()
        assert "the platform has 1 pictures already" in (await standing(formation, sources[1])).problem
        assert shop.asked("/1") == []


async def test_a_file_that_takes_too_long_to_read_is_left() -> None:
    with pytest.raises(NotMade, match="took longer"):
        await Maker(seconds=0.001).make(a_picture())


async def test_the_largest_file_is_read_within_the_bounds() -> None:
    made = await Maker().make(a_picture("WEBP", (5000, 5000)))
    assert (made.width, made.height, made.small_width) == (800, 800, 400)


async def test_a_platform_is_told_how_its_picture_stands(
    api: Api, formation: Formation, shop: Shop, fetcher: ImageWorker
) -> None:
    source = shop.has("/mango", Answer(404), a_picture())
    campaign = await formation.create(with_picture(source, platform_id=api.platform_id))
    asked = pb.GetCampaignRequest(campaign_id=f"camp_{code_of(campaign)}")
    image = (await api.call("GetCampaign", asked)).image
    assert (image.state, image.problem) == (types_pb2.IMAGE_STATE_WAITING, "")
    await fetcher.run_once()
    image = (await api.call("GetCampaign", asked)).image
    assert (image.state, image.problem) == (types_pb2.IMAGE_STATE_WAITING, "its server answered 404")
    assert image.next_attempt_at.ToDatetime() == (formation.clock.now() + PAUSES[0]).replace(tzinfo=None)
    formation.clock.move(PAUSES[0])
    await fetcher.run_once()
    image = (await api.call("GetCampaign", asked)).image
    assert (image.state, image.problem) == (types_pb2.IMAGE_STATE_SHOWN, "")
