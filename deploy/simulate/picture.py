"""The picture as SVG: unit price above, revenue below, over the same fills; tiers, dips and the worst case are marked.

SVG 1.1, drawn with lines and text only, so that it looks alike wherever it is opened.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from deploy.simulate.series import Series

WIDTH, HEIGHT = 860, 620
LEFT, RIGHT = 130, 830
PRICE_TOP, PRICE_BOTTOM = 80, 240
REVENUE_TOP, REVENUE_BOTTOM = 300, 540
TICKS = 4
_FONT = "font-family='sans-serif' font-size='13' fill='#222'"
_GREY, _BLUE, _RED, _GREEN = "#bbb", "#1f5fa8", "#c0272d", "#3a7d44"


@dataclass(frozen=True)
class Panel:
    """A part of the picture with an axis of its own, from 0 to `highest`; fills go from 0 to `last`."""

    top: int
    bottom: int
    highest: int
    last: int

    def x(self, fill: float) -> float:
        """Tell where a fill lies."""
        return round(LEFT + (RIGHT - LEFT) * fill / self.last, 1)

    def y(self, amount: float) -> float:
        """Tell how high an amount lies."""
        return round(self.bottom - (self.bottom - self.top) * amount / self.highest, 1)


def svg(found: Series) -> str:
    """Draw the picture."""
    last = len(found.revenue) - 1
    price = Panel(PRICE_TOP, PRICE_BOTTOM, _round_up(max(found.prices)), last)
    revenue = Panel(REVENUE_TOP, REVENUE_BOTTOM, _round_up(max(*found.revenue, *found.least)), last)
    title = f"{found.sku}: price and revenue by confirmed {found.by}"
    parts = [
        (
            f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {HEIGHT}' width='{WIDTH}' height='{HEIGHT}'"
            f" role='img' aria-label={quoteattr(title)}>"
        ),
        f"<rect width='{WIDTH}' height='{HEIGHT}' fill='white'/>",
        _text(LEFT, 30, title, size=17),
        _text(LEFT, 64, f"Unit price of a member, {found.currency}"),
        _text(LEFT, 284, f"Revenue of the team, {found.currency}"),
        *_axis(price, found),
        *_axis(revenue, found),
        *_tiers(price, revenue, found.tiers),
        *_fills(revenue),
        _line(_steps(price, found.prices), _BLUE, "price"),
        _line(_points(revenue, found.least), _GREEN, "worst-case", dashes="6 4"),
        _line(_points(revenue, found.revenue), _BLUE, "revenue"),
        *_dips(revenue, found),
        _text((LEFT + RIGHT) / 2, 578, f"confirmed {found.by}", anchor="middle"),
        *_legend(bool(found.dips)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _round_up(amount: int) -> int:
    """Take the next amount that divides well by the ticks, so that every label is exact; at least 4."""
    unit = TICKS
    while unit * 25 < amount:
        unit *= 10
    return max(-(-amount // unit) * unit, TICKS)


def _axis(panel: Panel, found: Series) -> Iterator[str]:
    for tick in range(TICKS + 1):
        amount = panel.highest * tick // TICKS
        y = panel.y(amount)
        yield f"<path d='M{LEFT} {y}H{RIGHT}' stroke='#ddd' class='grid'/>"
        yield _text(LEFT - 8, y + 4, found.money(amount), anchor="end")
    yield f"<path d='M{LEFT} {panel.top}V{panel.bottom}H{RIGHT}' fill='none' stroke='#222' class='axis'/>"


def _fills(panel: Panel) -> Iterator[str]:
    step = max(1, -(-panel.last // 20))
    for fill in range(0, panel.last + 1, step):
        yield _text(panel.x(fill), panel.bottom + 18, str(fill), anchor="middle")


def _tiers(price: Panel, revenue: Panel, tiers: Sequence[tuple[int, int]]) -> Iterator[str]:
    free_from = 0.0
    for tier, threshold in tiers:
        x = price.x(threshold)
        yield f"<path d='M{x} {price.top}V{revenue.bottom}' stroke='{_GREY}' stroke-dasharray='2 3' class='tier'/>"
        if x >= free_from:  # of tiers that lie close together only the first is named
            yield _text(x + 3, price.top - 4, f"tier {tier}")
            free_from = x + 50


def _steps(panel: Panel, prices: Sequence[int]) -> str:
    """Go level to the next fill, then down: a price holds until the fill that changes it."""
    path = f"M{panel.x(0)} {panel.y(prices[0])}"
    return path + "".join(f"H{panel.x(fill)}V{panel.y(price)}" for fill, price in enumerate(prices) if fill)


def _points(panel: Panel, amounts: Sequence[int]) -> str:
    return "M" + "L".join(f"{panel.x(fill)} {panel.y(amount)}" for fill, amount in enumerate(amounts))


def _line(path: str, colour: str, name: str, dashes: str = "") -> str:
    dashed = f" stroke-dasharray='{dashes}'" if dashes else ""
    return f"<path d='{path}' fill='none' stroke='{colour}' stroke-width='2'{dashed} class='{name}'/>"


def _dips(panel: Panel, found: Series) -> Iterator[str]:
    for fill in found.dips:
        yield _triangle(panel.x(fill), panel.y(found.revenue[fill]) - 6, "dip")


def _triangle(x: float, y: float, name: str) -> str:
    return f"<path d='M{x} {round(y, 1)}l-6 -11h12z' fill='{_RED}' class='{name}'/>"


def _legend(dips: bool) -> Iterator[str]:  # noqa: FBT001 - its only argument
    y = HEIGHT - 16
    yield f"<path d='M{LEFT} {y - 4}h28' stroke='{_BLUE}' stroke-width='2'/>"
    yield _text(LEFT + 34, y, "if nobody leaves")
    yield f"<path d='M{LEFT + 170} {y - 4}h28' stroke='{_GREEN}' stroke-width='2' stroke-dasharray='6 4'/>"
    yield _text(LEFT + 204, y, "the least, whatever accomplices do")
    if dips:
        yield _triangle(LEFT + 466, y, "legend")
        yield _text(LEFT + 480, y, "one more brings less than before")


def _text(x: float, y: float, words: str, *, anchor: str = "start", size: int = 13) -> str:
    sized = _FONT.replace("'13'", f"'{size}'")
    return f"<text x='{x}' y='{y}' text-anchor='{anchor}' {sized}>{escape(words)}</text>"
