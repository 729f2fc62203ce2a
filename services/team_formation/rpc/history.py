"""The story of a seat, from the events that were published."""

from groupbuy.team_formation.v1 import events_pb2
from groupbuy.team_formation.v1 import history_pb2 as pb

from services.chassis import erased
from services.chassis.errors import Rejected
from services.chassis.gate import caller_may
from services.chassis.server import caller
from services.team_formation import store, translate
from services.team_formation.rpc import fields
from services.team_formation.rpc.base import Context, Rpcs
from services.team_formation.rpc.filters import Page
from services.team_formation.rpc.sizes import fitting


class HistoryRpcs(Rpcs):
    """Answers what happened."""

    async def ListSeatEvents(self, request: pb.ListSeatEventsRequest, _context: Context) -> pb.ListSeatEventsResponse:  # noqa: N802
        """List what happened to a seat and its team, in order."""
        page = Page.read(request)
        campaign_id, seat_id = fields.seat_of(request.seat_id)
        async with self._desk.database.read() as connection:
            seat = await store.find_seat(connection, caller(), campaign_id, seat_id)
            if seat is None:
                raise Rejected("SEAT_UNKNOWN")
            team_key = translate.team_id(campaign_id, seat.team_id)
            found = await store.list_seat_events(
                connection, team_key, translate.seat_id(campaign_id, seat_id), page.number(), page.size + 1
            )
            complete = await store.keeps_opening(connection, team_key)
            events = [events_pb2.TeamEvent.FromString(payload) for payload in found]
            await erased.rename_in(connection, caller(), events)
        if not caller_may("admin"):
            for event in events:
                _hide_flags(event)
        shown, last = page.cut(events)
        written = fitting(shown)
        last = page.last(shown, len(written), last)
        token = page.next(str(last.sequence)) if last else ""
        return pb.ListSeatEventsResponse(events=written, next_page_token=token, complete=complete)


def _hide_flags(event: events_pb2.TeamEvent) -> None:
    """Take signs of abuse out of an event: they are for keys with the scope admin."""
    fact = getattr(event, event.WhichOneof("fact") or "", None)
    if fact is not None and "seat" in fact.DESCRIPTOR.fields_by_name and fact.HasField("seat"):
        fact.seat.ClearField("flags")
