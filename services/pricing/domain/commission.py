"""What others earn by a seat, or its leader: rows of their own beside the settlement lines, no part of them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from services.pricing.domain.job import Cause
from services.pricing.domain.ladder import WHOLE
from services.pricing.domain.settlement import SettlementLine
from services.pricing.domain.team import Seat


class BeneficiaryKind(StrEnum):
    """For what somebody earns."""

    COMMISSION = "COMMISSION"
    LEADER_REWARD = "LEADER_REWARD"


@dataclass(frozen=True, slots=True)
class BeneficiaryLine:
    """What a beneficiary earns by a seat for one cause, or earns no longer; minor units of the line's currency."""

    line: SettlementLine
    beneficiary_id: str
    commission_basis_points: int
    amount: int
    kind: BeneficiaryKind = BeneficiaryKind.COMMISSION


_REWARDS = {Cause.TEAM_FORMED: 1, Cause.SEAT_WITHDRAWN: -1, Cause.SEAT_DEFAULTED: -1, Cause.TEAM_CANCELLED: -1}
"""How often a cause gives the reward of a leader's seat: it comes as a whole, and goes as a whole with the seat."""


def unit_commission(unit_price: int, basis_points: int) -> int:
    """Tell what one unit earns: basis points of its price, rounded half up once, so that units add up exactly."""
    return (unit_price * basis_points + WHOLE // 2) // WHOLE


def beneficiaries(lines: Iterable[SettlementLine], seats: Mapping[UUID, Seat]) -> list[BeneficiaryLine]:
    """Give what lines earn: the commission of what is charged or taken back, and the reward of the leader."""
    return [made for line in lines for made in _earned(line, seats[line.seat_id])]


def _earned(line: SettlementLine, seat: Seat) -> Iterator[BeneficiaryLine]:
    amount = unit_commission(line.unit_price, seat.commission_basis_points) * line.quantity
    if seat.promoter_id and amount:
        yield BeneficiaryLine(line, seat.promoter_id, seat.commission_basis_points, amount)
    if reward := seat.leader_reward * _REWARDS.get(line.cause, 0):
        yield BeneficiaryLine(line, seat.member_id, 0, reward, BeneficiaryKind.LEADER_REWARD)
