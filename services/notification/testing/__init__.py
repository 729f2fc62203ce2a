"""The conformance suite for channels: pytest classes that any package may use for a channel of its own.

Describe the channel in a `Case`, subclass `Conformance`, run pytest (with pytest-asyncio); docs/channels.md shows it
step by step. Needs nothing of this repository's own tests.
"""

import pytest

pytest.register_assert_rewrite("services.notification.testing.conformance")

from services.notification.testing.case import (  # noqa: E402 - after the rewrite is asked for
    ACCEPT,
    BUSY,
    CUT,
    GARBAGE,
    GONE,
    MISCONFIGURED,
    REFUSE,
    SLOW,
    Case,
    Expect,
    Sink,
    Stage,
    Taken,
    a_letter,
)
from services.notification.testing.conformance import Conformance  # noqa: E402
from services.notification.testing.http_sink import (  # noqa: E402
    Answer,
    HttpSink,
    Request,
    http_sink,
    http_tools,
    trouble,
)

__all__ = [
    "ACCEPT",
    "BUSY",
    "CUT",
    "GARBAGE",
    "GONE",
    "MISCONFIGURED",
    "REFUSE",
    "SLOW",
    "Answer",
    "Case",
    "Conformance",
    "Expect",
    "HttpSink",
    "Request",
    "Sink",
    "Stage",
    "Taken",
    "a_letter",
    "http_sink",
    "http_tools",
    "trouble",
]
