"""groupbuy deliveries: what members of a platform were told, what did not arrive, and how it is tried again."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import click
from groupbuy.notification.v1 import events_pb2, messages_pb2
from groupbuy.notification.v1 import notification_service_pb2 as pb

from deploy.cli.calling import SECONDS, calling
from deploy.cli.stack import data_option

_STATES = {
    name.removeprefix("DELIVERY_STATE_").lower(): number for name, number in events_pb2.DeliveryState.items() if number
}
_FAILED = ("dead", "refused", "suppressed")
_KINDS = [name.removeprefix("MESSAGE_KIND_") for name, number in events_pb2.MessageKind.items() if number]
_NAMES = {number: name for name, number in _STATES.items()}


@click.group()
def deliveries() -> None:
    """Look at what the members of a platform were told, and have tried again what did not arrive.

    Talks to GROUPBUY_NOTIFICATION with GROUPBUY_PLATFORM_KEY, or to the stack that runs on the data directory.
    """


@deliveries.command("list", short_help="List deliveries, the newest first, with their last attempt.")
@click.option("--member", default="", help="Only to this member.")
@click.option("--team", default="", help="Only about this team.")
@click.option("--state", type=click.Choice(list(_STATES)), help="Only in this state.")
@click.option("--count", default=50, show_default=True, type=click.IntRange(1, 1000), help="Look at so many.")
@data_option
def list_(member: str, team: str, state: str | None, count: int, data: Path) -> None:
    """List deliveries, the newest first: when, state, kind, member, channel, and what was said last."""
    request = pb.ListDeliveriesRequest(member_id=member, team_id=team, page_size=count)
    with calling("notification", data) as (stub, metadata):
        found = stub.ListDeliveries(request, metadata=metadata, timeout=SECONDS).deliveries
    for one in found:
        if state in (None, _NAMES.get(one.state)):
            click.echo(_line(one))


@deliveries.command(short_help="Have what did not arrive tried again.")
@click.option("--state", "states", multiple=True, type=click.Choice(_FAILED), default=("dead", "refused"),
              show_default=True, help="Only in this state; repeat it.")  # fmt: skip
@click.option("--kind", "kinds", multiple=True, type=click.Choice(_KINDS, case_sensitive=False),
              help="Only of this kind; repeat it.")  # fmt: skip
@click.option("--since", type=click.DateTime(), help="Only those written from then on, UTC.")
@click.option("--until", type=click.DateTime(), help="Only those written before, UTC.")
@click.option("--member", default="", help="Only to this member.")
@click.option("--team", default="", help="Only about this team.")
@data_option
def redrive(
    *,
    states: tuple[str, ...],
    kinds: tuple[str, ...],
    since: datetime | None,
    until: datetime | None,
    member: str,
    team: str,
    data: Path,
) -> None:
    """Have tried again what did not arrive. What is no longer true when its turn comes is not sent."""
    total, count = 0, 1
    with calling("notification", data) as (stub, metadata):
        while count:
            request = messages_pb2.RedriveDeliveriesRequest(
                request_id=str(uuid4()),
                states=[_STATES[name] for name in states],
                kinds=[events_pb2.MessageKind.Value(f"MESSAGE_KIND_{name.upper()}") for name in kinds],
                member_id=member,
                team_id=team,
            )
            for field, at in ((request.since, since), (request.until, until)):
                if at:
                    field.FromDatetime(at.replace(tzinfo=UTC))
            count = stub.RedriveDeliveries(request, metadata=metadata, timeout=SECONDS).count
            total += count
    click.echo(f"{total} deliveries are tried again.")


def _line(one: Any) -> str:
    last = one.attempts[-1] if one.attempts else None
    at = one.created_at.ToDatetime().strftime("%Y-%m-%d %H:%M:%S")
    kind = events_pb2.MessageKind.Name(one.kind).removeprefix("MESSAGE_KIND_")
    said = one.reason or (last.detail if last else "")
    channel = last.channel if last else "-"
    return f"{at}  {_NAMES.get(one.state, '?'):<10} {kind:<16} {one.member_id}  {channel}  {said}".rstrip()
