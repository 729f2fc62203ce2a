"""Reads the campaign of a scene; what its rules and ladder must be like is judged by the engine, not here."""

from deploy.demo.scene.model import Campaign, Discount, Item, Rules, Tier, WhoMayJoin
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
        basis=table.word("ladder_counts", ("members", "units", "campaign"), "members"),
        items=tuple(_item(item, currency) for item in table.tables("item")),
        tiers=_tiers(table, currency),
        rules=_rules(table, currency),
        starts_in_seconds=table.seconds("starts_in", "0 s"),
        may_extend_seconds=table.seconds("may_extend", "0 s"),
        line=table.line,
    )
    table.close()
    return campaign


def _item(table: Table, currency: str) -> Item:
    item = Item(table.text("sku"), table.amount("alone", currency), table.number_or_none("stock"))
    table.close()
    return item


def _rules(table: Table, currency: str) -> Rules:
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
        max_units_per_member=table.number("max_units_per_member", 0),
        max_teams_per_member=table.number("max_teams_per_member", 0),
        max_teams_opened_per_member=table.number("max_teams_opened_per_member", 0),
        on_full=table.word("on_full", ("refuse", "open_team", "waitlist"), "refuse"),
        max_waiting=table.number("max_waiting", 0),
        who_may_join=_who(table),
        visibility=table.word("visibility", ("link_only", "listed"), "link_only"),
        max_sponsored=table.number("max_sponsored", 0),
        hold_extension_seconds=table.seconds("hold_extension", "0 s"),
        leave_after_formed_seconds=table.seconds("leave_after_formed", "0 s"),
        leader_reward=table.amount_or_none("leader_reward", currency) or 0,
        pay_within_seconds=table.seconds("pay_within", "0 s"),
    )


def _who(table: Table) -> WhoMayJoin:
    if not table.has("who_may_join"):
        return WhoMayJoin()
    row = table.table("who_may_join")
    who = WhoMayJoin(
        newcomers_only=row.flag("newcomers_only", default=False),
        tags=row.words("tags", None, ()),
        old_brings_new=row.flag("old_brings_new", default=False),
        match_key_needed=row.flag("match_key_needed", default=False),
    )
    row.close()
    return who


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
    value = table.percent(kind) if kind == "percent_off" else table.amount(kind, currency)
    return Discount(kind, value, table.text("sku", ""), table.word("role", ("", "leader", "member"), ""))
