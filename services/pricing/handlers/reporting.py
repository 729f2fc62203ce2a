"""ReportSettlement: what platforms did about settlement lines moves their state, in batches, once per request id."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from groupbuy.pricing.v1 import settlements_pb2

from services.chassis import ids, requests
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.errors import FieldViolation, Rejected
from services.chassis.requests import Answers, Decided, RequestKey
from services.chassis.work import Work
from services.pricing import domain, store, translate
from services.pricing.handlers.accounts import load_accounts
from services.pricing.handlers.told import tell_settled

BATCH = 20
"""Most commands of one transaction; each brings up to 500 reports."""


@dataclass(frozen=True, slots=True)
class ReportLines:
    """A checked command."""

    key: RequestKey
    reports: tuple[domain.Reported, ...]


class ReportWriter:
    """Decides batches of ReportSettlement."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def decide(self, commands: Sequence[ReportLines]) -> list[bytes | Rejected]:
        """Store reports, states and answers in one transaction; all reports of a command, or none."""
        first: dict[tuple[UUID, str], ReportLines] = {}
        for command in commands:
            first.setdefault((command.key.platform_id, command.key.request_id), command)
        lines = await self._find_lines(first.values())
        async with self._database.work() as work:
            book = await _load(work, lines)
            keys = [command.key for command in first.values()]
            known = Answers(keys, await (await requests.known(work.connection, [keys])).one())
            fresh = [command for command in first.values() if known.get(command.key) is None]
            if fresh:
                await book.load_accounts()
                decided = [
                    Decided(item.key, book.decide(item, self._clock.now(item.key.platform_id))) for item in fresh
                ]
                await book.save()
                await requests.store(work.connection, [decided])
                for item in decided:
                    known.keep(item.key, item.answer)
        return [known.get(command.key) or b"" for command in commands]

    async def _find_lines(self, commands: Iterable[ReportLines]) -> dict[tuple[UUID, UUID], domain.SettlementLine]:
        """Find lines, which never change, before the transaction: one that has read no table can wait for a swap."""
        named = {(command.key.platform_id, item.line_id) for command in commands for item in command.reports}
        async with self._database.read() as connection:
            return await store.find_lines(connection, sorted(named))


async def _load(work: Work, lines: Mapping[tuple[UUID, UUID], domain.SettlementLine]) -> "_Book":
    """Lock the teams of lines, in id order; what was decided before is to be read after it."""
    keys = sorted({(line.campaign_id, line.team_id) for line in lines.values()})
    return _Book(work, lines, await store.lock_teams(work.connection, keys) if keys else {})


class _Book:
    """The lines and teams that a batch of reports concerns, and what changes."""

    def __init__(
        self,
        work: Work,
        lines: Mapping[tuple[UUID, UUID], domain.SettlementLine],
        teams: dict[tuple[UUID, UUID], domain.Team],
    ) -> None:
        self._work = work
        self._lines = lines
        self._teams = teams
        self._before: dict[UUID, domain.SeatAccount] = {}
        self._accounts: dict[UUID, domain.SeatAccount] = {}
        self._new: list[domain.Report] = []

    async def load_accounts(self) -> None:
        """Load all lines of the seats, and what was reported about them before."""
        seats = {(line.campaign_id, line.seat_id) for line in self._lines.values()}
        self._before = await load_accounts(self._work.connection, seats)
        self._accounts = dict(self._before)

    def decide(self, command: ReportLines, now: datetime) -> bytes | Rejected:
        """Decide a command; all its reports are entered, or the refusal names every one that cannot be."""
        draft = _Draft(self._lines, self._accounts, command.key.platform_id)
        refusals = [refusal for at, item in enumerate(command.reports) if (refusal := draft.add(at, item))]
        if refusals:
            fields = tuple(field for refusal in refusals for field in refusal.fields)
            return Rejected(refusals[0].reason, refusals[0].metadata, fields)
        for line, item, state, failed in draft.accepted:
            self._enter(line, item, state, failed, now)
        return settlements_pb2.ReportSettlementResponse(lines=draft.answers).SerializeToString()

    def _enter(
        self,
        line: domain.SettlementLine,
        item: domain.Reported,
        state: domain.LineState,
        failed: domain.ReportKind | None,
        now: datetime,
    ) -> None:
        key = (line.campaign_id, line.team_id)
        team = self._teams[key]
        sequence = team.settlement_sequence + 1
        self._teams[key] = replace(team, settlement_sequence=sequence)
        report = _report(line, item, state, failed, now, sequence=sequence, team_version=team.version)
        self._accounts[line.seat_id] = self._accounts[line.seat_id].with_report(report)
        self._new.append(report)

    async def save(self) -> None:
        """Write what changed; reports of teams whose lines are not all made yet are told after those."""
        if not self._new:
            return
        connection = self._work.connection
        changed = sorted({(item.campaign_id, item.team_id) for item in self._new})
        waiting = await store.find_teams_with_jobs(connection, changed)
        marked = [(item, (item.campaign_id, item.team_id) not in waiting) for item in self._new]
        await store.insert_reports(connection, marked)
        await store.save_line_states(connection, self._moved())
        if failed := [(item.campaign_id, item.line_id) for item in self._new if item.fails_capture]:
            await store.look_again(connection, failed)
        await store.save_teams(connection, [self._teams[key] for key in changed])
        told = [item for item, now in marked if now]
        await tell_settled(self._work, told, {key: self._teams[key].merchant_id for key in changed})

    def _moved(self) -> list[tuple[domain.SettlementLine, domain.LineState, datetime]]:
        """Give the lines that were reported about, and others of their seats that are further, or less far, by it."""
        reported = {item.line_id for item in self._new}
        moved = []
        for seat_id, at in {item.seat_id: item.at for item in self._new}.items():
            before, account = self._before[seat_id], self._accounts[seat_id]
            for line in account.lines:
                state = domain.line_state(line, account)
                if line.line_id in reported or state is not domain.line_state(line, before):
                    moved.append((line, state, at))
        return moved


class _Draft:
    """The reports of one command, looked at in order, each with those before it; entered only if all are accepted."""

    def __init__(
        self,
        lines: Mapping[tuple[UUID, UUID], domain.SettlementLine],
        accounts: Mapping[UUID, domain.SeatAccount],
        platform_id: UUID,
    ) -> None:
        self._lines = lines
        self._accounts = dict(accounts)
        self._platform_id = platform_id
        self.accepted: list[
            tuple[domain.SettlementLine, domain.Reported, domain.LineState, domain.ReportKind | None]
        ] = []
        self.answers: list[settlements_pb2.ReportedLine] = []

    def add(self, at: int, item: domain.Reported) -> Rejected | None:
        """Look at a report; what is wrong with it, if anything."""
        line = self._lines.get((self._platform_id, item.line_id))
        if line is None:
            field = FieldViolation(f"reports[{at}].line_id", "is no line of this platform")
            return Rejected("LINE_UNKNOWN", {"line_id": item.line_id}, (field,))
        if item.currency != line.currency:
            field = FieldViolation(f"reports[{at}].amount.currency", f"must be {line.currency}")
            return Rejected("CURRENCY_MISMATCH", {"currency": line.currency, "given": item.currency}, (field,))
        account = self._accounts[line.seat_id]
        known = account.about(line)
        same = next((one for one in known if (one.kind, one.reference) == (item.kind, item.reference)), None)
        expected = (same.amount,) if same else domain.open_amounts(line, account, item.kind)
        if item.amount not in expected:
            return _other_amount(at, line, item, expected)
        state = known[-1].state if same else self._accept(line, item, account)
        self.answers.append(translate.reported_line(item.line_id, state, before=same is not None))
        return None

    def _accept(
        self, line: domain.SettlementLine, item: domain.Reported, account: domain.SeatAccount
    ) -> domain.LineState:
        failed = domain.failing_step(line, account) if item.kind is domain.ReportKind.FAILED else None
        draft = _report(line, item, domain.LineState.OPEN, failed, line.at, sequence=0, team_version=0)
        state = domain.line_state(line, account.with_report(draft))
        self._accounts[line.seat_id] = account.with_report(replace(draft, state=state))
        self.accepted.append((line, item, state, failed))
        return state


def _other_amount(at: int, line: domain.SettlementLine, item: domain.Reported, expected: Sequence[int]) -> Rejected:
    said = (
        f"must be {expected[0]}, what is open of the line" if expected else f"nothing is open of it to be {item.kind}"
    )
    if before := ", ".join(map(str, expected[1:])):
        said += f"; or {before} where that was before units were given back"
    return Rejected(
        "AMOUNT_MISMATCH",
        {"expected": expected[0] if expected else 0, "currency": line.currency, "given": item.amount},
        (FieldViolation(f"reports[{at}].amount", said),),
    )


def _report(
    line: domain.SettlementLine,
    item: domain.Reported,
    state: domain.LineState,
    failed: domain.ReportKind | None,
    at: datetime,
    *,
    sequence: int,
    team_version: int,
) -> domain.Report:
    return domain.Report(
        report_id=ids.derived_id(line.line_id, item.kind, item.reference),
        campaign_id=line.campaign_id,
        team_id=line.team_id,
        platform_id=line.platform_id,
        line_id=line.line_id,
        seat_id=line.seat_id,
        member_id=line.member_id,
        sequence=sequence,
        team_version=team_version,
        kind=item.kind,
        failed_kind=failed,
        amount=item.amount,
        currency=item.currency,
        reference=item.reference,
        reason=item.reason,
        state=state,
        at=at,
    )
