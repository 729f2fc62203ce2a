"""Whose turn it is where one topic has much and another little: what is fetched is worked off in order."""

import asyncio

import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic

from services.chassis.consumer import Consumer
from services.chassis.database import Database
from services.chassis.inbox import Inbox
from services.chassis.messages import Record
from tests.support.brokers import BrokerProcess
from tests.support.delivery import running
from tests.support.until import until

PARTITIONS, EACH = 3, 1_500
"""Of the busy topic: so many records of a thousand bytes in each partition."""


async def test_a_topic_with_little_does_not_wait_for_all_that_another_has(
    broker: BrokerProcess, store: Database, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy, calm = f"{name}-busy", f"{name}-calm"
    await asyncio.to_thread(_fill, broker.bootstrap, busy, calm)
    inbox, order = Inbox(store, {}), list[str]()

    async def note(records: list[Record]) -> None:
        if not order:
            await asyncio.to_thread(_produce, broker.bootstrap, calm, 0, 1)
        order.extend(record.topic for record in records)

    monkeypatch.setattr(inbox, "apply", note)
    async with running(Consumer(broker.bootstrap, name, [busy, calm], inbox).run()):
        await until(lambda: calm in order)
    assert order.index(calm) < PARTITIONS * EACH / 2


def _fill(bootstrap: str, busy: str, calm: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics([NewTopic(busy, PARTITIONS, 1), NewTopic(calm, 1, 1)])
    admin.close()
    for partition in range(PARTITIONS):
        _produce(bootstrap, busy, partition, EACH)


def _produce(bootstrap: str, topic: str, partition: int, count: int) -> None:
    producer = KafkaProducer(bootstrap_servers=bootstrap)
    for number in range(count):
        producer.send(topic, b"x" * 1_000, key=str(number).encode(), partition=partition)
    producer.flush()
    producer.close()
