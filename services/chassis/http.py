"""One HTTP client for what others name: bounded answers, no redirects, cookies or proxies, and a guard on addresses.

It asks what platforms and members have named (endpoints of messages, pictures), so whoever names a server must not
reach the inside of our network by it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from services.chassis import call_spans, trace
from services.chassis.addresses import GuardedResolver, PrivateAddress, is_private_host

MOST_BYTES = 65_536
"""Of an answer, where nothing else is said; what is longer is cut."""
LONGEST_RETRY_AFTER = timedelta(days=1)
"""However long a server asks for."""
_LONGEST_URL = 2048


class NotAllowed(Exception):
    """A request to an address that only the inside of a network reaches."""


class NotReached(Exception):
    """No answer: the connection failed or was cut, or what came is no HTTP. The request may have arrived."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_good(self) -> bool:
        """Whether the status is 2xx (RFC 9110 section 15.3)."""
        return 200 <= self.status < 300  # noqa: PLR2004

    @property
    def is_busy(self) -> bool:
        """Whether the same request may succeed later: 408, 425, 429 and 5xx."""
        return self.status in {408, 425, 429} or self.status >= 500  # noqa: PLR2004

    def json(self) -> dict[str, Any]:
        """Read the body as a JSON object; an empty one where it is none."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def retry_after(self) -> timedelta | None:
        """Read Retry-After: seconds, or a date, which is compared with the answer's own (RFC 9110 section 10.2.3)."""
        text = self.headers.get("retry-after", "").strip()
        if text.isascii() and text.isdecimal():
            return min(timedelta(seconds=int(text[:10])), LONGEST_RETRY_AFTER)
        try:
            wanted = parsedate_to_datetime(text)
            sent = parsedate_to_datetime(self.headers["date"]) if "date" in self.headers else datetime.now(UTC)
            return min(max(wanted - sent, timedelta()), LONGEST_RETRY_AFTER)
        except (TypeError, ValueError, OverflowError):
            return None


class Http:
    """Makes requests over one set of connections. Unless `allow_private`, only to what the whole internet reaches.

    Of an answer `most_bytes` are read. With `unpacks` false it is given as it came, though its server has packed it.
    """

    def __init__(
        self,
        *,
        seconds: float,
        connections: int,
        allow_private: bool,
        most_bytes: int = MOST_BYTES,
        unpacks: bool = True,
    ) -> None:
        self._seconds = seconds
        self._connections = connections
        self._most_bytes = most_bytes
        self._unpacks = unpacks
        self.allows_private = allow_private
        self._session: aiohttp.ClientSession | None = None

    def url_problem(self, url: str) -> str | None:
        """Say what is wrong with a URL; None where it may be asked. Resolves nothing."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            return "must be a URL, for instance https://example.com/messages"
        if not url.isascii() or not url.isprintable() or " " in url or len(url) > _LONGEST_URL:
            return f"must be a URL of at most {_LONGEST_URL} ASCII characters without spaces"
        if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
            return "must be an http or https URL with a host, for instance https://example.com/messages"
        if "@" in parts.netloc:
            return "must not carry credentials; put a token into the path instead"
        if not self.allows_private and is_private_host(parts.hostname):
            return "must not be a private, loopback or link-local address"
        return None

    async def post(
        self,
        url: str,
        *,
        json: object = None,
        data: bytes | None = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        method: str = "POST",
        traced: bool = False,
    ) -> Reply:
        """Ask once; NotAllowed for an address inside the network, NotReached where no answer came.

        Where it is `traced`, who is asked is told the trace context, too.
        """
        if problem := self.url_problem(url):
            raise NotAllowed(problem)
        with call_spans.requesting(method) as span:
            own = {trace.HEADER: trace.current()} if traced and trace.current() else {}
            reply = await self._asked(method, url, json, data if data is not None else form, {**(headers or {}), **own})
            call_spans.got(span, reply.status)
            return reply

    async def _asked(
        self, method: str, url: str, json: object, data: bytes | Mapping[str, str] | None, headers: Mapping[str, str]
    ) -> Reply:
        try:
            async with self._opened().request(
                method,
                url,
                json=json,
                data=data,
                headers=headers,
                allow_redirects=False,
            ) as response:
                body = await _body(response, self._most_bytes)
                named = {name.lower(): value for name, value in response.headers.items()}
                return Reply(response.status, named, body)
        except PrivateAddress as problem:
            raise NotAllowed(str(problem)) from None
        except (aiohttp.ClientError, OSError) as error:
            raise NotReached(_why(error)) from None

    async def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> Reply:
        """Ask for something; as `post`."""
        return await self.post(url, headers=headers, method="GET")

    def _opened(self) -> aiohttp.ClientSession:
        """Make the session at the first use: it belongs to the running loop."""
        if self._session is None:
            resolver = None if self.allows_private else GuardedResolver()
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections, resolver=resolver, keepalive_timeout=30),
                timeout=aiohttp.ClientTimeout(total=self._seconds),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": "groupbuy"},
                auto_decompress=self._unpacks,
                trust_env=False,
            )
        return self._session

    async def close(self) -> None:
        """Close the connections."""
        if self._session:
            await self._session.close()
            self._session = None


def _why(error: Exception) -> str:
    """Say what happened without the URL, which may hold a token: an answer that cannot be read comes with it."""
    name = type(error).__name__
    return name if isinstance(error, aiohttp.ClientResponseError | aiohttp.InvalidURL) else f"{name}: {error}"


async def _body(response: aiohttp.ClientResponse, most: int) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) >= most:
            break
    return bytes(body[:most])
