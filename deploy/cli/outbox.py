"""groupbuy outbox: has events written to Kafka again, as after Kafka or a service's database was lost."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import click
from psycopg import AsyncConnection

from deploy.channels import kafka_security
from deploy.check.runner import SERVICES
from deploy.cli.databases import databases_read
from deploy.cli.installation import find_installation
from deploy.cli.spans import Past
from deploy.cli.stack import data_option
from deploy.local.errors import LocalError
from services.chassis.database import database_url
from services.chassis.errors import Unavailable
from services.chassis.positions import Beyond, GroupHidden, put_back
from services.chassis.publisher import ACKNOWLEDGE_SECONDS
from services.chassis.relay import Again, have_heard, rewind
from services.chassis.topics import group_of, missing_topics, used_by

HEARD_SECONDS = 2 * ACKNOWLEDGE_SECONDS
"""A relay that waits for Kafka gives up and looks anew after the half of it."""


@click.group()
def outbox() -> None:
    """Have events written to Kafka again from the services' own databases, where each is kept for 14 days."""


@outbox.command(short_help="Have events written to Kafka again, in order.")
@click.option("--since", type=Past(), required=True, help="Those committed since this time (UTC), or 24h, 14d ago.")
@click.option(
    "--service", "services", type=click.Choice(SERVICES), multiple=True, help="Of this service alone; may be repeated."
)
@data_option
def republish(since: datetime, services: tuple[str, ...], data: Path) -> None:
    """Have every event committed since a time written to Kafka again, in order of each key, by the relays that run.

    Nothing takes effect twice: who has applied an event leaves it out. Where Kafka was lost, do this before you create
    its topics (groupbuy topics): a consumer that sees a later event of a key first leaves out the earlier ones. Groups
    of consumers that are beyond the end of what Kafka has begin at its beginning. Where each service has users of its
    own at PostgreSQL and Kafka, do it for each --service as its users.
    """
    installation = find_installation(data)
    kafka, url = installation.need("kafka"), installation.need("database_url")
    chosen = services or SERVICES
    try:
        beyond, hidden = asyncio.run(put_all_back(kafka, chosen))
        missing = len(used_by(chosen).intersection(asyncio.run(missing_topics(kafka, kafka_security()))))
    except Unavailable as error:
        raise LocalError(f"{error}.", "Nothing was done. Try again when it does.") from None
    for item in beyond:
        click.echo(_beyond(item))
    for name in hidden:
        click.echo(f"{group_of(name)}: not ours to look at. Do the same with --service {name}, as its users.")
    urls = {name: database_url(url, name) for name in chosen}
    with databases_read():
        done = asyncio.run(rewind_all(urls, since))
        behind = asyncio.run(not_heard(urls))
    for name, again in done.items():
        click.echo(_again(name, again, since))
    for name in behind:
        click.echo(f"{name}: its relay has not heard of this yet. Wait for it, or see that it runs: it may still write")
        click.echo("what it had read before, and consumers that see that first leave out what comes now.")
    if missing:
        click.echo(f"{missing} topics are missing: create them now (groupbuy topics), and the relays begin.")
    click.echo("groupbuy_outbox_unsent counts down what is still to be written; consumers leave out what they have.")


async def put_all_back(kafka: str, chosen: Sequence[str]) -> tuple[list[Beyond], list[str]]:
    """Put the groups of all services back; names also those of other services that the user of Kafka may not look at.

    LocalError where it may not look at the group of one that is chosen.
    """
    beyond, hidden = list[Beyond](), list[str]()
    for name in SERVICES:
        try:
            beyond += await put_back(kafka, [group_of(name)], kafka_security())
        except GroupHidden as error:
            if name in chosen:
                raise LocalError(f"{error}.", f"No event is marked. Try again as the user of {name}.") from None
            hidden.append(name)
    return beyond, hidden


async def rewind_all(urls: Mapping[str, str], since: datetime) -> dict[str, Again]:
    """Have the events of databases, given by service, published again."""
    done: dict[str, Again] = {}
    for name, url in urls.items():
        async with await AsyncConnection.connect(url, prepare_threshold=None) as connection:
            done[name] = await rewind(connection, since)
    return done


async def not_heard(urls: Mapping[str, str]) -> list[str]:
    """Wait until the relays of databases, given by service, have heard of the rewind; name those that have not."""
    behind: list[str] = []
    for name, url in urls.items():
        async with await AsyncConnection.connect(url, autocommit=True, prepare_threshold=None) as connection:
            if not await have_heard(connection, HEARD_SECONDS):
                behind.append(name)
    return behind


def _beyond(item: Beyond) -> str:
    where = f"{item.group} was at {item.offset} of {item.topic} partition {item.partition}, which ends at {item.end}"
    how = "it begins at the beginning" if item.is_put_back else "its members run and begin at the beginning themselves"
    return f"{where}: {how}."


def _again(name: str, again: Again, since: datetime) -> str:
    words: Sequence[str] = [f"{name}: {again.events} events since {since.isoformat(' ', 'seconds')}"]
    if again.oldest is not None and again.oldest > since:
        words = [*words, f"the oldest that is kept is of {again.oldest.isoformat(' ', 'seconds')}"]
    return "; ".join(words)
