"""A call that came to POST /hooks/<service>/<app>, and what its check comes to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self, TypeAlias
from urllib.parse import parse_qsl

PLAIN = "text/plain; charset=utf-8"
JSON = "application/json"
LONGEST_VALUE = 1_024
"""Characters of a header or a parameter that is looked at; the longest that a service documents has 256."""
_LONGEST_QUERY = 8_192
_MOST_PARAMETERS = 30

Values: TypeAlias = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request as it came. The window against replays is measured at `received_at`, which has a time zone."""

    method: str
    headers: Values = field(repr=False)
    """By name in small letters: every value that came, in order, as Latin-1."""
    query: Values = field(repr=False)
    """By name, percent-decoded."""
    body: bytes = field(repr=False)
    received_at: datetime

    @classmethod
    def of(
        cls, method: str, headers: Iterable[tuple[bytes, bytes]], query: bytes, body: bytes, received_at: datetime
    ) -> Self:
        """Make a call of raw headers and raw query: aiohttp's `raw_headers` and `rel_url.raw_query_string`, encoded.

        A query that cannot be read is none, so that nothing in it can prove a call.
        """
        named = ((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in headers)
        return cls(method, _gathered(named), _gathered(_parameters(query)), body, received_at)

    def header(self, name: str) -> str | None:
        """Give the value of a header; None where it did not come exactly once, or is longer than any of theirs."""
        return _only(self.headers.get(name, ()))

    def parameter(self, name: str) -> str | None:
        """Give the value of a parameter of the query, by the same rule."""
        return _only(self.query.get(name, ()))


def _gathered(pairs: Iterable[tuple[str, str]]) -> Values:
    found: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        found[name] = (*found.get(name, ()), value)
    return found


def _parameters(query: bytes) -> list[tuple[str, str]]:
    if len(query) > _LONGEST_QUERY:
        return []
    try:
        return parse_qsl(
            query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARAMETERS
        )
    except ValueError:
        return []


def _only(values: tuple[str, ...]) -> str | None:
    return values[0] if len(values) == 1 and len(values[0]) <= LONGEST_VALUE else None


@dataclass(frozen=True, slots=True)
class Answer:
    """What is written back over HTTP."""

    status: int
    body: bytes = b""
    content_type: str = PLAIN


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in a chat app and was proved to come from it."""

    event_id: str
    """What it is known again by, within one app of one service: 1 to 128 visible ASCII characters."""
    kind: str
    """The service's own word for it; at most 64 characters, perhaps none."""
    payload: bytes = field(repr=False)
    """What is kept and read later, in UTF-8: decrypted, and of a call with many events this one's part."""
    happened_at: datetime | None = None
    """When the service says that it happened."""
    is_redelivery: bool = False
    """Whether the service says that it has sent this before. It may not say so and still have."""
    is_covered: bool = True
    """Whether a signature covers the payload. False: a secret came with it, and whoever saw one such call can make
    others, with a payload of their own, as long as the secret or its time lasts."""


@dataclass(frozen=True, slots=True)
class Handshake:
    """The service tried whether somebody is here who knows the secrets; there is nothing to keep."""

    answer: Answer


@dataclass(frozen=True, slots=True)
class Verified:
    """The service's own call. The events are kept first, then `answer` is given, if nothing better is known yet."""

    events: tuple[Event, ...]
    answer: Answer = Answer(200)


@dataclass(frozen=True, slots=True)
class Refused:
    """Not proved, or not to be read. `why` is for operators: it never has anything of the call or a secret in it."""

    status: int
    why: str

    @property
    def answer(self) -> Answer:
        """What is written back: the status alone, so that nobody learns which check failed."""
        return Answer(self.status)


Outcome: TypeAlias = Handshake | Verified | Refused
