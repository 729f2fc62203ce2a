"""The Python client on a real server: its key, its policy, refusals as data."""

import asyncio
from typing import Any

import grpc
import pytest
from groupbuy.team_formation.v1 import member_links_pb2
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb
from groupbuy.team_formation.v1 import team_formation_service_pb2_grpc as pb_grpc
from groupbuy_client import Refused, connect, connect_aio, new_request_id, refusal_of, refusing

from services.chassis.errors import Rejected, Unavailable, invalid
from tests.support.shaky import KEY, PLATFORM, ShakyServer


def joining() -> pb.JoinTeamRequest:
    return pb.JoinTeamRequest(request_id=new_request_id(), team_id="team_x", member_id="tom", sku="tea", quantity=1)


async def joined(server: ShakyServer, request: pb.JoinTeamRequest) -> pb.JoinTeamResponse:
    async with connect_aio(server.grpc, KEY, plaintext=True) as channel:
        stub: Any = pb_grpc.TeamFormationStub(channel)
        answer: pb.JoinTeamResponse = await stub.JoinTeam(request)
        return answer


async def test_what_is_unavailable_is_asked_again_with_the_same_request_id(shaky: ShakyServer) -> None:
    shaky.servicer.failing = [Unavailable("it starts"), Unavailable("it starts")]
    request = joining()
    assert (await joined(shaky, request)).seat.seat_id == str(PLATFORM)
    assert shaky.servicer.asked == [request] * 3


async def test_it_is_given_up_after_five_attempts(shaky: ShakyServer) -> None:
    shaky.servicer.failing = [Unavailable("it is gone")] * 9
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await joined(shaky, joining())
    refusal = refusal_of(error.value)
    assert refusal
    assert (refusal.reason, refusal.retry, refusal.metadata) == ("UNAVAILABLE", "same_id", {"cause": "it is gone"})
    assert len(shaky.servicer.asked) == 5


async def test_an_option_of_ones_own_goes_before_the_policys(shaky: ShakyServer) -> None:
    shaky.servicer.failing = [Unavailable("it starts")]
    async with connect_aio(shaky.grpc, KEY, plaintext=True, options=[("grpc.enable_retries", 0)]) as channel:
        stub: Any = pb_grpc.TeamFormationStub(channel)
        with pytest.raises(Refused), refusing():
            await stub.JoinTeam(joining())
    assert len(shaky.servicer.asked) == 1


async def test_a_refusal_is_asked_once_and_is_data(shaky: ShakyServer) -> None:
    shaky.servicer.failing = [Rejected("TEAM_FULL", {"unpaid": 2, "maximum": 5})]
    with pytest.raises(Refused) as error, refusing():
        await joined(shaky, joining())
    refusal = error.value.refusal
    assert (refusal.reason, refusal.retry, refusal.metadata) == ("TEAM_FULL", "after", {"unpaid": "2", "maximum": "5"})
    assert refusal.for_buyer("es") != refusal.for_buyer("en") == refusal.for_buyer("fi")
    assert len(shaky.servicer.asked) == 1
    shaky.servicer.failing = [invalid("quantity", "must be 1 or more")]
    with pytest.raises(Refused) as error, refusing():
        await joined(shaky, joining())
    assert error.value.refusal.fields == {"quantity": "must be 1 or more"}
    assert error.value.refusal.for_buyer("en") is None


async def test_what_makes_something_new_each_time_is_asked_once(shaky: ShakyServer) -> None:
    shaky.servicer.failing = [Unavailable("it starts")] * 2
    async with connect_aio(shaky.grpc, KEY, plaintext=True) as channel:
        stub: Any = pb_grpc.TeamFormationStub(channel)
        with pytest.raises(Refused), refusing():
            await stub.RevokeMemberLink(member_links_pb2.RevokeMemberLinkRequest(seat_id="x"))
    assert len(shaky.servicer.failing) == 1


async def test_a_stream_that_cannot_begin_is_asked_again(shaky: ShakyServer) -> None:
    shaky.servicer.failing = [Unavailable("it starts")]
    async with connect_aio(shaky.grpc, KEY, plaintext=True) as channel:
        stub: Any = pb_grpc.TeamFormationStub(channel)
        assert [item.team.team_id async for item in stub.WatchTeam(pb.WatchTeamRequest(team_id="t"))] == ["t"]


async def test_threads_have_the_same_channel(shaky: ShakyServer) -> None:
    shaky.servicer.failing = [Unavailable("it starts"), Rejected("TEAM_UNKNOWN")]
    request = joining()

    def called() -> tuple[str, list[str]]:
        with connect(shaky.grpc, KEY, plaintext=True) as channel:
            stub = pb_grpc.TeamFormationStub(channel)
            with pytest.raises(Refused) as error, refusing():
                stub.JoinTeam(request)
            seat = stub.JoinTeam(request).seat
            watched = [item.team.team_id for item in stub.WatchTeam(pb.WatchTeamRequest(team_id="t"))]
            return f"{error.value.refusal.reason} {seat.seat_id}", watched

    assert await asyncio.to_thread(called) == (f"TEAM_UNKNOWN {PLATFORM}", ["t"])
    assert shaky.servicer.asked == [request] * 3


async def test_who_cannot_be_reached_has_said_nothing() -> None:
    async with connect_aio("127.0.0.1:1", KEY, plaintext=True) as channel:
        stub: Any = pb_grpc.TeamFormationStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as error, refusing():
            await stub.JoinTeam(joining(), timeout=5)
    assert error.value.code() is grpc.StatusCode.UNAVAILABLE
    assert refusal_of(error.value) is None
