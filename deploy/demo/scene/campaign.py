"""Reads the campaign of a scene; what its rules and ladder must be like is judged by the engine, not here."""

from deploy.demo.scene.model import Campaign, Discount, Item, Rules, Tier
from deploy.demo.scene.table import Table

_MODES = ("COMMIT", "HOLD", "PREPAID", "PAY_ON_DELIVERY")
_KINDS = ("price", "off", "percent_off")


def read_campaign(table: Table) -> Campaign:
    """Read [campaign]."""
    currency = table.text("currency", "EUR")
    campaign = Campaign(
        currency=currency,
        seller=table.text("seller", "The shop"),
        merchant=table.text("merchant", "shop"),
        time_zone=table.text("time_zone", "UTC"),
        titles=table.by_language("title"),
        terms=table.by_language("terms", ""),
        basis=table.word("ladder_counts", ("members", "units"), "members"),
        items=tuple(_item(item, currency) for item in table.tables("item")),
        tiers=_tiers(table, currency),
        rules=_rules(table),
        line=table.line,
    )
    table.close()
    return campaign


def _item(table: Table, currency: str) -> Item:
    item = Item(table.text("sku"), table.amount("alone", currency))
    table.close()
    return item


def _rules(table: Table) -> Rules:
    minimum = table.number("minimum", least=1)
    return Rules(
        payment=table.word("payment", _MODES),
        minimum=minimum,
        maximum=table.number("maximum", least=1),
        counted_in=table.word("counted_in", ("members", "units"), "members"),
        hold_seconds=table.seconds("hold_lifetime", "10 min"),
        team_seconds=table.seconds("team_lifetime", "24 h"),
        leave_until=table.word("leave_until", ("tipped", "ended", "never"), "tipped"),
        close_when_full=table.flag("close_when_full", default=True),
        max_units=table.number("max_units", 1, least=1),
    )


def _tiers(table: Table, currency: str) -> tuple[Tier, ...]:
    """Read [[campaign.tier]] in the order written; several with the same `from` are one tier."""
    found: dict[int, list[Discount]] = {}
    for row in table.tables("tier"):
        found.setdefault(row.number("from", least=1), []).append(_discount(row, currency))
        row.close()
    return tuple(Tier(start, tuple(discounts)) for start, discounts in found.items())


def _discount(table: Table, currency: str) -> Discount:
    kinds = [kind for kind in _KINDS if table.has(kind)]
    if len(kinds) != 1:
        raise table.wrong("", "A tier takes off in one way", f"Write one of {', '.join(_KINDS)}.")
    kind = kinds[0]
    value = table.amount(kind, "EUR" if kind == "percent_off" else currency)  # percent has hundredths, as EUR does
    return Discount(kind, value, table.text("sku", ""), table.word("role", ("", "leader", "member"), ""))
