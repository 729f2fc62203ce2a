"""Reads the engine's topics with an ordinary Kafka consumer, on a thread of its own, from now on."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from time import perf_counter

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from deploy.demo.errors import DemoError

_POLL_MS = 200

Deliver = Callable[[str, bytes, float], None]
"""Called in the event loop with topic, value and the time of arrival by the demo's monotonic clock."""


class TopicReader:
    """Reads every partition of the topics without a group, so that it disturbs nobody."""

    def __init__(self, bootstrap: str, topics: Sequence[str], deliver: Deliver) -> None:
        self._bootstrap = bootstrap
        self._topics = topics
        self._deliver = deliver
        self._stopping = threading.Event()
        self._reading: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin behind the last record of now; DemoError if Kafka does not answer."""
        loop = asyncio.get_running_loop()
        try:
            consumer = await asyncio.to_thread(self._connect)
        except KafkaError as error:
            raise DemoError(f"Kafka at {self._bootstrap} cannot be read: {type(error).__name__} {error}.") from None
        self._reading = asyncio.create_task(asyncio.to_thread(self._read, consumer, loop), name="read topics")

    async def stop(self) -> None:
        """Read no further."""
        self._stopping.set()
        if self._reading:
            await self._reading

    def _connect(self) -> KafkaConsumer:
        consumer = KafkaConsumer(
            bootstrap_servers=self._bootstrap.split(","),
            client_id="groupbuy.demo",
            group_id=None,
            enable_auto_commit=False,
            fetch_max_wait_ms=_POLL_MS,
            bootstrap_timeout_ms=10_000,
            metrics_enabled=False,
        )
        partitions = [
            TopicPartition(topic, number)
            for topic in self._topics
            for number in consumer.partitions_for_topic(topic) or ()
        ]
        consumer.assign(partitions)
        for partition, offset in consumer.end_offsets(partitions).items():
            consumer.seek(partition, offset)
        return consumer

    def _read(self, consumer: KafkaConsumer, loop: asyncio.AbstractEventLoop) -> None:
        while not self._stopping.is_set():
            try:
                found = consumer.poll(timeout_ms=_POLL_MS)
            except KafkaError:
                self._stopping.wait(_POLL_MS / 1000)  # the broker is away; the position is ours and stays
                continue
            at = perf_counter()
            for batch in found.values():
                for record in batch:
                    loop.call_soon_threadsafe(self._deliver, record.topic, record.value, at)
        consumer.close(timeout_ms=2_000)
