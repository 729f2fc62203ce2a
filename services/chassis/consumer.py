"""The consumer loop: a blocking Kafka consumer on a thread of its own, offsets committed some time after the database.

The inbox knows what was applied; offsets only say where to go on, so that they need not be waited for with each batch.

Transient trouble is tried again where it stands, with the partitions paused and the membership kept alive. A batch
whose partitions are taken away is given up; what it had committed is repeated elsewhere and changes nothing.
"""

import asyncio
import threading
import time
from collections.abc import Sequence
from concurrent.futures import CancelledError as FutureCancelled
from concurrent.futures import Future
from contextlib import suppress
from typing import TypeAlias

from kafka import ConsumerRebalanceListener, KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord
from kafka.errors import KafkaError

from services.chassis import kafka_clients, logs, metrics
from services.chassis.inbox import Inbox, TooManyParked
from services.chassis.kafka_security import PLAINTEXT, KafkaSecurity
from services.chassis.messages import Record, readable

BATCH = 500
FETCH_BYTES = 128 * 1024
"""Most of one partition at a time: what is fetched is worked off in order, and a topic with little waits behind it."""
FEW = 100
APART_SECONDS = 0.05
"""Batches of few records begin so far apart: a batch costs as much as some dozen of its records."""
POLL_MS = 500
COMMIT_MS = 5_000
COMMIT_EVERY_SECONDS = 1.0
"""Offsets are a second behind at most while there is work: what a successor sees again it has applied already."""
METADATA_MS = 30_000
RETRY_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_KEEP_ALIVE_SECONDS = 1.0
_STOP_LOOKS = 3

Found: TypeAlias = dict[TopicPartition, list[ConsumerRecord]]

log = logs.logger(__name__)


class Consumer:
    """The part of a process that reads a service's topics into its inbox."""

    def __init__(
        self,
        bootstrap: str,
        group: str,
        topics: Sequence[str],
        inbox: Inbox,
        *,
        session_ms: int = 10_000,
        security: KafkaSecurity = PLAINTEXT,
    ) -> None:
        self._bootstrap = bootstrap
        self._security = security
        self._group = group
        self._topics = list(topics)
        self._inbox = inbox
        self._session_ms = session_ms
        self._stopping = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._under_way: Future[None] | None = None
        self._applied: dict[TopicPartition, int] = {}
        """Where to go on in each partition, not committed yet."""
        self._reached: dict[TopicPartition, int] = {}
        """The same, committed or not."""
        self._commit_at = self._next_at = 0.0
        self._oldest: float | None = None
        """When the oldest record that is being applied was written to Kafka, in seconds."""
        self.assigned = False
        """Whether the group has given this member its partitions since it connected."""

    async def run(self) -> None:
        """Read for as long as the process runs; when cancelled, end and commit the batch under way and leave the group.

        Raises TooManyParked.
        """
        self._loop = asyncio.get_running_loop()
        metrics.CONSUMER_BEHIND.set_function(self._behind)
        metrics.begin_consumer(self._topics)
        reading = asyncio.create_task(asyncio.to_thread(self._read))
        try:
            await asyncio.shield(reading)
        except asyncio.CancelledError:
            self._stopping.set()
            await reading
            raise

    def _read(self) -> None:
        tries = 0
        while not self._stopping.is_set():
            try:
                consumer = self._connect()
            except KafkaError as error:
                wait = RETRY_SECONDS[min(tries, len(RETRY_SECONDS) - 1)]
                log.warning("consumer waits for Kafka", why=type(error).__name__, retry_in_seconds=wait)
                tries += 1
                self._stopping.wait(wait)
            else:
                tries = 0
                self._read_with(consumer)

    def _read_with(self, consumer: KafkaConsumer) -> None:
        try:
            while not self._stopping.is_set():
                self.run_once(consumer)
        except KafkaError as error:
            log.warning("consumer connects again", why=str(error) or type(error).__name__)
        finally:
            self.assigned = False
            self._commit(consumer)
            with suppress(KafkaError):
                consumer.close(timeout_ms=COMMIT_MS)

    def _connect(self) -> KafkaConsumer:
        consumer = kafka_clients.connected(
            KafkaConsumer,
            self._bootstrap,
            client_id=self._group,
            group_id=self._group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_poll_records=BATCH,
            max_partition_fetch_bytes=FETCH_BYTES,
            session_timeout_ms=self._session_ms,
            heartbeat_interval_ms=self._session_ms // 3,
            fetch_max_wait_ms=POLL_MS,
            reconnect_backoff_max_ms=1_000,
            allow_auto_create_topics=False,
            metadata_max_age_ms=METADATA_MS,
            metrics_enabled=False,
            **self._security.options,
        )
        consumer.subscribe(self._topics, listener=_HandOver(self))
        return consumer

    def run_once(self, consumer: KafkaConsumer) -> int:
        """Read one batch and apply it, and commit offsets when it is time; returns the number of records applied."""
        self._stopping.wait(max(self._next_at - time.monotonic(), 0))
        found = _poll(consumer, POLL_MS)
        records = [record_of(item) for batch in found.values() for item in batch]
        if not records:
            self._commit(consumer)
            return 0
        self._next_at = time.monotonic() + (APART_SECONDS if len(records) < FEW else 0)
        self._begin(consumer, found)
        self._oldest = min(item.timestamp for batch in found.values() for item in batch) / 1000
        is_applied = self._apply(consumer, records)
        self._oldest = None
        if not is_applied:
            _put_back(consumer, found)
            return 0
        self._note({at: batch[-1].offset + 1 for at, batch in found.items() if batch})
        if time.monotonic() >= self._commit_at:
            self._commit(consumer)
        return len(records)

    def _note(self, applied: dict[TopicPartition, int]) -> None:
        self._applied |= applied
        self._reached |= applied

    def _commit(self, consumer: KafkaConsumer) -> None:
        """Commit where to go on in partitions that are ours still; what fails is committed with the next ones."""
        assigned = consumer.assignment()
        self._measure(consumer, assigned)
        applied = dict(self._applied)
        ours = {at: OffsetAndMetadata(offset, "", -1) for at, offset in applied.items() if at in assigned}
        self._commit_at = time.monotonic() + COMMIT_EVERY_SECONDS
        if not ours:
            return
        try:
            consumer.commit(ours, timeout_ms=COMMIT_MS)
        except KafkaError as error:
            log.info("offsets not committed; the batches may be seen again", why=type(error).__name__)
        else:
            self._applied = {at: offset for at, offset in self._applied.items() if applied.get(at) != offset}

    def _begin(self, consumer: KafkaConsumer, found: Found) -> None:
        """Note where what was found begins, and measure before it is applied: it may not be for long."""
        for at, batch in found.items():
            if batch:
                self._reached.setdefault(at, batch[0].offset)
        self._measure(consumer, consumer.assignment())

    def _measure(self, consumer: KafkaConsumer, assigned: set[TopicPartition]) -> None:
        """Tell how many records wait, by what the last fetches said: nobody is asked.

        Of a partition from which nothing was applied yet nothing is known to wait: its first records are on their way.
        """
        waiting = dict.fromkeys(self._topics, 0)
        with suppress(KafkaError):  # its partitions may go to somebody else meanwhile
            for at in assigned:
                end = consumer.highwater(at)
                if end is not None:
                    waiting[at.topic] += max(end - self._reached.get(at, end), 0)
        for topic, count in waiting.items():
            metrics.CONSUMER_LAG.labels(topic).set(count)

    def _behind(self) -> float:
        """Tell the age of the oldest record that is being applied; Kafka's clock and ours may differ a little."""
        oldest = self._oldest
        return max(time.time() - oldest, 0) if oldest else 0

    def _apply(self, consumer: KafkaConsumer, records: list[Record]) -> bool:
        assert self._loop  # noqa: S101 - set before the thread starts
        self._under_way = asyncio.run_coroutine_threadsafe(self._until_applied(records), self._loop)
        try:
            self._wait_for(self._under_way, consumer)
        except FutureCancelled:
            return False
        finally:
            self._under_way.cancel()
            self._under_way = None
            consumer.resume(*consumer.assignment())
        return True

    def _wait_for(self, under_way: Future[None], consumer: KafkaConsumer) -> None:
        looks_while_stopping = 0
        while True:
            try:
                return under_way.result(_KEEP_ALIVE_SECONDS)
            except TimeoutError:
                looks_while_stopping += self._stopping.is_set()
                if looks_while_stopping == _STOP_LOOKS:
                    under_way.cancel()
                consumer.pause(*consumer.assignment())
                _put_back(consumer, _poll(consumer, 0))

    async def _until_applied(self, records: list[Record]) -> None:
        tries = 0
        while True:
            try:
                return await self._inbox.apply(records)
            except TooManyParked:
                raise
            except Exception as error:
                metrics.CONSUMER_FAILURES.inc()
                wait = RETRY_SECONDS[min(tries, len(RETRY_SECONDS) - 1)]
                log.exception("batch not applied", why=str(error).strip(), records=len(records), retry_in_seconds=wait)
                tries += 1
            await asyncio.sleep(wait)

    def hand_over(self) -> None:
        """Give up the batch under way: its partitions go to somebody else. Called on the client's own thread.

        Offsets that were not committed are not any more: whoever has a partition next may be further by then.
        """
        self._applied, self._reached = {}, {}
        under_way = self._under_way
        if under_way is not None:
            under_way.cancel()


class _HandOver(ConsumerRebalanceListener):  # type: ignore[misc]  # the library has no types
    """Called on the client's own thread, while ours waits in `poll`."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer

    def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        if revoked:
            self._consumer.hand_over()

    def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        self._consumer.assigned = True
        log.info("partitions assigned", count=len(assigned))


def _poll(consumer: KafkaConsumer, timeout_ms: int) -> Found:
    found: Found = consumer.poll(timeout_ms=timeout_ms)
    kafka_clients.finish_joining(consumer)
    return found


def _put_back(consumer: KafkaConsumer, found: Found) -> None:
    """Have records read again that were not applied: a partition that stays ours at a rebalance keeps its position."""
    for at, batch in found.items():
        if batch and at in consumer.assignment():
            consumer.seek(at, batch[0].offset)


def record_of(item: ConsumerRecord) -> Record:
    """Read a record as the client gives it."""
    headers = tuple((readable(name.encode()), value or b"") for name, value in item.headers)
    return Record(item.topic, readable(item.key or b""), item.value or b"", headers, item.partition, item.offset)
