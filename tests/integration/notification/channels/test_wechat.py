"""The channel `wechat` against a sink that answers as WeChat documents.

Answers and errcodes: https://developers.weixin.qq.com/doc/offiaccount/Getting_Started/Global_Return_Code.html; tokens:
https://developers.weixin.qq.com/doc/offiaccount/Basic_Information/getStableAccessToken.html; values of subscribe
messages: https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/mp-message-management/subscribe-message/sendMessage.html.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.notification.channels import Account, Letter, Misconfigured, Refused, Retry, Sent
from services.notification.channels.wechat import WeChatChannel, fitted
from services.notification.testing import (
    ACCEPT,
    BUSY,
    CUT,
    GARBAGE,
    GONE,
    MISCONFIGURED,
    REFUSE,
    Answer,
    Case,
    Conformance,
    Expect,
    Request,
    Stage,
    Taken,
    a_letter,
    http_sink,
    http_tools,
    trouble,
)

OPENID = "o6_bmjrPTlm6_2sgVt7hMZOPfL2M"
ACCOUNT = {
    "app_id": "wx1234567890abcdef",
    "secret": "0123456789abcdef0123456789abcdef",
    "template_id": "ngqIpbwh8bUfcSsECmogfXcV14J0tQlEpBO27izEYtY",
    "title_field": "thing1",
    "text_field": "thing2",
}


def _error(code: int) -> Answer:
    return Answer(200, {"errcode": code, "errmsg": f"error rid: 1-{code}"})


ERRORS: dict[str, tuple[Answer, Expect]] = {
    BUSY: (_error(-1), Expect(Retry)),
    "day's quota": (_error(45009), Expect(Retry, after=timedelta(hours=1), whole_account=True)),
    "calls a minute": (_error(45011), Expect(Retry, after=timedelta(minutes=1), whole_account=True)),
    "limited by the platform": (_error(40251), Expect(Retry, after=timedelta(hours=1), whole_account=True)),
    "two at once to one": (_error(43108), Expect(Retry)),
    "token": (_error(42001), Expect(Retry)),
    REFUSE: (_error(43101), Expect(Refused)),
    GONE: (_error(40003), Expect(Refused, is_gone=True)),
    "unfollowed": (_error(43004), Expect(Refused, is_gone=True)),
    "not a follower": (_error(50005), Expect(Refused, is_gone=True)),
    "takes nothing": (_error(48002), Expect(Refused)),
    "blocked for its text": (_error(40249), Expect(Refused)),
    MISCONFIGURED: (_error(40037), Expect(Misconfigured)),
    "fields": (_error(47003), Expect(Misconfigured)),
    "a parameter": (_error(40097), Expect(Misconfigured)),
    "the template was abused": (_error(43116), Expect(Misconfigured)),
    "no such messages": (_error(48008), Expect(Misconfigured)),
    "banned": (_error(48004), Expect(Misconfigured)),
    "gateway": (Answer(502, body=b"<html>bad gateway</html>"), Expect(Retry)),
    "not the API": (Answer(404, body=b"no"), Expect(Misconfigured)),
    "moved": (Answer(302, headers={"Location": "/elsewhere"}), Expect(Misconfigured)),
}
NO_TOKEN: dict[str, tuple[Answer, Expect]] = {
    "secret": (_error(40125), Expect(Misconfigured)),
    "secret in other words": (_error(40001), Expect(Misconfigured)),
    "whitelist": (_error(40164), Expect(Misconfigured)),
    "token busy": (_error(-1), Expect(Retry)),
    "token of a proxy": (Answer(200, body=b"hello"), Expect(Retry)),
}


@dataclass
class WeChat:
    """What the server does, by mode; tokens are numbered, and only the last one is good."""

    mode: str
    tokens: int = 0
    said: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    def __call__(self, request: Request) -> Answer:
        path, _, query = request.path.partition("?")
        if path == "/cgi-bin/stable_token":
            return self._token(request.json())
        if answer := trouble(self.mode):
            return answer
        if query != f"access_token=t-{self.tokens}":
            return _error(40001)
        return ERRORS[self.mode][0] if self.mode in ERRORS else self._taken(path, request.json())

    def _token(self, said: dict[str, Any]) -> Answer:
        if self.mode in NO_TOKEN:
            answer = NO_TOKEN[self.mode][0]
            return Answer(answer.status, answer.json, body=answer.body, is_send=False)
        wanted = {"grant_type": "client_credential", "appid": ACCOUNT["app_id"], "secret": ACCOUNT["secret"]}
        if said != wanted:
            return Answer(200, {"errcode": 40013, "errmsg": "invalid appid"}, is_send=False)
        self.tokens += 1
        return Answer(200, {"access_token": f"t-{self.tokens}", "expires_in": 7200}, is_send=False)

    def _taken(self, path: str, said: dict[str, Any]) -> Answer:
        values = [item["value"] for item in said["data"].values()]
        if any("\n" in value or not 1 <= len(value) <= 20 for value in values):
            return _error(47003)
        self.said.append(said)
        self.paths.append(path)
        taken = Taken(said["touser"], "\n".join(values), said.get("client_msg_id", ""), said.get("url", ""))
        return Answer(200, {"errcode": 0, "errmsg": "ok", "msgid": 200228332}, takes=taken)


@asynccontextmanager
async def play(mode: str) -> AsyncIterator[Stage]:
    async with http_sink(WeChat(mode)) as sink, http_tools() as tools:
        yield Stage(WeChatChannel(tools.http), sink, OPENID, {**ACCOUNT, "base_url": sink.url})


def _shows(letter: Letter) -> tuple[str, str]:
    return fitted("thing1", letter.subject), fitted("thing2", letter.body)


class TestWeChat(Conformance):
    case = Case(
        name="wechat",
        play=play,
        modes={
            ACCEPT: Expect(Sent),
            CUT: Expect(Retry),
            GARBAGE: Expect(Retry),
            **{mode: expect for mode, (_, expect) in (ERRORS | NO_TOKEN).items()},
        },
        good=["oABCDEFGHIJKLMNOPQRSTUV-_123"],
        bad=["", "mei", "o6_bmjrPTlm6 2sgVt7hMZOPfL2M", "o" * 65, "o6_bmjrPTlm6_2sgVt7hMZOPfL2M\n"],
        bad_accounts=[
            ("app_id", {"app_id": "1234567890abcdef"}),
            ("secret", {"secret": "0123"}),
            ("template_id", {"template_id": "has space in it here it is"}),
            ("title_field", {"title_field": "Thing 1"}),
            ("text_field", {"text_field": ""}),
            ("kind", {"kind": "maxi"}),
            ("base_url", {"base_url": "api.weixin.qq.com"}),
        ],
        has_key=True,
        has_button=True,
        shows=_shows,
    )


@pytest.fixture
async def stage() -> AsyncIterator[tuple[WeChat, WeChatChannel, Account]]:
    server = WeChat(ACCEPT)
    async with http_sink(server) as sink, http_tools() as tools:
        yield server, WeChatChannel(tools.http), Account(UUID(int=1), {**ACCOUNT, "base_url": sink.url}, 1)


async def test_a_template_message_is_the_one_that_is_documented(stage: tuple[WeChat, WeChatChannel, Account]) -> None:
    server, channel, account = stage
    link = "https://shop.example.com/t/x"
    letter = a_letter(OPENID, subject="价格降了: 芒果", body="您现在只需支付€34.90。\n" * 3, link=link)
    assert await channel.send(letter, account) == Sent("200228332")
    assert server.paths == ["/cgi-bin/message/template/send"]
    assert server.said == [
        {
            "touser": OPENID,
            "template_id": ACCOUNT["template_id"],
            "data": {"thing1": {"value": "价格降了: 芒果"}, "thing2": {"value": "您现在只需支付€34.90。 您现在只…"}},
            "client_msg_id": str(letter.delivery_id),
            "url": link,
        }
    ]


async def test_a_mini_program_opens_its_page_with_the_link(stage: tuple[WeChat, WeChatChannel, Account]) -> None:
    server, channel, account = stage
    mini = Account(account.platform_id, {**account.settings, "kind": "mini", "page": "pages/team"}, 2)
    await channel.send(a_letter(OPENID, subject="a", body="b", link="https://s.example/t?a=1"), mini)
    assert server.paths == ["/cgi-bin/message/subscribe/send"]
    assert server.said[0]["page"] == "pages/team?link=https%3A%2F%2Fs.example%2Ft%3Fa%3D1"
    assert "client_msg_id" not in server.said[0]


async def test_a_token_is_kept_and_one_that_is_refused_is_replaced(
    stage: tuple[WeChat, WeChatChannel, Account],
) -> None:
    server, channel, account = stage
    for _ in range(3):
        assert isinstance(await channel.send(a_letter(OPENID), account), Sent)
    assert server.tokens == 1
    server.tokens = 7  # somebody has got another one: ours is refused
    assert isinstance(await channel.send(a_letter(OPENID), account), Retry)
    assert isinstance(await channel.send(a_letter(OPENID), account), Sent)
    assert server.tokens == 8
