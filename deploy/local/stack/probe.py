"""Ask a listener whether it is well: `tcp://host:port` accepts a connection, `http://host:port/path` answers 200."""

import asyncio
from urllib.parse import urlsplit

_SECONDS = 2.0
_PROCESS = b"x-process-id:"


async def probe(url: str, pid: int | None = None) -> bool:
    """Whether what listens at `url` is well; False if it does not answer within two seconds.

    With `pid`, a service that says it is another process is not meant: two stacks may start on one machine at once.
    """
    try:
        async with asyncio.timeout(_SECONDS):
            return await _ask(url, pid)
    except (OSError, TimeoutError, ValueError):
        return False


async def _ask(url: str, pid: int | None) -> bool:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        if parts.scheme == "tcp":
            return True
        writer.write(f"GET {parts.path} HTTP/1.0\r\nHost: {parts.netloc}\r\n\r\n".encode())
        status = await reader.readline()
        headers = [line.lower().split() async for line in reader]
        said = next((int(line[1]) for line in headers if line[:1] == [_PROCESS]), pid)  # others do not say
        return status.split(maxsplit=2)[1:2] == [b"200"] and pid in (None, said)
    finally:
        writer.close()
