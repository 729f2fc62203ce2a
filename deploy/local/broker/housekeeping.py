"""The broker's chores: sessions of group members, retention, compaction."""

import asyncio
import logging
import time

from deploy.local.broker.groups.coordinator import Coordinator
from deploy.local.broker.log.compaction import compact, due
from deploy.local.broker.log.retention import retain
from deploy.local.broker.topics import Topics

_LOG = logging.getLogger(__name__)
_SESSIONS_EVERY_S = 0.1
_LOGS_EVERY_S = 1.0


async def keep_sessions(coordinator: Coordinator) -> None:
    """Let time pass for the groups, for ever."""
    while True:
        await asyncio.sleep(_SESSIONS_EVERY_S)
        coordinator.tick()


async def keep_logs(topics: Topics) -> None:
    """Tidy the logs, for ever; a disk that is full for a while does not end it."""
    while True:
        await asyncio.sleep(_LOGS_EVERY_S)
        try:
            await tidy(topics, int(time.time() * 1000))
        except OSError as error:
            _LOG.error("retention and compaction are tried again: %s", error)


async def tidy(topics: Topics, now_ms: int) -> None:
    """Retention and compaction once, as of `now_ms`."""
    for topic in topics:
        for partition in list(topic.partitions):
            if partition.destroyed:
                continue
            retain(partition, now_ms)
            if due(partition):
                await compact(partition, now_ms)
