"""The rules of prices: pure functions over frozen values."""

from services.pricing.domain.explain import Explanation, explain
from services.pricing.domain.fact import FactKind, Opened, TeamFact
from services.pricing.domain.follow import Contradiction, Followed, follow
from services.pricing.domain.job import Cause, Job
from services.pricing.domain.ladder import WHOLE, Ladder, ListPrice, Problem, Tier, compile_ladder, discounted
from services.pricing.domain.notice import NextTierCameNear, PriceChanged, PriceFact
from services.pricing.domain.payment_terms import PaymentTerms
from services.pricing.domain.payments import waits_for_money, with_pay_by
from services.pricing.domain.price import (
    Basis,
    Discount,
    DiscountKind,
    PriceMove,
    PriceRow,
    PriceStep,
    PriceTable,
    Role,
    payable,
    table_problem,
)
from services.pricing.domain.settlement import (
    Amounts,
    SettlementLine,
    divide,
    final_price,
    settle,
    take_back,
    write_off,
)
from services.pricing.domain.team import (
    PaymentMode,
    ReleaseReason,
    Seat,
    SeatState,
    Team,
    TeamState,
    Totals,
    seat_now,
)

__all__ = [
    "WHOLE",
    "Amounts",
    "Basis",
    "Cause",
    "Contradiction",
    "Discount",
    "DiscountKind",
    "Explanation",
    "FactKind",
    "Followed",
    "Job",
    "Ladder",
    "ListPrice",
    "NextTierCameNear",
    "Opened",
    "PaymentMode",
    "PaymentTerms",
    "PriceChanged",
    "PriceFact",
    "PriceMove",
    "PriceRow",
    "PriceStep",
    "PriceTable",
    "Problem",
    "ReleaseReason",
    "Role",
    "Seat",
    "SeatState",
    "SettlementLine",
    "Team",
    "TeamFact",
    "TeamState",
    "Tier",
    "Totals",
    "compile_ladder",
    "discounted",
    "divide",
    "explain",
    "final_price",
    "follow",
    "payable",
    "seat_now",
    "settle",
    "table_problem",
    "take_back",
    "waits_for_money",
    "with_pay_by",
    "write_off",
]
