"""How far a service of ours has read topics, as its group has committed it; and a start from the topics' ends."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, OffsetAndMetadata, TopicPartition

from tests.bench.errors import BenchError
from tests.bench.installation import Installation

LONGEST_SECONDS = 120.0
_LOOK_SECONDS = 0.25


async def forget_backlog(whole: Installation, service: str, topics: Sequence[str]) -> None:
    """Have a service that does not run begin behind all that is in topics."""
    await asyncio.to_thread(_to_the_end, whole.kafka.bootstrap, service, topics)


def _to_the_end(bootstrap: str, service: str, topics: Sequence[str]) -> None:
    with _member(bootstrap, service) as consumer:
        ends = consumer.end_offsets(_partitions(consumer, topics))
        consumer.commit({at: OffsetAndMetadata(end, "", -1) for at, end in ends.items()})


async def until_read(whole: Installation, service: str, topics: Sequence[str]) -> None:
    """Wait until a service has committed that it has read topics to their ends; BenchError when that takes too long."""
    ends = time.monotonic() + LONGEST_SECONDS
    while left := await asyncio.to_thread(_unread, whole.kafka.bootstrap, service, topics):
        if time.monotonic() > ends:
            raise BenchError(f"After {LONGEST_SECONDS:.0f} s {service} still lacks {left:,} records.")
        await asyncio.sleep(_LOOK_SECONDS)


def _unread(bootstrap: str, service: str, topics: Sequence[str]) -> int:
    with _member(bootstrap, service) as consumer:
        ends = consumer.end_offsets(_partitions(consumer, topics))
        return sum(end - (consumer.committed(at) or 0) for at, end in ends.items())


async def drop_records(whole: Installation, topics: Sequence[str]) -> None:
    """Have Kafka forget all records that are in topics now; who reads them from the beginning begins here."""
    await asyncio.to_thread(_drop, whole.kafka.bootstrap, topics)


def _drop(bootstrap: str, topics: Sequence[str]) -> None:
    consumer: Any = KafkaConsumer(bootstrap_servers=bootstrap)
    admin: Any = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        admin.delete_records(consumer.end_offsets(_partitions(consumer, topics)))
    finally:
        admin.close()
        consumer.close()


@contextmanager
def _member(bootstrap: str, service: str) -> Iterator[Any]:
    consumer: Any = KafkaConsumer(bootstrap_servers=bootstrap, group_id=f"groupbuy-{service}", enable_auto_commit=False)
    try:
        yield consumer
    finally:
        consumer.close()


def _partitions(consumer: Any, topics: Sequence[str]) -> list[TopicPartition]:
    found = [TopicPartition(topic, number) for topic in topics for number in consumer.partitions_for_topic(topic)]
    consumer.assign(found)
    return found
