"""The demo as a user starts it: the whole story, one scene of one's own, mistakes and a Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from services.pricing.store.rebuild import DERIVED
from tests.support.catalogue import bodies
from tests.support.until import until

OURS = list((Path(__file__).parents[2] / "deploy" / "demo" / "scenes").glob("*.toml"))
ARGV = [sys.executable, "-P", "-m", "deploy.cli", "demo"]

SCENE = """\
title = "Two of two"

[campaign]
title = "Tea"
payment = "COMMIT"
minimum = 2
maximum = 2

[[campaign.item]]
sku = "tea"
alone = 10

[[campaign.tier]]
from = 2
percent_off = 25

[members]
Ida = "console"
Joe = "webhook"

[[step]]
open = "Ida"

[[step]]
share = "Ida"
in = ["signal"]

[[step]]
join = "Joe"
by = "signal"
at_most = 5.00
refused = "PRICE_CHANGED"

[[step]]
join = "Joe"
by = "signal"
pays_later = true

[[step]]
pay = "Joe"
amount = 1.00
refused = "AMOUNT_MISMATCH"

[[step]]
kill = "pricing"

[[step]]
pay = "Joe"

[[step]]
wait_for = "formed"

[[step]]
expect = { state = "formed", charged = CHARGED, told = { FORMED = 2 } }
within = "SECONDS s"
"""

SCENES = Path(__file__).parent / "scenes"


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that others may enter: as root, PostgreSQL runs as somebody else, and pytest's folders are private."""
    with tempfile.TemporaryDirectory(prefix="demo-test-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def environment(folder: Path) -> dict[str, str]:
    """Our own without GROUPBUY_*, and temporary files below `folder`."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GROUPBUY_")}
    return {**clean, "TMPDIR": str(folder)}


def demo(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*ARGV, *words], capture_output=True, text=True, check=False, timeout=340, cwd="/", env=environment(folder)
    )


def scene(folder: Path, *, charged: str = "7.50", seconds: int = 30) -> str:
    path = folder / "tea.toml"
    path.write_text(SCENE.replace("CHARGED", charged).replace("SECONDS", str(seconds)))
    return str(path)


def leftovers(folder: Path) -> list[Path]:
    return list(folder.glob("groupbuy-demo-*"))


@pytest.mark.timeout(360)  # eighteen scenes, one of which waits a minute
def test_the_whole_story_holds(home: Path) -> None:
    result = demo(home, "--fast", "--json", str(home / "demo.json"))
    assert result.returncode == 0, result.stdout + result.stderr
    data = json.loads((home / "demo.json").read_text())
    assert data["good"] is True
    assert data["broken"] == []
    assert {name: item["violations"] for name, item in data["invariants"].items() if item["violations"]} == {}
    assert all(data["invariants"][name]["checked"] for name in data["invariants"] if name.startswith("demo_"))
    crowd = data["figures"]["crowds"]["10-flash-sale"]
    assert (crowd["members"], crowd["seated"], crowd["refused"]) == (500, 300, {"TEAM_FULL": 200})
    assert crowd["killed_at_seat"] == 150
    assert [len(item["steps"]) > 2 for item in data["scenes"]] == [True] * len(OURS)
    assert _expected_of_crowd(data) == [
        "expected: confirmed 300, held 1, seated 300, refused TEAM_FULL 200, lost 0, twice 0"
    ]
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert _rows(result.stdout, "together") == ["65 4 3 3 1 115.50 EUR 5.78 EUR"]
    assert "    | Advertising: the sender earns a commission." in result.stdout.splitlines()
    assert "    [IJK*] 3 of 4 seats paid, 1 sponsored, at least 3 needed" in result.stdout.splitlines()
    assert "Everything holds." in result.stdout
    assert data["webhooks"]["posted"] > 50
    assert set(data["webhooks"]["bodies"]) <= {body["type"] for body in bodies()}
    assert leftovers(home) == []


def _rows(said: str, name: str) -> Sequence[str]:
    """Give the cells of every row of a table that begins with a name."""
    cells = (line.split() for line in said.splitlines())
    return [" ".join(row[1:]) for row in cells if row[:1] == [name]]


def _expected_of_crowd(data: dict[str, Any]) -> Sequence[str]:
    """What the scenes with a crowd expected, and found."""
    steps = [step["text"] for scene in data["scenes"] for step in scene["steps"]]
    return [text for text in steps if text.endswith("twice 0")]


def test_a_scene_of_ones_own_is_played(home: Path) -> None:
    result = demo(home, "--fast", "--scenes", scene(home), "--json", str(home / "demo.json"))
    assert result.returncode == 0, result.stdout + result.stderr
    steps = json.loads((home / "demo.json").read_text())["scenes"][0]["steps"]
    assert [effect["what"][:13] for effect in steps[2]["effects"]] == ["PRICE_CHANGED"]
    assert any("Ida: It is on: Tea" in effect["what"] for step in steps for effect in step["effects"])


def test_every_other_step_is_played_too(home: Path) -> None:
    """What the story does not need: hosts, pauses, stock, defaults, cancellations, who may join, other teams, parts."""
    result = demo(home, "--fast", "--scenes", str(SCENES), "--json", str(home / "demo.json"))
    assert result.returncode == 0, result.stdout + result.stderr
    data = json.loads((home / "demo.json").read_text())
    assert {name: item["violations"] for name, item in data["invariants"].items() if item["violations"]} == {}
    assert [len(item["steps"]) for item in data["scenes"]] == [27, 12, 13]
    assert _rows(result.stdout, "sms") == [*_links(result.stdout, "sms"), "3 3 3 2 0 8.00 EUR"]
    assert "    FORMED at 8.00 EUR" in result.stdout.splitlines()
    assert "    FORMED at 10.00 EUR" not in result.stdout.splitlines()


def _links(said: str, chat: str) -> Sequence[str]:
    return [row for row in _rows(said, chat) if "/i/" in row]


def test_each_broken_promise_is_told_by_itself(home: Path) -> None:
    result = demo(home, "--fast", "--scenes", str(SCENES / "wrong"), "--json", str(home / "demo.json"))
    assert result.returncode == 1
    data = json.loads((home / "demo.json").read_text())
    assert data["good"] is False
    told = [part for words in data["broken"] for part in words.partition(": ")[2].split("; ")]
    assert told == [
        'gets = "waitlist" expected, and Joe gets "seat"',
        "too_late = true expected, and it is CONFIRMED",
        "waiting = 1 expected, and it is 0",
        "sponsored = 2 expected, and it is 0",
        "leads = Joe expected, and it is Ida",
        "seat of Joe = waiting expected, and it is confirmed",
        "cap of Ida = 9.00 expected, and it is 10.00",
        "pays Joe = 7.00 expected, and it is 0.00",
        "back Joe = 1.00 expected, and it is 0.00",
        "settled LATE_PAYMENT = 1 expected, and it is 0",
        "opened = 9 expected, and it is 2",
        "commission = 9.00 expected, and it is 0.00",
        "campaign = paused expected, and it is running",
        "refused = MEMBER_LIMIT expected, and it is CAMPAIGN_PAUSED",
        "refused = SPONSOR_LIMIT expected, and 1 place could be sponsored",
        "Kay's hold has not run out after 0.1 s",
        "Kay has received no WITHDRAWN message by e-mail or webhook",
    ]


def test_what_is_not_as_expected_fails_with_file_and_line_and_keeps_the_logs(home: Path) -> None:
    result = demo(home, "--fast", "--scenes", scene(home, charged="7.49", seconds=1))
    assert result.returncode == 1
    assert "charged = 7.49 expected, and it is 7.50" in result.stdout
    assert f"tea.toml:{_line_of('expect =')}" in result.stdout
    assert [path.name for path in leftovers(home)[0].glob("logs/pricing.log")] == ["pricing.log"]


def _line_of(start: str) -> int:
    return next(number for number, line in enumerate(SCENE.splitlines(), 1) if line.startswith(start))


def test_what_the_engine_refuses_is_told_in_a_line(home: Path) -> None:
    path = home / "steep.toml"
    path.write_text(SCENE.replace("percent_off = 25", "off = 99").replace("CHARGED", "1").replace("SECONDS", "1"))
    result = demo(home, "--fast", "--scenes", str(path))
    assert result.returncode == 1
    assert f"steep.toml:{_line_of('[campaign]') + 1}: the engine refuses this: LADDER_INVALID" in result.stderr
    assert "Traceback" not in result.stdout + result.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--only", "99"], '--only: "99" is no scene.'),
        (["--only", "flesh"], '--only: "flesh" is no scene. There are: 1-mei-opens-a-team, 2-friends-join,'),
        (["--scenes", "/"], "There is no scene (*.toml) in /."),
        (["--json", "/no/such/folder/x.json"], "/no/such/folder/x.json cannot be written."),
    ],
)
def test_a_wrong_word_is_told_before_anything_starts(home: Path, words: list[str], told: str) -> None:
    result = demo(home, *words)
    assert result.returncode == 1
    assert told in result.stderr
    assert leftovers(home) == []


async def test_ctrl_c_stops_the_stack_in_order_and_leaves_nothing(home: Path) -> None:
    out = home / "out"
    with (
        out.open("w") as file,
        subprocess.Popen(  # noqa: ASYNC220
            [*ARGV, "--fast", "--only", "flash"], stdout=file, stderr=subprocess.STDOUT, cwd="/", env=environment(home)
        ) as process,
    ):
        await until(lambda: "to come" in out.read_text(), seconds=90)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 1
    assert out.read_text().splitlines()[-2:] == ["groupbuy: stopping; once more to hurry", "groupbuy: stopped"]
    assert leftovers(home) == []


async def test_keep_leaves_the_stack_up_and_says_how_to_talk_to_it_and_a_replay_is_identical(home: Path) -> None:
    out = home / "out"
    with (
        out.open("w") as file,
        subprocess.Popen(  # noqa: ASYNC220
            [*ARGV, "--fast", "--keep", "--scenes", scene(home)], stdout=file, cwd="/", env=environment(home)
        ) as process,
    ):
        await until(lambda: "Ctrl-C stops it" in out.read_text() or process.poll() is not None, seconds=120)
        (data,) = leftovers(home)
        status = subprocess.run(  # noqa: ASYNC221
            [sys.executable, "-P", "-m", "deploy.cli", "status", "--data", str(data)], check=False, cwd="/"
        )
        replay = subprocess.run(  # noqa: ASYNC221
            [sys.executable, "-P", "-m", "deploy.cli", "replay", "--service", "pricing", "--data", str(data)],
            check=False,
            cwd="/",
            capture_output=True,
            text=True,
        )
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert status.returncode == 0
    assert process.returncode == 0
    said = [line.split() for line in replay.stdout.splitlines()]
    assert {words[0]: words[-1] for words in said if "rows" in words} == dict.fromkeys(DERIVED, "identical")
    assert replay.stdout.endswith("The tables that were built are in use now.\n")
    assert '"invite_code": "' in out.read_text()
    assert (data / "logs").is_dir()
