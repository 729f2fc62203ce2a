"""Retention: whole segments that are too old, or too much, are deleted."""

import logging

from deploy.local.broker.log.partition import Partition
from deploy.local.broker.log.segment import Segment

_LOG = logging.getLogger(__name__)


def retain(partition: Partition, now_ms: int) -> int:
    """Delete what `retention.ms` and `retention.bytes` allow to go at `now_ms`; how many segments went.

    As in Kafka a segment's age is that of its newest record, and the last segment goes too when it is too old.
    """
    configs = partition.configs
    if not configs.delete:
        return 0
    before = partition.segments[0].base
    gone = 0
    while _expired(partition.segments[0], now_ms, configs.retention_ms) or _too_much(partition):
        if len(partition.segments) == 1:
            partition.roll()
        partition.drop_first()
        gone += 1
    if gone:
        _LOG.info("%s: retention deleted offsets %d to %d", partition.directory, before, partition.start - 1)
    return gone


def _expired(segment: Segment, now_ms: int, retention_ms: int) -> bool:
    if retention_ms < 0 or not segment.size:
        return False
    newest = segment.max_timestamp
    if newest < 0:  # the producer gave no time
        newest = int(segment.path.stat().st_mtime * 1000)
    return now_ms - newest > retention_ms


def _too_much(partition: Partition) -> bool:
    limit = partition.configs.retention_bytes
    if limit < 0 or len(partition.segments) == 1:
        return False
    return sum(segment.size for segment in partition.segments[1:]) >= limit
