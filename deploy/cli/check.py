"""groupbuy check: runs every invariant against an installation and counts violations."""

import asyncio
import dataclasses
import json
import sys
from pathlib import Path

import click

from deploy.check.runner import CheckResult, wait_for_checks
from deploy.cli.databases import databases_read
from deploy.cli.installation import find_installation
from deploy.cli.stack import data_option


@click.command()
@data_option
@click.option(
    "--wait",
    "seconds",
    type=click.FloatRange(min=0),
    default=10.0,
    show_default=True,
    help="Seconds to look again while something is violated: what is on its way is no violation.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as data.")
def check(data: Path, seconds: float, *, as_json: bool) -> None:
    """Count violations of every invariant, by SQL over the services' databases; exit code 1 if there is one."""
    url = find_installation(data).need("database_url")
    with databases_read():
        results = asyncio.run(wait_for_checks(url, seconds))
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(result) for result in results], indent=2))
    else:
        click.echo("\n".join(line for result in results for line in _lines(result)))
    sys.exit(1 if any(result.violations for result in results) else 0)


def _lines(result: CheckResult) -> list[str]:
    verdict = "ok" if not result.violations else f"{result.violations} VIOLATIONS"
    return [f"{verdict:>4}  {result.sentence} ({result.checked} looked at)", *(f"      {e}" for e in result.examples)]
