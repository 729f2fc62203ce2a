"""StreamEvents: what happens on the caller's platform, from a cursor of its own on."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID

from groupbuy.notification.v1 import streaming_pb2 as pb2

from services.chassis import pages
from services.chassis.clock import Clock
from services.chassis.errors import Rejected, invalid
from services.chassis.server import caller
from services.notification.domain import matching, patterns_problem
from services.notification.handlers.event_stream import EventStream, Place, Streamed
from services.notification.translate import envelope_of, event_types


class StreamCalls:
    """Answers who streams."""

    def __init__(self, stream: EventStream, clock: Clock) -> None:
        self._stream = stream
        self._clock = clock

    async def stream(self, request: pb2.StreamEventsRequest) -> AsyncIterator[pb2.StreamEventsResponse]:
        """Send what happened after a cursor, and what will."""
        platform_id = caller()
        if problem := patterns_problem(request.types, event_types()):
            raise invalid("types", problem)
        types = matching(request.types or ["*"], event_types())
        self._stream.enter(platform_id)
        try:
            place = await self._place(request, platform_id)
            async for item in self._stream.follow(platform_id, place, types):
                yield _wire(item, _list(platform_id))
        finally:
            self._stream.leave(platform_id)

    async def _place(self, request: pb2.StreamEventsRequest, platform_id: UUID) -> Place:
        if not request.cursor:
            return await self._stream.start(platform_id, from_start=request.from_start)
        if request.from_start:
            raise invalid("from_start", "goes without a cursor; send one or the other")
        place = _read(request.cursor, _list(platform_id))
        if place.is_old(self._clock.now()):
            raise Rejected("CURSOR_EXPIRED")
        return place


def _list(platform_id: UUID) -> str:
    return f"StreamEvents {platform_id}"


def _read(cursor: str, of: str) -> Place:
    try:
        position, _, at = (pages.read(cursor, of) or "").partition(" ")
        return Place(int(position), datetime.fromtimestamp(int(at), UTC))
    except (Rejected, ValueError, OverflowError, OSError):
        raise invalid("cursor", "is none of this platform's stream; send the last one received, or none") from None


def _wire(item: Streamed, of: str) -> pb2.StreamEventsResponse:
    place, event = item
    wire = pb2.StreamEventsResponse(cursor=pages.token(f"{place.position} {int(place.at.timestamp())}", of))
    if event:
        wire.type = event.type
        wire.occurred_at.FromDatetime(event.occurred_at)
        getattr(wire, event.type.partition(".")[0]).CopyFrom(envelope_of(event.type, event.value))
    return wire
