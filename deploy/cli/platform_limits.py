"""groupbuy platform limits: show and set the limits of a platform."""

from collections.abc import Iterable
from pathlib import Path

import click
from groupbuy.team_formation.v1 import team_formation_internal_pb2 as pb
from groupbuy.team_formation.v1.events_pb2 import PlatformLimits

from deploy.cli.formation import SECONDS, formation
from deploy.cli.stack import data_option

LIMITS: tuple[str, ...] = tuple(PlatformLimits.DESCRIPTOR.fields_by_name)
"""Names of limits that can be set."""
_LARGEST = 2**63 - 1


@click.command(short_help="Show or set a platform's limits.")
@click.argument("platform_id")
@click.argument("settings", nargs=-1, metavar="[NAME=VALUE]...")
@data_option
def limits(platform_id: str, settings: tuple[str, ...], data: Path) -> None:
    """Show what is set of the limits of the platform with PLATFORM_ID, or set some of them.

    NAME=VALUE sets one, NAME=default has the services' own hold again. docs/limits.md says what each means. Services
    follow within a few seconds.
    """
    request = _wanted(platform_id, settings)
    with formation(data) as (stub, metadata):
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
