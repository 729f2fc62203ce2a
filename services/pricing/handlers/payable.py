"""Says by when the money of new settlement lines has to come, and begins to wait, where teams have payment terms."""

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
    if not terms:
        return lines
    complete = [domain.with_pay_by(line, terms) for line in lines]
    await _wait(work, [line for line in complete if _key(line) in terms], terms)
    return complete


async def _wait(
    work: Work, lines: Sequence[domain.SettlementLine], terms: Mapping[TeamKey, domain.PaymentTerms]
) -> None:
    """Wait for what lines ask for; an authorisation counts from the confirmation of its seat."""
    seats = sorted({(line.campaign_id, line.seat_id) for line in lines if not line.pay_by})
    confirmed = await store.load_confirmed_at(work.connection, seats) if seats else {}
    found = (domain.awaited(line, terms[_key(line)], confirmed.get(line.seat_id, line.at)) for line in lines)
    if payments := [payment for payment in found if payment]:
        await store.insert_awaited(work.connection, payments)


def _key(line: domain.SettlementLine) -> TeamKey:
    return line.campaign_id, line.team_id
