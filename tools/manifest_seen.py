"""How ops teams see what runs: by an hourly check, by Prometheus, which finds each part, by boards in Grafana."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from tools.manifest_objects import Manifest, containers, kind, labels, matches, named

CHECK = ["groupbuy", "check", "--record"]
HOURLY = re.compile(r"^[0-5]?[0-9] \* \* \* \*$")
PERIOD_SECONDS = 3600
"""The alert CheckNotRun waits for two of them."""
DASHBOARD = "grafana_dashboard"
"""The label by which Grafana's sidecar finds boards."""
MOST_BYTES = 2**18


def somebody_checks(manifests: list[Manifest]) -> Iterator[str]:
    """Where parts run, a CronJob counts violations every hour, one at a time, and ends before the next one."""
    if not kind(manifests, "Deployment"):
        return
    found = [item for item in kind(manifests, "CronJob") if containers(item)[0].get("command", [])[:3] == CHECK]
    if not found:
        yield f"no CronJob runs {' '.join(CHECK)}, so nobody would know of a violation"
    for item in found:
        spec = item["spec"]
        if not HOURLY.match(spec["schedule"]) or spec.get("suspend"):
            yield f"{named(item)}: it does not run every hour, and CheckNotRun goes off"
        if spec.get("concurrencyPolicy") != "Forbid":
            yield f"{named(item)}: one may begin before the last has ended"
        if not 0 < spec["jobTemplate"]["spec"].get("activeDeadlineSeconds", 0) < PERIOD_SECONDS:
            yield f"{named(item)}: nothing ends it before the next one is due"


def prometheus_finds_parts(manifests: list[Manifest]) -> Iterator[str]:
    """A PodMonitor reaches every Deployment's pods, at a port that they have."""
    for item in kind(manifests, "PodMonitor"):
        names = [end["port"] for end in item["spec"]["podMetricsEndpoints"]]
        for part in kind(manifests, "Deployment"):
            ports = {port["name"] for box in containers(part) for port in box.get("ports", [])}
            if not matches(item["spec"]["selector"], labels(part)):
                yield f"{named(item)}: it does not find the pods of {named(part)}"
            for name in names:
                if name not in ports:
                    yield f"{named(item)}: {named(part)} has no port {name}"


def dashboards_can_be_taken(manifests: list[Manifest]) -> Iterator[str]:
    """What Grafana's sidecar finds by its label is a board, and small enough to be applied."""
    for item in kind(manifests, "ConfigMap"):
        if DASHBOARD not in item["metadata"].get("labels", {}):
            continue
        for name, text in item["data"].items():
            if not name.endswith(".json") or "panels" not in json.loads(text):
                yield f"{named(item)}: {name} is no dashboard"
        # `kubectl apply` keeps a copy of the object, with its quotes escaped, in one of its annotations
        if len(json.dumps(item)) > MOST_BYTES:
            yield f"{named(item)}: it is too large to be applied"
