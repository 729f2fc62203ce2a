"""The local stack as a user starts it: up, status, a killed part, down, up again, servers that are there already."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from deploy.local.postgres import LocalPostgres
from deploy.local.processes import look
from deploy.local.sockets import free_port
from deploy.local.stack import Stack, StackOptions
from deploy.local.stack.brokers import broker_part
from tests.support.until import until

SERVICES = ("team_formation", "pricing", "notification")
PARTS = ("postgres", "kafka", *SERVICES)


@dataclass
class Cli:
    """`groupbuy COMMAND --data DATA`, run as a user would, from a folder of no meaning."""

    data: Path

    def __call__(self, *words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self.argv(*words), capture_output=True, text=True, check=False, timeout=100, cwd="/",
            env={**_clean_environment(), **environment},
        )  # fmt: skip

    def argv(self, *words: str) -> list[str]:
        return [sys.executable, "-P", "-m", "deploy.cli", words[0], "--data", str(self.data), *words[1:]]

    def status(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self("status", "--json").stdout)
        return answer

    def part(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = next(part for part in self.status()["parts"] if part["name"] == name)
        return found

    def pids(self) -> list[int]:
        return [part["pid"] for part in self.status()["parts"]]


def _clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("GROUPBUY_")}


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[Cli]:
    one = Cli(tmp_path / "stack")
    yield one
    one("down")


@pytest.fixture
def up(cli: Cli) -> str:
    """What `up --detach` said on a fresh folder."""
    result = cli("up", "--detach")
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cli, str]]:
    """A stack that several tests share, and what `up --detach` said; each test leaves it well."""
    one = Cli(tmp_path_factory.mktemp("shared") / "stack")
    result = one("up", "--detach")
    assert result.returncode == 0, result.stderr
    yield one, result.stdout
    one("down")


async def test_up_says_where_everything_listens_and_status_that_all_is_well(running: tuple[Cli, str]) -> None:
    cli, up = running
    result = cli("status", "--json")
    assert result.returncode == 0, result.stdout
    status = json.loads(result.stdout)
    assert next(part["name"] for part in status["parts"]) == "supervisor"
    assert {part["name"] for part in status["parts"]} == {"supervisor", *PARTS, "demand"}
    for part in status["parts"]:
        assert part["health"] == "ok"
        assert part["resident_bytes"] > 0
        assert part["address"] in up
    assert ("API key         gbk_" in up, "test key        gbt_" in up) == (True, True)
    assert "groupbuy down stops everything." in up
    assert all(name in cli("status").stdout for name in PARTS)


async def test_a_killed_part_comes_back_by_itself(running: tuple[Cli, str]) -> None:
    cli, up = running
    for name in PARTS:
        before = cli.part(name)
        os.kill(before["pid"], signal.SIGKILL)
        await until(partial(_is_back, cli, before), seconds=60)
    assert cli("status").returncode == 0
    log = cli("logs", "stack").stdout
    assert all(f"{name} ended by SIGKILL; starting it again" in log for name in PARTS)
    assert _key(up) not in log


def _is_back(cli: Cli, before: dict[str, Any]) -> bool:
    part = cli.part(before["name"])
    return (part["health"], part["restarts"]) == ("ok", before["restarts"] + 1)


async def test_down_leaves_no_process_and_up_finds_everything_again(cli: Cli, up: str) -> None:
    pids = cli.pids()
    assert cli("down").stdout == "stopped\n"
    assert [look(pid) for pid in pids] == [None] * len(pids)
    assert cli("status").returncode == 1
    again = cli("up", "--detach")
    assert again.returncode == 0, again.stderr
    assert _facts(again.stdout) == _facts(up)


def _key(said: str) -> str:
    return next(line.split()[-1] for line in said.splitlines() if "API key" in line)


def _facts(said: str) -> list[str]:
    """Addresses, data folder and key: all but the seconds."""
    return said.splitlines()[1:]


async def test_what_a_killed_supervisor_leaves_is_gone_and_up_works_again(cli: Cli, up: str) -> None:
    pids = cli.pids()
    os.kill(cli.status()["pid"], signal.SIGKILL)
    await until(lambda: all(look(pid) is None for pid in pids))
    assert cli("status").returncode == 1
    assert _facts(cli("up", "--detach").stdout) == _facts(up)


async def test_a_second_stack_on_the_same_data_is_refused_and_on_other_data_moves_its_ports(
    running: tuple[Cli, str], tmp_path: Path
) -> None:
    cli, _ = running
    refused = cli("up")
    assert refused.returncode == 1
    assert f"runs on {cli.data} already (process {cli.status()['pid']})" in refused.stderr
    other = Cli(tmp_path / "other")
    try:
        said = other("up", "--detach")
        assert said.returncode == 0, said.stderr
        assert not {part["address"] for part in other.status()["parts"] if part["address"]} & {
            part["address"] for part in cli.status()["parts"]
        }
        taken = cli.part("pricing")["address"].rpartition(":")[2]
    finally:
        other("down")
    clash = other("up", "--port", f"pricing={taken}")
    assert clash.returncode == 1
    assert f"pricing wants port {taken}, which is taken by" in clash.stderr
    assert "--port pricing=N" in clash.stderr


async def test_ctrl_c_stops_all_in_order(cli: Cli) -> None:
    with subprocess.Popen(  # noqa: ASYNC220
        cli.argv("up", "-v"), stdout=subprocess.PIPE, text=True, cwd="/", env=_clean_environment()
    ) as process:
        await until(lambda: cli.status()["ready"], seconds=60)
        pids = cli.pids()
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert said.splitlines()[-2:] == ["groupbuy: stopping; once more to hurry", "groupbuy: stopped"]
    assert "s  migrations" in said
    assert [look(pid) for pid in pids] == [None] * len(pids)


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncIterator[dict[str, str]]:
    """A PostgreSQL server and a broker that no stack started, as the variables that name them."""
    postgres = LocalPostgres(tmp_path / "postgres", 0, durable=False)
    await postgres.start()
    options = StackOptions(data=tmp_path, environment=_clean_environment())
    broker = broker_part(options, tmp_path / "kafka", tmp_path / "kafka.log", free_port())
    child = await broker.start()
    yield {"GROUPBUY_DATABASE_URL": postgres.url, "GROUPBUY_KAFKA": broker.address}
    await broker.stop(child, hurry=False)
    await postgres.stop()


async def test_servers_that_are_there_already_are_used_and_outlive_the_stack(cli: Cli, servers: dict[str, str]) -> None:
    first = cli("up", "--detach", **servers)
    assert first.returncode == 0, first.stderr
    assert first.stdout.count("already there") == 2
    assert {part["name"] for part in cli.status()["parts"] if part["pid"]} == {"supervisor", *SERVICES, "demand"}
    assert cli("status").returncode == 0
    cli("down")
    assert _facts(cli("up", "--detach", **servers).stdout) == _facts(first.stdout)


async def test_an_unreachable_server_is_named_with_its_variable(cli: Cli) -> None:
    kafka = cli("up", GROUPBUY_KAFKA="127.0.0.1:1")
    assert kafka.returncode == 1
    assert "Kafka at 127.0.0.1:1 does not answer" in kafka.stderr
    assert "GROUPBUY_KAFKA" in kafka.stderr
    database = cli("up", GROUPBUY_DATABASE_URL="postgresql://me@127.0.0.1:1/postgres")
    assert database.returncode == 1
    assert "PostgreSQL at 127.0.0.1:1" in database.stderr
    assert "GROUPBUY_DATABASE_URL" in database.stderr
    for result in (kafka, database):
        assert "Traceback" not in result.stderr


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[Stack]:
    one = Stack(StackOptions(data=tmp_path / "stack", environment=_clean_environment()))
    await one.start()
    yield one
    await one.stop()


async def test_a_program_can_start_kill_halt_and_stop_a_stack(stack: Stack) -> None:
    assert stack.key
    assert stack.platform_id
    assert set(stack.steps) == {"postgres", "migrations", "kafka", "topics", "services", "demo platform"}
    before = stack.pid("pricing")
    stack.kill("pricing")
    await stack.wait_ready("pricing")
    assert stack.pid("pricing") not in {before, None}
    await stack.halt("kafka")
    assert stack.pid("kafka") is None
    await stack.resume("kafka")
    assert stack.pid("kafka") is not None
    assert stack.address("team_formation").startswith("127.0.0.1:")
