"""How a team looks at a moment: seats, ladder and price, as one line each."""

from collections.abc import Sequence
from dataclasses import dataclass

from groupbuy.pricing.v1.ladder_pb2 import PriceTable, Role
from groupbuy.team_formation.v1.types_pb2 import Team, TeamState

from deploy.demo.money import money, plain

SPONSORED = "*"
"""How a place is drawn that the platform sponsors."""

_MOST_LETTERS = 40
_BAR = 20


@dataclass(frozen=True, slots=True)
class Picture:
    """A team as three lines of text, and its version."""

    version: int
    seats: str
    ladder: str
    price: str


def picture_of(team: Team, table: PriceTable, initials: Sequence[str]) -> Picture:
    """Draw a team; `initials` of its members in the order they joined, small for who has not paid."""
    currency = table.currency
    now = next(price for price in team.prices if price.role == Role.ROLE_MEMBER)
    row = next(row for row in table.rows if (row.sku, row.role) == (now.sku, now.role))
    steps = [(step.threshold, step.unit_price) for step in row.steps]
    marked = [_step(start, price, currency, here=price == now.unit_price.minor_units) for start, price in steps]
    return Picture(team.version, _seats(team, initials), " | ".join(marked), _price(team, currency))


def _step(start: int, price: int, currency: str, *, here: bool) -> str:
    words = f"{'alone' if start == 0 else f'from {start}:'} {plain(price, currency)}"
    return f"[{words}]" if here else words


def _seats(team: Team, initials: Sequence[str]) -> str:
    totals = team.totals
    confirmed, held = totals.confirmed_members, totals.held_members
    if team.maximum <= _MOST_LETTERS and len(initials) == confirmed + held:
        drawn = "".join(initials).ljust(team.maximum, ".")
    else:
        full, half = round(_BAR * confirmed / team.maximum), round(_BAR * held / team.maximum)
        drawn = ("#" * full + "+" * half).ljust(_BAR, ".")
    others = ((held, "unpaid"), (totals.sponsored_members, "sponsored"), (totals.waiting_members, "waiting"))
    besides = "".join(f", {number} {word}" for number, word in others if number)
    paid = confirmed - totals.sponsored_members
    return f"[{drawn}] {paid} of {team.maximum} seats paid{besides}, at least {team.minimum} needed"


def _price(team: Team, currency: str) -> str:
    state = TeamState.Name(team.state).removeprefix("TEAM_STATE_")
    now = next(price for price in team.prices if price.role == Role.ROLE_MEMBER)
    if team.state in {TeamState.TEAM_STATE_FAILED, TeamState.TEAM_STATE_CANCELLED}:
        return f"{state}: nobody is charged"
    price = money(now.unit_price.minor_units, currency)
    if team.state == TeamState.TEAM_STATE_FORMED:
        return f"{state} at {price}"
    following = f", {plain(now.next_unit_price.minor_units, currency)} with {now.missing_to_next} more"
    return f"{state}: {price} now" + (following if now.missing_to_next else "")
