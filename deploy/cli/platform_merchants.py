"""groupbuy platform merchants: suspend and resume merchants of a platform, list those that are suspended."""

from pathlib import Path

import click
from groupbuy.team_formation.v1 import team_formation_internal_pb2 as pb

from deploy.cli.formation import SECONDS, formation
from deploy.cli.stack import data_option


@click.group()
def merchants() -> None:
    """Suspend and resume merchants of a platform."""


@merchants.command(short_help="Have nobody open or join teams of a merchant.")
@click.argument("platform_id")
@click.argument("merchant_id")
@click.option("--reason", required=True, help="Why; it is shown on the merchant's pages.")
@data_option
def suspend(platform_id: str, merchant_id: str, reason: str, data: Path) -> None:
    """Suspend MERCHANT_ID of the platform with PLATFORM_ID: no new teams, joins or campaigns."""
    request = pb.TeamFormationInternalSuspendMerchantRequest(
        platform_id=platform_id, merchant_id=merchant_id, reason=reason
    )
    with formation(data) as (stub, metadata):
        stub.SuspendMerchant(request, metadata=metadata, timeout=SECONDS)
    click.echo(f"{merchant_id} is suspended: {reason}")


@merchants.command(short_help="End a merchant's suspension.")
@click.argument("platform_id")
@click.argument("merchant_id")
@data_option
def resume(platform_id: str, merchant_id: str, data: Path) -> None:
    """End the suspension of MERCHANT_ID of the platform with PLATFORM_ID."""
    request = pb.TeamFormationInternalResumeMerchantRequest(platform_id=platform_id, merchant_id=merchant_id)
    with formation(data) as (stub, metadata):
        stub.ResumeMerchant(request, metadata=metadata, timeout=SECONDS)
    click.echo(f"{merchant_id} is not suspended")


@merchants.command("list")
@click.argument("platform_id")
@data_option
def list_merchants(platform_id: str, data: Path) -> None:
    """List the suspended merchants of the platform with PLATFORM_ID."""
    request = pb.TeamFormationInternalListSuspendedMerchantsRequest(platform_id=platform_id)
    with formation(data) as (stub, metadata):
        found = stub.ListSuspendedMerchants(request, metadata=metadata, timeout=SECONDS).merchants
    for item in found:
        click.echo(f"{item.merchant_id}  since {item.since.ToDatetime():%Y-%m-%dT%H:%M:%SZ}  {item.reason}")
    if not found:
        click.echo("No merchant of this platform is suspended.")
