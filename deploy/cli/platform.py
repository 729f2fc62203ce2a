"""groupbuy platform: create, list, suspend and resume platforms; keys and merchants are groups of their own."""

from pathlib import Path

import click
from groupbuy.team_formation.v1 import team_formation_internal_pb2 as pb

from deploy.cli.formation import SECONDS, formation
from deploy.cli.platform_audit import audit
from deploy.cli.platform_keys import NOT_AGAIN_BOTH, create_key, keys
from deploy.cli.platform_limits import limits
from deploy.cli.platform_merchants import merchants
from deploy.cli.stack import data_option


@click.group()
def platform() -> None:
    """Create and list platforms, suspend them, and manage their keys and limits.

    Talks to GROUPBUY_TEAM_FORMATION with GROUPBUY_SERVICE_KEY, or to the stack that runs on the data directory.
    """


platform.add_command(keys)
platform.add_command(merchants)
platform.add_command(audit)
platform.add_command(limits)


@platform.command(short_help="Create a platform and show its id and first keys.")
@click.argument("name")
@data_option
def create(name: str, data: Path) -> None:
    """Create a platform NAME and show its id, its first key and that of its test twin, with all scopes, this once.

    With the test key nothing reaches a real person, and time can be moved on (docs/sandbox.md).
    """
    with formation(data) as (stub, metadata):
        made = stub.CreatePlatform(pb.CreatePlatformRequest(name=name), metadata=metadata, timeout=SECONDS)
    click.echo(f"platform {made.platform_id}\nkey      {made.key}\ntest key {made.test_key}\n\n{NOT_AGAIN_BOTH}")


@platform.command("list")
@data_option
def list_platforms(data: Path) -> None:
    """List platforms with the public parts of their keys."""
    with formation(data) as (stub, metadata):
        found = stub.ListPlatforms(pb.ListPlatformsRequest(), metadata=metadata, timeout=SECONDS).platforms
    for item in found:
        suspended = f"  suspended: {item.suspension_reason}" if item.suspended else ""
        named = [
            *(f"gbk_{key_id}_..." for key_id in item.key_ids),
            *(f"gbt_{key_id}_..." for key_id in item.test_key_ids),
        ]
        key_ids = ", ".join(named)
        click.echo(f"{item.platform_id}  {item.name}  keys: {key_ids}{suspended}")
    if not found:
        click.echo("There is no platform yet: groupbuy platform create NAME")


@platform.command(short_help="Refuse every call of a platform.")
@click.argument("platform_id")
@click.option("--reason", required=True, help="Why; everybody who calls with one of its keys is told.")
@data_option
def suspend(platform_id: str, reason: str, data: Path) -> None:
    """Refuse every call of the platform with PLATFORM_ID from now on, until it is resumed.

    Once more changes the reason. A key that was looked up just before is answered for up to five seconds. Teams that
    are open end as they would, and members are told.
    """
    with formation(data) as (stub, metadata):
        request = pb.SuspendPlatformRequest(platform_id=platform_id, reason=reason)
        stub.SuspendPlatform(request, metadata=metadata, timeout=SECONDS)
    click.echo(f"{platform_id} is suspended: {reason}")


@platform.command(short_help="Let a platform's calls in again.")
@click.argument("platform_id")
@data_option
def resume(platform_id: str, data: Path) -> None:
    """Let the calls of the platform with PLATFORM_ID in again."""
    with formation(data) as (stub, metadata):
        stub.ResumePlatform(pb.ResumePlatformRequest(platform_id=platform_id), metadata=metadata, timeout=SECONDS)
    click.echo(f"{platform_id} is not suspended")


@platform.command(hidden=True)
@click.argument("platform_id")
@data_option
def key(platform_id: str, data: Path) -> None:
    """Add a key with all scopes to the platform with PLATFORM_ID, as `groupbuy platform keys create` does."""
    create_key(pb.CreateKeyRequest(platform_id=platform_id), data)
