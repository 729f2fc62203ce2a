"""What a promoter earns by a seat: rows of their own beside the settlement lines, no part of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from services.pricing.domain.ladder import WHOLE
from services.pricing.domain.settlement import SettlementLine
from services.pricing.domain.team import Seat


@dataclass(frozen=True, slots=True)
class BeneficiaryLine:
    """What a beneficiary earns by a seat for one cause, or earns no longer; minor units of the line's currency."""

    line: SettlementLine
    beneficiary_id: str
    commission_basis_points: int
    amount: int


def unit_commission(unit_price: int, basis_points: int) -> int:
    """Tell what one unit earns: basis points of its price, rounded half up once, so that units add up exactly."""
    return (unit_price * basis_points + WHOLE // 2) // WHOLE


def beneficiaries(lines: Iterable[SettlementLine], seats: Mapping[UUID, Seat]) -> list[BeneficiaryLine]:
    """Give what lines earn for the promoters of their seats: of what is charged, and less of what is taken back."""
    made = []
    for line in lines:
        seat = seats[line.seat_id]
        amount = unit_commission(line.unit_price, seat.commission_basis_points) * line.quantity
        if seat.promoter_id and amount:
            made.append(BeneficiaryLine(line, seat.promoter_id, seat.commission_basis_points, amount))
    return made
