"""Reads what a platform reports about settlement lines, and writes it for events and answers."""

from collections.abc import Sequence
from typing import TypeAlias
from uuid import UUID

from groupbuy.money.v1.money_pb2 import Money
from groupbuy.pricing.v1 import events_pb2, settlements_pb2

from services.chassis import ids, messages
from services.chassis.errors import FieldViolation, Rejected
from services.chassis.messages import Message
from services.pricing import domain
from services.pricing.store import Earned, Listed, MerchantRecord
from services.pricing.translate.awaited import payment_event
from services.pricing.translate.events import SETTLEMENT_TOPIC, line_event
from services.pricing.translate.lines import CAUSES, line
from services.pricing.translate.words import CAMPAIGN, PLATFORM, event_time, money, seat_id, team_id

MOST_REPORTS = 500
MOST_SHOWN = 20
"""Reports of one line in a list: it may fail as often as somebody tries."""
LONGEST_REFERENCE = 128
LONGEST_REASON = 500

_KINDS: dict[domain.ReportKind, events_pb2.ReportKind.ValueType] = {
    domain.ReportKind.CAPTURED: events_pb2.REPORT_KIND_CAPTURED,
    domain.ReportKind.VOIDED: events_pb2.REPORT_KIND_VOIDED,
    domain.ReportKind.REFUNDED: events_pb2.REPORT_KIND_REFUNDED,
    domain.ReportKind.PAID: events_pb2.REPORT_KIND_PAID,
    domain.ReportKind.FAILED: events_pb2.REPORT_KIND_FAILED,
}
STATES: dict[domain.LineState, events_pb2.LineState.ValueType] = {
    domain.LineState.OPEN: events_pb2.LINE_STATE_OPEN,
    domain.LineState.PARTLY: events_pb2.LINE_STATE_PARTLY,
    domain.LineState.DONE: events_pb2.LINE_STATE_DONE,
    domain.LineState.FAILED: events_pb2.LINE_STATE_FAILED,
}
READ_STATES = {code: state for state, code in STATES.items()}
_READ_KINDS = {code: kind for kind, code in _KINDS.items()}


def read_reports(messages_: Sequence[settlements_pb2.LineReport]) -> tuple[domain.Reported, ...]:
    """Read reports; INVALID_ARGUMENT with every field that is wrong, REFERENCE_MISSING where nothing else is."""
    if not 1 <= len(messages_) <= MOST_REPORTS:
        raise Rejected("INVALID_ARGUMENT", fields=(FieldViolation("reports", f"must be 1 to {MOST_REPORTS}"),))
    found = [
        FieldViolation(f"reports[{at}].{field}", problem)
        for at, message in enumerate(messages_)
        for field, problem in _problems(message)
    ]
    if found:
        raise Rejected("INVALID_ARGUMENT", fields=tuple(found))
    missing = [at for at, message in enumerate(messages_) if not message.reference]
    if missing:
        raise Rejected(
            "REFERENCE_MISSING",
            fields=tuple(FieldViolation(f"reports[{at}].reference", "must not be empty") for at in missing),
        )
    return tuple(map(_reported, messages_))


def _problems(message: settlements_pb2.LineReport) -> list[tuple[str, str]]:
    reference = message.reference
    checks = (
        ("line_id", _uuid(message.line_id) is None, "is no line's id; it is the UUID in SettlementLine.line_id"),
        ("kind", message.kind not in _READ_KINDS, "must be CAPTURED, VOIDED, REFUNDED, PAID or FAILED"),
        ("amount", message.amount.minor_units < 1, "must be above zero: what the line asks for"),
        (
            "reference",
            bool(reference) and (not _visible(reference) or len(reference) > LONGEST_REFERENCE),
            f"must be 1 to {LONGEST_REFERENCE} visible ASCII characters",
        ),
        (
            "reason",
            len(message.reason) > LONGEST_REASON or "\0" in message.reason,
            f"must be at most {LONGEST_REASON} characters, none of them NUL",
        ),
    )
    return [(field, problem) for field, wrong, problem in checks if wrong]


def _visible(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _reported(message: settlements_pb2.LineReport) -> domain.Reported:
    return domain.Reported(
        UUID(message.line_id),
        _READ_KINDS[message.kind],
        message.amount.minor_units,
        message.amount.currency,
        message.reference,
        message.reason,
    )


def reported_line(line_id: UUID, state: domain.LineState, *, before: bool) -> settlements_pb2.ReportedLine:
    """Write how far a line is after a report."""
    return settlements_pb2.ReportedLine(line_id=str(line_id), state=STATES[state], repeated_before=before)


def report(value: domain.Report) -> events_pb2.SettlementReported:
    """Write a report."""
    return events_pb2.SettlementReported(
        report_id=str(value.report_id),
        line_id=str(value.line_id),
        seat_id=seat_id(value.campaign_id, value.seat_id),
        kind=_KINDS[value.kind],
        amount=money(value.amount, value.currency),
        reference=value.reference,
        reason=value.reason,
        state=STATES[value.state],
        member_id=value.member_id,
        failed_kind=_KINDS[value.failed_kind] if value.failed_kind else events_pb2.REPORT_KIND_UNSPECIFIED,
        reported_at=event_time(value.at),
    )


def report_event(value: domain.Report) -> events_pb2.SettlementEvent:
    """Write the event that the platform reported something."""
    return events_pb2.SettlementEvent(
        event_id=str(value.report_id),
        platform_id=ids.opaque(PLATFORM, value.platform_id),
        sequence=value.sequence,
        occurred_at=event_time(value.at),
        campaign_id=ids.opaque(CAMPAIGN, value.campaign_id),
        team_id=team_id(value.campaign_id, value.team_id),
        team_version=value.team_version,
        settlement_reported=report(value),
    )


Settled: TypeAlias = domain.SettlementLine | domain.Report | domain.PaymentTold
"""What groupbuy.settlement.v1 tells."""


def settled_event(value: Settled) -> events_pb2.SettlementEvent:
    """Write an event as it is on the topic."""
    match value:
        case domain.Report():
            return report_event(value)
        case domain.PaymentTold():
            return payment_event(value)
        case _:
            return line_event(value)


def settled_message(value: Settled) -> Message:
    """Make the message of an event."""
    event = settled_event(value)
    return messages.message(SETTLEMENT_TOPIC, event.team_id, event)


def settlement(
    value: Listed, reports: Sequence[domain.Report], payments: Sequence[domain.PaymentTold] = ()
) -> settlements_pb2.Settlement:
    """Write a line with what was reported and told about it."""
    return settlements_pb2.Settlement(
        line=line(value.line),
        campaign_id=ids.opaque(CAMPAIGN, value.line.campaign_id),
        team_id=team_id(value.line.campaign_id, value.line.team_id),
        sequence=value.line.sequence,
        occurred_at=event_time(value.line.at),
        state=STATES[value.state],
        updated_at=event_time(value.updated_at),
        reports=map(report, reports[-MOST_SHOWN:]),
        payment_events=map(payment_event, payments),
    )


def merchant_record(record: MerchantRecord) -> settlements_pb2.GetMerchantRecordResponse:
    """Write a merchant's record."""
    return settlements_pb2.GetMerchantRecordResponse(
        teams_opened=record.opened,
        teams_formed=record.formed,
        teams_failed=record.failed,
        teams_cancelled=record.cancelled,
        lines_to_refund=record.to_refund,
        lines_refunded=record.refunded,
        median_hours_to_refund=record.median_hours,
        p90_hours_to_refund=record.p90_hours,
        given_back=[
            settlements_pb2.GivenBack(cause=CAUSES[cause], lines=lines, units=units)
            for cause, lines, units in record.given_back
        ],
        commissions=_earned(record, domain.BeneficiaryKind.COMMISSION),
        leader_rewards=_earned(record, domain.BeneficiaryKind.LEADER_REWARD),
    )


def _earned(record: MerchantRecord, of: domain.BeneficiaryKind) -> list[Money]:
    return [money(amount, currency) for kind, currency, amount in record.earned if kind is of]


_EARNED_FOR = {
    domain.BeneficiaryKind.COMMISSION: settlements_pb2.BENEFICIARY_KIND_COMMISSION,
    domain.BeneficiaryKind.LEADER_REWARD: settlements_pb2.BENEFICIARY_KIND_LEADER_REWARD,
}


def beneficiary_line(row: Earned) -> settlements_pb2.BeneficiaryLine:
    """Write what a promoter or leader earns by a seat for a cause."""
    return settlements_pb2.BeneficiaryLine(
        row_id=str(row.row_id),
        beneficiary_id=row.beneficiary_id,
        line_id=str(row.line_id),
        seat_id=seat_id(row.campaign_id, row.seat_id),
        merchant_id=row.merchant_id,
        cause=CAUSES[row.cause],
        cause_event_id=str(row.cause_event_id),
        occurred_at=event_time(row.at),
        commission_basis_points=row.commission_basis_points,
        quantity=row.quantity,
        unit_price=money(row.unit_price, row.currency),
        amount=money(row.amount, row.currency),
        kind=_EARNED_FOR[row.kind],
    )
