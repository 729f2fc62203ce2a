"""Looks what cards in chats have to say now: teams are read once for all their cards, and anew, never from memory."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias
from uuid import UUID

from services.chassis import logs
from services.chassis.clock import Clock
from services.chassis.status import transient
from services.team_formation.chats.cards import Card, card_of
from services.team_formation.chats.noting import Noter, Standing
from services.team_formation.domain import Invite
from services.team_formation.hooks.reading.incoming import Reply
from services.team_formation.store.chat_previews import Claimed, Looked
from services.team_formation.translate import team_id
from services.team_formation.watch import State
from services.team_formation.web.shown import Shown
from services.team_formation.web.visits import FRESH_SECONDS, Visits

FRESH = timedelta(seconds=2 * FRESH_SECONDS)

Name: TypeAlias = tuple[UUID, str]
_Written: TypeAlias = dict[tuple[str, str], tuple[Card, Invite] | None]
"""Cards by code and language: many chats have the same."""
Load: TypeAlias = Callable[[Sequence[Name]], Awaitable[Mapping[Name, State[Shown]]]]


log = logs.logger(__name__)


@dataclass(frozen=True, slots=True)
class Look:
    """What a card has to say."""

    card: Card
    place: Reply
    looked: Looked
    is_over: bool
    """Whether its team has ended: what it says now is the last."""
    again_at: datetime | None
    """When it says something else though its team stays as it is: the invite expires."""


class Looker:
    """Looks at cards that were claimed."""

    def __init__(self, visits: Visits, load: Load, noter: Noter, clock: Clock) -> None:
        self._visits = visits
        self._load = load
        self._noter = noter
        self._clock = clock

    async def look(self, claimed: Sequence[Claimed]) -> list[tuple[Claimed, Look | None]]:
        """Look at cards; None for one that is followed no more: its invite, team or key is gone."""
        names = {(one.platform_id, team_id(one.campaign_id, one.team_id)) for one in claimed}
        teams = await self._load(sorted(names, key=str))
        written: _Written = {}
        looks: list[tuple[Claimed, Look | None]] = []
        for one in claimed:
            try:
                looks.append((one, await self._one(one, teams, written)))
            except Exception as error:
                if transient(error) is not None:
                    raise
                log.exception("a card in a chat was not written")  # one card must not harm the others
                looks.append((one, None))
        return looks

    async def _one(self, one: Claimed, teams: Mapping[Name, State[Shown]], written: _Written) -> Look | None:
        state = teams.get((one.platform_id, team_id(one.campaign_id, one.team_id)))
        standing = self._noter.opened(one)
        if state is None or standing is None:
            return None
        shown, same = state.body, (standing.code, standing.language)
        if same not in written:
            written[same] = await self._card(standing, shown)
            await asyncio.sleep(0)  # pages are served by the same loop
        found = written[same]
        if found is None:
            return None
        card, invite = found
        looked = Looked(shown.version, shown.campaign.version, len(shown.sold_out))
        again_at = self._again_at(invite, one.platform_id, is_news=shown.version > one.version)
        is_over = not shown.team.state.is_open
        return Look(dataclasses.replace(card, url=standing.url), standing.place, looked, is_over, again_at)

    async def _card(self, standing: Standing, shown: Shown) -> tuple[Card, Invite] | None:
        place = await self._visits.place(standing.code)
        visit = await self._visits.seen(place, shown) if place else None
        return (card_of(visit, standing.url, standing.language), visit.invite) if visit else None

    def _again_at(self, invite: Invite, platform_id: UUID, *, is_news: bool) -> datetime | None:
        """Tell when to look again, by the machine's time: the invite expires, or was remembered as it was."""
        now, theirs = self._clock.now(), self._clock.now(platform_id)
        times = []
        if invite.expires_at and invite.expires_at > theirs:
            times.append(now + (invite.expires_at - theirs))
        if invite.max_uses and is_news:  # what the last join used up is seen then
            times.append(now + FRESH)
        return min(times, default=None)
