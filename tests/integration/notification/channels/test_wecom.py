"""The channel `wecom` against a sink that answers as WeCom documents.

Requests: https://developer.work.weixin.qq.com/document/path/90236; errcodes:
https://developer.work.weixin.qq.com/document/path/90313.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from services.notification.channels import Account, Misconfigured, Refused, Retry, Sent
from services.notification.channels.wecom import LONGEST_BYTES, WeComChannel
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

ACCOUNT = {"corp_id": "ww1234567890abcdef", "secret": "a" * 43, "agent_id": "1000002"}
MEMBER = "ZhangSan"


def _error(code: int) -> Answer:
    return Answer(200, {"errcode": code, "errmsg": "no, hint: [1]"})


ERRORS: dict[str, tuple[Answer, Expect]] = {
    BUSY: (_error(45009), Expect(Retry, after=timedelta(minutes=1), whole_account=True)),
    "system": (_error(-1), Expect(Retry)),
    "token": (_error(42001), Expect(Retry)),
    REFUSE: (_error(81013), Expect(Refused)),
    "not reached": (Answer(200, {"errcode": 0, "errmsg": "ok", "invaliduser": MEMBER, "msgid": "m"}), Expect(Refused)),
    GONE: (_error(60111), Expect(Refused, is_gone=True)),
    MISCONFIGURED: (_error(301002), Expect(Misconfigured)),
    "disabled": (_error(50003), Expect(Misconfigured)),
    "addresses": (_error(60020), Expect(Misconfigured)),
    "a proxy's page": (Answer(200, body=b"<html>hello</html>"), Expect(Retry)),
    "not the API": (Answer(404, body=b"no"), Expect(Misconfigured)),
    "moved": (Answer(302, headers={"Location": "/elsewhere"}), Expect(Misconfigured)),
}
NO_TOKEN: dict[str, tuple[Answer, Expect]] = {
    "secret": (_error(40001), Expect(Misconfigured)),
    "token busy": (_error(-1), Expect(Retry)),
}


@dataclass
class WeCom:
    """What the server does, by mode; tokens are numbered, and only the last one is good."""

    mode: str
    tokens: int = 0
    said: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, request: Request) -> Answer:
        path, _, query = request.path.partition("?")
        if path == "/cgi-bin/gettoken":
            return self._token(query)
        if answer := trouble(self.mode):
            return answer
        if path != "/cgi-bin/message/send" or query != f"access_token=t-{self.tokens}":
            return _error(40014)
        return ERRORS[self.mode][0] if self.mode in ERRORS else self._taken(request.json())

    def _token(self, query: str) -> Answer:
        if self.mode in NO_TOKEN:
            return Answer(200, NO_TOKEN[self.mode][0].json, is_send=False)
        if query != f"corpid={ACCOUNT['corp_id']}&corpsecret={ACCOUNT['secret']}":
            return Answer(200, {"errcode": 40001, "errmsg": "invalid credential"}, is_send=False)
        self.tokens += 1
        token = {"errcode": 0, "errmsg": "ok", "access_token": f"t-{self.tokens}", "expires_in": 7200}
        return Answer(200, token, is_send=False)

    def _taken(self, said: dict[str, Any]) -> Answer:
        text = said["text"]["content"]
        if not 1 <= len(text.encode()) <= LONGEST_BYTES or said["agentid"] != 1000002:
            return _error(44004)
        self.said.append(said)
        answer = {"errcode": 0, "errmsg": "ok", "invaliduser": "", "msgid": "m-1"}
        return Answer(200, answer, takes=Taken(said["touser"], text))


@asynccontextmanager
async def play(mode: str) -> AsyncIterator[Stage]:
    async with http_sink(WeCom(mode)) as sink, http_tools() as tools:
        yield Stage(WeComChannel(tools.http), sink, MEMBER, {**ACCOUNT, "base_url": sink.url})


class TestWeCom(Conformance):
    case = Case(
        name="wecom",
        play=play,
        modes={
            ACCEPT: Expect(Sent),
            CUT: Expect(Retry),
            GARBAGE: Expect(Retry),
            **{mode: expect for mode, (_, expect) in (ERRORS | NO_TOKEN).items()},
        },
        good=["zhang.san", "1234"],
        bad=["", "@all", "a|b", "芒果", "x" * 65],
        bad_accounts=[
            ("corp_id", {"corp_id": "1234"}),
            ("secret", {"secret": "x"}),
            ("agent_id", {"agent_id": "one"}),
            ("base_url", {"base_url": "qyapi.weixin.qq.com"}),
        ],
    )


async def test_a_long_text_is_cut_between_characters() -> None:
    server = WeCom(ACCEPT)
    async with http_sink(server) as sink, http_tools() as tools:
        account = Account(UUID(int=1), {**ACCOUNT, "base_url": sink.url}, 1)
        await WeComChannel(tools.http).send(a_letter(MEMBER, subject="", body="芒果" * 1000), account)
    [said] = server.said
    assert said == {
        "touser": MEMBER,
        "msgtype": "text",
        "agentid": 1000002,
        "text": {"content": ("芒果" * 1000)[:681] + "…"},
    }


async def test_a_token_is_kept_and_one_that_is_refused_is_replaced() -> None:
    server = WeCom(ACCEPT)
    async with http_sink(server) as sink, http_tools() as tools:
        channel = WeComChannel(tools.http)
        account = Account(UUID(int=1), {**ACCOUNT, "base_url": sink.url}, 1)
        for _ in range(3):
            assert isinstance(await channel.send(a_letter(MEMBER), account), Sent)
        assert server.tokens == 1
        server.tokens = 7  # ours is refused
        assert isinstance(await channel.send(a_letter(MEMBER), account), Retry)
        assert isinstance(await channel.send(a_letter(MEMBER), account), Sent)
    assert server.tokens == 8
