"""What schemas cannot know of manifests that are applied together: a rule each, which yields a sentence per problem."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TypeAlias

from tools.manifest_foreign import foreign_fields_are_known
from tools.manifest_kafka import kafka_is_reached_alike
from tools.manifest_network import policies_let_through
from tools.manifest_objects import Manifest, containers, kind, labels, matches, named, pod, settings, workloads
from tools.manifest_routes import routes_find_services, visitors_keep_their_addresses
from tools.manifest_seen import dashboards_can_be_taken, prometheus_finds_parts, somebody_checks
from tools.manifest_servers import servers_may_run, servers_stand_apart

Rule: TypeAlias = Callable[[list[Manifest]], Iterator[str]]

DRAIN_SECONDS = 10
STOPS = 2
"""A process that answers gRPC and JSON drains one after the other."""
REST_SECONDS = 15
"""What the other parts take to end: streams, the batch under way, connections."""
STARTED = re.compile(r"^services\.(team_formation|pricing|notification)$")
PARTS = {
    "team_formation": {"rpc", "web", "consumer", "timers", "relay"},
    "pricing": {"rpc", "consumer", "timers", "relay", "demand"},
    "notification": {"rpc", "consumer", "timers", "relay"},
}


def selectors_find_pods(manifests: list[Manifest]) -> Iterator[str]:
    """Selectors of Deployments, Services, budgets and policies fit the labels of pods that are there."""
    every = [labels(item) for item in workloads(manifests)]
    running = [labels(item) for item in kind(manifests, "Deployment", "StatefulSet")]
    for item in kind(manifests, "Deployment", "StatefulSet"):
        if not matches(item["spec"]["selector"], labels(item)):
            yield f"{named(item)}: its selector does not fit the labels of its pods"
    for item in kind(manifests, "Service"):
        selector = item["spec"].get("selector")
        if selector and not any(matches({"matchLabels": selector}, found) for found in running):
            yield f"{named(item)}: its selector fits no pod"
    if not running:
        return
    for item in kind(manifests, "PodDisruptionBudget"):
        found = [one for one in running if matches(item["spec"]["selector"], one)]
        if len(found) != 1:
            yield f"{named(item)}: its selector fits the pods of {len(found)} workloads, not of one"
    for item in kind(manifests, "NetworkPolicy"):
        if not any(matches(item["spec"]["podSelector"], found) for found in every):
            yield f"{named(item)}: its selector fits no pod"


def ports_by_name(manifests: list[Manifest]) -> Iterator[str]:
    """A port that is named is a port of the container, and a number of a gRPC probe too."""
    for item in kind(manifests, "Service"):
        selector = {"matchLabels": item["spec"].get("selector") or {"": ""}}
        for one in kind(manifests, "Deployment", "StatefulSet"):
            if not matches(selector, labels(one)):
                continue
            names = {port["name"] for box in containers(one) for port in box.get("ports", [])}
            for port in item["spec"]["ports"]:
                if isinstance(port.get("targetPort"), str) and port["targetPort"] not in names:
                    yield f"{named(item)}: {named(one)} has no port {port['targetPort']}"
    for item in workloads(manifests):
        for box in containers(item):
            yield from probed_ports(item, box)


def probed_ports(item: Manifest, box: Manifest) -> Iterator[str]:
    """List probes of ports that a container does not have."""
    known = {port["name"] for port in box.get("ports", [])} | {port["containerPort"] for port in box.get("ports", [])}
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        for way in ("grpc", "httpGet", "tcpSocket"):
            port = box.get(probe, {}).get(way, {}).get("port")
            if port is not None and port not in known:
                yield f"{named(item)}: {probe} asks port {port}, which its container does not have"


def requests_within_limits(manifests: list[Manifest]) -> Iterator[str]:
    """Every container asks for CPU and memory, has a limit of memory, and asks for no more than that."""
    for item in workloads(manifests):
        for box in containers(item):
            asked, most = (box.get("resources", {}).get(name, {}) for name in ("requests", "limits"))
            if "cpu" not in asked or "memory" not in asked or "memory" not in most:
                yield f"{named(item)}: {box['name']} needs requests of cpu and memory, and a limit of memory"
            for name in set(asked) & set(most):
                if quantity(asked[name]) > quantity(most[name]):
                    yield f"{named(item)}: {box['name']} asks for more {name} than its limit"


def quantity(text: str | float) -> float:
    """Read a quantity of Kubernetes."""
    number, unit = re.fullmatch(r"([0-9.]+)([A-Za-z]*)", str(text)).groups()  # type: ignore[union-attr]  # the schema says so
    return (
        float(number) * {"": 1, "m": 0.001, "k": 1e3, "M": 1e6, "G": 1e9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}[unit]
    )


def budgets_leave_room(manifests: list[Manifest]) -> Iterator[str]:
    """A budget lets a node be emptied: of the fewest replicas at least one may go, and every Deployment has one."""
    deployments = kind(manifests, "Deployment")
    for item in deployments:
        budgets = [
            one for one in kind(manifests, "PodDisruptionBudget") if matches(one["spec"]["selector"], labels(item))
        ]
        if not budgets:
            yield f"{named(item)}: it has no disruption budget"
        for budget in budgets:
            spec, replicas = budget["spec"], fewest(manifests, item)
            may_go = spec["maxUnavailable"] if "maxUnavailable" in spec else replicas - spec["minAvailable"]
            if may_go < 1:
                yield f"{named(budget)}: none of the {replicas} replicas may go, so no node can be emptied"
            if spec.get("unhealthyPodEvictionPolicy") != "AlwaysAllow":
                yield f"{named(budget)}: a pod that is not ready keeps its node from being emptied"


def fewest(manifests: list[Manifest], item: Manifest) -> int:
    """The fewest replicas that a Deployment is scaled to."""
    for scaler in kind(manifests, "HorizontalPodAutoscaler", "ScaledObject"):
        if scaler["spec"]["scaleTargetRef"]["name"] == item["metadata"]["name"]:
            spec = scaler["spec"]
            return int(spec.get("minReplicas") or spec.get("minReplicaCount") or 0)
    return int(item["spec"].get("replicas", 1))


def rollouts_move(manifests: list[Manifest]) -> Iterator[str]:
    """A roll-out can move, takes away nobody before another is ready, and ends before it is given up."""
    for item in kind(manifests, "Deployment"):
        update = item["spec"].get("strategy", {}).get("rollingUpdate", {})
        surge, away = update.get("maxSurge", 1), update.get("maxUnavailable", 0)
        if surge == 0 and away == 0:
            yield f"{named(item)}: its roll-out can neither add nor remove a pod"
        if away != 0:
            yield f"{named(item)}: its roll-out removes pods before others are ready"
        started = sum(starts(box) for box in containers(item))
        if item["spec"].get("progressDeadlineSeconds", 600) <= started + item["spec"].get("minReadySeconds", 0):
            yield f"{named(item)}: a pod may take longer to start than its roll-out waits"


def starts(box: Manifest) -> int:
    """The longest time that a container may take to start."""
    probe = box.get("startupProbe", {})
    return int(probe.get("periodSeconds", 10) * probe.get("failureThreshold", 3))


def grace_covers_the_drain(manifests: list[Manifest]) -> Iterator[str]:
    """A pod has the time that its parts need to end, after the pause before TERM."""
    for item in kind(manifests, "Deployment", "StatefulSet"):
        drain = drain_seconds(manifests, item)
        for box in containers(item):
            pause = box.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
            needed = pause + STOPS * drain + REST_SECONDS
            given = pod(item)["spec"].get("terminationGracePeriodSeconds", 30)
            if given < needed:
                yield f"{named(item)}: it has {given} s to end and may need {needed}"
            listens = {port["name"] for port in box.get("ports", [])} & {"grpc", "web"}
            if listens and not pause:
                yield f"{named(item)}: callers may still come when it ends; it needs a pause before TERM"


def drain_seconds(manifests: list[Manifest], item: Manifest) -> float:
    """The drain time in the settings that a workload reads."""
    return float(settings(manifests, item).get("GROUPBUY_DRAIN_SECONDS", DRAIN_SECONDS))


def probes_ask_the_right_thing(manifests: list[Manifest]) -> Iterator[str]:
    """Every part has all three probes; alive never asks for what another server decides."""
    for item in kind(manifests, "Deployment", "StatefulSet"):
        for box in containers(item):
            for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                if probe not in box:
                    yield f"{named(item)}: it has no {probe}"
            for probe, wanted in (
                ("livenessProbe", ("liveness", "/healthz")),
                ("readinessProbe", ("readiness", "/readyz")),
            ):
                found = box.get(probe, {})
                asked = found.get("grpc", {}).get("service") or found.get("httpGet", {}).get("path")
                if found and asked not in wanted:
                    yield f"{named(item)}: its {probe} asks {asked}, not {' or '.join(wanted)}"


def pods_are_restricted(manifests: list[Manifest]) -> Iterator[str]:
    """Pods keep the restricted standard, write nowhere but in volumes, and have no token of the API server."""
    for item in workloads(manifests):
        spec = pod(item)["spec"]
        safe = spec.get("securityContext", {})
        if not safe.get("runAsNonRoot") or safe.get("seccompProfile", {}).get("type") != "RuntimeDefault":
            yield f"{named(item)}: its pods may run as root, or without a seccomp profile"
        if spec.get("automountServiceAccountToken") is not False:
            yield f"{named(item)}: its pods have a token of the API server"
        for box in containers(item):
            own = box.get("securityContext", {})
            if own.get("allowPrivilegeEscalation") is not False or own.get("capabilities", {}).get("drop") != ["ALL"]:
                yield f"{named(item)}: {box['name']} may gain privileges"
            if own.get("readOnlyRootFilesystem") is not True:
                yield f"{named(item)}: {box['name']} may write into its image"


def parts_exist(manifests: list[Manifest]) -> Iterator[str]:
    """A container starts a part that there is, or `groupbuy`; every part of every service has its Deployment."""
    seen: dict[str, set[str]] = {name: set() for name in PARTS}
    for item in workloads(manifests):
        for box in containers(item):
            command = [*box.get("command", []), *box.get("args", [])]
            if command[:1] == ["groupbuy"]:
                continue
            service = STARTED.match(command[2]) if len(command) == 4 and command[:2] == ["python", "-m"] else None  # noqa: PLR2004
            if not service or command[3] not in PARTS[service[1]]:
                yield f"{named(item)}: {' '.join(command)} starts no part"
            else:
                seen[service[1]].add(command[3])
    if any(seen.values()):
        for name, parts in PARTS.items():
            for part in sorted(parts - seen[name]):
                yield f"{name} {part} is started by nobody"


def secrets_are_named(manifests: list[Manifest]) -> Iterator[str]:
    """What is secret comes by reference, and what is referred to as a map of settings is there."""
    maps = {item["metadata"]["name"] for item in kind(manifests, "ConfigMap")}
    for item in workloads(manifests):
        for box in containers(item):
            for variable in box.get("env", []):
                if re.search(r"_(KEY|KEYS|SECRET|PASSWORD|URL)$", variable["name"]) and "value" in variable:
                    yield f"{named(item)}: {variable['name']} stands in the manifest; refer to a Secret"
            for source in box.get("envFrom", []):
                if "configMapRef" in source and source["configMapRef"]["name"] not in maps:
                    yield f"{named(item)}: there is no ConfigMap {source['configMapRef']['name']}"
    for item in kind(manifests, "ConfigMap"):
        for name in item.get("data", {}):
            if re.search(r"_(KEY|KEYS|SECRET|PASSWORD)$", name) or name.endswith("DATABASE_URL"):
                yield f"{named(item)}: {name} belongs into a Secret"


def nothing_is_open(manifests: list[Manifest]) -> Iterator[str]:
    """Where pods run, a policy denies whatever no other one allows."""
    if not workloads(manifests):
        return
    for item in kind(manifests, "NetworkPolicy"):
        spec = item["spec"]
        if (
            spec["podSelector"] == {}
            and set(spec["policyTypes"]) == {"Ingress", "Egress"}
            and not spec.keys() & {"ingress", "egress"}
        ):
            return
    yield "no NetworkPolicy denies what no other one allows"


def scalers_scale(manifests: list[Manifest]) -> Iterator[str]:
    """What is scaled is there, is scaled by one, within bounds that are bounds."""
    targets: list[str] = []
    deployments = {item["metadata"]["name"]: item for item in kind(manifests, "Deployment")}
    for item in kind(manifests, "HorizontalPodAutoscaler", "ScaledObject"):
        spec = item["spec"]
        target = spec["scaleTargetRef"]["name"]
        low, high = (spec.get(f"{end}Replicas") or spec.get(f"{end}ReplicaCount") or 0 for end in ("min", "max"))
        if target not in deployments:
            yield f"{named(item)}: there is no Deployment {target}"
        elif "replicas" in deployments[target]["spec"]:
            yield f"{named(item)}: Deployment {target} sets replicas too, so every apply would undo what was scaled"
        if target in targets:
            yield f"{named(item)}: {target} is scaled by another one too"
        if not 1 <= low <= high:
            yield f"{named(item)}: from {low} to {high} replicas are no bounds"
        targets.append(target)


RULES: tuple[Rule, ...] = (
    foreign_fields_are_known,
    routes_find_services,
    visitors_keep_their_addresses,
    selectors_find_pods,
    ports_by_name,
    requests_within_limits,
    budgets_leave_room,
    rollouts_move,
    grace_covers_the_drain,
    probes_ask_the_right_thing,
    pods_are_restricted,
    parts_exist,
    secrets_are_named,
    nothing_is_open,
    policies_let_through,
    scalers_scale,
    kafka_is_reached_alike,
    servers_may_run,
    servers_stand_apart,
    somebody_checks,
    prometheus_finds_parts,
    dashboards_can_be_taken,
)
