"""Giving a place back in a chat, in two steps: the second repeats a number that the first has answered with.

The number follows from who asked, the seat and the time, so nothing is kept. Who cannot read the chat does not know it,
nor has a chance to guess it: so it proves that a call comes from the person whose chat it is, where a service signs
nothing. For the same reason the time is that of the call where a signature covers it, else ours.
"""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.chassis import requests
from services.chassis.errors import Rejected
from services.team_formation import domain
from services.team_formation.chats.hearing import Sender
from services.team_formation.chats.own_seats import Own
from services.team_formation.handlers import Ask
from services.team_formation.signed_links import MemberLinks
from services.team_formation.web.ground import Submit

WINDOW_SECONDS = 900
"""A number is good for one to two of these."""
_RPC = "ChatLeave"
_DIGITS = 12
_GROUP = 4


class Leaving:
    """Makes and reads numbers, and has seats given back."""

    def __init__(self, links: MemberLinks, submit: Submit) -> None:
        self._links = links
        self._submit = submit

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

    async def leave(self, sender: Sender, own: Own) -> Rejected | None:
        """Give a place back; the same event again does so once. Gives the refusal, where it was refused."""
        seat = own.seat
        once = hashlib.sha256(sender.event_key.encode()).hexdigest()
        key = requests.RequestKey(seat.campaign_id, seat.platform_id, _RPC, once, b"")
        ask = Ask(seat.platform_id, seat.campaign_id, domain.Leave(), key, None, seat.seat_id)
        try:
            await self._submit(ask)
        except Rejected as refused:
            if refused.reason == "UNAVAILABLE":
                raise
            return refused
        return None

    def _number(self, sender: Sender, seat_id: UUID, window: int) -> str:
        who = f"{sender.service}\0{sender.address}".encode()
        mark = self._links.mark(b"leave\0" + seat_id.bytes + window.to_bytes(8) + who)
        digits = f"{int.from_bytes(mark) % 10**_DIGITS:0{_DIGITS}d}"
        return " ".join(digits[at : at + _GROUP] for at in range(0, _DIGITS, _GROUP))


def _window(at: datetime) -> int:
    return int(at.timestamp()) // WINDOW_SECONDS
