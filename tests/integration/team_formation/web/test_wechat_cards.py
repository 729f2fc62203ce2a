"""Cards in WeChat over HTTP: whose pages are signed, for which address, what is shown, and what it costs all others."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import grpc
import pytest
from groupbuy.notification.v1 import notification_internal_pb2_grpc

from services.notification.testing import Answer
from services.team_formation.web.guesses import BURST
from services.team_formation.web.wechat_cards import SCRIPT
from services.team_formation.wechat.files import WeChatFiles
from services.team_formation.wechat.tickets import Tickets
from tests.support.database import Database
from tests.support.formation import OTHER_PLATFORM, PLATFORM, PUBLIC_URL, START, Formation
from tests.support.notification_rpc import SERVICE_KEY
from tests.support.web import Seen, a_shown_campaign, a_web_edge, an_invite, code_of
from tests.support.wechat import APP_ID, BROWSER, FILE, LETTERS, TICKET, WeChatStage, a_wechat_stage


@pytest.fixture
async def stage(formation: Formation, database: Database) -> AsyncIterator[WeChatStage]:
    """The pages' server, with WeChat behind it."""
    async with a_wechat_stage(formation, await database("notification")) as running:
        yield running


async def a_code(formation: Formation, platform: Any = PLATFORM, **invite: Any) -> str:
    """Make an invite to a team, and give its code."""
    opened = await formation.open(await formation.create(a_shown_campaign(platform_id=platform)))
    return await an_invite(formation, opened.team.team_id, **invite)


async def card(stage: WeChatStage, path: str, url: str | None = None, language: str = "en") -> Seen:
    """Ask for a page's card as the page does."""
    address = PUBLIC_URL + path if url is None else url
    return await stage.visitor.get(f"{path}/wechat.json?lang={language}&url={quote(address, safe='')}", language)


def signed(config: dict[str, Any], url: str) -> str:
    """Sign as WeChat does to compare."""
    values = {
        "jsapi_ticket": TICKET,
        "noncestr": config["nonceStr"],
        "timestamp": config["timestamp"],
        "url": url,
    }
    text = "&".join(f"{name}={values[name]}" for name in sorted(values))
    return hashlib.sha1(text.encode()).hexdigest()  # noqa: S324 - theirs to choose


async def test_a_page_is_signed_for_the_address_that_it_was_opened_with(stage: WeChatStage) -> None:
    await stage.put_file()
    await stage.put_account()
    code = await a_code(stage.formation)
    for query in ("", "?lang=zh-Hans", "?from=singlemessage&isappinstalled=0"):
        url = f"{PUBLIC_URL}/i/{code}{query}"
        answer = await card(stage, f"/i/{code}", f"{url}#top")
        assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")
        said = json.loads(answer.body)
        assert said["config"] == {
            "debug": False,
            "appId": APP_ID,
            "timestamp": int(START.timestamp()),
            "nonceStr": said["config"]["nonceStr"],
            "signature": signed(said["config"], url),
            "jsApiList": ["updateAppMessageShareData", "updateTimelineShareData"],
        }
        assert len(said["config"]["nonceStr"]) == 16
        assert TICKET not in answer.text
        assert said["script"] == SCRIPT
    assert stage.calls.asked == stage.wechat.tickets == 1


async def test_a_card_has_only_what_stays_true(stage: WeChatStage) -> None:
    await stage.put_file()
    await stage.put_account()
    opened = await stage.formation.open(await stage.formation.create(a_shown_campaign()))
    code = await an_invite(stage.formation, opened.team.team_id, label="Mei\n\u202e")
    link = f"{PUBLIC_URL}/i/{code}"
    first = json.loads((await card(stage, f"/i/{code}")).body)
    square = f"{link}/square?lang=en&v=1"
    assert first["message"] == {
        "title": "Mangoes",
        "desc": "Mei invites you · down to €24.90 with 5 members",
        "link": link,
        "imgUrl": square,
    }
    assert first["moment"] == {
        "title": "Mangoes · down to €24.90 with 5 members",
        "link": link,
        "imgUrl": square,
    }
    await stage.formation.confirm(opened.seat)
    await stage.formation.confirm((await stage.formation.join(opened.team.team_id, "lin")).seat)
    again = json.loads((await card(stage, f"/i/{code}")).body)
    assert (again["message"], again["moment"]) == (first["message"], first["moment"])
    chinese = json.loads((await card(stage, f"/i/{code}", language="zh-Hans")).body)
    assert chinese["message"]["title"] == "芒果"
    assert chinese["message"]["imgUrl"] == f"{link}/square?lang=zh-Hans&v=1"
    picture = await stage.visitor.get(square.removeprefix(PUBLIC_URL))
    assert (picture.status, picture.headers["content-type"].split("/")[0]) == (200, "image")


async def test_who_earns_by_it_says_so_on_the_card(stage: WeChatStage) -> None:
    await stage.put_file()
    await stage.put_account()
    code = await a_code(stage.formation, commission_basis_points=500)
    said = json.loads((await card(stage, f"/i/{code}")).body)
    for text in (said["message"]["desc"], said["moment"]["title"]):
        assert text.startswith((await stage.visitor.data(code))["disclosure"] + " · ")


async def test_a_campaigns_page_has_a_card_with_its_square_picture(stage: WeChatStage) -> None:
    await stage.put_file()
    await stage.put_account()
    path = f"/c/{code_of(await stage.formation.create(a_shown_campaign()))}"
    said = json.loads((await card(stage, path)).body)
    assert said["config"]["signature"] == signed(said["config"], PUBLIC_URL + path)
    assert said["message"]["link"] == PUBLIC_URL + path
    assert said["message"]["desc"].startswith("down to €24.90")
    assert said["message"]["imgUrl"] == f"{PUBLIC_URL}{path}/square?lang=en&v=1"
    page = await stage.visitor.get(path, user_agent=BROWSER)
    assert SCRIPT in page.headers["content-security-policy"]
    assert (await card(stage, path, f"{PUBLIC_URL}/i/AAAAAAAAAAAA")).status == 400


@pytest.mark.parametrize("address", ["", f"{PUBLIC_URL}/", "https://evil.example/i/{code}", "/i/{code}", "{link}/join"])
async def test_no_other_address_is_signed(stage: WeChatStage, address: str) -> None:
    await stage.put_file()
    await stage.put_account()
    code = await a_code(stage.formation)
    link = f"{PUBLIC_URL}/i/{code}"
    answer = await card(stage, f"/i/{code}", address.format(code=code, link=link))
    assert answer.status == 400
    said = json.loads(answer.body)
    assert said["error"] == "url"
    assert said["why"].startswith("url must be")
    assert (await stage.visitor.get(f"/i/{code}/wechat.json")).status == 400
    assert stage.wechat.tickets == 0


async def test_without_a_file_nobody_is_asked_and_the_page_stays_strict(stage: WeChatStage) -> None:
    await stage.put_account()
    code = await a_code(stage.formation)
    answer = await card(stage, f"/i/{code}")
    assert (answer.status, json.loads(answer.body)["error"]) == (404, "no_file")
    page = await stage.visitor.get(f"/i/{code}", user_agent=BROWSER)
    assert "qq.com" not in page.headers["content-security-policy"]
    assert stage.calls.asked == 0


async def test_without_an_official_account_there_is_no_card(stage: WeChatStage) -> None:
    await stage.put_file()
    await stage.put_account(kind="mini")
    code = await a_code(stage.formation)
    for _ in range(2):
        answer = await card(stage, f"/i/{code}")
        assert (answer.status, json.loads(answer.body)["error"]) == (404, "no_account")
    assert (stage.calls.asked, stage.wechat.tickets) == (1, 0)


async def test_while_wechat_gives_no_ticket_it_is_asked_seldom(stage: WeChatStage) -> None:
    await stage.put_file()
    await stage.put_account()
    stage.wechat.answer = Answer(200, {"errcode": 45009, "errmsg": "reach max api daily quota limit"})
    code = await a_code(stage.formation)
    answers = await asyncio.gather(*(card(stage, f"/i/{code}") for _ in range(20)))
    assert {answer.status for answer in answers} == {503}
    assert {json.loads(answer.body)["error"] for answer in answers} == {"no_ticket"}
    assert answers[0].headers["retry-after"] == "10"
    assert "45009" not in answers[0].text
    assert stage.calls.asked == stage.wechat.tickets == 1


async def test_another_platforms_ticket_is_not_used(stage: WeChatStage) -> None:
    await stage.put_file()
    await stage.put_file(OTHER_PLATFORM, "0" * 16)
    await stage.put_account(OTHER_PLATFORM)
    code = await a_code(stage.formation)
    assert (await card(stage, f"/i/{code}")).status == 404
    assert stage.wechat.tickets == 0


async def test_wechats_script_is_let_in_for_wechat_alone_and_the_page_is_the_same(stage: WeChatStage) -> None:
    await stage.put_file()
    await stage.put_account()
    code = await a_code(stage.formation)
    usual = await stage.visitor.get(f"/i/{code}")
    there = await stage.visitor.get(f"/i/{code}", user_agent=BROWSER)
    wecom = await stage.visitor.get(f"/i/{code}", user_agent=f"{BROWSER} wxwork/4.1.28")
    assert usual.body == there.body
    assert usual.headers["etag"] == there.headers["etag"]
    for page in (usual, wecom):
        assert "script-src 'self';" in page.headers["content-security-policy"]
        assert "frame-src 'none'" in page.headers["content-security-policy"]
    assert f"script-src 'self' {SCRIPT};" in there.headers["content-security-policy"]
    again = await stage.visitor.get(f"/i/{code}", user_agent=BROWSER, if_none_match=usual.headers["etag"])
    assert again.status == 304
    assert SCRIPT in again.headers["content-security-policy"]
    for page in (usual, there, again):
        assert "user-agent" in ", ".join(value for name, value in page.headers.items() if name.lower() == "vary")


async def test_without_a_way_to_notification_no_page_has_a_card(formation: Formation) -> None:
    code = await a_code(formation)
    async with a_web_edge(formation) as visitor:
        answer = await visitor.get(f"/i/{code}/wechat.json?url={quote(f'{PUBLIC_URL}/i/{code}', safe='')}")
        assert answer.status == 404
        page = await visitor.get(f"/i/{code}", user_agent=BROWSER)
        assert "qq.com" not in page.headers["content-security-policy"]


async def test_links_that_lead_nowhere_have_none(stage: WeChatStage) -> None:
    unknown = await card(stage, "/i/AAAAAAAAAAAA")
    assert (unknown.status, unknown.body) == (404, b'{"error": "unknown"}')


async def test_the_fall_back_is_a_title_and_a_large_square_picture(
    stage: WeChatStage,
) -> None:
    code = await a_code(stage.formation)
    page = await stage.visitor.get(f"/i/{code}")
    assert "<title>Mangoes</title>" in page.text
    first = page.text.split("<img ")[1].split(">")[0]
    assert f'src="/i/{code}/square?lang=en&amp;v=1"' in first
    assert 'width="600" height="600"' in first
    assert "hidden" in first
    assert 'loading="lazy"' in first


async def test_a_file_is_served_as_it_was_set(stage: WeChatStage) -> None:
    await stage.put_file()
    answer = await stage.visitor.get(f"/{FILE}")
    assert (answer.status, answer.text) == (200, LETTERS)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_file_that_nobody_has_set_is_a_link_that_leads_nowhere(stage: WeChatStage) -> None:
    await stage.put_file()
    stranger = await stage.visitor.get("/elsewhere")
    for name in ("MP_verify_0000000000000000.txt", "MP_verify_.txt", "MP_verify_x.txt", f"{FILE}x", f"x/{FILE}"):
        answer = await stage.visitor.get(f"/{name}")
        assert (answer.status, answer.body) == (404, stranger.body)
    statuses = [(await stage.visitor.get(f"/MP_verify_{at:016d}.txt")).status for at in range(BURST + 5)]
    assert 429 in statuses


async def test_a_page_is_shown_while_notification_is_away(formation: Formation) -> None:
    nowhere = grpc.aio.insecure_channel("127.0.0.1:1")
    tickets = Tickets(notification_internal_pb2_grpc.NotificationInternalStub(nowhere), SERVICE_KEY)
    await WeChatFiles(formation.database, formation.clock).put(PLATFORM, FILE, LETTERS)
    code = await a_code(formation)
    async with a_web_edge(formation, tickets=tickets) as visitor:
        assert (await visitor.get(f"/i/{code}", user_agent=BROWSER)).status == 200
        answer = await visitor.get(f"/i/{code}/wechat.json?url={quote(f'{PUBLIC_URL}/i/{code}', safe='')}")
        assert (answer.status, json.loads(answer.body)["error"]) == (503, "no_ticket")
    await nowhere.close()
