"""From the outbox of one process to the inbox of another: each committed event once, in order, whatever happens."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import pytest
from kafka import KafkaAdminClient
from prometheus_client import Gauge
from psycopg.conninfo import conninfo_to_dict

from services.chassis import consumer as consumer_module
from services.chassis import metrics
from services.chassis.consumer import Consumer
from services.chassis.database import Database
from services.chassis.inbox import Inbox, TooManyParked
from services.chassis.keeper import Keeper
from services.chassis.messages import Record
from services.chassis.relay import rewind
from services.chassis.topics import create_topics
from tests.support.brokers import BrokerProcess
from tests.support.delivery import Delivery
from tests.support.outbox import TOPIC
from tests.support.proxy import running_proxy
from tests.support.until import until


async def test_committed_events_take_effect_once_in_order(delivery: Delivery) -> None:
    async with delivery.relay(), delivery.consumer():
        await delivery.tell(1000)
        await delivery.all_seen()
    await delivery.check()


async def test_a_broker_killed_in_the_middle_loses_and_doubles_nothing(
    delivery: Delivery, broker: BrokerProcess
) -> None:
    async with delivery.relay(), delivery.consumer():
        telling = asyncio.create_task(delivery.tell(1500, each=5))
        await until(lambda: _some(delivery, 200))
        broker.kill()
        await telling
        broker.start()
        await delivery.tell(200)
        await delivery.all_seen()
    await delivery.check()


async def _some(delivery: Delivery, count: int) -> bool:
    return len(await delivery.seen()) >= count


async def test_members_that_come_and_go_double_nothing(delivery: Delivery) -> None:
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(delivery.relay())
        first = await stack.enter_async_context(delivery.consumer())
        await until(lambda: first.assigned)
        stop = asyncio.Event()
        telling = asyncio.create_task(_keep_telling(delivery, stop))
        for _ in range(2):
            async with delivery.consumer() as second:
                await until(lambda: second.assigned)
                before = len(delivery.committed)
                await until(lambda: len(delivery.committed) > before + 200)  # noqa: B023 - asked at once
        stop.set()
        await telling
        await delivery.all_seen()
    await delivery.check()


async def _keep_telling(delivery: Delivery, stop: asyncio.Event) -> None:
    while not stop.is_set():
        await delivery.tell(20)
        await asyncio.sleep(0.01)


async def test_a_batch_given_up_at_a_rebalance_is_read_again(
    delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client keeps the position of a partition that stays with its member: without care the batch is skipped."""
    async with delivery.relay(), delivery.consumer() as first:
        await until(lambda: first.assigned)
        held, released = asyncio.Event(), asyncio.Event()
        apply = first._inbox.apply

        async def hold(records: list[Record]) -> None:
            held.set()
            await released.wait()
            await apply(records)

        monkeypatch.setattr(first._inbox, "apply", hold)
        await delivery.tell(200)
        await held.wait()
        async with delivery.consumer() as second:
            await until(lambda: second.assigned)
            released.set()
            await delivery.all_seen()
    await delivery.check()


async def test_a_database_away_holds_up_the_consumer_and_loses_nothing(
    delivery: Delivery, url: str, admin: KafkaAdminClient
) -> None:
    where = conninfo_to_dict(url)
    with running_proxy((str(where["host"]), int(where["port"] or 5432))) as proxy:
        away = Database(url.replace(f"{where['host']}:{where['port']}", proxy.address))
        await away.start()
        async with delivery.relay(), delivery.consumer(away):
            await delivery.tell(100)
            await delivery.all_seen()
            members = _members(admin, delivery.name)
            proxy.refuse()
            failures = metrics.CONSUMER_FAILURES._value.get()
            await delivery.tell(300)
            await until(lambda: metrics.CONSUMER_FAILURES._value.get() >= failures + 2)
            assert len(await delivery.seen()) == 100
            assert _told(metrics.CONSUMER_LAG.labels(TOPIC)) > 0
            assert _told(metrics.CONSUMER_BEHIND) > 0
            assert _members(admin, delivery.name) == members
            proxy.accept()
            await delivery.all_seen()
            await until(lambda: not _told(metrics.CONSUMER_LAG.labels(TOPIC)) and not _told(metrics.CONSUMER_BEHIND))
            assert _members(admin, delivery.name) == members
        await away.stop()
    await delivery.check()


def _told(gauge: Gauge) -> float:
    [family] = gauge.collect()
    return family.samples[0].value


def _members(admin: KafkaAdminClient, group: str) -> list[str]:
    described = admin.describe_groups([group])
    [one] = described.values() if isinstance(described, dict) else described
    return sorted(member["member_id"] for member in one["members"])


async def test_publishing_again_from_the_outbox_changes_nothing(delivery: Delivery) -> None:
    repeats = metrics.CONSUMED.labels(TOPIC, "repeated")._value
    before = repeats.get()
    async with delivery.relay(), delivery.consumer():
        await delivery.tell(300)
        await delivery.all_seen()
        async with delivery.store.read() as connection:
            await rewind(connection, datetime.now(UTC) - timedelta(hours=1))
        await delivery.tell(100)
        await until(lambda: repeats.get() >= before + 300)
        await delivery.all_seen()
    await delivery.check()


async def test_a_consumer_that_stops_commits_and_leaves_the_group(delivery: Delivery, admin: KafkaAdminClient) -> None:
    async with delivery.relay(), delivery.consumer():
        await delivery.tell(300)
        await delivery.all_seen()
        assert len(_members(admin, delivery.name)) == 1
    assert _members(admin, delivery.name) == []
    repeats = metrics.CONSUMED.labels(TOPIC, "repeated")._value
    before = repeats.get()
    async with delivery.relay(), delivery.consumer():
        await delivery.tell(20)
        await delivery.all_seen()
    assert repeats.get() == before
    await delivery.check()


async def test_without_kafka_events_wait_in_the_outbox_and_a_metric_says_so(
    delivery: Delivery, broker: BrokerProcess
) -> None:
    broker.stop()
    keeper = Keeper(delivery.store)
    async with delivery.relay(), delivery.consumer() as waiting:
        await delivery.tell(300)
        assert await keeper.run_once() == 300
        assert metrics.OUTBOX_UNSENT._value.get() == 300
        assert metrics.OUTBOX_AGE._value.get() > 0
        assert not waiting.assigned
        broker.start()
        await delivery.all_seen()
        await until(lambda: _all_sent(keeper))
    assert metrics.OUTBOX_UNSENT._value.get() == 0
    await delivery.check()


async def _all_sent(keeper: Keeper) -> bool:
    return await keeper.run_once() == 0


async def test_partitions_added_while_members_read_are_read_too(
    store: Database, local: Callable[..., BrokerProcess], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer_module, "METADATA_MS", 300)
    own = local()
    await create_topics(own.bootstrap)
    delivery = Delivery(store, own.bootstrap, name)
    await delivery.effects.create()
    async with delivery.relay(), delivery.consumer() as first, delivery.consumer() as second:
        await until(lambda: first.assigned and second.assigned)
        await delivery.tell(100)
        await delivery.all_seen()
        admin = KafkaAdminClient(bootstrap_servers=own.bootstrap)
        admin.create_partitions({TOPIC: 12})
        admin.close()
        delivery.name += "-b"
        delivery.committed = []
        await asyncio.gather(*(delivery.tell(10, keys=100) for _ in range(1)))
        await until(lambda: _spread(own, delivery))
        await delivery.all_seen()
    await delivery.check()


async def _spread(own: BrokerProcess, delivery: Delivery) -> bool:
    await delivery.tell(100, keys=100)
    return len(delivery.committed) >= 1000


async def test_too_many_parked_keys_stop_the_consumer_before_it_commits_the_batch(delivery: Delivery) -> None:
    delivery.effects.poison = {(f"{delivery.name}-3", 1)}
    inbox = Inbox(delivery.store, {TOPIC: delivery.effects.handle}, max_parked_keys=0)
    consumer = Consumer(delivery.bootstrap, delivery.name, [TOPIC], inbox)
    async with delivery.relay():
        await delivery.tell(100)
        with pytest.raises(TooManyParked, match="1 keys are parked"):
            await consumer.run()
    delivery.effects.poison = set()
    async with delivery.consumer():
        await delivery.all_seen()
    await delivery.check()
