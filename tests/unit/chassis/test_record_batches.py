"""Batches written by hand: what the library's own reader finds in them, and how they are cut."""

from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st
from kafka.record.memory_records import MemoryRecords, MemoryRecordsBuilder

from services.chassis import record_batches
from services.chassis.messages import Message, headers

TOPIC = "groupbuy.team.v1"
FACT = "groupbuy.team_formation.v1.SeatHeld"
SIZES = st.integers(0, 300) | st.sampled_from([63, 64, 8191, 8192, 70_000, 2_100_000])


def told(key: str, size: int, traceparent: str = "") -> Message:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Message(TOPIC, key, UUID(int=size), FACT, 1, at, b"p" * size, traceparent)


def read(records: list[bytes]) -> list[tuple[int, bytes, bytes, list[tuple[str, bytes]]]]:
    """Close a batch as the producer does, and read it."""
    builder = MemoryRecordsBuilder(2, 0, record_batches.BATCH_BYTES)
    record_batches._fill(builder, records, 1_700_000_000_000)
    builder.close()
    found = []
    for batch in iter(MemoryRecords(bytes(builder.buffer())).next_batch, None):
        assert batch.validate_crc()
        found += [(record.offset, record.key, record.value, list(record.headers)) for record in batch]
    return found


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=200), SIZES, st.sampled_from(["", "00-aa-bb-01"])), min_size=1, max_size=80))
def test_the_librarys_reader_finds_what_was_written(what: list[tuple[str, int, str]]) -> None:
    items = [told(*one) for one in what]
    found = [record for records in record_batches._batches(items) for record in read(records)]
    expected = [(item.key.encode(), item.payload, headers(item)) for item in items]
    assert [(key, value, carried) for _, key, value, carried in found] == expected


def test_a_batch_is_cut_at_its_size_but_has_one_record_at_least() -> None:
    half = record_batches.BATCH_BYTES // 2
    sizes = [half - 500, half - 500, 1, 3 * half, 3 * half, 1]
    batches = list(record_batches._batches([told("k", size) for size in sizes]))
    assert [len(records) for records in batches] == [3, 1, 1, 1]
    assert [offset for offset, *_ in read(batches[0])] == [0, 1, 2]
