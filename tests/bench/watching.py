"""Readers of WatchTeam in the client's process, and the joins that change what they read."""

import asyncio
import base64
import json
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb

from tests.bench.campaign import JOIN, joins
from tests.bench.http2 import Connection, connect
from tests.bench.load import summary
from tests.bench.template import numbered

WATCH = "/groupbuy.team_formation.v1.TeamFormation/WatchTeam"
OPENING = 200
"""Streams that are opened at a time."""
STREAMS_A_CONNECTION = 500
OPEN_SECONDS = 120.0
LAST_SECONDS = 20.0
ENDED = "its stream ended while the team was open"


@dataclass(frozen=True)
class WatchJob:
    """Open `readers` streams on each team, then have members join in turn, `rate` a second, some rounds long.

    They join through another process than the readers': what is measured is what readers cost theirs.
    """

    address: str
    joined_at: str
    key: str
    teams: Sequence[str]
    readers: int
    rate: float
    seconds: float
    rounds: int

    def line(self) -> bytes:
        """Write it for the client."""
        templates = [base64.b64encode(raw).decode() for raw in joins(self.teams)]
        return json.dumps({"kind": "watch", "templates": templates, **vars(self)}).encode() + b"\n"


@dataclass
class _Team:
    """What readers of one team have seen."""

    versions: list[int]
    """The last one that each reader got."""
    acknowledged: dict[int, float] = field(default_factory=dict)
    """When the change to a version was answered."""
    slowest: dict[int, float] = field(default_factory=dict)
    """When a version last arrived anywhere."""
    last: int = 0
    """The last version that was answered."""


@dataclass
class Audience:
    """All readers, and what they got since the last round began: team, version, when."""

    teams: dict[str, _Team]
    arrivals: list[tuple[str, int, float]] = field(default_factory=list)
    failures: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    changes: int = 0
    """Joins that were answered since the last round began."""
    under_way: int = 0
    closed: bool = False
    """From then on streams end because we end them."""

    def hear(self, name: str, reader: int, raw: bytes) -> None:
        """Note that a reader got a state."""
        now = time.monotonic()
        version = pb.WatchTeamResponse.FromString(raw).team.version
        team = self.teams[name]
        team.versions[reader] = version
        team.slowest[version] = now
        self.arrivals.append((name, version, now))

    def acknowledge(self, raw: bytes) -> None:
        """Note that a change was answered."""
        answer = pb.JoinTeamResponse.FromString(raw).team
        team = self.teams[answer.team_id]
        team.acknowledged[answer.version] = time.monotonic()
        team.last = max(team.last, answer.version)
        self.changes += 1

    def fail(self, trouble: str) -> None:
        """Note that a stream or a change failed."""
        if not self.closed:
            self.failures[trouble] += 1

    def delays(self) -> list[float]:
        """Give the seconds from the answer to a change until a reader had that state; 0 where the reader was first."""
        known = [(self.teams[name].acknowledged.get(version), at) for name, version, at in self.arrivals]
        return [max(at - answered, 0.0) for answered, at in known if answered is not None]

    def last_delay(self) -> float:
        """Give the seconds from the last change of a team until its slowest reader had it; the worst of all teams."""
        changed = [team for team in self.teams.values() if team.last in team.slowest]
        return max((max(team.slowest[team.last] - team.acknowledged[team.last], 0.0) for team in changed), default=0.0)

    def behind(self) -> bool:
        """Tell whether a join has no answer yet, or a reader has not got the last state of its team."""
        return self.under_way > 0 or any(min(team.versions) < team.last for team in self.teams.values())


async def watch(job: dict[str, Any], tell: Callable[[str], None]) -> dict[str, Any]:
    """Do a job."""
    headers = [("authorization", f"Bearer {job['key']}")]
    readers = [name for name in job["teams"] for _ in range(job["readers"])]
    count = -(-len(readers) // STREAMS_A_CONNECTION)
    connections = [await connect(job["address"], WATCH, headers) for _ in range(count)]
    changing = await connect(job["joined_at"], JOIN, headers)
    audience = Audience({name: _Team([0] * job["readers"]) for name in job["teams"]})
    try:
        async with asyncio.timeout(OPEN_SECONDS):
            await _open(audience, connections, job["teams"], job["readers"])
        tell("opened")
        requests = numbered([base64.b64decode(text) for text in job["templates"]])
        tell("begin")
        worked = time.process_time()
        rounds = [await _round(audience, changing, requests, job) for _ in range(job["rounds"])]
        worked = time.process_time() - worked
        tell("end")
    finally:
        audience.closed = True
        for connection in (*connections, changing):
            connection.close()
    return {"rounds": rounds, "cpu_seconds": worked, "failures": dict(audience.failures)}


async def _open(audience: Audience, connections: Sequence[Connection], teams: Sequence[str], readers: int) -> None:
    """Open every stream, some at a time; returns when each has its first state."""
    room = asyncio.Semaphore(OPENING)
    for number in range(len(teams) * readers):
        await room.acquire()
        name, reader = teams[number % len(teams)], number // len(teams)
        request = pb.WatchTeamRequest(team_id=name).SerializeToString()
        connections[number % len(connections)].call(
            request,
            lambda trouble, _body: audience.fail(f"a reader: {trouble or ENDED}"),
            _teller(audience, name, reader, room),
        )
    for _ in range(OPENING):
        await room.acquire()


def _teller(audience: Audience, name: str, reader: int, room: asyncio.Semaphore) -> Callable[[bytes], None]:
    first = True

    def told(raw: bytes) -> None:
        nonlocal first
        audience.hear(name, reader, raw)
        if first:
            first = False
            room.release()

    return told


async def _round(audience: Audience, connection: Connection, requests: Any, job: dict[str, Any]) -> dict[str, Any]:
    """Change teams for a while, evenly, then wait until every reader has the last state."""
    audience.arrivals, audience.changes = [], 0
    began = intended = time.monotonic()

    def done(trouble: str, body: bytes) -> None:
        audience.under_way -= 1
        if trouble:
            audience.fail(f"a join: {trouble}")
        else:
            audience.acknowledge(body)

    while intended - began < job["seconds"]:
        intended += 1 / job["rate"]
        await asyncio.sleep(max(intended - time.monotonic(), 0))
        audience.under_way += 1
        connection.call(next(requests), done)
    ended, changes = time.monotonic(), audience.changes
    while audience.behind() and time.monotonic() - ended < LAST_SECONDS:  # noqa: ASYNC110 - a look costs little
        await asyncio.sleep(0.01)
    if audience.behind():
        audience.fail(f"a reader had not got the last state after {LAST_SECONDS:.0f} s")
    seconds = time.monotonic() - began
    changed = changes / (ended - began)
    return {
        "delay": summary(audience.delays()),
        "last": audience.last_delay(),
        "messages": len(audience.arrivals),
        "changes": changed,
        "seconds": seconds,
    }
