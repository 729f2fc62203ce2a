"""Writes what is told about money that is waited for."""

from groupbuy.pricing.v1 import events_pb2

from services.chassis import ids
from services.pricing import domain
from services.pricing.domain import PaymentFactKind, WaitsFor
from services.pricing.translate.words import CAMPAIGN, PLATFORM, event_time, money, seat_id, team_id

_REASONS = {
    WaitsFor.PAYMENT: events_pb2.LAPSE_REASON_NOT_PAID,
    WaitsFor.CAPTURE: events_pb2.LAPSE_REASON_NOT_CAPTURED,
}


def payment_event(told: domain.PaymentTold) -> events_pb2.SettlementEvent:
    """Write a fact about a payment; its id comes from line and kind, so that it is one event for good."""
    fact, payment = told.fact, told.fact.payment
    event = events_pb2.SettlementEvent(
        event_id=str(ids.derived_id(payment.line_id, fact.kind)),
        platform_id=ids.opaque(PLATFORM, payment.platform_id),
        sequence=told.sequence,
        occurred_at=event_time(fact.at),
        campaign_id=ids.opaque(CAMPAIGN, payment.campaign_id),
        team_id=team_id(payment.campaign_id, payment.team_id),
        team_version=told.team_version,
    )
    match fact.kind:
        case PaymentFactKind.LAPSED:
            event.payment_lapsed.CopyFrom(_lapsed(payment))
        case PaymentFactKind.LAPSING:
            event.authorisation_lapsing.CopyFrom(_lapsing(payment))
        case PaymentFactKind.DUE:
            event.payment_due.CopyFrom(_due(payment))
    return event


def _lapsed(payment: domain.AwaitedPayment) -> events_pb2.PaymentLapsed:
    return events_pb2.PaymentLapsed(
        seat_id=seat_id(payment.campaign_id, payment.seat_id),
        line_id=str(payment.line_id),
        member_id=payment.member_id,
        amount=money(payment.amount, payment.currency),
        reason=_REASONS[payment.waits_for],
    )


def _lapsing(payment: domain.AwaitedPayment) -> events_pb2.AuthorisationLapsing:
    return events_pb2.AuthorisationLapsing(
        seat_id=seat_id(payment.campaign_id, payment.seat_id),
        line_id=str(payment.line_id),
        member_id=payment.member_id,
        amount=money(payment.amount, payment.currency),
        lapses_at=event_time(payment.lapses_at),
    )


def _due(payment: domain.AwaitedPayment) -> events_pb2.PaymentDue:
    return events_pb2.PaymentDue(
        seat_id=seat_id(payment.campaign_id, payment.seat_id),
        line_id=str(payment.line_id),
        member_id=payment.member_id,
        amount=money(payment.amount, payment.currency),
        pay_by=event_time(payment.lapses_at),
    )
