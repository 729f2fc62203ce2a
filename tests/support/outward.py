"""A guard on the way out of a process: whatever connects is noted, and does not get there."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest


@contextmanager
def no_way_out(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Let nothing of Python connect, and give the addresses that something tried to; servers and PostgreSQL go on.

    Every library that a channel uses, asyncio's own connections among them, calls the methods that are replaced here;
    psycopg and gRPC connect by C.
    """
    tried: list[Any] = []

    def refuse(_socket: socket.socket, address: Any) -> None:
        tried.append(address)
        raise ConnectionRefusedError("there is no way out of this test")

    def unknown(host: Any, *_: Any, **__: Any) -> Any:
        tried.append(host)
        raise socket.gaierror("there are no names in this test")

    with monkeypatch.context() as patched:
        patched.setattr(socket.socket, "connect", refuse)
        patched.setattr(socket.socket, "connect_ex", refuse)
        patched.setattr(socket.socket, "sendto", refuse)
        patched.setattr(socket, "getaddrinfo", unknown)
        patched.setattr(socket, "gethostbyname", unknown)
        yield tried
