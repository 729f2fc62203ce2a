"""groupbuy captured: what a test platform would have sent to members, groups, chats and webhook endpoints."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import click
from google.protobuf.json_format import MessageToJson
from groupbuy.notification.v1 import captured_pb2 as pb

from deploy.cli.calling import SECONDS, calling
from deploy.cli.stack import data_option

_KINDS = {name.removeprefix("CAPTURED_KIND_").lower(): number for name, number in pb.CapturedKind.items() if number}
_NAMES = {number: name for name, number in _KINDS.items()}
_PAGE = 1000


@click.command()
@click.option("--kind", type=click.Choice(list(_KINDS)), help="Only of this kind.")
@click.option("--member", default="", help="Only to this member.")
@click.option("--team", default="", help="Only about this team.")
@click.option("--delivery", default="", help="Only attempts of this delivery.")
@click.option("--since", type=click.DateTime(), help="Only from then on, UTC, by the clock of the test platform.")
@click.option("--oldest-first", is_flag=True, help="The oldest first; else the newest.")
@click.option("--count", default=50, show_default=True, type=click.IntRange(1), help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="All that was kept, one JSON object after the other.")
@data_option
def captured(  # noqa: PLR0913 - what can be asked for
    *,
    kind: str | None,
    member: str,
    team: str,
    delivery: str,
    since: datetime | None,
    oldest_first: bool,
    count: int,
    as_json: bool,
    data: Path,
) -> None:
    """List what a test platform would have sent, instead of sending it: when, outcome, kind, by what, to whom, words.

    Talks to GROUPBUY_NOTIFICATION with GROUPBUY_PLATFORM_KEY, which has to be a key of the test platform (gbt_...).
    """
    request = pb.ListCapturedRequest(
        kind=_KINDS.get(kind or "", 0),  # type: ignore[arg-type]
        member_id=member,
        team_id=team,
        delivery_id=delivery,
        oldest_first=oldest_first,
        page_size=min(count, _PAGE),
    )
    if since:
        request.since.FromDatetime(since.replace(tzinfo=UTC))
    with calling("notification", data) as (stub, metadata):
        for one in islice(_listed(stub, metadata, request), count):
            click.echo(MessageToJson(one, preserving_proto_field_name=True) if as_json else _line(one))


def _listed(stub: Any, metadata: Any, request: pb.ListCapturedRequest) -> Iterator[pb.Captured]:
    while True:
        page = stub.ListCaptured(request, metadata=metadata, timeout=SECONDS)
        yield from page.captured
        request.page_token = page.next_page_token
        if not page.next_page_token:
            return


def _line(one: pb.Captured) -> str:
    at = one.captured_at.ToDatetime().strftime("%Y-%m-%d %H:%M:%S")
    to = one.address or one.request.url
    words = " ".join(f"{one.subject} {one.detail} {one.type}".split())
    kind = _NAMES.get(one.kind, "?")
    return f"{at}  {one.outcome:<13} {kind:<11} {one.channel or '-':<9} {one.member_id or '-'}  {to}  {words}".rstrip()
