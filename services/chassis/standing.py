"""How far a service is with a test twin: what it has told and applied of its events, and what is due there next.

A twin's clock is moved from one moment at which something is due to the next, in all services together: so each has to
say when it is done with a moment. That nothing is on its way follows from sums of numbers: each topic numbers its
events by key without gaps, so what was applied of it never has a greater sum than what was told, and the same one only
when all of it was applied.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias
from uuid import UUID

import grpc
from groupbuy.chassis.v1 import standing_internal_pb2 as pb
from groupbuy.chassis.v1 import standing_internal_pb2_grpc as pb_grpc

from services.chassis import ids, platforms
from services.chassis.database import Connection, Database
from services.chassis.errors import Rejected
from services.chassis.inbox_rows import sum_applied
from services.chassis.server import Servicer
from services.chassis.topics import topics
from services.chassis.twins import is_test

NAME = "groupbuy.chassis.v1.StandingInternal"

_Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]

Told: TypeAlias = Callable[[Connection, UUID], Awaitable[Mapping[str, int]]]
"""Sums up, by topic, the numbers of the last events that a service has told of each of a twin's keys."""
NextDue: TypeAlias = Callable[[Connection, UUID], Awaitable[datetime | None]]
"""Finds when the next of what waits for its time, by the twin's clock, is due; AT_ONCE for what needs no waiting."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How a service says how far it is with a twin."""

    next_due: NextDue
    told: Told


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a service is with a twin, as of one moment."""

    platform_sequence: int
    told: Mapping[str, int] = field(default_factory=dict)
    applied: Mapping[str, int] = field(default_factory=dict)
    due_at: datetime | None = None


async def standing_of(database: Database, pace: Pace, platform_id: UUID) -> Standing:
    """Tell how far this service is with a twin; Rejected PLATFORM_UNKNOWN."""
    async with database.one_moment() as connection:
        platform = await platforms.find_platform(connection, platform_id)
        if platform is None:
            raise Rejected("PLATFORM_UNKNOWN")
        return Standing(
            platform.sequence,
            await pace.told(connection, platform_id),
            await sum_applied(connection, platform_id),
            await pace.next_due(connection, platform_id),
        )


def unsettled(standings: Mapping[str, Standing], owner: str, now: datetime) -> list[str]:
    """Name the services that are not done with what happened up to now, of those that were asked, in the order asked.

    The owner of the platform must have been asked first, then those that it reads from, then the others: then what was
    found settled is so even though it was not asked at one moment. For whoever has applied all that others told later
    had nothing on its way before.
    """
    found = []
    for service, own in standings.items():
        behind = any(
            topic.name in other.told and own.applied.get(topic.name, 0) != other.told[topic.name]
            for teller, other in standings.items()
            for topic in topics().values()
            if topic.owner == teller and service in topic.consumers
        )
        is_due = own.due_at is not None and own.due_at <= now
        if behind or is_due or own.platform_sequence != standings[owner].platform_sequence:
            found.append(service)
    return found


def servicer(database: Database, pace: Pace) -> Servicer:
    """Make the gRPC service that tells how far a service is."""
    return Servicer(NAME, _Standings(database, pace), pb_grpc.add_StandingInternalServicer_to_server)


class _Standings(pb_grpc.StandingInternalServicer):
    """Answers callers that have the services' own key."""

    def __init__(self, database: Database, pace: Pace) -> None:
        self._database = database
        self._pace = pace

    async def GetStanding(self, request: pb.GetStandingRequest, _context: _Context) -> pb.GetStandingResponse:  # noqa: N802 - the name of the RPC
        """Tell how far the service is."""
        found = ids.parse(platforms.ID_PREFIX, request.platform_id, 1)
        if found is None or not is_test(found[0]):
            raise Rejected("PLATFORM_UNKNOWN")
        return written(await standing_of(self._database, self._pace, found[0]))


def written(standing: Standing) -> pb.GetStandingResponse:
    """Write how far a service is."""
    answer = pb.GetStandingResponse(
        platform_sequence=standing.platform_sequence, told=standing.told, applied=standing.applied
    )
    if standing.due_at:
        answer.due_at.FromDatetime(standing.due_at)
    return answer


def read(answer: pb.GetStandingResponse) -> Standing:
    """Read how far a service is."""
    due_at = answer.due_at.ToDatetime(tzinfo=UTC) if answer.HasField("due_at") else None
    return Standing(answer.platform_sequence, dict(answer.told), dict(answer.applied), due_at)
