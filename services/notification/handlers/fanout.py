"""Makes the messages of one event to all whom it concerns: at once where few, in chunks by a timer where many."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from groupbuy.pricing.v1 import events_pb2 as pricing_pb2
from groupbuy.team_formation.v1 import events_pb2 as teams_pb2

from services.chassis import ids, spans, trace
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.work import Work
from services.notification import store, translate
from services.notification.domain import (
    Audience,
    Joins,
    Kind,
    Message,
    Seat,
    SeatMoved,
    Team,
    TeamFact,
    TimeLeft,
    audience,
    price_news,
    team_news,
)
from services.notification.handlers.writing import write_deliveries
from services.notification.store import Job

TEAMS = "groupbuy.team.v1"
PRICES = "groupbuy.price.v1"
SETTLEMENTS = "groupbuy.settlement.v1"
JOINS = "joins"
"""Of jobs that no event made: the joins of a team that are told together."""
ENDINGS = "endings"
"""Of jobs that no event made: teams that end soon."""
NUDGES = "nudges"
"""Of jobs that no event made: teams whose members the platform nudges."""
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
            with trace.within(job.traceparent), spans.under("tell many"):
                await (self._tell_campaign if job.of_campaign else self._tell_team)(work, job)
        return 1

    async def _tell_team(self, work: Work, job: Job) -> None:
        """Make one chunk of the messages to a team."""
        team = await store.find_team(work.connection, job.platform_id, job.campaign_id, job.team_id)
        seats = await _seats(work, job, self._chunk) if team else []
        if team:
            await write_deliveries(work, messages_of(job, team, seats), self._clock)
        if len(seats) < self._chunk:
            await store.delete_jobs(work.connection, [job])
        else:
            await store.save_progress(work.connection, job, seats[-1].seat_id)

    async def _tell_campaign(self, work: Work, job: Job) -> None:
        """Make one chunk of the messages to all open teams of a campaign."""
        seats = await _seats_of_campaign(work, job, self._chunk)
        await write_deliveries(work, await _campaign_messages(work, job, seats), self._clock)
        if len(seats) < self._chunk:
            await store.delete_jobs(work.connection, [job])
        else:
            team_id, last = seats[-1]
            await store.save_progress(work.connection, job, last.seat_id, team_id)


async def campaign_messages_now(work: Work, job: Job, now: datetime, chunk: int = CHUNK) -> list[Told]:
    """Give the messages of an event to all open teams of a campaign; none, and a job for the fan-out, if many."""
    seats = await _seats_of_campaign(work, job, chunk + 1)
    if len(seats) > chunk:
        await store.insert_jobs(work.connection, [job], ready=True, now=now)
        return []
    return await _campaign_messages(work, job, seats)


async def _seats_of_campaign(work: Work, job: Job, limit: int) -> list[tuple[UUID, Seat]]:
    fact = translate.price_fact(pricing_pb2.PriceEvent.FromString(job.value))
    return await store.find_campaign_audience(work.connection, job, fact.ladder_version, limit)


async def _campaign_messages(work: Work, job: Job, seats: Sequence[tuple[UUID, Seat]]) -> list[Told]:
    """Decide who is told what by a price of a campaign; a member of several of its teams is told once, of the first."""
    if not seats:
        return []
    price = pricing_pb2.PriceEvent.FromString(job.value)
    fact, cause = translate.price_fact(price), UUID(price.event_id)
    teams = await store.find_teams(work.connection, job.platform_id, job.campaign_id, {team_id for team_id, _ in seats})
    told: dict[str, Told] = {}
    for team_id, seat in seats:
        if (news := price_news(fact, seat, job.team_version)) and seat.member_id not in told:
            message = Message(cause, job.team_version, news[0], seat.seat_id, seat.member_id, news[1])
            told[seat.member_id] = (teams[team_id], message)
    return list(told.values())


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
    concerned = _audience(job)
    if concerned is None:
        return []
    return await store.find_audience(
        work.connection, concerned, (job.campaign_id, job.team_id), job.team_version, job.after_seat, limit
    )


def _audience(job: Job) -> Audience | None:
    if job.topic in {PRICES, JOINS, ENDINGS, NUDGES}:
        return Audience.COUNTED
    return audience(translate.team_fact(teams_pb2.TeamEvent.FromString(job.value)).change)


def messages_of(job: Job, team: Team, seats: Sequence[Seat]) -> list[Told]:
    """Decide who is told what by an event: these seats, or the one that a settlement line names."""
    if team.opened is None:
        return []
    if job.topic == SETTLEMENTS:
        return _settled(pricing_pb2.SettlementEvent.FromString(job.value), team)
    if job.topic == JOINS:
        return _joins(job, team, seats)
    if job.topic in {ENDINGS, NUDGES}:
        return _ending(job, team, seats)
    if job.topic == PRICES:
        price = pricing_pb2.PriceEvent.FromString(job.value)
        moves = translate.price_fact(price)
        cause, news = UUID(price.event_id), [price_news(moves, seat, job.team_version) for seat in seats]
    else:
        fact = translate.team_fact(teams_pb2.TeamEvent.FromString(job.value))
        cause, news = _cause(fact), [team_news(fact, seat, team.opened) for seat in seats]
    return [
        (team, Message(cause, job.team_version, told[0], seat.seat_id, seat.member_id, told[1]))
        for seat, told in zip(seats, news, strict=True)
        if told
    ]


def _cause(fact: TeamFact) -> UUID:
    """Give the event; that a team's last place is free is told once, whichever seat left it."""
    return ids.derived_id(fact.team_id, Kind.ONE_SEAT_LEFT) if isinstance(fact.change, SeatMoved) else fact.event_id


def _joins(job: Job, team: Team, seats: Sequence[Seat]) -> list[Told]:
    """Tell those who were in the team before the first of the joins."""
    since_version, joined = store.read_digest(job.value)
    cause = ids.derived_id(job.team_id, JOINS, str(job.team_version))
    return [
        (team, Message(cause, job.team_version, Kind.SOMEONE_JOINED, seat.seat_id, seat.member_id, Joins(joined)))
        for seat in seats
        if seat.confirmed_version is not None and seat.confirmed_version <= since_version
    ]


def _ending(job: Job, team: Team, seats: Sequence[Seat]) -> list[Told]:
    """Tell confirmed members that their team ends soon, or nudge them: once for an end, or once for a nudge."""
    facts = read_ending(job.value)
    kind = Kind.NUDGE if job.topic == NUDGES else Kind.TIME_RUNNING_OUT
    which = str(job.sequence) if job.topic == NUDGES else facts.open_until.isoformat()
    cause = ids.derived_id(job.team_id, job.topic, which)
    return [(team, Message(cause, job.team_version, kind, seat.seat_id, seat.member_id, facts)) for seat in seats]


def ending_value(ends_at: datetime, missing: int) -> bytes:
    """Write what a fan-out job keeps of an end: `read_ending` reads it."""
    return f"{ends_at.isoformat()} {missing}".encode()


def read_ending(value: bytes) -> TimeLeft:
    """Read what a job keeps of an end."""
    ends_at, missing = value.decode().split(" ")
    return TimeLeft(datetime.fromisoformat(ends_at), int(missing))


def _settled(event: pricing_pb2.SettlementEvent, team: Team) -> list[Told]:
    if event.WhichOneof("fact") == "payment_due":
        return _due(event, team)
    if event.WhichOneof("fact") == "settlement_reported":
        return _refunded(event, team)
    line = event.settlement_line_recorded.line
    if (told := translate.settled(line)) is None:
        return []
    kind, seat_id, facts = told
    if kind is Kind.FORMED:
        facts = replace(facts, sponsored=team.sponsored)
    return [(team, Message(UUID(event.event_id), event.team_version, kind, seat_id, line.member_id, facts))]


def _refunded(event: pricing_pb2.SettlementEvent, team: Team) -> list[Told]:
    """Tell a member that its money has gone back, as the platform has reported."""
    found = translate.refunded(event)
    if found is None:
        return []
    seat_id, facts = found
    member_id = event.settlement_reported.member_id
    message = Message(UUID(event.event_id), event.team_version, Kind.REFUND_DONE, seat_id, member_id, facts)
    return [(team, message)] if member_id else []


def _due(event: pricing_pb2.SettlementEvent, team: Team) -> list[Told]:
    _, _, seat_id, facts = translate.payment_due(event)
    member_id = event.payment_due.member_id
    message = Message(UUID(event.event_id), event.team_version, Kind.PAYMENT_DUE, seat_id, member_id, facts)
    return [(team, message)] if member_id else []
