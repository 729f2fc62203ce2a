"""Small steps that the contract's tests share: create a topic, send, read."""

from collections.abc import Callable, Iterable
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

from tests.support.eventually import eventually


def create(admin: KafkaAdminClient, name: str, partitions: int = 1, **configs: str) -> None:
    """Create a topic and wait until clients see it; `retention_ms="1"` sets retention.ms."""
    dotted = {key.replace("_", "."): value for key, value in configs.items()}
    admin.create_topics({name: {"num_partitions": partitions, "replication_factor": 1, "configs": dotted}})
    admin.wait_for_topics([name])


def send_all(producer: KafkaProducer, topic: str, values: Iterable[bytes], **options: Any) -> list[Any]:
    """Send values and wait for every acknowledgement; the records' metadata."""
    futures = [producer.send(topic, value, **options) for value in values]
    producer.flush(timeout=60)
    return [future.get(timeout=10) for future in futures]


def read(consumer: KafkaConsumer, enough: Callable[[list[Any]], bool], what: str) -> list[Any]:
    """Poll until `enough` is true of all records so far."""
    records: list[Any] = []

    def poll() -> bool:
        for batch in consumer.poll(timeout_ms=500).values():
            records.extend(batch)
        return enough(records)

    eventually(poll, what)
    return records


def read_count(consumer: KafkaConsumer, count: int) -> list[Any]:
    """The first `count` records or a few more."""
    return read(consumer, lambda records: len(records) >= count, f"{count} records")


def read_to_end(consumer: KafkaConsumer, topic: str) -> list[Any]:
    """All records of a topic from its beginning to where it ends now."""
    places = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic))]
    consumer.assign(places)
    consumer.seek_to_beginning(*places)
    ends = consumer.end_offsets(places)
    return read(
        consumer, lambda _: all(consumer.position(place) >= ends[place] for place in places), f"{topic} to its end"
    )
