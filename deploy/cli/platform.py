"""groupbuy platform: create platforms and keys, list them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import grpc
from groupbuy.team_formation.v1 import team_formation_internal_pb2 as pb
from groupbuy.team_formation.v1.team_formation_internal_pb2_grpc import TeamFormationInternalStub

from deploy.channels import open_channel
from deploy.cli.installation import Installation, find_installation
from deploy.cli.stack import data_option
from deploy.local.answers import in_words

SECONDS = 10.0
SERVICE_KEY = "Set GROUPBUY_SERVICE_KEY to the key that the services share."
"""What to do where a service does not know the key of the services."""


@click.group()
def platform() -> None:
    """Create and list platforms and their keys.

    Talks to GROUPBUY_TEAM_FORMATION with GROUPBUY_SERVICE_KEY, or to the stack that runs on the data directory.
    """


@platform.command(short_help="Create a platform and show its id and first key.")
@click.argument("name")
@data_option
def create(name: str, data: Path) -> None:
    """Create a platform NAME and show its id and its first key, this once."""
    with _formation(data) as (stub, metadata):
        made = stub.CreatePlatform(pb.CreatePlatformRequest(name=name), metadata=metadata, timeout=SECONDS)
    click.echo(f"platform {made.platform_id}\nkey      {made.key}\n\nThe key is not stored and cannot be shown again.")


@platform.command(short_help="Add a key to a platform and show it.")
@click.argument("platform_id")
@data_option
def key(platform_id: str, data: Path) -> None:
    """Add a key to the platform with PLATFORM_ID and show it, this once."""
    with _formation(data) as (stub, metadata):
        made = stub.CreateKey(pb.CreateKeyRequest(platform_id=platform_id), metadata=metadata, timeout=SECONDS)
    click.echo(f"key {made.key}\n\nThe key is not stored and cannot be shown again.")


@platform.command("list")
@data_option
def list_platforms(data: Path) -> None:
    """List platforms with the public parts of their keys."""
    with _formation(data) as (stub, metadata):
        found = stub.ListPlatforms(pb.ListPlatformsRequest(), metadata=metadata, timeout=SECONDS).platforms
    for item in found:
        click.echo(
            f"{item.platform_id}  {item.name}  keys: {', '.join(f'gbk_{key_id}_...' for key_id in item.key_ids)}"
        )
    if not found:
        click.echo("There is no platform yet: groupbuy platform create NAME")


@contextmanager
def _formation(data: Path) -> Iterator[tuple[TeamFormationInternalStub, tuple[tuple[str, str], ...]]]:
    installation: Installation = find_installation(data)
    address = installation.need("team_formation")
    metadata = (("authorization", f"Bearer {installation.need('service_key')}"),)
    own = {grpc.StatusCode.UNAUTHENTICATED: SERVICE_KEY}
    with open_channel(address) as channel, in_words("team_formation", address, own):
        yield TeamFormationInternalStub(channel), metadata
