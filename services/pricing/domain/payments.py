"""By when money that a settlement line asks for has to come."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeAlias
from uuid import UUID

from services.pricing.domain.job import Cause
from services.pricing.domain.payment_terms import PaymentTerms
from services.pricing.domain.settlement import SettlementLine
from services.pricing.domain.team import PaymentMode

TeamKey: TypeAlias = tuple[UUID, UUID]


def waits_for_money(mode: PaymentMode) -> bool:
    """Tell whether money may come, or fail to, after the team has formed and before delivery."""
    return mode is PaymentMode.COMMIT or mode is PaymentMode.HOLD


def with_pay_by(line: SettlementLine, terms: Mapping[TeamKey, PaymentTerms]) -> SettlementLine:
    """Say by when what is due has to be paid, counted from the team's forming, where its terms say so."""
    own = terms.get((line.campaign_id, line.team_id))
    if own is None or line.cause is not Cause.TEAM_FORMED or line.amounts.due <= 0:
        return line
    return replace(line, pay_by=line.at + own.pay_within)
