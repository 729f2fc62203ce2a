"""One partition of the local broker, looked at from inside: sizes of reads, retention, compaction, recovery."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kafka.record import MemoryRecordsBuilder

from deploy.local.broker.configs import TopicConfigs
from deploy.local.broker.log.batch import parse
from deploy.local.broker.log.compaction import compact, due
from deploy.local.broker.log.files import Files
from deploy.local.broker.log.partition import Partition
from deploy.local.broker.log.records import Record, read_records
from deploy.local.broker.log.retention import retain

NOW = 1_790_000_000_000  # milliseconds


def opened(directory: Path, **configs: str) -> Partition:
    return Partition(
        directory, TopicConfigs({name.replace("_", "."): value for name, value in configs.items()}), Files()
    )


def batch(*records: tuple[str | None, str | None], timestamp: int = NOW, gzip: bool = False) -> bytes:
    builder = MemoryRecordsBuilder(magic=2, compression_type=int(gzip), batch_size=1 << 20)
    for key, value in records:
        builder.append(timestamp, *(None if one is None else one.encode() for one in (key, value)))
    builder.close()
    return bytes(builder.buffer())


def batches(data: bytes) -> Iterator[bytes]:
    position = 0
    while position < len(data):
        size = parse(data, position).size
        yield data[position : position + size]
        position += size


def kept(partition: Partition) -> list[Record]:
    """All records that a consumer from the beginning would see."""
    records: list[Record] = []
    offset = partition.start
    while data := partition.read(offset, 1 << 20, at_least_one=True):
        for one in batches(data):
            records.extend(read_records(one))
            offset = parse(one).last_offset + 1
    return records


def files(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def names(partition: Partition) -> list[tuple[int, str]]:
    return [(record.offset, (record.key or b"").decode()) for record in kept(partition)]


def test_a_read_gives_whole_batches_and_no_more_than_asked(tmp_path: Path) -> None:
    partition = opened(tmp_path, segment_bytes="20000")
    one = batch(("k", "v" * 500))
    for _ in range(100):
        partition.append(one)

    for offset in range(100):
        for size in (0, len(one) - 1, len(one), 3 * len(one), 10_000, 1 << 20):
            data = partition.read(offset, size, at_least_one=True)
            found = list(batches(data))
            assert parse(found[0]).base_offset == offset
            assert len(data) <= size or len(found) == 1
            assert bool(partition.read(offset, size, at_least_one=False)) == (size >= len(one))


def test_whole_segments_go_when_their_newest_record_is_too_old(tmp_path: Path) -> None:
    partition = opened(tmp_path, retention_ms="1000", segment_ms="100")
    for age in (5000, 4000, 500, 0):
        partition.append(batch((f"{age}", "v"), timestamp=NOW - age))

    assert retain(partition, NOW) == 2
    assert names(partition) == [(2, "500"), (3, "0")]
    assert retain(partition, NOW + 10_000) == 2
    assert (partition.start, partition.end, kept(partition)) == (4, 4, [])
    assert opened(tmp_path).end == 4
    assert len(list(tmp_path.glob("*.log"))) == 1


def test_a_topic_that_is_only_compacted_keeps_old_records(tmp_path: Path) -> None:
    partition = opened(tmp_path, retention_ms="1000", cleanup_policy="compact")
    partition.append(batch(("k", "v"), timestamp=NOW - 5000))

    assert retain(partition, NOW) == 0


def test_the_oldest_segments_go_when_there_is_too_much(tmp_path: Path) -> None:
    one = batch(("k", "v" * 2000))
    partition = opened(tmp_path, retention_bytes=f"{2 * len(one)}", segment_bytes="2500", retention_ms="-1")
    for _ in range(5):
        partition.append(one)

    assert retain(partition, NOW) == 3
    assert (partition.start, partition.end) == (3, 5)


def compacted(tmp_path: Path, **configs: str) -> Partition:
    """Segments of one batch each; keys a and b, a tombstone of b, the last segment still being written."""
    partition = opened(tmp_path, cleanup_policy="compact", segment_ms="10", **configs)
    partition.append(batch(("a", "1"), ("b", "1"), ("a", "2"), timestamp=NOW, gzip=True))
    partition.append(batch(("b", "2"), ("c", "1"), timestamp=NOW + 100))
    partition.append(batch(("b", None), ("a", "3"), timestamp=NOW + 200))
    partition.append(batch(("a", "4"), timestamp=NOW + 300))
    return partition


async def test_compaction_merges_segments_and_keeps_offsets(tmp_path: Path) -> None:
    partition = compacted(tmp_path)
    assert due(partition)

    await compact(partition, NOW + 1000)

    assert names(partition) == [(4, "c"), (5, "b"), (6, "a"), (7, "a")]  # the last segment is left alone
    assert [segment.base for segment in partition.segments] == [0, 7]
    assert not due(partition)
    assert names(opened(tmp_path)) == names(partition)
    assert partition.append(batch(("d", "1"), timestamp=NOW + 301)) == 8


async def test_a_tombstone_goes_after_its_time(tmp_path: Path) -> None:
    partition = compacted(tmp_path, delete_retention_ms="5000")

    await compact(partition, NOW + 6000)

    assert names(partition) == [(4, "c"), (6, "a"), (7, "a")]


async def test_what_a_kill_during_compaction_leaves_behind_is_cleared(tmp_path: Path) -> None:
    partition = compacted(tmp_path)
    before = {segment.path: segment.path.read_bytes() for segment in partition.segments}
    await compact(partition, NOW + 1000)
    merged = names(partition)
    for path in set(before) - {segment.path for segment in partition.segments}:
        path.write_bytes(before[path])  # killed after the rename, before the merged segments were deleted
    (tmp_path / f"{0:020d}.cleaned").write_bytes(b"half")

    reopened = opened(tmp_path)

    assert names(reopened) == merged
    assert files(tmp_path) == [f"{0:020d}.log", f"{7:020d}.log"]


async def test_a_topic_deleted_while_it_is_compacted_stays_deleted(tmp_path: Path) -> None:
    partition = compacted(tmp_path / "0")
    step = compact(partition, NOW + 1000)
    step.send(None)
    partition.destroy()

    with pytest.raises(StopIteration):
        step.send(None)

    assert not (tmp_path / "0").exists()


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 300), min_size=1, max_size=12),
    segment_bytes=st.integers(1024, 2000),
    torn=st.integers(0, 400),
)
def test_after_a_cut_anywhere_the_whole_batches_before_it_are_there(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], segment_bytes: int, torn: int
) -> None:
    directory = tmp_path_factory.mktemp("log")
    partition = opened(directory, segment_bytes=f"{segment_bytes}")
    for size in sizes:
        partition.append(batch(("k", "v" * size)))
    last = partition.segments[-1]
    ends = [position + header.size for position, header in last.batches()]
    cut = max(0, last.size - torn)
    with last.path.open("r+b") as file:
        file.truncate(cut)

    recovered = opened(directory, segment_bytes=f"{segment_bytes}")

    whole = last.base + sum(end <= cut for end in ends)
    assert [record.offset for record in kept(recovered)] == list(range(whole))
    assert recovered.append(batch(("k", "v"))) == whole
