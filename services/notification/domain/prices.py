"""The copy of prices: what who joins now would pay for one unit, as far as a group chat is told."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from services.notification.domain.news import PriceFact
from services.notification.domain.seats import Role


@dataclass(frozen=True, slots=True)
class TeamPrice:
    """The lowest unit price of a team's items now, in minor units; `several` where items differ in it."""

    now: int
    several: bool
    best: int = 0
    """The lowest that it can fall to; 0 where that is not known."""


@dataclass(frozen=True, slots=True)
class PriceRow:
    """A team's price, or a whole campaign's, at a version of the team or a number of the campaign's tally."""

    platform_id: UUID
    campaign_id: UUID
    team_id: UUID
    version: int
    ladder_version: int
    price: TeamPrice


def price_of(fact: PriceFact) -> TeamPrice | None:
    """Read the price from a change of it; None where it tells of none."""
    return None if fact.near else lowest(move.new for move in fact.moves if move.role is Role.MEMBER)


def lowest(prices: Iterable[int], best: int = 0) -> TeamPrice | None:
    """Give the lowest of the items' prices; None without any."""
    known = set(prices)
    return TeamPrice(min(known), several=len(known) > 1, best=best) if known else None
