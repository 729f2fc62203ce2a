"""groupbuy migrate, topics: prepare the servers that an installation uses."""

import asyncio
from pathlib import Path

import click

from deploy.channels import kafka_security
from deploy.cli.installation import find_installation
from deploy.cli.stack import data_option
from deploy.local.stack.databases import prepare_databases
from deploy.local.stack.topics import prepare_topics


@click.command()
@data_option
def migrate(data: Path) -> None:
    """Create the services' databases where they are missing and bring each up to date.

    Works on GROUPBUY_DATABASE_URL, or on the stack that runs on the data directory.
    """
    applied = asyncio.run(prepare_databases(find_installation(data).need("database_url")))
    click.echo(f"{applied} migrations applied" if applied else "nothing to migrate")


@click.command()
@data_option
def topics(data: Path) -> None:
    """Create the topics that are missing.

    Works on GROUPBUY_KAFKA, or on the stack that runs on the data directory.
    """
    created = asyncio.run(prepare_topics(find_installation(data).need("kafka"), kafka_security()))
    click.echo(f"{created} topics created" if created else "all topics are there")
