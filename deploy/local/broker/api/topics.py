"""Answers to administrators about topics: create, delete, more partitions, delete records."""

from kafka.protocol.admin import (
    CreatePartitionsResponse,
    CreateTopicsResponse,
    DeleteRecordsResponse,
    DeleteTopicsResponse,
)

from deploy.local.broker.errors import ErrorCode, Refused
from deploy.local.broker.protocol import Call, Message
from deploy.local.broker.state import Broker

_Created = CreateTopicsResponse.CreatableTopicResult
_TOPIC_CONFIG = 1  # the source of a config: set for this topic
_Shortened = DeleteRecordsResponse.DeleteRecordsTopicResult


async def create_topics(broker: Broker, call: Call) -> Message:
    """Each topic by itself: one that is refused does not keep the others from being created."""
    request = call.request
    topics = [_create(broker, topic, only_check=request.validate_only) for topic in request.topics]
    return CreateTopicsResponse(version=call.version, topics=topics)


def _create(broker: Broker, topic: Message, *, only_check: bool) -> Message:
    configs = {config.name: config.value for config in topic.configs or () if config.value is not None}
    try:
        _check_replicas(topic.replication_factor)
        wanted = len(topic.assignments) if topic.assignments else topic.num_partitions
        count = broker.topics.create(topic.name, wanted, configs, only_check=only_check)
    except Refused as refused:
        return _Created(name=topic.name, error_code=refused.code, error_message=refused.why, configs=None)
    shown = [
        _Created.CreatableTopicConfigs(
            name=name, value=value, read_only=False, config_source=_TOPIC_CONFIG, is_sensitive=False
        )
        for name, value in configs.items()
    ]
    return _Created(
        name=topic.name,
        error_code=ErrorCode.NONE,
        error_message=None,
        num_partitions=count,
        replication_factor=1,
        configs=shown,
    )


def _check_replicas(factor: int) -> None:
    if factor not in (1, -1):
        raise Refused(ErrorCode.INVALID_REPLICATION_FACTOR, "one broker: the replication factor can only be 1")


async def delete_topics(broker: Broker, call: Call) -> Message:
    """Topics with all their records, and what groups had committed in them."""
    responses = [_delete(broker, name) for name in call.request.topic_names]
    return DeleteTopicsResponse(version=call.version, responses=responses)


def _delete(broker: Broker, name: str) -> Message:
    try:
        broker.delete_topic(name)
    except Refused as refused:
        return DeleteTopicsResponse.DeletableTopicResult(name=name, error_code=refused.code, error_message=refused.why)
    return DeleteTopicsResponse.DeletableTopicResult(name=name, error_code=ErrorCode.NONE, error_message=None)


async def create_partitions(broker: Broker, call: Call) -> Message:
    """More partitions; the records stay where they are, so keys may move."""
    results = [_grow(broker, topic, only_check=call.request.validate_only) for topic in call.request.topics]
    return CreatePartitionsResponse(version=call.version, results=results)


def _grow(broker: Broker, topic: Message, *, only_check: bool) -> Message:
    code, why = ErrorCode.NONE, None
    try:
        broker.topics.grow(topic.name, topic.count, only_check=only_check)
    except Refused as refused:
        code, why = refused.code, refused.why
    return CreatePartitionsResponse.CreatePartitionsTopicResult(name=topic.name, error_code=code, error_message=why)


async def delete_records(broker: Broker, call: Call) -> Message:
    """All records before an offset, -1 for all there are."""
    topics = [
        _Shortened(name=topic.name, partitions=[_shorten(broker, topic.name, part) for part in topic.partitions])
        for topic in call.request.topics
    ]
    return DeleteRecordsResponse(version=call.version, topics=topics)


def _shorten(broker: Broker, topic: str, part: Message) -> Message:
    code, start = ErrorCode.NONE, -1
    try:
        partition = broker.topics.existing_partition(topic, part.partition_index)
        partition.delete_before(partition.end if part.offset == -1 else part.offset)
        start = partition.start
    except Refused as refused:
        code = refused.code
    return _Shortened.DeleteRecordsPartitionResult(
        partition_index=part.partition_index, low_watermark=start, error_code=code
    )
