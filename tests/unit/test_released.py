"""The protos keep the promises of the last release, and a copy that breaks one is noticed."""

import shutil
from pathlib import Path

import pytest

from tests.support.require import require
from tools import lint

SERVICE = "proto/groupbuy/team_formation/v1/team_formation_service.proto"
TYPES = "proto/groupbuy/team_formation/v1/types.proto"
EVENTS = "proto/groupbuy/pricing/v1/events.proto"

# What breaks a caller of 0.1.0: the file, a text of it, what stands there instead, what the check says.
BREAKING = [
    (SERVICE, "string merchant_id = 2;", "string merchant_id = 99;", 'field "2" with name "merchant_id"'),
    (SERVICE, "string merchant_id = 2;", "bytes merchant_id = 2;", 'changed type from "string" to "bytes"'),
    (SERVICE, "string merchant_id = 2;", "string seller_id = 2;", 'changed name from "merchant_id" to "seller_id"'),
    (SERVICE, "rpc LeaveTeam(LeaveTeamRequest)", "rpc LeaveTeams(LeaveTeamRequest)", 'RPC "LeaveTeam" on service'),
    (EVENTS, "PriceChanged price_changed = 10;", "", 'field "10" with name "price_changed"'),
    (TYPES, "TEAM_STATE_FORMED = 3;", "TEAM_STATE_FORMED = 33;", 'enum value "3" on enum "TeamState" was deleted'),
]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The protos and their rules, to be changed."""
    require("buf", lint.buf_missing() or None)
    shutil.copytree(lint.ROOT / "proto", tmp_path / "proto")
    shutil.copy(lint.ROOT / "buf.yaml", tmp_path)
    return tmp_path


def test_what_stands_breaks_no_caller_of_a_release(copy: Path) -> None:
    assert lint.promises_kept(copy) == "ok"


def test_a_field_that_is_added_breaks_nobody(copy: Path) -> None:
    _change(copy / SERVICE, "string merchant_id = 2;", "string merchant_id = 2;\n  // New.\n  string more = 900;")
    assert lint.promises_kept(copy) == "ok"


@pytest.mark.parametrize(
    ("file", "before", "after", "said"), BREAKING, ids=[after or "gone" for _, _, after, _ in BREAKING]
)
def test_a_change_that_breaks_callers_is_noticed(
    copy: Path, capfd: pytest.CaptureFixture[str], file: str, before: str, after: str, said: str
) -> None:
    _change(copy / file, before, after)
    assert lint.promises_kept(copy).startswith("FAILED: callers of ")
    assert said in capfd.readouterr().out


def test_a_baseline_that_is_missing_is_no_pass(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(lint, "RELEASED", tmp_path)
    assert lint.promises_kept(lint.ROOT).startswith("FAILED")


def _change(file: Path, before: str, after: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert before in text
    file.write_text(text.replace(before, after), encoding="utf-8")
