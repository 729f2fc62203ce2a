"""A campaign: what is sold, by which rules, and what a page shows of it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from services.team_formation.domain.abuse import AbuseRule
from services.team_formation.domain.payment_terms import PaymentTerms
from services.team_formation.domain.prices import CouponOrder, PriceTable, ReferencePrice, Tier
from services.team_formation.domain.values import Word

USUAL_WAITING = 100
"""Members who may wait for room where a campaign says nothing."""


class PaymentMode(Word):
    """What a member commits to before the team is formed."""

    COMMIT = "COMMIT"
    HOLD = "HOLD"
    PREPAID = "PREPAID"
    PAY_ON_DELIVERY = "PAY_ON_DELIVERY"

    @property
    def moves_money(self) -> bool:
        """Whether money is paid or authorised before the team is formed."""
        return self in {PaymentMode.HOLD, PaymentMode.PREPAID}


class CountedIn(Word):
    """What minimum and maximum are counted in."""

    MEMBERS = "MEMBERS"
    UNITS = "UNITS"


class LeaveUntil(Word):
    """Until when a confirmed member may leave."""

    TIPPED = "TIPPED"
    ENDED = "ENDED"
    NEVER = "NEVER"


class OnFull(Word):
    """What happens to a join when its team is full."""

    REFUSE = "REFUSE"
    OPEN_TEAM = "OPEN_TEAM"
    WAITLIST = "WAITLIST"


class Visibility(Word):
    """Who finds a team without a link."""

    LINK_ONLY = "LINK_ONLY"
    LISTED = "LISTED"


class Phase(Word):
    """What was decided about a campaign; where it stands follows from this and the time."""

    DRAFT = "DRAFT"
    PUBLISHED = "PUBLISHED"
    PAUSED = "PAUSED"
    CANCELLED = "CANCELLED"


class CampaignState(Word):
    """The life of a campaign."""

    DRAFT = "DRAFT"
    SCHEDULED = "SCHEDULED"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    ENDED = "ENDED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class WhoMayJoin:
    """Who may join, by what the platform asserts; every rule set must be met."""

    newcomers_only: bool = False
    tags: tuple[str, ...] = ()
    old_brings_new: bool = False
    match_key_needed: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of a team; a limit of 0 is none."""

    payment_mode: PaymentMode
    counted_in: CountedIn
    minimum: int
    maximum: int
    hold_lifetime: timedelta
    team_lifetime: timedelta
    close_when_full: bool = True
    max_units_per_seat: int = 1
    leave_until: LeaveUntil = LeaveUntil.TIPPED
    max_units_per_member: int = 0
    max_teams_per_member: int = 0
    max_teams_opened_per_member: int = 0
    on_full: OnFull = OnFull.REFUSE
    max_waiting: int = USUAL_WAITING
    who_may_join: WhoMayJoin = WhoMayJoin()
    visibility: Visibility = Visibility.LINK_ONLY
    max_sponsored: int = 0
    hold_extension: timedelta = timedelta()
    leave_after_formed: timedelta = timedelta()
    leader_reward: int = 0
    """Minor units."""
    payment_terms: PaymentTerms | None = None
    """None where nothing lapses by itself."""

    @property
    def limits_members(self) -> bool:
        """Whether what a member has in the campaign is limited."""
        return bool(self.max_units_per_member or self.max_teams_per_member or self.max_teams_opened_per_member)


@dataclass(frozen=True, slots=True)
class Item:
    """Something sold; the list price is in minor units, the stock in units offered at first, None without limit."""

    sku: str
    list_price: int
    stock: int | None = None
    floor_price: int = 0
    """Minor units that no tier goes below; 0 is no floor."""
    reference: ReferencePrice | None = None


@dataclass(frozen=True, slots=True)
class LocalizedText:
    """What a page says, in one language."""

    language: str
    title: str
    terms: str = ""


class ChargeKind(Word):
    """What a shown charge is for."""

    DELIVERY = "DELIVERY"
    TAX = "TAX"


@dataclass(frozen=True, slots=True)
class ShownCharge:
    """A line beside the price, never discounted: an amount in minor units of a currency, or basis points."""

    kind: ChargeKind | None
    label: str
    amount: int | None = None
    currency: str = ""
    basis_points: int | None = None


@dataclass(frozen=True, slots=True)
class Presentation:
    """What pages and messages show."""

    texts: tuple[LocalizedText, ...]
    image_url: str
    seller: str
    checkout_url: str
    time_zone: str
    prices_include_tax: bool | None = None
    charges: tuple[ShownCharge, ...] = ()


@dataclass(frozen=True, slots=True)
class Terms:
    """Rules, items and prices at one version; a team keeps the version it opened with."""

    version: int
    rules: Rules
    items: tuple[Item, ...]
    tiers: tuple[Tier, ...]
    price_table: PriceTable
    _by_sku: dict[str, Item] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the items, so that finding one does not depend on their number."""
        object.__setattr__(self, "_by_sku", {item.sku: item for item in self.items})

    def item(self, sku: str) -> Item | None:
        """Find an item; the only one where none is named."""
        if not sku and len(self.items) == 1:
            return self.items[0]
        return self._by_sku.get(sku)


@dataclass(frozen=True, slots=True)
class Campaign:
    """An offer open for a time."""

    campaign_id: UUID
    platform_id: UUID
    merchant_id: str
    external_ref: str
    currency: str
    starts_at: datetime
    ends_at: datetime
    presentation: Presentation
    terms: Terms
    """For teams opened now."""
    version: int = 1
    phase: Phase = Phase.PUBLISHED
    latest_end: datetime | None = None
    shown_sku: str = ""
    cancel_reason: str = ""
    cancels_formed: bool = False
    coupon_order: CouponOrder = CouponOrder.AFTER_TIER
    suspension_reason: str = ""
    """Why its merchant is suspended; empty where it is not."""
    abuse_rules: tuple[AbuseRule, ...] = ()
    """What is done about signs of abuse, in all its teams."""

    @property
    def is_stopped(self) -> bool:
        """Whether it is paused, by itself or because its merchant is suspended."""
        return self.phase is Phase.PAUSED or self.suspension_reason != ""

    def state(self, now: datetime) -> CampaignState:
        """Tell where it stands at a time."""
        if self.phase is Phase.CANCELLED:
            return CampaignState.CANCELLED
        if self.phase is Phase.DRAFT:
            return CampaignState.DRAFT
        if now >= self.ends_at:
            return CampaignState.ENDED
        if self.is_stopped:
            return CampaignState.PAUSED
        return CampaignState.SCHEDULED if now < self.starts_at else CampaignState.RUNNING
