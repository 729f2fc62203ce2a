"""Reads topics from their beginning to where they end now, without a group: for who builds tables a second time."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import TypeAlias

from kafka import KafkaConsumer, TopicPartition

from services.chassis import kafka_clients
from services.chassis.consumer import record_of
from services.chassis.kafka_security import PLAINTEXT, KafkaSecurity
from services.chassis.messages import Record

Positions: TypeAlias = dict[TopicPartition, int]

MOST = 5_000
_POLL_MS = 1_000


class Backlog:
    """The records of topics as far as they are kept; a client that commits nothing. KafkaError where Kafka is away."""

    def __init__(self, bootstrap: str, topics: Sequence[str], security: KafkaSecurity = PLAINTEXT) -> None:
        self._bootstrap = bootstrap
        self._topics = list(topics)
        self._security = security

    async def read(self, since: Positions) -> AsyncGenerator[list[Record], None]:
        """Read batches from positions on (a partition that is not named: from its beginning) to where each ends now.

        While one is worked off, the next is fetched.
        """
        consumer = await asyncio.to_thread(self._connect)
        try:
            ends = await asyncio.to_thread(self._seek, consumer, since)
            next_one = asyncio.create_task(asyncio.to_thread(_poll, consumer, ends))
            try:
                while (found := await next_one) is not None:
                    next_one = asyncio.create_task(asyncio.to_thread(_poll, consumer, ends))
                    if found:
                        yield found
            finally:
                await asyncio.wait([next_one])  # the client is for one thread at a time
        finally:
            await asyncio.to_thread(consumer.close)

    def _connect(self) -> KafkaConsumer:
        return kafka_clients.connected(
            KafkaConsumer,
            self._bootstrap,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_poll_records=MOST,
            allow_auto_create_topics=False,
            metrics_enabled=False,
            **self._security.options,
        )

    def _seek(self, consumer: KafkaConsumer, since: Positions) -> Positions:
        """Begin at the positions; returns where the partitions end now."""
        parts = [
            TopicPartition(topic, number)
            for topic in self._topics
            for number in sorted(consumer.partitions_for_topic(topic) or ())
        ]
        consumer.assign(parts)
        first: Positions = consumer.beginning_offsets(parts)
        for at in parts:
            consumer.seek(at, max(since.get(at, 0), first[at]))
        ends: Positions = consumer.end_offsets(parts)
        return ends


def _poll(consumer: KafkaConsumer, ends: Positions) -> list[Record] | None:
    """Read some records, or none yet; None where everything was read."""
    if all(consumer.position(at) >= end for at, end in ends.items()):
        return None
    found = consumer.poll(timeout_ms=_POLL_MS)
    return [record_of(item) for batch in found.values() for item in batch]
