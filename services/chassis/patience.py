"""HTTP/1.1 with an end to patience: who opens a connection and says nothing, or sends headers by drops, is let go.

uvicorn bounds the wait between requests alone, and that only after a first answer. What a request may then take is
bounded where it is answered.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEADERS_SECONDS = 10.0
"""For the first byte of a connection up to the last header of a request; for each further request again."""


class PatientProtocol(H11Protocol):
    """A connection that is closed when a request's headers do not come in time."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to wait."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take bytes; the wait goes on until they are a whole request."""
        self._wait()
        super().data_received(data)
        if self._is_answering():
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _is_answering(self) -> bool:
        cycle: Any = self.cycle
        return cycle is not None and not cycle.response_complete

    def _wait(self) -> None:
        if self._timer is None and not self._is_answering():
            self._timer = asyncio.get_running_loop().call_later(HEADERS_SECONDS, self._give_up)

    def _stop_waiting(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        if not self._is_answering():
            self.transport.close()
