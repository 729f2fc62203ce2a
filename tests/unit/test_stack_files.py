"""What a stack writes for itself: kept secrets, the note of what runs, logs."""

import asyncio
import json
import stat
from pathlib import Path

import pytest

from deploy.local.errors import LocalError
from deploy.local.stack import Stack, StackOptions
from deploy.local.stack.kept import Kept
from deploy.local.stack.logs import follow, rotate, tail
from deploy.local.stack.run import Run, RunningPart


def test_secrets_are_made_once_and_readable_by_us_alone(tmp_path: Path) -> None:
    path = tmp_path / "stack.json"
    first = Kept.load(path)
    first.save(path)
    assert Kept.load(path) == first
    assert Kept.load(tmp_path / "other.json").service_key != first.service_key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_secret_that_an_older_stack_did_not_have_is_made_once(tmp_path: Path) -> None:
    options = StackOptions(data=tmp_path, environment={})

    def started() -> Stack:
        stack = Stack(options)
        stack._choose_ports()
        return stack

    path = started().layout.kept
    of_before = {name: value for name, value in json.loads(path.read_text()).items() if name != "handover_keys"}
    path.write_text(json.dumps(of_before))
    assert started().handover_keys == started().handover_keys


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"colour": "red"}'])
def test_a_damaged_file_is_named_with_a_remedy(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "stack.json"
    path.write_text(damage)
    with pytest.raises(LocalError, match="is damaged") as caught:
        Kept.load(path)
    assert "move it away" in caught.value.remedy


def test_the_note_of_what_runs_comes_back_as_it_was(tmp_path: Path) -> None:
    part = RunningPart("kafka", "127.0.0.1:7092", "tcp://127.0.0.1:7092", pid=7, started=1.5, restarts=2)
    run = Run(pid=6, parts=[part], ready_seconds=3.25)
    run.save(tmp_path / "run.json")
    assert Run.load(tmp_path / "run.json") == run


@pytest.mark.parametrize("text", [None, "", "{}", '{"pid": 1, "parts": [{"colour": "red"}]}'])
def test_an_unreadable_note_counts_as_none(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "run.json").write_text(text)
    assert Run.load(tmp_path / "run.json") is None


def test_a_large_log_is_moved_aside_and_its_writer_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "pricing.log"
    with path.open("a") as writer:
        writer.write("old line\n")
        writer.flush()
        assert not rotate(path, largest=9)
        assert rotate(path, largest=8)
        writer.write("new line\n")
        writer.flush()
        assert path.read_text() == "new line\n"
    assert (tmp_path / "pricing.log.1").read_text() == "old line\n"


def test_the_end_of_a_log_is_its_last_lines(tmp_path: Path) -> None:
    path = tmp_path / "pricing.log"
    assert tail(path, 2) == []
    path.write_text("one\ntwo\nthree\n")
    assert tail(path, 2) == ["two", "three"]
    assert tail(path, 9) == ["one", "two", "three"]
    assert tail(path, 0) == []


async def test_following_gives_whole_new_lines_also_after_a_cut(tmp_path: Path) -> None:
    path, later = tmp_path / "pricing.log", tmp_path / "kafka.log"
    path.write_text("old\n")
    lines = follow([path, later])
    first = asyncio.ensure_future(anext(lines))
    await asyncio.sleep(0)  # it notes where the logs end
    with path.open("a") as writer:
        writer.write("new\nhalf")
    assert await first == (path, "new")
    path.write_text("cut\n")
    assert await anext(lines) == (path, "cut")
    later.write_text("born\n")
    assert await anext(lines) == (later, "born")
    await lines.aclose()
