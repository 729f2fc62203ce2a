"""The English sentences that explain a price; every number in them is exact."""

from collections.abc import Iterable

from services.pricing import domain
from services.pricing.translate.amounts import MOST_NAMED, exact_text, money_text, number_text, percent_text, rounded

_GIVEN_BACK = {
    domain.ReleaseReason.EXPIRED: "its hold ran out before it was confirmed",
    domain.ReleaseReason.LEFT: "the member left",
    domain.ReleaseReason.TEAM_FAILED: "the team ended below its minimum",
    domain.ReleaseReason.TEAM_CANCELLED: "the team was cancelled",
    domain.ReleaseReason.TEAM_ENDED: "the team ended before there was room for it",
    domain.ReleaseReason.PRICE_CHANGED: "its turn came at a price above the most it wanted to pay",
    domain.ReleaseReason.WITHDRAWN: "the member gave it back after the team had formed",
}


def explain_move(fact: domain.PriceChanged | domain.CampaignPriceChanged, table: domain.PriceTable) -> str:
    """Say in one sentence why prices moved, in a team or in a whole campaign."""
    began = table.threshold(fact.fill)
    holds = f"the price from {began} on holds" if began else "the list price holds"
    confirmed = _confirmed(fact.fill, table.basis)
    return f"{confirmed} instead of {fact.old_fill}, so {holds}: {_prices(fact.moves, table.currency)}."


def explain_seat(explained: domain.Explanation, currency: str) -> str:
    """Say why a seat pays what it pays, or will."""
    own = f"; by its quote this seat's own price there is {money_text(explained.price, currency)}"
    step = _step(explained, currency) + (own if explained.seat.own_steps else "")
    fill = f"{_confirmed(explained.fill, explained.basis, explained.tally_seq)}; {step}."
    return f"{fill} {_free(explained.seat) or _pays(explained, currency)}"


def explain_team(explained: domain.TeamExplanation, table: domain.PriceTable) -> str:
    """Say what every item costs at a version of a team, and why."""
    began = table.threshold(explained.fill)
    holds = f"the price from {began} on holds" if began else "the list price holds"
    named = [
        f"one unit of {priced.row.sku} costs a {priced.row.role.lower()}"
        f" {money_text(priced.step.unit_price, table.currency)}"
        for priced in explained.prices[:MOST_NAMED]
    ]
    more = len(explained.prices) - len(named)
    rest = f", and {more} more are in the data" if more else ""
    confirmed = _confirmed(explained.fill, table.basis, explained.tally_seq)
    return f"{confirmed} at version {explained.version} of the team, so {holds}: {', '.join(named)}{rest}."


def _free(seat: domain.Seat) -> str | None:
    """Say why a seat pays nothing, if so."""
    if seat.release_reason:
        return f"This seat was given back because {_GIVEN_BACK[seat.release_reason]}: it pays nothing."
    if seat.state is domain.SeatState.DEFAULTED:
        return "The money of this seat did not come: it has no place any more and pays nothing."
    if seat.sponsored:
        return "The platform sponsors this seat to complete the team: it pays nothing."
    return None


def _pays(explained: domain.Explanation, currency: str) -> str:
    price, amount = money_text(explained.unit_price, currency), money_text(explained.amount, currency)
    pays = f"{price} for each of {_units(explained.units)}: {amount}"
    if explained.cap is None:
        return f"This seat waits for room; its cap is fixed when it takes a place. Now it would pay {pays}."
    cap = money_text(explained.cap, currency)
    lower = ", which is lower" if explained.cap < explained.price else ""
    if explained.seat.state is domain.SeatState.HELD:
        return f"This seat is not confirmed yet; its cap is {cap}{lower}, so confirmed it pays {pays}."
    end = "The team has formed: this is final." if explained.final else "It can still change, but never above the cap."
    return f"This seat's cap is {cap}{lower}, so it pays {pays}. {end}"


def _step(explained: domain.Explanation, currency: str) -> str:
    step = explained.step
    price = money_text(step.unit_price, currency)
    if step.discount is None:
        return f"below the first tier one unit costs its list price of {price}"
    return f"from {step.threshold} on one unit costs {price} ({_taken_off(explained, step.discount, currency)})"


def _taken_off(explained: domain.Explanation, discount: domain.Discount, currency: str) -> str:
    listed, price = explained.list_price, explained.step.unit_price
    before = f"list price {number_text(listed, currency)} less"
    if discount.kind is not domain.DiscountKind.BASIS_POINTS_OFF:
        return f"{before} {number_text(listed - price, currency)}"
    percent = f"{before} {percent_text(discount.value)}"
    if not rounded(explained.priced):
        return percent
    return f"{percent} is {exact_text(explained.priced, currency)}, rounded half up"


def _prices(moves: Iterable[domain.PriceMove], currency: str) -> str:
    """Name the first prices that moved; an item is named once where they moved alike for every role."""
    whose: dict[tuple[str, int, int], list[domain.Role]] = {}
    for move in moves:
        if move.old != move.new:
            whose.setdefault((move.sku, move.old, move.new), []).append(move.role)
    named = []
    for (sku, old, new), roles in list(whose.items())[:MOST_NAMED]:
        buyer = "" if len(roles) == len(domain.Role) else f" a {roles[0].lower()}"
        named.append(
            f"one unit of {sku} costs{buyer} {money_text(new, currency)} instead of {money_text(old, currency)}"
        )
    more = len(whose) - len(named)
    return ", ".join(named) + (f", and {more} more moved" if more else "")


def _confirmed(fill: int, basis: domain.Basis, tally_seq: int = 0) -> str:
    noun = "member" if basis is domain.Basis.TEAM_MEMBERS else "unit"
    where = " in the whole campaign" if basis.is_of_campaign else ""
    where += f" at tally {tally_seq}" if tally_seq else ""
    return f"{fill} {noun} is confirmed{where}" if fill == 1 else f"{fill or 'No'} {noun}s are confirmed{where}"


def _units(quantity: int) -> str:
    return f"{quantity} unit" if quantity == 1 else f"{quantity} units"
