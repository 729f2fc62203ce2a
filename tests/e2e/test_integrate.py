"""The first hour of an integrator is true: its pieces, put together as the page says, lead to books that agree."""

import os
import re
import subprocess
import sys
from pathlib import Path

from deploy.local.stack import Stack, StackOptions
from services.chassis.reasons import reasons

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "integrate.md").read_text()
SHELL, PYTHON = (re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL) for language in ("sh", "python"))


async def test_the_page_can_be_followed_as_it_stands(tmp_path: Path) -> None:
    stack = Stack(StackOptions(data=tmp_path / "data"))
    await stack.start()
    try:
        result = _follow(tmp_path, stack)
    finally:
        await stack.stop()
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    told, exported = result.stdout.split("line_id,", 1)
    assert "tea [(0, 1000), (2, 750)]" in told
    assert "AMOUNT_MISMATCH new_id" in told
    assert re.search(r"^TEAM_\w+ - \w+", told, re.MULTILINE)
    assert re.search(r"^send Joe to http://127.0.0.1:\d+/m/\w{62}$", told, re.MULTILINE)
    assert "the place was gone" not in told
    assert re.findall(r",TEAM_FORMED,.*,(\w+),\S+$", exported, re.MULTILINE) == ["DONE", "DONE"]
    assert "2 orders there, 2 settled here: no differences" in exported


def test_every_piece_of_the_page_is_run() -> None:
    assert SHELL
    assert len(re.findall(r"^```\w", PAGE, re.MULTILINE)) == len(SHELL) + len(PYTHON)


def test_the_page_says_of_refusals_what_they_say() -> None:
    rows = re.findall(r"^\| `(\w+)` \| [^|]* \| ([A-Z_, ]+) \|", PAGE, re.MULTILINE)
    assert {retry for retry, _ in rows} == {reason.retry for reason in reasons().values()}
    said = [(name, retry) for retry, names in rows for name in names.split(", ")]
    assert [(name, reasons()[name].retry) for name, _ in said] == said


def _follow(folder: Path, stack: Stack) -> "subprocess.CompletedProcess[str]":
    """Run the blocks of a shell in order, in a folder that has the environment and the file that the page makes."""
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / "first_hour.py").write_text("".join(PYTHON))
    variables = {
        "GROUPBUY_DATA": str(folder / "data"),
        "GROUPBUY_TEAM_FORMATION": stack.address("team_formation"),
        "GROUPBUY_PRICING": stack.address("pricing"),
        "GROUPBUY_NOTIFICATION": stack.address("notification"),
    }
    return subprocess.run(
        ["bash", "-e", "-c", "".join(SHELL)],
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
