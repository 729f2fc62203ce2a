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


@dataclass(frozen=True, slots=True)
class CampaignNextTierCameNear:
    """The campaign fills the ladder, and exactly one more unit reaches a cheaper tier for all its open teams."""

    sequence: int
    ladder_version: int
    moves: tuple[PriceMove, ...]
    fill: int
    next_threshold: int


PriceFact: TypeAlias = PriceChanged | NextTierCameNear
CampaignPriceFact: TypeAlias = CampaignPriceChanged | CampaignNextTierCameNear


def price_facts(before: Team, after: Team, table: PriceTable) -> tuple[PriceFact, ...]:
    """Tell what a member would notice: a price that moved, or a cheaper tier that one more would reach."""
    if after.fill == before.fill:
        return ()
    facts: list[PriceFact] = []
    missing = table.missing_to_next(after.fill)
    if moves := _moved(table, before.fill, after.fill):
        sequence, tier = before.price_sequence + 1, table.tier(after.fill)
        facts.append(PriceChanged(sequence, moves, before.fill, after.fill, tier, missing))
    if moves := _near(table, after.fill):
        sequence = before.price_sequence + len(facts) + 1
        facts.append(NextTierCameNear(sequence, moves, after.fill, after.fill + missing))
    return tuple(facts)


def campaign_price_facts(
    tables: Sequence[PriceTable], old_fill: int, fill: int, last_sequence: int
) -> tuple[CampaignPriceFact, ...]:
    """Tell what a campaign's new tally does to each of its tables, by the fill of the tally before and its own.

    A tally sums up many events: fills between the two are passed over, and a tier that it only passes is not told. That
    one more is missing is told when the fill has risen to there: who leaves has not brought anybody nearer.
    """
    if old_fill == fill:
        return ()
    facts: list[CampaignPriceFact] = []
    for table in tables:
        version, missing = table.ladder_version, table.missing_to_next(fill)
        if moves := _moved(table, old_fill, fill):
            sequence, tier = last_sequence + len(facts) + 1, table.tier(fill)
            facts.append(CampaignPriceChanged(sequence, version, moves, old_fill, fill, tier, missing))
        if fill > old_fill and (moves := _near(table, fill)):
            sequence = last_sequence + len(facts) + 1
            facts.append(CampaignNextTierCameNear(sequence, version, moves, fill, fill + missing))
    return tuple(facts)


def _moved(table: PriceTable, old_fill: int, fill: int) -> tuple[PriceMove, ...]:
    """Compare all prices at two fills; empty where none differs."""
    moves = () if table.same_tier(old_fill, fill) else table.moves(old_fill, fill)
    return moves if any(move.old != move.new for move in moves) else ()


def _near(table: PriceTable, fill: int) -> tuple[PriceMove, ...]:
    """Compare all prices with the next tier's; empty unless one more reaches it and something is cheaper there."""
    moves = table.moves(fill, fill) if table.missing_to_next(fill) == 1 else ()
    return moves if any(move.next < move.new for move in moves) else ()
