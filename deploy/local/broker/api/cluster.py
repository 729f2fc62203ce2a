"""Answers about the broker itself: versions, metadata, where a coordinator is, ids for producers."""

import logging

from kafka.protocol.admin import DescribeClusterResponse
from kafka.protocol.metadata import ApiVersionsResponse, FindCoordinatorResponse, MetadataResponse
from kafka.protocol.producer import InitProducerIdResponse

from deploy.local.broker.errors import ErrorCode, Refused
from deploy.local.broker.log.batch import LEADER_EPOCH
from deploy.local.broker.protocol import APIS, Call, Message
from deploy.local.broker.state import NODE_ID, Broker
from deploy.local.broker.topics import Topic

_LOG = logging.getLogger(__name__)
_TRANSACTION = 1  # the other kind of coordinator, besides that of groups
_MAY_FORBID_CREATION = 4  # from this version on a metadata request says whether a topic may be created
_Topic = MetadataResponse.MetadataResponseTopic
_Partition = _Topic.MetadataResponsePartition


async def api_versions(_broker: Broker, call: Call) -> Message:
    """Which requests are served; a client that is too new for this very question is answered all the same."""
    code = ErrorCode.UNSUPPORTED_VERSION if call.request is None else ErrorCode.NONE
    served = [
        ApiVersionsResponse.ApiVersion(api_key=key, min_version=api.oldest, max_version=api.newest)
        for key, api in APIS.items()
    ]
    return ApiVersionsResponse(version=call.version, error_code=code, api_keys=served)


async def metadata(broker: Broker, call: Call) -> Message:
    """The one broker, and topics with their partitions."""
    asked = call.request.topics
    everything = asked is None or (call.version == 0 and not asked)
    if everything:
        topics = [_describe(topic) for topic in broker.topics]
    else:
        create = broker.auto_create and (call.version < _MAY_FORBID_CREATION or call.request.allow_auto_topic_creation)
        topics = [_describe_named(broker, topic.name, create=create) for topic in asked]
    node = MetadataResponse.MetadataResponseBroker(node_id=NODE_ID, host=broker.host, port=broker.port, rack=None)
    return MetadataResponse(
        version=call.version, brokers=[node], cluster_id=broker.cluster_id, controller_id=NODE_ID, topics=topics
    )


def _describe_named(broker: Broker, name: str, *, create: bool) -> Message:
    topic = broker.topics.find(name)
    if topic is None and create:
        try:
            broker.topics.create(name, -1, {})
        except Refused as refused:
            return _Topic(error_code=refused.code, name=name, is_internal=False, partitions=[])
        topic = broker.topics.find(name)
    if topic is None:
        return _Topic(error_code=ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, name=name, is_internal=False, partitions=[])
    return _describe(topic)


def _describe(topic: Topic) -> Message:
    partitions = [
        _Partition(
            error_code=ErrorCode.NONE,
            partition_index=number,
            leader_id=NODE_ID,
            leader_epoch=LEADER_EPOCH,
            replica_nodes=[NODE_ID],
            isr_nodes=[NODE_ID],
            offline_replicas=[],
        )
        for number in range(len(topic.partitions))
    ]
    return _Topic(error_code=ErrorCode.NONE, name=topic.name, is_internal=False, partitions=partitions)


async def describe_cluster(broker: Broker, call: Call) -> Message:
    """The one broker."""
    node = DescribeClusterResponse.DescribeClusterBroker(
        broker_id=NODE_ID, host=broker.host, port=broker.port, rack=None
    )
    return DescribeClusterResponse(
        version=call.version,
        error_code=ErrorCode.NONE,
        error_message=None,
        cluster_id=broker.cluster_id,
        controller_id=NODE_ID,
        brokers=[node],
        endpoint_type=call.request.endpoint_type,
        authorized_operations=set(),
    )


async def find_coordinator(broker: Broker, call: Call) -> Message:
    """This broker, for every group; none for transactions."""
    if call.request.key_type == _TRANSACTION:
        why = _refuse_transactions(call.request.key)
        return FindCoordinatorResponse(
            version=call.version,
            error_code=ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
            error_message=why,
            node_id=-1,
            host="",
            port=-1,
        )
    return FindCoordinatorResponse(
        version=call.version,
        error_code=ErrorCode.NONE,
        error_message=None,
        node_id=NODE_ID,
        host=broker.host,
        port=broker.port,
    )


async def init_producer_id(broker: Broker, call: Call) -> Message:
    """An id for an idempotent producer; a transactional one is refused."""
    if call.request.transactional_id:
        _refuse_transactions(call.request.transactional_id)
        code = ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
        return InitProducerIdResponse(version=call.version, error_code=code, producer_id=-1, producer_epoch=-1)
    return InitProducerIdResponse(
        version=call.version, error_code=ErrorCode.NONE, producer_id=broker.producer_ids.take(), producer_epoch=0
    )


def _refuse_transactions(transactional_id: str) -> str:
    why = "the local broker has no transactions: use Apache Kafka, or a producer without transactional id"
    _LOG.warning("transactional id %r refused: %s", transactional_id, why)
    return why
