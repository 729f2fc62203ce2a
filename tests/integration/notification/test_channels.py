"""What every channel must do, played against real servers: one suite for all of them, then what is a channel's own."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from uuid import UUID, uuid4

import pytest
from aiohttp.resolver import ThreadedResolver

from services.notification.channels import Account, Channel, Http, Letter, Misconfigured, Outcome, Refused, Retry, Sent
from services.notification.channels.addresses import GuardedResolver, PrivateAddress
from services.notification.channels.console import ConsoleChannel
from services.notification.channels.email import EmailChannel
from services.notification.channels.webhook import WebhookChannel
from services.notification.domain import Kind
from tests.support.sinks import (
    ACCEPT,
    BUSY,
    CUT,
    GARBAGE,
    MISCONFIGURED,
    REFUSE,
    SLOW,
    Console,
    Sink,
    http_sink,
    smtp_sink,
)
from tests.support.until import until

SECONDS = 5.0
DELIVERY = UUID(int=7)
ACCOUNT = Account(UUID(int=1), {})


def a_letter(address: str, delivery_id: UUID = DELIVERY, subject: str = "Le prix baisse: 芒果 €34.90") -> Letter:
    return Letter(
        delivery_id=delivery_id,
        address=address,
        kind=Kind.PRICE_FELL,
        member_id="mei",
        team_id="team_x",
        language="zh-Hans",
        subject=subject,
        body="您现在只需支付€34.90。\nLigne deux, éèà.\n",
        written_at=datetime(2026, 11, 21, 12, tzinfo=UTC),
    )


@asynccontextmanager
async def console(mode: str) -> AsyncIterator[tuple[Channel, Sink]]:
    sink = Sink(mode, "mei at the desk")
    yield ConsoleChannel(Console(sink)), sink


@asynccontextmanager
async def email(mode: str) -> AsyncIterator[tuple[Channel, Sink]]:
    async with smtp_sink(mode) as sink:
        yield EmailChannel(f"127.0.0.1:{sink.port}", "shop@example.com", seconds=SECONDS), sink


@asynccontextmanager
async def webhook(mode: str) -> AsyncIterator[tuple[Channel, Sink]]:
    async with http_sink(mode) as sink:
        http = Http(seconds=SECONDS, connections=10, allow_private=True)
        yield WebhookChannel(http), sink
        await http.close()


Harness = Callable[[str], AbstractAsyncContextManager[tuple[Channel, Sink]]]


@dataclass(frozen=True)
class Case:
    harness: Harness
    modes: dict[str, type[Outcome]]
    """What must come of each thing that this channel's server can do."""


CASES = {
    "console": Case(console, {ACCEPT: Sent, CUT: Retry}),
    "email": Case(
        email,
        {ACCEPT: Sent, BUSY: Retry, REFUSE: Refused, MISCONFIGURED: Misconfigured, CUT: Retry, GARBAGE: Retry},
    ),
    "webhook": Case(webhook, {ACCEPT: Sent, BUSY: Retry, REFUSE: Refused, CUT: Retry, GARBAGE: Retry}),
}
ALL = [pytest.param(name, mode, id=f"{name}-{mode}") for name, case in CASES.items() for mode in case.modes]
GOOD = ["someone at a desk", "mei@example.com", "https://example.com/in?token=1"]


@pytest.mark.parametrize(("name", "mode"), ALL)
async def test_what_a_server_does_becomes_the_outcome(name: str, mode: str) -> None:
    case = CASES[name]
    async with case.harness(mode) as (channel, sink):
        outcome = await channel.send(a_letter(sink.address), ACCOUNT)
        assert isinstance(outcome, case.modes[mode]), outcome
        if mode == ACCEPT:
            assert len(sink.taken) == 1


@pytest.mark.parametrize("name", CASES)
async def test_no_adapter_tries_twice(name: str) -> None:
    mode = BUSY if BUSY in CASES[name].modes else CUT
    async with CASES[name].harness(mode) as (channel, sink):
        await channel.send(a_letter(sink.address), ACCOUNT)
        assert sink.asked <= 1
        assert sink.taken == []


@pytest.mark.parametrize("name", CASES)
async def test_text_of_any_language_arrives_whole(name: str) -> None:
    async with CASES[name].harness(ACCEPT) as (channel, sink):
        letter = a_letter(sink.address)
        await channel.send(letter, ACCOUNT)
        taken = sink.taken[0]
        assert (taken["subject"], taken["to"]) == (letter.subject, letter.address)
        assert taken["body"].replace("\r\n", "\n") == letter.body


@pytest.mark.parametrize("name", CASES)
async def test_the_same_delivery_carries_the_same_key(name: str) -> None:
    async with CASES[name].harness(ACCEPT) as (channel, sink):
        await channel.send(a_letter(sink.address), ACCOUNT)
        await channel.send(a_letter(sink.address), ACCOUNT)
        await channel.send(a_letter(sink.address, uuid4()), ACCOUNT)
        keys = [taken["key"] for taken in sink.taken]
        assert keys[0] == keys[1] == str(DELIVERY)
        assert keys[2] != keys[0]


@pytest.mark.parametrize("name", CASES)
async def test_many_at_once_are_sent_each_once(name: str) -> None:
    async with CASES[name].harness(ACCEPT) as (channel, sink):
        letters = [a_letter(sink.address, uuid4()) for _ in range(30)]
        outcomes = await asyncio.gather(*[channel.send(letter, ACCOUNT) for letter in letters])
        assert all(isinstance(outcome, Sent) for outcome in outcomes)
        assert sorted(taken["key"] for taken in sink.taken) == sorted(str(letter.delivery_id) for letter in letters)


@pytest.mark.parametrize("name", ["email", "webhook"])
async def test_a_slow_server_can_be_given_up(name: str) -> None:
    async with CASES[name].harness(SLOW) as (channel, sink):
        sending = asyncio.create_task(channel.send(a_letter(sink.address), ACCOUNT))
        await until(lambda: sink.asked == 1)
        sending.cancel()
        await asyncio.wait([sending])
        assert sending.cancelled()


async def test_a_mail_server_that_is_away_is_tried_later() -> None:
    async with email(ACCEPT) as (channel, sink):
        address = sink.address
    assert isinstance(await channel.send(a_letter(address), ACCOUNT), Retry)


async def test_an_endpoint_that_is_away_is_tried_later() -> None:
    async with http_sink() as gone:
        address = gone.address
    async with webhook(ACCEPT) as (channel, _):
        assert isinstance(await channel.send(a_letter(address), ACCOUNT), Retry)


@pytest.mark.parametrize("name", CASES)
async def test_addresses_are_checked_with_a_remedy(name: str) -> None:
    async with CASES[name].harness(ACCEPT) as (channel, sink):
        assert channel.name == name
        assert channel.check(sink.address) is None
        problem = channel.check("")
        assert problem
        assert "must be" in problem


@pytest.mark.parametrize(
    "address",
    [
        "mei",
        "@example.com",
        "mei@",
        "mei@exa mple.com",
        "Mei <mei@example.com>",
        "mei@example.com, tom@example.com",
        "mei@example.com\r\nBcc: tom@example.com",
        "mei@-example.com",
        "méi@example.com",
        f"{'m' * 250}@example.com",
    ],
)
def test_what_is_no_mailbox_is_refused(address: str) -> None:
    assert EmailChannel("127.0.0.1:1", "shop@example.com", seconds=1).check(address)


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


async def test_email_carries_what_mail_servers_expect() -> None:
    async with email(ACCEPT) as (channel, sink):
        outcome = await channel.send(a_letter(sink.address), ACCOUNT)
        mail = sink.taken[0]["mail"]
        assert outcome == Sent(f"<{DELIVERY}@example.com>")
        assert mail["Message-ID"] == f"<{DELIVERY}@example.com>"
        assert mail["Auto-Submitted"] == "auto-generated"
        assert mail["Content-Language"] == "zh-Hans"
        assert mail["Date"].datetime == datetime(2026, 11, 21, 12, tzinfo=UTC)


async def test_email_without_a_server_is_misconfigured_and_names_the_variable() -> None:
    outcome = await EmailChannel(None, "shop@example.com", seconds=1).send(a_letter("mei@example.com"), ACCOUNT)
    assert isinstance(outcome, Misconfigured)
    assert "GROUPBUY_SMTP" in outcome.detail


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
    async with webhook(str(status)) as (channel, sink):
        sink.busy_headers = {"Location": "/in"} if status in {301, 307} else {}
        assert isinstance(await channel.send(a_letter(sink.address), ACCOUNT), kind)
        assert sink.asked == 1


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
    async with webhook(status) as (channel, sink):
        sink.busy_headers = {
            "Retry-After": header,
            "Date": format_datetime(datetime(2026, 11, 21, 12, 0, 30, tzinfo=UTC), usegmt=True),
        }
        assert await channel.send(a_letter(sink.address), ACCOUNT) == Retry(f"HTTP {status}", after)
