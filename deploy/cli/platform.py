"""groupbuy platform: create platforms and keys, list them, set their limits."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import grpc
from groupbuy.team_formation.v1 import team_formation_internal_pb2 as pb
from groupbuy.team_formation.v1.events_pb2 import PlatformLimits
from groupbuy.team_formation.v1.team_formation_internal_pb2_grpc import TeamFormationInternalStub

from deploy.channels import open_channel
from deploy.cli.installation import Installation, find_installation
from deploy.cli.stack import data_option
from deploy.local.answers import in_words

SECONDS = 10.0
LIMITS: tuple[str, ...] = tuple(PlatformLimits.DESCRIPTOR.fields_by_name)
"""Names of limits that can be set."""
_LARGEST = 2**63 - 1
SERVICE_KEY = "Set GROUPBUY_SERVICE_KEY to the key that the services share."
"""What to do where a service does not know the key of the services."""


@click.group()
def platform() -> None:
    """Create and list platforms, their keys and limits.

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


@platform.command(short_help="Show or set a platform's limits.")
@click.argument("platform_id")
@click.argument("settings", nargs=-1, metavar="[NAME=VALUE]...")
@data_option
def limits(platform_id: str, settings: tuple[str, ...], data: Path) -> None:
    """Show what is set of the limits of the platform with PLATFORM_ID, or set some of them.

    NAME=VALUE sets one, NAME=default has the services' own hold again. docs/limits.md says what each means. Services
    follow within a few seconds.
    """
    request = _wanted(platform_id, settings)
    with _formation(data) as (stub, metadata):
        if settings:
            found = stub.SetPlatformLimits(request, metadata=metadata, timeout=SECONDS).limits
        else:
            asking = pb.GetPlatformLimitsRequest(platform_id=platform_id)
            found = stub.GetPlatformLimits(asking, metadata=metadata, timeout=SECONDS).limits
    values = {field.name: value for field, value in found.ListFields()}
    for name in LIMITS:
        click.echo(f"{name:<28}{values.get(name, 'default')}")


def _wanted(platform_id: str, settings: Iterable[str]) -> pb.SetPlatformLimitsRequest:
    """Read NAME=VALUE; click.UsageError where one is none."""
    request = pb.SetPlatformLimitsRequest(platform_id=platform_id)
    for setting in settings:
        name, equals, value = setting.partition("=")
        if name not in LIMITS or not equals or not (value == "default" or (value.isascii() and value.isdigit())):
            raise click.UsageError(f"{setting} is not NAME=NUMBER or NAME=default; names are {', '.join(LIMITS)}.")
        if value == "default":
            request.reset.append(name)
        else:
            setattr(request.limits, name, min(int(value), _LARGEST))
    return request


@contextmanager
def _formation(data: Path) -> Iterator[tuple[TeamFormationInternalStub, tuple[tuple[str, str], ...]]]:
    installation: Installation = find_installation(data)
    address = installation.need("team_formation")
    metadata = (("authorization", f"Bearer {installation.need('service_key')}"),)
    own = {grpc.StatusCode.UNAUTHENTICATED: SERVICE_KEY}
    with open_channel(address) as channel, in_words("team_formation", address, own):
        yield TeamFormationInternalStub(channel), metadata
