"""The gRPC server over a real channel: who may call, what every kind of end looks like to the caller, and the drain."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import grpc
import psutil
import pytest
from google.rpc import error_details_pb2
from groupbuy.team_formation.v1 import team_formation_internal_pb2 as internal_pb2
from groupbuy.team_formation.v1 import team_formation_internal_pb2_grpc as internal_grpc
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb
from groupbuy.team_formation.v1 import team_formation_service_pb2_grpc as pb_grpc
from groupbuy.team_formation.v1 import types_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_status import rpc_status
from prometheus_client import REGISTRY

from services.chassis import trace
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.errors import Rejected, Unavailable, invalid
from services.chassis.gate import caller, caller_key
from services.chassis.platforms import Key, KeyRing, Platform, hash_secret, save_platforms
from services.chassis.server import LISTENERS, GrpcServer, Servicer
from services.chassis.status import rejected_by
from tests.support.doors import said_of
from tests.support.until import until

PLATFORM = UUID(int=5)
KEY = (("authorization", "Bearer gbk_k1_secret"),)
SERVICE_KEY = (("authorization", "Bearer the-key-of-the-services"),)
PUBLIC = "groupbuy.team_formation.v1.TeamFormation"
INTERNAL = "groupbuy.team_formation.v1.TeamFormationInternal"

Context = grpc.aio.ServicerContext[Any, Any]
Behaviour = Callable[[], Awaitable[None]]


class Public(pb_grpc.TeamFormationServicer):
    """Does what the test says, then answers with the platform and the trace of the call."""

    def __init__(self) -> None:
        self.behave: Behaviour = nothing

    async def GetTeam(self, _request: pb.GetTeamRequest, _context: Context) -> pb.GetTeamResponse:  # noqa: N802
        await self.behave()
        return pb.GetTeamResponse(
            team=types_pb2.Team(team_id=str(caller()), campaign_id=trace.trace_id(), external_ref=caller_key())
        )

    async def ListTeams(self, _request: pb.ListTeamsRequest, _context: Context) -> bytes:  # type: ignore[override] # noqa: N802
        return pb.ListTeamsResponse(teams=[types_pb2.Team(team_id="stored")]).SerializeToString()

    async def WatchTeam(  # noqa: N802
        self, _request: pb.WatchTeamRequest, _context: Context
    ) -> AsyncIterator[pb.WatchTeamResponse]:
        yield pb.WatchTeamResponse()
        await self.behave()
        yield pb.WatchTeamResponse()


class Internal(internal_grpc.TeamFormationInternalServicer):
    async def ListPlatforms(  # noqa: N802
        self, _request: internal_pb2.ListPlatformsRequest, _context: Context
    ) -> internal_pb2.ListPlatformsResponse:
        return internal_pb2.ListPlatformsResponse()


INTERNAL_RPCS = Internal()  # type: ignore[abstract]  # what is missing is answered as unimplemented


async def nothing() -> None:
    """Answer at once."""


def raising(error: Exception) -> Behaviour:
    async def behave() -> None:
        raise error

    return behave


class House:
    """A server with one platform, and a channel to it."""

    def __init__(self, store: Database) -> None:
        self.public = Public()  # type: ignore[abstract]  # what is missing is answered as unimplemented
        servicers = [
            Servicer(PUBLIC, self.public, pb_grpc.add_TeamFormationServicer_to_server),
            Servicer(INTERNAL, INTERNAL_RPCS, internal_grpc.add_TeamFormationInternalServicer_to_server),
        ]
        keys = KeyRing(store, Clock())
        self.server = GrpcServer(
            "127.0.0.1:0", servicers, keys, service_key="the-key-of-the-services", drain_seconds=20, longest_call=5
        )

    async def start(self) -> None:
        await self.server.start()
        self.channel = grpc.aio.insecure_channel(f"127.0.0.1:{self.server.port}")
        self.stub = pb_grpc.TeamFormationStub(self.channel)
        self.internal = internal_grpc.TeamFormationInternalStub(self.channel)

    async def ask(self, metadata: tuple[tuple[str, str], ...] = KEY, **options: Any) -> types_pb2.Team:
        return (await self.stub.GetTeam(pb.GetTeamRequest(), metadata=metadata, **options)).team

    async def watch(self) -> list[pb.WatchTeamResponse]:
        return [item async for item in self.stub.WatchTeam(pb.WatchTeamRequest(), metadata=KEY)]


@pytest.fixture
async def house(store: Database) -> AsyncIterator[House]:
    async with store.work() as work:
        keys = (
            Key("k1", hash_secret("secret"), None),
            Key("k2", hash_secret("secret"), None, frozenset({"members"})),
            Key("k3", hash_secret("secret"), None, frozenset({"later"})),
        )
        await save_platforms(
            work.connection, [Platform(PLATFORM, "Shop", suspended=False, sequence=1, keys=keys)], datetime.now(UTC)
        )
    made = House(store)
    await made.start()
    yield made
    await made.channel.close()
    await made.server.stop()


async def failed(call: Awaitable[object]) -> tuple[grpc.StatusCode, str, dict[str, str], str]:
    """How a call failed: code, reason, metadata of the reason, text."""
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    status = rpc_status.from_call(error.value)  # type: ignore[arg-type]  # it has what a call has
    info = error_details_pb2.ErrorInfo()
    assert status is not None
    assert status.details[0].Unpack(info)
    return error.value.code(), info.reason, dict(info.metadata), status.message


async def test_a_call_comes_from_its_keys_platform_and_keeps_its_trace(house: House) -> None:
    mine = trace.new_traceparent()
    team = await house.ask((*KEY, ("traceparent", mine)))
    assert (team.team_id, team.campaign_id) == (str(PLATFORM), mine[3:35])
    assert len((await house.ask()).campaign_id) == 32


async def test_a_call_tells_by_which_of_its_platforms_keys_it_came(house: House) -> None:
    other = (("authorization", "Bearer gbk_k2_secret"),)
    assert [(await house.ask(metadata)).external_ref for metadata in (KEY, other, KEY)] == ["k1", "k2", "k1"]


async def test_a_key_without_the_scope_that_a_call_needs_is_told_which(house: House) -> None:
    for key, has in (("k2", "members"), ("k3", "later")):
        call = house.stub.CreateCampaign(
            pb.CreateCampaignRequest(), metadata=(("authorization", f"Bearer gbk_{key}_secret"),)
        )
        code, reason, info, text = await failed(call)
        assert (code, reason) == (grpc.StatusCode.PERMISSION_DENIED, "SCOPE_MISSING")
        assert info == {"scope": "campaigns", "key_id": key, "scopes": has, "retry": "never"}
        assert "needs a key with the scope campaigns" in text
    assert (await failed(house.ask((("authorization", "Bearer gbk_k3_secret"),))))[1] == "SCOPE_MISSING"


async def test_a_response_may_be_given_as_the_bytes_that_were_stored(house: House) -> None:
    assert (await house.stub.ListTeams(pb.ListTeamsRequest(), metadata=KEY)).teams[0].team_id == "stored"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "KEY_MISSING"),
        ("", "KEY_MISSING"),
        ("Basic abc", "KEY_MISSING"),
        ("Bearer", "KEY_MISSING"),
        ("Bearer nonsense", "KEY_UNKNOWN"),
        ("Bearer gbk_k1_wrong", "KEY_UNKNOWN"),
        ("Bearer the-key-of-the-services", "KEY_UNKNOWN"),
    ],
)
async def test_without_a_good_key_nobody_is_answered(house: House, value: str | None, reason: str) -> None:
    metadata = (("authorization", value),) if value is not None else ()
    code, found, info, _ = await failed(house.ask(metadata))
    assert (code, found, info["retry"]) == (grpc.StatusCode.UNAUTHENTICATED, reason, "never")


async def test_the_services_own_rpcs_take_the_services_key_only(house: House) -> None:
    await house.internal.ListPlatforms(internal_pb2.ListPlatformsRequest(), metadata=SERVICE_KEY)
    for metadata, reason in ((KEY, "KEY_UNKNOWN"), ((), "KEY_MISSING")):
        call = house.internal.ListPlatforms(internal_pb2.ListPlatformsRequest(), metadata=metadata)
        assert (await failed(call))[:2] == (grpc.StatusCode.UNAUTHENTICATED, reason)


async def test_a_server_without_a_service_key_answers_no_service(store: Database) -> None:
    servicers = [Servicer(INTERNAL, INTERNAL_RPCS, internal_grpc.add_TeamFormationInternalServicer_to_server)]
    server = GrpcServer("127.0.0.1:0", servicers, KeyRing(store, Clock()), service_key="", drain_seconds=1)
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub = internal_grpc.TeamFormationInternalStub(channel)
        for bearer in ("Bearer ", "Bearer x"):
            call = stub.ListPlatforms(internal_pb2.ListPlatformsRequest(), metadata=(("authorization", bearer),))
            assert (await failed(call))[0] is grpc.StatusCode.UNAUTHENTICATED
    await server.stop()


async def test_a_refusal_has_reason_metadata_and_fields(house: House) -> None:
    house.public.behave = raising(Rejected("TEAM_FULL", {"unpaid": 2, "maximum": 5}))
    code, reason, info, text = await failed(house.ask())
    assert (code, reason, info) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "TEAM_FULL",
        {"unpaid": "2", "maximum": "5", "retry": "after"},
    )
    assert text.startswith("The team is full; 2 of its 5")
    house.public.behave = raising(invalid("quantity", "must be 1 or more"))
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await house.ask()
    bad = error_details_pb2.BadRequest()
    status = rpc_status.from_call(error.value)  # type: ignore[arg-type]  # it has what a call has
    assert status is not None
    assert status.details[1].Unpack(bad)
    assert [(item.field, item.description) for item in bad.field_violations] == [("quantity", "must be 1 or more")]


async def test_a_fault_of_ours_tells_nothing_of_its_inside(house: House) -> None:
    mine = trace.new_traceparent()
    house.public.behave = raising(KeyError("password=hunter2"))
    code, reason, info, text = await failed(house.ask((*KEY, ("traceparent", mine))))
    assert (code, reason, info["trace_id"]) == (grpc.StatusCode.INTERNAL, "INTERNAL", mine[3:35])
    assert "hunter2" not in text


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (Unavailable("the service is stopping"), "the service is stopping"),
        (ConnectionError("x"), "a connection failed"),
    ],
)
async def test_what_may_pass_is_unavailable(house: House, error: Exception, cause: str) -> None:
    house.public.behave = raising(error)
    code, reason, info, _ = await failed(house.ask())
    assert (code, reason, info) == (grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE", {"cause": cause, "retry": "same_id"})


async def test_without_a_database_calls_are_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = Database("postgresql://postgres@127.0.0.1:1/nowhere")
    monkeypatch.setattr(nowhere._pool, "timeout", 0.2)
    await nowhere.start()
    house = House(nowhere)
    await house.start()
    code, reason, info, _ = await failed(house.ask())
    assert (code, reason, info["cause"]) == (
        grpc.StatusCode.UNAVAILABLE,
        "UNAVAILABLE",
        "the database does not answer",
    )
    await house.channel.close()
    await house.server.stop()
    await nowhere.stop()


async def test_a_stream_ends_as_a_call_does(house: House) -> None:
    assert len(await house.watch()) == 2
    house.public.behave = raising(Rejected("TEAM_UNKNOWN"))
    assert (await failed(house.watch()))[:2] == (grpc.StatusCode.NOT_FOUND, "TEAM_UNKNOWN")
    house.public.behave = raising(KeyError("x"))
    assert (await failed(house.watch()))[0] is grpc.StatusCode.INTERNAL


async def test_a_call_has_a_longest_time(house: House) -> None:
    house.server.gate._longest_call = 0.01
    house.public.behave = asyncio.Event().wait  # type: ignore[assignment]
    code, _, info, _ = await failed(house.ask())
    assert (code, info["cause"]) == (grpc.StatusCode.UNAVAILABLE, "there was no answer within 0.01 seconds")


async def test_a_caller_that_gives_up_cancels_the_call(house: House) -> None:
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def behave() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    house.public.behave = behave
    call = asyncio.create_task(house.ask())
    await begun.wait()
    before = counted("CANCELLED")
    call.cancel()
    await cancelled.wait()
    await until(lambda: counted("CANCELLED") == before + 1)


async def test_health_and_reflection_need_no_key(house: House) -> None:
    health: Any = health_pb2_grpc.HealthStub(house.channel)
    for name in ("", PUBLIC, INTERNAL):
        answer = await health.Check(health_pb2.HealthCheckRequest(service=name))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    stub: Any = reflection_pb2_grpc.ServerReflectionStub
    reflection = stub(house.channel)
    wanted = reflection_pb2.ServerReflectionRequest(list_services="")
    listed = [answer async for answer in reflection.ServerReflectionInfo(iter([wanted]))]
    names = {service.name for service in listed[0].list_services_response.service}
    assert {PUBLIC, INTERNAL, "grpc.health.v1.Health"} <= names


async def test_a_call_under_way_is_answered_before_the_server_stops(house: House) -> None:
    begun, go = asyncio.Event(), asyncio.Event()

    async def behave() -> None:
        begun.set()
        await go.wait()

    house.public.behave = behave
    call = asyncio.create_task(house.ask())
    await begun.wait()
    stub: Any = health_pb2_grpc.HealthStub(house.channel)
    health = stub.Watch(health_pb2.HealthCheckRequest())
    states = aiter(health)
    assert (await anext(states)).status == health_pb2.HealthCheckResponse.SERVING
    stopping = asyncio.create_task(house.server.stop())
    assert (await anext(states)).status == health_pb2.HealthCheckResponse.NOT_SERVING
    health.cancel()
    go.set()
    assert (await call).team_id == str(PLATFORM)
    await stopping


def counted(code: str) -> float:
    labels = {"method": f"/{PUBLIC}/GetTeam", "code": code}
    return REGISTRY.get_sample_value("groupbuy_rpc_seconds_count", labels) or 0.0


async def test_calls_are_counted_by_their_code(house: House) -> None:
    before = {code: counted(code) for code in ("OK", "NOT_FOUND", "INTERNAL", "UNAUTHENTICATED")}
    await house.ask()
    for error in (Rejected("TEAM_UNKNOWN"), KeyError("x")):
        house.public.behave = raising(error)
        await failed(house.ask())
    await failed(house.ask(()))
    wanted = dict.fromkeys(before, 1)  # a call is counted when it has ended here, a moment after its answer
    await until(lambda: {code: counted(code) - before[code] for code in before} == wanted)


async def test_a_port_that_is_taken_is_named_with_the_remedy(house: House, store: Database) -> None:
    taken = f"127.0.0.1:{house.server.port}"
    second = GrpcServer(taken, [], KeyRing(store, Clock()), service_key="", drain_seconds=1)
    with pytest.raises(OSError, match=rf"cannot listen on {taken}.*GROUPBUY_LISTEN"):
        await second.start()


async def test_a_refusal_by_another_services_rules_is_a_value(house: House) -> None:
    house.public.behave = raising(Rejected("LADDER_INVALID"))
    answer = await rejected_by(house.stub.GetTeam(pb.GetTeamRequest(), metadata=KEY))
    assert isinstance(answer, Rejected)
    assert answer.reason == "LADDER_INVALID"


@pytest.mark.parametrize("error", [KeyError("x"), Unavailable("x"), Rejected("KEY_UNKNOWN")])
async def test_what_another_service_says_of_itself_is_no_answer(house: House, error: Exception) -> None:
    house.public.behave = raising(error)
    with pytest.raises(grpc.aio.AioRpcError):
        await rejected_by(house.stub.GetTeam(pb.GetTeamRequest(), metadata=KEY))


async def test_connections_are_spread_over_servers_that_take_calls_side_by_side(house: House) -> None:
    sockets = psutil.Process().net_connections("tcp")
    listening = [item for item in sockets if item.status == psutil.CONN_LISTEN and item.laddr.port == house.server.port]
    assert len(listening) == LISTENERS > 1


async def never() -> AsyncIterator[bytes]:
    await asyncio.Event().wait()
    yield b""


async def test_a_call_is_refused_before_its_request_is_read(house: House) -> None:
    call: Any = house.channel.stream_unary(f"/{PUBLIC}/GetTeam")
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call(never(), metadata=(("authorization", "Bearer gbk_nobody_s"),), timeout=10)
    assert said_of(error.value).reason == "KEY_UNKNOWN"


@pytest.mark.parametrize("method", ["GetTeam", "WatchTeam"])
async def test_a_request_that_does_not_come_is_not_waited_for_without_end(house: House, method: str) -> None:
    house.server.gate._longest_call = 0.01
    call: Any = house.channel.stream_unary(f"/{PUBLIC}/{method}")
    code, *_, said = await failed(call(never(), metadata=KEY))
    assert (code, said.partition(". ")[2]) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "request: it did not come within 0.01 seconds",
    )


@pytest.mark.parametrize("method", ["GetTeam", "WatchTeam"])
async def test_a_call_that_ends_without_a_request_is_refused(house: House, method: str) -> None:
    call: Any = house.channel.stream_unary(f"/{PUBLIC}/{method}")
    assert (await failed(call(iter(()), metadata=KEY)))[0] is grpc.StatusCode.INVALID_ARGUMENT
