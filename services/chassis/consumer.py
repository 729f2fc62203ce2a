"""The consumer loop: a blocking Kafka consumer on a thread of its own, offsets committed after the database.

Transient trouble is tried again where it stands, with the partitions paused and the membership kept alive. A batch whose
partitions are taken away is given up before they go; what it had committed is repeated elsewhere and changes nothing.
"""

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import CancelledError as FutureCancelled
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout

from kafka import ConsumerRebalanceListener, KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord
from kafka.errors import KafkaError

from services.chassis import logs, metrics
from services.chassis.inbox import Inbox, TooManyParked
from services.chassis.messages import Record

BATCH = 500
POLL_MS = 500
RETRY_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_KEEP_ALIVE_SECONDS = 1.0

log = logs.logger(__name__)


class Consumer:
    """The part of a process that reads a service's topics into its inbox."""

    def __init__(
        self, bootstrap: str, group: str, topics: Sequence[str], inbox: Inbox, *, session_ms: int = 10_000
    ) -> None:
        self._bootstrap = bootstrap
        self._group = group
        self._topics = list(topics)
        self._inbox = inbox
        self._session_ms = session_ms
        self._stopping = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._under_way: Future[None] | None = None
        self.assigned = False
        """Whether the group has given this member its partitions."""

    async def run(self) -> None:
        """Read for as long as the process runs; returns when it is cancelled, the batch under way ended and committed."""
        self._loop = asyncio.get_running_loop()
        reading = asyncio.create_task(asyncio.to_thread(self._read))
        try:
            await asyncio.shield(reading)
        except asyncio.CancelledError:
            self._stopping.set()
            await reading
            raise

    def _read(self) -> None:
        waits = iter(RETRY_SECONDS)
        while not self._stopping.is_set():
            try:
                consumer = self._connect()
            except KafkaError as error:
                wait = next(waits, RETRY_SECONDS[-1])
                log.warning("consumer waits for Kafka", why=type(error).__name__, retry_in_seconds=wait)
                self._stopping.wait(wait)
                continue
            waits = iter(RETRY_SECONDS)
            try:
                while not self._stopping.is_set():
                    self.run_once(consumer)
            except KafkaError as error:
                log.warning("consumer connects again", why=str(error))
            finally:
                self.assigned = False
                consumer.close(timeout_ms=5_000)

    def _connect(self) -> KafkaConsumer:
        consumer = KafkaConsumer(
            bootstrap_servers=self._bootstrap.split(","),
            client_id=self._group,
            group_id=self._group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_poll_records=BATCH,
            session_timeout_ms=self._session_ms,
            heartbeat_interval_ms=self._session_ms // 3,
            fetch_max_wait_ms=POLL_MS,
            bootstrap_timeout_ms=5_000,
            reconnect_backoff_max_ms=1_000,
            allow_auto_create_topics=False,
            metadata_max_age_ms=30_000,
            metrics_enabled=False,
        )
        consumer.subscribe(self._topics, listener=_HandOver(self))
        return consumer

    def run_once(self, consumer: KafkaConsumer) -> int:
        """Read one batch, apply it, commit its offsets; returns the number of records applied."""
        found = consumer.poll(timeout_ms=POLL_MS)
        records = [_record(item) for batch in found.values() for item in batch]
        if not records or not self._apply(consumer, records):
            return 0
        offsets = {at: OffsetAndMetadata(batch[-1].offset + 1, "", -1) for at, batch in found.items() if batch}
        try:
            consumer.commit(offsets, timeout_ms=5_000)
        except KafkaError as error:
            log.info("offsets not committed; the batch will be seen again", why=type(error).__name__)
        return len(records)

    def _apply(self, consumer: KafkaConsumer, records: list[Record]) -> bool:
        assert self._loop  # noqa: S101 - set before the thread starts
        self._under_way = asyncio.run_coroutine_threadsafe(self._until_applied(records), self._loop)
        paused: list[TopicPartition] = []
        try:
            while True:
                try:
                    self._under_way.result(_KEEP_ALIVE_SECONDS)
                except FutureTimeout:
                    if self._under_way.done():
                        raise
                    if self._stopping.is_set():
                        self._under_way.cancel()
                    paused = list(consumer.assignment())
                    consumer.pause(*paused)
                    consumer.poll(timeout_ms=0)
                else:
                    return True
        except FutureCancelled:
            return False
        finally:
            self._under_way = None
            still_ours = set(paused) & set(consumer.assignment())
            if still_ours:
                consumer.resume(*still_ours)

    async def _until_applied(self, records: list[Record]) -> None:
        waits = iter(RETRY_SECONDS)
        while True:
            try:
                await self._inbox.apply(records)
            except TooManyParked:
                raise
            except Exception as error:
                metrics.CONSUMER_FAILURES.inc()
                wait = next(waits, RETRY_SECONDS[-1])
                log.exception("batch not applied", why=str(error).strip(), records=len(records), retry_in_seconds=wait)
                await asyncio.sleep(wait)
            else:
                return

    def hand_over(self) -> None:
        """Give up the batch under way, before its partitions go to somebody else."""
        if self._under_way is not None:
            self._under_way.cancel()


class _HandOver(ConsumerRebalanceListener):  # type: ignore[misc]  # the library has no types
    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer

    def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        self._consumer.assigned = False
        self._consumer.hand_over()

    def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        self._consumer.assigned = True
        log.info("partitions assigned", count=len(assigned))


def _record(item: ConsumerRecord) -> Record:
    key = (item.key or b"").decode(errors="replace")
    return Record(item.topic, key, item.value or b"", tuple(item.headers), item.partition, item.offset)
