"""ListCaptured: what a test platform would have sent, for whoever tries the engine out."""

from datetime import datetime
from uuid import UUID

from groupbuy.notification.v1 import captured_pb2 as pb2

from services.chassis import ids, pages
from services.chassis.database import Database
from services.chassis.errors import FieldViolation, Rejected
from services.chassis.server import caller
from services.chassis.twins import is_test
from services.notification import store
from services.notification.domain import group_of_member
from services.notification.rpc.reading import time_of
from services.notification.sandbox import PREFIX, Captures, Content, Exchange
from services.notification.store import CapturedFilter, CapturedKind, CapturedPosition, CapturedRow
from services.notification.translate import NOBODYS, team_of


class CapturedCalls:
    """Answers who asks what was captured."""

    def __init__(self, database: Database, captures: Captures) -> None:
        self._database = database
        self._captures = captures

    async def list(self, request: pb2.ListCapturedRequest) -> pb2.ListCapturedResponse:
        """List a page; SANDBOX_ONLY."""
        if not is_test(caller()):
            raise Rejected("SANDBOX_ONLY")
        wanted = _filter(request)
        size, of = pages.size(request.page_size), f"captured {wanted}"
        after = _read(request.page_token, of)
        async with self._database.read() as connection:
            rows = await store.list_captured(connection, wanted, after, size + 1)
        shown = rows[:size]
        return pb2.ListCapturedResponse(
            captured=[_wire(row, self._captures.content(row)) for row in shown],
            next_page_token=_token(shown[-1], of) if len(rows) > size else "",
        )


def _filter(request: pb2.ListCapturedRequest) -> CapturedFilter:
    """Read what is wanted; what names nothing that there can be is INVALID_ARGUMENT."""
    problems: list[FieldViolation] = []
    team = ids.parse("team", request.team_id, 2) if request.team_id else None
    if request.team_id and team is None:
        problems.append(FieldViolation("team_id", "must be a team's id, team_..., or empty for all"))
    delivery = _delivery(request.delivery_id)
    if request.delivery_id and delivery is None:
        problems.append(FieldViolation("delivery_id", "must be a delivery's id, a UUID, or empty for all"))
    if request.kind and request.kind not in pb2.CapturedKind.values():
        problems.append(FieldViolation("kind", "must be one that there is, or unspecified for all"))
    if problems:
        raise Rejected("INVALID_ARGUMENT", fields=tuple(problems))
    return CapturedFilter(
        platform_id=caller(),
        kind=_kind(request.kind) if request.kind else None,
        member_id=request.member_id or None,
        campaign_id=team[0] if team else None,
        team_id=team[1] if team else None,
        delivery_id=delivery,
        since=time_of(request, "since"),
        oldest_first=request.oldest_first,
    )


def _kind(number: pb2.CapturedKind.ValueType) -> CapturedKind:
    return CapturedKind(pb2.CapturedKind.Name(number).removeprefix("CAPTURED_KIND_"))


def _delivery(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def _read(token: str, of: str) -> CapturedPosition | None:
    position = pages.read(token, of)
    if position is None:
        return None
    at, _, captured_id = position.partition(" ")
    try:
        return CapturedPosition(datetime.fromisoformat(at), UUID(captured_id))
    except ValueError:
        raise Rejected("PAGE_TOKEN_INVALID") from None


def _token(row: CapturedRow, of: str) -> str:
    return pages.token(f"{row.captured_at.isoformat()} {row.captured_id}", of)


def _wire(row: CapturedRow, content: Content) -> pb2.Captured:
    group = group_of_member(row.member_id)
    wire = pb2.Captured(
        captured_id=ids.opaque(PREFIX, row.captured_id),
        kind=pb2.CapturedKind.Value(f"CAPTURED_KIND_{row.kind}"),
        outcome=row.outcome,
        detail=row.detail,
        channel=row.channel,
        address=content.address,
        member_id="" if group else row.member_id,
        group_id=ids.opaque("group", group) if group else "",
        team_id=team_of(row.campaign_id, row.team_id) if row.campaign_id and row.team_id not in {None, NOBODYS} else "",
        delivery_id=str(row.delivery_id or ""),
        attempt=row.number,
        subject=content.subject,
        body=content.body,
        language=content.language,
        link=content.link,
        link_label=content.link_label,
        place_link=content.place,
        request=_request(content.exchange) if content.exchange else None,
        endpoint_id=ids.opaque("hook", row.endpoint_id) if row.endpoint_id else "",
        webhook_id=str(row.event_id or ""),
        type=row.type,
    )
    wire.captured_at.FromDatetime(row.captured_at)
    return wire


def _request(made: Exchange) -> pb2.CapturedRequest:
    return pb2.CapturedRequest(
        method=made.method,
        url=made.url,
        headers=made.headers,
        body=made.body.decode(errors="replace"),
        status=made.status,
        answer=made.answer.decode(errors="replace"),
    )
