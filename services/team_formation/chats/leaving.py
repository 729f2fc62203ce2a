"""Giving a place back in a chat, in two steps: the second repeats a number that the first has answered with.

The number follows from who asked, the seat and the time, so nothing is kept. Who cannot read the chat does not know it,
nor has a chance to guess it: so it proves that a call comes from the person whose chat it is, where a service signs
nothing. For the same reason the time is that of the call where a signature covers it, else ours.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.chassis import requests
from services.chassis.errors import Rejected
from services.team_formation import domain
from services.team_formation.chats.calls import Calls
from services.team_formation.chats.hearing import Sender
from services.team_formation.chats.own_seats import Own
from services.team_formation.handlers import Ask
from services.team_formation.signed_links import MemberLinks
from services.team_formation.store.chat_apps import DueCall
from services.team_formation.web.ground import Submit

WINDOW_SECONDS = 900
"""A number is good for one to two of these."""
_RPC = "ChatLeave"
_DIGITS = 12
_GROUP = 4


@dataclass(frozen=True, slots=True)
class Left:
    """A place that was given back, or not."""

    title: str
    refused: Rejected | None


class Leaving:
    """Makes and reads numbers, and has seats given back."""

    def __init__(self, links: MemberLinks, submit: Submit, calls: Calls) -> None:
        self._links = links
        self._submit = submit
        self._calls = calls

    def number(self, sender: Sender, seat_id: UUID) -> str:
        """Make the number for a seat, in groups of four digits."""
        return self._number(sender, seat_id, _window(sender.happened_at))

    def meant(self, sender: Sender, own: Sequence[Own], said: str) -> Own | None:
        """Find the place whose number was repeated."""
        digits = said.replace(" ", "")
        windows = (_window(sender.happened_at), _window(sender.happened_at) - 1)
        for one in own:
            numbers = [self._number(sender, one.seat.seat_id, window).replace(" ", "") for window in windows]
            if any([hmac.compare_digest(digits.encode(), number.encode()) for number in numbers]):  # noqa: C419 - all
                return one
        return None

    async def leave(self, call: DueCall, sender: Sender, own: Own) -> Left:
        """Give a place back."""
        seat = own.seat
        intent = {
            "campaign": str(seat.campaign_id),
            "seat": str(seat.seat_id),
            "title": own.view.title,
        }
        await self._calls.begin(call, intent)
        return await self._left(sender, intent)

    async def again(self, call: DueCall, sender: Sender) -> Left | None:
        """Say what came of a place that this call began to give back before; None where it began nothing."""
        intent = self._calls.begun(call)
        return await self._left(sender, intent) if intent else None

    async def _left(self, sender: Sender, intent: Mapping[str, str]) -> Left:
        """Have the command decided; the same event again gets the answer that it got."""
        campaign_id, seat_id = UUID(intent["campaign"]), UUID(intent["seat"])
        once = hashlib.sha256(sender.event_key.encode()).hexdigest()
        key = requests.RequestKey(campaign_id, sender.platform_id, _RPC, once, b"")
        ask = Ask(sender.platform_id, campaign_id, domain.Leave(), key, None, seat_id)
        try:
            await self._submit(ask)
        except Rejected as refused:
            if refused.reason == "UNAVAILABLE":
                raise
            return Left(intent["title"], refused)
        return Left(intent["title"], None)

    def _number(self, sender: Sender, seat_id: UUID, window: int) -> str:
        who = f"{sender.service}\0{sender.address}".encode()
        mark = self._links.mark(b"leave\0" + seat_id.bytes + window.to_bytes(8) + who)
        digits = f"{int.from_bytes(mark) % 10**_DIGITS:0{_DIGITS}d}"
        return " ".join(digits[at : at + _GROUP] for at in range(0, _DIGITS, _GROUP))


def _window(at: datetime) -> int:
    return int(at.timestamp()) // WINDOW_SECONDS
