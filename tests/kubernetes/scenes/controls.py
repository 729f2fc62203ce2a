"""Negative controls: with what the manifests promise taken away, the same load must notice.

Each changes the Deployment that answers team_formation's RPCs, has it roll, and puts it back.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from tests.kubernetes.errors import FoundError
from tests.kubernetes.installed import Installed
from tests.kubernetes.load import Load
from tests.kubernetes.verdict import Told, since, told

SLOW_SECONDS = 40
"""So long does a slow start take; longer than the policy of clients goes on."""
PAUSE_SECONDS = 0.01
"""Between two calls of one caller: more of them are under way when a pod ends."""
ROLLS = 10
"""So often at most do pods end before the load has to have noticed."""
_CONTAINER = "/spec/template/spec/containers/0"

# Starts the very command it is given, and has it killed at the first SIGTERM: calls under way are cut off.
_EXITS_AT_ONCE = """
import os, signal, subprocess, sys
child = subprocess.Popen(sys.argv[1:])
def end(*_):
    child.kill()
    os._exit(0)
signal.signal(signal.SIGTERM, end)
sys.exit(child.wait())
"""
_STARTS_SLOWLY = f"""
import os, sys, time
time.sleep({SLOW_SECONDS})
os.execvp(sys.argv[1], sys.argv[1:])
"""


async def exits_at_once(engine: Installed, load: Load) -> Told:
    """Roll pods that say no goodbye: no preStop, and dead at the first signal. Calls have to be sent again."""
    deployment = await engine.serving("team_formation")
    changes = [*_wrapped(deployment, _EXITS_AT_ONCE), *_without(deployment, "lifecycle")]
    # again and again: only those that were started so end so, and not each end meets a call under way
    return await _noticed(engine, load, deployment, changes, rolls=ROLLS, noticed=lambda told: bool(told.again))


async def unready(engine: Installed, load: Load) -> Told:
    """Roll pods that start slowly and have no readiness probe. Calls fail: nobody is there who could answer."""
    deployment = await engine.serving("team_formation")
    probes = [change for name in ("readinessProbe", "startupProbe") for change in _without(deployment, name)]
    changes = [*_wrapped(deployment, _STARTS_SLOWLY), *probes, *_without(deployment, "livenessProbe")]
    return await _noticed(engine, load, deployment, changes, rolls=1, noticed=lambda told: bool(told.failed))


async def _noticed(
    engine: Installed,
    load: Load,
    deployment: dict[str, Any],
    changes: list[dict[str, Any]],
    *,
    rolls: int,
    noticed: Callable[[Told], bool],
) -> Told:
    name = str(deployment["metadata"]["name"])
    before = load.counts()
    async with told(load) as result:
        await engine.kubectl.patch("deployment", name, changes)
        await engine.kubectl.rolled_out("deployment", name)
        await load.more(20)
        for _ in range(1, rolls):
            so_far = Told()
            so_far.read(since(load, before))
            if noticed(so_far):
                break
            await engine.kubectl("rollout", "restart", f"deployment/{name}")
            await engine.kubectl.rolled_out("deployment", name)
            await load.more(20)
    if not noticed(result):
        raise FoundError(f"The load did not notice what was taken away: {result}")
    await _put_back(engine, name, deployment)
    return result


async def _put_back(engine: Installed, name: str, deployment: dict[str, Any]) -> None:
    whole = [{"op": "replace", "path": "/spec/template", "value": deployment["spec"]["template"]}]
    await engine.kubectl.patch("deployment", name, whole)
    await engine.kubectl.rolled_out("deployment", name)


def _wrapped(deployment: dict[str, Any], program: str) -> list[dict[str, Any]]:
    """Have a container's command started by a program of ours."""
    container: Mapping[str, Any] = deployment["spec"]["template"]["spec"]["containers"][0]
    words = [*container.get("command", ()), *container.get("args", ())]
    changes = [{"op": "add", "path": f"{_CONTAINER}/command", "value": ["python", "-c", program, *words]}]
    return [*changes, *_without(deployment, "args")]


def _without(deployment: dict[str, Any], name: str) -> list[dict[str, Any]]:
    there = name in deployment["spec"]["template"]["spec"]["containers"][0]
    return [{"op": "remove", "path": f"{_CONTAINER}/{name}"}] if there else []


Control = Callable[[Installed, Load], Awaitable[Told]]
CONTROLS: Mapping[str, Control] = {
    "pods that exit at once on TERM": exits_at_once,
    "pods without readiness that start slowly": unready,
}
