"""The channel `slack` against a sink that answers as the Web API documents.

Form of answers: https://docs.slack.dev/apis/web-api/#responses; errors and limits of blocks:
https://docs.slack.dev/reference/methods/chat.postMessage and https://docs.slack.dev/reference/block-kit/blocks;
429: https://docs.slack.dev/apis/web-api/rate-limits.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from services.notification.channels import Account, Misconfigured, Outcome, Refused, Retry, Sent
from services.notification.channels.slack import LONGEST_TEXT, SlackChannel
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

TOKEN = "xoxb-17653672481-19874698323-pdFZKVeTuE8sk7oOcBrzbqgy"
MEMBER, CONVERSATION = "U061F7AUR", "C0123456789"
TS = "1503435956.000247"


def _error(name: str) -> Answer:
    return Answer(200, {"ok": False, "error": name})


ERRORS: dict[str, tuple[Answer, Expect]] = {
    BUSY: (
        Answer(429, headers={"Retry-After": "30"}),
        Expect(Retry, after=timedelta(seconds=30), whole_account=True),
    ),
    "ratelimited": (_error("ratelimited"), Expect(Retry, whole_account=True)),
    "internal": (_error("internal_error"), Expect(Retry)),
    "unavailable": (Answer(503, {"ok": False, "error": "service_unavailable"}), Expect(Retry)),
    REFUSE: (_error("channel_not_found"), Expect(Refused)),
    "restricted": (_error("restricted_action"), Expect(Refused)),
    "not in it": (_error("not_in_channel"), Expect(Refused)),
    GONE: (_error("is_archived"), Expect(Refused, is_gone=True)),
    MISCONFIGURED: (_error("invalid_auth"), Expect(Misconfigured)),
    "revoked": (_error("token_revoked"), Expect(Misconfigured)),
    "scope": (_error("missing_scope"), Expect(Misconfigured)),
    "a proxy's page": (Answer(200, body=b"<html>hello</html>"), Expect(Retry)),
    "not the API": (Answer(404, body=b"no"), Expect(Misconfigured)),
    "moved": (Answer(302, headers={"Location": "/elsewhere"}), Expect(Misconfigured)),
}


@dataclass
class WebApi:
    """Slack's Web API: posts and updates messages, and refuses another token or a block that is too long."""

    mode: str
    said: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, request: Request) -> Answer:
        if answer := trouble(self.mode):
            return answer
        if request.method != "POST" or request.path not in {"/chat.postMessage", "/chat.update"}:
            return _error("unknown_method")
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return _error("invalid_auth")
        if self.mode in ERRORS:
            return ERRORS[self.mode][0]
        return self._updated(request.json()) if request.path == "/chat.update" else self._taken(request.json())

    def _updated(self, said: dict[str, Any]) -> Answer:
        known = said["ts"] == TS and not said["channel"].startswith("U")  # chat.update knows no members
        return self._taken(said) if known else _error("message_not_found")

    def _taken(self, said: dict[str, Any]) -> Answer:
        section, *actions = said["blocks"]
        text = section["text"]["text"]
        if not 1 <= len(text) <= LONGEST_TEXT or section["text"]["type"] != "plain_text":
            return _error("invalid_blocks")
        self.said.append(said)
        link, place, *_ = [*(item["elements"][0]["url"] for item in actions), "", ""]
        answer = {"ok": True, "channel": said["channel"], "ts": TS}
        return Answer(200, answer, takes=Taken(said["channel"], text, "", link, said.get("ts", ""), place))


@asynccontextmanager
async def play(mode: str) -> AsyncIterator[Stage]:
    async with http_sink(WebApi(mode)) as sink, http_tools() as tools:
        yield Stage(SlackChannel(tools.http), sink, CONVERSATION, {"token": TOKEN, "base_url": sink.url})


class TestSlack(Conformance):
    case = Case(
        name="slack",
        play=play,
        modes={
            ACCEPT: Expect(Sent),
            CUT: Expect(Retry),
            GARBAGE: Expect(Retry),
            **{mode: expect for mode, (_, expect) in ERRORS.items()},
        },
        good=[MEMBER, "D0G9QPY56"],
        bad=["", "mei", "@mei", "#general", "u061f7aur", "U061F7AUR; DROP", "X061F7AUR"],
        bad_accounts=[
            ("token", {"token": ""}),
            ("token", {"token": "17653672481-19874698323"}),
            ("token", {"token": TOKEN.replace("xoxb", "xoxp")}),
            ("base_url", {"base_url": "slack.com/api"}),
        ],
        has_button=True,
        has_second_button=True,
        edits=True,
    )


async def sent(sink: HttpSink, channel: SlackChannel, **said: Any) -> Outcome:
    account = Account(UUID(int=1), {"token": TOKEN, "base_url": f"{sink.url}/"})
    return await channel.send(a_letter(MEMBER, **said), account)


async def test_the_request_is_the_one_that_is_documented() -> None:
    api = WebApi(ACCEPT)
    async with http_sink(api) as sink, http_tools() as tools:
        channel = SlackChannel(tools.http)
        link = {"link": "https://shop.example.com/t/x", "link_label": "See the team"}
        assert await sent(sink, channel, subject="<!channel> & more", body="*plain*", **link) == Sent(
            "1503435956.000247"
        )
    assert api.said == [
        {
            "channel": MEMBER,
            "text": "&lt;!channel&gt; &amp; more",
            "blocks": [
                {
                    "type": "section",
                    "text": {"type": "plain_text", "text": "<!channel> & more\n\n*plain*", "emoji": False},
                },
                {
                    "type": "actions",
                    "elements": [
                        {
                            "type": "button",
                            "text": {"type": "plain_text", "text": "See the team", "emoji": False},
                            "url": "https://shop.example.com/t/x",
                        }
                    ],
                },
            ],
            "unfurl_links": False,
            "unfurl_media": False,
        }
    ]


async def test_a_message_that_is_away_cannot_be_edited() -> None:
    async with http_sink(WebApi(ACCEPT)) as sink, http_tools() as tools:
        account = Account(UUID(int=1), {"token": TOKEN, "base_url": sink.url})
        letter = replace(a_letter(CONVERSATION), edits="1503435956.000248")
        outcome = await SlackChannel(tools.http).send(letter, account)
    assert outcome == Refused("message_not_found")


async def test_a_text_that_is_too_long_is_cut_and_says_so() -> None:
    async with http_sink(WebApi(ACCEPT)) as sink, http_tools() as tools:
        await sent(sink, SlackChannel(tools.http), subject="Long", body="芒" * 5000)
        text = sink.taken[0].text
    assert (len(text), text[-2:]) == (LONGEST_TEXT, "芒…")
