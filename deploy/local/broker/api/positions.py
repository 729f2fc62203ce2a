"""Answers about the positions of consumer groups: commit, fetch, delete."""

from kafka.protocol.consumer import OffsetCommitResponse, OffsetDeleteResponse, OffsetFetchResponse

from deploy.local.broker.errors import ErrorCode, Refused
from deploy.local.broker.groups.coordinator import Position, Where, check_metadata
from deploy.local.broker.protocol import Call, Message
from deploy.local.broker.state import Broker

_Committed = OffsetCommitResponse.OffsetCommitResponseTopic
_Fetched = OffsetFetchResponse.OffsetFetchResponseTopic
_Deleted = OffsetDeleteResponse.OffsetDeleteResponseTopic


async def offset_commit(broker: Broker, call: Call) -> Message:
    """All good positions of one request are kept in one write; the answer has a code for each."""
    request = call.request
    asked = [(topic.name, part) for topic in request.topics for part in topic.partitions]
    good: dict[Where, Position] = {}
    wrong = {(name, part.partition_index): _take(broker, name, part, good) for name, part in asked}
    refused = _commit(broker, request, good)
    topics = [
        _Committed(
            name=topic.name,
            partitions=[
                _Committed.OffsetCommitResponsePartition(
                    partition_index=part.partition_index,
                    error_code=refused or wrong[topic.name, part.partition_index],
                )
                for part in topic.partitions
            ],
        )
        for topic in request.topics
    ]
    return OffsetCommitResponse(version=call.version, topics=topics)


def _commit(broker: Broker, request: Message, good: dict[Where, Position]) -> ErrorCode:
    try:
        group = broker.coordinator.group(request.group_id)
        group.check_commit(request.member_id, request.group_instance_id, request.generation_id_or_member_epoch)
        if good:
            broker.coordinator.commit(request.group_id, good)
    except Refused as refused:
        return refused.code
    return ErrorCode.NONE


def _take(broker: Broker, topic: str, part: Message, good: dict[Where, Position]) -> ErrorCode:
    try:
        broker.topics.existing_partition(topic, part.partition_index)
        position = Position(part.committed_offset, check_metadata(part.committed_metadata))
    except Refused as refused:
        return refused.code
    good[topic, part.partition_index] = position
    return ErrorCode.NONE


async def offset_fetch(broker: Broker, call: Call) -> Message:
    """What was committed, -1 where nothing was; everything of the group where no topics are named."""
    kept = broker.coordinator.positions(call.request.group_id)
    wanted: dict[str, list[int]] = {}
    if call.request.topics is None:
        for topic, number in kept:
            wanted.setdefault(topic, []).append(number)
    else:
        wanted = {topic.name: list(topic.partition_indexes) for topic in call.request.topics}
    topics = [
        _Fetched(name=topic, partitions=[_position(number, kept.get((topic, number))) for number in numbers])
        for topic, numbers in wanted.items()
    ]
    return OffsetFetchResponse(version=call.version, error_code=ErrorCode.NONE, topics=topics)


def _position(number: int, kept: Position | None) -> Message:
    kept = kept or Position(-1)
    return _Fetched.OffsetFetchResponsePartition(
        partition_index=number,
        committed_offset=kept.offset,
        committed_leader_epoch=-1,
        metadata=kept.metadata,
        error_code=ErrorCode.NONE,
    )


async def offset_delete(broker: Broker, call: Call) -> Message:
    """Positions of a group whose members are gone."""
    request = call.request
    group = broker.coordinator.groups.get(request.group_id)
    if group is None:
        return OffsetDeleteResponse(version=call.version, error_code=ErrorCode.GROUP_ID_NOT_FOUND, topics=[])
    code = ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC if group.members else ErrorCode.NONE
    places = [(topic.name, part.partition_index) for topic in request.topics for part in topic.partitions]
    if not group.members:
        broker.coordinator.forget(request.group_id, places)
    topics = [
        _Deleted(
            name=topic.name,
            partitions=[
                _Deleted.OffsetDeleteResponsePartition(partition_index=part.partition_index, error_code=code)
                for part in topic.partitions
            ],
        )
        for topic in request.topics
    ]
    return OffsetDeleteResponse(version=call.version, error_code=ErrorCode.NONE, topics=topics)
