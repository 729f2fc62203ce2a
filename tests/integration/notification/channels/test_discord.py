"""The channel `discord` against a sink that answers as its API documents.

Requests, nonce and lengths: https://discord.com/developers/docs/resources/message#create-message; codes:
https://discord.com/developers/docs/topics/opcodes-and-status-codes; 429: .../topics/rate-limits.
"""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from services.notification.channels import Account, Misconfigured, Refused, Retry, Sent
from services.notification.channels.discord import LONGEST_TEXT, DiscordChannel
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

TOKEN = "MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs"
ACCOUNT = {"token": TOKEN}
USER = "80351110224678912"


def _error(status: int, code: int) -> Answer:
    return Answer(status, {"message": "no", "code": code})


ERRORS: dict[str, tuple[Answer, Expect]] = {
    BUSY: (
        Answer(429, {"message": "You are being rate limited.", "retry_after": 1.5, "global": True}),
        Expect(Retry, after=timedelta(seconds=1.5), whole_account=True),
    ),
    "the channel's limit": (
        Answer(429, {"message": "You are being rate limited.", "retry_after": 64.57, "global": False}),
        Expect(Retry, after=timedelta(seconds=64.57)),
    ),
    "cloudflare": (Answer(429, headers={"Retry-After": "30"}), Expect(Retry, after=timedelta(seconds=30))),
    "too many new": (_error(400, 40003), Expect(Retry, after=timedelta(minutes=1), whole_account=True)),
    "overloaded": (_error(503, 130000), Expect(Retry)),
    "the server's limit": (_error(400, 20029), Expect(Retry)),
    "messages are off": (_error(403, 40004), Expect(Retry)),
    "off at their side": (_error(403, 40006), Expect(Retry)),
    "the resource's limit": (_error(400, 40062), Expect(Retry)),
    "blocked before the API": (_error(403, 40333), Expect(Retry)),
    "not ready": (_error(403, 110001), Expect(Retry)),
    REFUSE: (_error(403, 50001), Expect(Refused)),
    "permission": (_error(403, 50013), Expect(Refused)),
    "content": (_error(400, 50035), Expect(Refused)),
    GONE: (_error(403, 50007), Expect(Refused, is_gone=True)),
    "unknown user": (_error(404, 10013), Expect(Refused, is_gone=True)),
    MISCONFIGURED: (_error(401, 0), Expect(Misconfigured)),
    "a proxy's page": (Answer(200, body=b"<html>hello</html>"), Expect(Retry)),
    "not the API": (Answer(404, body=b"no"), Expect(Misconfigured)),
    "moved": (Answer(302, headers={"Location": "/elsewhere"}), Expect(Misconfigured)),
}


@dataclass
class Discord:
    """What the API does, by mode; a message of the same nonce is answered with the one there is."""

    mode: str
    said: list[dict[str, Any]] = field(default_factory=list)
    opened: int = 0

    def __call__(self, request: Request) -> Answer:
        if request.headers.get("authorization") != f"Bot {TOKEN}":
            return _error(401, 0)
        if request.path == "/users/@me/channels":
            self.opened += 1
            return Answer(200, {"id": f"9{request.json()['recipient_id']}", "type": 1}, is_send=False)
        if answer := trouble(self.mode):
            return answer
        if self.mode in ERRORS:
            return ERRORS[self.mode][0]
        if request.method == "PATCH":
            return self._edited(request.path, request.json())
        return self._taken(request.path, request.json())

    def _edited(self, path: str, said: dict[str, Any]) -> Answer:
        room, _, message = path.removeprefix("/channels/").partition("/messages/")
        if message != "1":
            return _error(404, 10008)
        taken = Taken(_member(room), _shown(said), edits=message)
        return Answer(200, {"id": message, "channel_id": room}, takes=taken)

    def _taken(self, path: str, said: dict[str, Any]) -> Answer:
        room = path.removeprefix("/channels/").removesuffix("/messages")
        if not 1 <= len(said["content"]) <= LONGEST_TEXT or len(said["nonce"]) > 25 or not said["enforce_nonce"]:
            return _error(400, 50035)
        self.said.append(said)
        buttons = said["components"][0]["components"] if "components" in said else []
        link, place, *_ = [*(item["url"] for item in buttons), "", ""]
        taken = Taken(_member(room), _shown(said), said["nonce"], link, place=place)
        return Answer(200, {"id": "1", "channel_id": room}, takes=taken)


def _member(room: str) -> str:
    return room.removeprefix("9") if len(room) > 17 else f"channel:{room}"


def _shown(said: dict[str, Any]) -> str:
    """Read a message as Discord shows it."""
    return re.sub(r"\\(.)", r"\1", said["content"])


@asynccontextmanager
async def play(mode: str) -> AsyncIterator[Stage]:
    async with http_sink(Discord(mode)) as sink, http_tools() as tools:
        yield Stage(DiscordChannel(tools.http), sink, USER, {**ACCOUNT, "base_url": sink.url})


class TestDiscord(Conformance):
    case = Case(
        name="discord",
        play=play,
        modes={
            ACCEPT: Expect(Sent),
            CUT: Expect(Retry),
            GARBAGE: Expect(Retry),
            **{mode: expect for mode, (_, expect) in ERRORS.items()},
        },
        good=["channel:80351110224678912", "1234567890123456789"],
        bad=["", "mei", "@mei", "0035111022467891", "channel:", "80351110224678912\n", "user:80351110224678912"],
        bad_accounts=[
            ("token", {"token": "not a token"}),
            ("token", {"token": "a.b"}),
            ("base_url", {"base_url": "discord.com/api"}),
        ],
        has_key=True,
        has_button=True,
        has_second_button=True,
        edits=True,
    )


async def test_the_request_is_the_one_that_is_documented() -> None:
    server = Discord(ACCEPT)
    async with http_sink(server) as sink, http_tools() as tools:
        channel = DiscordChannel(tools.http)
        account = Account(UUID(int=1), {**ACCOUNT, "base_url": sink.url}, 1)
        letter = a_letter(USER, subject="*Hi* @everyone", body="a_b", link="https://s.example/t", link_label="See")
        assert await channel.send(letter, account) == Sent("1")
        assert await channel.send(a_letter(USER), account) == Sent("1")
        assert await channel.send(replace(letter, edits="2"), account) == Refused("code 10008")
    assert server.opened == 1
    assert server.said[0] == {
        "content": "\\*Hi\\* \\@everyone\n\na\\_b",
        "nonce": letter.delivery_id.hex[:25],
        "enforce_nonce": True,
        "allowed_mentions": {"parse": []},
        "flags": 4,
        "components": [
            {"type": 1, "components": [{"type": 2, "style": 5, "label": "See", "url": "https://s.example/t"}]}
        ],
    }


async def test_a_long_text_is_cut_with_its_escapes() -> None:
    server = Discord(ACCEPT)
    async with http_sink(server) as sink, http_tools() as tools:
        account = Account(UUID(int=1), {**ACCOUNT, "base_url": sink.url}, 1)
        await DiscordChannel(tools.http).send(a_letter(f"channel:{USER}", subject="", body="*" * 3000), account)
    assert server.said[0]["content"] == "\\*" * 999 + "…"
