"""The contract of administration: topics and their configurations, partitions, records, offsets by time."""

import pytest
from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import (
    InvalidConfigurationError,
    InvalidPartitionsError,
    InvalidReplicationFactorError,
    InvalidTopicError,
    KafkaError,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
)

from tests.contract.conftest import Client
from tests.support.brokers import BrokerProcess
from tests.support.eventually import eventually
from tests.support.records import create, read_to_end, send_all


def modified(admin: KafkaAdminClient, name: str) -> dict[str, str]:
    """The configurations of a topic that were set."""
    described = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
    configs = described["topic"][name]
    return {key: config["value"] for key, config in configs.items()}


def test_a_topic_has_the_partitions_and_configs_it_was_created_with(admin: KafkaAdminClient, name: str) -> None:
    create(admin, name, partitions=3, retention_ms="1209600000", cleanup_policy="compact")

    [topic] = admin.describe_topics([name])

    assert [partition["partition_index"] for partition in topic["partitions"]] == [0, 1, 2]
    assert modified(admin, name) == {"retention.ms": "1209600000", "cleanup.policy": "compact"}


def test_a_topic_without_a_number_gets_the_default(admin: KafkaAdminClient, name: str) -> None:
    admin.create_topics({name: {"num_partitions": -1, "replication_factor": -1}})
    admin.wait_for_topics([name])

    [topic] = admin.describe_topics([name])

    assert len(topic["partitions"]) == 4


@pytest.mark.parametrize(
    ("declared", "error"),
    [
        ({"num_partitions": 0, "replication_factor": 1}, InvalidPartitionsError),
        ({"num_partitions": 1, "replication_factor": 3}, InvalidReplicationFactorError),
        (
            {"num_partitions": 1, "replication_factor": 1, "configs": {"retention.ms": "soon"}},
            InvalidConfigurationError,
        ),
        ({"num_partitions": 1, "replication_factor": 1, "configs": {"colour": "blue"}}, InvalidConfigurationError),
        ({"num_partitions": 1, "replication_factor": 1, "configs": {"cleanup.policy": "x"}}, InvalidConfigurationError),
    ],
)
def test_a_wrong_declaration_is_refused_and_nothing_is_created(
    admin: KafkaAdminClient, name: str, declared: dict[str, object], error: type[KafkaError]
) -> None:
    with pytest.raises(error):
        admin.create_topics({name: declared})

    assert name not in admin.list_topics()


def test_a_name_must_be_good_and_new(admin: KafkaAdminClient, name: str) -> None:
    create(admin, name)

    with pytest.raises(TopicAlreadyExistsError):
        admin.create_topics({name: {"num_partitions": 1, "replication_factor": 1}})
    with pytest.raises(InvalidTopicError):
        admin.create_topics({"a topic": {"num_partitions": 1, "replication_factor": 1}})


def test_configs_are_changed_one_by_one(admin: KafkaAdminClient, name: str) -> None:
    create(admin, name, retention_ms="1000000", segment_ms="60000")

    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, {"retention.ms": "2000000"})])

    # Apache answers from its metadata log, a moment after it has agreed to the change.
    eventually(lambda: modified(admin, name)["retention.ms"] == "2000000", "the new value is seen")
    assert modified(admin, name) == {"retention.ms": "2000000", "segment.ms": "60000"}


def test_partitions_can_be_added_and_not_taken_away(
    admin: KafkaAdminClient, producer: Client, consumer: Client, name: str
) -> None:
    create(admin, name, partitions=1)
    send_all(producer(), name, [b"old"], partition=0)

    admin.create_partitions({name: 3})
    eventually(lambda: len(admin.describe_topics([name])[0]["partitions"]) == 3, "three partitions")
    send_all(producer(), name, [b"new"], partition=2)

    with pytest.raises(InvalidPartitionsError):
        admin.create_partitions({name: 2})
    assert [record.value for record in read_to_end(consumer(), name)] == [b"old", b"new"]


def test_a_deleted_topic_takes_its_records_with_it(
    admin: KafkaAdminClient, producer: Client, consumer: Client, name: str
) -> None:
    create(admin, name)
    send_all(producer(), name, [b"gone"])

    admin.delete_topics([name])
    eventually(lambda: name not in admin.list_topics(), "the topic is gone")
    create(admin, name)

    place = TopicPartition(name, 0)
    assert consumer().end_offsets([place]) == {place: 0}
    with pytest.raises(UnknownTopicOrPartitionError):
        admin.delete_topics([f"{name}-never"])


def test_records_before_an_offset_can_be_deleted(
    admin: KafkaAdminClient, producer: Client, consumer: Client, name: str
) -> None:
    create(admin, name)
    send_all(producer(), name, [b"%d" % number for number in range(10)])
    place = TopicPartition(name, 0)

    admin.delete_records({place: 7})

    reader = consumer()
    assert reader.beginning_offsets([place]) == {place: 7}
    assert [record.value for record in read_to_end(reader, name)] == [b"7", b"8", b"9"]


def test_offsets_by_time(admin: KafkaAdminClient, producer: Client, consumer: Client, name: str) -> None:
    create(admin, name, retention_ms="-1")
    sender = producer(linger_ms=50)
    start = 1_790_000_000_000  # milliseconds
    for number in range(10):
        sender.send(name, b"%d" % number, timestamp_ms=start + number * 1000)
    sender.flush()
    place = TopicPartition(name, 0)

    reader = consumer()

    def at(timestamp: int) -> int | None:
        found = reader.offsets_for_times({place: timestamp})[place]
        return None if found is None else int(found.offset)

    assert [at(start - 1), at(start), at(start + 1), at(start + 8500), at(start + 9001)] == [0, 0, 1, 9, None]
    assert reader.beginning_offsets([place]) == {place: 0}
    assert reader.end_offsets([place]) == {place: 10}


def test_an_offset_that_is_not_there_starts_again_where_the_client_wants(
    admin: KafkaAdminClient, producer: Client, consumer: Client, name: str
) -> None:
    create(admin, name)
    send_all(producer(), name, [b"only"])
    place = TopicPartition(name, 0)
    reader = consumer()
    reader.assign([place])
    reader.seek(place, 1000)

    records: list[bytes] = []

    def poll() -> bool:
        records.extend(record.value for batch in reader.poll(timeout_ms=500).values() for record in batch)
        return bool(records)

    eventually(poll, "the reader starts at the earliest record")
    assert records == [b"only"]


def test_the_cluster_describes_itself(broker: BrokerProcess, admin: KafkaAdminClient) -> None:
    cluster = admin.describe_cluster()

    assert [f"{node['host']}:{node['port']}" for node in cluster["brokers"]] == [broker.bootstrap]
