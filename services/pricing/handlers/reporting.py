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
                await book.load_reports()
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
        self._reports: dict[UUID, list[domain.Report]] = {}
        self._new: list[domain.Report] = []

    async def load_reports(self) -> None:
        """Load what was reported about the lines before."""
        if not self._lines:
            return
        keys = sorted({(line.campaign_id, line.line_id) for line in self._lines.values()})
        loaded = await store.load_reports(self._work.connection, keys)
        self._reports = {line_id: reports for (_, line_id), reports in loaded.items()}

    def decide(self, command: ReportLines, now: datetime) -> bytes | Rejected:
        """Decide a command; all its reports are entered, or the refusal names every one that cannot be."""
        draft = _Draft(self._lines, self._reports, command.key.platform_id)
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
        self._reports.setdefault(line.line_id, []).append(report)
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
        await store.save_line_states(connection, list({item.line_id: item for item in self._new}.values()))
        if failed := [(item.campaign_id, item.line_id) for item in self._new if item.fails_capture]:
            await store.look_again(connection, failed)
        await store.save_teams(connection, [self._teams[key] for key in changed])
        told = [item for item, now in marked if now]
        await tell_settled(self._work, told, {key: self._teams[key].merchant_id for key in changed})


class _Draft:
    """The reports of one command, looked at in order, each with those before it; entered only if all are accepted."""

    def __init__(
        self,
        lines: Mapping[tuple[UUID, UUID], domain.SettlementLine],
        reports: Mapping[UUID, Sequence[domain.Report]],
        platform_id: UUID,
    ) -> None:
        self._lines = lines
        self._before = reports
        self._platform_id = platform_id
        self._drafted: dict[UUID, list[domain.Report]] = {}
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
        known = [*self._before.get(item.line_id, ()), *self._drafted.get(item.line_id, ())]
        same = next((one for one in known if (one.kind, one.reference) == (item.kind, item.reference)), None)
        expected = same.amount if same else domain.open_amount(line, known, item.kind)
        if item.amount != expected:
            return _other_amount(at, line, item, expected)
        if same is None:
            self._accept(line, item, known)
        state = known[-1].state if same else self._drafted[item.line_id][-1].state
        self.answers.append(translate.reported_line(item.line_id, state, before=same is not None))
        return None

    def _accept(self, line: domain.SettlementLine, item: domain.Reported, known: Sequence[domain.Report]) -> None:
        failed = domain.failing_step(line, known) if item.kind is domain.ReportKind.FAILED else None
        draft = _report(line, item, domain.LineState.OPEN, failed, line.at, sequence=0, team_version=0)
        state = domain.line_state(line, [*known, draft])
        self._drafted.setdefault(item.line_id, []).append(replace(draft, state=state))
        self.accepted.append((line, item, state, failed))


def _other_amount(at: int, line: domain.SettlementLine, item: domain.Reported, expected: int) -> Rejected:
    said = f"must be {expected}, what the line asks for" if expected else f"nothing is open of it to be {item.kind}"
    return Rejected(
        "AMOUNT_MISMATCH",
        {"expected": expected, "currency": line.currency, "given": item.amount},
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
