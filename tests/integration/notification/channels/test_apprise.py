"""The channel `apprise` by its json:// service against a sink, and what may not be reached by it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from services.notification.channels import Retry, Sent
from services.notification.channels.apprise import AppriseChannel
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
    http_sink,
    trouble,
)

NUMBER = "15551234567"
STATUS = {BUSY: 429, REFUSE: 400, MISCONFIGURED: 401}


class AnyService:
    """What a service does, by mode; Apprise tells the one from the other by nothing but success."""

    def __init__(self, mode: str) -> None:
        self.mode = mode

    def __call__(self, request: Request) -> Answer:
        if answer := trouble(self.mode):
            return answer
        if self.mode in STATUS:
            return Answer(STATUS[self.mode], {"error": "no"})
        said: dict[str, Any] = request.json()
        return Answer(200, {}, takes=Taken(request.path.strip("/"), f"{said['title']}\n\n{said['message']}"))


@asynccontextmanager
async def play(mode: str) -> AsyncIterator[Stage]:
    channel = AppriseChannel(allow_private=True)
    try:
        async with http_sink(AnyService(mode)) as sink:
            yield Stage(channel, sink, NUMBER, {"url": sink.url.replace("http://", "json://") + "/{address}"})
    finally:
        await channel.close()


class TestApprise(Conformance):
    case = Case(
        name="apprise",
        play=play,
        modes={ACCEPT: Expect(Sent), **{mode: Expect(Retry) for mode in (BUSY, REFUSE, MISCONFIGURED, CUT, GARBAGE)}},
        good=["+4915112345678", "mei@example.com", "U-1.a_b"],
        bad=["", "a b", "../../etc", "a?b=c", "a/b", "芒果", "x" * 201],
        bad_accounts=[
            ("url", {"url": ""}),
            ("url", {"url": "json://example.com/"}),
            ("url", {"url": "nosuch://{address}"}),
            ("url", {"url": "twilio://{address}"}),
            ("url", {"url": "syslog://{address}"}),
            ("url", {"url": "dbus://{address}"}),
            ("url", {"url": "fcm://project/{address}"}),
            ("url", {"url": "json://127.0.0.1/{address}?method=put"}),
        ],
    )


@pytest.mark.parametrize(
    "url",
    [
        "json://169.254.169.254/{address}",
        "jsons://{address}/",
        "ntfy://localhost/{address}",
        "mailto://user:pass@127.0.0.1/{address}",
        "matrix://localhost/{address}",
        "xml://[::1]/{address}",
        "fcm://project/{address}?mode=oauth2&keyfile=http%3A%2F%2F127.0.0.1%2Fk",
        "vapid://a@b.example/{address}?keyfile=/etc/passwd&subfile=/etc/passwd",
    ],
)
def test_a_service_at_a_host_of_anybodys_is_refused(url: str) -> None:
    problems = AppriseChannel(allow_private=False).check_account({"url": url})
    assert "must begin with one of" in problems["url"]


def test_a_service_with_an_address_of_its_own_is_fine() -> None:
    sid, token = "AC" + "0" * 32, "1" * 32
    url = f"twilio://{sid}:{token}@15557654321/{{address}}"
    assert AppriseChannel(allow_private=False).check_account({"url": url}) == {}
