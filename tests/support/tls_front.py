"""TLS in front of a PostgreSQL that has none built in: takes libpq's request for it, and hands on what is inside."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from urllib.parse import urlsplit, urlunsplit

from cryptography import x509

SSL_REQUEST = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")
"""PostgreSQL's protocol, SSLRequest."""
_CHUNK = 65_536


class TlsFront:
    """Forwards connections that begin with TLS, and notes by which certificates they came."""

    def __init__(self, url: str, context: ssl.SSLContext) -> None:
        self._target = urlsplit(url)
        self._context = context
        self._port = 0
        self.came: list[int] = []
        """Numbers of the callers' certificates, 0 for none."""
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """The address of the same database behind the front."""
        user, _, _ = self._target.netloc.rpartition("@")
        return urlunsplit(self._target._replace(netloc=f"{user}@127.0.0.1:{self._port}"))

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator["TlsFront"]:
        """Serve until the end."""
        server = await asyncio.start_server(self._begin, "127.0.0.1", 0)
        self._port = server.sockets[0].getsockname()[1]
        async with server:
            yield self
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with _closing(writer):
            if await reader.readexactly(len(SSL_REQUEST)) != SSL_REQUEST:
                return
            writer.write(b"S")
            await writer.start_tls(self._context)
            shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
            self.came.append(x509.load_der_x509_certificate(shown).serial_number if shown else 0)
            to_server = await asyncio.open_connection(self._target.hostname, self._target.port)
            async with _closing(to_server[1]):
                both = {asyncio.create_task(_copy(*pair)) for pair in ((reader, to_server[1]), (to_server[0], writer))}
                _, left = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
                for task in left:
                    task.cancel()
                await asyncio.gather(*both, return_exceptions=True)


@contextlib.asynccontextmanager
async def _closing(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    """Close a connection at the end; one that breaks off is only closed."""
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        yield
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()
