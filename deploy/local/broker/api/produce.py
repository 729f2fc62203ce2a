"""Answers to producers: batches are stored partition by partition."""

import logging

from kafka.protocol.producer import ProduceResponse

from deploy.local.broker.errors import ErrorCode, Refused
from deploy.local.broker.protocol import Call, Message
from deploy.local.broker.state import Broker

_LOG = logging.getLogger(__name__)
_Topic = ProduceResponse.TopicProduceResponse
_Partition = _Topic.PartitionProduceResponse


async def produce(broker: Broker, call: Call) -> Message | None:
    """Store, then answer; no answer for acks=0."""
    topics = [
        _Topic(name=topic.name, partition_responses=[_store(broker, topic.name, part) for part in topic.partition_data])
        for topic in call.request.topic_data
    ]
    return ProduceResponse(version=call.version, responses=topics) if call.request.acks else None


def _store(broker: Broker, topic: str, part: Message) -> Message:
    try:
        partition = broker.topics.existing_partition(topic, part.index)
        offset = partition.append(part.records or b"")
    except Refused as refused:
        _LOG.info("a batch for %s-%d is refused: %s", topic, part.index, refused.why)
        return _Partition(
            index=part.index,
            error_code=refused.code,
            base_offset=-1,
            log_append_time_ms=-1,
            log_start_offset=-1,
            record_errors=[],
            error_message=refused.why,
        )
    return _Partition(
        index=part.index,
        error_code=ErrorCode.NONE,
        base_offset=offset,
        log_append_time_ms=-1,
        log_start_offset=partition.start,
        record_errors=[],
        error_message=None,
    )
