"""The contract of cleaning up: retention by age, and compaction by key."""

from typing import Any

from kafka import KafkaAdminClient, KafkaProducer, TopicPartition

from tests.contract.conftest import Client
from tests.support.eventually import eventually
from tests.support.records import create, read_to_end, send_all

# Apache looks every second, and only at closed segments: a new record closes the one before when segment.ms is over.
CLEANING_SECONDS = 90.0


def test_records_go_when_their_age_is_over(
    admin: KafkaAdminClient, producer: Client, consumer: Client, name: str
) -> None:
    create(admin, name, retention_ms="600000", segment_ms="60000")
    sender = producer()
    now = 1_790_000_000_000  # milliseconds, long before the age limit
    send_all(sender, name, [b"old"], timestamp_ms=now)
    send_all(sender, name, [b"new"])
    place = TopicPartition(name, 0)
    reader = consumer()

    eventually(lambda: reader.beginning_offsets([place])[place] == 1, "the old one is gone", seconds=CLEANING_SECONDS)

    assert [record.value for record in read_to_end(reader, name)] == [b"new"]


def test_of_each_key_the_last_record_stays(
    admin: KafkaAdminClient, producer: Client, consumer: Client, name: str
) -> None:
    create(
        admin,
        name,
        cleanup_policy="compact",
        segment_ms="100",
        min_cleanable_dirty_ratio="0.01",
        delete_retention_ms="0",
    )
    sender = producer(linger_ms=5)
    for number in range(60):
        sender.send(name, b"%d" % number, key=b"key-%d" % (number % 3))
    sender.send(name, None, key=b"key-2")
    sender.flush()
    reader = consumer()

    kept = eventually(lambda: _compacted(sender, reader, name), "one record per key", seconds=CLEANING_SECONDS)

    assert kept == [(b"key-0", b"57", 57), (b"key-1", b"58", 58)]


def _compacted(sender: KafkaProducer, reader: Any, topic: str) -> list[tuple[bytes, bytes, int]]:
    """Close the segment with one more record; what the topic holds, once each key is there at most once."""
    send_all(sender, topic, [b"tick"], key=b"tick")
    records = [record for record in read_to_end(reader, topic) if record.key != b"tick"]
    keys = [record.key for record in records]
    done = len(set(keys)) == len(keys) and b"key-2" not in keys
    return [(record.key, record.value, record.offset) for record in records] if done else []


def test_a_compacted_topic_keeps_its_offsets_and_takes_new_records(
    admin: KafkaAdminClient, producer: Client, consumer: Client, name: str
) -> None:
    create(admin, name, cleanup_policy="compact,delete", segment_ms="100", min_cleanable_dirty_ratio="0.01")
    sender = producer(compression_type="gzip", linger_ms=5)
    for number in range(30):
        sender.send(name, b"%d" % number, key=b"key")
    sender.flush()
    reader = consumer()

    def compacted() -> bool:
        send_all(sender, name, [b"tick"], key=b"tick")
        return [record.offset for record in read_to_end(reader, name) if record.key == b"key"] == [29]

    eventually(compacted, "one record is left", seconds=CLEANING_SECONDS)
    [place] = reader.assignment()
    end = reader.end_offsets([place])[place]
    [acknowledged] = send_all(sender, name, [b"next"], key=b"key")
    assert acknowledged.offset == end
    assert [record.value for record in read_to_end(reader, name) if record.offset == end] == [b"next"]
