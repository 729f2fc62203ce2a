"""The contract of keeping: topics, records, positions and producers' sequences survive a restart and a kill -9."""

import threading
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaProducer, OffsetAndMetadata, TopicPartition

from tests.contract.conftest import Client
from tests.support.brokers import BrokerProcess
from tests.support.eventually import eventually
from tests.support.proxy import running_proxy
from tests.support.records import create, read_count, read_to_end, send_all


@pytest.mark.parametrize("crash", [False, True], ids=["restart", "kill"])
def test_topics_records_and_positions_stay(
    broker: BrokerProcess, admin: KafkaAdminClient, producer: Client, consumer: Client, name: str, *, crash: bool
) -> None:
    create(admin, name, partitions=3, retention_ms="86400000")
    sender = producer()
    for number in range(90):
        sender.send(name, b"%d" % number, partition=number % 3)
    sender.flush()
    before = consumer(name, group_id=name)
    read_count(before, 90)
    before.commit({TopicPartition(name, 2): OffsetAndMetadata(25, "kept", -1)})
    before.close(autocommit=False)

    if crash:
        broker.kill()
        broker.start()
    else:
        broker.restart()

    after = consumer()
    assert sorted(int(record.value) for record in read_to_end(after, name)) == list(range(90))
    resumed = consumer(group_id=name)
    assert resumed.committed(TopicPartition(name, 2)) == 25
    assert after.partitions_for_topic(name) == {0, 1, 2}
    send_all(sender, name, [b"more"], partition=0)
    assert [record.offset for record in read_to_end(after, name) if record.value == b"more"] == [30]


def test_what_was_acknowledged_is_there_once_after_a_kill_under_load(
    broker: BrokerProcess, admin: KafkaAdminClient, producer: Client, consumer: Client, name: str
) -> None:
    create(admin, name, partitions=2)
    load = Load(producer(linger_ms=1, delivery_timeout_ms=120_000), name)
    load.start()
    eventually(lambda: load.acknowledged > 200, "a first part is acknowledged")
    broker.kill()
    broker.start()
    after_start = load.acknowledged
    eventually(lambda: load.acknowledged > after_start + 200, "the producer goes on", seconds=90)

    sent = load.stop()

    values = [int(record.value) for record in read_to_end(consumer(), name)]
    assert sorted(values) == list(range(sent))


class Load:
    """Sends numbers on a thread of its own for as long as it is let."""

    def __init__(self, sender: KafkaProducer, topic: str) -> None:
        self.acknowledged = 0
        self._sender = sender
        self._topic = topic
        self._sent = 0
        self._failed: list[BaseException] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> int:
        """How many were sent, each of them acknowledged."""
        self._stopping.set()
        self._thread.join(30)
        self._sender.flush(timeout=60)
        assert not self._failed
        assert self.acknowledged == self._sent
        return self._sent

    def _run(self) -> None:
        while not self._stopping.wait(0.001):
            if self._sent - self.acknowledged < 5000:
                future = self._sender.send(self._topic, b"%d" % self._sent, partition=self._sent % 2)
                future.add_callback(self._count)
                future.add_errback(self._failed.append)
                self._sent += 1

    def _count(self, _: Any) -> None:
        self.acknowledged += 1


def test_a_retry_after_a_kill_is_still_recognised(
    broker: BrokerProcess, admin: KafkaAdminClient, producer: Client, consumer: Client, name: str
) -> None:
    create(admin, name)
    place = TopicPartition(name, 0)
    with running_proxy() as proxy:
        sender = producer(proxy_url=proxy.url, linger_ms=1)
        send_all(sender, name, [b"first"])
        proxy.hold_answers()
        futures = [sender.send(name, b"%d" % number) for number in range(50)]
        watcher = consumer()
        eventually(lambda: watcher.end_offsets([place])[place] > 1, "a batch is stored")
        broker.kill()
        proxy.refuse()
        broker.start()
        proxy.release_answers()
        proxy.accept()
        sender.flush(timeout=60)
        assert [future.get(timeout=10).offset for future in futures] == list(range(1, 51))
        sender.close()

    values = [record.value for record in read_to_end(consumer(), name)]
    assert values == [b"first", *(b"%d" % number for number in range(50))]


def test_a_consumer_goes_on_over_a_restart(
    broker: BrokerProcess, admin: KafkaAdminClient, producer: Client, consumer: Client, name: str
) -> None:
    create(admin, name)
    sender = producer()
    reader = consumer(name, group_id=name, session_timeout_ms=20_000)
    send_all(sender, name, [b"before"])
    assert [record.value for record in read_count(reader, 1)] == [b"before"]

    broker.restart()
    reader.commit()
    send_all(sender, name, [b"after"])

    assert [record.value for record in read_count(reader, 1)] == [b"after"]
    assert reader.committed(TopicPartition(name, 0)) == 1
