"""GetWeChatTicket: whose account it uses, how seldom WeChat is asked, and what it says where there is no ticket.

Answers as https://developers.weixin.qq.com/doc/offiaccount/OA_Web_Apps/JS-SDK.html, appendix 1, has them.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from uuid import UUID

import pytest
from groupbuy.notification.v1 import channels_pb2
from groupbuy.notification.v1 import notification_internal_pb2 as pb

from services.chassis import ids, platforms
from services.notification.accounts import Accounts
from services.notification.channels.wechat import WeChatApi
from services.notification.testing import CUT, SLOW, Answer, HttpSink, Request, http_sink, http_tools
from services.notification.wechat_tickets import WeChatTicket, WeChatTickets
from tests.support.notification_rpc import OTHER, SHOP, Api, an_api, refusal
from tests.support.notifying import SEALER, Notifying

APP_ID = "wx1234567890abcdef"
TICKET = "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg"
SECRET = "0123456789abcdef0123456789abcdef"
SETTINGS = {
    "app_id": APP_ID,
    "secret": SECRET,
    "template_id": "ngqIpbwh8bUfcSsECmogfXcV14J0tQlEpBO27izEYtY",
    "title_field": "thing1",
    "text_field": "thing2",
}


@dataclass
class WeChat:
    """A server that numbers its tokens, and gives a ticket for the last one alone."""

    answer: Answer | None = None
    lasts: int = 7200
    tokens: int = 0
    tickets: list[Request] = field(default_factory=list)

    def __call__(self, request: Request) -> Answer:
        if request.path == "/cgi-bin/stable_token":
            self.tokens += 1
            return Answer(200, {"access_token": f"t-{self.tokens}", "expires_in": 7200})
        self.tickets.append(request)
        if self.answer:
            return self.answer
        if request.path != f"/cgi-bin/ticket/getticket?access_token=t-{self.tokens}&type=jsapi":
            return Answer(200, {"errcode": 40001, "errmsg": "invalid credential"})
        return Answer(200, {"errcode": 0, "errmsg": "ok", "ticket": TICKET, "expires_in": self.lasts})


@pytest.fixture
async def api(notification: Notifying) -> AsyncIterator[Api]:
    async with an_api(notification, private=True) as opened:
        yield opened


async def set_up(api: Api, sink: HttpSink, of: UUID = SHOP, **changed: str) -> None:
    settings: Mapping[str, str] = {**SETTINGS, "base_url": sink.url, **changed}
    request = channels_pb2.PutChannelRequest(request_id=str(ids.new_id()), channel="wechat", settings=settings)
    await api.call("PutChannel", request, of)


async def ticket(api: Api, of: UUID = SHOP) -> pb.GetWeChatTicketResponse:
    request = pb.GetWeChatTicketRequest(platform_id=ids.opaque(platforms.ID_PREFIX, of))
    answer = await api.call_internal("GetWeChatTicket", request)
    assert isinstance(answer, pb.GetWeChatTicketResponse)
    return answer


async def test_a_ticket_is_asked_for_once_however_many_need_it(api: Api) -> None:
    server = WeChat()
    async with http_sink(server) as sink:
        await set_up(api, sink)
        answers = [*await asyncio.gather(*(ticket(api) for _ in range(20))), await ticket(api)]
    assert answers == [pb.GetWeChatTicketResponse(app_id=APP_ID, ticket=TICKET)] * 21
    assert [request.method for request in server.tickets] == ["GET"]
    assert server.tokens == 1


async def test_a_ticket_that_is_about_to_end_is_not_given_again(api: Api) -> None:
    server = WeChat(lasts=60)
    async with http_sink(server) as sink:
        await set_up(api, sink)
        assert (await ticket(api)).ticket == (await ticket(api)).ticket == TICKET
    assert len(server.tickets) == 2


async def test_a_changed_account_has_another_ticket(api: Api) -> None:
    server = WeChat()
    async with http_sink(server) as sink:
        await set_up(api, sink)
        await ticket(api)
        await set_up(api, sink, app_id="wxfedcba0987654321")
        assert (await ticket(api)).app_id == "wxfedcba0987654321"
    assert (server.tokens, len(server.tickets)) == (2, 2)


async def test_without_an_official_account_nobody_is_asked(api: Api) -> None:
    server = WeChat()
    async with http_sink(server) as sink:
        await set_up(api, sink)
        assert await ticket(api, OTHER) == pb.GetWeChatTicketResponse()
        await set_up(api, sink, OTHER, kind="mini")
        assert await ticket(api, OTHER) == pb.GetWeChatTicketResponse()
    assert (server.tokens, server.tickets) == (0, [])


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer(200, {"errcode": 48001, "errmsg": "api unauthorized"}), "errcode 48001: look at the account's perm"),
        (Answer(200, {"errcode": 45009, "errmsg": "reach max api daily quota limit"}), "errcode 45009"),
        (Answer(200, {"errcode": 0, "errmsg": "ok"}), "an answer without a token"),
        (Answer(200, {"errcode": 0, "ticket": TICKET, "expires_in": "soon"}), "cannot be read: ValueError"),
        (Answer(502, body=b"<html>bad gateway</html>"), "HTTP 502"),
        (Answer(trouble=CUT), ""),
    ],
    ids=["unauthorized", "quota", "no ticket", "no time", "gateway", "cut"],
)
async def test_why_there_is_no_ticket_is_said(api: Api, answer: Answer, why: str) -> None:
    async with http_sink(WeChat(answer)) as sink:
        await set_up(api, sink)
        given = await ticket(api)
    assert (given.app_id, given.ticket) == (APP_ID, "")
    assert why in given.why
    assert given.why
    for secret in (SECRET, TICKET, "t-1", sink.url):
        assert secret not in given.why


async def test_a_token_that_was_replaced_is_asked_for_again_the_next_time(api: Api) -> None:
    server = WeChat(lasts=0)
    async with http_sink(server) as sink:
        await set_up(api, sink)
        assert (await ticket(api)).ticket
        server.tokens += 1  # somebody else has forced a new one
        assert "40001" in (await ticket(api)).why
        assert (await ticket(api)).ticket


async def test_a_server_that_does_not_answer_is_given_up_in_time(
    api: Api, notification: Notifying, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with http_sink(WeChat(Answer(trouble=SLOW))) as sink, http_tools() as tools:
        await set_up(api, sink)
        tickets = WeChatTickets(notification.database, Accounts(SEALER), WeChatApi(tools.http), seconds=0.2)
        found = await tickets.of(SHOP)
        sink.release()
    assert (found.app_id, found.ticket, found.why) == (APP_ID, "", "no answer within 0.2 seconds")
    assert SECRET not in caplog.text


async def test_only_other_services_may_ask(api: Api) -> None:
    request = pb.GetWeChatTicketRequest(platform_id=ids.opaque(platforms.ID_PREFIX, SHOP))
    call = api.call_internal("GetWeChatTicket", request, key=f"gbk_{SHOP.int}_secret")
    assert await refusal(call) == ("KEY_UNKNOWN", {})
    nobody = pb.GetWeChatTicketRequest(platform_id="plat_nobody")
    assert (await refusal(api.call_internal("GetWeChatTicket", nobody)))[0] == "PLATFORM_UNKNOWN"
    assert TICKET not in repr(WeChatTicket(APP_ID, TICKET))
