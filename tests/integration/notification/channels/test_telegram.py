"""The channel `telegram` against a sink that answers as the Bot API documents.

Form of requests and answers, `error_code`, `parameters`: https://core.telegram.org/bots/api#making-requests and
#responseparameters. Descriptions: https://github.com/TelegramBotAPI/errors, which collects them.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.notification.channels import Account, Http, Misconfigured, Outcome, Refused, Retry, Sent
from services.notification.channels.telegram import LONGEST_TEXT, TelegramChannel
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
    HttpSink,
    Request,
    Stage,
    Taken,
    a_letter,
    http_sink,
    http_tools,
    trouble,
)

TOKEN = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
CHAT = "1234567890"


def _error(code: int, description: str, **parameters: int) -> Answer:
    said: dict[str, Any] = {"ok": False, "error_code": code, "description": description}
    return Answer(code, {**said, "parameters": parameters} if parameters else said)


ERRORS: dict[str, tuple[Answer, Expect]] = {
    BUSY: (
        _error(429, "Too Many Requests: retry after 7", retry_after=7),
        Expect(Retry, after=timedelta(seconds=7), whole_account=True),
    ),
    REFUSE: (_error(403, "Forbidden: bot can't initiate conversation with a user"), Expect(Refused)),
    "no rights": (_error(400, "Bad Request: not enough rights to send text messages to the chat"), Expect(Refused)),
    "bad button": (_error(400, "Bad Request: BUTTON_URL_INVALID"), Expect(Refused)),
    "to a bot": (_error(403, "Forbidden: bot can't send messages to bots"), Expect(Refused)),
    GONE: (_error(403, "Forbidden: bot was blocked by the user"), Expect(Refused, is_gone=True)),
    "deactivated": (_error(403, "Forbidden: user is deactivated"), Expect(Refused, is_gone=True)),
    "kicked": (_error(403, "Forbidden: bot was kicked from the supergroup chat"), Expect(Refused, is_gone=True)),
    "not found": (_error(400, "Bad Request: chat not found"), Expect(Refused)),
    "migrated": (
        _error(400, "Bad Request: group chat was upgraded to a supergroup chat", migrate_to_chat_id=-100_1234567890),
        Expect(Refused, is_gone=True),
    ),
    MISCONFIGURED: (_error(401, "Unauthorized"), Expect(Misconfigured)),
    "no such bot": (_error(404, "Not Found"), Expect(Misconfigured)),
    "broken": (_error(502, "Bad Gateway"), Expect(Retry)),
    "a proxy's page": (Answer(200, body=b"<html>hello</html>"), Expect(Retry)),
    "a proxy's 503": (Answer(503, headers={"Retry-After": "30"}), Expect(Retry, after=timedelta(seconds=30))),
    "not the API": (Answer(405, body=b"no"), Expect(Misconfigured)),
    "moved": (Answer(302, headers={"Location": "/elsewhere"}), Expect(Misconfigured)),
}


@dataclass
class BotApi:
    """The Bot API server: answers sendMessage and editMessageText, and all else as it answers an unknown bot."""

    mode: str
    message_id: int = 41
    texts: dict[int, str] = field(default_factory=dict)
    sent: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, request: Request) -> Answer:
        if answer := trouble(self.mode):
            return answer
        methods = {f"/bot{TOKEN}/sendMessage": False, f"/bot{TOKEN}/editMessageText": True}
        if request.method != "POST" or request.path not in methods:
            return _error(404, "Not Found")
        if self.mode in ERRORS:
            return ERRORS[self.mode][0]
        return self._edited(request.json()) if methods[request.path] else self._taken(request.json())

    def _edited(self, said: dict[str, Any]) -> Answer:
        number = said["message_id"]
        if number not in self.texts:
            return _error(400, "Bad Request: message to edit not found")
        if self.texts[number] == said["text"]:
            return _error(400, "Bad Request: message is not modified: specified new message content is the same")
        self.texts[number] = said["text"]
        taken = Taken(str(said["chat_id"]), said["text"], edits=str(number))
        return Answer(200, {"ok": True, "result": {"message_id": number, "text": said["text"]}}, takes=taken)

    def _taken(self, said: dict[str, Any]) -> Answer:
        if not 1 <= len(said["text"].encode("utf-16-le")) // 2 <= LONGEST_TEXT:
            return _error(400, "Bad Request: message is too long")
        self.message_id += 1
        self.texts[self.message_id] = said["text"]
        rows = [*said.get("reply_markup", {}).get("inline_keyboard", []), *[[{"url": ""}]] * 2]
        result = {"message_id": self.message_id, "chat": {"id": said["chat_id"]}, "text": said["text"]}
        taken = Taken(str(said["chat_id"]), said["text"], link=rows[0][0]["url"], place=rows[1][0]["url"])
        self.sent.append(said)
        return Answer(200, {"ok": True, "result": result}, takes=taken)


@asynccontextmanager
async def play(mode: str) -> AsyncIterator[Stage]:
    async with http_sink(BotApi(mode)) as sink, http_tools() as tools:
        yield Stage(TelegramChannel(tools.http), sink, CHAT, {"token": TOKEN, "base_url": sink.url})


class TestTelegram(Conformance):
    case = Case(
        name="telegram",
        play=play,
        modes={
            ACCEPT: Expect(Sent),
            CUT: Expect(Retry),
            GARBAGE: Expect(Retry),
            **{mode: expect for mode, (_, expect) in ERRORS.items()},
        },
        good=["-100987654321", "@mango_deals"],
        bad=["", "mei", "+4930123456", "12 34", "0", "@x", "@mango-deals", "1" * 20, "١٢٣"],
        bad_accounts=[
            ("token", {"token": ""}),
            ("token", {"token": "AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"}),
            ("token", {"token": f"{TOKEN}/../x"}),
            ("base_url", {"base_url": "ftp://bots.example.com"}),
            ("base_url", {"base_url": "bots.example.com"}),
        ],
        has_button=True,
        has_second_button=True,
        edits=True,
    )


async def sent(sink: HttpSink, channel: TelegramChannel, address: str, *, edits: str = "", **said: Any) -> Outcome:
    account = Account(UUID(int=1), {"token": TOKEN, "base_url": f"{sink.url}/"})
    return await channel.send(replace(a_letter(address, **said), edits=edits), account)


async def test_a_message_that_reads_so_already_is_sent_and_one_that_is_away_is_refused() -> None:
    async with http_sink(BotApi(ACCEPT)) as sink, http_tools() as tools:
        channel = TelegramChannel(tools.http)
        assert await sent(sink, channel, CHAT) == Sent("42")
        assert await sent(sink, channel, CHAT, edits="42") == Sent("42")
        assert isinstance(await sent(sink, channel, CHAT, edits="7"), Refused)


@pytest.mark.parametrize("address", ["-100987654321", "@mango_deals"])
async def test_a_group_that_is_full_does_not_stop_the_bot(address: str) -> None:
    async with http_sink(BotApi(BUSY)) as sink, http_tools() as tools:
        outcome = await sent(sink, TelegramChannel(tools.http), address)
    assert not Expect(Retry, after=timedelta(seconds=7)).problem(outcome)


@pytest.mark.parametrize("letter", ["x", "芒", "🥭"])
async def test_a_text_that_is_too_long_is_cut_between_characters_and_says_so(letter: str) -> None:
    async with http_sink(BotApi(ACCEPT)) as sink, http_tools() as tools:
        outcome = await sent(sink, TelegramChannel(tools.http), CHAT, subject="Long", body=letter * 5000)
        assert outcome == Sent("42")
        text = sink.taken[0].text
    assert text.startswith(f"Long\n\n{letter}")
    assert text.endswith(f"{letter}…")
    assert LONGEST_TEXT - 2 <= len(text.encode("utf-16-le")) // 2 <= LONGEST_TEXT


async def test_the_request_is_the_one_that_is_documented() -> None:
    api = BotApi(ACCEPT)
    async with http_sink(api) as sink, http_tools() as tools:
        channel = TelegramChannel(tools.http)
        await sent(sink, channel, CHAT, link="https://shop.example.com/t/x", link_label="See the team")
        await sent(sink, channel, "@mango_deals", subject="", body="<b>plain</b>")
    assert api.sent == [
        {
            "chat_id": 1234567890,
            "text": "Le prix baisse: 芒果 €34.90\n\n您现在只需支付€34.90。\nLigne deux, éèà.",
            "link_preview_options": {"is_disabled": True},
            "reply_markup": {
                "inline_keyboard": [[{"text": "See the team", "url": "https://shop.example.com/t/x"}]],
            },
        },
        {"chat_id": "@mango_deals", "text": "<b>plain</b>", "link_preview_options": {"is_disabled": True}},
    ]


async def test_a_server_of_ones_own_inside_the_network_needs_the_operator() -> None:
    channel = TelegramChannel(Http(seconds=1, connections=1, allow_private=False))
    account = {"token": TOKEN, "base_url": "http://127.0.0.1:8081"}
    assert channel.check_account(account) == {"base_url": "must not be a private, loopback or link-local address"}
    outcome = await channel.send(a_letter(CHAT), Account(UUID(int=1), account))
    assert isinstance(outcome, Misconfigured)
