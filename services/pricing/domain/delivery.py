"""What becomes of a delivery that is paid at the door: units that are refused are due no longer."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.pricing.domain.job import Cause
from services.pricing.domain.price import PriceTable
from services.pricing.domain.settlement import SettlementLine, final_price, take_back
from services.pricing.domain.team import Seat, Team


class DeliveryOutcome(StrEnum):
    """What became of a delivery."""

    ACCEPTED = "ACCEPTED"
    ACCEPTED_IN_PART = "ACCEPTED_IN_PART"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True)
class Delivery:
    """The report about the delivery of a seat, one for each."""

    campaign_id: UUID
    seat_id: UUID
    team_id: UUID
    platform_id: UUID
    report_id: UUID
    outcome: DeliveryOutcome
    reason: str
    """Why units were refused; empty where none was."""
    refused_units: int
    at: datetime
    team_version: int
    sequence: int | None = None
    """Of its line's event; None where nothing was refused."""


def refused_line(team: Team, table: PriceTable, seat: Seat, delivery: Delivery, line_id: UUID) -> SettlementLine:
    """Take back what was due for the refused units, as the next line of the team; the price is the one charged."""
    price = final_price(team, table, seat)
    return SettlementLine(
        campaign_id=team.campaign_id,
        team_id=team.team_id,
        platform_id=team.platform_id,
        sequence=team.settlement_sequence + 1,
        line_id=line_id,
        team_version=team.version,
        at=delivery.at,
        cause=Cause.DELIVERY_REFUSED,
        cause_event_id=delivery.report_id,
        seat_id=seat.seat_id,
        member_id=seat.member_id,
        merchant_id=team.merchant_id,
        sku=seat.sku,
        quantity=-delivery.refused_units,
        currency=table.currency,
        cap=seat.cap,
        unit_price=price,
        amounts=take_back(team.payment_mode, price * delivery.refused_units),
        payment_reference="",
        tally_seq=team.tally_seq,
    )
