"""groupbuy replay: builds derived tables again from the topics, compares them row by row, and swaps them."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click

from deploy.cli.installation import find_installation
from deploy.cli.stack import data_option
from deploy.local.errors import LocalError

_LISTEN = "127.0.0.1:0"
"""A replay answers nobody; the settings ask for an address."""


@click.command()
@click.option("--service", type=click.Choice(["pricing"]), required=True, help="Whose tables.")
@click.option("--accept-differences", is_flag=True, help="Swap also where they differ from those in use.")
@click.option("--json", "as_json", is_flag=True, help="The same as data.")
@data_option
def replay(service: str, data: Path, *, accept_differences: bool, as_json: bool) -> None:
    """Build a service's derived tables again from the events in Kafka, beside those in use, and compare row by row.

    Identical ones change places; with differences those in use stay, and the exit code is 1. What entered by RPC is
    kept, and nobody is told anything. The service may run on; the last step holds it up for a moment.
    """
    installation = find_installation(data)
    words = [sys.executable, "-m", f"services.{service}", "replay"]
    words += ["--accept-differences"] if accept_differences else []
    env = {
        **os.environ,
        "GROUPBUY_DATABASE_URL": installation.need("database_url"),
        "GROUPBUY_KAFKA": installation.need("kafka"),
        "GROUPBUY_TEAM_FORMATION": installation.need("team_formation"),
        "GROUPBUY_SERVICE_KEY": installation.need("service_key"),
        "GROUPBUY_LISTEN": _LISTEN,
        "GROUPBUY_OPS_LISTEN": _LISTEN,
        "GROUPBUY_LOG_FORMAT": "text",
        "GROUPBUY_LOG_LEVEL": "warning",
    }
    done = subprocess.run(words, env=env, stdout=subprocess.PIPE, text=True, check=False)
    if not done.stdout:
        raise LocalError(f"The replay of {service} ended with code {done.returncode}.", "Its reason is above.")
    found = json.loads(done.stdout)
    click.echo(json.dumps(found, indent=2) if as_json else "\n".join(_lines(service, found)))
    raise SystemExit(0 if found["swapped"] else 1)


def _lines(service: str, found: dict[str, Any]) -> list[str]:
    rate = found["events"] / found["seconds"] if found["seconds"] else 0
    lines = [f"{found['events']} events of {service} applied again in {found['seconds']:.1f} s ({rate:,.0f} a second)"]
    for item in found["differences"]:
        same = not item["only_in_use"] and not item["only_built"]
        word = "identical" if same else f"{item['only_in_use']} rows only in use, {item['only_built']} only built"
        lines += [f"{item['table']:>18}  {item['in_use']:>9} rows  {word}", *(f"{'':20}{e}" for e in item["examples"])]
    if found["carried_over"]:
        lines.append(f"{found['carried_over']} teams were taken over as they are: their first events are not kept")
        lines += [f"    {reason}" for reason in found["reasons"]]
    end = "The tables that were built are in use now." if found["swapped"] else "The tables in use were kept."
    return [*lines, end]
