"""The channel `email`: the conformance suite against a real SMTP server, and what mail servers expect."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID

from services.notification.channels import Account, Misconfigured, Refused, Retry, Sent
from services.notification.channels.email import EmailChannel
from services.notification.testing import (
    ACCEPT,
    BUSY,
    CUT,
    GARBAGE,
    MISCONFIGURED,
    REFUSE,
    Case,
    Conformance,
    Expect,
    Stage,
    a_letter,
)
from tests.support.sinks import smtp_sink

ACCOUNT = Account(UUID(int=1), {})
SENDER = "shop@example.com"


@asynccontextmanager
async def email(mode: str) -> AsyncIterator[Stage]:
    async with smtp_sink(mode) as sink:
        yield Stage(EmailChannel(f"127.0.0.1:{sink.port}", SENDER, seconds=5), sink, "mei@example.com")


class TestEmail(Conformance):
    case = Case(
        name="email",
        play=email,
        modes={
            ACCEPT: Expect(Sent),
            BUSY: Expect(Retry),
            REFUSE: Expect(Refused),
            "content refused": Expect(Refused),
            MISCONFIGURED: Expect(Misconfigured),
            CUT: Expect(Retry),
            GARBAGE: Expect(Retry),
        },
        good=["tom.o'neil+shop@sub.example.com"],
        bad=[
            "",
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
        has_key=True,
    )


async def test_email_carries_what_mail_servers_expect() -> None:
    async with smtp_sink() as sink:
        channel = EmailChannel(f"127.0.0.1:{sink.port}", SENDER, seconds=5)
        outcome = await channel.send(a_letter("mei@example.com"), ACCOUNT)
        (mail,) = sink.mails
    assert outcome == Sent(f"<{UUID(int=7)}@example.com>")
    assert mail["Message-ID"] == f"<{UUID(int=7)}@example.com>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Content-Language"] == "zh-Hans"
    assert mail["Date"].datetime == datetime(2026, 11, 21, 12, tzinfo=UTC)


async def test_email_without_a_server_is_misconfigured_and_names_the_variable() -> None:
    outcome = await EmailChannel(None, SENDER, seconds=1).send(a_letter("mei@example.com"), ACCOUNT)
    assert isinstance(outcome, Misconfigured)
    assert "GROUPBUY_SMTP" in outcome.detail
