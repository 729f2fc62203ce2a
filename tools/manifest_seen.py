"""How ops teams see what runs: somebody checks the invariants every hour, Prometheus finds each part."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.manifest_objects import Manifest, containers, kind, named

CHECK = ["groupbuy", "check", "--record"]
HOURLY = re.compile(r"^[0-5]?[0-9] \* \* \* \*$")
PERIOD_SECONDS = 3600
"""The alert CheckNotRun waits for two of them."""


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
