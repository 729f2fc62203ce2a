"""The Mini Program of docs/examples on a real web edge: it follows a team, rests, comes back, hands over, is shared."""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from services.chassis.clock import ManualClock
from services.team_formation.handover import Verified
from services.team_formation.web.view import View
from tests.support.formation import PLATFORM, Formation
from tests.support.handing_over import tokens
from tests.support.mini_program import FOLDER, INVITE, MiniProgram, a_mini_program
from tests.support.proxy import Proxy
from tests.support.until import until
from tests.support.web import Visitor, a_shown_campaign, a_web_edge, an_invite


@pytest.fixture
async def visitor(formation: Formation) -> AsyncIterator[Visitor]:
    """The pages' server."""
    async with a_web_edge(formation) as someone:
        yield someone


@pytest.fixture
async def program(visitor: Visitor) -> AsyncIterator[MiniProgram]:
    """The Mini Program against that server."""
    async with a_mini_program(visitor.origin) as running:
        yield running


async def a_team(formation: Formation) -> tuple[Any, str]:
    """A team with nobody certain, and a code that leads to it."""
    opened = await formation.open(await formation.create(a_shown_campaign()))
    return opened, await an_invite(formation, opened.team.team_id)


async def test_it_shows_the_invite_and_follows_the_team_until_it_is_complete(
    formation: Formation, program: MiniProgram
) -> None:
    opened, code = await a_team(formation)
    await program.open(code)
    invite = await program.shows(state="FORMING")
    assert invite["inviter"] == "Mei invites you"
    assert invite["line"].startswith("You pay €39.90 now, never more")
    await formation.confirm(opened.seat)
    invite = await program.shows(certainty="1 more needed (you would do), else everything is refunded.")
    assert invite["seats"]["text"] == "1 of 5 has joined"
    for member in ("lin", "ana", "bo", "eve"):
        await formation.confirm((await formation.join(opened.team.team_id, member)).seat)
    invite = await program.shows(state="FORMED")
    assert invite["heading"] == "This team is complete"
    for _ in range(5):
        await program.call("onShareAppMessage")  # turns of the program, in which it could ask once more
    assert not any(invite["version"] in path for path in program.all("requested"))
    requested = program.all("requested")
    assert requested[0] == f"/i/{code}.json?lang=en"
    assert all(f"/i/{code}.json?lang=en&after=" in path for path in requested[1:])
    assert len(set(requested)) == len(requested)


async def test_the_countdown_goes_by_the_servers_clock(
    formation: Formation, visitor: Visitor, clock: ManualClock
) -> None:
    now = datetime.now(UTC)
    clock.move(now - clock.now())
    campaign = replace(a_shown_campaign(ends_at=now + timedelta(days=1)), starts_at=now - timedelta(days=1))
    opened = await formation.open(await formation.create(campaign))
    code = await an_invite(formation, opened.team.team_id)
    async with a_mini_program(visitor.origin, ahead=5 * 3_600_000) as program:
        await program.open(code)
        left = await until(lambda: program.data.get("left"))
        later = await until(lambda: program.data["left"] if program.data["left"] != left else None)
    assert "01:00:01" > left > later > "00:50:00"


async def test_hidden_it_asks_for_nothing_and_shown_again_it_is_up_to_date(
    formation: Formation, program: MiniProgram
) -> None:
    opened, code = await a_team(formation)
    await program.open(code)
    version = (await program.shows(state="FORMING"))["version"]
    poll = f"/i/{code}.json?lang=en&after={version}"
    await until(lambda: poll in program.all("requested"))
    await program.call("onHide")
    assert program.all("aborted") == [poll]
    asked = len(program.all("requested"))
    await formation.confirm(opened.seat)
    shown = len(program.all("data"))
    await program.call("onShareAppMessage")  # a turn of the program, in which nothing else is done
    assert (len(program.all("requested")), len(program.all("data"))) == (asked, shown)
    await program.call("onShow")
    await until(lambda: (program.data["invite"] or {}).get("seats", {}).get("confirmed") == 1)
    assert program.all("requested")[asked] == f"/i/{code}.json?lang=en"
    assert program.data["away"] is False


async def test_without_a_network_it_says_so_and_comes_back(formation: Formation, visitor: Visitor) -> None:
    opened, code = await a_team(formation)
    proxy = Proxy(("127.0.0.1", visitor.web.port))
    proxy.start()
    try:
        async with a_mini_program(f"http://{proxy.address}") as program:
            await program.open(code)
            await program.shows(state="FORMING")
            proxy.refuse()
            await until(lambda: program.data["away"])
            assert program.data["invite"]["state"] == "FORMING"
            await formation.confirm(opened.seat)
            proxy.accept()
            await until(lambda: program.data["invite"]["seats"]["confirmed"] == 1)
            assert program.data["away"] is False
    finally:
        proxy.stop()


async def test_a_link_that_leads_nowhere_is_asked_for_once(program: MiniProgram) -> None:
    await program.open("AAAAAAAAAAAA")
    await until(lambda: program.data.get("gone"))
    assert program.all("requested") == ["/i/AAAAAAAAAAAA.json?lang=en"]
    assert program.data["words"]["gone"].startswith("This link leads nowhere")


@pytest.mark.parametrize("options", [{}, {"c": "../../etc"}, {"scene": "c%3Dx"}])
async def test_what_is_no_code_is_not_asked_for(program: MiniProgram, options: dict[str, str]) -> None:
    await program.open(**options)
    await until(lambda: program.data.get("gone"))
    assert program.all("requested") == []


@pytest.mark.parametrize("scene", ["c%3D{code}", "{code}"])
async def test_a_mini_program_code_leads_to_the_invite(formation: Formation, program: MiniProgram, scene: str) -> None:
    _, code = await a_team(formation)
    await program.open(scene=scene.format(code=code))
    assert (await program.shows(state="FORMING"))["code"] == code


async def test_its_own_checkout_gets_a_token_that_holds(
    formation: Formation, visitor: Visitor, clock: ManualClock
) -> None:
    opened, code = await a_team(formation)
    async with a_mini_program(visitor.origin, checkoutPage="/pages/order/index") as program:
        await program.open(code)
        await program.shows(state="FORMING")
        await program.call("join", {"currentTarget": {"dataset": {"way": "/join"}}})
        [url] = await until(lambda: program.all("navigated"))
    token = parse_qs(urlsplit(url).query)["handover"][0]
    read = tokens().read(token, PLATFORM, clock.now())
    assert isinstance(read, Verified)
    assert (read.handover.team_id, read.handover.invite_code) == (opened.team.team_id, code)
    assert urlsplit(url).path == "/pages/order/index"


async def test_where_nobody_can_join_any_more_no_checkout_opens(formation: Formation, visitor: Visitor) -> None:
    opened, code = await a_team(formation)
    async with a_mini_program(visitor.origin, checkoutPage="/pages/order/index") as program:
        await program.open(code)
        await program.shows(state="FORMING")
        await formation.cancel(opened.team.team_id)
        assert (await program.shows(state="CANCELLED"))["action_url"] == ""
        await program.call("join", {"currentTarget": {"dataset": {"way": "/join"}}})  # a press that came too late
        await until(lambda: program.all("redirected"))
        assert program.all("redirected") == [f"/i/{code}"]
    assert program.all("navigated") == []


async def test_a_checkout_on_the_web_opens_in_a_web_view(
    formation: Formation, visitor: Visitor, program: MiniProgram
) -> None:
    _, code = await a_team(formation)
    await program.open(code)
    await program.shows(state="FORMING")
    await program.call("join", {"currentTarget": {"dataset": {"way": "/join?sku=mango"}}})
    [url] = await until(lambda: program.all("navigated"))
    page, _, query = url.partition("?")
    assert page == "/pages/checkout/index"
    way = query.removeprefix("way=")
    await program.call("onHide")
    await program.do("load", page="pages/checkout/index", options={"way": way})
    shown = await until(lambda: program.data.get("url"))
    assert shown == visitor.origin + unquote(way) == f"{visitor.origin}/i/{code}/join?sku=mango"
    assert (await visitor.get(unquote(way))).headers["location"].startswith("https://shop.example/buy?handover=")


async def test_it_is_shared_with_what_stays_true(formation: Formation, program: MiniProgram) -> None:
    opened, _ = await a_team(formation)
    code = await an_invite(formation, opened.team.team_id, commission_basis_points=500)
    await program.open(code)
    invite = await program.shows(state="FORMING")
    assert await program.call("onShareAppMessage") == {
        "title": f"{invite['disclosure']} Mei invites you: Mangoes",
        "path": f"/{INVITE}?c={code}",
        "imageUrl": invite["square"],
    }


async def test_it_speaks_the_readers_language(formation: Formation, visitor: Visitor) -> None:
    _, code = await a_team(formation)
    async with a_mini_program(visitor.origin, language="zh_CN") as program:
        await program.open(code)
        assert (await program.shows(language="zh-Hans"))["title"] == "芒果"
        assert program.data["words"]["share"] == "邀请好友"
        await program.do("update")
        await until(lambda: program.all("applied"))


async def test_every_page_is_whole_and_every_binding_names_something(program: MiniProgram) -> None:
    [defined] = await until(lambda: program.all("pages"))
    assert list(defined) == json.loads((FOLDER / "app.json").read_text())["pages"]
    shown = {item.name for item in fields(View)}
    for page, names in defined.items():
        for kind in ("js", "json", "wxml", "wxss"):
            assert (FOLDER / f"{page}.{kind}").is_file()
        json.loads((FOLDER / f"{page}.json").read_text())
        template = (FOLDER / f"{page}.wxml").read_text()
        assert set(re.findall(r'bindtap="(\w+)"', template)) <= set(names)
        assert set(re.findall(r"\binvite\.(\w+)", template)) <= shown
    assert json.loads((FOLDER / "project.config.json").read_text())["compileType"] == "miniprogram"
