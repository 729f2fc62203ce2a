"""Writes records into whole batches for kafka-python's (3.0.12) producer, which takes 70 microseconds for one of them.

The producer keeps what is hard: connections, leaders, sequence numbers, retries. Source of the layout: Kafka's message
format 2, https://kafka.apache.org/documentation/#recordbatch.
"""

import time
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache

from kafka import KafkaProducer, TopicPartition
from kafka.errors import IllegalStateError
from kafka.partitioner.default import murmur2
from kafka.producer.future import FutureRecordMetadata
from kafka.producer.producer_batch import ProducerBatch
from kafka.record.memory_records import MemoryRecordsBuilder

from services.chassis.messages import Message, fixed_headers, own_headers

BATCH_BYTES = 65_536
_FORMAT = 2
_UNCOMPRESSED = 0
_MOST_KEYS = 65_536


def send(producer: KafkaProducer, messages: Sequence[Message]) -> list[FutureRecordMetadata]:
    """Hand messages over, in order per key; gives a future per batch. KafkaError where a topic is not known."""
    by_partition: dict[TopicPartition, list[Message]] = {}
    counts: dict[str, int] = {}
    for item in messages:
        if item.topic not in counts:
            counts[item.topic] = len(producer.partitions_for(item.topic))
        by_partition.setdefault(_partition(item.topic, item.key, counts[item.topic]), []).append(item)
    futures = [
        _enter(producer, partition, records) for partition, items in by_partition.items() for records in _batches(items)
    ]
    producer._sender.wakeup()  # noqa: SLF001 - there is no public way, and the version is pinned
    return futures


@lru_cache(_MOST_KEYS)
def _partition(topic: str, key: str, count: int) -> TopicPartition:
    """Find a key's partition, the same as every client of Kafka finds."""
    return TopicPartition(topic, (murmur2(key.encode()) & 0x7FFFFFFF) % count)


def _batches(items: Sequence[Message]) -> Iterator[list[bytes]]:
    """Write records into batches that are not larger than they should be, of one record at least."""
    batch: list[bytes] = []
    size = 0
    for item in items:
        record = _record(len(batch), item)
        if batch and size + len(record) > BATCH_BYTES:
            yield batch
            batch, size = [], 0
            record = _record(0, item)
        batch.append(record)
        size += len(record)
    yield batch


def _record(offset: int, item: Message) -> bytes:
    key, own = item.key.encode(), own_headers(item)
    fixed_count, fixed = _fixed(item.topic, item.fact)
    body = b"".join(
        (
            b"\x00\x00",  # no attributes, the batch's own time
            _number(offset),
            _number(len(key)),
            key,
            _number(len(item.payload)),
            item.payload,
            _number(fixed_count + len(own)),
            fixed,
            *(_header(name, value) for name, value in own),
        )
    )
    return _number(len(body)) + body


@cache
def _fixed(topic: str, fact: str) -> tuple[int, bytes]:
    headers = fixed_headers(topic, fact)
    return len(headers), b"".join(_header(name, value) for name, value in headers)


def _header(name: str, value: bytes) -> bytes:
    return _name(name) + _number(len(value)) + value


@cache
def _name(name: str) -> bytes:
    return _number(len(name.encode())) + name.encode()


@lru_cache(8192)
def _number(value: int) -> bytes:
    """Write a number that is not negative as a signed one of variable length."""
    rest, digits = value << 1, bytearray()
    while rest > 0x7F:  # noqa: PLR2004 - seven bits a byte
        digits.append(0x80 | rest & 0x7F)
        rest >>= 7
    digits.append(rest)
    return bytes(digits)


def _enter(producer: KafkaProducer, partition: TopicPartition, records: Sequence[bytes]) -> FutureRecordMetadata:
    """Put a batch that is written already where the producer's sender takes it from."""
    now = int(time.time() * 1000)
    builder = MemoryRecordsBuilder(_FORMAT, _UNCOMPRESSED, BATCH_BYTES)
    _fill(builder, records, now)
    batch = ProducerBatch(partition, builder)
    future = FutureRecordMetadata(batch.produce_future, 0, now, None, -1, -1, -1)
    accumulator = producer._accumulator  # noqa: SLF001 - there is no public way, and the version is pinned
    accumulator._appends_in_progress.increment()  # noqa: SLF001 - an end of the producer waits for it
    try:
        with accumulator._tp_lock(partition):  # noqa: SLF001
            if accumulator._closed:  # noqa: SLF001
                raise IllegalStateError("the producer has ended")
            accumulator._batches[partition].append(batch)  # noqa: SLF001
            accumulator._incomplete.add(batch)  # noqa: SLF001
    finally:
        accumulator._appends_in_progress.decrement()  # noqa: SLF001
    return future


def _fill(builder: MemoryRecordsBuilder, records: Sequence[bytes], now: int) -> None:
    inner = builder._builder  # noqa: SLF001 - there is no public way, and the version is pinned
    inner._buffer += b"".join(records)  # noqa: SLF001
    inner._first_timestamp = inner._max_timestamp = now  # noqa: SLF001
    inner._num_records, inner._last_offset = len(records), len(records) - 1  # noqa: SLF001
    builder.skip(len(records))
