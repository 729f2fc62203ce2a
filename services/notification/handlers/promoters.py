"""Tells promoters what their links brought: once a day, one message for each campaign."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.chassis import formats, ids
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.notification import store
from services.notification.domain import (
    Brought,
    Kind,
    Message,
    Opened,
    PromoterDay,
    Seat,
    SeatMoved,
    Team,
    next_summary,
)
from services.notification.handlers.writing import write_deliveries
from services.notification.translate import NOBODYS

PAGE = 500


def day_of(moved: SeatMoved, seat: Seat, team: Team, opened: Opened, now: datetime) -> PromoterDay | None:
    """Tell what an event of a seat means to the promoter whose link brought it; None where it means nothing."""
    joined = seat.confirmed_version == team.version
    left = moved.fills and seat.released_version == team.version
    if not moved.promoter_id or not (joined or left):
        return None
    due_at = next_summary(now, formats.zone(opened.time_zone))
    return PromoterDay(
        team.platform_id, team.campaign_id, moved.promoter_id, team.team_id, int(joined), int(left), due_at
    )


def summed_up(days: Iterable[PromoterDay]) -> list[PromoterDay]:
    """Sum up what came for each promoter and campaign, in the order in which rows are locked."""
    sums: dict[tuple[UUID, str], PromoterDay] = {}
    for day in days:
        key = day.campaign_id, day.promoter_id
        known = sums.get(key)
        sums[key] = replace(day, joined=known.joined + day.joined, left=known.left + day.left) if known else day
    return [sums[key] for key in sorted(sums)]


class PromoterDays:
    """Works off the summaries that are due."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def tell(self) -> int:
        """Write a page of summaries, to promoters that are registered; returns how many were due. Run by a timer."""
        async with self._database.work() as work:
            due = await store.take_due_days(work.connection, self._clock.now(), self._clock.ahead(), PAGE)
            known = await store.find_reaches(work.connection, [(day.platform_id, day.promoter_id) for day in due])
            told = []
            for day in due:
                if (day.platform_id, day.promoter_id) in known:
                    team = await store.find_team(work.connection, day.platform_id, day.campaign_id, day.team_id)
                    told += [_told(day, team)] if team else []
            await write_deliveries(work, told, self._clock)
        return len(due)


def _told(day: PromoterDay, team: Team) -> tuple[Team, Message]:
    """Write to a promoter, who is in no team: the campaign stands for it."""
    nobodys = Team(day.platform_id, day.campaign_id, NOBODYS, opened=team.opened)
    facts = Brought(day.joined, day.left)
    cause = ids.new_id()  # once: the row was taken away with it
    return nobodys, Message(cause, 0, Kind.PROMOTER_DAILY, NOBODYS, day.promoter_id, facts)
