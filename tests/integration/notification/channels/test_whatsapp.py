"""The channel `whatsapp` against a sink that answers as Meta's Cloud API documents.

Requests: https://developers.facebook.com/docs/whatsapp/cloud-api/reference/messages; codes:
https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from services.notification.channels import Account, Misconfigured, Refused, Retry, Sent
from services.notification.channels.whatsapp import LONGEST_TEXT, WhatsAppChannel
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

TOKEN = "EAAJB" * 30
ACCOUNT = {"token": TOKEN, "phone_number_id": "106540352242922"}
NUMBER = "+4915112345678"


def _error(status: int, code: int, subcode: int = 0) -> Answer:
    error = {"message": f"(#{code}) no", "type": "OAuthException", "code": code, "fbtrace_id": "A"}
    return Answer(status, {"error": error | ({"error_subcode": subcode} if subcode else {})})


ERRORS: dict[str, tuple[Answer, Expect]] = {
    BUSY: (_error(429, 130429), Expect(Retry, after=timedelta(seconds=10), whole_account=True)),
    "blocked by many": (_error(400, 131048), Expect(Retry, after=timedelta(hours=1), whole_account=True)),
    "too much to one": (_error(400, 131056), Expect(Retry)),
    "internal": (_error(500, 131000), Expect(Retry)),
    REFUSE: (_error(400, 131026), Expect(Refused)),
    "outside 24 hours": (_error(400, 131047), Expect(Refused)),
    MISCONFIGURED: (_error(401, 190), Expect(Misconfigured)),
    "locked": (_error(403, 131031), Expect(Misconfigured)),
    "the number's name": (_error(400, 131037), Expect(Misconfigured)),
    "permission": (_error(403, 200), Expect(Misconfigured)),
    "no such number": (_error(400, 100, 33), Expect(Misconfigured)),
    "parameter": (_error(400, 100), Expect(Refused)),
    "template": (_error(404, 132001), Expect(Misconfigured)),
    "a proxy's page": (Answer(200, body=b"<html>hello</html>"), Expect(Retry)),
    "not the API": (Answer(404, body=b"no"), Expect(Misconfigured)),
    "moved": (Answer(302, headers={"Location": "/elsewhere"}), Expect(Misconfigured)),
}


@dataclass
class CloudApi:
    """What the API does, by mode."""

    mode: str
    said: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, request: Request) -> Answer:
        if answer := trouble(self.mode):
            return answer
        if request.path != "/106540352242922/messages" or request.headers.get("authorization") != f"Bearer {TOKEN}":
            return _error(401, 190)
        return ERRORS[self.mode][0] if self.mode in ERRORS else self._taken(request.json())

    def _taken(self, said: dict[str, Any]) -> Answer:
        text, link = _shown(said)
        if not 1 <= len(text) <= LONGEST_TEXT or said["messaging_product"] != "whatsapp":
            return _error(400, 100)
        self.said.append(said)
        answer = {"messaging_product": "whatsapp", "messages": [{"id": "wamid.HBgL"}]}
        return Answer(200, answer, takes=Taken(said["to"], text, link=link))


def _shown(said: dict[str, Any]) -> tuple[str, str]:
    match said["type"]:
        case "interactive":
            shown = said["interactive"]
            return shown["body"]["text"], shown["action"]["parameters"]["url"]
        case "template":
            return said["template"]["components"][0]["parameters"][0]["text"], ""
        case _:
            return said["text"]["body"], ""


@asynccontextmanager
async def play(mode: str) -> AsyncIterator[Stage]:
    async with http_sink(CloudApi(mode)) as sink, http_tools() as tools:
        yield Stage(WhatsAppChannel(tools.http), sink, NUMBER, {**ACCOUNT, "base_url": sink.url})


class TestWhatsApp(Conformance):
    case = Case(
        name="whatsapp",
        play=play,
        modes={
            ACCEPT: Expect(Sent),
            CUT: Expect(Retry),
            GARBAGE: Expect(Retry),
            **{mode: expect for mode, (_, expect) in ERRORS.items()},
        },
        good=["+8613800138000"],
        bad=["", "mei", "4915112345678", "+0151123456", "+49 151 1234567", "+4915112345678901"],
        bad_accounts=[
            ("token", {"token": "a b"}),
            ("phone_number_id", {"phone_number_id": "+4915112345678"}),
            ("template", {"template": "No Such"}),
            ("template_language", {"template_language": "english"}),
            ("base_url", {"base_url": "graph.facebook.com"}),
        ],
        has_button=True,
    )


async def said(settings: dict[str, str], **letter: Any) -> dict[str, Any]:
    server = CloudApi(ACCEPT)
    async with http_sink(server) as sink, http_tools() as tools:
        account = Account(UUID(int=1), {**ACCOUNT, **settings, "base_url": sink.url}, 1)
        assert await WhatsAppChannel(tools.http).send(a_letter(NUMBER, **letter), account) == Sent("wamid.HBgL")
    return server.said[0]


async def test_a_link_is_a_button_where_it_fits() -> None:
    link = {"link": "https://s.example/t", "link_label": "See the team and more"}
    assert await said({}, subject="Hi", body="there", **link) == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": NUMBER,
        "type": "interactive",
        "interactive": {
            "type": "cta_url",
            "body": {"text": "Hi\n\nthere"},
            "action": {
                "name": "cta_url",
                "parameters": {"display_text": "See the team and mo…", "url": "https://s.example/t"},
            },
        },
    }
    long = await said({}, subject="Hi", body="x" * 2000, **link)
    assert long["text"]["body"].endswith("x\nhttps://s.example/t")


async def test_a_template_takes_it_all_in_one_line() -> None:
    settings = {"template": "team_news", "template_language": "de"}
    assert (await said(settings, subject="Hi", body="a\n\n  b", link="https://s.example/t"))["template"] == {
        "name": "team_news",
        "language": {"code": "de"},
        "components": [{"type": "body", "parameters": [{"type": "text", "text": "Hi a b https://s.example/t"}]}],
    }
