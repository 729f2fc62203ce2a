"""HTTP/1.1 with an end to patience: who says nothing, sends headers by drops or does not read answers is let go.

uvicorn bounds the wait between requests alone, and that only after a first answer. What a request may then take is
bounded where it is answered.
"""

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADERS_SECONDS = 10.0
"""For the first byte of a connection up to the last header of a request; for each further request again."""
UNREAD_SECONDS = 30.0
"""For a caller to read on, where more waits for it than is kept ready."""


class PatientProtocol(H11Protocol):
    """A connection that is closed when a request's headers do not come in time."""

    _timer: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to wait."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take bytes; the wait goes on until they are a whole request."""
        self._wait()
        super().data_received(data)
        if self._is_answering() or self._is_idle():
            self._stop_waiting()

    def on_response_complete(self) -> None:
        """Wait for the rest of a request that was answered before it had come whole."""
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY:
            self._wait()

    def _is_idle(self) -> bool:
        """Tell whether all that came was answered: what waits then is the next request, as long as it is kept for."""
        return self.conn.their_state is h11.IDLE and not self.conn.trailing_data[0]

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._stop_waiting()
        self._is_read()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Begin to wait for the reader; to close would be to wait until all is read, so that it is cut off."""
        super().pause_writing()
        self._unread = asyncio.get_running_loop().call_later(UNREAD_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """Wait no longer: it was read."""
        self._is_read()
        super().resume_writing()

    def _is_read(self) -> None:
        if self._unread:
            self._unread.cancel()
            self._unread = None

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
