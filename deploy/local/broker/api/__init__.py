"""One answer for each kind of request, grouped by who asks."""

from collections.abc import Awaitable, Callable

from kafka.protocol.api_key import ApiKey

from deploy.local.broker.api import cluster, configs, fetch, groups, membership, offsets, positions, produce, topics
from deploy.local.broker.protocol import Call, Message
from deploy.local.broker.state import Broker

ANSWERS: dict[ApiKey, Callable[[Broker, Call], Awaitable[Message | None]]] = {
    ApiKey.ApiVersions: cluster.api_versions,
    ApiKey.Metadata: cluster.metadata,
    ApiKey.DescribeCluster: cluster.describe_cluster,
    ApiKey.FindCoordinator: cluster.find_coordinator,
    ApiKey.InitProducerId: cluster.init_producer_id,
    ApiKey.Produce: produce.produce,
    ApiKey.Fetch: fetch.fetch,
    ApiKey.ListOffsets: offsets.list_offsets,
    ApiKey.OffsetForLeaderEpoch: offsets.offset_for_leader_epoch,
    ApiKey.JoinGroup: membership.join_group,
    ApiKey.SyncGroup: membership.sync_group,
    ApiKey.Heartbeat: membership.heartbeat,
    ApiKey.LeaveGroup: membership.leave_group,
    ApiKey.OffsetCommit: positions.offset_commit,
    ApiKey.OffsetFetch: positions.offset_fetch,
    ApiKey.OffsetDelete: positions.offset_delete,
    ApiKey.ListGroups: groups.list_groups,
    ApiKey.DescribeGroups: groups.describe_groups,
    ApiKey.DeleteGroups: groups.delete_groups,
    ApiKey.CreateTopics: topics.create_topics,
    ApiKey.DeleteTopics: topics.delete_topics,
    ApiKey.CreatePartitions: topics.create_partitions,
    ApiKey.DeleteRecords: topics.delete_records,
    ApiKey.DescribeConfigs: configs.describe_configs,
    ApiKey.AlterConfigs: configs.alter_configs,
    ApiKey.IncrementalAlterConfigs: configs.incremental_alter_configs,
}
