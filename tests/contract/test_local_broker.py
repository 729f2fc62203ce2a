"""What the local broker promises beyond the contract: how it starts, what it refuses, and what it repairs."""

import contextlib
import resource
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka.errors import KafkaError

from tests.support.brokers import BrokerProcess, run_broker
from tests.support.eventually import eventually
from tests.support.records import create, read_to_end, send_all

Start = Callable[..., BrokerProcess]


def test_it_says_what_it_is_for_and_ends_cleanly(local: Start) -> None:
    broker = local()

    assert "for development and tests, listens on 127.0.0.1:" in broker.output()
    assert broker.stop() == 0
    assert "Traceback" not in broker.output()


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.org"])  # noqa: S104 - to be refused
def test_it_listens_on_loopback_only(tmp_path: Path, host: str) -> None:
    failed = run_broker("--data", str(tmp_path), "--port", "0", "--host", host)

    assert failed.returncode == 1
    assert failed.stderr.splitlines() == [
        f"The local broker does not listen on {host}: it has no authentication and is for one machine.",
        "Use --host 127.0.0.1, or Apache Kafka where other machines must reach it.",
    ]


def test_a_taken_port_is_said_in_one_line_and_a_remedy(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        failed = run_broker("--data", str(tmp_path), "--port", str(port))

    assert failed.returncode == 1
    first, second = failed.stderr.splitlines()
    assert first.startswith(f"The local broker cannot listen on 127.0.0.1:{port}: ")
    assert second == "Stop what listens there, or give another --port."


def test_a_second_process_on_the_same_data_is_refused(local: Start) -> None:
    broker = local()

    failed = run_broker("--data", str(broker.data), "--port", "0")

    assert failed.returncode == 1
    assert failed.stderr.splitlines() == [
        f"The data directory {broker.data} is in use by another broker (process {broker.pid}).",
        "Stop that one, or give another --data directory.",
    ]


def test_a_broken_list_of_topics_is_said_and_nothing_is_deleted(local: Start) -> None:
    broker = local()
    with _clients(broker) as (admin, _, _):
        create(admin, "t")
    broker.stop()
    (broker.data / "topics.json").write_text("{")

    failed = run_broker("--data", str(broker.data), "--port", "0")

    assert failed.returncode == 1
    assert failed.stderr.startswith(f"The list of topics {broker.data}/topics.json cannot be read: ")
    assert (broker.data / "logs" / "t" / "0").is_dir()


def test_an_unsupported_request_is_logged_and_the_connection_closed(local: Start) -> None:
    broker = local()
    with socket.create_connection(("127.0.0.1", broker.port), timeout=10) as connection:
        connection.sendall(_frame(key=29, version=1))  # DescribeAcls

        assert connection.recv(1) == b""

    warning = "unsupported request from 127.0.0.1: DescribeAcls (key 29) version 1: it is not served at all"
    eventually(lambda: warning in broker.output(), "the log names the request")


def test_a_version_that_is_too_new_is_logged_with_those_that_are_served(local: Start) -> None:
    broker = local()
    with socket.create_connection(("127.0.0.1", broker.port), timeout=10) as connection:
        connection.sendall(_frame(key=0, version=99))

        assert connection.recv(1) == b""

    warning = "Produce (key 0) version 99: versions 3 to 9 are served"
    eventually(lambda: warning in broker.output(), "the log names the version")


@pytest.mark.parametrize("noise", [b"GET / HTTP/1.1\r\n\r\n", struct.pack(">i", 3) + b"abc", b"\xff" * 64])
def test_noise_ends_a_connection_and_nothing_else(local: Start, noise: bytes) -> None:
    broker = local()
    with socket.create_connection(("127.0.0.1", broker.port), timeout=10) as connection:
        connection.sendall(noise)
        assert connection.recv(1) == b""

    with _clients(broker) as (admin, _, _):
        assert admin.list_topics() == []


def test_a_client_that_is_too_new_learns_what_is_served(local: Start) -> None:
    broker = local()
    with socket.create_connection(("127.0.0.1", broker.port), timeout=10) as connection:
        connection.sendall(_frame(key=18, version=99))
        length, correlation, error, served = struct.unpack(">iihi", connection.recv(14, socket.MSG_WAITALL))

    assert (length, correlation, error) == (10 + 6 * served, 7, 35)


def _frame(key: int, version: int) -> bytes:
    body = struct.pack(">hhih", key, version, 7, -1)
    return struct.pack(">i", len(body)) + body


def test_a_transactional_producer_is_refused_with_the_reason(local: Start) -> None:
    broker = local()
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap, transactional_id="tx", max_block_ms=5000)
    with contextlib.closing(producer), pytest.raises(KafkaError):
        producer.init_transactions()

    assert "transactional id 'tx' refused: the local broker has no transactions" in broker.output()


def test_topics_are_created_on_first_use_only_if_asked_for(local: Start) -> None:
    broker = local("--auto-create", "--partitions", "3")
    with _clients(broker) as (_, producer, consumer):
        send_all(producer, "new", [b"a"])

        assert [record.value for record in read_to_end(consumer, "new")] == [b"a"]
        assert consumer.partitions_for_topic("new") == {0, 1, 2}


@pytest.mark.parametrize("damage", ["half a header", "half a batch", "a flipped bit", "zeros"])
def test_a_torn_tail_is_cut_and_what_was_acknowledged_stays(local: Start, damage: str) -> None:
    broker = local()
    with _clients(broker) as (admin, producer, _):
        create(admin, "t")
        send_all(producer, "t", [b"one"])
        first = _segment(broker).stat().st_size
        send_all(producer, "t", [b"two"])
    broker.kill()
    data = _segment(broker).read_bytes()
    last = data[first:]
    torn = {
        "half a header": last[:30],
        "half a batch": last[:-1],
        "a flipped bit": last[:-1] + bytes([last[-1] ^ 1]),
        "zeros": bytes(500),
    }[damage]
    _segment(broker).write_bytes(data + torn)

    broker.start()

    assert f"the last {len(torn)} bytes are no whole batch" in broker.output()
    with _clients(broker) as (_, producer, consumer):
        [acknowledged] = send_all(producer, "t", [b"three"])
        assert acknowledged.offset == 2
        assert [record.value for record in read_to_end(consumer, "t")] == [b"one", b"two", b"three"]


def test_deleted_records_stay_deleted_over_a_kill(local: Start) -> None:
    broker = local()
    with _clients(broker) as (admin, producer, _):
        create(admin, "t")
        send_all(producer, "t", [b"one", b"two", b"three"])
        admin.delete_records({TopicPartition("t", 0): 2})
    broker.kill()

    broker.start()

    with _clients(broker) as (_, _, consumer):
        assert [record.value for record in read_to_end(consumer, "t")] == [b"three"]


def test_a_torn_journal_of_groups_is_cut(local: Start) -> None:
    broker = local()
    place = TopicPartition("t", 0)
    with _clients(broker) as (admin, producer, _):
        create(admin, "t")
        send_all(producer, "t", [b"one", b"two"])
        admin.alter_group_offsets("g", {place: OffsetAndMetadata(1, "", -1)})
    broker.kill()
    with (broker.data / "groups.jsonl").open("ab") as journal:
        journal.write(b'{"group":"g","topic":"t","parti')

    broker.start()

    assert "the last line is not whole" in broker.output()
    with _clients(broker) as (admin, _, _):
        assert admin.list_group_offsets({"g": None})["g"][place].offset == 1


def test_producer_ids_are_never_given_twice(local: Start) -> None:
    broker = local()
    with _clients(broker) as (admin, _, _):
        create(admin, "t")
    for end in (broker.kill, broker.stop, broker.kill):
        with _clients(broker) as (_, producer, _):
            send_all(producer, "t", [b"x"])
        end()
        broker.start()

    assert len(_producer_ids(_segment(broker))) == 3


def _producer_ids(segment: Path) -> set[int]:
    """The producer ids of all batches in a segment file."""
    data, position, ids = segment.read_bytes(), 0, set()
    while position < len(data):
        (length,) = struct.unpack_from(">i", data, position + 8)
        ids.add(struct.unpack_from(">q", data, position + 43)[0])
        position += 12 + length
    return ids


def test_a_member_keeps_its_place_over_a_kill_of_the_broker(local: Start) -> None:
    broker = local()
    with _clients(broker) as (admin, _, _):
        create(admin, "t", partitions=2)
    options = {"bootstrap_servers": broker.bootstrap, "group_id": "g", "session_timeout_ms": 20_000}
    with contextlib.closing(KafkaConsumer("t", **options)) as member:
        eventually(lambda: member.poll(timeout_ms=500) or len(member.assignment()) == 2, "it has both partitions")
        before = _group(broker)

        broker.kill()
        broker.start()
        after = _group(broker)

    assert before["group_state"] == after["group_state"] == "Stable"
    assert before["members"] == after["members"]


def _group(broker: BrokerProcess) -> Any:
    with _clients(broker) as (admin, _, _):
        return admin.describe_groups(["g"])["g"]


def test_a_deleted_topic_leaves_no_file_and_no_position(local: Start) -> None:
    broker = local()
    with _clients(broker) as (admin, producer, _):
        create(admin, "t")
        send_all(producer, "t", [b"one"])
        admin.alter_group_offsets("g", {TopicPartition("t", 0): OffsetAndMetadata(1, "", -1)})

        admin.delete_topics(["t"])

        assert list((broker.data / "logs").iterdir()) == []
        assert not admin.list_group_offsets({"g": None}).get("g")


def test_a_directory_that_no_topic_owns_is_removed_at_start(local: Start) -> None:
    broker = local()
    with _clients(broker) as (admin, _, _):
        create(admin, "t")
    broker.kill()
    (broker.data / "logs" / "half-deleted" / "0").mkdir(parents=True)

    broker.start()

    assert [path.name for path in (broker.data / "logs").iterdir()] == ["t"]


def test_a_full_disk_is_answered_and_logged(local: Start) -> None:
    broker = local()
    with _clients(broker) as (admin, producer, consumer):
        create(admin, "t")
        large = b"x" * 200_000  # larger than the broker's log, which is under the same limit
        send_all(producer, "t", [large])
        _limit_files(broker.pid, _segment(broker).stat().st_size)
        lost = producer.send("t", b"does not fit")
        eventually(lambda: "cannot write: File too large" in broker.output(), "the log tells of the disk")
        _limit_files(broker.pid, 1 << 30)
        assert lost.get(timeout=30).offset == 1
        assert [record.value for record in read_to_end(consumer, "t")] == [large, b"does not fit"]


def _limit_files(pid: int, size: int) -> None:
    """Let the process write no file beyond `size` bytes."""
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@contextlib.contextmanager
def _clients(broker: BrokerProcess) -> Any:
    """An administrator's client, a producer and a consumer."""
    address = {"bootstrap_servers": broker.bootstrap}
    with (
        contextlib.closing(KafkaAdminClient(**address)) as admin,
        contextlib.closing(KafkaProducer(**address)) as producer,
        contextlib.closing(KafkaConsumer(**address)) as consumer,
    ):
        yield admin, producer, consumer


def _segment(broker: BrokerProcess) -> Path:
    [path] = (broker.data / "logs" / "t" / "0").glob("*.log")
    return path
