"""groupbuy check: runs every invariant against an installation and counts violations."""

import asyncio
import dataclasses
import json
import sys
from pathlib import Path

import click

from deploy.check.record import OWNER, record
from deploy.check.runner import CheckResult, wait_for_checks
from deploy.cli.databases import databases_read
from deploy.cli.installation import find_databases
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
@click.option(
    "--record", "is_recorded", is_flag=True, help="Keep what was found, so that team_formation's metrics tell it."
)
def check(data: Path, seconds: float, *, as_json: bool, is_recorded: bool) -> None:
    """Count violations of every invariant, by SQL over the services' databases; exit code 1 if there is one.

    Nothing is changed but with --record: then team_formation's database keeps the counts, and its metrics
    groupbuy_check_violations and groupbuy_check_finished_timestamp_seconds tell them. Databases on servers or with
    users of their own are named by GROUPBUY_TEAM_FORMATION_DATABASE_URL and their like.
    """
    databases = find_databases(data)
    with databases_read():
        results = asyncio.run(wait_for_checks(databases, seconds))
        if is_recorded:
            asyncio.run(record(databases[OWNER], results))
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(result) for result in results], indent=2))
    else:
        click.echo("\n".join(line for result in results for line in _lines(result)))
    sys.exit(1 if any(result.violations for result in results) else 0)


def _lines(result: CheckResult) -> list[str]:
    verdict = "ok" if not result.violations else f"{result.violations} VIOLATIONS"
    return [f"{verdict:>4}  {result.sentence} ({result.checked} looked at)", *(f"      {e}" for e in result.examples)]
