"""Limits over a real gRPC server: a flood and a quiet platform, with exact counts in SQL."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
from click.testing import CliRunner
from google.rpc import error_details_pb2
from groupbuy.chassis.v1 import quotas_pb2, quotas_pb2_grpc
from groupbuy.team_formation.v1 import events_pb2, types_pb2
from groupbuy.team_formation.v1 import team_formation_internal_pb2 as internal_pb
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb
from grpc_status import rpc_status
from psycopg import AsyncConnection

from deploy.cli.platform_limits import limits
from services.chassis import ids, queueing
from services.chassis.clock import ManualClock
from services.chassis.limit_rows import LimitReader
from services.chassis.limits import Limiter
from tests.support.formation import Formation
from tests.support.shop_api import SERVICE_KEY, Api, a_request, refused, serving
from tests.support.until import until

BURST = 2
"""Seconds' worth of a rate that may be used at once."""
DEFAULTS = {
    "requests_per_second": 1000,
    "key_requests_per_second": 1000,
    "streams": 50,
    "key_streams": 50,
    "joins_per_second": 1000,
    "key_joins_per_second": 1000,
    "campaigns": 50,
}
OPERATOR = (("authorization", f"Bearer {SERVICE_KEY}"),)


@dataclass
class Shop:
    """One platform's client, with a team that has room for all."""

    api: Api
    formation: Formation
    platform_id: str
    key: str
    team_id: str = ""
    said: Counter[str] = field(default_factory=Counter)
    """Answers to its joins, by OK or reason."""

    async def call(self, method: str, request: Any) -> Any:
        return await self.api.call(method, request, self.key)

    async def open(self) -> None:
        """Make a campaign and open a team."""
        campaign = (await self.call("CreateCampaign", a_request(rules__maximum=100_000))).campaign
        opening = pb.OpenTeamRequest(request_id="open", campaign_id=campaign.campaign_id, member_id="opener")
        self.team_id = (await self.call("OpenTeam", opening)).team.team_id

    def joining(self, number: int) -> pb.JoinTeamRequest:
        return pb.JoinTeamRequest(request_id=f"join-{number}", team_id=self.team_id, member_id=f"member-{number}")

    async def join(self, number: int) -> str:
        """Join once; tells OK or the reason."""
        try:
            await self.call("JoinTeam", self.joining(number))
        except grpc.aio.AioRpcError as error:
            said = reason_of(error)
        else:
            said = "OK"
        self.said[said] += 1
        return said

    async def limit(self, *reset: str, **limits: int) -> events_pb2.PlatformLimits:
        """Set limits as an operator does."""
        request = internal_pb.SetPlatformLimitsRequest(
            platform_id=self.platform_id, limits=events_pb2.PlatformLimits(**limits), reset=reset
        )
        answer: internal_pb.SetPlatformLimitsResponse
        answer = await self.api.internal.SetPlatformLimits(request, metadata=OPERATOR)
        return answer.limits

    async def quotas(self) -> dict[str, quotas_pb2.Quota]:
        """Ask for its quotas."""
        stub: Any = quotas_pb2_grpc.QuotasStub(self.api.channel)
        metadata = (("authorization", f"Bearer {self.key}"),)
        answer = await stub.GetQuotas(quotas_pb2.GetQuotasRequest(), metadata=metadata)
        return {quota.limit: quota for quota in answer.quotas}

    async def counted(self, statement: str) -> int:
        """Count rows of the platform in SQL."""
        [own] = ids.parse("plat", self.platform_id, 1) or ()
        [(count,)] = await self.formation.rows(statement.format(f"platform_id = '{own}'"))
        return int(count)


def reason_of(error: grpc.aio.AioRpcError) -> str:
    return details_of(error)[0].reason


def details_of(error: grpc.aio.AioRpcError) -> tuple[error_details_pb2.ErrorInfo, error_details_pb2.RetryInfo]:
    status = rpc_status.from_call(error)  # type: ignore[arg-type]  # it has what a call has
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    for detail in status.details if status else ():
        detail.Unpack(info)
        detail.Unpack(retry)
    return info, retry


class Time:
    """The clock of buckets: stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    """Have buckets fill when the test says so."""
    time = Time()
    monkeypatch.setattr("services.chassis.limits.monotonic", time)
    return time


@pytest.fixture
def limiter(formation: Formation) -> Limiter:
    """The limits of the server's process."""
    return Limiter(DEFAULTS, LimitReader(formation.database).find)


@pytest.fixture
async def shops(
    formation: Formation, clock: ManualClock, limiter: Limiter, time: Time
) -> AsyncIterator[tuple[Shop, Shop]]:
    """A platform that floods and one that does not, on one server."""
    assert time.now
    async with serving(formation, clock, limiter) as api:
        made = await api.internal.CreatePlatform(internal_pb.CreatePlatformRequest(name="quiet"), metadata=OPERATOR)
        flood = Shop(api, formation, ids.opaque("plat", api.platform_id), api.key)
        quiet = Shop(api, formation, made.platform_id, made.key)
        for shop in (flood, quiet):
            await shop.open()
        yield flood, quiet


SEATS = "SELECT count(*) FROM seats WHERE {} AND member_id LIKE 'member-%%'"
STORED = "SELECT count(*) FROM requests WHERE {} AND rpc = 'JoinTeam'"
STORED_REFUSALS = "SELECT count(*) FROM requests WHERE {} AND refused"


async def test_a_flood_has_what_it_may_and_a_quiet_platform_all_it_asks(
    shops: tuple[Shop, Shop], limiter: Limiter, time: Time
) -> None:
    flood, quiet = shops
    await flood.limit(joins_per_second=40)
    await limiter.learn()
    time.now += 60
    crowds = [flood.join(number) for number in range(300)] + [quiet.join(number) for number in range(60)]
    await asyncio.gather(*crowds)
    assert quiet.said == {"OK": 60}
    assert flood.said == {"OK": 40 * BURST, "RATE_LIMITED": 300 - 40 * BURST}
    for shop, seats in ((flood, 40 * BURST), (quiet, 60)):
        assert await shop.counted(SEATS) == seats, "each join that was answered OK is a seat, and no other"
        assert await shop.counted(STORED) == seats, "a refusal by a limit is no answer to keep"
        assert await shop.counted(STORED_REFUSALS) == 0
    await _all_come_again(flood, time)


async def _all_come_again(flood: Shop, time: Time) -> None:
    """Have all 300 send the same calls again, in the time that the limit allows them."""
    for part in range(5):
        time.now += BURST
        await asyncio.gather(*map(flood.join, range(part * 80, min(300, part * 80 + 80))))
    assert flood.said["OK"] == 80 + 300, "those of before are given their answer again, the others join"
    assert await flood.counted(SEATS) == 300
    assert await flood.counted(STORED) == 300


async def test_a_refusal_says_when_the_same_call_may_succeed_and_then_it_does(
    shops: tuple[Shop, Shop], limiter: Limiter, time: Time
) -> None:
    flood, _ = shops
    await flood.limit(joins_per_second=4)
    await limiter.learn()
    time.now += 60
    bulk = pb.JoinTeamsRequest(joins=map(flood.joining, range(10)))
    assert len((await flood.call("JoinTeams", bulk)).results) == 10, "larger than a burst, and the bucket was full"
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await flood.call("JoinTeam", flood.joining(10))
    info, retry = details_of(error.value)
    assert error.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert dict(info.metadata) == {
        "limit": "joins_per_second",
        "allowed": "4",
        "retry_seconds": "0.750",
        "retry": "same_id",
    }
    assert retry.retry_delay.ToMilliseconds() == 750
    assert ("grpc-retry-pushback-ms", "750") in tuple(error.value.trailing_metadata() or ())
    time.now += 0.7
    assert await flood.join(10) == "RATE_LIMITED"
    time.now += 0.05
    assert await flood.join(10) == "OK"
    assert await flood.counted(SEATS) == 11


async def test_requests_of_all_kinds_are_limited_and_those_of_the_services_are_not(
    shops: tuple[Shop, Shop], limiter: Limiter, time: Time
) -> None:
    flood, quiet = shops
    await flood.limit(requests_per_second=5)
    await limiter.learn()
    time.now += 60
    asking = pb.GetTeamRequest(team_id=flood.team_id)
    answers = await asyncio.gather(*(flood.call("GetTeam", asking) for _ in range(30)), return_exceptions=True)
    failed = [answer for answer in answers if isinstance(answer, grpc.aio.AioRpcError)]
    assert (len(failed), {reason_of(error) for error in failed}) == (20, {"RATE_LIMITED"})
    assert await refused(flood.call("GetTeam", asking)) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED", {})
    assert await quiet.call("GetTeam", pb.GetTeamRequest(team_id=quiet.team_id))
    for _ in range(30):
        await flood.api.internal.ListPlatforms(internal_pb.ListPlatformsRequest(), metadata=OPERATOR)


async def test_open_streams_are_limited_and_one_that_ends_makes_room(
    shops: tuple[Shop, Shop], limiter: Limiter
) -> None:
    flood, quiet = shops
    await flood.limit(streams=3)
    await limiter.learn()
    async with AsyncExitStack() as stack:
        streams = [await _watching(flood, stack) for _ in range(3)]
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await _watching(flood, stack)
        assert reason_of(error.value) == "TOO_MANY_STREAMS"
        assert details_of(error.value)[1].retry_delay.ToMilliseconds() == 1000
        await _watching(quiet, stack)
        told = (await flood.quotas())["streams"]
        assert (told.allowed, told.used, told.refused) == (3, 3, 1)
        streams[0].cancel()
        await until(lambda: limiter_streams(limiter, flood) == 2)
        await _watching(flood, stack)
    await until(lambda: limiter_streams(limiter, flood) == 0)


def limiter_streams(limiter: Limiter, shop: Shop) -> int:
    meter = limiter.known(shop.key.split("_")[1])
    assert meter is not None
    return next(quota.used for quota in meter.quotas() if quota.limit == "streams")


async def _watching(shop: Shop, stack: AsyncExitStack) -> Any:
    """Open a stream and read what comes first."""
    metadata = (("authorization", f"Bearer {shop.key}"),)
    stream = shop.api.stub.WatchTeam(pb.WatchTeamRequest(team_id=shop.team_id), metadata=metadata, timeout=30)
    stack.callback(stream.cancel)
    assert await anext(aiter(stream))
    return stream


async def test_campaigns_are_limited_exactly_however_many_are_made_at_once(
    shops: tuple[Shop, Shop], limiter: Limiter
) -> None:
    flood, quiet = shops
    await flood.limit(campaigns=4)
    await limiter.learn()
    made = [flood.call("CreateCampaign", a_request(request_id=f"c{number}")) for number in range(12)]
    answers = await asyncio.gather(*made, return_exceptions=True)
    failed = [answer for answer in answers if isinstance(answer, grpc.aio.AioRpcError)]
    assert {(error.code(), reason_of(error)) for error in failed} == {
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "QUOTA_EXHAUSTED")
    }
    assert len(failed) == 9, "one was there before"
    assert await flood.counted("SELECT count(*) FROM campaigns WHERE {}") == 4
    assert await flood.counted(STORED_REFUSALS) == 0
    told = (await flood.quotas())["campaigns"]
    assert (told.allowed, told.used) == (4, 4)
    await quiet.call("CreateCampaign", a_request(request_id="another"))
    await _room_is_made(flood, answers)


async def _room_is_made(flood: Shop, answers: list[Any]) -> None:
    """Have a campaign cancelled; the same call that was refused succeeds then."""
    mine = next(answer.campaign for answer in answers if isinstance(answer, pb.CreateCampaignResponse))
    late = next(at for at, answer in enumerate(answers) if isinstance(answer, grpc.aio.AioRpcError))
    cancel = pb.CancelCampaignRequest(request_id="away", campaign_id=mine.campaign_id, reason="enough")
    await flood.call("CancelCampaign", cancel)
    created = await flood.call("CreateCampaign", a_request(request_id=f"c{late}"))
    assert created.campaign.state == types_pb2.CAMPAIGN_STATE_RUNNING


async def test_limits_change_while_calls_go_on_and_are_told_to_all_services(
    shops: tuple[Shop, Shop], limiter: Limiter, time: Time
) -> None:
    flood, _ = shops
    before = await flood.quotas()
    assert before["joins_per_second"].allowed == DEFAULTS["joins_per_second"]
    set_now = await flood.limit(joins_per_second=7, key_joins_per_second=3)
    assert (set_now.joins_per_second, set_now.key_joins_per_second) == (7, 3)
    await limiter.learn()
    time.now += 60
    assert Counter([await flood.join(number) for number in range(8)]) == {"OK": 6, "RATE_LIMITED": 2}
    told = await flood.quotas()
    assert (told["joins_per_second"].allowed, told["joins_per_second"].used_last_minute) == (7, 6)
    assert (told["key_joins_per_second"].allowed, told["key_joins_per_second"].refused) == (3, 2)
    left = await flood.limit("key_joins_per_second")
    assert left.HasField("joins_per_second")
    assert not left.HasField("key_joins_per_second")
    await limiter.learn()
    assert Counter([await flood.join(number) for number in range(8, 20)]) == {"OK": 8, "RATE_LIMITED": 4}
    facts = await flood.formation.rows(
        "SELECT payload FROM outbox WHERE aggregatetype = 'groupbuy.platform.v1' AND aggregateid = %s"
        " ORDER BY sequence",
        flood.platform_id,
    )
    events = [events_pb2.PlatformEvent.FromString(payload).platform_changed.limits for (payload,) in facts]
    assert [(item.joins_per_second, item.key_joins_per_second) for item in events] == [(0, 0), (7, 3), (7, 0)]


async def test_an_operator_sets_limits_by_the_command_line(
    shops: tuple[Shop, Shop], monkeypatch: pytest.MonkeyPatch
) -> None:
    flood, _ = shops
    monkeypatch.setenv("GROUPBUY_TEAM_FORMATION", flood.api.address)
    monkeypatch.setenv("GROUPBUY_SERVICE_KEY", SERVICE_KEY)

    async def told(*words: str) -> dict[str, str]:
        result = await asyncio.to_thread(CliRunner().invoke, limits, [flood.platform_id, *words])
        assert result.exit_code == 0, result.output
        return dict(line.split() for line in result.output.splitlines())

    assert set((await told()).values()) == {"default"}
    assert (await told("streams=12", "campaigns=9"))["streams"] == "12"
    left = await told("streams=default")
    assert (left["streams"], left["campaigns"]) == ("default", "9")
    for wrong in ("streams", "speed=3", "streams=-1", "streams=many"):
        result = await asyncio.to_thread(CliRunner().invoke, limits, [flood.platform_id, wrong])
        assert (result.exit_code, "names are" in result.output) == (2, True)


async def test_an_operator_is_told_what_is_wrong(shops: tuple[Shop, Shop]) -> None:
    flood, _ = shops
    problems = await refused(flood.limit("speed", "streams", streams=0))
    assert problems[1] == "INVALID_ARGUMENT"
    assert set(problems[2]) == {"limits.streams", "reset[0]", "reset[1]"}
    nobody = Shop(flood.api, flood.formation, "plat_nobody", "")
    assert (await refused(nobody.limit(streams=1)))[1] == "PLATFORM_UNKNOWN"
    asking = internal_pb.GetPlatformLimitsRequest(platform_id=flood.platform_id)
    told = await flood.api.internal.GetPlatformLimits(asking, metadata=OPERATOR)
    assert told.limits == events_pb2.PlatformLimits()


async def test_what_would_wait_for_too_long_is_refused_and_what_was_taken_on_is_answered(
    shops: tuple[Shop, Shop], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    flood, quiet = shops
    monkeypatch.setattr(queueing, "QUEUE_SECONDS", 0.3)
    async with await AsyncConnection.connect(url) as holder:
        await holder.execute("SELECT FROM teams FOR UPDATE")
        accepted = [asyncio.create_task(flood.join(0))]
        await until(lambda: _waits_for_a_lock(flood.formation))
        accepted += await _until_shed(flood)
        waiting = flood.formation.commands.waiting
        accepted.append(asyncio.create_task(quiet.join(0)))
        await until(lambda: flood.formation.commands.waiting > waiting)
        await holder.rollback()
    assert set(await asyncio.gather(*accepted)) == {"OK"}
    assert quiet.said == {"OK": 1}
    assert flood.said == {"OK": len(accepted) - 1}
    assert await flood.counted(SEATS) == await flood.counted(STORED) == len(accepted) - 1
    assert await quiet.counted(SEATS) == 1


async def _waits_for_a_lock(formation: Formation) -> bool:
    return bool(await formation.rows("SELECT FROM pg_locks WHERE NOT granted"))


async def _until_shed(shop: Shop) -> list["asyncio.Task[str]"]:
    """Call again and again until one is refused; gives those before it, which wait."""
    waiting: list[asyncio.Task[str]] = []
    async with asyncio.timeout(20):
        while True:
            number = len(waiting) + 1
            call = asyncio.create_task(shop.call("JoinTeam", shop.joining(number)))
            done, _ = await asyncio.wait([call], timeout=0.1)
            if not done:
                waiting.append(asyncio.create_task(_kept(shop, call)))
                continue
            with pytest.raises(grpc.aio.AioRpcError) as error:
                await call
            info, retry = details_of(error.value)
            assert (error.value.code(), info.reason) == (grpc.StatusCode.UNAVAILABLE, "OVERLOADED")
            assert retry.retry_delay.ToMilliseconds() >= 1000
            return waiting


async def _kept(shop: Shop, call: "asyncio.Task[Any]") -> str:
    await call
    shop.said["OK"] += 1
    return "OK"
