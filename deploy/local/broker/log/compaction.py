"""Compaction: of each key only the last record stays, in all segments but the one being written."""

import asyncio
import logging
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

from deploy.local.broker.log.batch import Header, build
from deploy.local.broker.log.partition import CLEANED, Partition
from deploy.local.broker.log.records import Unreadable, read_records
from deploy.local.broker.log.segment import Segment

_LOG = logging.getLogger(__name__)
_MAX_KEYS = 100_000  # bounds the memory of one pass; what does not fit waits for the next one

_Latest = dict[bytes, int]


def due(partition: Partition) -> bool:
    """Whether enough of the closed segments is new since the last pass (`min.cleanable.dirty.ratio`)."""
    closed = partition.segments[:-1]
    total = sum(segment.size for segment in closed)
    dirty = sum(segment.size for segment in closed if segment.end > partition.cleaned_to)
    return partition.configs.compact and dirty > 0 and dirty >= total * partition.configs.min_cleanable_dirty_ratio


async def compact(partition: Partition, now_ms: int) -> None:
    """Rewrite the closed segments once; other work goes on between two batches.

    A tombstone goes once it is older than `delete.retention.ms` at `now_ms`. Compressed batches that lose a record are
    rewritten uncompressed; a batch that cannot be uncompressed here stays as it is.
    """
    closed = partition.segments[:-1]
    cleaned_before = partition.cleaned_to
    latest, covered = await _latest_offsets(partition, closed)
    if covered == cleaned_before:
        return
    horizon = now_ms - partition.configs.delete_retention_ms
    for group in _grouped(closed, partition.configs.segment_bytes):
        if not _still_there(partition, group):
            return
        await _rewrite(partition, group, latest, horizon)
    partition.cleaned_to = covered


async def _latest_offsets(partition: Partition, closed: list[Segment]) -> tuple[_Latest, int]:
    """The last offset of each key in what is new, and the offset up to which that was looked at."""
    latest: _Latest = {}
    cleaned_to = partition.cleaned_to
    for segment in closed:
        for position, header in segment.batches(0, cleaned_to):
            if latest and len(latest) + header.records > _MAX_KEYS:
                return latest, header.base_offset
            for key, offset in _keys(segment.pread(position, header.size)):
                latest[key] = offset
            await asyncio.sleep(0)
            if not _still_there(partition, closed):
                return {}, cleaned_to
    return latest, closed[-1].end


def _keys(data: bytes) -> Iterator[tuple[bytes, int]]:
    try:
        for record in read_records(data):
            if record.key is not None:
                yield _digest(record.key), record.offset
    except Unreadable as error:
        _LOG.warning("compaction leaves a batch as it is: %s", error)


def _digest(key: bytes) -> bytes:
    """Keys may be long, and a map of a hundred thousand of them stays small this way."""
    return blake2b(key, digest_size=16).digest()


def _grouped(closed: list[Segment], segment_bytes: int) -> Iterator[list[Segment]]:
    """Neighbours that fit into one segment together: compaction would leave many small files otherwise."""
    group: list[Segment] = []
    for segment in closed:
        if group and sum(one.size for one in group) + segment.size > segment_bytes:
            yield group
            group = []
        group.append(segment)
    if group:
        yield group


async def _rewrite(partition: Partition, group: list[Segment], latest: _Latest, horizon: int) -> None:
    """Write the survivors of `group` into a new file, then put it in the place of all of them."""
    scratch = group[0].path.with_suffix(CLEANED)
    with scratch.open("wb") as out:
        for segment in group:
            for position, header in segment.batches():
                out.write(_survivors(segment.pread(position, header.size), header, latest, horizon))
                await asyncio.sleep(0)
                if not _still_there(partition, group):
                    scratch.unlink(missing_ok=True)
                    return
    _replace(partition, group, scratch)


def _still_there(partition: Partition, group: list[Segment]) -> bool:
    """Whether nobody deleted the topic, or records of it, while other work went on."""
    return not partition.destroyed and all(segment in partition.segments for segment in group)


def _survivors(data: bytes, header: Header, latest: _Latest, horizon: int) -> bytes:
    try:
        records = list(read_records(data))
    except Unreadable:
        return data
    stale = header.max_timestamp < horizon
    kept = [
        record
        for record in records
        if record.key is None
        or (latest.get(_digest(record.key), -1) <= record.offset and not (record.tombstone and stale))
    ]
    if len(kept) == len(records):
        return data
    return build(header, b"".join(record.raw for record in kept), len(kept)) if kept else b""


def _replace(partition: Partition, group: list[Segment], scratch: Path) -> None:
    """One rename decides; what a kill leaves behind of the others is recognised at the next start."""
    before = sum(segment.size for segment in group)
    merged = group[0].replaced_by(scratch)
    for _ in merged.load(may_be_torn=False):
        pass
    at = partition.segments.index(group[0])
    partition.segments[at : at + len(group)] = [merged]
    for segment in group[1:]:
        segment.delete()
    if merged.size < before:
        _LOG.info("%s: compacted %d bytes to %d", partition.directory, before, merged.size)
