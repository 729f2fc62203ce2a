"""Tells members before their hold runs out, and before their team ends; each hold and each end once."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from services.chassis import ids
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.work import Work
from services.notification import store
from services.notification.domain import HoldEnds, Kind, Message, Team
from services.notification.handlers.fanout import ENDINGS, Told, ending_value
from services.notification.handlers.writing import write_deliveries
from services.notification.store import EndingHold, EndingTeam, Job

HOLD_LEAD: Final = timedelta(minutes=4)
"""So long before a hold runs out its member is told; one that is shorter is not told of at all."""
TEAM_LEAD: Final = timedelta(minutes=25)
"""So long before a team ends its members are told; of a team that is open for less they are not."""
PAGE: Final = 500


class Reminders:
    """Works off what ends soon."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def tell_holds(self) -> int:
        """Write a page of messages to members whose holds run out; returns how many."""
        return await self._each(self._tell_holds)

    async def tell_teams(self) -> int:
        """Hand a page of teams that end to the fan-out; returns how many."""
        return await self._each(self._tell_teams)

    async def _each(self, tell: Callable[[Work, datetime, UUID | None], Awaitable[int]]) -> int:
        """Look for all platforms at once, then for each twin whose clock is ahead: nobody real waits for a twin."""
        found = 0
        times: list[tuple[UUID | None, datetime]] = [(None, self._clock.now()), *self._clock.ahead().items()]
        for twin, now in times:
            async with self._database.work() as work:
                found += await tell(work, now, twin)
        return found

    async def _tell_holds(self, work: Work, now: datetime, twin: UUID | None) -> int:
        until = now + HOLD_LEAD
        if twin:
            holds = await store.take_ending_holds_of(work.connection, twin, until, PAGE)
        else:
            holds = await store.take_ending_holds(work.connection, until, PAGE)
        left = [hold for hold in holds if hold.hold_until > self._clock.now(hold.platform_id)]
        teams = await store.lock_teams(
            work.connection, sorted({(hold.platform_id, hold.campaign_id, hold.team_id) for hold in left})
        )
        told = [_told(teams[hold.campaign_id, hold.team_id], hold) for hold in left]
        await write_deliveries(work, told, self._clock)
        return len(holds)

    async def _tell_teams(self, work: Work, now: datetime, twin: UUID | None) -> int:
        until = now + TEAM_LEAD
        if twin:
            teams = await store.take_ending_teams_of(work.connection, twin, until, PAGE)
        else:
            teams = await store.take_ending_teams(work.connection, until, PAGE)
        jobs = [_job(team) for team in teams if team.ends_at > self._clock.now(team.platform_id)]
        await store.insert_jobs(work.connection, jobs, ready=True, now=self._clock.now())
        return len(teams)


def _told(team: Team, hold: EndingHold) -> Told:
    cause = ids.derived_id(hold.seat_id, Kind.HOLD_ENDING, hold.hold_until.isoformat())
    facts = HoldEnds(hold.quantity, hold.hold_until)
    return team, Message(cause, team.version, Kind.HOLD_ENDING, hold.seat_id, hold.member_id, facts)


def _job(team: EndingTeam) -> Job:
    return Job(
        team.platform_id,
        team.campaign_id,
        team.team_id,
        ENDINGS,
        team.version,
        team.version,
        ending_value(team.ends_at, team.missing),
    )
