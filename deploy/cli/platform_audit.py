"""groupbuy platform audit: who changed what a platform has set up, in all three services."""

from datetime import datetime
from pathlib import Path

import click
import grpc
from groupbuy.chassis.v1 import audit_internal_pb2 as pb
from groupbuy.chassis.v1 import audit_pb2
from groupbuy.chassis.v1.audit_internal_pb2_grpc import AuditInternalStub

from deploy.channels import open_channel
from deploy.cli.formation import SECONDS, SERVICE_KEY
from deploy.cli.installation import Installation, find_installation
from deploy.cli.spans import Moment
from deploy.cli.stack import data_option
from deploy.local.answers import in_words

SERVICES = ("team_formation", "pricing", "notification")
MOST = 1000


@click.command(short_help="Show who changed what a platform has set up.")
@click.argument("platform_id")
@click.option("--since", type=Moment(), help="Not before this time, UTC.")
@click.option("--until", type=Moment(), help="Before this time, UTC.")
@click.option("--key", "key_id", default="", help="By this key alone: its public part.")
@click.option("--operators", is_flag=True, help="By those who run the engine alone.")
@click.option("--rpc", default="", help="By this RPC alone, for instance PutChannel.")
@click.option("--subject", default="", help='Of this alone, for instance "channel email".')
@click.option("--limit", type=click.IntRange(1, MOST), default=100, show_default=True, help="The newest so many.")
@click.option("--states", is_flag=True, help="Show how it was before and after, too.")
@data_option
def audit(  # noqa: PLR0913 - options of a command
    *,
    platform_id: str,
    since: datetime | None,
    until: datetime | None,
    key_id: str,
    operators: bool,
    rpc: str,
    subject: str,
    limit: int,
    states: bool,
    data: Path,
) -> None:
    """Show who changed what the platform with PLATFORM_ID has set up, the newest first, of all three services."""
    wanted = pb.AuditFilter(key_id=key_id, rpc=rpc, subject=subject, by_operators=operators)
    if since:
        wanted.since.FromDatetime(since)
    if until:
        wanted.until.FromDatetime(until)
    request = pb.ListChangesRequest(platform_id=platform_id, filter=wanted, limit=limit)
    installation = find_installation(data)
    found = [entry for service in SERVICES for entry in _of(installation, service, request)]
    for entry in sorted(found, key=lambda entry: entry.entry_id, reverse=True)[:limit]:
        click.echo(_line(entry))
        if states:
            click.echo(f"    before: {entry.before or '-'}\n    after:  {entry.after or '-'}")
    if not found:
        click.echo("Nothing of the kind was changed.")


def _of(installation: Installation, service: str, request: pb.ListChangesRequest) -> list[audit_pb2.AuditEntry]:
    address = installation.need(service)
    metadata = (("authorization", f"Bearer {installation.need('service_key')}"),)
    own = {grpc.StatusCode.UNAUTHENTICATED: SERVICE_KEY}
    with open_channel(address) as channel, in_words(service, address, own):
        return list(AuditInternalStub(channel).ListChanges(request, metadata=metadata, timeout=SECONDS).entries)


def _line(entry: audit_pb2.AuditEntry) -> str:
    who = f"gbk_{entry.key_id}_..." if entry.key_id else "operator"
    request = f"  request {entry.request_id}" if entry.request_id else ""
    return f"{entry.occurred_at.ToDatetime():%Y-%m-%dT%H:%M:%SZ}  {entry.rpc}  {entry.subject}  by {who}{request}"
