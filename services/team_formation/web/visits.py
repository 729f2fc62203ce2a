"""From a code to what its page is made from."""

import time
from dataclasses import dataclass
from uuid import UUID

import psycopg

from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.once import Once
from services.team_formation import store
from services.team_formation.codes import InviteCodes, hash_code
from services.team_formation.domain import Invite, invite_refusal
from services.team_formation.doors import Door, Doors
from services.team_formation.translate import team_id
from services.team_formation.web.live import Live
from services.team_formation.web.shown import Shown
from services.team_formation.web.view import Standing, Visit

FRESH_SECONDS = 2.0
"""An invite that was revoked or used up is shown as before for at most so long."""
STALE_SECONDS = 60.0
"""While the database is away it is shown as it was, for at most so long: a join decides for itself."""
_MOST = 50_000
_STANDINGS = {"INVITE_EXPIRED": Standing.EXPIRED, "INVITE_USED_UP": Standing.USED_UP}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a code leads, with the names that pages need again and again."""

    door: Door
    code: str
    link: str
    team: str
    """The team's id as the API has it."""


class Visits:
    """Finds what a visitor of a link sees."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        codes: InviteCodes,
        doors: Doors,
        live: Live[str, Shown],
        *,
        hands_over: bool,
    ) -> None:
        self._database = database
        self._clock = clock
        self._codes = codes
        self._doors = doors
        self._live = live
        self._hands_over = hands_over
        self._places: dict[str, Place] = {}
        self._invites: dict[UUID, tuple[float, Invite]] = {}
        self._loads: Once[UUID, Invite | None] = Once()

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
        invite = await self._invite(place.door)
        if invite is None or invite.revoked_at:
            return None
        shown = self._live.at_hand(place.door.platform_id, place.team)
        if shown is None:
            shown = await self._live.now(place.door.platform_id, place.team)
        return self.made(place, invite, shown)

    async def seen(self, place: Place, shown: Shown) -> Visit | None:
        """Find what the page shows with a state of the team."""
        invite = await self._invite(place.door)
        return None if invite is None or invite.revoked_at else self.made(place, invite, shown)

    def milliseconds(self, place: Place) -> int:
        """Tell the time of a place's platform, in milliseconds since 1970: countdowns go by it."""
        return int(self._clock.now(place.door.platform_id).timestamp() * 1000)

    def made(self, place: Place, invite: Invite, shown: Shown) -> Visit:
        """Put together what a page is made from."""
        refusal = invite_refusal(invite, self._clock.now(place.door.platform_id))
        standing = _STANDINGS.get(refusal.reason, Standing.GOOD) if refusal else Standing.GOOD
        return Visit(invite, standing, shown, place.code, place.link, self._hands_over)

    async def _invite(self, door: Door) -> Invite | None:
        """Give an invite as it was a moment ago; all who ask at once wait for one query."""
        known = self._invites.get(door.invite_id)
        if known and time.monotonic() - known[0] < FRESH_SECONDS:
            return known[1]
        try:
            return await self._loads.once(door.invite_id, lambda: self._load(door))
        except psycopg.Error:
            if known and time.monotonic() - known[0] < STALE_SECONDS:
                return known[1]
            raise

    async def _load(self, door: Door) -> Invite | None:
        at = time.monotonic()
        async with self._database.read() as connection:
            invite = await store.find_invite(connection, door.platform_id, door.campaign_id, door.invite_id)
        if invite:
            if len(self._invites) >= _MOST:
                self._invites.clear()
            self._invites[door.invite_id] = at, invite
        return invite
