"""A node is drained under load: its pods move one after the other, and the budget stops whoever would take too many."""

import json
import time

from tests.kubernetes.errors import FoundError
from tests.kubernetes.installed import Installed
from tests.kubernetes.load import Load
from tests.kubernetes.node import NODES
from tests.kubernetes.verdict import Told, told

_ALL = "--selector=kubernetes.io/os=linux"
_SECONDS = 240


async def drain(engine: Installed, load: Load) -> tuple[Told, str]:
    """Drain one of two nodes, and let it work again."""
    node, began = NODES[1].name, time.monotonic()
    async with told(load) as result:
        await engine.kubectl("drain", node, "--ignore-daemonsets", "--delete-emptydir-data", f"--timeout={_SECONDS}s")
        moved = time.monotonic() - began
        left = [pod for item in await engine.deployments() for pod in await engine.pods(item) if pod.node == node]
        if left:
            raise FoundError(f"Pods are left on a drained node: {[pod.name for pod in left]}")
        await engine.rolled_out()
        await engine.kubectl("uncordon", node)
    return result, f"{node} was empty after {moved:.0f} s"


async def budget_stops(engine: Installed) -> str:
    """Evict pods of one Deployment until the budget refuses; gives its words.

    No node takes new pods meanwhile: a replacement that is ready at once would make the next eviction right.
    """
    deployment = await engine.serving("team_formation")
    pods = await engine.pods(deployment)
    await engine.kubectl("cordon", _ALL)
    try:
        for number, pod in enumerate(pods):
            code, _, complained = await _evict(engine, pod.name)
            if code != 0 and "disruption budget" in complained:
                if number == 0:
                    raise FoundError("The budget allows no eviction at all: a node could never be drained.")
                return f"{number} of {len(pods)} pods evicted, the next refused: {complained.strip()}"
        raise FoundError(f"All {len(pods)} pods of {deployment['metadata']['name']} could be evicted at once.")
    finally:
        await engine.kubectl("uncordon", _ALL)
        await engine.rolled_out()


async def _evict(engine: Installed, pod: str) -> tuple[int, str, str]:
    namespace = engine.kubectl.namespace
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": namespace}}
    path = f"/api/v1/namespaces/{namespace}/pods/{pod}/eviction"
    return await engine.kubectl.attempt("create", f"--raw={path}", "--filename=-", given=json.dumps(eviction))
