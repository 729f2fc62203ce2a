"""Kafka is lost with all that it had: it is written again from the outboxes, and everything takes effect once."""

import asyncio
import shutil
from collections.abc import Callable

import pytest

from deploy.local.stack import Stack
from tests.support.commands import groupbuy
from tests.support.crowd import Crowd
from tests.support.metrics import all_is_sent
from tests.support.settled import settled
from tests.support.until import until


@pytest.mark.timeout(900)
async def test_an_empty_kafka_is_written_again_from_the_outboxes(stack: Stack, figures: Callable[[str], None]) -> None:
    crowd, stop = Crowd(stack.address("team_formation"), stack.key), asyncio.Event()
    living = asyncio.create_task(crowd.live(await crowd.campaign(maximum=8, scarce=True), 4, stop))
    await crowd.more(100, living)
    await stack.halt("notification")  # what it has not read by then is in Kafka alone
    await crowd.more(200, living)
    crowd.rest()
    await until(lambda: all_is_sent(stack, "team_formation", "pricing"))
    await stack.halt("kafka")
    shutil.rmtree(stack.layout.kafka)
    crowd.wake()
    await crowd.more(100, living)
    await stack.resume("kafka")
    # no topic is there yet, so nothing later is written before what was lost: consumers would take that for repeats
    said = await groupbuy(stack, "outbox", "republish", "--since", "1h")
    assert "groupbuy topics" in said
    assert "topics created" in await groupbuy(stack, "topics")
    await stack.resume("notification")
    await crowd.more(30, living)
    stop.set()
    await living
    end = await settled(stack.database_url, crowd)
    figures(f"Kafka lost and written again ({said.splitlines()[0]}): {end}")
    await crowd.close()
