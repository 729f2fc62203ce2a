"""The channel `console` keeps the conformance suite."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.notification.channels import Retry, Sent
from services.notification.channels.console import ConsoleChannel
from services.notification.testing import ACCEPT, CUT, Case, Conformance, Expect, Sink, Stage
from tests.support.sinks import Console


@asynccontextmanager
async def play(mode: str) -> AsyncIterator[Stage]:
    sink = Sink()
    yield Stage(ConsoleChannel(Console(sink, mode)), sink, "mei at the desk")


class TestConsole(Conformance):
    case = Case(
        name="console",
        play=play,
        modes={ACCEPT: Expect(Sent), CUT: Expect(Retry)},
        good=["someone at a desk"],
        bad=["", "two\nlines", "x" * 201],
        is_remote=False,
        has_key=True,
    )
