"""Makes the messages of one event to all whom it concerns: at once where few, in chunks by a timer where many."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from groupbuy.pricing.v1 import events_pb2 as pricing_pb2
from groupbuy.team_formation.v1 import events_pb2 as teams_pb2

from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.work import Work
from services.notification import store, translate
from services.notification.domain import Facts, Kind, Message, Seat, Team, TurnedTo, price_news, turned
from services.notification.handlers.writing import write_deliveries
from services.notification.store import Job

TEAMS = "groupbuy.team.v1"
PRICES = "groupbuy.price.v1"
SETTLEMENTS = "groupbuy.settlement.v1"
CHUNK = 1000
"""Members told in one transaction."""

Told: TypeAlias = tuple[Team, Message]


class Fanout:
    """Works off the jobs that concern more members than one transaction takes."""

    def __init__(self, database: Database, clock: Clock, chunk: int = CHUNK) -> None:
        self._database = database
        self._clock = clock
        self._chunk = chunk

    async def run_once(self) -> int:
        """Make one chunk of one job's messages; returns 1, or 0 where there is none."""
        async with self._database.work() as work:
            job = await store.lock_ready_job(work.connection)
            if job is None:
                return 0
            team = await store.find_team(work.connection, job.platform_id, job.campaign_id, job.team_id)
            seats = await _seats(work, job, self._chunk) if team else []
            if team:
                await write_deliveries(work, messages_of(job, team, seats), self._clock.now())
            if len(seats) < self._chunk:
                await store.delete_jobs(work.connection, [job])
            else:
                await store.save_progress(work.connection, job, seats[-1].seat_id)
        return 1


async def messages_now(work: Work, team: Team, job: Job, now: datetime, chunk: int = CHUNK) -> list[Told]:
    """Give the messages of an event whose version the team has reached; none, and a job for the fan-out, if many."""
    if job.topic == SETTLEMENTS:
        return messages_of(job, team, [])
    seats = await _seats(work, job, chunk + 1)
    if len(seats) > chunk:
        await store.insert_jobs(work.connection, [job], ready=True, now=now)
        return []
    return messages_of(job, team, seats)


async def _seats(work: Work, job: Job, limit: int) -> list[Seat]:
    return await store.find_counted_seats(
        work.connection, job.campaign_id, job.team_id, job.team_version, job.after_seat, limit
    )


def messages_of(job: Job, team: Team, seats: Sequence[Seat]) -> list[Told]:
    """Decide who is told what by an event: these seats, or the one that a settlement line names."""
    if job.topic == SETTLEMENTS:
        return [(team, _settled(pricing_pb2.SettlementEvent.FromString(job.value)))]
    if job.topic == PRICES:
        price = pricing_pb2.PriceEvent.FromString(job.value)
        fact = translate.price_fact(price)
        cause, news = price.event_id, [price_news(fact, seat, job.team_version) for seat in seats]
    else:
        event = teams_pb2.TeamEvent.FromString(job.value)
        cause, news = event.event_id, [_turned(event, team, seat) for seat in seats]
    return [
        (team, Message(UUID(cause), job.team_version, told[0], seat.seat_id, seat.member_id, told[1]))
        for seat, told in zip(seats, news, strict=True)
        if told
    ]


def _turned(event: teams_pb2.TeamEvent, team: Team, seat: Seat) -> tuple[Kind, Facts] | None:
    """State the fill of the event's own version, which the copy may have left behind."""
    fact = translate.team_fact(event)
    if not isinstance(fact.change, TurnedTo) or team.opened is None:
        return None
    return turned(seat, fact.change.state, team.opened, team.opened.fill(fact.confirmed_members, fact.confirmed_units))


def _settled(event: pricing_pb2.SettlementEvent) -> Message:
    line = event.settlement_line_recorded.line
    kind, seat_id, facts = translate.settled(line)
    return Message(UUID(event.event_id), event.team_version, kind, seat_id, line.member_id, facts)
