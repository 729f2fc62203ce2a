"""The publisher: acknowledged means written; what is given up is never written later, and nothing is left running."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.producer.sender import Sender

from services.chassis import kafka_clients, messages, trace
from services.chassis.errors import Unavailable
from services.chassis.messages import Message
from services.chassis.publisher import Publisher
from services.chassis.topics import create_topics, topics
from tests.contract.conftest import Client
from tests.support.brokers import BrokerProcess
from tests.support.outbox import TOPIC, team_event, told
from tests.support.proxy import running_proxy
from tests.support.records import read_to_end
from tests.support.until import until


@pytest.fixture
async def writer(broker: BrokerProcess) -> AsyncIterator[Publisher]:
    """A publisher that gives up soon, though not where the machine is only busy."""
    await create_topics(broker.bootstrap)
    made = Publisher(broker.bootstrap, "writer", acknowledge_seconds=3)
    yield made
    await made.stop()


def sequences(consumer: Client, key: str) -> list[int]:
    """What stands in the topic under a key, in order."""
    reader: KafkaConsumer = consumer()
    found = [record for record in read_to_end(reader, TOPIC) if record.key == key.encode()]
    return [messages.decode(messages.Record(TOPIC, key, record.value)).sequence for record in found]


def batch(key: str, numbers: range) -> list[Message]:
    return [told(key, number) for number in numbers]


async def test_records_carry_key_envelope_and_attributes(writer: Publisher, consumer: Client, name: str) -> None:
    traceparent = trace.enter(None)
    [item] = batch(name, range(1, 2))
    await writer.publish([item])
    [record] = [found for found in read_to_end(consumer(), TOPIC) if found.key == name.encode()]
    assert record.value == item.payload
    assert dict(record.headers) == {
        "ce_specversion": b"1.0",
        "ce_id": str(item.event_id).encode(),
        "ce_type": b"groupbuy.team_formation.v1.TeamOpened",
        "ce_source": b"/groupbuy/team_formation",
        "ce_time": b"2026-01-01T00:00:00Z",
        "content-type": b"application/protobuf",
        "traceparent": traceparent.encode(),
    }


async def test_a_key_lies_where_every_client_of_kafka_puts_it(
    broker: BrokerProcess, writer: Publisher, consumer: Client, name: str
) -> None:
    keys = [f"{name}-{number}" for number in range(40)]
    await writer.publish([told(key, 1) for key in keys])
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap)
    for key in keys:
        producer.send(TOPIC, b"", key=key.encode())
    producer.close()
    found = [record for record in read_to_end(consumer(), TOPIC) if record.key and record.key.decode() in keys]
    assert len(found) == 2 * len(keys)
    assert len({(record.key, record.partition) for record in found}) == len(keys)


@pytest.mark.parametrize("years", [-30, 30])
async def test_when_a_fact_occurred_does_not_matter_to_the_broker(
    writer: Publisher, consumer: Client, name: str, years: int
) -> None:
    event = team_event(name, 1)
    event.occurred_at.FromDatetime(datetime.now(UTC) + timedelta(days=365 * years))
    await writer.publish([messages.message(TOPIC, name, event)])
    assert sequences(consumer, name) == [1]


async def test_what_a_dead_broker_did_not_take_is_not_written_later(
    broker: BrokerProcess, writer: Publisher, consumer: Client, name: str
) -> None:
    await writer.publish(batch(name, range(1, 4)))
    broker.kill()
    with pytest.raises(Unavailable, match="does not acknowledge"):
        await writer.publish(batch(name, range(4, 500)))
    await until(lambda: not _writing())
    broker.start()
    await writer.publish(batch(name, range(4, 6)))
    assert sequences(consumer, name) == [1, 2, 3, 4, 5]


async def test_an_answer_that_is_lost_leaves_repeats_but_no_hole(
    writer: Publisher, consumer: Client, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_proxy() as proxy:
        connected = kafka_clients.connected

        def through_proxy(kind: type[Any], bootstrap: str, **options: Any) -> Any:
            return connected(kind, bootstrap, proxy_url=proxy.url, **options)

        monkeypatch.setattr(kafka_clients, "connected", through_proxy)
        await writer.publish(batch(name, range(1, 3)))
        proxy.hold_answers()
        with pytest.raises(Unavailable):
            await writer.publish(batch(name, range(3, 300)))
        proxy.release_answers()
        await writer.publish(batch(name, range(3, 400)))
        seen = sequences(consumer, name)
    assert sorted(set(seen)) == list(range(1, 400))
    last = 0
    for number in seen:
        assert number <= last + 1, "a later one stands before the first of an earlier one"
        last = max(last, number)


async def test_stop_ends_a_publish_that_waits(broker: BrokerProcess, name: str) -> None:
    await create_topics(broker.bootstrap)
    waiting = Publisher(broker.bootstrap, "waiting", acknowledge_seconds=600)
    await waiting.publish(batch(name, range(1, 2)))
    broker.stop()
    publishing = asyncio.create_task(waiting.publish(batch(name, range(2, 3))))
    await asyncio.sleep(0)
    await waiting.stop()
    with pytest.raises((Unavailable, asyncio.CancelledError)):
        await publishing
    assert not _writing()


def _writing() -> list[str]:
    """Threads of producers that still live."""
    return [thread.name for thread in threading.enumerate() if isinstance(thread, Sender)]


async def test_clients_that_find_no_kafka_leave_no_thread(unused: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_clients, "ANSWER_MS", 200)
    for _ in range(3):
        with pytest.raises(Unavailable, match="does not answer"):
            await create_topics(unused)
        nobody = Publisher(unused, "nobody")
        with pytest.raises(Unavailable, match="does not acknowledge"):
            await nobody.publish(batch("a", range(1, 2)))
        await nobody.stop()
    await until(lambda: _clients() == 0)


def _clients() -> int:
    return sum("kafka-io" in thread.name for thread in threading.enumerate())


@pytest.fixture
def unused() -> str:
    """An address where nothing listens."""
    return "127.0.0.1:1"


async def test_topics_are_created_as_the_data_say_and_once(broker: BrokerProcess, admin: KafkaAdminClient) -> None:
    await create_topics(broker.bootstrap)
    assert await create_topics(broker.bootstrap) == []
    described = {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics(list(topics()))}
    assert described == {topic.name: topic.partitions for topic in topics().values()}


async def test_a_broker_away_is_told_once_and_not_by_its_client(
    broker: BrokerProcess, writer: Publisher, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    logger = logging.getLogger("kafka")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        await writer.publish(batch(name, range(1, 2)))
        broker.stop()
        with pytest.raises(Unavailable):
            await writer.publish(batch(name, range(2, 3)))
    finally:
        logger.setLevel(level)
    assert [record for record in caplog.records if record.name.startswith("kafka")] == []
