"""DNS for pods and nodes: the names of services, as Kubernetes specifies them, read from the API server.

A service has the address it was given; one without (headless) has those of its pods that are ready. It stands for
CoreDNS, which a cluster would run: addresses of services and pods only, and what it does not know does not exist.
"""

import asyncio
import ssl
import struct
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import aiohttp

from tests.kubernetes.addresses import API_PORT, NAME_PORT, SERVER, ZONE

KEPT_SECONDS = 1.0
"""So old may an answer be, at the client too: what a headless service has changes with its pods."""
_A, _IN = 1, 1
_NO_ERROR, _FAILED, _NO_SUCH_NAME = 0, 2, 3
_HEADER = struct.Struct("!6H")
_ANSWER = 0x8400  # a response, with authority


class Names(asyncio.DatagramProtocol):
    """Answers on port 53 of the cluster's server address until it is closed."""

    def __init__(self, certificates: Path) -> None:
        self._tls = ssl.create_default_context(cafile=str(certificates / "ca.crt"))
        self._tls.load_cert_chain(certificates / "admin.crt", certificates / "admin.key")
        self._known: Mapping[str, Sequence[str]] = {}
        self._read_at = 0.0
        self._reading = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._transport: asyncio.DatagramTransport | None = None

    async def start(self) -> None:
        """Begin to answer."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, (SERVER, NAME_PORT))

    def stop(self) -> None:
        """Answer no more."""
        if self._transport:
            self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        """Answer a question when the names are known."""
        task = asyncio.get_running_loop().create_task(self._answer(data, addr))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, question: bytes, asker: tuple[str | Any, int]) -> None:
        try:
            await self._read()
        except (aiohttp.ClientError, TimeoutError):
            answer = reply(question, None)
        else:
            answer = reply(question, self._known)
        if answer and self._transport:
            self._transport.sendto(answer, asker)

    async def _read(self) -> None:
        async with self._reading:
            if time.monotonic() - self._read_at < KEPT_SECONDS:
                return
            base, limit = f"https://{SERVER}:{API_PORT}", aiohttp.ClientTimeout(total=2)
            async with aiohttp.ClientSession(base, timeout=limit) as session:
                services = await self._list(session, "/api/v1/services")
                slices = await self._list(session, "/apis/discovery.k8s.io/v1/endpointslices")
            self._known, self._read_at = addresses(services, slices), time.monotonic()

    async def _list(self, session: aiohttp.ClientSession, path: str) -> list[dict[str, Any]]:
        async with session.get(path, ssl=self._tls) as response:
            response.raise_for_status()
            items: list[dict[str, Any]] = (await response.json())["items"]
            return items


def addresses(services: Sequence[dict[str, Any]], slices: Sequence[dict[str, Any]]) -> Mapping[str, Sequence[str]]:
    """Give each service's addresses by its full name, without the last dot."""
    ready = defaultdict[tuple[str, str], list[str]](list)
    for item in slices:
        of = item["metadata"]["namespace"], item["metadata"].get("labels", {}).get("kubernetes.io/service-name", "")
        for endpoint in item.get("endpoints") or ():
            if endpoint.get("conditions", {}).get("ready"):
                ready[of] += endpoint["addresses"]
    named = {}
    for item in services:
        name, namespace, own = item["metadata"]["name"], item["metadata"]["namespace"], item["spec"].get("clusterIP")
        found = [own] if own and own != "None" else sorted(ready[namespace, name])
        named[f"{name}.{namespace}.svc.{ZONE}"] = found
    return named


def reply(question: bytes, known: Mapping[str, Sequence[str]] | None) -> bytes:
    """Answer a question in DNS's own bytes; None is known where the API server could not be asked."""
    try:
        number, _, _, _, _, _ = _HEADER.unpack_from(question)
        name, at = _name(question, _HEADER.size)
        kind, _ = struct.unpack_from("!2H", question, at)
    except (struct.error, IndexError, UnicodeDecodeError):
        return b""
    found = None if known is None else known.get(name)
    outcome = _FAILED if known is None else _NO_SUCH_NAME if found is None else _NO_ERROR
    records = [IPv4Address(address).packed for address in found or ()] if kind == _A else []
    flags = _ANSWER | (question[2] & 1) << 8 | outcome  # whether more was wished for is said back
    header = _HEADER.pack(number, flags, 1, len(records), 0, 0)
    pointer = struct.pack("!3HIH", 0xC000 | _HEADER.size, _A, _IN, int(KEPT_SECONDS), 4)
    return header + question[_HEADER.size : at + 4] + b"".join(pointer + packed for packed in records)


def _name(message: bytes, at: int) -> tuple[str, int]:
    labels = []
    while length := message[at]:
        labels.append(message[at + 1 : at + 1 + length].decode("ascii").lower())
        at += 1 + length
    return ".".join(labels), at + 1
