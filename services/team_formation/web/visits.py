"""From a code to what its page is made from."""

import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID

import psycopg

from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.once import Once
from services.team_formation import store
from services.team_formation.codes import InviteCodes, hash_code
from services.team_formation.domain import Invite, OnFull, invite_refusal
from services.team_formation.doors import Door, Doors
from services.team_formation.store.hidden import NOTHING_HIDDEN, Hidden, find_hidden
from services.team_formation.store.images import ShownImage
from services.team_formation.translate import team_id
from services.team_formation.web.live import Live
from services.team_formation.web.photos import Photos
from services.team_formation.web.positions import position
from services.team_formation.web.shown import Shown

FRESH_SECONDS = 2.0
"""An invite that was revoked or used up is shown as before for at most so long."""
STALE_SECONDS = 60.0
"""While the database is away it is shown as it was, for at most so long: a join decides for itself."""
_MOST = 50_000


class Standing(StrEnum):
    """Whether an invite still leads in, apart from its team."""

    GOOD = "GOOD"
    EXPIRED = "EXPIRED"
    USED_UP = "USED_UP"


class Action(StrEnum):
    """What the main button does."""

    JOIN = "JOIN"
    WAIT = "WAIT"
    JOIN_OTHER = "JOIN_OTHER"
    NONE = "NONE"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a code leads, with the names that pages need again and again."""

    door: Door
    code: str
    link: str
    team: str
    """The team's id as the API has it."""


@dataclass(frozen=True, slots=True)
class Visit:
    """What a page is made from."""

    invite: Invite
    standing: Standing
    shown: Shown
    code: str
    link: str
    hands_over: bool
    """Whether this installation can sign what the checkout is told."""
    photo: ShownImage | None = None
    """The picture of what is sold, where there is one by now."""
    hidden: Hidden = NOTHING_HIDDEN
    """What is not shown of all that; it is empty here already."""

    @property
    def leads_to_checkout(self) -> bool:
        """Whether the button opens the platform's checkout; otherwise the code is to be given to its app."""
        return self.hands_over and bool(self.shown.campaign.presentation.checkout_url)

    @property
    def is_full(self) -> bool:
        """Whether its team is open and has no room."""
        team, rules = self.shown.team, self.shown.terms.rules
        return team.state.is_open and team.totals.taken(rules.counted_in) >= rules.maximum

    @property
    def version(self) -> str:
        """Name what it shows: the same for the same words."""
        standing = f"{self.shown.version}.{self.shown.turn}.{self.standing[:1]}{self.hidden.tag}"
        return f"{standing}.{self.photo.tag}" if self.photo else standing

    @property
    def action(self) -> Action:
        """What whoever comes by the invite can do now."""
        shown = self.shown
        if not shown.team.state.is_open or shown.campaign.is_stopped or self.standing is not Standing.GOOD:
            return Action.NONE
        if not self.is_full:
            return Action.NONE if shown.is_sold_out else Action.JOIN
        ways = {OnFull.WAITLIST: Action.WAIT, OnFull.OPEN_TEAM: Action.JOIN_OTHER}
        return ways.get(shown.terms.rules.on_full, Action.NONE)


_STANDINGS = {"INVITE_EXPIRED": Standing.EXPIRED, "INVITE_USED_UP": Standing.USED_UP}


class Visits:
    """Finds what a visitor of a link sees."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        codes: InviteCodes,
        doors: Doors,
        live: Live[str, Shown],
        photos: Photos,
        *,
        hands_over: bool,
    ) -> None:
        self._database = database
        self._clock = clock
        self._codes = codes
        self._doors = doors
        self._live = live
        self._photos = photos
        self._hands_over = hands_over
        self._places: dict[str, Place] = {}
        self._invites: dict[UUID, tuple[float, _Found]] = {}
        self._loads: Once[UUID, _Found | None] = Once()

    def knows(self, code: str) -> bool:
        """Tell whether a code is known to lead somewhere, without a look."""
        return code in self._places

    async def place(self, code: str) -> Place | None:
        """Find where a code leads; None where it leads nowhere."""
        found = self._places.get(code)
        if found or hash_code(code) is None:
            return found
        door = (await self._doors.open([code])).get(code)
        if door is None:
            return None
        found = Place(door, code, self._codes.url(code), team_id(door.campaign_id, door.team_id))
        if len(self._places) >= _MOST:
            self._places.clear()
        self._places[code] = found
        return found

    async def visit(self, place: Place) -> Visit | None:
        """Find what the page of a place shows now; None where its invite was revoked."""
        found = await self._invite(place.door)
        if found is None or found[0].revoked_at:
            return None
        shown = self._live.at_hand(place.door.platform_id, place.team)
        if shown is None:
            shown = await self._live.now(place.door.platform_id, place.team)
        return await self._made(place, found, shown)

    async def seen(self, place: Place, shown: Shown) -> Visit | None:
        """Find what the page shows with a state of the team."""
        found = await self._invite(place.door)
        return None if found is None or found[0].revoked_at else await self._made(place, found, shown)

    def follow(self, place: Place, after: str) -> AsyncGenerator[Shown, None]:
        """Yield the states of the team after a version of the page, as they come."""
        version, turn = position(after) or (0, 0)
        return self._live.after(place.door.platform_id, place.team, version, turn)

    def milliseconds(self, place: Place) -> int:
        """Tell the time of a place's platform, in milliseconds since 1970: countdowns go by it."""
        return int(self._clock.now(place.door.platform_id).timestamp() * 1000)

    async def _made(self, place: Place, found: "_Found", shown: Shown) -> Visit:
        """Put together what a page is made from."""
        invite, hidden = found
        refusal = invite_refusal(invite, self._clock.now(place.door.platform_id))
        standing = _STANDINGS.get(refusal.reason, Standing.GOOD) if refusal else Standing.GOOD
        address = "" if hidden.images else shown.campaign.presentation.image_url
        photo = await self._photos.shown(place.door.platform_id, address)
        return Visit(invite, standing, shown, place.code, place.link, self._hands_over, photo, hidden)

    async def _invite(self, door: Door) -> "_Found | None":
        """Give an invite as it was a moment ago, and what is hidden; all who ask at once wait for one query."""
        known = self._invites.get(door.invite_id)
        if known and time.monotonic() - known[0] < FRESH_SECONDS:
            return known[1]
        try:
            return await self._loads.once(door.invite_id, lambda: self._load(door))
        except psycopg.Error:
            if known and time.monotonic() - known[0] < STALE_SECONDS:
                return known[1]
            raise

    async def _load(self, door: Door) -> "_Found | None":
        at = time.monotonic()
        async with self._database.read() as connection:
            invite = await store.find_invite(connection, door.platform_id, door.campaign_id, door.invite_id)
            if invite is None:
                return None
            hidden = await find_hidden(connection, door.platform_id, _subjects(invite))
        found = _without(invite, hidden), hidden
        if len(self._invites) >= _MOST:
            self._invites.clear()
        self._invites[door.invite_id] = at, found
        return found


_Found: TypeAlias = tuple[Invite, Hidden]


def _subjects(invite: Invite) -> list[tuple[str, str]]:
    """Name all by which something of an invite may be hidden."""
    maker = ("PROMOTER", invite.promoter_id) if invite.promoter_id else ("MEMBER", invite.member_id)
    return [("PLATFORM", ""), ("CAMPAIGN", str(invite.campaign_id)), maker, ("INVITE", str(invite.invite_id))]


def _without(invite: Invite, hidden: Hidden) -> Invite:
    label, note = "" if hidden.labels else invite.label, "" if hidden.notes else invite.note
    return replace(invite, label=label, note=note) if hidden else invite
