"""Calls that are not answered in time, over a real channel: dropped before the decision, standing after it.

What is no decision (UNAVAILABLE, RESOURCE_EXHAUSTED, DEADLINE_EXCEEDED) is never stored: the same request id is decided
when it is asked again.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import grpc
import pytest
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb
from prometheus_client import REGISTRY

from tests.support.formation import Formation
from tests.support.shop_api import Api, a_request, refused
from tests.support.until import until

SECONDS = 3.0
"""A caller's deadline: long enough to come where it shall be, on a slow machine too."""
RPC_SECONDS = "groupbuy_rpc_seconds"
JOIN_TEAM = "/groupbuy.team_formation.v1.TeamFormation/JoinTeam"
JOIN_TEAMS = "/groupbuy.team_formation.v1.TeamFormation/JoinTeams"


@pytest.fixture
async def team(api: Api) -> str:
    """An open team with one seat."""
    campaign = (await api.call("CreateCampaign", a_request())).campaign
    opened = pb.OpenTeamRequest(request_id="o", campaign_id=campaign.campaign_id, member_id="mei")
    return str((await api.call("OpenTeam", opened)).team.team_id)


@asynccontextmanager
async def teams_locked(formation: Formation) -> AsyncIterator[None]:
    """Hold every team, so that nothing about them can be decided."""
    async with formation.database.direct() as connection, connection.transaction():
        await connection.execute("SELECT 1 FROM teams FOR UPDATE")
        yield


async def waiting(formation: Formation) -> list[int]:
    """Find the backends that wait for a lock."""
    rows = await formation.rows(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    return [pid for (pid,) in rows]


@contextmanager
def given_up(method: str) -> Iterator[Any]:
    """Give a function that tells how many calls the server has seen given up since."""

    def count() -> float:
        return REGISTRY.get_sample_value(f"{RPC_SECONDS}_count", {"method": method, "code": "CANCELLED"}) or 0.0

    before = count()
    yield lambda: count() - before


def join(team: str, member: str) -> pb.JoinTeamRequest:
    return pb.JoinTeamRequest(request_id=f"of-{member}", team_id=team, member_id=member)


async def ends(api: Api, method: str, request: Any) -> None:
    """Make a call that must not be answered within its deadline."""
    metadata = (("authorization", f"Bearer {api.key}"),)
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await getattr(api.stub, method)(request, metadata=metadata, timeout=SECONDS)
    assert raised.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


async def members(formation: Formation) -> list[str]:
    return [member for (member,) in await formation.rows("SELECT member_id FROM seats ORDER BY number")]


async def stored(formation: Formation) -> list[str]:
    """Read the ids of the stored requests about seats."""
    rows = await formation.rows("SELECT request_id FROM requests WHERE rpc <> 'CreateCampaign' ORDER BY request_id")
    return [request_id for (request_id,) in rows]


async def test_a_deadline_before_the_decision_drops_the_call_and_after_it_the_seat_stands(
    api: Api, formation: Formation, team: str
) -> None:
    """Tom's join is being decided when his deadline passes, lin's and a bulk of two still wait for their batch."""
    bulk = pb.JoinTeamsRequest(joins=[join(team, "kim"), join(team, "sol")])
    with given_up(JOIN_TEAM) as singles, given_up(JOIN_TEAMS) as bulks:
        async with teams_locked(formation):
            tom = asyncio.ensure_future(ends(api, "JoinTeam", join(team, "tom")))
            await until(lambda: waiting(formation))
            await asyncio.gather(tom, ends(api, "JoinTeam", join(team, "lin")), ends(api, "JoinTeams", bulk))
            await until(lambda: singles() == 2 and bulks() == 1)
            assert await members(formation) == ["mei"]
    await api.call("JoinTeam", join(team, "ida"))
    assert await members(formation) == ["mei", "tom", "ida"]
    assert await stored(formation) == ["o", "of-ida", "of-tom"]
    again = await api.call("JoinTeam", join(team, "tom"))
    assert (again.seat.member_id, again.team.totals.held_members) == ("tom", 2), "as it was decided"
    assert (await api.call("JoinTeam", join(team, "lin"))).team.totals.held_members == 4
    [kim, sol] = (await api.call("JoinTeams", bulk)).results
    assert (kim.joined.team.totals.held_members, sol.refused.reason) == (5, "TEAM_FULL")
    assert await members(formation) == ["mei", "tom", "ida", "lin", "kim"]


async def test_unavailable_is_not_stored(api: Api, formation: Formation, team: str) -> None:
    """The server's sessions are ended again and again while they wait, as often as a batch is tried."""

    async def end_whoever_waits() -> None:
        while True:
            pids = await until(lambda: waiting(formation))
            await formation.rows("SELECT pg_terminate_backend(pid) FROM unnest(%s::int[]) AS pid", pids)

    async with teams_locked(formation):
        ending = asyncio.create_task(end_whoever_waits())
        code, reason, _ = await refused(api.call("JoinTeam", join(team, "tom")))
        ending.cancel()
        await asyncio.wait([ending])
    assert (code, reason) == (grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE")
    assert await stored(formation) == ["o"]
    assert await members(formation) == ["mei"]
    assert (await api.call("JoinTeam", join(team, "tom"))).seat.member_id == "tom"
    assert await stored(formation) == ["o", "of-tom"]


async def test_resource_exhausted_is_not_stored(api: Api, formation: Formation, team: str) -> None:
    """A request too large for gRPC is refused before anybody reads it."""
    large = join(team, "tom")
    large.external_ref = "x" * 5 * 1024 * 1024
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await api.call("JoinTeam", large)
    assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert await stored(formation) == ["o"]
    assert (await api.call("JoinTeam", join(team, "tom"))).seat.member_id == "tom"
