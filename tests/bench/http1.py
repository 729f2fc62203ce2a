"""An HTTP/1.1 client that costs little: requests ready in bytes, answers by their length, callbacks."""

import asyncio
from collections import deque

from tests.bench.http2 import Done

_END = b"\r\n\r\n"
_LENGTH = b"content-length: "


class Http1(asyncio.Protocol):
    """One connection that is kept; calls that come while one is under way wait. Any status but 200 is a failure."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[bytes, Done]] = deque()
        self._done: Done | None = None
        self._read = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to write."""
        self._transport = transport  # type: ignore[assignment]  # a stream's

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits."""
        if self._done:
            self._done(f"the connection was lost: {exc}", b"")

    def call(self, request: bytes, done: Done) -> None:
        """Send a whole request."""
        if self._done:
            self._waiting.append((request, done))
        else:
            self._send(request, done)

    def close(self) -> None:
        """Close it."""
        self._done = None
        if self._transport:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Take what has arrived of an answer."""
        self._read += data
        head = self._read.find(_END)
        if head < 0:
            return
        at = self._read.find(_LENGTH, 0, head)
        length = int(self._read[at + len(_LENGTH) : self._read.find(b"\r\n", at)])
        if len(self._read) < head + len(_END) + length:
            return
        ok = self._read.startswith(b"HTTP/1.1 200")
        trouble, body = "" if ok else self._read[:40].decode(errors="replace"), bytes(self._read[head + len(_END) :])
        self._read.clear()
        done, self._done = self._done, None
        if self._waiting:
            self._send(*self._waiting.popleft())
        if done:
            done(trouble, body)

    def _send(self, request: bytes, done: Done) -> None:
        self._done = done
        if self._transport:
            self._transport.write(request)


async def connect_http1(address: str) -> Http1:
    """Connect to host:port."""
    host, _, port = address.rpartition(":")
    _, connection = await asyncio.get_running_loop().create_connection(Http1, host, int(port))
    return connection
