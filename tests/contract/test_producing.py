"""The contract of producing and reading: order per key, nothing twice, nothing cut short."""

import contextlib
from collections import defaultdict
from typing import Any

import pytest
from kafka import KafkaAdminClient, TopicPartition
from kafka.errors import MessageSizeTooLargeError

from tests.contract.conftest import Client
from tests.support.brokers import BrokerProcess
from tests.support.eventually import eventually
from tests.support.proxy import running_proxy
from tests.support.records import create, read_count, read_to_end, send_all


def test_records_come_in_order_per_key(admin: KafkaAdminClient, producer: Client, consumer: Client, name: str) -> None:
    create(admin, name, partitions=4)
    sender = producer()
    for number in range(500):
        sender.send(name, b"%d" % number, key=b"key-%d" % (number % 20), headers=[("n", b"%d" % number)])
    sender.flush()

    by_key: dict[bytes, list[int]] = defaultdict(list)
    for record in read_to_end(consumer(), name):
        by_key[record.key].append(int(record.value))
        assert record.headers == [("n", record.value)]

    assert by_key == {b"key-%d" % key: list(range(key, 500, 20)) for key in range(20)}


def test_an_acknowledgement_names_the_place_of_the_record(
    admin: KafkaAdminClient, producer: Client, consumer: Client, name: str
) -> None:
    create(admin, name, partitions=2)

    acknowledged = send_all(producer(), name, [b"a", b"b", b"c"], partition=1)

    assert [(one.partition, one.offset) for one in acknowledged] == [(1, 0), (1, 1), (1, 2)]
    assert [(record.partition, record.offset, record.value) for record in read_to_end(consumer(), name)] == [
        (1, 0, b"a"),
        (1, 1, b"b"),
        (1, 2, b"c"),
    ]


def test_compressed_batches_are_stored_and_read(
    admin: KafkaAdminClient, producer: Client, consumer: Client, name: str
) -> None:
    create(admin, name)
    values = [b"%d " % number * 50 for number in range(200)]

    send_all(producer(compression_type="gzip", linger_ms=20), name, values)

    assert [record.value for record in read_to_end(consumer(), name)] == values


def test_a_batch_larger_than_the_fetch_size_arrives(
    admin: KafkaAdminClient, producer: Client, consumer: Client, name: str
) -> None:
    create(admin, name)
    values = [bytes([number]) * 300_000 for number in range(3)]
    send_all(producer(), name, values)

    reader = consumer(name, max_partition_fetch_bytes=1000, fetch_max_bytes=1000)

    assert [record.value for record in read_count(reader, 3)] == values


def test_a_record_larger_than_the_topic_allows_is_refused(admin: KafkaAdminClient, producer: Client, name: str) -> None:
    create(admin, name, max_message_bytes="10000")

    with pytest.raises(MessageSizeTooLargeError):
        send_all(producer(), name, [b"x" * 20_000])


def test_a_topic_that_is_not_there_is_not_created(admin: KafkaAdminClient, consumer: Client, name: str) -> None:
    assert consumer().partitions_for_topic(name) == set()

    assert name not in admin.list_topics()


def test_a_waiting_consumer_gets_a_record_as_soon_as_it_is_there(
    admin: KafkaAdminClient, producer: Client, consumer: Client, name: str
) -> None:
    create(admin, name)
    reader = consumer(name, fetch_max_wait_ms=20_000)
    assert reader.poll(timeout_ms=500) == {}

    send_all(producer(), name, [b"now"])

    assert [record.value for record in read_count(reader, 1)] == [b"now"]


def test_a_lost_answer_and_a_retry_store_a_batch_once(
    broker: BrokerProcess, admin: KafkaAdminClient, producer: Client, consumer: Client, name: str
) -> None:
    create(admin, name, partitions=2)
    with running_proxy() as proxy, contextlib.closing(producer(proxy_url=proxy.url, linger_ms=1)) as sender:
        send_all(sender, name, [b"first-%d" % number for number in range(10)], partition=0)
        for round_ in range(3):
            proxy.hold_answers()
            futures = [sender.send(name, b"%d-%d" % (round_, number), partition=1) for number in range(100)]
            _until_stored(consumer(), name, round_ * 100)
            proxy.cut()
            proxy.release_answers()
            sender.flush(timeout=60)
            assert [future.get(timeout=10).offset for future in futures] == list(
                range(round_ * 100, round_ * 100 + 100)
            )

    values = [record.value for record in read_to_end(consumer(), name) if record.partition == 1]
    assert values == [b"%d-%d" % (round_, number) for round_ in range(3) for number in range(100)]


def _until_stored(watcher: Any, topic: str, already: int) -> None:
    """The broker has stored something that the producer does not know of."""
    place = TopicPartition(topic, 1)
    eventually(lambda: watcher.end_offsets([place])[place] > already, "a batch is stored")


def test_many_topics(admin: KafkaAdminClient, producer: Client, consumer: Client, name: str) -> None:
    names = [f"{name}-{number:02d}" for number in range(20)]
    admin.create_topics({one: {"num_partitions": 2, "replication_factor": 1} for one in names})
    admin.wait_for_topics(names)
    sender = producer()
    for one in names:
        sender.send(one, one.encode())
    sender.flush()

    reader = consumer()
    reader.subscribe(pattern=f"^{name}-.*")

    assert sorted(record.value.decode() for record in read_count(reader, len(names))) == names
    admin.delete_topics(names)
