"""Writes a settlement line, for events and answers alike."""

from groupbuy.pricing.v1 import events_pb2

from services.pricing import domain
from services.pricing.translate.words import event_time, money, seat_id

CAUSES: dict[domain.Cause, events_pb2.SettlementCause.ValueType] = {
    domain.Cause.TEAM_FORMED: events_pb2.SETTLEMENT_CAUSE_TEAM_FORMED,
    domain.Cause.TEAM_FAILED: events_pb2.SETTLEMENT_CAUSE_TEAM_FAILED,
    domain.Cause.SEAT_LEFT: events_pb2.SETTLEMENT_CAUSE_SEAT_LEFT,
    domain.Cause.LATE_PAYMENT: events_pb2.SETTLEMENT_CAUSE_LATE_PAYMENT,
    domain.Cause.SEAT_REDUCED: events_pb2.SETTLEMENT_CAUSE_SEAT_REDUCED,
    domain.Cause.SEAT_WITHDRAWN: events_pb2.SETTLEMENT_CAUSE_SEAT_WITHDRAWN,
    domain.Cause.SEAT_DEFAULTED: events_pb2.SETTLEMENT_CAUSE_SEAT_DEFAULTED,
    domain.Cause.TEAM_CANCELLED: events_pb2.SETTLEMENT_CAUSE_TEAM_CANCELLED,
    domain.Cause.DELIVERY_REFUSED: events_pb2.SETTLEMENT_CAUSE_DELIVERY_REFUSED,
}


def line(value: domain.SettlementLine) -> events_pb2.SettlementLine:
    """Write a settlement line."""
    currency, amounts = value.currency, value.amounts
    return events_pb2.SettlementLine(
        line_id=str(value.line_id),
        seat_id=seat_id(value.campaign_id, value.seat_id),
        member_id=value.member_id,
        merchant_id=value.merchant_id,
        cause=CAUSES[value.cause],
        cause_event_id=str(value.cause_event_id),
        sku=value.sku,
        quantity=value.quantity,
        cap=money(value.cap, currency),
        unit_price=money(value.unit_price, currency),
        authorised=money(amounts.authorised, currency),
        paid=money(amounts.paid, currency),
        to_capture=money(amounts.to_capture, currency),
        to_void=money(amounts.to_void, currency),
        to_keep=money(amounts.to_keep, currency),
        to_refund=money(amounts.to_refund, currency),
        due=money(amounts.due, currency),
        payment_reference=value.payment_reference,
        tally_seq=value.tally_seq,
        pay_by=event_time(value.pay_by) if value.pay_by else None,
    )
