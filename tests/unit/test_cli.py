"""The command line: fast help, one-line errors, ports in words."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from deploy.cli import COMMANDS
from deploy.cli.group import LazyGroup, Place
from deploy.cli.stack import parse_ports
from deploy.local.errors import LocalError


@click.command()
@click.argument("kind")
def failing(kind: str) -> None:
    if kind == "ours":
        raise LocalError("Port 7101 is taken.", "Choose another.")
    raise ZeroDivisionError("by zero")


@pytest.fixture
def group() -> LazyGroup:
    return LazyGroup({"failing": Place(__name__, "failing", "Fail.")}, name="groupbuy")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.delenv("GROUPBUY_DEBUG", raising=False)
    return CliRunner()


def test_every_command_of_the_table_is_there() -> None:
    group = LazyGroup(COMMANDS)
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        assert command.help


def test_help_and_version_import_no_command() -> None:
    program = "import sys, deploy.cli\ntry: deploy.cli.main()\nfinally: assert 'deploy.cli.stack' not in sys.modules"
    for word, expected in (("--help", "Start the whole engine"), ("--version", version("groupbuy"))):
        result = subprocess.run([sys.executable, "-c", program, word], capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr
        assert expected in result.stdout


def test_an_error_for_users_is_its_own_two_lines(group: LazyGroup, run: CliRunner) -> None:
    result = run.invoke(group, ["failing", "ours"])
    assert (result.exit_code, result.output) == (1, "Error: Port 7101 is taken.\nChoose another.\n")


def test_a_defect_is_called_one_and_shows_no_stack_trace(group: LazyGroup, run: CliRunner) -> None:
    result = run.invoke(group, ["failing", "defect"])
    assert result.exit_code == 1
    assert "ZeroDivisionError: by zero" in result.output
    assert "GROUPBUY_DEBUG=1" in result.output
    assert "Traceback" not in result.output


def test_the_debug_switch_lets_the_error_through(
    group: LazyGroup, run: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROUPBUY_DEBUG", "1")
    assert isinstance(run.invoke(group, ["failing", "defect"]).exception, ZeroDivisionError)


def test_ports_are_read_as_name_and_number() -> None:
    assert parse_ports(("postgres=7500", "pricing.ops=1")) == {"postgres": 7500, "pricing.ops": 1}


@pytest.mark.parametrize("word", ["postgres", "postgres=", "postgres=x", "postgres=0", "postgres=65536", "shop=7500"])
def test_a_wrong_port_is_named(word: str) -> None:
    with pytest.raises(click.BadParameter, match=word):
        parse_ports((word,))


def test_commands_without_a_stack_say_so(run: CliRunner, tmp_path: Path) -> None:
    group = LazyGroup(COMMANDS)
    assert "No stack runs" in run.invoke(group, ["down", "--data", str(tmp_path)]).output
    status = run.invoke(group, ["status", "--data", str(tmp_path)])
    assert status.exit_code == 1
    assert "groupbuy up" in status.output
    logs = run.invoke(group, ["logs", "--data", str(tmp_path)])
    assert logs.exit_code == 1
    assert "There is no log" in logs.output


@pytest.mark.parametrize(
    ("words", "said"),
    [("--waves 3 --members 2", "one member at least"), ("--every 30m", "say how many by --waves")],
)
def test_waves_of_a_crowd_that_cannot_be_are_refused_before_anybody_is_called(
    run: CliRunner, words: str, said: str
) -> None:
    result = run.invoke(LazyGroup(COMMANDS, name="groupbuy"), ["sandbox", "crowd", "team_x", *words.split()])
    assert (result.exit_code, said in result.output) == (2, True), result.output
