"""The channel `email`: the conformance suite against a real SMTP server, and what mail servers expect."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from aiosmtpd.smtp import AuthResult
from pydantic import SecretStr, ValidationError

from services.notification.channels import Account, Misconfigured, Refused, Retry, Sent
from services.notification.channels.email import EmailChannel
from services.notification.settings import Settings
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
from tests.support.certificates import certificates
from tests.support.notifying import SEAL_KEYS
from tests.support.sinks import smtp_sink

ACCOUNT = Account(UUID(int=1), {})
SENDER = "shop@example.com"


@asynccontextmanager
async def email(mode: str) -> AsyncIterator[Stage]:
    async with smtp_sink(mode) as sink:
        yield Stage(EmailChannel(f"127.0.0.1:{sink.port}", SENDER, seconds=5), sink, "mei@example.com")


@asynccontextmanager
async def secured(mode: str, **options: Any) -> AsyncIterator[Stage]:
    """A server that insists on STARTTLS and a login (aiosmtpd: auth_required), and one mode for each thing wrong."""
    server, client = certificates()
    password = "wrong" if mode == "login refused" else "right"
    served: dict[str, Any] = {} if mode == "no tls" else {"tls_context": server}
    async with smtp_sink(
        mode, **served, require_starttls=mode != "no tls", auth_required=mode != "no tls", authenticator=_knows
    ) as sink:
        yield Stage(
            EmailChannel(
                f"127.0.0.1:{sink.port}",
                SENDER,
                seconds=5,
                tls="starttls",
                login=("shop", password),
                trust=None if mode == "unknown certificate" else client,
            ),
            sink,
            "mei@example.com",
        )


def _knows(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    return AuthResult(success=(data.login, data.password) == (b"shop", b"right"), handled=False)


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


class TestSecuredEmail(Conformance):
    case = Case(
        name="email",
        play=secured,
        modes={
            ACCEPT: Expect(Sent),
            BUSY: Expect(Retry),
            REFUSE: Expect(Refused),
            CUT: Expect(Retry),
            GARBAGE: Expect(Retry),
            "login refused": Expect(Misconfigured),
            "no tls": Expect(Misconfigured),
            "unknown certificate": Expect(Misconfigured),
        },
        has_key=True,
    )


@pytest.mark.parametrize("known", [True, False])
async def test_tls_from_the_first_byte(known: bool) -> None:  # noqa: FBT001
    server, client = certificates()
    async with smtp_sink(implicit_tls=server) as sink:
        channel = EmailChannel(
            f"127.0.0.1:{sink.port}", SENDER, seconds=5, tls="implicit", trust=client if known else None
        )
        outcome = await channel.send(a_letter("mei@example.com"), ACCOUNT)
    assert isinstance(outcome, Sent if known else Misconfigured), outcome
    assert len(sink.taken) == known


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"smtp_user": "shop"}, "GROUPBUY_SMTP_PASSWORD go together"),
        ({"smtp_password": "x"}, "set both or neither"),
        ({"smtp_user": "shop", "smtp_password": "x"}, "GROUPBUY_SMTP_TLS must be starttls, implicit or none"),
        ({"smtp_tls": "tls"}, "smtp_tls"),
    ],
)
def test_a_login_that_is_not_whole_or_would_travel_in_the_clear_is_refused(
    settings: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ValidationError, match=problem):
        Settings(
            database_url="postgresql://x",
            kafka="127.0.0.1:1",
            listen="127.0.0.1:0",
            ops_listen="127.0.0.1:0",
            seal_keys=SecretStr(SEAL_KEYS),
            **settings,
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
