"""A gRPC client that costs little: HTTP/2 frames by hand, raw bytes in and out, callbacks, no coroutine a call.

It says just enough of RFC 9113 and RFC 7541 for one method of one server: the headers of a call are sent in full once a
connection and by index afterwards, as every gRPC client does; the server is asked to compress no headers of its own,
so that the trailers of a call that went well are the same bytes each time.
"""

import asyncio
import struct
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import unquote

Done = Callable[[str, bytes], None]
"""Is told how a call ended: what went wrong (empty: nothing), and the message that answers."""
Told = Callable[[bytes], None]
"""Is given each message of a stream."""

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RST_STREAM, _SETTINGS, _PING, _GOAWAY, _WINDOW_UPDATE, _CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
_END_STREAM, _ACK, _END_HEADERS = 1, 1, 4
_TABLE_SIZE, _ENABLE_PUSH, _INITIAL_WINDOW, _MAX_FRAME = 1, 2, 4, 5
_LARGEST_WINDOW = 2**31 - 1
_FIRST_WINDOW = 65_535
_REFRESH_BYTES = 2**29
_FRAME_BYTES = 16_384
_FIRST_DYNAMIC = 62
_HEAD = 9
_MESSAGE_HEAD = 5


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """Write one frame."""
    return struct.pack(">I", len(payload) << 8 | kind) + struct.pack(">BI", flags, stream) + payload


@dataclass(slots=True)
class _Stream:
    """A call under way: what came of its answer."""

    done: Done
    told: Told | None
    body: bytearray = field(default_factory=bytearray)


@dataclass(slots=True)
class _Unsent:
    """The part of a request that the server has no window for yet."""

    stream: int
    rest: bytes
    window: int


class Connection(asyncio.Protocol):
    """One connection that calls one method; open it with `connect`."""

    def __init__(self, path: str, authority: str, headers: Sequence[tuple[str, str]]) -> None:
        fixed = [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", authority)]
        fixed += [("te", "trailers"), ("content-type", "application/grpc"), *headers]
        self._first_head = b"".join(b"\x40" + _text(name) + _text(value) for name, value in fixed)
        self._next_head = bytes(0x80 | _FIRST_DYNAMIC + at for at in reversed(range(len(fixed))))
        self._head = self._first_head
        self._streams: dict[int, _Stream] = {}
        self._last = -1
        self._rest = b""
        self._window = _FIRST_WINDOW
        self._stream_window = _FIRST_WINDOW
        self._unsent: deque[_Unsent] = deque()
        self._received = 0
        self._well = b""
        self._block = b""
        self._transport: asyncio.Transport | None = None
        self.why_closed = ""
        """Empty while it is open."""

    def call(self, request: bytes, done: Done, told: Told | None = None) -> None:
        """Send a request; `done` is told how it ended, `told` is given messages as they come."""
        if self._transport is None or self.why_closed:
            done(f"no connection: {self.why_closed}", b"")
            return
        self._last = stream = self._last + 2
        self._streams[stream] = _Stream(done, told)
        body = struct.pack(">BI", 0, len(request)) + request
        head = frame(_HEADERS, _END_HEADERS, stream, self._head)
        self._head = self._next_head
        size = len(body)
        if size <= _FRAME_BYTES and size <= self._window and size <= self._stream_window and not self._unsent:
            self._window -= size
            self._transport.write(head + frame(_DATA, _END_STREAM, stream, body))
            return
        self._transport.write(head)
        self._unsent.append(_Unsent(stream, body, self._stream_window))
        self._send()

    def close(self) -> None:
        """Close it; calls under way end with an error."""
        if self._transport:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Introduce ourselves: no compressed headers, no pushed answers, windows that never fill."""
        self._transport = cast("asyncio.Transport", transport)
        settings = ((_TABLE_SIZE, 0), (_ENABLE_PUSH, 0), (_INITIAL_WINDOW, _LARGEST_WINDOW))
        self._transport.write(
            _PREFACE
            + frame(_SETTINGS, 0, 0, b"".join(struct.pack(">HI", *item) for item in settings))
            + frame(_WINDOW_UPDATE, 0, 0, struct.pack(">I", _LARGEST_WINDOW - _FIRST_WINDOW))
        )

    def connection_lost(self, exc: Exception | None) -> None:
        """End every call under way."""
        self.why_closed = self.why_closed or str(exc or "closed")
        streams, self._streams = self._streams, {}
        for stream in streams.values():
            stream.done(f"connection lost: {self.why_closed}", b"")

    def data_received(self, data: bytes) -> None:
        """Take every whole frame."""
        data = self._rest + data if self._rest else data
        at, end = 0, len(data)
        while end - at >= _HEAD:
            size = int.from_bytes(data[at : at + 3])
            after = at + _HEAD + size
            if after > end:
                break
            stream = int.from_bytes(data[at + 5 : at + _HEAD])
            self._take(data[at + 3], data[at + 4], stream, data[at + _HEAD : after])
            at = after
        self._rest = data[at:]

    def _take(self, kind: int, flags: int, number: int, payload: bytes) -> None:
        if kind == _DATA:
            self._take_data(number, payload)
        elif kind in (_HEADERS, _CONTINUATION):
            self._take_headers(kind, flags, number, payload)
        elif kind == _WINDOW_UPDATE:
            self._take_window(number, int.from_bytes(payload) & _LARGEST_WINDOW)
        elif kind == _SETTINGS and not flags & _ACK:
            self._take_settings(payload)
        elif kind == _PING and not flags & _ACK:
            self._write(frame(_PING, _ACK, 0, payload))
        elif kind == _RST_STREAM:
            self._end(number, f"stream reset with code {int.from_bytes(payload)}")
        elif kind == _GOAWAY:
            self.why_closed = f"the server closes it {payload[8:].decode(errors='replace')}".strip()

    def _take_data(self, number: int, payload: bytes) -> None:
        self._received += len(payload)
        if self._received > _REFRESH_BYTES:
            self._write(frame(_WINDOW_UPDATE, 0, 0, struct.pack(">I", self._received)))
            self._received = 0
        stream = self._streams.get(number)
        if stream is None:
            return
        stream.body += payload
        while stream.told and len(stream.body) >= _MESSAGE_HEAD:
            after = _MESSAGE_HEAD + int.from_bytes(stream.body[1:_MESSAGE_HEAD])
            if len(stream.body) < after:
                break
            message = bytes(stream.body[_MESSAGE_HEAD:after])
            del stream.body[:after]
            stream.told(message)

    def _take_headers(self, kind: int, flags: int, number: int, payload: bytes) -> None:
        if kind == _HEADERS:
            self._block, self._ends = payload, bool(flags & _END_STREAM)
        else:
            self._block += payload
        if flags & _END_HEADERS and self._ends:
            self._end(number, self._trouble(self._block))

    def _trouble(self, block: bytes) -> str:
        """What a call's trailers say went wrong; empty if nothing did."""
        if block == self._well:
            return ""
        trailers = decoded(block)
        if trailers.get("grpc-status") == "0":
            self._well = block
            return ""
        said = unquote(trailers.get("grpc-message", ""))
        return f"status {trailers.get('grpc-status', 'unknown')}: {said}"

    def _end(self, number: int, trouble: str) -> None:
        stream = self._streams.pop(number, None)
        if stream:
            stream.done(trouble, bytes(stream.body[_MESSAGE_HEAD:]))

    def _take_settings(self, payload: bytes) -> None:
        for at in range(0, len(payload), 6):
            name, value = struct.unpack_from(">HI", payload, at)
            if name == _INITIAL_WINDOW:
                for unsent in self._unsent:
                    unsent.window += value - self._stream_window
                self._stream_window = value
        self._write(frame(_SETTINGS, _ACK, 0))
        self._send()

    def _take_window(self, number: int, more: int) -> None:
        if number == 0:
            self._window += more
        for unsent in self._unsent:
            if unsent.stream == number:
                unsent.window += more
        if self._unsent:
            self._send()

    def _send(self) -> None:
        """Send what the windows allow of requests that wait, in order."""
        while self._unsent:
            unsent = self._unsent[0]
            size = min(len(unsent.rest), _FRAME_BYTES, self._window, unsent.window)
            if size <= 0:
                return
            part, unsent.rest = unsent.rest[:size], unsent.rest[size:]
            self._window -= size
            unsent.window -= size
            self._write(frame(_DATA, 0 if unsent.rest else _END_STREAM, unsent.stream, part))
            if not unsent.rest:
                self._unsent.popleft()

    def _write(self, data: bytes) -> None:
        if self._transport:
            self._transport.write(data)


async def connect(address: str, path: str, headers: Sequence[tuple[str, str]]) -> Connection:
    """Open a connection to host:port for calls of one method; OSError where nothing listens."""
    host, _, port = address.rpartition(":")
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(lambda: Connection(path, address, headers), host, int(port))
    return connection


def decoded(block: bytes) -> dict[str, str]:
    """Read the headers of a block that are written out; those by index are left out (RFC 7541, without its tables)."""
    headers, at = {}, 0
    while at < len(block):
        first = block[at]
        if first & 0x80:
            _, at = _integer(block, at, 7)
        elif first & 0xE0 == 0x20:
            _, at = _integer(block, at, 5)
        else:
            index, at = _integer(block, at, 6 if first & 0x40 else 4)
            name, at = ("", at) if index else _read_text(block, at)
            headers[name], at = _read_text(block, at)
    return headers


def _integer(block: bytes, at: int, bits: int) -> tuple[int, int]:
    limit = (1 << bits) - 1
    value, at = block[at] & limit, at + 1
    if value < limit:
        return value, at
    shift = 0
    while True:
        digit, at = block[at], at + 1
        value += (digit & 0x7F) << shift
        shift += 7
        if not digit & 0x80:
            return value, at


def _read_text(block: bytes, at: int) -> tuple[str, int]:
    packed = bool(block[at] & 0x80)
    size, at = _integer(block, at, 7)
    text = "(Huffman)" if packed else block[at : at + size].decode(errors="replace")
    return text, at + size


def _text(text: str) -> bytes:
    """Write a string literal: its length in 7 bits and more, then the bytes as they are."""
    raw = text.encode()
    if len(raw) < 0x7F:
        return bytes([len(raw)]) + raw
    rest, digits = len(raw) - 0x7F, []
    while rest > 0x7F:
        digits.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes([0x7F, *digits, rest]) + raw
