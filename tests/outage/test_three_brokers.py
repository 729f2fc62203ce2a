"""Three nodes of Apache Kafka, one after the other killed under load: joins go on, and so does what follows from them.

Clients reach them over TLS and by SASL; every record is at two nodes before it is acknowledged.
"""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.local.stack import Stack, StackOptions
from tests.support.brokers import require_broker
from tests.support.crowd import Crowd
from tests.support.kafka_cluster import NODES, PORTS, KafkaCluster, a_kafka_cluster
from tests.support.metrics import all_is_sent
from tests.support.settled import settled
from tests.support.until import until

TEAMS = 2
SECONDS = 90.0
"""For a node to be in step again, on a machine that does much else."""


@pytest.mark.timeout(900)
async def test_joins_go_on_whichever_broker_dies(
    tmp_path: Path,
    chosen_ports: dict[str, int],
    free_ports: Callable[[int], list[int]],
    figures: Callable[[str], None],
) -> None:
    require_broker("apache")
    async with a_kafka_cluster(tmp_path, free_ports(PORTS)) as kafka:
        environment = {**os.environ, **kafka.environment}
        stack = Stack(StackOptions(data=tmp_path / "data", ports=chosen_ports, environment=environment), say=print)
        await stack.start()
        try:
            assert await kafka.copies() == {3}
            crowd = Crowd(stack.address("team_formation"), stack.key)
            killed = await live_through(stack, kafka, crowd)
            refused = sum(crowd.refused.values())
            end = await settled(stack.database_url, crowd)
            figures(f"three brokers: killed {killed}; {refused} joins refused by rules; {end}")
            await crowd.close()
        finally:
            await stack.stop()


async def live_through(stack: Stack, kafka: KafkaCluster, crowd: Crowd) -> str:
    """Have a crowd live while nodes are killed; tells which."""
    stop = asyncio.Event()
    living = asyncio.create_task(crowd.live(await crowd.campaign(maximum=8, scarce=True), TEAMS, stop))
    leader = await kafka.led_most()
    others = [number for number in NODES if number != leader]
    killed = []
    for number in (others[0], leader, others[1]):
        await crowd.more(20, living)
        await kafka.nodes[number].kill()
        await crowd.more(60, living)  # joins wait for no broker
        crowd.rest()
        # two of three go on: all that was told while one is away reaches Kafka before it is back
        await until(lambda: all_is_sent(stack), seconds=SECONDS)
        crowd.wake()
        await kafka.nodes[number].start()
        crowd.rest()
        await until(kafka.whole, seconds=SECONDS)
        crowd.wake()
        killed.append("the leaders' node" if number == leader else f"node {number}")
    stop.set()
    await living
    assert crowd.retries == 0, "no join may notice"
    return ", ".join(killed)
