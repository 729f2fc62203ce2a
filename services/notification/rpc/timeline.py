"""GetMemberTimeline: what happened with a member, for whoever answers its questions."""

from datetime import datetime

from groupbuy.notification.v1 import events_pb2
from groupbuy.notification.v1 import timeline_pb2 as pb2

from services.chassis import pages
from services.chassis.database import Database
from services.chassis.errors import Rejected
from services.chassis.server import caller
from services.notification import store
from services.notification.domain import member_id_problem
from services.notification.store import Moment
from services.notification.translate import team_of


class TimelineCalls:
    """Answers who asks for a member's timeline."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, request: pb2.GetMemberTimelineRequest) -> pb2.GetMemberTimelineResponse:
        """Read a page, the newest first; MEMBER_UNKNOWN."""
        if member_id_problem(request.member_id):
            raise Rejected("MEMBER_UNKNOWN")
        size, of = pages.size(request.page_size), f"timeline {caller()} {request.member_id}"
        before = _read(request.page_token, of)
        async with self._database.read() as connection:
            if before is None and not await store.find_members(connection, [(caller(), request.member_id)]):
                raise Rejected("MEMBER_UNKNOWN")
            rows = await store.read_timeline(connection, caller(), request.member_id, before, size + 1)
        shown = rows[:size]
        return pb2.GetMemberTimelineResponse(
            entries=map(_wire, shown),
            next_page_token=_token(shown[-1], of) if len(rows) > size else "",
        )


def _read(token: str, of: str) -> tuple[datetime, str] | None:
    position = pages.read(token, of)
    if position is None:
        return None
    at, _, key = position.partition(" ")
    try:
        return datetime.fromisoformat(at), key
    except ValueError:
        raise Rejected("PAGE_TOKEN_INVALID") from None


def _token(moment: Moment, of: str) -> str:
    return pages.token(f"{moment.at.isoformat()} {moment.key}", of)


def _wire(moment: Moment) -> pb2.TimelineEntry:
    entry = pb2.TimelineEntry(
        step=pb2.TimelineStep.Value(f"TIMELINE_STEP_{moment.step}"),
        delivery_id=str(moment.delivery_id or ""),
        channel=moment.channel,
        said=moment.said,
    )
    entry.at.FromDatetime(moment.at)
    if moment.kind:
        entry.kind = events_pb2.MessageKind.Value(f"MESSAGE_KIND_{moment.kind}")
    if moment.campaign_id and moment.team_id:
        entry.team_id = team_of(moment.campaign_id, moment.team_id)
    if moment.state:
        entry.state = events_pb2.DeliveryState.Value(f"DELIVERY_STATE_{moment.state}")
    return entry
