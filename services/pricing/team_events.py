"""Asks team_formation for the events of a team that were missed."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias, cast

import grpc
from groupbuy.team_formation.v1 import (
    events_pb2,
    team_formation_internal_pb2,
    team_formation_internal_pb2_grpc,
)

from services.chassis.channels import PLAIN, Channels
from services.chassis.messages import Event, Record

_ASK_SECONDS = 5.0

_Ask: TypeAlias = Callable[..., Awaitable[team_formation_internal_pb2.ListTeamEventsResponse]]


class TeamEvents:
    """A client of TeamFormationInternal; what it raises while team_formation is away is tried again by the consumer."""

    def __init__(self, address: str, service_key: str, channels: Channels = PLAIN) -> None:
        self._address = address
        self._channels = channels
        self._service_key = service_key
        self._channel: grpc.aio.Channel | None = None

    async def start(self) -> None:
        """Open the channel; it connects when it is first used."""
        self._channel = self._channels.open(self._address)

    async def stop(self) -> None:
        """Close the channel."""
        if self._channel:
            await self._channel.close()

    async def fill(self, event: Event, last: int) -> list[Record]:
        """Fetch the events of a team after version `last` and before an event, as far as they are kept."""
        message = event.read_as(events_pb2.TeamEvent)
        found: list[events_pb2.TeamEvent] = []
        while True:
            after = found[-1].sequence if found else last
            page = await self._ask(message, after)
            found += page
            if not page or found[-1].sequence >= message.sequence - 1:
                return [_record(event, item) for item in found]

    async def _ask(self, event: events_pb2.TeamEvent, after: int) -> list[events_pb2.TeamEvent]:
        if self._channel is None:
            raise RuntimeError("the channel is not open")
        stub = team_formation_internal_pb2_grpc.TeamFormationInternalStub(self._channel)
        request = team_formation_internal_pb2.ListTeamEventsRequest(
            platform_id=event.platform_id,
            team_id=event.team_id,
            after_version=after,
            before_version=event.sequence,
        )
        metadata = (("authorization", f"Bearer {self._service_key}"),)
        try:
            answer = await cast("_Ask", stub.ListTeamEvents)(request, metadata=metadata, timeout=_ASK_SECONDS)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:
                return []
            raise
        return list(answer.events)


def _record(event: Event, item: events_pb2.TeamEvent) -> Record:
    return Record(event.record.topic, event.record.key, item.SerializeToString())
