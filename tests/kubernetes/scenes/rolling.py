"""Every Deployment rolls to a new version and back under load: nothing is lost, and the new pods are called."""

import asyncio
import time
from typing import Any

from tests.kubernetes.errors import FoundError
from tests.kubernetes.installed import GRPC, Installed, available, replicas
from tests.kubernetes.load import Load
from tests.kubernetes.verdict import Told, told

_LOOK_SECONDS = 0.3
_SERVICES = ("team_formation", "pricing", "notification")


async def roll(engine: Installed, load: Load, image: str, *, quick: bool = False) -> tuple[Told, str]:
    """Give every Deployment another image, one after the other; what was told meanwhile, and a line about it.

    Quickly: those alone that answer RPCs.
    """
    began, lowest = time.monotonic(), list[str]()
    async with told(load) as result:
        for deployment in await (_serving(engine) if quick else engine.deployments()):
            name = str(deployment["metadata"]["name"])
            await engine.kubectl("set", "image", f"deployment/{name}", f"*={image}")
            lowest.append(await _watched(engine, name))
    reached = await _reached(engine, image)
    return result, f"{len(lowest)} Deployments in {time.monotonic() - began:.0f} s, {', '.join(lowest)}; {reached}"


async def _serving(engine: Installed) -> list[dict[str, Any]]:
    return [await engine.serving(service) for service in _SERVICES]


async def _watched(engine: Installed, name: str) -> str:
    """Wait for an update, and look how many pods are available meanwhile."""
    done = asyncio.create_task(engine.kubectl.rolled_out("deployment", name))
    now = await engine.kubectl.object("deployment", name)
    least = available(now)
    while not done.done():
        least = min(least, available(await engine.kubectl.object("deployment", name)))
        await asyncio.sleep(_LOOK_SECONDS)
    await done
    promised = replicas(now) - _may_miss(now)
    if least < promised:
        raise FoundError(f"{name} had {least} pods available while it was updated, {promised} are promised.")
    return f"{name} never below {least} of {replicas(now)}"


def _may_miss(deployment: dict[str, Any]) -> int:
    """Give how many pods may be missing during an update; percentages are rounded down."""
    rule = deployment["spec"]["strategy"].get("rollingUpdate", {}).get("maxUnavailable", 0)
    if isinstance(rule, str):
        return replicas(deployment) * int(rule.rstrip("%")) // 100
    return int(rule) if deployment["spec"]["strategy"]["type"] == "RollingUpdate" else replicas(deployment)


async def _reached(engine: Installed, image: str) -> str:
    """Count what pods of the new version were called; FoundError where one that answers RPCs was not at all."""
    answered = []
    for service in _SERVICES:
        pods = await engine.pods(await engine.serving(service))
        counts = [await engine.calls(pod) for pod in pods if image in pod.images and GRPC in pod.ports]
        if not counts or not all(counts):
            raise FoundError(f"Of {service}'s new pods not all were called: {counts}")
        answered.append(f"{service} {counts}")
    return f"calls per new pod: {', '.join(answered)}"
