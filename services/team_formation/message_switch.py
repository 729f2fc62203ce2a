"""The switch of a member's messages: notification has it, and the member's own page shows and turns it."""

import time
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias
from uuid import UUID

import grpc
from groupbuy.notification.v1 import notification_internal_pb2 as pb

from services.chassis import ids, logs
from services.chassis.away import Away
from services.team_formation import translate

LOOK_SECONDS = 0.3
"""How long a page waits to know: without it, it is shown without the switch."""
TURN_SECONDS = 2.0
FRESH_SECONDS = 2.0
REST_SECONDS = 5.0
MOST_KEPT = 10_000

_Member: TypeAlias = tuple[UUID, str]

log = logs.logger(__name__)


class Switches(Protocol):
    """The calls of NotificationInternal that are made here."""

    @property
    def GetMessageSwitch(self) -> Callable[..., Awaitable[pb.GetMessageSwitchResponse]]:  # noqa: N802
        """Say whether messages are on."""

    @property
    def SetMessageSwitch(self) -> Callable[..., Awaitable[pb.SetMessageSwitchResponse]]:  # noqa: N802
        """Turn messages on or off."""


class MessageSwitch:
    """A client of notification that remembers for two seconds."""

    def __init__(self, stub: Switches, service_key: str, *, now: Callable[[], float] = time.monotonic) -> None:
        self._stub = stub
        self._metadata = (("authorization", f"Bearer {service_key}"),)
        self._now = now
        self._away = Away(REST_SECONDS, now)
        self._kept: dict[_Member, tuple[float, bool | None]] = {}

    async def are_on(self, platform_id: UUID, member_id: str) -> bool | None:
        """Tell whether a member's messages are on; None where notification does not know it, or does not say."""
        member = platform_id, member_id
        kept = self._kept.get(member)
        if kept and self._now() - kept[0] < FRESH_SECONDS:
            return kept[1]
        if not self._away.may_ask():
            return None
        request = pb.GetMessageSwitchRequest(platform_id=_platform(platform_id), member_id=member_id)
        try:
            answer = await self._stub.GetMessageSwitch(request, metadata=self._metadata, timeout=LOOK_SECONDS)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.NOT_FOUND:
                self._failed(error)
                return None
            return self._keep(member, on=None)
        return self._keep(member, on=answer.on)

    async def turn(self, platform_id: UUID, member_id: str, *, on: bool) -> bool:
        """Turn a member's messages on or off; False where that could not be done."""
        request = pb.SetMessageSwitchRequest(platform_id=_platform(platform_id), member_id=member_id, on=on)
        try:
            await self._stub.SetMessageSwitch(request, metadata=self._metadata, timeout=TURN_SECONDS)
        except grpc.aio.AioRpcError as error:
            self._kept.pop((platform_id, member_id), None)  # whether it was done is not known
            if error.code() is not grpc.StatusCode.NOT_FOUND:
                self._failed(error)
            return False
        self._keep((platform_id, member_id), on=on)
        return True

    def _keep(self, member: _Member, *, on: bool | None) -> bool | None:
        self._away.answered()
        self._kept.pop(member, None)
        while len(self._kept) >= MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[member] = self._now(), on
        return on

    def _failed(self, error: grpc.aio.AioRpcError) -> None:
        if self._away.failed():
            log.warning("members' pages are without the switch of messages", why=f"notification: {error.code().name}")


def _platform(platform_id: UUID) -> str:
    return ids.opaque(translate.PLATFORM, platform_id)
