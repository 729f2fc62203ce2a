"""Probes: a listener that is well, one that is not, and one that is another process."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from deploy.local.sockets import free_port
from deploy.local.stack.probe import probe


@pytest.fixture
async def service() -> AsyncIterator[str]:
    """A service that is ready and says that it is process 77."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Process-Id: 77\r\nConnection: close\r\n\r\n{}")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/readyz"
    server.close()


async def test_a_service_that_is_ready_is_well_for_anybody_and_for_its_own_starter(service: str) -> None:
    assert await probe(service)
    assert await probe(service, 77)


async def test_another_process_on_the_port_is_not_the_one_that_was_started(service: str) -> None:
    assert not await probe(service, 78)


async def test_a_listener_that_says_nothing_of_itself_is_believed(service: str) -> None:
    assert await probe(service.replace("http:", "tcp:").removesuffix("/readyz"), 78)


async def test_nothing_there_is_not_well() -> None:
    assert not await probe(f"http://127.0.0.1:{free_port()}/readyz")
