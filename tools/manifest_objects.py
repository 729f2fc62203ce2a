"""Finds in manifests what rules ask about: kinds, pods, containers, labels, settings."""

from __future__ import annotations

from typing import Any, TypeAlias

Manifest: TypeAlias = dict[str, Any]


def kind(manifests: list[Manifest], *kinds: str) -> list[Manifest]:
    """Pick manifests by kind."""
    return [item for item in manifests if item["kind"] in kinds]


def named(item: Manifest) -> str:
    """Say which object is meant."""
    return f"{item['kind']} {item['metadata']['name']}"


def workloads(manifests: list[Manifest]) -> list[Manifest]:
    """Pick what makes pods."""
    return kind(manifests, "Deployment", "StatefulSet", "Job", "CronJob")


def pod(item: Manifest) -> Manifest:
    """The pod that a workload makes."""
    spec: Manifest = item["spec"]["jobTemplate"]["spec"] if item["kind"] == "CronJob" else item["spec"]
    found: Manifest = spec["template"]
    return found


def containers(item: Manifest) -> list[Manifest]:
    """The containers of a workload's pod."""
    found: list[Manifest] = pod(item)["spec"]["containers"]
    return found


def labels(item: Manifest) -> dict[str, str]:
    """The labels of a workload's pod."""
    found: dict[str, str] = pod(item)["metadata"].get("labels", {})
    return found


def matches(selector: Manifest, found: dict[str, str]) -> bool:
    """Tell whether labels fit a selector; an empty one fits everything."""
    if any(found.get(name) != value for name, value in selector.get("matchLabels", {}).items()):
        return False
    for wish in selector.get("matchExpressions", []):
        value, wanted = found.get(wish["key"]), wish.get("values", [])
        fits = {
            "In": value in wanted,
            "NotIn": value not in wanted,
            "Exists": value is not None,
            "DoesNotExist": value is None,
        }
        if not fits[wish["operator"]]:
            return False
    return True


def settings(manifests: list[Manifest], item: Manifest) -> dict[str, str]:
    """What a workload reads from maps of settings."""
    references = [source["configMapRef"]["name"] for box in containers(item) for source in box.get("envFrom", [])]
    found: dict[str, str] = {}
    for one in kind(manifests, "ConfigMap"):
        if one["metadata"]["name"] in references:
            found |= one["data"]
    return found


def variables(item: Manifest) -> dict[str, Manifest]:
    """The variables of a workload's containers, by name, without those of maps."""
    return {variable["name"]: variable for box in containers(item) for variable in box.get("env", [])}
