"""The contract with the second client, aiokafka: an idempotent producer and a consumer group."""

import asyncio

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from kafka import KafkaAdminClient

from tests.support.brokers import BrokerProcess
from tests.support.records import create


async def test_produce_and_consume_in_a_group(broker: BrokerProcess, admin: KafkaAdminClient, name: str) -> None:
    create(admin, name, partitions=3)
    async with AIOKafkaProducer(
        bootstrap_servers=broker.bootstrap, enable_idempotence=True, compression_type="gzip"
    ) as producer:
        for number in range(300):
            await producer.send(name, b"%d" % number, key=b"%d" % (number % 10))

    first = await _read(broker, name, 300)
    async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap) as producer:
        await producer.send_and_wait(name, b"300", key=b"0")
    second = await _read(broker, name, 1)

    assert sorted(int(value) for value in first) == list(range(300))
    assert second == [b"300"]


async def _read(broker: BrokerProcess, name: str, count: int) -> list[bytes]:
    """As many records as the group `name` has not committed yet, committed then."""
    values: list[bytes] = []
    consumer = AIOKafkaConsumer(
        name,
        bootstrap_servers=broker.bootstrap,
        group_id=name,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    async with consumer, asyncio.timeout(60):
        while len(values) < count:
            for batch in (await consumer.getmany(timeout_ms=200)).values():
                values.extend(record.value for record in batch)
        await consumer.commit()
    return values


async def test_two_members_share(broker: BrokerProcess, admin: KafkaAdminClient, name: str) -> None:
    create(admin, name, partitions=4)
    options = {"bootstrap_servers": broker.bootstrap, "group_id": name, "heartbeat_interval_ms": 200}
    async with AIOKafkaConsumer(name, **options) as first, AIOKafkaConsumer(name, **options) as second:
        async with asyncio.timeout(60):
            while not (len(first.assignment()) == len(second.assignment()) == 2):
                await asyncio.gather(first.getmany(timeout_ms=100), second.getmany(timeout_ms=100))

        assert first.assignment() | second.assignment() == {(name, number) for number in range(4)}
