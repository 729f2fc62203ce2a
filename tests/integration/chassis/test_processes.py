"""Processes: parts start in order and stop in reverse, whatever ends them; what went wrong is said in one line."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest

from deploy.local.sockets import free_port
from services.chassis.ops import OpsServer
from services.chassis.process import ROLES, Plan
from services.chassis.process import Process as ChassisProcess
from services.chassis.settings import ChassisSettings, SettingsError
from services.chassis.timers import Timer
from tests.support.until import until

ROOT = Path(__file__).parents[3]


async def start(*arguments: str, **variables: str) -> Process:
    env = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'gen'}", **variables}
    return await asyncio.create_subprocess_exec(sys.executable, *arguments, cwd=ROOT, env=env, stdout=PIPE, stderr=PIPE)


async def small(manner: str) -> Process:
    return await start("-m", "tests.support.small_service", manner)


@pytest.mark.parametrize("manner", ["plain", "stubborn"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_a_process_cleanly_in_reverse_order(manner: str, number: signal.Signals) -> None:
    process = await small(manner)
    assert process.stdout
    said = (await process.stdout.readuntil(b"run c\n")).decode().split("\n")
    process.send_signal(number)
    rest, _ = await process.communicate()
    assert [line for line in said if line.startswith("start")] == ["start a", "start b", "start c"]
    assert rest.decode().split("\n")[:-1] == ["end c", "stop c", "end b", "stop b", "end a", "stop a"]
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("manner", "code", "line"),
    [
        ("settings", 2, "GROUPBUY_LISTEN is not set."),
        ("port", 1, "cannot listen on 127.0.0.1:7101"),
        ("stop", 1, "101 keys are parked"),
    ],
)
async def test_what_an_operator_can_mend_is_said_in_one_line(manner: str, code: int, line: str) -> None:
    process = await small(manner)
    out, err = await process.communicate()
    assert process.returncode == code
    assert err.decode().splitlines()[-1] == line
    assert "Traceback" not in err.decode()
    assert out.decode().split("\n")[-4:-1] == ["stop b", "end a", "stop a"]


@pytest.mark.parametrize(("manner", "why"), [("fault", "inside"), ("ends", "b ended by itself")])
async def test_a_part_that_fails_or_ends_stops_the_process(manner: str, why: str) -> None:
    process = await small(manner)
    out, err = await process.communicate()
    assert process.returncode == 1
    assert why in err.decode()
    assert out.decode().split("\n")[-4:-1] == ["stop b", "end a", "stop a"]


def variables(url: str, **more: str) -> dict[str, str]:
    return {
        "GROUPBUY_DATABASE_URL": url,
        "GROUPBUY_KAFKA": "127.0.0.1:1",
        "GROUPBUY_LISTEN": f"127.0.0.1:{free_port()}",
        "GROUPBUY_WEB_LISTEN": f"127.0.0.1:{free_port()}",
        "GROUPBUY_OPS_LISTEN": f"127.0.0.1:{free_port()}",
        "GROUPBUY_PRICING": "127.0.0.1:1",
        "GROUPBUY_INVITE_SECRET": "x",
        **more,
    }


async def test_a_real_service_starts_without_its_servers_and_says_what_is_missing() -> None:
    env = variables("postgresql://postgres@127.0.0.1:1")
    process = await start("-m", "services.team_formation", **env)
    async with aiohttp.ClientSession(f"http://{env['GROUPBUY_OPS_LISTEN']}") as http:

        async def alive() -> bool:
            try:
                async with http.get("/healthz") as answer:
                    return answer.status == 200
            except aiohttp.ClientError:
                return False

        await until(alive)
        async with http.get("/readyz") as answer:
            assert answer.status == 503
            assert (await answer.json())["checks"]["database"] is False
        async with http.get("/metrics") as answer:
            assert "groupbuy_outbox_unsent" in await answer.text()
    process.terminate()
    _, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    assert "Traceback" not in err.decode()


async def test_a_missing_setting_is_exit_code_2_and_its_name() -> None:
    process = await start("-m", "services.team_formation", **variables("postgresql://127.0.0.1", GROUPBUY_LISTEN="x"))
    _, err = await process.communicate()
    assert process.returncode == 2
    assert err.decode().startswith("GROUPBUY_LISTEN must be host:port")


async def test_a_role_that_does_not_exist_is_told_with_those_that_do() -> None:
    process = await start("-m", "services.team_formation", "cook", **variables("postgresql://127.0.0.1"))
    _, err = await process.communicate()
    assert (process.returncode, err.decode()) == (2, f"no part cook; there are {', '.join(ROLES)}\n")


def settings(url: str) -> ChassisSettings:
    return ChassisSettings(
        database_url=url, kafka="127.0.0.1:1", listen="127.0.0.1:0", ops_listen="127.0.0.1:0", log_format="text"
    )


def test_a_process_has_the_parts_of_its_roles() -> None:
    async def handler(_work: object, _events: object) -> None: ...

    def parts(*roles: str) -> list[str]:
        process = ChassisProcess("pricing", settings("postgresql://127.0.0.1"))
        plan = Plan(servicers=[], handlers={"groupbuy.team.v1": handler})
        return [part.name for part in process.parts(plan, roles)]

    always, timers = ["database", "twin clocks", "keeper"], ["old rows", "twins given up"]
    rpc = ["key uses", "limits", "rpc"]
    assert parts() == [*always, "consumer", *timers, "relay", *rpc, "ops"]
    assert parts("rpc") == [*always, *rpc, "ops"]
    assert parts("consumer", "relay") == [*always, "consumer", "relay", "ops"]
    with pytest.raises(SettingsError, match="no part cook"):
        parts("rpc", "cook")


async def _ok() -> bool:
    return True


async def _not_ok() -> bool:
    return False


async def _broken() -> bool:
    raise ConnectionError


@pytest.mark.parametrize(
    ("checks", "status", "named"),
    [
        ({"database": _ok}, 200, {"database": True}),
        ({"database": _ok, "partitions": _not_ok}, 503, {"database": True, "partitions": False}),
        ({"database": _broken}, 503, {"database": False}),
    ],
)
async def test_readiness_names_the_check_that_fails(
    checks: dict[str, Callable[[], Awaitable[bool]]], status: int, named: dict[str, bool]
) -> None:
    ops = OpsServer("127.0.0.1:0", checks)
    await ops.start()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{ops.port}") as http:
        async with http.get("/readyz") as answer:
            assert answer.status == status
            assert await answer.json() == {"ready": status == 200, "checks": named}
        async with http.get("/healthz") as answer:
            assert answer.status == 200
        async with http.get("/metrics") as answer:
            assert answer.headers["content-type"].startswith("text/plain")
    await ops.stop()


async def test_a_timer_goes_on_after_trouble_and_at_once_after_a_full_page() -> None:
    found: list[int | Exception] = [10, ConnectionError("away"), KeyError("fault"), 10, 10, 3]
    ran = asyncio.Event()

    async def run_once() -> int:
        if len(found) == 1:
            ran.set()
        outcome = found.pop(0) if len(found) > 1 else 3
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    task = asyncio.create_task(Timer("test", run_once, every=0.001, page=10).run())
    async with asyncio.timeout(10):
        await ran.wait()
    task.cancel()
