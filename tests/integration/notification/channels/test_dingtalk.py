"""The channel `dingtalk` against a sink that answers as DingTalk documents.

Requests and answers: https://open.dingtalk.com/document/orgapp/chatbots-send-one-on-one-chat-messages-in-batches;
errors: https://open.dingtalk.com/document/orgapp/server-api-error-codes-1.
"""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from services.notification.channels import Account, Misconfigured, Refused, Retry, Sent
from services.notification.channels.dingtalk import DingTalkChannel
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

ACCOUNT = {
    "app_key": "dingeqqpkv3xxxxxxgt2",
    "secret": "GT-lsu-taDAxxxsTsxxxxqR8XqlZ0ooS9Tr2xxxx",
    "robot_code": "dingeqqpkv3xxxxxxgt2",
}
MEMBER = "manager4220"


def _error(status: int, code: str) -> Answer:
    return Answer(status, {"code": code, "message": "no", "requestid": "r-1"})


def _not_reached(name: str) -> Answer:
    return Answer(200, {"processQueryKey": "k", name: [MEMBER]})


ERRORS: dict[str, tuple[Answer, Expect]] = {
    BUSY: (_error(400, "Throttling.User"), Expect(Retry, whole_account=True)),
    "queries a second": (_error(403, "Forbidden.AccessDenied.QpsLimitForApi"), Expect(Retry, whole_account=True)),
    "queries of the app": (
        _error(403, "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi"),
        Expect(Retry, whole_account=True),
    ),
    "the month": (
        _error(403, "Forbidden.AccessDenied.ApiCountLimitForOrg"),
        Expect(Retry, after=timedelta(hours=6), whole_account=True),
    ),
    "internal": (_error(500, "InternalError"), Expect(Retry)),
    "token": (_error(401, "InvalidAuthentication"), Expect(Retry)),
    "too much to one": (_not_reached("flowControlledStaffIdList"), Expect(Retry)),
    "filtered out": (_not_reached("filteredStaffIdList"), Expect(Refused)),
    "no such member": (_error(400, "staffId.notExisted"), Expect(Refused, is_gone=True)),
    REFUSE: (_error(400, "invalidParameter.userIds"), Expect(Refused)),
    GONE: (_not_reached("invalidStaffIdList"), Expect(Refused, is_gone=True)),
    MISCONFIGURED: (_error(403, "Forbidden.AccessDenied.AccessTokenPermissionDenied"), Expect(Misconfigured)),
    "robot": (_error(404, "resourceNotFound.robot"), Expect(Misconfigured)),
    "robot stopped": (_error(400, "template.stopped"), Expect(Misconfigured)),
    "robot may not": (_error(400, "chatbotId.notAllow.sendOTO"), Expect(Misconfigured)),
    "no such robot": (_error(404, "resource.not.found"), Expect(Misconfigured)),
    "a proxy's page": (Answer(200, body=b"<html>hello</html>"), Expect(Retry)),
    "not the API": (Answer(404, body=b"no"), Expect(Misconfigured)),
    "moved": (Answer(302, headers={"Location": "/elsewhere"}), Expect(Misconfigured)),
}
NO_TOKEN: dict[str, tuple[Answer, Expect]] = {
    "secret": (_error(400, "invalidClientIdOrSecret"), Expect(Misconfigured)),
    "token busy": (_error(503, "ServiceUnavailable"), Expect(Retry)),
}

FORMS = {
    ("content",): "sampleText",
    ("title", "text", "singleTitle", "singleURL"): "sampleActionCard",
    ("title", "text", "actionTitle1", "actionURL1", "actionTitle2", "actionURL2"): "sampleActionCard2",
}
"""Which parameters a kind of message has."""


@dataclass
class DingTalk:
    """What the platform does, by mode; tokens are numbered, and only the last one is good."""

    mode: str
    tokens: int = 0
    said: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, request: Request) -> Answer:
        if request.path == "/v1.0/oauth2/accessToken":
            return self._token(request.json())
        if answer := trouble(self.mode):
            return answer
        if request.headers.get("x-acs-dingtalk-access-token") != f"t-{self.tokens}":
            return _error(401, "InvalidAuthentication")
        return ERRORS[self.mode][0] if self.mode in ERRORS else self._taken(request)

    def _token(self, said: dict[str, Any]) -> Answer:
        if self.mode in NO_TOKEN:
            answer = NO_TOKEN[self.mode][0]
            return Answer(answer.status, answer.json, is_send=False)
        if said != {"appKey": ACCOUNT["app_key"], "appSecret": ACCOUNT["secret"]}:
            return Answer(400, {"code": "invalidClientIdOrSecret", "message": "no"}, is_send=False)
        self.tokens += 1
        return Answer(200, {"accessToken": f"t-{self.tokens}", "expireIn": 7200}, is_send=False)

    def _taken(self, request: Request) -> Answer:
        said = request.json()
        if request.path != "/v1.0/robot/oToMessages/batchSend" or said["robotCode"] != ACCOUNT["robot_code"]:
            return _error(400, "invalidParameter")
        self.said.append(said)
        parameters = json.loads(said["msgParam"])
        text = parameters["content"] if said["msgKey"] == "sampleText" else _shown(parameters["text"])
        link = parameters.get("singleURL") or parameters.get("actionURL1", "")
        if said["msgKey"] != FORMS.get((*parameters,)):
            return _error(400, "invalidParameter")
        answer = {"processQueryKey": "k-1", "invalidStaffIdList": [], "flowControlledStaffIdList": []}
        taken = Taken(said["userIds"][0], text, link=link, place=parameters.get("actionURL2", ""))
        return Answer(200, answer, takes=taken)


def _shown(markdown: str) -> str:
    return re.sub(r"\\(.)", r"\1", markdown).replace("  \n", "\n")


@asynccontextmanager
async def play(mode: str) -> AsyncIterator[Stage]:
    async with http_sink(DingTalk(mode)) as sink, http_tools() as tools:
        yield Stage(DingTalkChannel(tools.http), sink, MEMBER, {**ACCOUNT, "base_url": sink.url})


class TestDingTalk(Conformance):
    case = Case(
        name="dingtalk",
        play=play,
        modes={
            ACCEPT: Expect(Sent),
            CUT: Expect(Retry),
            GARBAGE: Expect(Retry),
            **{mode: expect for mode, (_, expect) in (ERRORS | NO_TOKEN).items()},
        },
        good=["0123", "zhang.san@example"],
        bad=["", "芒果", "a b", "@all", "x" * 65],
        bad_accounts=[
            ("app_key", {"app_key": "eqqpkv3"}),
            ("secret", {"secret": "x"}),
            ("robot_code", {"robot_code": "a b"}),
            ("base_url", {"base_url": "api.dingtalk.com"}),
        ],
        has_button=True,
        has_second_button=True,
    )


async def test_a_link_makes_a_card_whose_text_is_no_markup() -> None:
    server = DingTalk(ACCEPT)
    async with http_sink(server) as sink, http_tools() as tools:
        account = Account(UUID(int=1), {**ACCOUNT, "base_url": sink.url}, 1)
        letter = a_letter(MEMBER, subject="# Hi", body="*there*", link="https://s.example/t", link_label="See")
        assert await DingTalkChannel(tools.http).send(letter, account) == Sent("k-1")
    [said] = server.said
    assert (said["msgKey"], said["userIds"]) == ("sampleActionCard", [MEMBER])
    assert json.loads(said["msgParam"]) == {
        "title": "# Hi",
        "text": "\\# Hi  \n  \n\\*there\\*",
        "singleTitle": "See",
        "singleURL": "https://s.example/t",
    }


async def test_a_token_is_kept_and_one_that_is_refused_is_replaced() -> None:
    server = DingTalk(ACCEPT)
    async with http_sink(server) as sink, http_tools() as tools:
        channel = DingTalkChannel(tools.http)
        account = Account(UUID(int=1), {**ACCOUNT, "base_url": sink.url}, 1)
        for _ in range(3):
            assert isinstance(await channel.send(a_letter(MEMBER), account), Sent)
        assert server.tokens == 1
        server.tokens = 7  # ours is refused
        assert isinstance(await channel.send(a_letter(MEMBER), account), Retry)
        assert isinstance(await channel.send(a_letter(MEMBER), account), Sent)
    assert server.tokens == 8
