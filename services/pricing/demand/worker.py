"""The Faust application that counts demand: one agent reads tallies, one table holds what is counted of each campaign.

The table's changelog is groupbuy.demand.v1 itself: a write is at once the state and its publication, so neither can be
without the other. Faust's web server is off, and it declares no topics.
"""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import faust
from aiokafka.errors import IllegalStateError
from faust.tables.table import Table
from faust.types import TP, EventT, FutureMessage, StreamT
from groupbuy.pricing.v1 import events_pb2

from services.chassis import logs, messages, metrics
from services.chassis.kafka_security import PLAINTEXT, KafkaSecurity
from services.pricing.demand import codecs
from services.pricing.demand.positions import Positions
from services.pricing.domain import demand as counting
from services.pricing.translate import demand as words

APP_ID = "groupbuy-pricing-demand"
LOOK_SECONDS = 0.5
SESSION_SECONDS = 10.0
STORE_OPTIONS = {"write_buffer_size": 1 << 20, "max_write_buffer_number": 2, "block_cache_size": 4 << 20}
"""Bytes for each partition: Faust's own choice is 64 MiB of buffers and 2 GiB of cache."""

log = logs.logger(__name__)


class DemandTable(Table):  # type: ignore[type-arg]  # generic in its stub alone
    """A table whose changelog records are events of ours, with their headers; one that is not written is a failure."""

    failed: "asyncio.Future[None]"

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.key_serializer = codecs.KEY
        self.value_serializer = codecs.DEMAND  # it is not asked for by name in any other way

    def send_changelog(
        self,
        partition: int | None,
        key: Any,
        value: Any,
        key_serializer: Any = None,
        value_serializer: Any = None,
    ) -> FutureMessage:
        """Publish what was counted of a campaign."""
        found = messages.message(words.DEMAND_TOPIC, value.campaign_id, value)
        sent: FutureMessage = self.changelog_topic.send_soon(
            key=key,
            value=value,
            partition=partition,
            headers=messages.headers(found),
            key_serializer=key_serializer or codecs.KEY,
            value_serializer=value_serializer or codecs.DEMAND,
            callback=self._on_changelog_sent,
            eager_partitioning=True,
        )
        return sent

    def _on_changelog_sent(self, fut: FutureMessage) -> None:
        if fut.cancelled() or fut.exception():
            _fail(self.failed, RuntimeError(f"{words.DEMAND_TOPIC} was not written: {fut}"))
        else:
            super()._on_changelog_sent(fut)


class Worker:
    """Counts until it is cancelled; it never acknowledges a tally that it could not count, but stops and says so."""

    def __init__(
        self,
        bootstrap: str,
        store: Path,
        partitions: int,
        *,
        app_id: str = APP_ID,
        security: KafkaSecurity = PLAINTEXT,
    ) -> None:
        codecs.register()
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._positions = Positions()
        self._generation = -1
        self._began = False
        self._app = _application(bootstrap, store, app_id, security)
        self._table = self._make_table(partitions)
        self._app.agent(self._topic(words.TALLY_TOPIC, codecs.TALLY))(self._count)
        self._app.on_partitions_revoked.connect(self._forget, weak=False)

    def _make_table(self, partitions: int) -> DemandTable:
        made: Any = self._app.Table(
            "campaigns",
            key_type=bytes,
            partitions=partitions,
            changelog_topic=self._topic(words.DEMAND_TOPIC, codecs.DEMAND),
            options=dict(STORE_OPTIONS),
        )
        table: DemandTable = made
        table.failed = self._failed
        return table

    def _topic(self, name: str, serializer: str) -> Any:
        return self._app.topic(name, key_type=bytes, key_serializer=codecs.KEY, value_serializer=serializer)

    @property
    def _recovery(self) -> Any:
        manager: Any = self._app.tables  # its interface does not name it
        return manager.recovery

    async def ready(self) -> bool:
        """Tell whether it has its partitions, has restored their part of the table, and counts."""
        return self._began and not self._app.rebalancing

    async def run(self) -> None:
        """Count for as long as the process runs; raises what stopped the counting."""
        await self._app.start()
        looking = asyncio.create_task(self._look_after_positions())
        stopped = asyncio.create_task(self._app.wait_until_stopped())
        try:
            await asyncio.wait([self._failed, looking, stopped], return_when=asyncio.FIRST_COMPLETED)
            for task in (self._failed, looking):
                if task.done():
                    task.result()
            raise RuntimeError(f"the stream processor stopped: {self._app.crash_reason}")
        finally:
            for task in (looking, stopped):
                task.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.shield(self._app.stop())

    async def _count(self, tallies: StreamT[Any]) -> None:
        """Take each tally in order. An exception does not leave: Faust would go on, with this one acknowledged."""
        async for event in tallies.events():
            try:
                self._take(event)
            except Exception as error:  # noqa: BLE001 - whatever it is, it stops the process
                _fail(self._failed, error)
                await asyncio.Event().wait()

    def _take(self, event: EventT[Any]) -> None:
        message = event.message
        before = self._positions.passed_over
        if not self._positions.admit(message.partition, message.offset):
            return
        if missing := self._positions.passed_over - before:
            log.warning("tallies not found", partition=message.partition, before=message.offset, offsets=missing)
        self._enter(event)

    def _enter(self, event: EventT[Any]) -> None:
        message = event.message
        tally: Any = event.value
        if not _is_tally(tally):
            metrics.CONSUMED.labels(words.TALLY_TOPIC, "unreadable").inc()
            log.error("no tally", topic=message.topic, partition=message.partition, offset=message.offset)
            return
        key = tally.campaign_id.encode()
        known = self._table.get(key)
        before = words.read_demand(known) if known else counting.CampaignDemand()
        after = counting.count(before, *words.read_tally(tally))
        metrics.CONSUMED.labels(words.TALLY_TOPIC, "applied" if after is not before else "repeated").inc()
        if after is not before:
            self._table[key] = words.demand_event(after, tally, message.partition, message.offset)

    async def _forget(self, *_: Any, **__: Any) -> None:
        self._positions.forget()
        self._began = False

    async def _look_after_positions(self) -> None:
        """Put each partition where the table goes on: after every assignment, and where something was skipped."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if self._app.rebalancing or not self._recovery.completed.is_set():
                continue
            if self._generation != self._app.consumer_generation_id or not self._began:
                await self._begin()
            found = {
                TP(words.TALLY_TOPIC, partition): self._positions[partition] for partition in self._positions.to_seek()
            }
            if found:
                await self._seek(found)

    async def _seek(self, found: dict[TP, int]) -> None:
        """Seek on the consumer's own thread: Consumer.seek of Faust does it on ours, which breaks the fetcher there."""
        with suppress(IllegalStateError):  # no partition of ours any more: the next assignment begins anew
            await self._app.consumer.seek_wait(found)

    async def _begin(self) -> None:
        consumer, generation = self._app.consumer, self._app.consumer_generation_id
        found = [tp for tp in consumer.assignment() if tp.topic == words.TALLY_TOPIC]
        earliest = await consumer.earliest_offsets(*found) if found else {}
        latest = await consumer.highwaters(*found) if found else {}
        if self._app.rebalancing or generation != self._app.consumer_generation_id:
            return
        contained = ((event.demand_counted.tally_partition, event.demand_counted.tally_offset) for event in self._all())
        self._positions.begin([tp.partition for tp in found], contained)
        for tp in found:
            if self._positions[tp.partition] > (latest.get(tp) or 0):
                self._positions.restart(tp.partition)
            self._positions.raise_to(tp.partition, earliest.get(tp) or 0)
        self._generation, self._began = generation, True
        log.info("counting", partitions={tp.partition: self._positions[tp.partition] for tp in found})

    def _all(self) -> list[events_pb2.DemandEvent]:
        return [event for event in self._table.values() if event is not None]


def _application(bootstrap: str, store: Path, app_id: str, security: KafkaSecurity) -> faust.App:
    return faust.App(
        app_id,
        broker=[f"kafka://{address}" for address in bootstrap.split(",")],
        broker_credentials=_credentials(security),
        datadir=store,
        store="rocksdb://?driver=rocksdict",
        autodiscover=False,
        Table=DemandTable,
        key_serializer=codecs.KEY,
        value_serializer=codecs.KEY,
        processing_guarantee="at_least_once",
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        table_standby_replicas=0,
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=SESSION_SECONDS,
        broker_heartbeat_interval=SESSION_SECONDS / 5,
        producer_acks=-1,
        stream_buffer_maxsize=1024,
        stream_wait_empty=False,
    )


def _credentials(security: KafkaSecurity) -> faust.SASLCredentials | faust.SSLCredentials | None:
    if security.user:
        return faust.SASLCredentials(
            username=security.user, password=security.password, ssl_context=security.tls, mechanism=security.mechanism
        )
    return faust.SSLCredentials(security.tls) if security.tls else None


def _is_tally(tally: Any) -> bool:
    """Tell whether a value is a tally that can be counted."""
    if not isinstance(tally, events_pb2.TallyEvent) or tally.WhichOneof("fact") != "campaign_tallied":
        return False
    return bool(tally.campaign_id and tally.sequence >= 1 and words.is_id(tally.event_id))


def _fail(future: "asyncio.Future[None]", error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
