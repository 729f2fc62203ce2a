"""Money that is waited for after a team has formed: it comes, lapses, or has to be paid in another way."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.pricing.domain.job import Cause
from services.pricing.domain.payment_terms import PaymentTerms
from services.pricing.domain.report import Report, ReportKind
from services.pricing.domain.settlement import SettlementLine


class WaitsFor(StrEnum):
    """How money is to come."""

    PAYMENT = "PAYMENT"
    CAPTURE = "CAPTURE"


class AwaitedState(StrEnum):
    """Whether money is still waited for."""

    OPEN = "OPEN"
    CAME = "CAME"
    LAPSED = "LAPSED"
    GONE = "GONE"
    """Its seat asks for nothing any more."""


@dataclass(frozen=True, slots=True)
class AwaitedPayment:
    """What one line of a team that formed asks for, or in a fact what was left of it; the amount is in minor units."""

    campaign_id: UUID
    line_id: UUID
    team_id: UUID
    platform_id: UUID
    seat_id: UUID
    member_id: str
    amount: int
    currency: str
    waits_for: WaitsFor
    warn_at: datetime | None
    lapses_at: datetime
    state: AwaitedState = AwaitedState.OPEN

    @property
    def next_at(self) -> datetime:
        """When it has to be looked at."""
        return self.warn_at or self.lapses_at


class PaymentFactKind(StrEnum):
    """What is told about money that is waited for."""

    LAPSED = "PaymentLapsed"
    LAPSING = "AuthorisationLapsing"
    DUE = "PaymentDue"


@dataclass(frozen=True, slots=True)
class PaymentFact:
    """One fact about a payment as it stands after it; it happened when it became true, not when it was noticed."""

    kind: PaymentFactKind
    at: datetime
    payment: AwaitedPayment


@dataclass(frozen=True, slots=True)
class PaymentTold:
    """A fact about a payment as it was told: with its number of the team, and the team's version then."""

    fact: PaymentFact
    sequence: int
    team_version: int

    @property
    def campaign_id(self) -> UUID:
        """The campaign of the team."""
        return self.fact.payment.campaign_id

    @property
    def team_id(self) -> UUID:
        """The team."""
        return self.fact.payment.team_id

    @property
    def platform_id(self) -> UUID:
        """Whose it is."""
        return self.fact.payment.platform_id


@dataclass(frozen=True, slots=True)
class PaymentNews:
    """What the platform has reported about a line."""

    came: bool = False
    """It was captured or paid."""
    capture_failed_at: datetime | None = None
    """When a capture failed last."""


def payment_news(reports: Sequence[Report]) -> PaymentNews:
    """Tell what reports about a line say of its payment."""
    failed = [item.at for item in reports if item.fails_capture]
    return PaymentNews(
        came=any(item.kind in {ReportKind.CAPTURED, ReportKind.PAID} for item in reports),
        capture_failed_at=max(failed, default=None),
    )


def awaited(line: SettlementLine, terms: PaymentTerms, confirmed_at: datetime) -> AwaitedPayment | None:
    """Tell what a line waits for; None where it is not of a team that formed, or asks for no money."""
    amounts = line.amounts
    if line.cause is not Cause.TEAM_FORMED or amounts.due + amounts.to_capture <= 0:
        return None
    if line.pay_by:
        return _awaited(line, amounts.due, WaitsFor.PAYMENT, None, line.pay_by)
    lapses_at = confirmed_at + terms.authorisation_lifetime
    warn_at = lapses_at - terms.lapse_warning
    return _awaited(line, amounts.to_capture, WaitsFor.CAPTURE, warn_at, lapses_at)


def _awaited(
    line: SettlementLine, amount: int, waits_for: WaitsFor, warn_at: datetime | None, lapses_at: datetime
) -> AwaitedPayment:
    return AwaitedPayment(
        line.campaign_id,
        line.line_id,
        line.team_id,
        line.platform_id,
        line.seat_id,
        line.member_id,
        amount,
        line.currency,
        waits_for,
        warn_at,
        lapses_at,
    )


def look_at(
    payment: AwaitedPayment, reported: PaymentNews, terms: PaymentTerms, now: datetime, left: int
) -> tuple[AwaitedPayment, PaymentFact | None]:
    """Look at money that is waited for: what became of it, and what is told of it, at most one fact.

    `left` is what was not taken back since, minor units: what is told of. A seat that has gone asks for nothing.
    """
    if left <= 0:
        return replace(payment, state=AwaitedState.GONE), None
    payment = replace(payment, amount=left)
    if reported.came:
        return replace(payment, state=AwaitedState.CAME), None
    if payment.waits_for is WaitsFor.CAPTURE and reported.capture_failed_at:
        return _pay_otherwise(payment, reported.capture_failed_at, terms)
    if now >= payment.lapses_at:
        lapsed = replace(payment, state=AwaitedState.LAPSED)
        return lapsed, PaymentFact(PaymentFactKind.LAPSED, payment.lapses_at, lapsed)
    if payment.warn_at and now >= payment.warn_at:
        return replace(payment, warn_at=None), PaymentFact(PaymentFactKind.LAPSING, payment.warn_at, payment)
    return payment, None


def _pay_otherwise(
    payment: AwaitedPayment, failed_at: datetime, terms: PaymentTerms
) -> tuple[AwaitedPayment, PaymentFact]:
    """Open a pay window for this seat alone, from the failed capture on."""
    after = replace(payment, waits_for=WaitsFor.PAYMENT, warn_at=None, lapses_at=failed_at + terms.pay_within)
    return after, PaymentFact(PaymentFactKind.DUE, failed_at, after)
