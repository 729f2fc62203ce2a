"""What the story of a seat says of reports and payments, to a platform and to a buyer."""

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp
from groupbuy.money.v1.money_pb2 import Money
from groupbuy.pricing.v1 import events_pb2

from deploy.story.money import awaited, reported

PRICE = Money(minor_units=2990, currency="EUR")
UNTIL = Timestamp()
UNTIL.FromDatetime(datetime(2026, 11, 21, 10, tzinfo=UTC))


def test_a_report_is_said_with_its_reference_but_not_to_a_buyer() -> None:
    report = events_pb2.SettlementReported(
        kind=events_pb2.REPORT_KIND_CAPTURED, amount=PRICE, reference="psp-7", reason="late"
    )
    assert reported(report, buyer=False) == 'the platform reports captured 29.90 EUR, reference psp-7 ("late")'
    assert reported(report, buyer=True) == "captured 29.90 EUR"


def test_a_buyer_hears_nothing_of_what_failed_at_the_provider() -> None:
    report = events_pb2.SettlementReported(kind=events_pb2.REPORT_KIND_FAILED, amount=PRICE, reference="psp-7")
    assert reported(report, buyer=False) == "the platform reports failed 29.90 EUR, reference psp-7"
    assert reported(report, buyer=True) == ""


def test_what_was_told_about_a_payment() -> None:
    due = events_pb2.SettlementEvent(payment_due=events_pb2.PaymentDue(amount=PRICE, pay_by=UNTIL))
    lapsed = events_pb2.SettlementEvent(
        payment_lapsed=events_pb2.PaymentLapsed(amount=PRICE, reason=events_pb2.LAPSE_REASON_NOT_CAPTURED)
    )
    lapsing = events_pb2.SettlementEvent(
        authorisation_lapsing=events_pb2.AuthorisationLapsing(amount=PRICE, lapses_at=UNTIL)
    )
    assert awaited(due, buyer=True) == "29.90 EUR has to be paid in another way by 2026-11-21 10:00:00"
    assert awaited(lapsed, buyer=False) == "29.90 EUR did not come in time (not captured)"
    assert awaited(lapsed, buyer=True) == "29.90 EUR did not come in time"
    assert awaited(lapsing, buyer=False) == "the authorisation of 29.90 EUR lapses 2026-11-21 10:00:00"
    assert awaited(lapsing, buyer=True) == ""
