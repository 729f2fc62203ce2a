"""Which installation a command talks to: what the environment names, else the stack that runs on this machine."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local.addresses import checked_bootstrap, checked_database_url
from deploy.local.errors import LocalError
from deploy.local.lock import FolderLock
from deploy.local.stack.kept import Kept
from deploy.local.stack.layout import lock_path, run_path
from deploy.local.stack.run import Run
from deploy.local.stack.services import SERVICES
from services.chassis.database import database_url

KEY_REMEDY = "Set GROUPBUY_PLATFORM_KEY to a key of the platform: groupbuy platform keys create PLATFORM_ID."
_CHECKS: Mapping[str, Callable[[str], str]] = {"database_url": checked_database_url, "kafka": checked_bootstrap}


@dataclass(frozen=True)
class Installation:
    """Addresses and secrets; each is empty where neither the environment nor a running stack gives it."""

    database_url: str
    kafka: str
    team_formation: str
    service_key: str
    pricing: str = ""
    notification: str = ""
    platform_key: str = ""
    """An API key: what a platform may read is read with it."""

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
    addresses = {part.name: part.address for part in run.parts} if run else {}
    kept = Kept.load(data / "stack.json") if run else None
    return Installation(
        database_url=os.environ.get("GROUPBUY_DATABASE_URL") or (run.database_url if run else ""),
        kafka=os.environ.get("GROUPBUY_KAFKA") or (run.bootstrap if run else ""),
        team_formation=os.environ.get("GROUPBUY_TEAM_FORMATION") or addresses.get("team_formation", ""),
        service_key=os.environ.get("GROUPBUY_SERVICE_KEY") or (kept.service_key if kept else ""),
        pricing=os.environ.get("GROUPBUY_PRICING") or addresses.get("pricing", ""),
        notification=os.environ.get("GROUPBUY_NOTIFICATION") or addresses.get("notification", ""),
        platform_key=os.environ.get("GROUPBUY_PLATFORM_KEY") or (_only_key(kept) if kept else ""),
    )


def find_databases(data: Path) -> dict[str, str]:
    """Give the address of each service's database: on a server that its own variable names, else on that of all."""
    return {service: database_url(_server(data, service), service) for service in SERVICES}


def _server(data: Path, service: str) -> str:
    variable = f"GROUPBUY_{service.upper()}_DATABASE_URL"
    own = os.environ.get(variable)
    return checked_database_url(own, variable) if own else find_installation(data).need("database_url")


def _only_key(kept: Kept) -> str:
    """Give the demo platform's key, where the stack has run with one pair of servers only and it is beyond doubt."""
    keys = [key for _, key, *_ in kept.platforms.values()]
    return keys[0] if len(keys) == 1 else ""
