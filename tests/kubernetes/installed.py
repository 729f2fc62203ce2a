"""The engine in the cluster: its Deployments, services and pods, whatever the manifests call them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.kubernetes.errors import FoundError
from tests.kubernetes.kubectl import Kubectl

GRPC = "grpc"
OPS = "ops"
"""What manifests call the ports."""
_CALLS = "groupbuy_rpc_seconds_count"


@dataclass(frozen=True)
class Pod:
    """A pod of the engine."""

    name: str
    uid: str
    node: str
    address: str
    images: frozenset[str]
    ready: bool
    ports: Mapping[str, int]


class Installed:
    """Looks at the engine in its namespace."""

    def __init__(self, kubectl: Kubectl) -> None:
        self.kubectl = kubectl

    async def deployments(self) -> list[dict[str, Any]]:
        """List all Deployments, by name."""
        return sorted(await self.kubectl.objects("deployments"), key=lambda item: str(item["metadata"]["name"]))

    async def rolled_out(self, seconds: int = 240) -> None:
        """Wait until every Deployment is as it is wanted."""
        for item in await self.deployments():
            await self.kubectl.rolled_out("deployment", item["metadata"]["name"], seconds)

    async def serving(self, service: str) -> dict[str, Any]:
        """Give the Deployment whose pods answer the RPCs of a service of the engine."""
        chosen = (await self.service(service))["spec"]["selector"]
        for item in await self.deployments():
            labels = item["spec"]["template"]["metadata"]["labels"]
            if all(labels.get(key) == value for key, value in chosen.items()):
                return item
        raise FoundError(f"No Deployment has the pods of service {service}.")

    async def service(self, service: str) -> dict[str, Any]:
        """Give the Kubernetes service at which a service of the engine is called, one with an address of its own."""
        wanted = service.replace("_", "-")
        for item in await self.kubectl.objects("services"):
            ports = [port["name"] for port in item["spec"]["ports"]]
            has_own = item["spec"].get("clusterIP") not in {None, "", "None"}
            if item["metadata"]["name"] == wanted and GRPC in ports and has_own:
                return item
        raise FoundError(f"There is no service {wanted} with a port named {GRPC}.")

    async def address(self, service: str) -> str:
        """Give host:port of a service: its address in the cluster, not that of a pod."""
        spec = (await self.service(service))["spec"]
        return f"{spec['clusterIP']}:{next(port['port'] for port in spec['ports'] if port['name'] == GRPC)}"

    async def pods(self, deployment: dict[str, Any]) -> list[Pod]:
        """List the pods of a Deployment that are not on their way out."""
        chosen = deployment["spec"]["selector"]["matchLabels"]
        labels = ",".join(f"{key}={value}" for key, value in chosen.items())
        found = await self.kubectl.objects("pods", f"--selector={labels}")
        return [_pod(item) for item in found if "deletionTimestamp" not in item["metadata"]]

    async def calls(self, pod: Pod) -> int:
        """Count the RPCs that a pod has answered, from its own metrics."""
        url = f"http://{pod.address}:{pod.ports[OPS]}/metrics"
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            lines = (await response.text()).splitlines()
        return int(sum(float(line.split()[-1]) for line in lines if line.startswith(_CALLS)))


def replicas(deployment: dict[str, Any]) -> int:
    """Give how many pods a Deployment wants."""
    return int(deployment["spec"]["replicas"])


def available(deployment: dict[str, Any]) -> int:
    """Give how many pods of a Deployment are there and ready."""
    return int(deployment["status"].get("availableReplicas", 0))


def _pod(item: dict[str, Any]) -> Pod:
    containers: Sequence[dict[str, Any]] = item["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for each in containers for port in each.get("ports", ())}
    conditions = {one["type"]: one["status"] for one in item["status"].get("conditions", ())}
    return Pod(
        item["metadata"]["name"],
        item["metadata"]["uid"],
        item["spec"].get("nodeName", ""),
        item["status"].get("podIP", ""),
        frozenset(container["image"] for container in containers),
        conditions.get("Ready") == "True",
        ports,
    )
