"""Policies let through what settings name and what containers listen on: else a time-out would tell it."""

from __future__ import annotations

from collections.abc import Iterator

from tools.manifest_objects import Manifest, containers, kind, labels, matches, named, settings, variables, workloads

DNS = 53
POSTGRES = 5432
SERVICES = ("GROUPBUY_TEAM_FORMATION", "GROUPBUY_PRICING", "GROUPBUY_NOTIFICATION")
COLLECTOR = "GROUPBUY_TRACES_ENDPOINT"


def policies_let_through(manifests: list[Manifest]) -> Iterator[str]:
    """Whatever a pod must reach it may reach, and each of its ports may be reached by somebody."""
    for item in workloads(manifests):
        out, into = allowed(manifests, item, "egress"), allowed(manifests, item, "ingress")
        for what, port in reached(manifests, item):
            if port not in out:
                yield f"{named(item)}: no policy lets it reach port {port} ({what})"
        for box in containers(item):
            for port in box.get("ports", []):
                if port["containerPort"] not in into:
                    yield f"{named(item)}: no policy lets anybody reach its port {port['name']}"


def reached(manifests: list[Manifest], item: Manifest) -> Iterator[tuple[str, int]]:
    """What a workload talks to by its settings, and at which port."""
    known = settings(manifests, item)
    yield "names", DNS
    # the counter of live demand has the address as every part has, and never connects
    if labels(item).get("app.kubernetes.io/component") != "demand" and any(
        name.endswith("DATABASE_URL") for name in variables(item)
    ):
        yield "PostgreSQL", POSTGRES
    names = ["GROUPBUY_KAFKA"] if labels(item).get("groupbuy/kafka") == "yes" else []
    if item["kind"] == "Deployment":
        names += [*SERVICES, COLLECTOR]
    for name in names:
        for address in filter(None, known.get(name, "").split(",")):
            yield name, int(address.rpartition(":")[2])


def allowed(manifests: list[Manifest], item: Manifest, way: str) -> set[int]:
    """The ports that policies name for a workload's pods, in one direction."""
    return {
        port["port"]
        for policy in kind(manifests, "NetworkPolicy")
        if matches(policy["spec"]["podSelector"], labels(item))
        for rule in policy["spec"].get(way, [])
        for port in rule.get("ports", [])
    }
