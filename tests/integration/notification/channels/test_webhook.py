"""The channel `webhook`: the conformance suite, every class of HTTP status (RFC 9110), and no private address."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from uuid import UUID

import pytest
from aiohttp.resolver import ThreadedResolver

from services.chassis.addresses import GuardedResolver, PrivateAddress
from services.notification.channels import Account, Http, Outcome, Refused, Retry, Sent
from services.notification.channels.webhook import WebhookChannel
from services.notification.testing import (
    ACCEPT,
    BUSY,
    CUT,
    GARBAGE,
    REFUSE,
    Case,
    Conformance,
    Expect,
    Stage,
    a_letter,
    http_sink,
    http_tools,
)
from tests.support.sinks import Endpoint

ACCOUNT = Account(UUID(int=1), {})


@asynccontextmanager
async def webhook(mode: str, headers: dict[str, str] | None = None) -> AsyncIterator[Stage]:
    async with http_sink(Endpoint(mode, headers)) as sink, http_tools() as tools:
        yield Stage(WebhookChannel(tools.http), sink, f"{sink.url}/in?token=7")


class TestWebhook(Conformance):
    case = Case(
        name="webhook",
        play=webhook,
        modes={
            ACCEPT: Expect(Sent),
            BUSY: Expect(Retry),
            REFUSE: Expect(Refused),
            CUT: Expect(Retry),
            GARBAGE: Expect(Retry),
        },
        good=["https://example.com/in?token=1"],
        bad=["", "ftp://example.com/x", "https://", "example.com", "https://user:secret@example.com/"],
        has_key=True,
    )


@pytest.mark.parametrize(
    "address",
    [
        "ftp://example.com/x",
        "https://",
        "example.com",
        "https://user:secret@example.com/",
        "https://example.com:99999/",
        "https://example.com/a b",
        "https://example.com/\n",
        "http://127.0.0.1/",
        "http://10.1.2.3/",
        "http://169.254.169.254/latest",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://localhost:8000/",
        "http://127.1/",
        "http://0x7f000001/",
        "http://2130706433/",
        "http://0.0.0.0/",
        "http://[64:ff9b::7f00:1]/",
    ],
)
async def test_what_is_no_public_url_is_refused(address: str) -> None:
    channel = WebhookChannel(Http(seconds=1, connections=1, allow_private=False))
    assert channel.check(address)
    assert isinstance(await channel.send(a_letter(address), ACCOUNT), Refused)


async def test_a_name_that_resolves_to_a_private_address_is_refused() -> None:
    with pytest.raises(PrivateAddress, match="private, loopback"):
        await GuardedResolver(ThreadedResolver()).resolve("localhost", 80)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, Sent),
        (202, Sent),
        (204, Sent),
        (301, Refused),
        (307, Refused),
        (400, Refused),
        (401, Refused),
        (408, Retry),
        (410, Refused),
        (425, Retry),
        (429, Retry),
        (500, Retry),
        (502, Retry),
        (503, Retry),
    ],
)
async def test_each_class_of_http_status_has_its_outcome(status: int, kind: type[Outcome]) -> None:
    headers = {"Location": "/in"} if status in {301, 307} else {}
    async with webhook(str(status), headers) as stage:
        assert isinstance(await stage.channel.send(a_letter(stage.address), ACCOUNT), kind)
        assert stage.sink.sends == 1


@pytest.mark.parametrize(
    ("header", "after"),
    [
        ("120", timedelta(seconds=120)),
        (format_datetime(datetime(2026, 11, 21, 12, 2, tzinfo=UTC), usegmt=True), timedelta(seconds=90)),
        (format_datetime(datetime(2026, 11, 21, 11, tzinfo=UTC), usegmt=True), timedelta()),
        ("soon", None),
        ("", None),
    ],
)
@pytest.mark.parametrize("status", ["429", "503"])
async def test_retry_after_is_honoured(status: str, header: str, after: timedelta | None) -> None:
    now = format_datetime(datetime(2026, 11, 21, 12, 0, 30, tzinfo=UTC), usegmt=True)
    async with webhook(status, {"Retry-After": header, "Date": now}) as stage:
        assert await stage.channel.send(a_letter(stage.address), ACCOUNT) == Retry(f"HTTP {status}", after)
