"""The channel `webhook`: one HTTP POST of JSON per message, over one shared session.

Body: delivery_id, kind, member_id, team_id, language, subject, body, written_at (RFC 3339). The header
`Idempotency-Key` is the delivery's id: a sender that dies between the answer and its record posts again with the same
key.
2xx is taken; 408, 425, 429 and 5xx are tried again (`Retry-After` honoured); every other answer refuses. No redirects.
"""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import aiohttp

from services.notification.channels import Letter, Outcome, Refused, Retry, Sent
from services.notification.channels.addresses import GuardedResolver, PrivateAddress, is_private_host

_LONGEST = 2048
_AGAIN = frozenset({408, 425, 429})


class WebhookChannel:
    """Posts to members' endpoints. Unless `allow_private`, only to addresses that the whole internet can reach."""

    name = "webhook"

    def __init__(self, *, seconds: float, connections: int, allow_private: bool) -> None:
        self._seconds = seconds
        self._connections = connections
        self._allow_private = allow_private
        self._session: aiohttp.ClientSession | None = None

    def check(self, address: str) -> str | None:
        """Accept an http or https URL with a host and without credentials."""
        try:
            parts = urlsplit(address)
            port = parts.port
        except ValueError:
            return "must be a URL, for instance https://example.com/messages"
        if not address.isascii() or not address.isprintable() or " " in address or len(address) > _LONGEST:
            return f"must be a URL of at most {_LONGEST} ASCII characters without spaces"
        if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
            return "must be an http or https URL with a host, for instance https://example.com/messages"
        if "@" in parts.netloc:
            return "must not carry credentials; put a token into the path instead"
        if not self._allow_private and is_private_host(parts.hostname):
            return "must not be a private, loopback or link-local address"
        return None

    async def send(self, letter: Letter) -> Outcome:
        """Post the message."""
        if problem := self.check(letter.address):
            return Refused(problem)
        try:
            async with self._opened().post(
                letter.address,
                json=_body(letter),
                headers={"Idempotency-Key": str(letter.delivery_id)},
                allow_redirects=False,
            ) as response:
                return _outcome(response)
        except PrivateAddress as problem:
            return Refused(str(problem))
        except (aiohttp.ClientError, OSError) as error:
            return Retry(f"{type(error).__name__}: {error}")

    def _opened(self) -> aiohttp.ClientSession:
        """Make the session at the first use: it belongs to the running loop."""
        if self._session is None:
            resolver = None if self._allow_private else GuardedResolver()
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections, resolver=resolver, keepalive_timeout=30),
                timeout=aiohttp.ClientTimeout(total=self._seconds),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": "groupbuy"},
                trust_env=False,
            )
        return self._session

    async def close(self) -> None:
        """Close the session."""
        if self._session:
            await self._session.close()
            self._session = None


def _body(letter: Letter) -> dict[str, str]:
    return {
        "delivery_id": str(letter.delivery_id),
        "kind": letter.kind,
        "member_id": letter.member_id,
        "team_id": letter.team_id,
        "language": letter.language,
        "subject": letter.subject,
        "body": letter.body,
        "written_at": letter.written_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
    }


def _outcome(response: aiohttp.ClientResponse) -> Outcome:
    status = response.status
    if 200 <= status < 300:  # noqa: PLR2004 - RFC 9110 section 15
        return Sent()
    if status in _AGAIN or status >= 500:  # noqa: PLR2004
        return Retry(f"HTTP {status}", _asked(response))
    if 300 <= status < 400:  # noqa: PLR2004
        return Refused(f"HTTP {status}: redirects are not followed; register the final address")
    return Refused(f"HTTP {status}")


def _asked(response: aiohttp.ClientResponse) -> timedelta | None:
    """Read Retry-After: seconds, or a date, which is compared with the answer's own (RFC 9110 section 10.2.3)."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdecimal():
        return timedelta(seconds=min(int(text[:10]), 10**8))
    try:
        wanted = parsedate_to_datetime(text)
        sent = parsedate_to_datetime(response.headers["Date"]) if "Date" in response.headers else datetime.now(UTC)
        return max(wanted - sent, timedelta())
    except (TypeError, ValueError):
        return None
