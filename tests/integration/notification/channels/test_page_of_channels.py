"""docs/channels.md, "Write your own channel", followed literally: its files, its commands, and a sender's registry."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]
PAGE = (ROOT / "docs" / "channels.md").read_text(encoding="utf-8")
FILES = re.findall(r"^`(channel-pager/\S+)`.*?^```\w+\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
COMMANDS = re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
FOUND = """
from services.notification.channels.registry import open_channels
from services.notification.channels.http import Http
from services.notification.settings import Settings
settings = Settings(
    database_url="postgresql://x",
    kafka="x:1",
    listen="127.0.0.1:0",
    ops_listen="127.0.0.1:0",
    seal_keys="a:" + 43 * "A" + "=",
)
print(*open_channels(settings, Http(seconds=1, connections=1, allow_private=False)))
"""


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with the files of the page."""
    for name, text in FILES:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def install(folder: Path) -> None:
    """Do what `pip install -e` does: note name, version and entry points where Python looks for distributions."""
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    notes = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    notes.mkdir()
    (notes / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    groups = (
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in entries.items())
        for group, entries in project["entry-points"].items()
    )
    (notes / "entry_points.txt").write_text("\n".join(groups))


def run(desk: Path, command: list[str], *, status: int = 0) -> str:
    """Run a command beside the folder, with the package and groupbuy installed; gives its output."""
    path = os.pathsep.join([str(desk / "channel-pager"), str(ROOT), str(ROOT / "gen")])
    done = subprocess.run(
        command, cwd=desk, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


def test_the_page_has_three_files_and_says_what_each_is_for() -> None:
    assert [name for name, _ in FILES] == [
        "channel-pager/pyproject.toml",
        "channel-pager/channel_pager.py",
        "channel-pager/test_channel_pager.py",
    ]


def test_the_page_can_be_followed_literally(desk: Path) -> None:
    (commands,) = COMMANDS
    installing, looking, testing = commands.splitlines()
    assert installing == "pip install -e channel-pager"
    install(desk / "channel-pager")
    assert run(desk, shell(looking)) == "pager\n"
    assert re.search(r"\b[2-9]\d passed", run(desk, shell(testing)))
    assert "pager" in run(desk, [sys.executable, "-c", FOUND]).split()


def shell(line: str) -> list[str]:
    """Give the line to a shell in which `python` is this one."""
    return ["sh", "-c", f'python() {{ "{sys.executable}" "$@"; }}; {line}']


@pytest.mark.parametrize(
    ("right", "wrong", "noticed_by"),
    [
        ("whole_account=reply.status == 429", "whole_account=False", "becomes_the_outcome[busy]"),
        ("reply.retry_after()", "None", "becomes_the_outcome[busy]"),
        ("is_gone=reply.status == 410", "is_gone=False", "becomes_the_outcome[gone]"),
        ("return Retry(str(problem))", "raise", "is_tried_later"),
        (
            "reply = await self._http.post(",
            "for _ in range(2): reply = await self._http.post(",
            "becomes_the_outcome[accept]",
        ),
        ("return outcome(reply)", "print(letter.address); return outcome(reply)", "becomes_the_outcome[accept]"),
        (
            "return outcome(reply)",
            "__import__('logging').info(page); return outcome(reply)",
            "becomes_the_outcome[accept]",
        ),
        ('"id": str(letter.delivery_id)', '"id": str(__import__("uuid").uuid4())', "the_same_key"),
        ("{letter.subject}\\n{letter.body}", "{letter.subject}\\n{letter.body[:20]}", "arrives_whole"),
        ('return "must be the number of a pager, 4 to 12 digits"', "return None", "bad_address"),
        ('"must be the token of your account"', '"is wrong"', "bad_account"),
    ],
)
def test_the_suite_notices_what_a_channel_does_wrong(desk: Path, right: str, wrong: str, noticed_by: str) -> None:
    file = desk / "channel-pager" / "channel_pager.py"
    text = file.read_text(encoding="utf-8")
    assert right in text
    file.write_text(text.replace(right, wrong), encoding="utf-8")
    tried = noticed_by.partition("[")[0]
    said = run(desk, [sys.executable, "-m", "pytest", "-q", "-x", "--tb=no", "channel-pager", "-k", tried], status=1)
    assert noticed_by in said
