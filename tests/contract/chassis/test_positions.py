"""Groups of consumers that are beyond the end of what Kafka has, as after it lost records."""

import pytest
from kafka import KafkaAdminClient, OffsetAndMetadata, TopicPartition
from kafka.errors import NoError

from services.chassis.errors import Unavailable
from services.chassis.positions import put_back
from tests.support.brokers import BrokerProcess
from tests.support.delivery import Delivery
from tests.support.outbox import TOPIC
from tests.support.until import until


async def test_a_group_beyond_the_end_is_put_back_and_reads_all(
    delivery: Delivery, broker: BrokerProcess, admin: KafkaAdminClient
) -> None:
    async with delivery.relay():
        await delivery.tell(60)
        far = {TopicPartition(TOPIC, number): OffsetAndMetadata(10_000_000, "", -1) for number in (0, 1)}
        assert await put_back(broker.bootstrap, ["a-group-that-never-was", delivery.name]) == []
        assert set(admin.alter_group_offsets(delivery.name, far).values()) == {NoError}
        found = await put_back(broker.bootstrap, ["a-group-that-never-was", delivery.name])
        assert [(item.group, item.partition, item.offset, item.is_put_back) for item in found] == [
            (delivery.name, number, 10_000_000, True) for number in (0, 1)
        ]
        assert await put_back(broker.bootstrap, [delivery.name]) == []
        async with delivery.consumer():
            await delivery.all_seen()
    await delivery.check()


async def test_members_that_run_are_not_interfered_with(
    delivery: Delivery, broker: BrokerProcess, admin: KafkaAdminClient
) -> None:
    await put_back(broker.bootstrap, [delivery.name])  # a new Kafka has no place for positions until it is asked
    far = {TopicPartition(TOPIC, 0): OffsetAndMetadata(10_000_000, "", -1)}
    admin.alter_group_offsets(delivery.name, far)
    async with delivery.consumer() as reading:
        await until(lambda: reading.assigned)
        assert [item.is_put_back for item in await put_back(broker.bootstrap, [delivery.name])] == [False]
        async with delivery.relay():
            await delivery.tell(60)
            await delivery.all_seen()  # it began at the beginning by itself
    await delivery.check()


async def test_without_kafka_nobody_is_put_back(unused_port: str) -> None:
    with pytest.raises(Unavailable, match="does not answer"):
        await put_back(unused_port, ["any"])


@pytest.fixture
def unused_port() -> str:
    """An address where nothing listens."""
    return "127.0.0.1:1"
