"""What the events of teams, prices and settlements do: the copy is kept, and deliveries are written.

Prices and settlements come by other topics than the team's own events. One that was computed at a version which the
copy has not reached waits as a job, and the team's event that reaches it lets it go on: whatever comes first, the same
deliveries follow.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias
from uuid import UUID

from groupbuy.pricing.v1 import events_pb2 as pricing_pb2
from groupbuy.team_formation.v1 import events_pb2 as teams_pb2

from services.chassis import logs, trace
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.errors import Poison
from services.chassis.messages import Event
from services.chassis.work import Work
from services.notification import metrics, store, translate
from services.notification.domain import (
    Contradiction,
    Message,
    Opened,
    PriceRow,
    PromoterDay,
    Seat,
    SeatMoved,
    Team,
    TeamFact,
    advance,
    is_news,
    leaves_one,
    move_seat,
    seat_news,
)
from services.notification.handlers.digests import WINDOW
from services.notification.handlers.fanout import Told, campaign_messages_now, messages_now
from services.notification.handlers.promoters import day_of, summed_up
from services.notification.handlers.writing import write_deliveries
from services.notification.store import ALL_TEAMS, Job

log = logs.logger(__name__)

TeamKey: TypeAlias = tuple[UUID, UUID]

_UNREADABLE = (translate.Unreadable, ValueError, OverflowError)
"""What reading an event raises: protobuf's own errors, for a number that no enum has or a time out of range, too."""

_KEPT = timedelta(days=14)
"""As long as the topics keep their events: what a waiting job waits for will not come after that."""


class EventHandlers:
    """The handlers of the topics, and the work they leave for later."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def on_team_events(self, work: Work, events: list[Event]) -> None:
        """Keep the copy of teams and seats, tell what happened to them, and let go what waited for a version."""
        facts = [(event, _team_fact(event)) for event in events]
        asked = await store.ask_teams(
            work.connection, [(fact.platform_id, fact.campaign_id, fact.team_id) for _, fact in facts]
        )
        seats = await store.ask_seats(work.connection, _seat_keys(facts))
        teams = {(team.campaign_id, team.team_id): team for team in await asked.one()}
        now = self._clock.now()
        batch = _Batch(teams, {seat.seat_id: seat for seat in await seats.one()}, self._clock)
        for event, fact in facts:
            batch.apply(event, fact)
        window = int(WINDOW.total_seconds())
        await store.save_teams(work.connection, batch.moved_teams(), batch.joined_teams(), self._clock.now, window)
        await store.save_seats(work.connection, batch.moved_seats())
        for campaign_id, team_id in sorted(batch.given_up):
            await store.tell_again(work.connection, campaign_id, team_id)
        if batch.prices:
            await store.save_prices(work.connection, batch.prices)
        if batch.days:
            await store.add_to_days(work.connection, summed_up(batch.days))
        reached = [(team.campaign_id, team.team_id, team.version) for team in batch.moved_teams()]
        jobs = await store.lock_reached_jobs(work.connection, reached) if reached else []
        await store.delete_jobs(work.connection, jobs)
        await self._tell(work, batch.teams, [*batch.jobs, *jobs], batch.messages, now)

    async def on_price_events(self, work: Work, events: list[Event]) -> None:
        """Tell members what a price means to them, once the copy of the team is as new as the price.

        One of a whole campaign is told to the teams as they are known: nothing says of which versions it is.
        """
        jobs = [_price_job(event) for event in events]
        if of_teams := [job for job in jobs if not job.of_campaign]:
            await self._tell_or_wait(work, of_teams)
        rows = [translate.price_row(event.read_as(pricing_pb2.PriceEvent)) for event in events]
        await store.save_prices(work.connection, [row for row in rows if row])  # after the teams' locks, as always
        now = self._clock.now()
        for job in jobs:
            if job.of_campaign:
                await write_deliveries(work, await campaign_messages_now(work, job, now), self._clock)

    async def on_settlement_events(self, work: Work, events: list[Event]) -> None:
        """Tell members what they pay and get back, once the copy of the team is as new as the line.

        Of what a platform reports a member is told that its money went back, and no more. That an authorisation lapses,
        which the platform has to capture, is nothing to tell, nor what has not come by then. A payment that is due in
        another way is.
        """
        settled = [(event, event.read_as(pricing_pb2.SettlementEvent)) for event in events]
        jobs = [_job(event, fact) for event, fact in settled if _is_told(fact)]
        await _keep_payments(work, settled)
        if jobs:
            await self._tell_or_wait(work, jobs)

    async def _tell_or_wait(self, work: Work, jobs: list[Job]) -> None:
        teams = await store.lock_teams(
            work.connection, [(job.platform_id, job.campaign_id, job.team_id) for job in jobs]
        )
        now = self._clock.now()
        waiting = [job for job in jobs if teams[job.campaign_id, job.team_id].version < job.team_version]
        await store.insert_jobs(work.connection, waiting, ready=False, now=now)
        await self._tell(work, teams, [job for job in jobs if job not in waiting], [], now)

    async def _tell(
        self, work: Work, teams: Mapping[TeamKey, Team], jobs: Sequence[Job], messages: Sequence[Told], now: datetime
    ) -> None:
        told = list(messages)
        for job in jobs:
            if _is_past(teams[job.campaign_id, job.team_id], job.team_version):
                continue
            made = await messages_now(work, teams[job.campaign_id, job.team_id], job, now)
            for _, message in made:
                trace.adopt(message.cause_event_id, job.traceparent)
            told += made
        await write_deliveries(work, told, self._clock)

    async def drop_forgotten(self) -> int:
        """Give up jobs that have waited longer than the topics keep their events; returns 0, there is never a page."""
        async with self._database.work() as work:
            dropped = await store.drop_waiting_jobs(work.connection, self._clock.now() - _KEPT)
        if dropped:
            metrics.FANOUT_DROPPED.inc(dropped)
            log.warning("events never told: the events of their teams did not come", count=dropped)
        return 0


def _is_told(fact: pricing_pb2.SettlementEvent) -> bool:
    """Whether members are told of it: of lines, of payments that are due, and of money that went back."""
    match fact.WhichOneof("fact"):
        case "settlement_line_recorded" | "payment_due":
            return True
        case "settlement_reported":
            return fact.settlement_reported.kind == pricing_pb2.REPORT_KIND_REFUNDED
        case _:
            return False


async def _keep_payments(work: Work, settled: Sequence[tuple[Event, pricing_pb2.SettlementEvent]]) -> None:
    """Keep what members are asked to pay, and what of it came."""
    due, came = [], []
    for event, fact in settled:
        try:
            if fact.WhichOneof("fact") == "payment_due":
                campaign_id, line_id, seat_id, facts = translate.payment_due(fact)
                due.append((campaign_id, line_id, seat_id, facts.pay_by))
            elif fact.WhichOneof("fact") == "settlement_reported" and (line := translate.paid_line(fact)):
                came.append(line)
        except _UNREADABLE as problem:
            raise Poison(event.event_id, f"cannot be read: {problem}") from None
    if due:
        await store.insert_payments_due(work.connection, due)
    if came:
        await store.mark_came(work.connection, came)


class _Batch:
    """Teams and seats while a batch of events is applied to them, and what follows."""

    def __init__(self, teams: dict[TeamKey, Team], seats: dict[UUID, Seat], clock: Clock) -> None:
        self.teams = teams
        self.days: list[PromoterDay] = []
        self.prices: list[PriceRow] = []
        """Of teams that were opened."""
        self._clock = clock
        self.messages: list[Told] = []
        self.jobs: list[Job] = []
        self._seats = seats
        self._moved: dict[UUID, TeamKey] = {}
        self._advanced: set[TeamKey] = set()
        self._joined: dict[TeamKey, Team] = {}
        self.given_up: set[TeamKey] = set()
        """Cancelled after they had formed."""

    def apply(self, event: Event, fact: TeamFact) -> None:
        key = fact.campaign_id, fact.team_id
        before = self.teams[key]
        team = advance(before, fact)
        if isinstance(team, Contradiction):
            raise Poison(event.event_id, team.reason)
        if team is None or team.opened is None:
            if before.opened is None:
                log.info("event of a team whose opening was not seen", team=event.record.key, version=fact.version)
            return
        self.teams[key] = team
        self._advanced.add(key)
        if isinstance(fact.change, Opened) and (row := translate.first_price(event.read_as(teams_pb2.TeamEvent))):
            self.prices.append(row)
        if before.state.has_ended and team.state is not before.state:
            self.given_up.add(key)
        if isinstance(fact.change, SeatMoved):
            seat = self._move(event, team, team.opened, fact.change)
            if before.fill and seat.confirmed_version == team.version and not _is_past(team, team.version):
                self._joined.setdefault(key, before)
        if is_news(fact.change, before) or leaves_one(fact, team.opened):
            self.jobs.append(_job(event, event.read_as(teams_pb2.TeamEvent)))

    def _move(self, event: Event, team: Team, opened: Opened, moved: SeatMoved) -> Seat:
        seat = move_seat(self._seats.get(moved.seat.seat_id), moved, team.version)
        if isinstance(seat, Contradiction):
            raise Poison(event.event_id, seat.reason)
        self._seats[seat.seat_id] = seat
        self._moved[seat.seat_id] = team.campaign_id, team.team_id
        if day := day_of(moved, seat, team, opened, self._clock.now(team.platform_id)):
            self.days.append(day)
        if (told := seat_news(moved, seat, opened)) and not _is_past(team, team.version):
            kind, facts = told
            message = Message(event.event_id, team.version, kind, seat.seat_id, seat.member_id, facts)
            self.messages.append((team, message))
        return seat

    def moved_teams(self) -> list[Team]:
        return [self.teams[key] for key in sorted(self._advanced)]

    def joined_teams(self) -> list[Team]:
        """Give the teams in which others were confirmed already, as they were before somebody joined them."""
        return [self._joined[key] for key in sorted(self._joined)]

    def moved_seats(self) -> list[tuple[Team, Seat]]:
        return [(self.teams[self._moved[seat_id]], self._seats[seat_id]) for seat_id in sorted(self._moved)]


def _is_past(team: Team, version: int) -> bool:
    """Tell whether a version of a team is of what had happened in another system: no member is told of it."""
    return team.opened is not None and version <= team.opened.imported_to


def _seat_keys(facts: Sequence[tuple[Event, TeamFact]]) -> list[tuple[UUID, UUID, UUID]]:
    keys = {
        (fact.campaign_id, fact.team_id, fact.change.seat.seat_id)
        for _, fact in facts
        if isinstance(fact.change, SeatMoved)
    }
    return list(keys)


def _team_fact(event: Event) -> TeamFact:
    try:
        return translate.team_fact(event.read_as(teams_pb2.TeamEvent))
    except _UNREADABLE as problem:
        raise Poison(event.event_id, f"cannot be read: {problem}") from None


def _job(event: Event, envelope: teams_pb2.TeamEvent | pricing_pb2.PriceEvent | pricing_pb2.SettlementEvent) -> Job:
    """Keep an event as a job; whatever is wrong with it is found now, not when the job's turn comes."""
    topic = event.record.topic
    try:
        platform_id, campaign_id, team_id = translate.team_key(envelope)
        if isinstance(envelope, pricing_pb2.PriceEvent):
            translate.price_fact(envelope)
        if isinstance(envelope, pricing_pb2.SettlementEvent):
            _read_settlement(envelope)
    except _UNREADABLE as problem:
        raise Poison(event.event_id, f"cannot be read: {problem}") from None
    version = envelope.sequence if isinstance(envelope, teams_pb2.TeamEvent) else envelope.team_version
    value = event.record.value
    return Job(platform_id, campaign_id, team_id, topic, event.sequence, version, value, traceparent=_trace_of(event))


def _read_settlement(envelope: pricing_pb2.SettlementEvent) -> None:
    if envelope.WhichOneof("fact") == "payment_due":
        translate.payment_due(envelope)
    elif envelope.WhichOneof("fact") == "settlement_reported":
        translate.refunded(envelope)
    else:
        translate.settled(envelope.settlement_line_recorded.line)


def _price_job(event: Event) -> Job:
    """Keep a price event as a job: of a team, or of a whole campaign."""
    envelope = event.read_as(pricing_pb2.PriceEvent)
    if not translate.is_of_campaign(envelope):
        return _job(event, envelope)
    try:
        platform_id, campaign_id = translate.campaign_key(envelope)
        translate.price_fact(envelope)
    except _UNREADABLE as problem:
        raise Poison(event.event_id, f"cannot be read: {problem}") from None
    topic, value = event.record.topic, event.record.value
    sequence, seq = event.sequence, envelope.tally_seq
    return Job(platform_id, campaign_id, ALL_TEAMS, topic, sequence, seq, value, traceparent=_trace_of(event))


def _trace_of(event: Event) -> str:
    carried = event.record.header(trace.HEADER)
    return carried if trace.is_recorded(carried) else ""
