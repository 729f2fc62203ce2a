"""Makes the settlement lines of teams, in chunks, in the order of their causes."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias
from uuid import UUID

from services.chassis import ids, logs, spans, trace
from services.chassis.database import Connection, Database
from services.chassis.errors import Poison
from services.chassis.work import Work
from services.pricing import domain, store
from services.pricing.handlers.accounts import note_taken_back
from services.pricing.handlers.earnings import record_earnings
from services.pricing.handlers.payable import payable
from services.pricing.handlers.tables import Tables
from services.pricing.handlers.told import tell_settled
from services.pricing.handlers.turns import Turns, apart

CHUNK = 500
"""Most lines that one transaction makes."""

_PAGE = 50
_NOWHERE = UUID(int=0)

TeamKey: TypeAlias = tuple[UUID, UUID]
SeatKey: TypeAlias = tuple[UUID, UUID]

log = logs.logger(__name__)


async def settle_new(
    work: Work,
    jobs: Sequence[domain.Job],
    teams: Mapping[TeamKey, domain.Team],
    table_of: Callable[[domain.Team], domain.PriceTable],
) -> None:
    """Work off new jobs of locked teams at once where a chunk holds them; others, and all behind them, are stored."""
    if not jobs:
        return
    waiting = await store.find_teams_with_jobs(work.connection, sorted({_team_key(job) for job in jobs}))
    single = await _load_seats(work.connection, jobs)
    lines: list[domain.SettlementLine] = []
    of_lines: dict[UUID, domain.Seat] = {}
    rest: list[domain.Job] = []
    for job in jobs:
        key = _team_key(job)
        if key in waiting or job.lines > CHUNK - len(lines) or _waits(job, teams[key], table_of(teams[key])):
            waiting.add(key)
            rest.append(job)
            continue
        seats = await _seats(work.connection, job, single)
        made, after = await _settle(work.connection, job, teams[key], table_of(teams[key]), seats)
        if not after.finished:
            raise Poison(job.cause_event_id, f"{job.cause} concerns {job.lines} seats, but {after.done} are stored")
        lines += made
        of_lines |= {seat.seat_id: seat for seat in seats}
    await _record(work, lines, teams, of_lines)
    if rest:
        await store.insert_jobs(work.connection, [(job, _trace_of(job)) for job in rest])


class SettlementFinder:
    """Run by a timer: works off what is stored, one chunk of each team at a time."""

    def __init__(self, database: Database, tables: Tables) -> None:
        self._database = database
        self._tables = tables
        self._turns: Turns[TeamKey] = Turns((_NOWHERE, _NOWHERE))

    async def run_once(self) -> int:
        """Make a chunk of lines for each team of the next page that waits; returns how many lines.

        0 only where no team can go on; one whose lines cannot be made stands, and others do not.
        """
        return await self._turns.take(self._find, _PAGE, self._settle)

    async def _find(self, after: TeamKey) -> list[TeamKey]:
        async with self._database.read() as connection:
            return await store.find_jobs(connection, after, _PAGE)

    async def _settle(self, teams: Sequence[TeamKey]) -> int:
        return sum([await apart(key[1], self._settle_chunk(key), "settlement stands") for key in teams])

    async def _settle_chunk(self, key: TeamKey) -> int:
        async with self._database.work() as work:
            team = (await store.lock_teams(work.connection, [key])).get(key)
            stored = await store.load_first_job(work.connection, *key)
            if team is None or stored is None:
                return 0
            job, traceparent = stored
            table_key = (team.platform_id, team.campaign_id, team.ladder_version)
            table = (await self._tables.find(work.connection, [table_key]))[table_key]
            if _waits(job, team, table):
                return 0
            seats = await _seats(work.connection, job, await _load_seats(work.connection, [job]))
            lines, after = await _settle(work.connection, job, team, table, seats)
            if not lines and not job.finished:
                log.error("settlement stands: its seats are not there", team=str(team.team_id), done=job.done)
            reports = await _reports_behind(work.connection, after)
            with trace.within(traceparent), spans.under("settle a team"):
                await _record(
                    work, lines, {key: team}, {seat.seat_id: seat for seat in seats}, reports[:CHUNK], team.merchant_id
                )
            if len(reports) <= CHUNK:
                await store.save_job(work.connection, after)
            else:
                await store.keep_job(work.connection, after)
        return len(lines) + len(reports[:CHUNK])


def _trace_of(job: domain.Job) -> str:
    trace.caused_by(job.cause_event_id)
    return trace.kept()


def _waits(job: domain.Job, team: domain.Team, table: domain.PriceTable) -> bool:
    """Tell whether a job needs the price that the campaign's next tally fixes."""
    return job.cause is domain.Cause.TEAM_FORMED and table.basis.is_of_campaign and not team.tally_seq


def _team_key(of: domain.Job | domain.SettlementLine | domain.Report) -> TeamKey:
    return of.campaign_id, of.team_id


async def _load_seats(connection: Connection, jobs: Sequence[domain.Job]) -> dict[SeatKey, domain.Seat]:
    """Load the seats of the jobs that are about one seat."""
    keys = sorted({(job.campaign_id, job.seat_id) for job in jobs if job.seat_id})
    return await store.load_seats(connection, keys) if keys else {}


async def _seats(connection: Connection, job: domain.Job, single: Mapping[SeatKey, domain.Seat]) -> list[domain.Seat]:
    """Give the next seats of a job, at most a chunk; none where it is kept only for reports behind it."""
    if job.finished:
        return []
    if job.seat_id:
        seat = single.get((job.campaign_id, job.seat_id))
        return [seat] if seat else []
    limit = min(CHUNK, job.lines - job.done)
    as_formed = job.cause is domain.Cause.TEAM_FORMED
    return await store.load_paying(
        connection, job.campaign_id, job.team_id, job.after_number, job.version, limit, as_formed=as_formed
    )


async def _settle(
    connection: Connection,
    job: domain.Job,
    team: domain.Team,
    table: domain.PriceTable,
    seats: Sequence[domain.Seat],
) -> tuple[list[domain.SettlementLine], domain.Job]:
    named = [(ids.derived_id(seat.seat_id, job.cause_event_id), seat) for seat in seats]
    if (
        team.payment_mode is not domain.PaymentMode.PAY_ON_DELIVERY
        or job.cause is domain.Cause.TEAM_FORMED
        or not seats
    ):
        return domain.settle(team, table, job, named)
    keys = [(seat.campaign_id, seat.seat_id) for seat in seats]
    return domain.settle(team, table, job, named, await store.load_units_left(connection, keys, job.version))


async def _reports_behind(connection: Connection, job: domain.Job) -> list[domain.Report]:
    """Give the reports that waited for a job that is finished, at most one more than a chunk."""
    if not job.finished:
        return []
    return await store.load_waiting_reports(connection, job.campaign_id, job.team_id, job.version, CHUNK + 1)


async def _record(
    work: Work,
    lines: Sequence[domain.SettlementLine],
    teams: Mapping[TeamKey, domain.Team],
    seats: Mapping[UUID, domain.Seat],
    reports: Sequence[domain.Report] = (),
    merchant_id: str = "",
) -> None:
    """Store and tell lines, and after them the reports of one team that waited for them."""
    lines = await payable(work, lines, teams)
    if lines:
        await store.insert_lines(work.connection, lines)
        await note_taken_back(work.connection, lines)
    await record_earnings(work.connection, lines, seats)
    if reports:
        await store.mark_told(work.connection, reports)
    merchants = {_team_key(item): merchant_id for item in reports}
    merchants |= {_team_key(line): line.merchant_id for line in lines}
    await tell_settled(work, [*lines, *reports], merchants)
