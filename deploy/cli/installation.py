"""Which installation a command talks to: what the environment names, else the stack that runs on this machine."""

import os
from dataclasses import dataclass
from pathlib import Path

from deploy.local.addresses import checked_bootstrap, checked_database_url
from deploy.local.errors import LocalError
from deploy.local.lock import FolderLock
from deploy.local.stack.kept import Kept
from deploy.local.stack.layout import lock_path, run_path
from deploy.local.stack.run import Run

_CHECKS = {"database_url": checked_database_url, "kafka": checked_bootstrap}


@dataclass(frozen=True)
class Installation:
    """Addresses and secrets; each is empty where neither the environment nor a running stack gives it."""

    database_url: str
    kafka: str
    team_formation: str
    pricing: str
    notification: str
    service_key: str

    def need(self, name: str) -> str:
        """Give one of them; LocalError says how to name it where it is empty or cannot be right."""
        value: str = getattr(self, name)
        if not value:
            raise LocalError(
                f"No stack runs on this data directory, and GROUPBUY_{name.upper()} is not set.",
                "Start a stack (groupbuy up), name its --data, or set the variable to talk to another installation.",
            )
        return _CHECKS.get(name, str)(value)


def find_installation(data: Path) -> Installation:
    """Find the installation; a variable of the environment goes before the running stack."""
    run = Run.load(run_path(data)) if FolderLock(lock_path(data)).holder() else None
    running = {part.name: part.address for part in run.parts} if run else {}
    key = Kept.load(data / "stack.json").service_key if run else ""
    return Installation(
        database_url=os.environ.get("GROUPBUY_DATABASE_URL") or (run.database_url if run else ""),
        kafka=os.environ.get("GROUPBUY_KAFKA") or (run.bootstrap if run else ""),
        team_formation=os.environ.get("GROUPBUY_TEAM_FORMATION") or running.get("team_formation", ""),
        pricing=os.environ.get("GROUPBUY_PRICING") or running.get("pricing", ""),
        notification=os.environ.get("GROUPBUY_NOTIFICATION") or running.get("notification", ""),
        service_key=os.environ.get("GROUPBUY_SERVICE_KEY") or key,
    )
