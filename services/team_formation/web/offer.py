"""What a team offers to whoever thinks of joining it, in numbers: price, what one more friend changes, room, certainty.

A seat's price when it is taken is the price table's at the confirmed fill with that seat added (its cap), so that is
the price a page names. Unpaid holds lower no price.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from services.team_formation.domain import (
    Basis,
    Campaign,
    CountedIn,
    Discount,
    PriceRow,
    PriceStep,
    ReferenceKind,
    Role,
    Rules,
    Tally,
    Team,
    Terms,
    Totals,
)


@dataclass(frozen=True, slots=True)
class ItemOffer:
    """One item, per unit in minor units."""

    sku: str
    alone: int
    """What it costs without a team."""
    alone_kind: ReferenceKind | None
    """What kind of reference price that is; None for the item's list price."""
    now: int
    """What who joins with one unit pays, and never more; of an ended team, the price it ended with."""
    next_price: int | None
    """The price of the next tier that the team can reach; None where there is none."""
    missing: int
    """Fill that is missing to it once the reader has joined; 0 where there is none."""
    lowest: int
    lowest_at: int
    """The fill at which it is lowest."""
    is_sold_out: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the ladder."""

    threshold: int
    unit_price: int
    discount: Discount | None
    tier: int
    is_reached: bool
    """By confirmed seats."""
    is_current: bool
    is_yours: bool
    """Whether it is the one that the reader would join at."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A team in numbers."""

    items: tuple[ItemOffer, ...]
    main: ItemOffer
    """The item that a live host shows; otherwise the cheapest."""
    is_from: bool
    """Whether other items cost something else."""
    ladder: tuple[Step, ...]
    """Of the main item."""
    fill: int
    """What the price stands at now, in the ladder's basis."""
    basis: Basis
    confirmed: int
    held: int
    sponsored: int
    minimum: int
    maximum: int
    counted_in: CountedIn
    """Of confirmed, held, sponsored, minimum, maximum and what follows from them."""

    @property
    def needed(self) -> int:
        """How much confirmed fill is missing until it is certain."""
        return max(self.minimum - self.confirmed, 0)

    @property
    def room(self) -> int:
        """How much fits in."""
        return max(self.maximum - self.confirmed - self.held, 0)


def offer_of(team: Team, terms: Terms, campaign: Campaign, sold_out: AbstractSet[str] = frozenset()) -> Offer:
    """Work out what a team offers."""
    fill = team.price_fill(terms.price_table.basis)
    joined = fill + 1 if team.state.is_open else fill
    return _offer(terms, campaign, team.totals, fill, joined, Role.MEMBER, sold_out)


def offer_of_new(campaign: Campaign, tally: Tally, role: Role = Role.LEADER) -> Offer:
    """Work out what a team offers that is yet to be opened: to whoever opens it, or joins it first."""
    fill = tally.units if campaign.terms.price_table.basis is Basis.CAMPAIGN_UNITS else 0
    return _offer(campaign.terms, campaign, Totals(), fill, fill + 1, role)


def _offer(
    terms: Terms,
    campaign: Campaign,
    totals: Totals,
    fill: int,
    joined: int,
    role: Role,
    sold_out: AbstractSet[str] = frozenset(),
) -> Offer:
    table, rules = terms.price_table, terms.rules
    references = {item.sku: item for item in table.references}
    rows = [row for row in table.rows if row.role is role]
    most = _reachable(rules, table.basis)
    items = []
    for row in rows:
        reference = references.get(row.sku)
        alone = (reference.unit_price, reference.kind) if reference else (row.at(0).unit_price, None)
        items.append(replace(_item(row, joined, most, *alone), is_sold_out=row.sku in sold_out))
    main = next((item for item in items if item.sku == campaign.shown_sku), None) or min(
        items, key=lambda item: (item.is_sold_out, item.now)
    )
    members = rules.counted_in is CountedIn.MEMBERS
    return Offer(
        tuple(items),
        main,
        main.sku != campaign.shown_sku and len({item.now for item in items}) > 1,
        ladder_of(table.row(main.sku, role), fill, joined),
        fill,
        table.basis,
        totals.confirmed(rules.counted_in),
        totals.held_members if members else totals.held_units,
        totals.sponsored_members if members else totals.sponsored_units,
        rules.minimum,
        rules.maximum,
        rules.counted_in,
    )


def _item(row: PriceRow, joined: int, most: int | None, alone: int, kind: ReferenceKind | None) -> ItemOffer:
    now = row.at(joined)
    following = _next(row, joined, most)
    lowest = _lowest(row, most)
    return ItemOffer(
        row.sku,
        alone,
        kind,
        now.unit_price,
        following.unit_price if following else None,
        following.threshold - joined if following else 0,
        lowest.unit_price,
        lowest.threshold,
    )


def _next(row: PriceRow, joined: int, most: int | None) -> PriceStep | None:
    """Find the next step with a lower price that the team can reach."""
    price = row.at(joined).unit_price
    steps = (step for step in row.steps if step.threshold > joined and step.unit_price < price)
    return next((step for step in steps if most is None or step.threshold <= most), None)


def _lowest(row: PriceRow, most: int | None) -> PriceStep:
    """Find the lowest price that the team can reach, at the fill at which it is reached first."""
    steps = [step for step in row.steps if most is None or step.threshold <= most]
    return min(steps, key=lambda step: (step.unit_price, step.threshold))


def _reachable(rules: Rules, basis: Basis) -> int | None:
    """Tell the most that can fill the ladder; None where the team's maximum does not bound it."""
    if basis is Basis.CAMPAIGN_UNITS:
        return None
    if basis is Basis.TEAM_MEMBERS or rules.counted_in is CountedIn.UNITS:
        return rules.maximum  # a member has one unit or more: a maximum in units bounds the members, too
    return rules.maximum * rules.max_units_per_seat


def ladder_of(row: PriceRow, fill: int, joined: int) -> tuple[Step, ...]:
    """List the steps of an item's prices, as they stand at a fill and for who joins."""
    current, yours = row.at(fill), row.at(joined)
    return tuple(
        Step(
            step.threshold,
            step.unit_price,
            step.discount,
            step.tier,
            step.threshold <= fill,
            step.threshold == current.threshold,
            step.threshold == yours.threshold != current.threshold,
        )
        for step in row.steps
    )
