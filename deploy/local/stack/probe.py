"""Ask a listener whether it is well: `tcp://host:port` accepts a connection, `http://host:port/path` answers 200."""

import asyncio
from urllib.parse import urlsplit

_SECONDS = 2.0


async def probe(url: str) -> bool:
    """Whether what listens at `url` is well; False if it does not answer within two seconds."""
    try:
        async with asyncio.timeout(_SECONDS):
            return await _ask(url)
    except (OSError, TimeoutError, ValueError):
        return False


async def _ask(url: str) -> bool:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        if parts.scheme == "tcp":
            return True
        writer.write(f"GET {parts.path} HTTP/1.0\r\nHost: {parts.netloc}\r\n\r\n".encode())
        status = await reader.readline()
        return status.split(maxsplit=2)[1:2] == [b"200"]
    finally:
        writer.close()
