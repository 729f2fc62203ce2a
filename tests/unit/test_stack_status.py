"""How the status of the stack is put into words, and how health is asked."""

import asyncio
import os
from pathlib import Path

import pytest

from deploy.local.lock import FolderLock
from deploy.local.processes import look
from deploy.local.stack.layout import lock_path, run_path
from deploy.local.stack.part import how_ended
from deploy.local.stack.probe import probe
from deploy.local.stack.run import Run, RunningPart
from deploy.local.stack.status import PartStatus, StackStatus, ask_status, in_words, table
from deploy.local.stack.summary import summary


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59.9, "59 s"), (60, "1 min 0 s"), (3599, "59 min 59 s"), (7800, "2 h 10 min"), (349200, "4 d 1 h")],
)
def test_a_length_of_time_in_its_two_largest_units(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


def test_the_table_aligns_its_columns() -> None:
    parts = [
        PartStatus("team_formation", "ok", "127.0.0.1:7101", 42, 90 * 2**20, 61.0, 0),
        PartStatus("kafka", "down", "kafka:9092", None, None, None, 3),
    ]
    assert table(StackStatus("/data", 1, ready=True, ready_seconds=1.0, parts=parts)) == [
        "part            health  address         pid  memory  up         restarts",
        "team_formation  ok      127.0.0.1:7101  42   90 MB   1 min 1 s  0",
        "kafka           down    kafka:9092      -    -       -          3",
    ]


async def test_nothing_runs_on_an_empty_folder(tmp_path: Path) -> None:
    status = await ask_status(tmp_path)
    assert status.pid is None
    assert not status.well


async def test_each_part_is_asked_for_its_health(tmp_path: Path) -> None:
    lock = FolderLock(lock_path(tmp_path))
    assert lock.acquire()
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    process = look(os.getpid())
    assert process is not None
    parts = [
        RunningPart("kafka", f"127.0.0.1:{port}", f"tcp://127.0.0.1:{port}", process.pid, process.started),
        RunningPart("pricing", f"127.0.0.1:{port}", f"http://127.0.0.1:{port}/readyz", process.pid, process.started),
        RunningPart("postgres", f"127.0.0.1:{port}", f"tcp://127.0.0.1:{port}", ours=False),
        RunningPart("team_formation", "127.0.0.1:1", "tcp://127.0.0.1:1"),
        RunningPart("notification", "127.0.0.1:1", "tcp://127.0.0.1:1", process.pid, process.started - 100),
    ]
    Run(process.pid, parts, ready_seconds=2.0).save(run_path(tmp_path))
    async with server:
        status = await ask_status(tmp_path)
    lock.release()
    health = {part.name: part.health for part in status.parts}
    assert health == {
        "supervisor": "ok",
        "kafka": "ok",
        "pricing": "not ready",
        "postgres": "ok",
        "team_formation": "starting",
        "notification": "down",
    }
    assert status.pid == os.getpid()
    assert not status.well
    assert status.parts[1].resident_bytes
    assert status.parts[3].resident_bytes is None


@pytest.mark.parametrize(("answer", "well"), [("HTTP/1.1 200 OK", True), ("HTTP/1.1 503 No", False), ("?", False)])
async def test_http_health_is_a_200(answer: str, *, well: bool) -> None:
    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"{answer}\r\n\r\n".encode())
        writer.close()

    async with await asyncio.start_server(reply, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await probe(f"http://127.0.0.1:{port}/readyz") is well


def test_how_a_process_ended_is_said_in_words() -> None:
    assert how_ended(-9) == "ended by SIGKILL"
    assert how_ended(3) == "ended with exit code 3"


def test_the_summary_fits_eighty_columns_and_names_what_a_user_needs() -> None:
    parts = [
        RunningPart("kafka", "k:9092", "tcp://k:9092", ours=False),
        RunningPart("team_formation", "127.0.0.1:7101", "", pid=4),
    ]
    keys = {"API key": "gbk_1_secret", "test key": "gbt_2_secret"}
    lines = summary("0.1.0", 4.25, parts, Path("/data"), keys, "Ctrl-C stops everything.")
    text = "\n".join(lines)
    assert max(map(len, lines)) <= 80
    assert lines[0] == "groupbuy 0.1.0 is ready after 4.2 s"
    assert ("gbk_1_secret" in text, "gbt_2_secret" in text) == (True, True)
    assert "already there" in text
    assert "grpcurl -plaintext 127.0.0.1:7101 list" in text
