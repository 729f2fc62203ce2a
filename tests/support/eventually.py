"""Wait for a condition from a test that is not async: the twin of `until` for blocking clients."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")

_POLL_SECONDS = 0.02


def eventually(condition: Callable[[], Value], what: str, *, seconds: float = 30.0) -> Value:
    """Ask `condition` until it answers something true, and give that.

    AssertionError naming `what` after `seconds`; the bound is there to end a broken test, not to measure anything.
    """
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}; last answer {answer!r}")
        pause.wait(_POLL_SECONDS)
    return answer
