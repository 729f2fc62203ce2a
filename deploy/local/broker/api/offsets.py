"""Answers about offsets in a partition: its ends, the first record since a time, the end of a leader's epoch."""

from kafka.protocol.consumer import ListOffsetsResponse, OffsetForLeaderEpochResponse

from deploy.local.broker.errors import ErrorCode
from deploy.local.broker.log.batch import LEADER_EPOCH
from deploy.local.broker.log.partition import Partition, Stamp
from deploy.local.broker.protocol import Call, Message
from deploy.local.broker.state import Broker

_LATEST, _EARLIEST, _NEWEST_RECORD = -1, -2, -3
_Topic = ListOffsetsResponse.ListOffsetsTopicResponse
_Partition = _Topic.ListOffsetsPartitionResponse
_EpochTopic = OffsetForLeaderEpochResponse.OffsetForLeaderTopicResult
_EpochEnd = _EpochTopic.EpochEndOffset


async def list_offsets(broker: Broker, call: Call) -> Message:
    """One offset for each partition and time asked for; -1 where no record is that late."""
    topics = [
        _Topic(name=topic.name, partitions=[_find(broker, topic.name, ask) for ask in topic.partitions])
        for topic in call.request.topics
    ]
    return ListOffsetsResponse(version=call.version, topics=topics)


def _find(broker: Broker, topic: str, ask: Message) -> Message:
    partition = broker.topics.partition(topic, ask.partition_index)
    if partition is None:
        code = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        return _Partition(partition_index=ask.partition_index, error_code=code, timestamp=-1, offset=-1)
    found = _stamp(partition, ask.timestamp) or Stamp(-1, -1)
    return _Partition(
        partition_index=ask.partition_index,
        error_code=ErrorCode.NONE,
        timestamp=found.timestamp,
        offset=found.offset,
        leader_epoch=LEADER_EPOCH if found.offset >= 0 else -1,
    )


def _stamp(partition: Partition, timestamp: int) -> Stamp | None:
    if timestamp == _LATEST:
        return Stamp(partition.end, -1)
    if timestamp == _EARLIEST:
        return Stamp(partition.start, -1)
    if timestamp == _NEWEST_RECORD:
        return partition.latest()
    return partition.first_since(timestamp)


async def offset_for_leader_epoch(broker: Broker, call: Call) -> Message:
    """There was never another leader, so every epoch ends where the partition ends."""
    topics = [
        _EpochTopic(topic=topic.topic, partitions=[_epoch_end(broker, topic.topic, ask) for ask in topic.partitions])
        for topic in call.request.topics
    ]
    return OffsetForLeaderEpochResponse(version=call.version, topics=topics)


def _epoch_end(broker: Broker, topic: str, ask: Message) -> Message:
    partition = broker.topics.partition(topic, ask.partition)
    if partition is None:
        code = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        return _EpochEnd(error_code=code, partition=ask.partition, leader_epoch=-1, end_offset=-1)
    return _EpochEnd(
        error_code=ErrorCode.NONE, partition=ask.partition, leader_epoch=LEADER_EPOCH, end_offset=partition.end
    )
