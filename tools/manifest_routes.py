"""What leads in from outside: to ports that are there, to public calls alone, and with the visitor's address kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tools.manifest_objects import Manifest, kind, labels, named, settings

PUBLIC = frozenset(
    {"groupbuy.team_formation.v1.TeamFormation", "groupbuy.pricing.v1.Pricing", "groupbuy.notification.v1.Notification"}
)
"""The services that platforms call. What services ask each other has a name that begins alike."""
CALLS = {"grpc", "json"}
"""The ports at which calls are answered."""
EXACT = {"PathPrefix", "Prefix"}
"""Kinds of a path that end at a slash: what is named longer is not meant."""


@dataclass(frozen=True)
class Way:
    """One way from a host name to a Service's port, which is named or numbered."""

    route: str
    path: str
    kind: str
    service: str
    port: str | int


def ways(manifests: list[Manifest]) -> Iterator[Way]:
    """List all ways in, by Gateway API or by Ingress."""
    for item in kind(manifests, "GRPCRoute", "HTTPRoute"):
        for rule in item["spec"]["rules"]:
            for end in rule["backendRefs"]:
                for match in rule.get("matches") or [{}]:
                    path, how = _matched(match)
                    yield Way(named(item), path, how, end["name"], end["port"])
    for item in kind(manifests, "Ingress"):
        for rule in item["spec"]["rules"]:
            for one in rule["http"]["paths"]:
                end = one["backend"]["service"]
                port = end["port"].get("name") or end["port"]["number"]
                yield Way(named(item), one["path"], one["pathType"], end["name"], port)


def _matched(match: Manifest) -> tuple[str, str]:
    if "method" in match:
        return f"/{match['method'].get('service', '')}", "PathPrefix"
    path = match.get("path", {})
    return path.get("value", "/"), path.get("type", "PathPrefix")


def routes_find_services(manifests: list[Manifest]) -> Iterator[str]:
    """A route leads to a port that a Service has; where it takes calls, to those of one public service alone."""
    ports = {
        (item["metadata"]["name"], word): port["name"]
        for item in kind(manifests, "Service")
        for port in item["spec"]["ports"]
        for word in (port["port"], port["name"])
    }
    for way in ways(manifests):
        name = ports.get((way.service, way.port))
        if name is None:
            yield f"{way.route}: no Service {way.service} has port {way.port}"
        elif name in CALLS and (way.path.removeprefix("/") not in PUBLIC or way.kind not in EXACT):
            yield f"{way.route}: {way.path} ({way.kind}) leads to more than the calls of one public service"


def visitors_keep_their_addresses(manifests: list[Manifest]) -> Iterator[str]:
    """Where pages are reached through a proxy, they know it: else all visitors have one address and guess as one."""
    if not any(way.port in {"web", 80} for way in ways(manifests)):
        return
    for item in kind(manifests, "Deployment"):
        is_web = labels(item).get("app.kubernetes.io/component") == "web"
        if is_web and not settings(manifests, item).get("GROUPBUY_WEB_PROXIES"):
            yield f"{named(item)}: GROUPBUY_WEB_PROXIES names no proxy, so all visitors have its address"
