"""The sink, a process of its own: `python -m tests.bench.sink MILLISECONDS` takes posts and answers each after a time.

It first writes a line of JSON with two ports: `quick` answers, `dead` takes connections and never says a word. For each
line that it reads it writes what `quick` took since: a list of [Idempotency-Key, seconds since 1970 when it was there].
It ends with its input.
"""

import asyncio
import json
import re
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import cast

import uvloop

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_KEY = re.compile(rb"\r\nidempotency-key: *([^\r]+)", re.IGNORECASE)


class Requests:
    """Cuts what comes over one connection into requests (RFC 9112); bodies have a length, none comes in chunks."""

    def __init__(self) -> None:
        self._data = b""

    def feed(self, data: bytes) -> list[str]:
        """Take some bytes; gives the Idempotency-Key of each request that is whole now, empty where it has none."""
        self._data += data
        keys = []
        while (end := self._end()) is not None:
            found = _KEY.search(self._data, 0, self._data.index(b"\r\n\r\n"))
            keys.append(found[1].decode() if found else "")
            self._data = self._data[end:]
        return keys

    def _end(self) -> int | None:
        """Tell where the first request ends; None while it is not whole."""
        head = self._data.find(b"\r\n\r\n")
        if head < 0:
            return None
        length = _LENGTH.search(self._data, 0, head)
        end = head + 4 + (int(length[1]) if length else 0)
        return end if len(self._data) >= end else None


class Quick(asyncio.Protocol):
    """Answers every request of a connection after `seconds`, and tells `took` at once."""

    def __init__(self, seconds: float, took: Callable[[str], None]) -> None:
        self._seconds = seconds
        self._took = took
        self._requests = Requests()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        self._transport = cast("asyncio.WriteTransport", transport)  # uvloop's is none by name

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        for key in self._requests.feed(data):
            self._took(key)
            asyncio.get_running_loop().call_later(self._seconds, self._answer)

    def _answer(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(_ANSWER)


async def serve(seconds: float) -> None:
    """Serve until standard input ends."""
    taken: list[tuple[str, float]] = []
    loop = asyncio.get_running_loop()
    quick = await loop.create_server(
        lambda: Quick(seconds, lambda key: taken.append((key, time.time()))), "127.0.0.1", 0, backlog=1024
    )
    dead = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0, backlog=1024)
    _say({name: one.sockets[0].getsockname()[1] for name, one in (("quick", quick), ("dead", dead))})
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(partial(asyncio.StreamReaderProtocol, reader), sys.stdin)
    while await reader.readline():
        _say(taken)
        taken.clear()


def _say(what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(serve(float(sys.argv[1]) / 1000))
