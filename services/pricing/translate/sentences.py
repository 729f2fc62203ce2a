"""The English sentences that explain a price; every number in them is exact."""

from collections.abc import Iterable
from decimal import Decimal

from services.pricing import domain

# ISO 4217 (list one): minor units that are not hundredths. CLDR, which Babel asks, counts the digits of cash instead:
# none for RSD or IQD, so that 39.90 would become 3,990.
_WHOLE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THOUSANDTHS = "BHD IQD JOD KWD LYD OMR TND"
_DECIMALS = dict.fromkeys(_WHOLE.split(), 0) | dict.fromkeys(_THOUSANDTHS.split(), 3) | {"CLF": 4, "UYW": 4}

_MOST_NAMED = 3
"""Items that one sentence names."""
_GIVEN_BACK = {
    domain.ReleaseReason.EXPIRED: "its hold ran out before it was confirmed",
    domain.ReleaseReason.LEFT: "the member left",
    domain.ReleaseReason.TEAM_FAILED: "the team ended below its minimum",
    domain.ReleaseReason.TEAM_CANCELLED: "the team was cancelled",
    domain.ReleaseReason.TEAM_ENDED: "the team ended before there was room for it",
    domain.ReleaseReason.PRICE_CHANGED: "its turn came at a price above the most it wanted to pay",
    domain.ReleaseReason.WITHDRAWN: "the member gave it back after the team had formed",
}


def money_text(minor_units: int, currency: str) -> str:
    """Write an amount with the decimals of its currency, for instance "1,234.50 EUR", "3,990 JPY", "0.005 KWD"."""
    return f"{_number(minor_units, currency)} {currency}"


def explain_move(fact: domain.PriceChanged | domain.CampaignPriceChanged, table: domain.PriceTable) -> str:
    """Say in one sentence why prices moved, in a team or in a whole campaign."""
    began = table.threshold(fact.fill)
    holds = f"the price from {began} on holds" if began else "the list price holds"
    confirmed = _confirmed(fact.fill, table.basis)
    return f"{confirmed} instead of {fact.old_fill}, so {holds}: {_prices(fact.moves, table.currency)}."


def explain_seat(explained: domain.Explanation, currency: str) -> str:
    """Say why a seat pays what it pays, or will."""
    fill = f"{_confirmed(explained.fill, explained.basis)}; {_step(explained, currency)}."
    return f"{fill} {_free(explained.seat) or _pays(explained, currency)}"


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
    pays = f"{price} for each of {_units(explained.seat.quantity)}: {amount}"
    if explained.cap is None:
        return f"This seat waits for room; its cap is fixed when it takes a place. Now it would pay {pays}."
    cap = money_text(explained.cap, currency)
    lower = ", which is lower" if explained.cap < explained.step.unit_price else ""
    if explained.seat.state is domain.SeatState.HELD:
        return f"This seat is not confirmed yet; its cap is {cap}{lower}, so confirmed it pays {pays}."
    end = "The team has formed: this is final." if explained.final else "It can still change, but never above the cap."
    return f"This seat's cap is {cap}{lower}, so it pays {pays}. {end}"


def _step(explained: domain.Explanation, currency: str) -> str:
    step, listed = explained.step, explained.list_price
    price = money_text(step.unit_price, currency)
    if step.discount is None:
        return f"below the first tier one unit costs its list price of {price}"
    return f"from {step.threshold} on one unit costs {price} ({_taken_off(listed, step, step.discount, currency)})"


def _taken_off(listed: int, step: domain.PriceStep, discount: domain.Discount, currency: str) -> str:
    before = f"list price {_number(listed, currency)} less"
    if discount.kind is not domain.DiscountKind.BASIS_POINTS_OFF:
        return f"{before} {_number(listed - step.unit_price, currency)}"
    percent = f"{before} {_plain(Decimal(discount.value).scaleb(-2))} %"
    exact = Decimal(listed * (domain.WHOLE - discount.value)).scaleb(-4)
    if exact == step.unit_price:
        return percent
    return f"{percent} is {_plain(exact.scaleb(-_decimals(currency)))}, rounded half up"


def _prices(moves: Iterable[domain.PriceMove], currency: str) -> str:
    """Name the first prices that moved; an item is named once where they moved alike for every role."""
    whose: dict[tuple[str, int, int], list[domain.Role]] = {}
    for move in moves:
        if move.old != move.new:
            whose.setdefault((move.sku, move.old, move.new), []).append(move.role)
    named = []
    for (sku, old, new), roles in list(whose.items())[:_MOST_NAMED]:
        buyer = "" if len(roles) == len(domain.Role) else f" a {roles[0].lower()}"
        named.append(
            f"one unit of {sku} costs{buyer} {money_text(new, currency)} instead of {money_text(old, currency)}"
        )
    more = len(whose) - len(named)
    return ", ".join(named) + (f", and {more} more moved" if more else "")


def _confirmed(fill: int, basis: domain.Basis) -> str:
    noun = "member" if basis is domain.Basis.TEAM_MEMBERS else "unit"
    where = " in the whole campaign" if basis.is_of_campaign else ""
    return f"{fill} {noun} is confirmed{where}" if fill == 1 else f"{fill or 'No'} {noun}s are confirmed{where}"


def _units(quantity: int) -> str:
    return f"{quantity} unit" if quantity == 1 else f"{quantity} units"


def _number(minor_units: int, currency: str) -> str:
    return f"{Decimal(minor_units).scaleb(-_decimals(currency)):,f}"


def _plain(number: Decimal) -> str:
    return f"{number.normalize():,f}"


def _decimals(currency: str) -> int:
    return _DECIMALS.get(currency, 2)
