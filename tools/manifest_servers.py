"""Kafka and PostgreSQL where operators run them beside us: let in by the namespace, apart from each other."""

from __future__ import annotations

from collections.abc import Iterator

from tools.manifest_objects import Manifest, kind, named

RESTRICTED: Manifest = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""What the restricted standard asks of a container; CloudNativePG sets it by itself, Strimzi does not."""


def servers_may_run(manifests: list[Manifest]) -> Iterator[str]:
    """Containers of Strimzi's keep the standard that the namespace enforces, or they would never start."""
    for item in kind(manifests, "KafkaNodePool"):
        yield from _unrestricted(item, item["spec"], "kafkaContainer")
    for item in kind(manifests, "Kafka"):
        operator = item["spec"].get("entityOperator", {})
        for name in ("topicOperator", "userOperator"):
            if name in operator:
                yield from _unrestricted(item, operator, f"{name}Container")


def _unrestricted(item: Manifest, part: Manifest, container: str) -> Iterator[str]:
    own = part.get("template", {}).get(container, {}).get("securityContext", {})
    if any(own.get(name) != wish for name, wish in RESTRICTED.items()):
        yield f"{named(item)}: {container} does not keep the restricted standard, which the namespace enforces"


def servers_stand_apart(manifests: list[Manifest]) -> Iterator[str]:
    """No node carries two of a server's copies, and each asks for what it needs."""
    for item in kind(manifests, "KafkaNodePool"):
        spreads = item["spec"].get("template", {}).get("pod", {}).get("topologySpreadConstraints", [])
        if not any(
            one["topologyKey"] == "kubernetes.io/hostname" and one["whenUnsatisfiable"] == "DoNotSchedule"
            for one in spreads
        ):
            yield f"{named(item)}: two brokers may be on one node"
    for item in kind(manifests, "Cluster"):
        if item["spec"].get("affinity", {}).get("podAntiAffinityType") != "required":
            yield f"{named(item)}: two of its servers may be on one node"
    for item in kind(manifests, "KafkaNodePool", "Cluster"):
        if "memory" not in item["spec"].get("resources", {}).get("requests", {}):
            yield f"{named(item)}: it asks for no memory, so it is the first to be evicted"
