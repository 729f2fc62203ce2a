"""A server away for a while: what can go on goes on, what cannot says so, and nothing is lost."""

import asyncio
from collections.abc import Callable

import grpc
import pytest
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb
from groupbuy.team_formation.v1.team_formation_service_pb2_grpc import TeamFormationStub

from deploy.check.runner import wait_for_checks
from deploy.local.stack import Stack
from tests.support.crowd import Crowd, a_campaign
from tests.support.metrics import metric
from tests.support.until import until


@pytest.mark.timeout(300)
async def test_joins_go_on_without_kafka_and_all_is_delivered_after(
    stack: Stack, figures: Callable[[str], None]
) -> None:
    crowd = Crowd(stack.address("team_formation"), stack.key)
    campaign = await crowd.campaign()
    await stack.halt("kafka")
    stop = asyncio.Event()
    living = asyncio.create_task(crowd.live(campaign, 4, stop))
    await crowd.more(400, living)
    stop.set()
    await living
    assert crowd.retries == 0
    unsent = await until(lambda: _metric(stack, "groupbuy_outbox_unsent"))
    age = await until(lambda: _metric(stack, "groupbuy_outbox_oldest_unsent_seconds"))
    await stack.resume("kafka")
    results = await wait_for_checks(stack.database_url, 90)
    assert [(result.name, result.examples) for result in results if result.violations] == []
    await until(lambda: _is_zero(stack, "groupbuy_outbox_unsent"))
    figures(
        f"Kafka away: {len(crowd.acknowledged)} calls acknowledged meanwhile, {unsent:.0f} events waited"
        f" (the oldest {age:.1f} s), all delivered after"
    )
    await crowd.close()


@pytest.mark.timeout(300)
async def test_without_a_database_calls_are_unavailable_and_change_nothing(stack: Stack) -> None:
    await stack.halt("postgres")
    metadata = (("authorization", f"Bearer {stack.key}"),)
    async with grpc.aio.insecure_channel(stack.address("team_formation")) as channel:
        stub = TeamFormationStub(channel)
        request = a_campaign("away-1", 5, 3, 600)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.CreateCampaign(request, metadata=metadata, timeout=30)
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
        assert "same request id" in (refused.value.details() or "")
        await stack.resume("postgres")

        async def answered() -> pb.CreateCampaignResponse | None:
            try:
                return await stub.CreateCampaign(request, metadata=metadata, timeout=30)
            except grpc.aio.AioRpcError:
                return None

        created = await until(answered)
        assert created is not None
        assert await stub.CreateCampaign(request, metadata=metadata, timeout=30) == created


async def _is_zero(stack: Stack, name: str) -> bool:
    return await _metric(stack, name) == 0.0


async def _metric(stack: Stack, name: str) -> float:
    return await metric(stack.ops_address("team_formation"), name)
