"""The API server takes the manifests by its strictest reading, and refuses each of them with one thing wrong."""

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import yaml

from tests.kubernetes.errors import FoundError
from tests.kubernetes.kubectl import Kubectl

Document = dict[str, Any]

STRICT = ("apply", "--validate=strict", "--filename=-")
TRIED = (*STRICT, "--dry-run=server")


async def apply(kubectl: Kubectl, rendered: str) -> int:
    """Apply manifests; gives how many objects there are."""
    await kubectl(*STRICT, given=rendered)
    return len(documents(rendered))


async def refused(kubectl: Kubectl, rendered: str) -> Mapping[str, str]:
    """Have the API server look at the manifests, and at each bad variant; gives why it refused, by variant."""
    await kubectl(*TRIED, given=rendered)
    reasons = {}
    for name, document in bad(documents(rendered)).items():
        code, _, complained = await kubectl.attempt(*TRIED, given=yaml.safe_dump(document))
        if code == 0:
            raise FoundError(f"The API server took a manifest with {name}.")
        if EXPECTED[name] not in complained:
            raise FoundError(f"A manifest with {name} was refused for something else: {complained.strip()}")
        reasons[name] = complained.strip().splitlines()[0]
    return reasons


def documents(rendered: str) -> list[Document]:
    """Read what kustomize wrote."""
    return [document for document in yaml.safe_load_all(rendered) if document]


def bad(good: Sequence[Document]) -> dict[str, Document]:
    """Make the bad variants, each of one of the manifests themselves."""
    deployment = next(item for item in good if item["kind"] == "Deployment")
    budget = next(item for item in good if item["kind"] == "PodDisruptionBudget")
    return {name: _changed(budget if name == "a removed API" else deployment, change) for name, change in _BAD.items()}


def _changed(document: Document, change: Callable[[Document], None]) -> Document:
    changed = copy.deepcopy(document)
    change(changed)
    return changed


def _container(deployment: Document) -> Document:
    found: Document = deployment["spec"]["template"]["spec"]["containers"][0]
    return found


def _unknown_field(deployment: Document) -> None:
    _container(deployment)["readinesProbe"] = _container(deployment).get("readinessProbe", {})


def _wrong_type(deployment: Document) -> None:
    deployment["spec"]["replicas"] = "two"


def _selector(deployment: Document) -> None:
    labels = deployment["spec"]["selector"]["matchLabels"]
    deployment["spec"]["template"]["metadata"]["labels"].update(dict.fromkeys(labels, "another"))


def _port_name(deployment: Document) -> None:
    _container(deployment)["ports"][0]["name"] = "a-name-that-is-too-long"


def _request_over_limit(deployment: Document) -> None:
    _container(deployment)["resources"] = {"requests": {"memory": "2Gi"}, "limits": {"memory": "1Gi"}}


def _stuck(deployment: Document) -> None:
    deployment["spec"]["strategy"] = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}


def _removed_api(budget: Document) -> None:
    budget["apiVersion"] = "policy/v1beta1"


_BAD: Mapping[str, Callable[[Document], None]] = {
    "an unknown field": _unknown_field,
    "a wrong type": _wrong_type,
    "a selector that finds none of its pods": _selector,
    "a name of a port that is too long": _port_name,
    "a request above its limit": _request_over_limit,
    "an update that can never move": _stuck,
    "a removed API": _removed_api,
}
EXPECTED: Mapping[str, str] = {
    "an unknown field": 'unknown field "spec.template.spec.containers[0].readinesProbe"',
    "a wrong type": "spec.replicas",
    "a selector that finds none of its pods": "`selector` does not match template `labels`",
    "a name of a port that is too long": "spec.template.spec.containers[0].ports[0].name",
    "a request above its limit": "must be less than or equal to memory limit",
    "an update that can never move": "may not be 0 when `maxSurge` is 0",
    "a removed API": 'no matches for kind "PodDisruptionBudget" in version "policy/v1beta1"',
}
"""What the API server says, of the very thing that is wrong."""
