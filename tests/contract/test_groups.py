"""The contract of consumer groups: partitions are shared, members come and go, positions stay."""

import asyncio
import contextlib
import sys
from collections.abc import Callable, Iterator

import pytest
from kafka import KafkaAdminClient, OffsetAndMetadata, TopicPartition
from kafka.errors import CommitFailedError

from tests.contract.conftest import Client
from tests.support.brokers import ROOT, BrokerProcess
from tests.support.eventually import eventually
from tests.support.members import Member, settle
from tests.support.records import create, read_count, send_all

Join = Callable[..., Member]


@pytest.fixture
def join(consumer: Client, name: str) -> Iterator[Join]:
    """Adds members to the group `name`, which reads the topic of that name."""
    with contextlib.ExitStack() as stack:

        def make(**options: object) -> Member:
            quick = {"heartbeat_interval_ms": 200, "session_timeout_ms": 6000, "max_poll_interval_ms": 10_000}
            member = Member(consumer(name, group_id=name, **quick, **options))
            stack.callback(member.stop)
            return member

        yield make


def test_two_members_share_and_a_leaver_hands_over(
    admin: KafkaAdminClient, producer: Client, join: Join, name: str
) -> None:
    create(admin, name, partitions=4)
    first = join()
    settle([first], [4])

    second = join()
    settle([first, second], [2, 2])

    sender = producer()
    for number in range(40):
        sender.send(name, b"%d" % number, partition=number % 4)
    sender.flush()
    eventually(lambda: len(first.values) == len(second.values) == 20, "each has seen its half")
    assert sorted(int(value) for value in first.values + second.values) == list(range(40))

    second.stop()
    settle([first], [4])


async def test_a_member_that_dies_silently_loses_its_partitions(
    broker: BrokerProcess, admin: KafkaAdminClient, join: Join, name: str
) -> None:
    create(admin, name, partitions=4)
    victim = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.support.group_member", broker.bootstrap, name, name),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert victim.stdout is not None
        assert await asyncio.wait_for(victim.stdout.readline(), 60) == b"4 partitions\n"
        survivor = join()
        settle([survivor], [2])
    finally:
        victim.kill()
        await victim.wait()

    settle([survivor], [4])


def test_positions_are_kept_for_the_next_member(
    admin: KafkaAdminClient, producer: Client, consumer: Client, name: str
) -> None:
    create(admin, name)
    send_all(producer(), name, [b"%d" % number for number in range(10)])
    first = consumer(name, group_id=name, max_poll_records=4)
    assert [record.value for record in read_count(first, 4)][:4] == [b"0", b"1", b"2", b"3"]
    place = TopicPartition(name, 0)
    first.commit({place: OffsetAndMetadata(4, "half", -1)})
    first.close(autocommit=False)

    second = consumer(name, group_id=name)

    assert [record.value for record in read_count(second, 6)] == [b"%d" % number for number in range(4, 10)]
    assert admin.list_group_offsets({name: None})[name][place][:2] == (4, "half")


def test_a_member_that_was_passed_over_cannot_commit(
    admin: KafkaAdminClient, producer: Client, consumer: Client, join: Join, name: str
) -> None:
    create(admin, name, partitions=2)
    send_all(producer(), name, [b"x"], partition=0)
    slow = consumer(name, group_id=name, heartbeat_interval_ms=200, session_timeout_ms=2000, max_poll_interval_ms=2000)
    read_count(slow, 1)

    quick = join()
    settle([quick], [2])  # the slow one does not poll, so it is left out after its max_poll_interval

    place = TopicPartition(name, 0)
    with pytest.raises(CommitFailedError):
        slow.commit({place: OffsetAndMetadata(1, "", -1)})
    assert place not in admin.list_group_offsets({name: None})[name]


def test_a_static_member_comes_back_without_a_rebalance(admin: KafkaAdminClient, join: Join, name: str) -> None:
    create(admin, name, partitions=4)
    stays = join(group_instance_id="stays")
    settle([stays], [4])
    goes = join(group_instance_id="goes")
    settle([stays, goes], [2, 2])
    before = (goes.assigned, goes.generation)

    goes.stop()
    back = join(group_instance_id="goes")
    settle([stays, back], [2, 2])

    assert (back.assigned, back.generation) == before


def test_groups_are_listed_described_and_deleted(admin: KafkaAdminClient, join: Join, name: str) -> None:
    create(admin, name, partitions=2)
    member = join(client_id="somebody")
    settle([member], [2])

    described = admin.describe_groups([name])[name]
    assert (described["group_state"], described["protocol_type"]) == ("Stable", "consumer")
    assert [one["client_id"] for one in described["members"]] == ["somebody"]
    assert name in [group["group_id"] for group in admin.list_groups()]
    assert admin.delete_groups([name])[name] == "NonEmptyGroupError"

    member.stop()
    eventually(lambda: admin.describe_groups([name])[name]["group_state"] != "Stable", "nobody is left")
    admin.alter_group_offsets(name, {TopicPartition(name, 0): OffsetAndMetadata(0, "", -1)})
    assert admin.delete_groups([name])[name] == "OK"
    assert name not in [group["group_id"] for group in admin.list_groups()]


def test_positions_can_be_set_and_deleted_from_outside(
    admin: KafkaAdminClient, producer: Client, consumer: Client, name: str
) -> None:
    create(admin, name)
    send_all(producer(), name, [b"%d" % number for number in range(5)])
    place = TopicPartition(name, 0)

    admin.alter_group_offsets(name, {place: OffsetAndMetadata(3, "", -1)})
    with contextlib.closing(consumer(name, group_id=name)) as reader:
        assert [record.value for record in read_count(reader, 2)] == [b"3", b"4"]

    admin.delete_group_offsets(name, [place])
    assert not admin.list_group_offsets({name: None}).get(name)
