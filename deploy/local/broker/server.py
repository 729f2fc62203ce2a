"""The listener: connections on the loopback address, requests one after the other, answers in the same order."""

import asyncio
import ipaddress
import logging
import struct
from collections.abc import Awaitable, Callable
from typing import cast

from deploy.local.broker.protocol import Call, Message, UnsupportedRequest, decode, encode
from deploy.local.errors import LocalError

_LOG = logging.getLogger(__name__)
_LENGTH = struct.Struct(">i")
_LARGEST_REQUEST = 100 * 1024 * 1024
_READ_AHEAD = 1 << 20

Answer = Callable[[Call], Awaitable[Message | None]]


class Server:
    """Reads frames, has them answered, writes the answers."""

    def __init__(self, answer: Answer) -> None:
        """`answer` gives None where the protocol wants no answer (acks=0)."""
        self._answer = answer
        self._connections: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen, and give the port (a free one for 0). Raises LocalError."""
        _require_loopback(host)
        try:
            self._listener = await asyncio.start_server(self._accept, host, port, limit=_READ_AHEAD)
        except OSError as error:
            problem = f"The local broker cannot listen on {host}:{port}: {error.strerror}."
            raise LocalError(problem, "Stop what listens there, or give another --port.") from None
        return int(self._listener.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Take no more connections and end those there are."""
        if self._listener is not None:
            self._listener.close()
        for connection in list(self._connections):
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._connections.add(task)
        try:
            await self._serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the other side is gone, or we are stopping
        finally:
            self._connections.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = str(writer.get_extra_info("peername")[0])
        while True:
            (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
            if not 0 < length <= _LARGEST_REQUEST:
                _LOG.warning("a frame of %d bytes from %s is no Kafka request: connection closed", length, peer)
                return
            frame = await self._respond(await reader.readexactly(length), peer)
            if frame is None:
                return
            writer.write(frame)
            await writer.drain()

    async def _respond(self, frame: bytes, peer: str) -> bytes | None:
        """The frame of the answer, empty where none is wanted; None to close the connection."""
        try:
            call = decode(frame, peer)
        except UnsupportedRequest as unsupported:
            _LOG.warning("unsupported request from %s: %s; connection closed", peer, unsupported)
            return None
        except Exception as error:  # noqa: BLE001 - whatever a broken frame does to the decoder
            _LOG.warning("a request from %s cannot be read: %r; connection closed", peer, error)
            return None
        try:
            answer = await self._answer(call)
        except Exception:  # noqa: BLE001 - one bad request must not end the broker
            _LOG.exception("%s version %d failed: connection closed", call.api.key.name, call.version)
            return None
        return b"" if answer is None else encode(call, answer)


def _require_loopback(host: str) -> None:
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        problem = f"The local broker does not listen on {host}: it has no authentication and is for one machine."
        raise LocalError(problem, "Use --host 127.0.0.1, or Apache Kafka where other machines must reach it.")
