"""The supervisor: start, restart after death, giving up, order of stopping, and what a killed supervisor leaves."""

import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest

from deploy.local.child import Child
from deploy.local.errors import LocalError
from deploy.local.processes import look
from deploy.local.sockets import free_port
from deploy.local.stack.keeper import Keeper
from deploy.local.stack.part import Program
from deploy.local.stack.run import end_leftovers, note
from deploy.local.stack.supervisor import Supervisor
from tests.support.until import until

STAND_IN = Path(__file__).parents[1] / "support" / "stand_in.py"

MakePart = Callable[..., Program]


@pytest.fixture
def part(tmp_path: Path) -> MakePart:
    def make(name: str, *manners: str, program: Path = STAND_IN) -> Program:
        address = f"127.0.0.1:{free_port()}"
        port = address.rpartition(":")[2]
        argv = [sys.executable, "-I", "-S", str(program), port, str(tmp_path / "diary"), name, *manners]
        return Program(name, address, f"http://{address}/", argv, {}, tmp_path / f"{name}.log", stop_seconds=5)

    return make


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
async def supervisor(said: list[str]) -> AsyncIterator[Supervisor]:
    one = Supervisor(say=said.append, changed=lambda: None, max_deaths=3)
    yield one
    await one.stop(hurry=True)


async def test_a_part_that_is_killed_comes_back_as_another_process(
    supervisor: Supervisor, part: MakePart, said: list[str]
) -> None:
    await supervisor.start(part("pricing"))
    keeper = supervisor.keepers["pricing"]
    assert keeper.child is not None
    first = keeper.child.pid
    keeper.child.send(signal.SIGKILL)
    await until(lambda: keeper.restarts == 1)
    assert supervisor.notes()[0].pid not in {first, None}
    assert said == ["pricing ended by SIGKILL; starting it again", f"pricing is back as process {keeper.child.pid}"]


async def test_after_a_fault_a_part_is_ready_only_when_it_is_back(supervisor: Supervisor, part: MakePart) -> None:
    await supervisor.start(part("pricing"))
    keeper = supervisor.keepers["pricing"]
    for restarts in range(1, 6):  # more often than it may die by itself
        keeper.kill()
        assert not keeper.ready.is_set()
        await keeper.ready.wait()
        assert keeper.restarts == restarts


async def test_a_part_that_does_not_start_is_reported_with_the_end_of_its_log(
    supervisor: Supervisor, part: MakePart, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("raise SystemExit('the cupboard is bare')")
    with pytest.raises(LocalError, match="pricing did not start: ended with exit code 1") as caught:
        await supervisor.start(part("team_formation"), part("pricing", program=broken))
    assert "the cupboard is bare" in caught.value.problem
    assert str(tmp_path / "pricing.log") in caught.value.remedy


async def test_a_part_that_dies_again_and_again_is_given_up(supervisor: Supervisor, part: MakePart) -> None:
    await supervisor.start(part("pricing"))
    keeper = supervisor.keepers["pricing"]
    for death in range(1, 4):
        assert keeper.child is not None
        keeper.child.send(signal.SIGKILL)
        if death < 3:
            await until(partial(_restarted, keeper, death))
    error = await supervisor.failure()
    assert "pricing ended by SIGKILL; it died 3 times within 30 seconds" in error.problem
    assert "groupbuy logs pricing" in error.remedy


async def test_the_last_group_is_stopped_first(supervisor: Supervisor, part: MakePart, tmp_path: Path) -> None:
    await supervisor.start(part("kafka"))
    await supervisor.start(part("pricing"))
    await supervisor.start(part("demo"))
    pids = [known.pid for known in supervisor.notes()]
    await supervisor.stop()
    assert (tmp_path / "diary").read_text().split() == ["demo", "pricing", "kafka"]
    assert [look(pid) for pid in pids if pid] == [None, None, None]


async def test_a_stubborn_part_is_killed_when_hurried(supervisor: Supervisor, part: MakePart, tmp_path: Path) -> None:
    await supervisor.start(part("pricing", "stubborn"))
    pid = supervisor.notes()[0].pid
    assert pid
    await supervisor.stop(hurry=True)
    assert look(pid) is None
    assert not (tmp_path / "diary").exists()


async def test_children_end_when_their_supervisor_is_killed(part: MakePart, tmp_path: Path) -> None:
    program = part("pricing")
    script = (
        "import asyncio, os, signal\nfrom pathlib import Path\n"
        "from deploy.local.stack.part import Program\nfrom deploy.local.stack.supervisor import Supervisor\n"
        "async def main():\n"
        "    one = Supervisor(say=print, changed=lambda: None, max_deaths=3)\n"
        f"    await one.start(Program('pricing', {program.address!r}, {program.probe!r}, {list(program.argv)!r}, {{}},"
        f" Path({str(program.log)!r})))\n"
        "    print(one.notes()[0].pid, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(main())\n"
    )
    result = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, check=False)  # noqa: ASYNC221
    assert result.returncode == -signal.SIGKILL
    pid = int(result.stdout)
    await until(lambda: look(pid) is None)


async def test_leftovers_are_known_by_their_start_and_others_are_spared(tmp_path: Path) -> None:
    sleeper = [sys.executable, "-I", "-S", "-c", "import signal; signal.pause()"]
    left, reused = (Child.start(sleeper, log=tmp_path / "log") for _ in range(2))
    try:
        mine = note("pricing", "127.0.0.1:1", "tcp://127.0.0.1:1", left.pid, 0)
        other = note("kafka", "127.0.0.1:2", "tcp://127.0.0.1:2", reused.pid, 0)
        older = type(other)(**{**vars(other), "started": other.started - 100})
        assert end_leftovers([mine, older]) == ["pricing"]
        assert await left.wait() == -signal.SIGKILL
        assert reused.returncode is None
    finally:
        await reused.end(signal.SIGKILL, 5)


def _restarted(keeper: Keeper, times: int) -> bool:
    return keeper.restarts == times
