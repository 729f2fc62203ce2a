"""Links of members' own pages, fetched from team_formation when messages are sent: it alone can make them.

Whoever has one may give the member's seat back. So none is stored, logged or told: a link is in the letter that a
channel gets, and nowhere else.
"""

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TypeAlias, cast
from uuid import UUID

import grpc
from groupbuy.team_formation.v1 import team_formation_internal_pb2 as pb
from groupbuy.team_formation.v1 import team_formation_internal_pb2_grpc as pb_grpc

from services.chassis import ids, logs, platforms
from services.chassis.away import Away
from services.chassis.channels import PLAIN, Channels
from services.notification import metrics
from services.notification.store import Claimed
from services.notification.translate import NOBODYS

ASK_SECONDS = 1.0
REST_SECONDS = 5.0
_RECONNECT = (("grpc.max_reconnect_backoff_ms", 5_000),)  # by itself it would wait for up to two minutes

Seat: TypeAlias = tuple[UUID, UUID, UUID]
"""Platform, campaign, seat."""
Found: TypeAlias = Mapping[Seat, str]
"""Links by seat; one that has none is not in it."""

_Ask: TypeAlias = Callable[..., Awaitable[pb.ListMemberLinksResponse]]

log = logs.logger(__name__)


def seat_of(item: Claimed) -> Seat | None:
    """Tell which seat a message is about; None for a group's, and for what a platform says to whom it wants."""
    return None if item.seat_id == NOBODYS else (item.platform_id, item.campaign_id, item.seat_id)


class Places:
    """A client of TeamFormationInternal; without an address there are no links.

    A message matters more than its link: what does not answer within a second is asked nothing for five, by one
    batch after that, and messages go without.
    """

    def __init__(
        self,
        address: str,
        service_key: str,
        *,
        ask_seconds: float = ASK_SECONDS,
        now: Callable[[], float] = time.monotonic,
        channels: Channels = PLAIN,
    ) -> None:
        self._address = address
        self._channels = channels
        self._service_key = service_key
        self._ask_seconds = ask_seconds
        self._channel: grpc.aio.Channel | None = None
        self._away = Away(REST_SECONDS, now)

    async def start(self) -> None:
        """Open the channel; it connects when it is first used."""
        if self._address:
            self._channel = self._channels.open(self._address, _RECONNECT)

    async def stop(self) -> None:
        """Close the channel."""
        if self._channel:
            await self._channel.close()

    async def find(self, items: Iterable[Claimed]) -> Found:
        """Find the links for messages; those that go without, as nobody answered, are counted."""
        seats = sorted({seat for seat in map(seat_of, items) if seat})
        if not (self._channel and seats):
            return {}
        if not self._away.may_ask():
            metrics.WITHOUT_PLACE.inc(len(seats))
            return {}
        try:
            return await self._ask(self._channel, seats)
        except grpc.aio.AioRpcError as error:
            metrics.WITHOUT_PLACE.inc(len(seats))
            if self._away.failed():
                log.warning("messages go without links of members' pages", why=f"team_formation: {error.code().name}")
            return {}

    async def _ask(self, channel: grpc.aio.Channel, seats: list[Seat]) -> Found:
        request = pb.ListMemberLinksRequest(
            seats=[
                pb.SeatOfPlatform(
                    platform_id=ids.opaque(platforms.ID_PREFIX, platform_id),
                    seat_id=ids.opaque("seat", campaign_id, seat_id),
                )
                for platform_id, campaign_id, seat_id in seats
            ]
        )
        metadata = (("authorization", f"Bearer {self._service_key}"),)
        ask = cast("_Ask", pb_grpc.TeamFormationInternalStub(channel).ListMemberLinks)
        answer = await ask(request, metadata=metadata, timeout=self._ask_seconds)
        self._away.answered()
        return {seat: url for seat, url in zip(seats, answer.urls, strict=False) if url}
