"""The channel `line` against a sink that answers as the Messaging API documents.

Answers: https://developers.line.biz/en/reference/messaging-api/#send-push-message and #error-responses; the retry key:
https://developers.line.biz/en/docs/messaging-api/retrying-api-request/.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from services.notification.channels import Account, Misconfigured, Refused, Retry, Sent
from services.notification.channels.line import LONGEST_TEXT, LineChannel
from services.notification.testing import (
    ACCEPT,
    BUSY,
    CUT,
    GARBAGE,
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

TOKEN = "zYxW" * 43
ACCOUNT = {"token": TOKEN}
USER = "U4af4980629d3b8c0c1e4a2f1e1a2b3c4"


def _units(text: str) -> int:
    """Count as LINE does: https://developers.line.biz/en/docs/messaging-api/text-character-count/."""
    return len(text.encode("utf-16-le")) // 2


def _error(status: int, message: str) -> Answer:
    return Answer(status, {"message": message})


ERRORS: dict[str, tuple[Answer, Expect]] = {
    BUSY: (
        _error(429, "The API rate limit has been exceeded. Try again later."),
        Expect(Retry, after=timedelta(seconds=10), whole_account=True),
    ),
    "month is full": (
        _error(429, "You have reached your monthly limit."),
        Expect(Retry, after=timedelta(hours=6), whole_account=True),
    ),
    "internal": (_error(500, "Internal Server Error"), Expect(Retry)),
    REFUSE: (_error(400, "The property, 'to', in the request body is invalid"), Expect(Refused)),
    "failed": (_error(400, "Failed to send messages"), Expect(Refused)),
    MISCONFIGURED: (_error(401, "Authentication failed"), Expect(Misconfigured)),
    "not allowed": (_error(403, "Access to this API is not available for your account"), Expect(Misconfigured)),
    "a proxy's page": (Answer(200, body=b"<html>hello</html>"), Expect(Retry)),
    "not the API": (Answer(404, body=b"no"), Expect(Misconfigured)),
    "moved": (Answer(302, headers={"Location": "/elsewhere"}), Expect(Misconfigured)),
}


@dataclass
class Line:
    """What the API does, by mode; a retry key that was taken gets 409."""

    mode: str
    said: list[dict[str, Any]] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)

    def __call__(self, request: Request) -> Answer:
        if answer := trouble(self.mode):
            return answer
        if request.path != "/v2/bot/message/push" or request.headers.get("authorization") != f"Bearer {TOKEN}":
            return _error(401, "Authentication failed")
        key = str(UUID(request.headers["x-line-retry-key"]))
        return ERRORS[self.mode][0] if self.mode in ERRORS else self._taken(key, request.json())

    def _taken(self, key: str, said: dict[str, Any]) -> Answer:
        text, *more = said["messages"]
        if not 1 <= _units(text["text"]) <= LONGEST_TEXT or len(said["messages"]) > 5:
            return _error(400, "The request body has 1 error(s)")
        if key in self.keys:
            sent = {"message": "The retry key is already accepted", "sentMessages": [{"id": "461230966842064897"}]}
            return Answer(409, sent, headers={"x-line-accepted-request-id": "r-1"})
        self.keys.add(key)
        self.said.append(said)
        buttons = more[0]["contents"]["body"]["contents"] if more else []
        link, place, *_ = [*(item["action"]["uri"] for item in buttons), "", ""]
        answer = {"sentMessages": [{"id": "461230966842064897", "quoteToken": "q"}]}
        return Answer(200, answer, takes=Taken(said["to"], text["text"], key, link, place=place))


@asynccontextmanager
async def play(mode: str) -> AsyncIterator[Stage]:
    async with http_sink(Line(mode)) as sink, http_tools() as tools:
        yield Stage(LineChannel(tools.http), sink, USER, {**ACCOUNT, "base_url": sink.url})


class TestLine(Conformance):
    case = Case(
        name="line",
        play=play,
        modes={
            ACCEPT: Expect(Sent),
            CUT: Expect(Retry),
            GARBAGE: Expect(Retry),
            **{mode: expect for mode, (_, expect) in ERRORS.items()},
        },
        good=["C4af4980629d3b8c0c1e4a2f1e1a2b3c4"],
        bad=["", "mei", "U4AF4980629d3b8c0c1e4a2f1e1a2b3c4", USER + "0", "X" + USER[1:]],
        bad_accounts=[("token", {"token": "short"}), ("base_url", {"base_url": "api.line.me"})],
        has_key=True,
        has_button=True,
        has_second_button=True,
    )


async def test_the_request_is_the_one_that_is_documented() -> None:
    server = Line(ACCEPT)
    async with http_sink(server) as sink, http_tools() as tools:
        account = Account(UUID(int=1), {**ACCOUNT, "base_url": sink.url}, 1)
        letter = a_letter(USER, subject="Hi", body="there", link="https://s.example/t", link_label="See the team")
        channel = LineChannel(tools.http)
        assert await channel.send(letter, account) == Sent("461230966842064897")
        assert await channel.send(letter, account) == Sent("461230966842064897")  # 409: it was taken before
    action = {"type": "uri", "label": "See the team", "uri": "https://s.example/t"}
    button = {"type": "button", "style": "primary", "action": action}
    body = {"type": "box", "layout": "vertical", "contents": [button]}
    assert server.said == [
        {
            "to": USER,
            "messages": [
                {"type": "text", "text": "Hi\n\nthere"},
                {"type": "flex", "altText": "See the team", "contents": {"type": "bubble", "body": body}},
            ],
        }
    ]


async def test_a_long_text_is_cut_as_line_counts_it() -> None:
    server = Line(ACCEPT)
    async with http_sink(server) as sink, http_tools() as tools:
        account = Account(UUID(int=1), {**ACCOUNT, "base_url": sink.url}, 1)
        channel = LineChannel(tools.http)
        for number, body in enumerate(("🥭" * 2500, "🥭" * 2501, "a" * 5001)):
            await channel.send(a_letter(USER, UUID(int=number), subject="", body=body), account)
    texts = [said["messages"][0]["text"] for said in server.said]
    assert texts == ["🥭" * 2500, "🥭" * 2499 + "…", "a" * 4999 + "…"]
