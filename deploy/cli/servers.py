"""groupbuy migrate, topics: prepare the servers of an installation; doing it twice, or at once, changes nothing."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import click

from deploy.channels import kafka_security
from deploy.cli.installation import find_installation
from deploy.cli.stack import data_option
from deploy.local.addresses import checked_database_url
from deploy.local.errors import ServerAway
from deploy.local.stack.databases import prepare_databases
from deploy.local.stack.services import SERVICES
from deploy.local.stack.topics import prepare_topics

RETRY_SECONDS = 1.0

wait_option = click.option(
    "--wait", "seconds", type=click.FloatRange(min=0), default=0.0, show_default=True,
    help="Seconds to go on trying while the server does not answer.",
)  # fmt: skip
Result = TypeVar("Result")


@click.command()
@data_option
@click.option("--service", "services", type=click.Choice(SERVICES), multiple=True,
              help="Only the database of this service; may be repeated.")  # fmt: skip
@wait_option
def migrate(data: Path, services: tuple[str, ...], seconds: float) -> None:
    """Create the services' databases where they are missing and bring each up to date.

    Works on GROUPBUY_DATABASE_DIRECT_URL or GROUPBUY_DATABASE_URL, or on the stack that runs on the data directory.
    """
    direct = os.environ.get("GROUPBUY_DATABASE_DIRECT_URL")
    server = checked_database_url(direct) if direct else find_installation(data).need("database_url")
    applied = asyncio.run(_patiently(lambda: prepare_databases(server, services or SERVICES), seconds))
    for service, names in applied.items():
        done = f"{len(names)} migrations applied: {', '.join(names)}" if names else "up to date"
        click.echo(f"{service}: {done}")


@click.command()
@data_option
@click.option("--replication", type=click.IntRange(min=1), default=None,
              help="Copies of each partition that is created; by itself one on each broker, at most 3.")  # fmt: skip
@wait_option
def topics(data: Path, replication: int | None, seconds: float) -> None:
    """Create the topics that are missing.

    Works on GROUPBUY_KAFKA, or on the stack that runs on the data directory.
    """
    bootstrap = find_installation(data).need("kafka")
    created = asyncio.run(_patiently(lambda: prepare_topics(bootstrap, kafka_security(), replication), seconds))
    done = f"{len(created)} topics created: {', '.join(created)}"
    click.echo(done if created else "all topics are there")


async def _patiently(act: Callable[[], Awaitable[Result]], seconds: float) -> Result:
    """Act, again and again for so many seconds while the server does not answer; LocalError as the last time said."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while True:
        try:
            return await act()
        except ServerAway as error:
            if loop.time() >= deadline:
                raise
            click.echo(f"waiting: {error}", err=True)
            await asyncio.sleep(RETRY_SECONDS)
