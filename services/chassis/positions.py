"""Where the groups of consumers are in Kafka, and putting them back: from beyond the end, or to an earlier time."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from kafka import KafkaAdminClient, OffsetAndMetadata, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import GroupAuthorizationFailedError, KafkaError, NoError, RetriableError

from services.chassis import kafka_clients
from services.chassis.errors import Unavailable
from services.chassis.kafka_security import PLAINTEXT, KafkaSecurity

_TRIES = 40
_PAUSE_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Beyond:
    """A group that would go on beyond the end of a partition, and so skip what is written there next."""

    group: str
    topic: str
    partition: int
    offset: int
    end: int
    is_put_back: bool
    """Whether it begins at the beginning now; members that run do so by themselves, and are not interfered with."""


class GroupRuns(Exception):
    """A group cannot be put back while it has members."""


class GroupHidden(Exception):
    """A group is none that the user of Kafka may look at."""


async def put_back(bootstrap: str, groups: Sequence[str], security: KafkaSecurity = PLAINTEXT) -> list[Beyond]:
    """Have groups begin at the beginning where they are beyond the end.

    Unavailable where Kafka does not answer, GroupHidden at the first one that its user may not look at.
    """
    return await asyncio.to_thread(_put_back, bootstrap, groups, security)


async def go_back(
    bootstrap: str, group: str, topics: Sequence[str], since: datetime, security: KafkaSecurity = PLAINTEXT
) -> int:
    """Have a group go on with the first record of each partition that was written since a time.

    Returns how many records it reads again, or for the first time. Unavailable where Kafka does not answer, GroupRuns
    where the group has members: they would commit their own positions.
    """
    return await asyncio.to_thread(_go_back, bootstrap, group, topics, since, security)


def _go_back(bootstrap: str, group: str, topics: Sequence[str], since: datetime, security: KafkaSecurity) -> int:
    try:
        admin = kafka_clients.connected(KafkaAdminClient, bootstrap, **security.options)
        try:
            return _go_back_to(admin, group, _partitions(admin, topics), since)
        finally:
            admin.close()
    except KafkaError as error:
        raise Unavailable(f"Kafka at {bootstrap} does not answer ({type(error).__name__})") from error


def _partitions(admin: KafkaAdminClient, topics: Sequence[str]) -> list[TopicPartition]:
    return [
        TopicPartition(topic["name"], partition["partition_index"])
        for topic in admin.describe_topics(list(topics))
        for partition in topic["partitions"]
    ]


def _go_back_to(admin: KafkaAdminClient, group: str, partitions: Sequence[TopicPartition], since: datetime) -> int:
    ends = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.LATEST))
    firsts = admin.list_partition_offsets(dict.fromkeys(partitions, int(since.timestamp() * 1000)))
    # of a partition without such a record there is nothing to read
    offsets = {at: found.offset if found.offset >= 0 else ends[at].offset for at, found in firsts.items()}
    done = admin.alter_group_offsets(group, {at: OffsetAndMetadata(offset, "", -1) for at, offset in offsets.items()})
    if any(outcome is not NoError for outcome in done.values()):
        raise GroupRuns(f"{group} has members that run")
    return sum(ends[at].offset - offset for at, offset in offsets.items())


def _put_back(bootstrap: str, groups: Sequence[str], security: KafkaSecurity) -> list[Beyond]:
    try:
        admin = kafka_clients.connected(KafkaAdminClient, bootstrap, **security.options)
        try:
            return [beyond for group in groups for beyond in _patiently(admin, group)]
        finally:
            admin.close()
    except GroupAuthorizationFailedError as error:
        raise GroupHidden(f"the user of Kafka may not look at one of {', '.join(groups)}") from error
    except KafkaError as error:
        raise Unavailable(f"Kafka at {bootstrap} does not answer ({type(error).__name__})") from error


def _patiently(admin: KafkaAdminClient, group: str) -> list[Beyond]:
    """Ask again for a while: an empty Kafka makes its own topic of positions when it is first asked for one."""
    for _ in range(_TRIES):
        try:
            return _put_back_group(admin, group)
        except RetriableError:
            time.sleep(_PAUSE_SECONDS)
    return _put_back_group(admin, group)


def _put_back_group(admin: KafkaAdminClient, group: str) -> list[Beyond]:
    there = set(admin.list_topics())
    found = admin.list_group_offsets([group]).get(group, {})
    offsets = {at: item.offset for at, item in found.items() if at.topic in there and item.offset > 0}
    if not offsets:
        return []
    ends = admin.list_partition_offsets(dict.fromkeys(offsets, OffsetSpec.LATEST))
    far = {at: offset for at, offset in offsets.items() if offset > ends[at].offset}
    done = admin.alter_group_offsets(group, {at: OffsetAndMetadata(0, "", -1) for at in far}) if far else {}
    return [_beyond(group, at, offset, ends[at].offset, done.get(at)) for at, offset in sorted(far.items())]


def _beyond(group: str, at: TopicPartition, offset: int, end: int, outcome: object) -> Beyond:
    return Beyond(group, at.topic, at.partition, offset, end, is_put_back=outcome is NoError)
