"""The tickets that pages are signed with: notification alone has the platforms' accounts, and asks WeChat for them."""

from dataclasses import dataclass, field
from typing import TypeAlias
from uuid import UUID

import grpc
from groupbuy.notification.v1 import notification_internal_pb2 as pb
from groupbuy.notification.v1 import notification_internal_pb2_grpc

from services.chassis import ids, logs
from services.team_formation import translate
from services.team_formation.wechat.kept import Kept

CALL_SECONDS = 10.0
TICKET_SECONDS = 30.0
"""A ticket that was given is good for another minute at least."""
NO_ACCOUNT_SECONDS = 60.0
NO_TICKET_SECONDS = 10.0

Stub: TypeAlias = "notification_internal_pb2_grpc.NotificationInternalAsyncStub"

log = logs.logger(__name__)


@dataclass(frozen=True, slots=True)
class Ticket:
    """What the pages of a platform are signed with."""

    app_id: str = ""
    """Of its official account; empty where it has none, or where that could not be told."""
    text: str = field(default="", repr=False)
    """Empty where there is none now."""
    is_certain: bool = True
    """False where nobody could be asked."""


class Tickets:
    """Tickets by platform, believed for a while; so is that there is none."""

    def __init__(self, stub: Stub, service_key: str) -> None:
        self._stub = stub
        self._metadata = (("authorization", f"Bearer {service_key}"),)
        self._kept: Kept[UUID, Ticket] = Kept(self._ask, _seconds)

    async def of(self, platform_id: UUID) -> Ticket:
        """Give the ticket of a platform."""
        return await self._kept.of(platform_id)

    async def _ask(self, platform_id: UUID) -> Ticket:
        request = pb.GetWeChatTicketRequest(platform_id=ids.opaque(translate.PLATFORM, platform_id))
        try:
            said = await self._stub.GetWeChatTicket(request, metadata=self._metadata, timeout=CALL_SECONDS)
        except grpc.aio.AioRpcError as error:
            log.warning("no ticket of WeChat", why=f"notification: {error.code().name}")
            return Ticket(is_certain=False)
        if said.why:
            log.warning("no ticket of WeChat", platform=str(platform_id), why=said.why)
        return Ticket(said.app_id, said.ticket)


def _seconds(ticket: Ticket) -> float:
    if ticket.text:
        return TICKET_SECONDS
    return NO_ACCOUNT_SECONDS if ticket.is_certain and not ticket.app_id else NO_TICKET_SECONDS
