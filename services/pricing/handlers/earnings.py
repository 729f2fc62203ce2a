"""Stores what others earn by settlement lines: commissions of promoters, rewards of leaders."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from services.chassis import ids
from services.chassis.database import Connection
from services.pricing import domain, store


async def record_earnings(
    connection: Connection, lines: Sequence[domain.SettlementLine], seats: Mapping[UUID, domain.Seat]
) -> None:
    """Store what lines earn, or take back; the id of a row follows from line, kind and beneficiary."""
    earned = domain.beneficiaries(lines, seats)
    if earned:
        rows = [(ids.derived_id(item.line.line_id, item.kind, item.beneficiary_id), item) for item in earned]
        await store.insert_beneficiaries(connection, rows)
