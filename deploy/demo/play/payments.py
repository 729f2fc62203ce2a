"""What the shop reports of money and goods: charges captured, failed or paid, deliveries taken or refused."""

from time import perf_counter

from groupbuy.money.v1.money_pb2 import Money
from groupbuy.pricing.v1 import deliveries_pb2
from groupbuy.pricing.v1.events_pb2 import (
    REPORT_KIND_CAPTURED,
    REPORT_KIND_FAILED,
    REPORT_KIND_PAID,
    REPORT_KIND_VOIDED,
    LineState,
    ReportKind,
    SettlementLine,
)
from groupbuy.pricing.v1.settlements_pb2 import LineReport, ReportSettlementRequest

from deploy.demo.actor import Refused
from deploy.demo.money import money
from deploy.demo.play.receipts import settlement
from deploy.demo.play.turn import Turn
from deploy.demo.scene import model
from deploy.demo.show.text import counted


async def settles(turn: Turn, step: model.Settles) -> None:
    """The shop reports that what a member owes was paid: what is due, or what could not be captured."""
    await turn.announce(f"{step.member} pays what is due, and the shop reports it")
    lines = await _lines(turn, step.member)
    asked = [(line, line.due if line.due.minor_units else line.to_capture) for line in lines]
    reports = [_report(line, REPORT_KIND_PAID, amount) for line, amount in asked if amount.minor_units > 0]
    await _tell(turn, [*reports, *_voids(lines)], f"what {step.member} owed")


async def captures(turn: Turn, step: model.Captures) -> None:
    """The shop captures what an authorisation is charged and voids the rest; or the capture fails."""
    outcome = "the card refuses" if step.fails else "what is not charged is set free"
    await turn.announce(f"the shop captures {step.member}'s authorisation: {outcome}")
    lines = await _lines(turn, step.member)
    kind = REPORT_KIND_FAILED if step.fails else REPORT_KIND_CAPTURED
    reports = [_report(line, kind, line.to_capture) for line in lines if line.to_capture.minor_units > 0]
    await _tell(turn, reports if step.fails else [*reports, *_voids(lines)], f"{step.member}'s authorisation")


async def _lines(turn: Turn, member: str) -> list[SettlementLine]:
    """List the lines of a member's seat, once they are all there."""
    seat = turn.world.seat_of(member)
    return [line for line in await settlement(turn.shop, seat.team_id) if line.seat_id == seat.seat_id]


def _voids(lines: list[SettlementLine]) -> list[LineReport]:
    return [_report(line, REPORT_KIND_VOIDED, line.to_void) for line in lines if line.to_void.minor_units > 0]


def _report(line: SettlementLine, kind: ReportKind.ValueType, amount: Money) -> LineReport:
    reference = f"{ReportKind.Name(kind).removeprefix('REPORT_KIND_').lower()}-{line.member_id}"
    return LineReport(line_id=line.line_id, kind=kind, amount=amount, reference=reference)


async def _tell(turn: Turn, reports: list[LineReport], what: str) -> None:
    began = perf_counter()
    answer = await turn.shop.ask(turn.shop.prices.ReportSettlement, ReportSettlementRequest(reports=reports))
    last = {line.line_id: LineState.Name(line.state).removeprefix("LINE_STATE_") for line in answer.lines}
    turn.answered(began, f"{what} is {', '.join(sorted(set(last.values())))}", "ReportSettlement")
    turn.effects.flush()
    await turn.stage.beat(1.0)


async def delivered(turn: Turn, step: model.Delivered) -> None:
    """The shop reports what became of a member's delivery, and what is due no longer."""
    seat = turn.world.seat_of(step.member)
    await settlement(turn.shop, seat.team_id)  # before its lines are there a team takes no report
    await turn.announce(f"{step.member} at the door: {_at_the_door(step)}")
    request = deliveries_pb2.ReportDeliveryRequest(seat_id=seat.seat_id, outcome=_outcome(step))
    if step.because:
        request.reason = deliveries_pb2.RefusalReason.Value(f"REFUSAL_REASON_{step.because.upper()}")
        request.accepted_units = step.accepted or 0
    began = perf_counter()
    try:
        answer = await turn.shop.ask(turn.shop.prices.ReportDelivery, request)
    except Refused as refused:
        await turn.refused(began, refused, step.refused, "ReportDelivery")
        return
    turn.not_refused(step.refused, "it was accepted")
    back = answer.line.due
    words = f"{money(-back.minor_units, back.currency)} due no longer" if answer.HasField("line") else "all is due"
    turn.answered(began, words, "ReportDelivery")
    turn.effects.flush()
    await turn.stage.beat(1.0)


def _outcome(step: model.Delivered) -> deliveries_pb2.DeliveryOutcome.ValueType:
    if step.accepted is None:
        return deliveries_pb2.DELIVERY_OUTCOME_ACCEPTED
    in_part = step.accepted > 0
    return deliveries_pb2.DELIVERY_OUTCOME_ACCEPTED_IN_PART if in_part else deliveries_pb2.DELIVERY_OUTCOME_REFUSED


def _at_the_door(step: model.Delivered) -> str:
    if step.accepted is None:
        return "takes everything"
    taken = f"takes {counted(step.accepted, 'unit')}" if step.accepted else "takes nothing"
    return f"{taken} ({step.because.replace('_', ' ')})"
