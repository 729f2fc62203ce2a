"""The channel `feishu` against a sink that answers as the Open Platform documents.

Requests and codes: https://open.feishu.cn/document/server-docs/im-v1/message/create and
https://open.feishu.cn/document/server-docs/api-call-guide/generic-error-code.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from services.notification.channels import Account, Misconfigured, Refused, Retry, Sent
from services.notification.channels.feishu import FeishuChannel
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

ACCOUNT = {"app_id": "cli_9b445f5258795107", "secret": "t8iFjLQqy1wBpUqRhZoSjWQhTKeDqpGc"}
MEMBER = "ou_7d8a6e6df7621556ce0d21922b676706ccs"


def _error(status: int, code: int, **headers: str) -> Answer:
    return Answer(status, {"code": code, "msg": "no"}, headers=headers)


ERRORS: dict[str, tuple[Answer, Expect]] = {
    BUSY: (
        _error(429, 99991400, **{"x-ogw-ratelimit-reset": "12"}),
        Expect(Retry, after=timedelta(seconds=12), whole_account=True),
    ),
    "the month": (_error(429, 99991403), Expect(Retry, after=timedelta(hours=6), whole_account=True)),
    "the chat's limit": (_error(400, 230020), Expect(Retry)),
    "on its way": (_error(400, 230049), Expect(Retry)),
    "internal": (_error(500, 1500), Expect(Retry)),
    "token": (_error(400, 99991663), Expect(Retry)),
    REFUSE: (_error(400, 230001), Expect(Refused)),
    "not available": (_error(400, 230013), Expect(Refused)),
    "the chat's settings": (_error(400, 230018), Expect(Refused)),
    "nobody may write there": (_error(400, 230035), Expect(Refused)),
    "bot switched off": (_error(400, 230053), Expect(Refused, is_gone=True)),
    GONE: (_error(400, 230002), Expect(Refused, is_gone=True)),
    MISCONFIGURED: (_error(400, 230006), Expect(Misconfigured)),
    "recalled": (_error(400, 230011), Expect(Refused)),
    "of more than 14 days": (_error(400, 230031), Expect(Refused)),
    "permissions": (_error(400, 230027), Expect(Misconfigured)),
    "key": (_error(400, 230036), Expect(Misconfigured)),
    "scope": (_error(400, 99991672), Expect(Misconfigured)),
    "a proxy's page": (Answer(200, body=b"<html>hello</html>"), Expect(Retry)),
    "not the API": (Answer(404, body=b"no"), Expect(Misconfigured)),
    "moved": (Answer(302, headers={"Location": "/elsewhere"}), Expect(Misconfigured)),
}
NO_TOKEN: dict[str, tuple[Answer, Expect]] = {
    "secret": (_error(200, 10014), Expect(Misconfigured)),
    "token busy": (_error(500, 1500), Expect(Retry)),
}


@dataclass
class Feishu:
    """What the platform does, by mode; tokens are numbered, and only the last one is good."""

    mode: str
    tokens: int = 0
    said: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, request: Request) -> Answer:
        if request.path == "/open-apis/auth/v3/tenant_access_token/internal":
            return self._token(request.json())
        if answer := trouble(self.mode):
            return answer
        if request.headers.get("authorization") != f"Bearer t-{self.tokens}":
            return _error(400, 99991663)
        if self.mode in ERRORS:
            return ERRORS[self.mode][0]
        return self._edited(request) if request.method == "PATCH" else self._taken(request)

    def _edited(self, request: Request) -> Answer:
        card = json.loads(request.json()["content"])
        if request.path != "/open-apis/im/v1/messages/om_dc13" or not card["config"]["update_multi"]:
            return _error(400, 230001)
        taken = Taken("", card["elements"][0]["text"]["content"], edits="om_dc13")
        return Answer(200, {"code": 0, "msg": "success", "data": {}}, takes=taken)

    def _token(self, said: dict[str, Any]) -> Answer:
        if self.mode in NO_TOKEN:
            answer = NO_TOKEN[self.mode][0]
            return Answer(answer.status, answer.json, is_send=False)
        if said != {"app_id": ACCOUNT["app_id"], "app_secret": ACCOUNT["secret"]}:
            return Answer(200, {"code": 10014, "msg": "app secret invalid"}, is_send=False)
        self.tokens += 1
        token = {"code": 0, "msg": "ok", "tenant_access_token": f"t-{self.tokens}", "expire": 7140}
        return Answer(200, token, is_send=False)

    def _taken(self, request: Request) -> Answer:
        said = request.json()
        if request.path != "/open-apis/im/v1/messages?receive_id_type=open_id" or len(said["uuid"]) > 50:
            return _error(400, 230001)
        self.said.append(said)
        text, *actions = json.loads(said["content"])["elements"]
        link, place, *_ = [*(item["actions"][0]["url"] for item in actions), "", ""]
        taken = Taken(said["receive_id"], text["text"]["content"], said["uuid"], link, place=place)
        return Answer(200, {"code": 0, "msg": "success", "data": {"message_id": "om_dc13"}}, takes=taken)


@asynccontextmanager
async def play(mode: str) -> AsyncIterator[Stage]:
    async with http_sink(Feishu(mode)) as sink, http_tools() as tools:
        yield Stage(FeishuChannel(tools.http), sink, MEMBER, {**ACCOUNT, "base_url": sink.url})


class TestFeishu(Conformance):
    case = Case(
        name="feishu",
        play=play,
        modes={
            ACCEPT: Expect(Sent),
            CUT: Expect(Retry),
            GARBAGE: Expect(Retry),
            **{mode: expect for mode, (_, expect) in (ERRORS | NO_TOKEN).items()},
        },
        good=["oc_a0553eda9014c201e6969b478895c230", "on_a0553eda9014c201e6969b478895c230"],
        bad=["", "mei", "ou_", "xx_7d8a6e6df7621556ce0d21922b676706", "ou_7d8a6e6df7621556ce0d21922B676706"],
        bad_accounts=[
            ("app_id", {"app_id": "9b445f5258795107"}),
            ("secret", {"secret": "x"}),
            ("region", {"region": "mars"}),
            ("base_url", {"base_url": "open.feishu.cn"}),
        ],
        has_key=True,
        has_button=True,
        has_second_button=True,
        edits=True,
    )


async def test_the_request_is_the_one_that_is_documented() -> None:
    server = Feishu(ACCEPT)
    async with http_sink(server) as sink, http_tools() as tools:
        account = Account(UUID(int=1), {**ACCOUNT, "base_url": sink.url}, 1)
        letter = a_letter(MEMBER, subject="**Hi**", body="there", link="https://s.example/t", link_label="See")
        assert await FeishuChannel(tools.http).send(letter, account) == Sent("om_dc13")
    [said] = server.said
    assert (said["receive_id"], said["msg_type"], said["uuid"]) == (MEMBER, "interactive", str(letter.delivery_id))
    assert json.loads(said["content"])["elements"] == [
        {"tag": "div", "text": {"tag": "plain_text", "content": "**Hi**\n\nthere"}},
        {
            "tag": "action",
            "actions": [
                {
                    "tag": "button",
                    "text": {"tag": "plain_text", "content": "See"},
                    "type": "primary",
                    "url": "https://s.example/t",
                }
            ],
        },
    ]


async def test_a_token_is_kept_and_one_that_is_refused_is_replaced() -> None:
    server = Feishu(ACCEPT)
    async with http_sink(server) as sink, http_tools() as tools:
        channel = FeishuChannel(tools.http)
        account = Account(UUID(int=1), {**ACCOUNT, "base_url": sink.url}, 1)
        for _ in range(3):
            assert isinstance(await channel.send(a_letter(MEMBER), account), Sent)
        assert server.tokens == 1
        server.tokens = 7  # ours is refused
        assert isinstance(await channel.send(a_letter(MEMBER), account), Retry)
        assert isinstance(await channel.send(a_letter(MEMBER), account), Sent)
    assert server.tokens == 8
