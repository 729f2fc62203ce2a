"""What is sold, and by which rules; the words are those of the protos without their prefix."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Item:
    """Something sold; `alone` is its price without a team, `stock` None where there is as much as is wanted."""

    sku: str
    alone: int
    stock: int | None = None


@dataclass(frozen=True, slots=True)
class Discount:
    """What one tier takes off: `price` and `off` are amounts, `percent_off` basis points; no sku or role: all."""

    kind: str
    value: int
    sku: str = ""
    role: str = ""


@dataclass(frozen=True, slots=True)
class Tier:
    """From this fill on, these discounts."""

    start: int
    discounts: tuple[Discount, ...]


@dataclass(frozen=True, slots=True)
class WhoMayJoin:
    """Who may join, by what the shop says of its members; everything set must be met."""

    newcomers_only: bool = False
    tags: tuple[str, ...] = ()
    old_brings_new: bool = False
    match_key_needed: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of a campaign's teams; a limit, an extension or a reward of 0 is none."""

    payment: str
    minimum: int
    maximum: int
    counted_in: str
    hold_seconds: float
    team_seconds: float
    leave_until: str
    close_when_full: bool
    max_units: int
    max_units_per_member: int
    max_teams_per_member: int
    max_teams_opened_per_member: int
    on_full: str
    max_waiting: int
    who_may_join: WhoMayJoin
    visibility: str
    max_sponsored: int
    hold_extension_seconds: float
    leave_after_formed_seconds: float
    leader_reward: int
    pay_within_seconds: float
    """0: nothing lapses."""


@dataclass(frozen=True, slots=True)
class Campaign:
    """An offer; `titles` and `terms` by language. A host may extend it by `may_extend_seconds`."""

    currency: str
    seller: str
    merchant: str
    time_zone: str
    titles: Mapping[str, str]
    terms: Mapping[str, str]
    basis: str
    items: tuple[Item, ...]
    tiers: tuple[Tier, ...]
    rules: Rules
    starts_in_seconds: float
    may_extend_seconds: float
    line: int
