"""Whether another service is asked at all: one that did not answer is left alone for a while, then asked once.

For what can be done without: who waits for a service that is away, call after call, is soon away too.
"""

import time
from collections.abc import Callable


class Away:
    """What is known of one service. Times are monotonic seconds."""

    def __init__(self, rest_seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self._rest_seconds = rest_seconds
        self._now = now
        self._is_away = False
        self._until = 0.0

    def may_ask(self) -> bool:
        """Tell whether it may be asked; after its rest by one, whom the others do not wait for."""
        if not self._is_away:
            return True
        if self._now() < self._until:
            return False
        self._until = self._now() + self._rest_seconds
        return True

    def answered(self) -> None:
        """Note that it is there."""
        self._is_away = False

    def failed(self) -> bool:
        """Note that it did not answer; tells whether that is news."""
        was, self._is_away = self._is_away, True
        self._until = self._now() + self._rest_seconds
        return not was
