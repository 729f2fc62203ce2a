"""The picture on a terminal: a bar of revenue for each fill, with price, tier and dips."""

from collections.abc import Iterator

from rich.table import Table

from deploy.simulate.series import Series

MOST_ROWS = 40
WIDEST = 24
"""Characters of the longest bar."""


def plot(found: Series) -> Table:
    """Draw a bar for each fill; of many, those where something changes and some between."""
    top = max(*found.revenue, 1)
    table = Table(title=f"{found.sku}: revenue by confirmed {found.by}", box=None, pad_edge=False)
    table.caption = "\N{BLACK DOWN-POINTING TRIANGLE} one more brings less than before" if found.dips else None
    for name in (found.by, "tier", "unit price", "revenue"):
        table.add_column(name, justify="right")
    table.add_column("")
    tiers = {threshold: tier for tier, threshold in found.tiers}
    for fill in _rows(found):
        tier = str(tiers[fill]) if fill in tiers else ""
        bar = "\N{FULL BLOCK}" * round(WIDEST * found.revenue[fill] / top)
        mark = " \N{BLACK DOWN-POINTING TRIANGLE}" if fill in found.dips else ""
        amounts = (found.money(found.prices[fill]), found.money(found.revenue[fill]))
        table.add_row(str(fill), tier, *amounts, bar + mark, style="red" if mark else "")
    return table


def _rows(found: Series) -> Iterator[int]:
    last = len(found.revenue) - 1
    step = -(-last // MOST_ROWS) if last else 1
    always = {last, *found.dips, *(threshold for _, threshold in found.tiers)}
    return (fill for fill in range(1, last + 1) if fill % step == 0 or fill in always)
