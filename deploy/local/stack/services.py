"""The three services as parts: their command, environment and addresses."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace

from deploy.local.stack.layout import Layout
from deploy.local.stack.options import LOOPBACK, StackOptions
from deploy.local.stack.part import Program

SERVICES = ("team_formation", "pricing", "notification")
DEMAND = "demand"

_ANY = {"0.0.0.0": LOOPBACK, "::": "[::1]"}  # noqa: S104  # an address that listens everywhere is called by loopback


@dataclass(frozen=True)
class Servers:
    """Addresses and secrets that the services share."""

    database_url: str
    bootstrap: str
    service_key: str
    invite_secret: str
    ports: Mapping[str, int]
    quote_keys: str
    handover_keys: str
    seal_keys: str


WEB = "web"


def service_address(name: str, host: str, ports: Mapping[str, int]) -> str:
    """host:port at which this machine calls the gRPC of a service."""
    return f"{_ANY.get(host, _bracketed(host))}:{ports[name]}"


def public_url(options: StackOptions, ports: Mapping[str, int]) -> str:
    """What invite links begin with: what the user set, else where this machine serves the pages."""
    own = options.environment.get("GROUPBUY_PUBLIC_URL")
    return own or f"http://{service_address(WEB, options.host, ports)}"


def service_part(name: str, options: StackOptions, layout: Layout, servers: Servers) -> Program:
    """The service `name`; what the user set in the environment stays unless the stack itself must decide it."""
    ops = f"{LOOPBACK}:{servers.ports[f'{name}.ops']}"
    environment = {
        "GROUPBUY_LOG_FORMAT": "text",
        "PYTHONUNBUFFERED": "1",
        **options.environment,
        "GROUPBUY_DATABASE_URL": servers.database_url,
        "GROUPBUY_KAFKA": servers.bootstrap,
        "GROUPBUY_LISTEN": f"{_bracketed(options.host)}:{servers.ports[name]}",
        "GROUPBUY_HTTP_LISTEN": f"{_bracketed(options.host)}:{servers.ports[f'{name}.http']}",
        "GROUPBUY_OPS_LISTEN": ops,
        "GROUPBUY_TEAM_FORMATION": service_address("team_formation", options.host, servers.ports),
        "GROUPBUY_NOTIFICATION": service_address("notification", options.host, servers.ports),
        "GROUPBUY_PRICING": service_address("pricing", options.host, servers.ports),
        "GROUPBUY_SERVICE_KEY": servers.service_key,
        "GROUPBUY_INVITE_SECRET": servers.invite_secret,
        "GROUPBUY_QUOTE_KEYS": servers.quote_keys,
        "GROUPBUY_HANDOVER_KEYS": servers.handover_keys,
        "GROUPBUY_SEAL_KEYS": servers.seal_keys,
        "GROUPBUY_WEB_LISTEN": f"{_bracketed(options.host)}:{servers.ports[WEB]}",
        "GROUPBUY_PUBLIC_URL": public_url(options, servers.ports),
    }
    return Program(
        name=name,
        address=service_address(name, options.host, servers.ports),
        probe=f"http://{ops}/readyz",
        argv=python_program(f"services.{name}"),
        environment=environment,
        log=layout.log(name),
    )


def demand_part(options: StackOptions, layout: Layout, servers: Servers) -> Program:
    """The worker that counts live demand: a process of pricing, with health and metrics of its own.

    It is well when it is alive. Nobody waits until it has its partitions: everything works without it.
    """
    ops = f"{LOOPBACK}:{servers.ports['demand.ops']}"
    pricing = service_part("pricing", options, layout, servers)
    return replace(
        pricing,
        name=DEMAND,
        address=ops,
        probe=f"http://{ops}/healthz",
        argv=python_program("services.pricing", "demand"),
        environment={
            **pricing.environment,
            "GROUPBUY_OPS_LISTEN": ops,
            "GROUPBUY_DEMAND_STORE": str(layout.demand),
        },
        log=layout.log(DEMAND),
    )


def python_program(module: str, *arguments: str) -> list[str]:
    """The command that runs one of our modules, whatever lies in the folder that the user stands in (-P)."""
    return [sys.executable, "-P", "-m", module, *arguments]


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
