"""groupbuy reread: has a service read its topics again from a time on, as after its database was restored."""

import asyncio
from datetime import datetime
from pathlib import Path

import click

from deploy.channels import kafka_security
from deploy.check.runner import SERVICES
from deploy.cli.installation import find_installation
from deploy.cli.spans import Past
from deploy.cli.stack import data_option
from deploy.local.errors import LocalError
from services.chassis.errors import Unavailable
from services.chassis.positions import GroupRuns, go_back
from services.chassis.topics import consumed_by, group_of


@click.command()
@click.option("--service", type=click.Choice(SERVICES), required=True, help="Whose consumers.")
@click.option(
    "--since", type=Past(), required=True, help="Records written to Kafka since this time (UTC), or 24h, 14d ago."
)
@data_option
def reread(service: str, since: datetime, data: Path) -> None:
    """Have a service read its topics again from a time on, in order; stop its consumers first.

    What its database has applied it leaves out, so the time may be too early, but never too late: name one some
    minutes before the moment that the database was restored to.
    """
    kafka = find_installation(data).need("kafka")
    try:
        count = asyncio.run(go_back(kafka, group_of(service), consumed_by(service), since, kafka_security()))
    except GroupRuns as error:
        raise LocalError(f"{error}.", f"Stop every consumer of {service}, and try again.") from None
    except Unavailable as error:
        raise LocalError(f"{error}.", "Nothing was done. Try again when it does.") from None
    click.echo(f"{service} reads {count} records again when its consumers start.")
