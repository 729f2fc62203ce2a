"""Readers of a page's events in the client's process, and joins through another process that change the page."""

import asyncio
import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.bench.campaign import JOIN, joins
from tests.bench.http2 import connect
from tests.bench.template import numbered

OPENING = 200
LAST_SECONDS = 20.0
OPEN_SECONDS = 120.0
_ID = b"\nid: "


@dataclass(frozen=True)
class PageJob:
    """Open `readers` streams of a page, then have members join `rate` times a second, some rounds long."""

    address: str
    path: str
    joined_at: str
    key: str
    team: str
    readers: int
    rate: float
    seconds: float
    rounds: int

    def line(self) -> bytes:
        """Write it for the client."""
        templates = [base64.b64encode(raw).decode() for raw in joins([self.team])]
        return json.dumps({"kind": "pages", "templates": templates, **vars(self)}).encode() + b"\n"


class _Reader(asyncio.Protocol):
    """One reader, who looks at nothing but the ids of events."""

    def __init__(self, audience: "PageAudience", request: bytes) -> None:
        self._audience = audience
        self._request = request
        self._rest = b""
        self.version = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        self._transport = transport
        transport.write(self._request)  # type: ignore[attr-defined]  # a stream's

    def data_received(self, data: bytes) -> None:
        """Note the newest version in what has arrived."""
        text = self._rest + data
        at = text.rfind(_ID)
        if at >= 0 and (end := text.find(b".", at)) > 0:
            self._audience.hear(self, int(text[at + len(_ID) : end]))
        self._rest = data[-24:]

    def connection_lost(self, _exc: Exception | None) -> None:
        """Note that the stream ended."""
        self._audience.ended()

    def close(self) -> None:
        """Close it."""
        self._transport.close()


@dataclass
class PageAudience:
    """All readers."""

    readers: list[_Reader] = field(default_factory=list)
    arrivals: int = 0
    last: int = 0
    """The last version that a change was answered with."""
    last_answered: float = 0.0
    all_have_it: float = 0.0
    changes: int = 0
    failures: int = 0
    closed: bool = False
    opened: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(OPENING))

    def hear(self, reader: _Reader, version: int) -> None:
        """Note that a reader got a version."""
        if reader.version < 0:
            self.opened.release()
        reader.version = max(reader.version, version)
        self.arrivals += 1

    def ended(self) -> None:
        """Note that a stream ended."""
        self.failures += not self.closed

    def behind(self) -> bool:
        """Tell whether a reader has not got the last version."""
        return any(reader.version < self.last for reader in self.readers)


async def read_pages(job: dict[str, Any], tell: Callable[[str], None]) -> dict[str, Any]:
    """Do a job."""
    from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb  # noqa: PLC0415 - the other jobs need it not

    audience, loop = PageAudience(), asyncio.get_running_loop()
    host, _, port = job["address"].rpartition(":")
    request = f"GET {job['path']} HTTP/1.1\r\nhost: {job['address']}\r\naccept-language: en\r\n\r\n".encode()
    changing = await connect(job["joined_at"], JOIN, [("authorization", f"Bearer {job['key']}")])
    requests = numbered([base64.b64decode(text) for text in job["templates"]])

    def answered(trouble: str, body: bytes) -> None:
        audience.failures += bool(trouble)
        if not trouble:
            version = pb.JoinTeamResponse.FromString(body).team.version
            audience.changes += 1
            if version > audience.last:
                audience.last, audience.last_answered = version, time.monotonic()

    try:
        async with asyncio.timeout(OPEN_SECONDS):
            for _ in range(job["readers"]):
                await audience.opened.acquire()
                _, reader = await loop.create_connection(lambda: _Reader(audience, request), host, int(port))
                audience.readers.append(reader)
            for _ in range(OPENING):
                await audience.opened.acquire()
        tell("opened")
        tell("begin")
        worked = time.process_time()
        rounds = []
        for _ in range(job["rounds"]):
            audience.arrivals = audience.changes = 0
            began = intended = time.monotonic()
            while intended - began < job["seconds"]:
                intended += 1 / job["rate"]
                await asyncio.sleep(max(intended - time.monotonic(), 0))
                changing.call(next(requests), answered)
            ended = time.monotonic()
            await asyncio.sleep(0.2)
            while audience.behind() and time.monotonic() - ended < LAST_SECONDS:  # noqa: ASYNC110 - a look costs little
                await asyncio.sleep(0.01)
            rounds.append(
                {
                    "last": max(time.monotonic() - audience.last_answered, 0.0),
                    "arrivals": audience.arrivals / (time.monotonic() - began),
                    "changes": audience.changes / (ended - began),
                }
            )
            audience.failures += audience.behind()
        worked = time.process_time() - worked
        tell("end")
    finally:
        audience.closed = True
        for reader in audience.readers:
            reader.close()
        changing.close()
    failures = {"a stream ended, or a join failed, or a reader was left behind": audience.failures}
    return {"rounds": rounds, "cpu_seconds": worked, "failures": failures if audience.failures else {}}
