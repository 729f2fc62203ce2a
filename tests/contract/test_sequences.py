"""The contract of idempotent producers, batch by batch: repeats, gaps, epochs, damage, and all that after a restart."""

import pytest
from kafka import KafkaAdminClient

from tests.support.brokers import BrokerProcess
from tests.support.records import create
from tests.support.wire import batch, new_producer_id, produce

NONE, CORRUPT, OUT_OF_ORDER, OLD_EPOCH, INVALID = 0, 2, 45, 47, 87


def test_a_repeat_gets_its_first_offset_and_a_gap_is_refused(
    broker: BrokerProcess, admin: KafkaAdminClient, name: str
) -> None:
    create(admin, name)
    me = new_producer_id(broker)

    def send(sequence: int, *values: bytes) -> tuple[int, int]:
        return produce(broker, name, batch(*values, producer=me, epoch=0, sequence=sequence))

    assert send(0, b"a", b"b") == (NONE, 0)
    assert send(2, b"c") == (NONE, 2)
    assert send(0, b"a", b"b") == (NONE, 0)
    assert send(4, b"e") == (OUT_OF_ORDER, -1)
    assert send(3, b"d") == (NONE, 3)


def test_repeats_and_gaps_are_recognised_after_a_restart(
    broker: BrokerProcess, admin: KafkaAdminClient, name: str
) -> None:
    create(admin, name)
    me, somebody = new_producer_id(broker), new_producer_id(broker)

    def send(sequence: int, value: bytes) -> tuple[int, int]:
        return produce(broker, name, batch(value, producer=me, epoch=0, sequence=sequence))

    for sequence in range(7):
        assert send(sequence, b"%d" % sequence) == (NONE, sequence)
    broker.restart()

    assert send(6, b"6") == (NONE, 6)
    assert send(8, b"8") == (OUT_OF_ORDER, -1)
    assert send(7, b"7") == (NONE, 7)
    assert new_producer_id(broker) not in (me, somebody)


def test_a_new_epoch_begins_with_sequence_0_and_ends_the_old_one(
    broker: BrokerProcess, admin: KafkaAdminClient, name: str
) -> None:
    create(admin, name)
    me = new_producer_id(broker)

    def send(epoch: int, sequence: int) -> tuple[int, int]:
        return produce(broker, name, batch(b"x", producer=me, epoch=epoch, sequence=sequence))

    assert send(0, 0) == (NONE, 0)
    assert send(1, 1) == (OUT_OF_ORDER, -1)
    assert send(1, 0) == (NONE, 1)
    assert send(0, 1) == (OLD_EPOCH, -1)


def test_sequences_begin_again_with_0_after_the_largest(
    broker: BrokerProcess, admin: KafkaAdminClient, name: str
) -> None:
    create(admin, name)
    me = new_producer_id(broker)
    largest = 2**31 - 1

    def send(sequence: int) -> int:
        return produce(broker, name, batch(b"x", producer=me, epoch=0, sequence=sequence))[0]

    assert [send(largest - 1), send(largest), send(0), send(1), send(3)] == [NONE, NONE, NONE, NONE, OUT_OF_ORDER]


def test_producers_without_an_id_may_send_what_they_like(
    broker: BrokerProcess, admin: KafkaAdminClient, name: str
) -> None:
    create(admin, name)

    assert [produce(broker, name, batch(b"x")) for _ in range(2)] == [(NONE, 0), (NONE, 1)]


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (lambda data: data[:-1] + bytes([data[-1] ^ 1]), CORRUPT),
        (lambda data: data + data, INVALID),
    ],
    ids=["a flipped bit", "two batches"],
)
def test_damaged_batches_are_refused(
    broker: BrokerProcess, admin: KafkaAdminClient, name: str, damage: object, code: int
) -> None:
    create(admin, name)
    assert callable(damage)

    assert produce(broker, name, damage(batch(b"x")))[0] == code
    assert produce(broker, name, batch(b"good")) == (NONE, 0)


def test_a_compacted_topic_refuses_records_without_a_key(
    broker: BrokerProcess, admin: KafkaAdminClient, name: str
) -> None:
    create(admin, name, cleanup_policy="compact")

    assert produce(broker, name, batch(b"x"))[0] == INVALID
