"""A TCP proxy on loopback that can hold back answers, delay, and cut: how a test makes the network fail."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator

_CHUNK = 65_536


class Proxy:
    """Forwards to `target`, or, without one, to wherever an HTTP CONNECT request asks (kafka-python's `proxy_url`).

    It runs on a loop of its own in a thread of its own, so a blocking client can be tested through it. The methods may
    be called from any thread and return when they have taken effect.
    """

    def __init__(self, target: tuple[str, int] | None = None) -> None:
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._connections: set[asyncio.Task[None]] = set()
        self._answers = asyncio.Event()
        self._answers.set()
        self._open = True
        self._delay_s = 0.0
        self.port = 0

    @property
    def address(self) -> str:
        """Host and port that it listens on."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The address as kafka-python's `proxy_url` wants it."""
        return f"http://{self.address}"

    def hold_answers(self) -> None:
        """Requests still reach the other side; its answers wait here."""
        self._call(self._answers.clear)

    def release_answers(self) -> None:
        """Let answers through again: the end of `hold_answers`."""
        self._call(self._answers.set)

    def delay(self, seconds: float) -> None:
        """Keep everything back for so long, in both directions."""
        self._call(lambda: setattr(self, "_delay_s", seconds))

    def cut(self) -> None:
        """End all connections at once; what was held back is lost. New ones are taken."""
        self._call(lambda: [connection.cancel() for connection in self._connections])

    def refuse(self) -> None:
        """Cut, and take no new connections until `accept`."""
        self._call(lambda: setattr(self, "_open", False))
        self.cut()

    def accept(self) -> None:
        """Take connections again: the end of `refuse`."""
        self._call(lambda: setattr(self, "_open", True))

    def _call(self, change: Callable[[], object]) -> None:
        async def run() -> None:
            change()

        asyncio.run_coroutine_threadsafe(run(), self._loop).result(10)

    def start(self) -> None:
        """Listen on a free port."""
        self._thread.start()
        self.port = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)

    async def _listen(self) -> int:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    def stop(self) -> None:
        """End the connections, the listener and the thread."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _close(self) -> None:
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            if self._open:
                await self._connect(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._connections.discard(task)
            writer.close()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port = self._target or await _asked_for(reader, writer)
        far_reader, far_writer = await asyncio.open_connection(host, port)
        try:
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._copy(reader, far_writer, answers=False))
                ways.create_task(self._copy(far_reader, writer, answers=True))
        except* OSError:
            pass
        finally:
            far_writer.close()

    async def _copy(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, answers: bool) -> None:
        while chunk := await source.read(_CHUNK):
            if answers:
                await self._answers.wait()
            if self._delay_s:
                await asyncio.sleep(self._delay_s)
            sink.write(chunk)
            await sink.drain()
        raise ConnectionResetError  # one side is gone: end the other way too


async def _asked_for(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[str, int]:
    head = await reader.readuntil(b"\r\n\r\n")
    host, _, port = head.split()[1].decode().rpartition(":")
    writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
    return host, int(port)


@contextlib.contextmanager
def running_proxy(target: tuple[str, int] | None = None) -> Iterator[Proxy]:
    """A proxy for the length of a `with` block."""
    proxy = Proxy(target)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()
