"""What the demo says at its end: figures in honest words, commands that can be typed as they stand."""

import os
import sys
from pathlib import Path

import pytest

from deploy.demo.proof.figures import delays
from deploy.demo.report import Report, try_next
from deploy.local.program import called


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (1, "10 ms for the one message"),
        (3, "20 ms median, 30 ms at most, of 3 messages"),
        (100, "505 ms median, 990 ms p99 of 100 messages"),
    ],
)
def test_a_percentile_is_told_only_of_many(count: int, told: str) -> None:
    found = delays([number / 100 for number in range(1, count + 1)])
    assert found is not None
    report = Report("0.1.0", "local", price_messages={"quiet": found}, messages={"e-mail": 2, "console": 0})
    text = " ".join(" ".join(report.lines()).split())
    assert told in text
    assert "(scenes without a crowd)" in text
    assert "messages received: 2 by e-mail" in text
    assert "console" not in text


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an environment of its own, whose interpreter we seem to be, and which the shell does not know."""
    program = tmp_path / ".venv" / "bin" / "groupbuy"
    program.parent.mkdir(parents=True)
    program.touch(mode=0o755)
    monkeypatch.setattr(sys, "executable", str(program.with_name("python")))
    monkeypatch.setenv("PATH", os.defpath)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_commands_are_named_as_they_can_be_typed(clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert called() == ".venv/bin/groupbuy"
    assert "  .venv/bin/groupbuy demo --keep --fast" in "\n".join(try_next())
    (clone / "elsewhere").mkdir()
    monkeypatch.chdir(clone / "elsewhere")
    assert called() == str(clone / ".venv" / "bin" / "groupbuy")
    monkeypatch.setenv("PATH", str(tmp_path / ".venv" / "bin"))
    assert called() == "groupbuy"
