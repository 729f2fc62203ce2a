"""What pricing keeps of a campaign: enough to say what a team opened now would cost."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.pricing.domain.own_price import CouponOrder
from services.pricing.domain.price import PriceTable


class CampaignState(StrEnum):
    """Where a campaign stood at its last event."""

    DRAFT = "DRAFT"
    SCHEDULED = "SCHEDULED"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    ENDED = "ENDED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign as of its last event, with the price table of teams opened from then on."""

    campaign_id: UUID
    platform_id: UUID
    merchant_id: str
    version: int
    starts_at: datetime
    ends_at: datetime
    state: CampaignState
    table: PriceTable
    coupon_order: CouponOrder


@dataclass(frozen=True, slots=True)
class Offer:
    """What is stored of a campaign that a quote asks for; the price table is stored apart, by its version."""

    ladder_version: int
    starts_at: datetime
    ends_at: datetime
    state: CampaignState
    coupon_order: CouponOrder
