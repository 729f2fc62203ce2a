"""What test platforms have in the place of the services: each request is made in full, kept, and goes nowhere."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.chassis.clock import Clock
from services.chassis.sealing import Sealer
from services.notification.answering import ChatAnswer, Way
from services.notification.channels import Account, Channel, Channels, Letter, Outcome
from services.notification.domain import Posted
from services.notification.sandbox.captures import (
    MOST,
    PAGE,
    Captures,
    Content,
    drop_most,
    keep,
    written_within,
)
from services.notification.sandbox.outlet import Exchange
from services.notification.sandbox.rehearsals import PREFIX, Rehearsals
from services.notification.store import CapturedRow, Claimed, EndpointRow

__all__ = [
    "MOST",
    "PAGE",
    "PREFIX",
    "Captures",
    "Content",
    "Event",
    "Exchange",
    "Sandbox",
    "drop_most",
    "keep",
    "written_within",
]


class Event(NamedTuple):
    """What a post to an endpoint is about, and which attempt it is, from 1."""

    event_id: UUID
    type: str
    number: int


class Sandbox:
    """Rehearses, and makes the rows of what it comes to; whoever asks saves them with what follows."""

    def __init__(
        self, channels: Channels, sealer: Sealer, clock: Clock, mail_from: str, *, allow_private: bool
    ) -> None:
        self._rehearsals = Rehearsals(channels, clock, mail_from, allow_private=allow_private)
        self.captures = Captures(sealer, clock)

    async def send(
        self, channel: Channel, item: Claimed, letter: Letter, account: Account | None, tries: int, at: datetime
    ) -> tuple[Outcome, CapturedRow]:
        """Rehearse an attempt to send, after others at the same contact point."""
        made = await self._rehearsals.send(channel, letter, account, tries)
        return made.outcome, self.captures.message(item, channel.name, at, letter, made)

    async def answer(
        self, platform_id: UUID, way: Way, answer: ChatAnswer, account: Account | None
    ) -> tuple[Outcome, CapturedRow]:
        """Rehearse an answer in a chat."""
        made = await self._rehearsals.answer(way, answer, account)
        return made.outcome, self.captures.answer(platform_id, way.name, made)

    async def post(
        self, endpoint: EndpointRow, event: Event, body: bytes, headers: Mapping[str, str], at: datetime
    ) -> tuple[Posted, CapturedRow]:
        """Rehearse a post to an endpoint of the platform."""
        posted, made = await self._rehearsals.post(endpoint.url, body, headers, event.number - 1)
        return posted, self.captures.post(endpoint, event, at, made)
