"""What an event does to prices, as far as a member would notice."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from services.pricing.domain.price import PriceMove, PriceTable
from services.pricing.domain.team import Team


@dataclass(frozen=True, slots=True)
class PriceChanged:
    """At least one item and role has another price than before; fills in the ladder's basis."""

    sequence: int
    moves: tuple[PriceMove, ...]
    old_fill: int
    fill: int
    tier: int
    missing_to_next: int


@dataclass(frozen=True, slots=True)
class NextTierCameNear:
    """Exactly one more reaches the next tier, which is cheaper for at least one item and role."""

    sequence: int
    moves: tuple[PriceMove, ...]
    fill: int
    next_threshold: int


@dataclass(frozen=True, slots=True)
class CampaignPriceChanged:
    """The campaign fills the ladder, and at least one item and role has another price in all its open teams."""

    sequence: int
    ladder_version: int
    moves: tuple[PriceMove, ...]
    old_fill: int
    fill: int
    tier: int
    missing_to_next: int


PriceFact: TypeAlias = PriceChanged | NextTierCameNear


def price_facts(before: Team, after: Team, table: PriceTable) -> tuple[PriceFact, ...]:
    """Tell what a member would notice: a price that moved, or a cheaper tier that one more would reach."""
    if after.fill == before.fill:
        return ()
    facts: list[PriceFact] = []
    missing = table.missing_to_next(after.fill)
    if not table.same_tier(before.fill, after.fill):
        moves = table.moves(before.fill, after.fill)
        if any(move.old != move.new for move in moves):
            sequence = before.price_sequence + 1
            tier = table.tier(after.fill)
            facts.append(PriceChanged(sequence, moves, before.fill, after.fill, tier, missing))
    if missing == 1:
        moves = table.moves(after.fill, after.fill)
        if any(move.next < move.new for move in moves):
            sequence = before.price_sequence + len(facts) + 1
            facts.append(NextTierCameNear(sequence, moves, after.fill, after.fill + missing))
    return tuple(facts)


def campaign_price_facts(
    tables: Sequence[PriceTable], old_fill: int, fill: int, last_sequence: int
) -> tuple[CampaignPriceChanged, ...]:
    """Tell which of a campaign's tables have another price at its new tally's fill than at the fill before."""
    facts: list[CampaignPriceChanged] = []
    for table in tables:
        moves = () if table.same_tier(old_fill, fill) else table.moves(old_fill, fill)
        if any(move.old != move.new for move in moves):
            sequence, tier, missing = last_sequence + len(facts) + 1, table.tier(fill), table.missing_to_next(fill)
            facts.append(CampaignPriceChanged(sequence, table.ladder_version, moves, old_fill, fill, tier, missing))
    return tuple(facts)
