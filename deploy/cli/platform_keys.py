"""groupbuy platform keys: create, list, rotate and revoke the keys of a platform."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from groupbuy.chassis.v1 import scope_pb2
from groupbuy.team_formation.v1 import keys_pb2
from groupbuy.team_formation.v1 import team_formation_internal_pb2 as pb

from deploy.cli.formation import SECONDS, formation
from deploy.cli.spans import Moment, Span
from deploy.cli.stack import data_option

NOT_AGAIN = "The key is not stored and cannot be shown again."
NOT_AGAIN_BOTH = "The keys are not stored and cannot be shown again."
SCOPES = ("admin", "campaigns", "members", "read")
_PREFIX = "SCOPE_"

test_option = click.option("--test", is_flag=True, help="Of the platform's test twin.")
expires_option = click.option("--expires", type=Moment(), help="From when it is refused; a time, or a span like 90d.")


@click.group()
def keys() -> None:
    """Create, list, rotate and revoke the keys of a platform."""


@keys.command("create", short_help="Make another key for a platform, and show it.")
@click.argument("platform_id")
@click.option("--scope", "scopes", type=click.Choice(SCOPES), multiple=True, help="What it may do; all by itself.")
@click.option("--label", default="", help="What it is called in lists.")
@expires_option
@test_option
@data_option
def create(
    platform_id: str, scopes: tuple[str, ...], label: str, expires: datetime | None, data: Path, *, test: bool
) -> None:
    """Make another key for the platform with PLATFORM_ID and show it, this once.

    With --test it is a key of the platform's test twin, where nothing reaches a real person.
    """
    values = [scope_pb2.Scope.Value(_PREFIX + scope.upper()) for scope in scopes]
    request = pb.CreateKeyRequest(platform_id=platform_id, scopes=values, label=label, test=test)
    if expires:
        request.expires_at.FromDatetime(expires.astimezone(UTC).replace(tzinfo=None))
    create_key(request, data)


def create_key(request: pb.CreateKeyRequest, data: Path) -> None:
    """Make a key and show it."""
    with formation(data) as (stub, metadata):
        made = stub.CreateKey(request, metadata=metadata, timeout=SECONDS)
    click.echo(f"key {made.key}\n\n{NOT_AGAIN}")


@keys.command("list")
@click.argument("platform_id")
@test_option
@data_option
def list_keys(platform_id: str, data: Path, *, test: bool) -> None:
    """List the keys of the platform with PLATFORM_ID: scopes, when they expire, when each service last saw them."""
    with formation(data) as (stub, metadata):
        request = pb.TeamFormationInternalListKeysRequest(platform_id=platform_id, test=test)
        found = stub.ListKeys(request, metadata=metadata, timeout=SECONDS)
    for key in found.keys:
        click.echo(_line(key, "gbt" if test else "gbk"))
    if found.silent_services:
        click.echo(f"not known when they were last used in: {', '.join(found.silent_services)}", err=True)


@keys.command(short_help="Make a key in the place of another one, and show it.")
@click.argument("platform_id")
@click.argument("key_id")
@click.option("--overlap", type=Span(), default="24h", show_default=True, help="How long the old one is good still.")
@expires_option
@test_option
@data_option
def rotate(
    platform_id: str, key_id: str, overlap: timedelta, expires: datetime | None, data: Path, *, test: bool
) -> None:
    """Make a key in the place of KEY_ID of the platform with PLATFORM_ID, with its scopes and label.

    It is shown this once.
    """
    request = pb.TeamFormationInternalRotateKeyRequest(platform_id=platform_id, key_id=key_id, test=test)
    request.overlap.FromTimedelta(overlap)
    if expires:
        request.expires_at.FromDatetime(expires.astimezone(UTC).replace(tzinfo=None))
    with formation(data) as (stub, metadata):
        made = stub.RotateKey(request, metadata=metadata, timeout=SECONDS)
    click.echo(f"key {made.key}\n\n{NOT_AGAIN} {key_id} expires at {_time(made.replaced.expires_at.ToDatetime())}.")


@keys.command(short_help="Take a key back.")
@click.argument("platform_id")
@click.argument("key_id")
@test_option
@data_option
def revoke(platform_id: str, key_id: str, data: Path, *, test: bool) -> None:
    """Refuse KEY_ID of the platform with PLATFORM_ID from now on, the last key that manages keys too.

    A key that was looked up just before is answered for up to five seconds.
    """
    request = pb.TeamFormationInternalRevokeKeyRequest(platform_id=platform_id, key_id=key_id, test=test)
    with formation(data) as (stub, metadata):
        stub.RevokeKey(request, metadata=metadata, timeout=SECONDS)
    click.echo(f"{key_id} is revoked")


def _line(key: keys_pb2.ApiKey, prefix: str) -> str:
    scopes = ",".join(scope_pb2.Scope.Name(scope).removeprefix(_PREFIX).lower() for scope in key.scopes)
    expires = f"expires {_time(key.expires_at.ToDatetime())}" if key.HasField("expires_at") else "does not expire"
    used = ", ".join(f"{use.service} {_time(use.last_used_at.ToDatetime())}" for use in key.uses)
    return f"{prefix}_{key.key_id}_...  {scopes}  {key.label or '-'}  {expires}  last used: {used or 'never seen'}"


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
