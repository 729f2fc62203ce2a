"""A Prometheus server on loopback that scrapes a stack, with our rules; asked over its HTTP API."""

import json
import re
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from signal import SIGTERM
from typing import Any

import aiohttp

from deploy.local.child import Child
from deploy.local.sockets import free_port
from tests.support.rules import ALERTS
from tests.support.until import until

EVERY = "2s"
"""A run of a minute has thirty samples; in production it is 15 to 30 seconds."""


class Prometheus:
    """One running server."""

    def __init__(self, session: aiohttp.ClientSession, address: str) -> None:
        self._session = session
        self._url = f"http://{address}/api/v1"

    async def range(self, expression: str, since: float, until: float, step: float) -> list[dict[str, Any]]:
        """Ask for series over time."""
        asked: dict[str, str | float] = {"query": expression, "start": since, "end": until, "step": step}
        async with self._session.get(f"{self._url}/query_range", params=asked) as answer:
            said = await answer.json()
        if said["status"] != "success":
            raise ValueError(f"{expression}: {said['error']}")
        found: list[dict[str, Any]] = said["data"]["result"]
        return found

    async def is_ready(self) -> bool:
        """Tell whether it answers, and every target has been scraped once."""
        try:
            async with self._session.get(f"{self._url}/targets") as answer:
                targets = (await answer.json())["data"]["activeTargets"]
        except aiohttp.ClientError:
            return False
        return bool(targets) and all(target["health"] == "up" for target in targets)


@asynccontextmanager
async def prometheus(folder: Path, targets: Mapping[str, str]) -> AsyncIterator[Prometheus]:
    """Run a server that scrapes addresses by service; it is ended with the context."""
    program = shutil.which("prometheus")
    if program is None:
        raise SystemExit(
            "There is no prometheus. On Debian and Ubuntu: apt install --no-install-recommends prometheus."
        )
    address = f"127.0.0.1:{free_port()}"
    config = folder / "prometheus.yml"
    config.write_text(json.dumps(_config(folder, targets)))  # JSON is YAML too
    store = f"--storage.tsdb.path={folder / 'prometheus'}"
    argv = [program, f"--config.file={config}", store, f"--web.listen-address={address}"]
    child = Child.start(argv, log=folder / "prometheus.log")
    try:
        async with aiohttp.ClientSession() as session:
            server = Prometheus(session, address)
            await until(server.is_ready)
            yield server
    finally:
        await child.end(SIGTERM, 10.0)


def _config(folder: Path, targets: Mapping[str, str]) -> dict[str, Any]:
    return {
        "global": {"scrape_interval": EVERY, "scrape_timeout": EVERY, "evaluation_interval": EVERY},
        "rule_files": [str(_quicker(path, folder)) for path in sorted(ALERTS.glob("*.yaml"))],
        "scrape_configs": [
            {
                "job_name": "groupbuy",
                "static_configs": [
                    {"targets": [address], "labels": {"service": service}} for service, address in targets.items()
                ],
            }
        ],
    }


def _quicker(path: Path, folder: Path) -> Path:
    """Copy rules, to be evaluated with each scrape: a run has no five minutes to wait for the first time."""
    copied = folder / path.name
    copied.write_text(re.sub(r"interval: \w+", f"interval: {EVERY}", path.read_text(encoding="utf-8")))
    return copied
