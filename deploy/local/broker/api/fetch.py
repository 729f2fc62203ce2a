"""Answers to consumers: records from an offset on, as soon as there are some."""

import asyncio
from collections.abc import Iterator

from kafka.protocol.consumer import FetchResponse

from deploy.local.broker.errors import ErrorCode
from deploy.local.broker.log.partition import Partition
from deploy.local.broker.protocol import Call, Message
from deploy.local.broker.state import Broker

# Clients ask for up to 50 MB at once; less keeps the broker small and costs nothing on one machine.
_LARGEST_ANSWER = 4 * 1024 * 1024
_Topic = FetchResponse.FetchableTopicResponse
_Partition = _Topic.PartitionData


async def fetch(broker: Broker, call: Call) -> Message:
    """Answer at once where there is enough to read or something is wrong, else wait for it as long as asked."""
    if call.request.session_id:
        code = ErrorCode.FETCH_SESSION_ID_NOT_FOUND
        return FetchResponse(version=call.version, error_code=code, session_id=0, responses=[])
    loop = asyncio.get_running_loop()
    deadline = loop.time() + call.request.max_wait_ms / 1000
    while True:
        found = _Found(broker, call.request)
        left = deadline - loop.time()
        if found.enough or left <= 0:
            return FetchResponse(version=call.version, error_code=ErrorCode.NONE, session_id=0, responses=found.topics)
        await _grown(list(_partitions(broker, call.request)), left)


class _Found:
    """One look at all that a request asks for."""

    def __init__(self, broker: Broker, request: Message) -> None:
        self._room = min(request.max_bytes, _LARGEST_ANSWER)
        self._size = 0
        self._wrong = False
        self.topics = [self._topic(broker, topic) for topic in request.topics]
        self.enough = self._wrong or self._size >= max(1, request.min_bytes)

    def _topic(self, broker: Broker, topic: Message) -> Message:
        partitions = [self._read(broker.topics.partition(topic.topic, ask.partition), ask) for ask in topic.partitions]
        return _Topic(topic=topic.topic, partitions=partitions)

    def _read(self, partition: Partition | None, ask: Message) -> Message:
        if partition is None:
            self._wrong = True
            return _answer(ask, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, -1, -1, b"")
        if not partition.start <= ask.fetch_offset <= partition.end:
            self._wrong = True
            return _answer(ask, ErrorCode.OFFSET_OUT_OF_RANGE, partition.end, partition.start, b"")
        room = min(ask.partition_max_bytes, self._room - self._size)
        records = b""
        if room > 0 or not self._size:
            records = partition.read(ask.fetch_offset, room, at_least_one=not self._size)
        self._size += len(records)
        return _answer(ask, ErrorCode.NONE, partition.end, partition.start, records)


def _answer(ask: Message, code: ErrorCode, end: int, start: int, records: bytes) -> Message:
    return _Partition(
        partition_index=ask.partition,
        error_code=code,
        high_watermark=end,
        last_stable_offset=end,
        log_start_offset=start,
        aborted_transactions=None,
        preferred_read_replica=-1,
        records=records,
    )


def _partitions(broker: Broker, request: Message) -> Iterator[Partition]:
    for topic in request.topics:
        for ask in topic.partitions:
            partition = broker.topics.partition(topic.topic, ask.partition)
            if partition is not None:
                yield partition


async def _grown(partitions: list[Partition], seconds: float) -> None:
    """Wait until one of the partitions gets a batch, or is deleted, or the time is over."""
    event = asyncio.Event()
    for partition in partitions:
        partition.waiting.add(event)
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
    finally:
        for partition in partitions:
            partition.waiting.discard(event)
