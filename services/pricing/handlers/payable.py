"""Says by when the money of new settlement lines has to come, where the team has payment terms."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias
from uuid import UUID

from services.chassis.work import Work
from services.pricing import domain, store

TeamKey: TypeAlias = tuple[UUID, UUID]


async def payable(
    work: Work, lines: Sequence[domain.SettlementLine], teams: Mapping[TeamKey, domain.Team]
) -> Sequence[domain.SettlementLine]:
    """Complete the lines of locked teams; only those that formed in a mode that waits for money are looked at."""
    formed = {_key(line) for line in lines if line.cause is domain.Cause.TEAM_FORMED}
    keys = sorted(key for key in formed if domain.waits_for_money(teams[key].payment_mode))
    terms = await store.load_payment_terms(work.connection, keys) if keys else {}
    return [domain.with_pay_by(line, terms) for line in lines] if terms else lines


def _key(line: domain.SettlementLine) -> TeamKey:
    return line.campaign_id, line.team_id
