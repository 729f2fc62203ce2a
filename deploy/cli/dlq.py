"""groupbuy dlq: what the services have set aside, why, and how it goes on."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import grpc
from google.protobuf import json_format
from groupbuy.chassis.v1 import parked_internal_pb2 as pb
from groupbuy.chassis.v1.parked_internal_pb2_grpc import ParkedInternalStub

from deploy.channels import open_channel
from deploy.cli.formation import SERVICE_KEY
from deploy.cli.installation import Installation, find_installation
from deploy.cli.stack import data_option
from deploy.local.answers import code_of, details_of, remedy
from deploy.local.errors import LocalError
from services.chassis.messages import Record, Undecodable, decode
from services.chassis.topics import topics

SECONDS = 40.0
"""For one answer: a redrive applies all messages of a key in one transaction."""

_REMEDIES = {
    grpc.StatusCode.UNAUTHENTICATED: SERVICE_KEY,
    grpc.StatusCode.NOT_FOUND: "groupbuy dlq list shows what is parked.",
}

service_argument = click.argument("service")


@dataclass(frozen=True)
class _Service:
    """One service that reads topics, and how it is asked."""

    name: str
    stub: ParkedInternalStub
    metadata: tuple[tuple[str, str], ...]

    def ask(self, rpc: str, request: Any) -> Any:
        """Call an RPC; LocalError says what the service answered."""
        try:
            return getattr(self.stub, rpc)(request, metadata=self.metadata, timeout=SECONDS)
        except grpc.RpcError as error:
            told = remedy(
                code_of(error), _REMEDIES, "groupbuy dlq show has the message; mend the cause and redrive again."
            )
            raise LocalError(f"{self.name}: {details_of(error)}", told) from None


@click.group()
def dlq() -> None:
    """Look at messages that can never be applied, and at all later ones of their keys; let them go on after a fix.

    Asks each service that reads topics, with GROUPBUY_SERVICE_KEY: GROUPBUY_PRICING, GROUPBUY_NOTIFICATION and the
    like, or the stack that runs on the data directory. The messages lie in the services' own databases.
    """


@dlq.command("list", short_help="List parked keys with the reason of each.")
@data_option
def list_keys(data: Path) -> None:
    """List the parked keys of every service: messages, since when, why."""
    found = 0
    for name in readers():
        with _service(find_installation(data), name) as service:
            keys = service.ask("ListParkedKeys", pb.ListParkedKeysRequest()).keys
        for item in keys:
            since = item.parked_at.ToDatetime().isoformat(" ", "seconds")
            click.echo(f"{name} {item.topic} {item.key}\n    {_messages(item.messages)} since {since}: {item.reason}")
        found += len(keys)
    click.echo(f"{found} parked" if found else "Nothing is parked.")


@dlq.command(short_help="Show the messages of a parked key.")
@service_argument
@click.argument("topic")
@click.argument("key")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="Show at most this many.")
@data_option
def show(service: str, topic: str, key: str, limit: int, data: Path) -> None:
    """Show the messages of KEY on TOPIC that SERVICE has set aside, decoded, in order."""
    with _service(find_installation(data), service) as asked:
        found = asked.ask("ListParkedMessages", pb.ListParkedMessagesRequest(topic=topic, key=key, limit=limit))
    for item in found.messages:
        place = f"partition {item.partition}, offset {item.offset}" if item.partition >= 0 else "fetched, not read"
        click.echo(f"{item.headers.get('ce_type', 'a message')} ({place})\n  {item.reason}")
        click.echo(f"  {_readable(topic, key, item.value)}")


@dlq.command(short_help="Apply what is parked, in order.")
@click.argument("service", required=False)
@click.argument("topic", required=False)
@click.argument("key", required=False)
@click.option("--all", "everything", is_flag=True, help="Every parked key of every service, or of SERVICE.")
@data_option
def redrive(service: str | None, topic: str | None, key: str | None, data: Path, *, everything: bool) -> None:
    """Apply the parked messages of KEY on TOPIC in order, all or none, and let the key go on; or --all.

    With --all a key that still fails keeps no other back; the exit code is 1 if one did.
    """
    installation = find_installation(data)
    if everything and not topic:
        failed = sum([_redrive_all(installation, name) for name in ([service] if service else readers())])
        raise SystemExit(1 if failed else 0)
    if everything or not (service and topic and key):
        raise click.UsageError("Name SERVICE, TOPIC and KEY (groupbuy dlq list has them), or --all.")
    with _service(installation, service) as asked:
        click.echo(_redriven(asked, topic, key))


def readers() -> list[str]:
    """Name the services that read a topic."""
    return sorted({name for topic in topics().values() for name in topic.consumers})


def _redrive_all(installation: Installation, name: str) -> int:
    """Let every parked key of a service go on; returns how many could not."""
    failed = 0
    with _service(installation, name) as service:
        for item in service.ask("ListParkedKeys", pb.ListParkedKeysRequest()).keys:
            try:
                click.echo(_redriven(service, item.topic, item.key))
            except LocalError as problem:
                failed += 1
                click.echo(str(problem), err=True)
    return failed


def _redriven(service: _Service, topic: str, key: str) -> str:
    applied = service.ask("RedriveKey", pb.RedriveKeyRequest(topic=topic, key=key)).applied
    return f"{service.name} {topic} {key}: {_messages(applied)} applied"


@contextmanager
def _service(installation: Installation, name: str) -> Iterator[_Service]:
    if name not in readers():
        raise LocalError(f"No service {name} reads topics.", f"Name one of {', '.join(readers())}.")
    metadata = (("authorization", f"Bearer {installation.need('service_key')}"),)
    with open_channel(installation.need(name)) as channel:
        yield _Service(name, ParkedInternalStub(channel), metadata)


def _messages(count: int) -> str:
    return f"{count} message" if count == 1 else f"{count} messages"


def _readable(topic: str, key: str, value: bytes) -> str:
    """Write a value as JSON; bytes that are no event of the topic are written in hexadecimal."""
    try:
        event = decode(Record(topic, key, value))
    except Undecodable as problem:
        return f"{len(value)} bytes, {problem}: {value[:200].hex()}{'...' if len(value) > 200 else ''}"  # noqa: PLR2004
    return json_format.MessageToJson(event.envelope, indent=None)
