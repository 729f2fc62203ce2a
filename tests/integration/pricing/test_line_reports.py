"""ReportSettlement: the state of a line moves, its amounts never; each report once, whoever sends it how often."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from groupbuy.money.v1.money_pb2 import Money
from groupbuy.pricing.v1 import events_pb2, settlements_pb2

from services.chassis.clock import Clock
from services.chassis.coalesce import Coalescer
from services.chassis.errors import Rejected
from services.chassis.requests import NO_CAMPAIGN, RequestKey, body_hash, check_request_id
from services.pricing import translate
from services.pricing.handlers import ReportLines, ReportWriter
from tests.support.pricing import PricingService
from tests.support.teams import HOLD, PREPAID, TeamLife

PLATFORM = uuid4()
CAPTURED, VOIDED, REFUNDED, PAID, FAILED = (
    events_pb2.REPORT_KIND_CAPTURED,
    events_pb2.REPORT_KIND_VOIDED,
    events_pb2.REPORT_KIND_REFUNDED,
    events_pb2.REPORT_KIND_PAID,
    events_pb2.REPORT_KIND_FAILED,
)
DONE, PARTLY = events_pb2.LINE_STATE_DONE, events_pb2.LINE_STATE_PARTLY


def a_report(
    line: events_pb2.SettlementLine,
    kind: events_pb2.ReportKind.ValueType,
    amount: int,
    reference: str = "ref-1",
    currency: str = "EUR",
) -> settlements_pb2.LineReport:
    return settlements_pb2.LineReport(
        line_id=line.line_id, kind=kind, amount=Money(minor_units=amount, currency=currency), reference=reference
    )


def a_command(*reports: settlements_pb2.LineReport, request_id: str = "", platform: UUID = PLATFORM) -> ReportLines:
    """Read a request as the RPC does."""
    request = settlements_pb2.ReportSettlementRequest(request_id=request_id or str(uuid4()), reports=reports)
    check_request_id(request.request_id)
    key = RequestKey(NO_CAMPAIGN, platform, "ReportSettlement", request.request_id, body_hash(request))
    return ReportLines(key, translate.read_reports(request.reports))


def states(answer: bytes | Rejected) -> list[int]:
    assert isinstance(answer, bytes)
    return [line.state for line in settlements_pb2.ReportSettlementResponse.FromString(answer).lines]


class Reporting:
    """Pricing with a team that has formed, and somebody who reports."""

    def __init__(self, pricing: PricingService, writer: ReportWriter) -> None:
        self.pricing = pricing
        self.writer = writer

    async def form(self, mode: Any = HOLD, members: int = 3, *, settle: bool = True) -> TeamLife:
        life = TeamLife(payment_mode=mode, platform=PLATFORM, maximum=100)
        life.open("m0")
        life.confirm("m0")
        for n in range(1, members):
            life.join(f"m{n}")
        life.form()
        await self.pricing.apply(life.records)
        if settle:
            await self.pricing.settle()
        return life

    async def lines(self) -> list[events_pb2.SettlementLine]:
        return [event.settlement_line_recorded.line for event in await self.pricing.settled()]

    async def told(self) -> list[events_pb2.SettlementReported]:
        events = await self.pricing.settled()
        return [event.settlement_reported for event in events if event.HasField("settlement_reported")]


@pytest.fixture
async def reporting(pricing: PricingService) -> Reporting:
    return Reporting(pricing, ReportWriter(pricing.database, Clock()))


async def test_a_line_is_reported_step_by_step_and_never_changes(reporting: Reporting) -> None:
    await reporting.form()
    line = (await reporting.lines())[0]
    before = await reporting.pricing.rows("SELECT * FROM settlement_lines ORDER BY sequence")
    [captured] = await reporting.writer.decide([a_command(a_report(line, CAPTURED, line.to_capture.minor_units))])
    [voided] = await reporting.writer.decide([a_command(a_report(line, VOIDED, line.to_void.minor_units))])
    assert (states(captured), states(voided)) == ([PARTLY], [DONE])
    assert await reporting.pricing.rows("SELECT * FROM settlement_lines ORDER BY sequence") == before
    events = await reporting.pricing.settled()
    assert [event.sequence for event in events] == [1, 2, 3, 4, 5]
    told = await reporting.told()
    assert [(item.kind, item.amount.minor_units, item.state) for item in told] == [
        (CAPTURED, line.to_capture.minor_units, PARTLY),
        (VOIDED, line.to_void.minor_units, DONE),
    ]
    assert {(item.line_id, item.seat_id, item.member_id) for item in told} == {
        (line.line_id, line.seat_id, line.member_id)
    }
    assert await reporting.pricing.rows("SELECT state FROM line_states") == [{"state": "DONE"}]


async def test_the_same_report_again_changes_nothing(reporting: Reporting) -> None:
    await reporting.form(PREPAID)
    line = (await reporting.lines())[0]
    report = a_report(line, REFUNDED, line.to_refund.minor_units)
    first = a_command(report, request_id="one")
    answers = await reporting.writer.decide([first, first, a_command(report, report)])
    assert answers[0] == answers[1]
    assert await reporting.writer.decide([first]) == [answers[0]]
    again = settlements_pb2.ReportSettlementResponse.FromString(answers[2])  # type: ignore[arg-type]
    assert [(item.state, item.repeated_before) for item in again.lines] == [(DONE, True), (DONE, True)]
    assert len(await reporting.told()) == 1
    reused = (await reporting.writer.decide([a_command(report, report, request_id="one")]))[0]
    assert isinstance(reused, Rejected)
    assert reused.reason == "REQUEST_ID_REUSED"


async def test_two_replicas_at_once_take_a_report_once(reporting: Reporting) -> None:
    await reporting.form(PREPAID, members=20)
    lines = [line for line in await reporting.lines() if line.to_refund.minor_units]
    commands = [a_command(a_report(line, REFUNDED, line.to_refund.minor_units)) for line in lines]
    other = ReportWriter(reporting.pricing.database, Clock())
    replicas: list[Coalescer[ReportLines, bytes]] = [
        Coalescer("reports", writer.decide, limit=3) for writer in (reporting.writer, other)
    ]
    running = [asyncio.create_task(replica.run()) for replica in replicas]
    asked = [replica.submit(command) for command in commands for replica in replicas]
    answers = await asyncio.gather(*asked)
    for task in running:
        task.cancel()
    await asyncio.wait(running)
    assert answers[::2] == answers[1::2]
    told = await reporting.told()
    assert sorted(item.line_id for item in told) == sorted(line.line_id for line in lines)
    sequences = [event.sequence for event in await reporting.pricing.settled()]
    assert sequences == list(range(1, len(sequences) + 1))


async def test_reports_wait_behind_lines_that_are_not_made_yet(
    reporting: Reporting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.pricing.handlers.settle.CHUNK", 2)
    life = await reporting.form(PREPAID, members=6, settle=False)
    life.late("m3", "paid-again")
    await reporting.pricing.apply(life.records[-1:])
    await reporting.pricing.settlements.run_once()
    lines = await reporting.lines()
    assert len(lines) == 2
    reports = [a_report(line, REFUNDED, line.to_refund.minor_units) for line in lines if line.to_refund.minor_units]
    [answer] = await reporting.writer.decide([a_command(*reports[:1])])
    assert states(answer) == [DONE]
    assert await reporting.told() == []
    life.late("m4", "once-more")
    await reporting.pricing.apply(life.records[-1:])
    await reporting.pricing.settle()
    events = await reporting.pricing.settled()
    assert [event.sequence for event in events] == list(range(1, 10))
    facts = [event.WhichOneof("fact") for event in events]
    assert facts == ["settlement_line_recorded"] * 7 + ["settlement_reported", "settlement_line_recorded"]
    assert await reporting.pricing.rows("SELECT * FROM settlement_jobs") == []
    spans = await reporting.pricing.rows(
        "SELECT first_sequence AS f, last_sequence AS l FROM settlement_feed ORDER BY 1"
    )
    assert [n for span in spans for n in range(span["f"], span["l"] + 1)] == list(range(1, 10))


async def test_more_reports_than_a_chunk_wait_their_turn(reporting: Reporting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.pricing.handlers.settle.CHUNK", 2)
    await reporting.form(HOLD, members=8, settle=False)
    for _ in range(3):
        await reporting.pricing.settlements.run_once()
    reports = [a_report(line, CAPTURED, line.to_capture.minor_units) for line in await reporting.lines()]
    await reporting.writer.decide([a_command(*reports)])
    assert (len(reports), await reporting.told()) == (6, [])
    await reporting.pricing.settle()
    events = await reporting.pricing.settled()
    assert [event.sequence for event in events] == list(range(1, 15))
    assert len(await reporting.told()) == 6
    assert await reporting.pricing.rows("SELECT * FROM settlement_jobs") == []


async def test_a_line_of_one_seat_with_more_reports_than_a_chunk_behind_it_is_made_once(
    reporting: Reporting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.pricing.handlers.settle.CHUNK", 2)
    life = await reporting.form(HOLD, members=8, settle=False)
    life.late("m3", "paid-again")
    await reporting.pricing.apply(life.records[-1:])
    for _ in range(3):
        await reporting.pricing.settlements.run_once()
    reports = [a_report(line, CAPTURED, line.to_capture.minor_units) for line in await reporting.lines()]
    await reporting.writer.decide([a_command(*reports)])
    assert (len(reports), await reporting.told()) == (6, [])
    await reporting.pricing.settle()
    assert [event.sequence for event in await reporting.pricing.settled()] == list(range(1, 16))
    assert len(await reporting.told()) == 6
    assert await reporting.pricing.rows("SELECT * FROM settlement_jobs") == []


async def test_one_bad_report_keeps_all_of_its_request_out(reporting: Reporting) -> None:
    await reporting.form(HOLD)
    first, second, third = await reporting.lines()
    good = a_report(first, CAPTURED, first.to_capture.minor_units)
    unknown = settlements_pb2.LineReport(
        line_id=str(uuid4()), kind=PAID, amount=Money(minor_units=1, currency="EUR"), reference="r"
    )
    more = second.to_capture.minor_units + 1
    cases = [
        ((good, a_report(second, CAPTURED, more)), "AMOUNT_MISMATCH", ["reports[1].amount"]),
        ((good, unknown), "LINE_UNKNOWN", ["reports[1].line_id"]),
        ((good, a_report(third, CAPTURED, 1, currency="USD")), "CURRENCY_MISMATCH", ["reports[1].amount.currency"]),
        ((good, unknown, a_report(second, PAID, 1)), "LINE_UNKNOWN", ["reports[1].line_id", "reports[2].amount"]),
    ]
    for reports, reason, fields in cases:
        [answer] = await reporting.writer.decide([a_command(*reports)])
        assert isinstance(answer, Rejected)
        assert (answer.reason, [field.field for field in answer.fields]) == (reason, fields)
    [theirs] = await reporting.writer.decide([a_command(good, platform=uuid4())])
    assert isinstance(theirs, Rejected)
    assert theirs.reason == "LINE_UNKNOWN"
    assert await reporting.told() == []
    assert await reporting.pricing.rows("SELECT * FROM line_reports") == []


@pytest.mark.parametrize(
    ("more", "reason", "field"),
    [
        ({"line_id": "x"}, "INVALID_ARGUMENT", "reports[0].line_id"),
        ({"kind": 0}, "INVALID_ARGUMENT", "reports[0].kind"),
        ({"kind": 99}, "INVALID_ARGUMENT", "reports[0].kind"),
        ({"amount": Money(minor_units=0, currency="EUR")}, "INVALID_ARGUMENT", "reports[0].amount"),
        ({"amount": Money(minor_units=-5, currency="EUR")}, "INVALID_ARGUMENT", "reports[0].amount"),
        ({"reference": ""}, "REFERENCE_MISSING", "reports[0].reference"),
        ({"reference": "a b"}, "INVALID_ARGUMENT", "reports[0].reference"),
        ({"reference": "r" * 129}, "INVALID_ARGUMENT", "reports[0].reference"),
        ({"reason": "\0"}, "INVALID_ARGUMENT", "reports[0].reason"),
        ({"reason": "r" * 501}, "INVALID_ARGUMENT", "reports[0].reason"),
    ],
)
def test_what_cannot_be_a_report_is_refused_by_field(more: dict[str, Any], reason: str, field: str) -> None:
    good = {"line_id": str(uuid4()), "kind": PAID, "amount": Money(minor_units=5, currency="EUR"), "reference": "r"}
    with pytest.raises(Rejected) as caught:
        translate.read_reports([settlements_pb2.LineReport(**{**good, **more})])
    assert (caught.value.reason, [item.field for item in caught.value.fields]) == (reason, [field])


@pytest.mark.parametrize("count", [0, 501])
def test_a_request_brings_1_to_500_reports(count: int) -> None:
    with pytest.raises(Rejected) as caught:
        translate.read_reports([settlements_pb2.LineReport()] * count)
    assert [item.field for item in caught.value.fields] == ["reports"]
