"""Keys that sign the quotes of tests, and campaigns whose coupons are computed."""

from base64 import b64encode
from dataclasses import replace
from typing import Any

from services.chassis.signing import KeyRing
from services.team_formation import domain
from tests.support.formation import a_campaign

FIRST, SECOND = (f"{name}:{b64encode(bytes([number]) * 32).decode()}" for number, name in enumerate(("one", "two"), 1))


def ring(*keys: str) -> KeyRing:
    """Make a ring; of the first key where none is named."""
    return KeyRing.read(",".join(keys or (FIRST,)))


def compiled_campaign(**changes: Any) -> domain.Campaign:
    """Make a campaign whose table says, as pricing's does, what each tier is: a fixed price."""
    campaign = a_campaign(**changes)
    table = campaign.terms.price_table
    rows = tuple(replace(row, steps=tuple(map(_fixed, row.steps))) for row in table.rows)
    return replace(campaign, terms=replace(campaign.terms, price_table=replace(table, rows=rows)))


def _fixed(step: domain.PriceStep) -> domain.PriceStep:
    return replace(step, discount=domain.Discount("fixed_price", step.unit_price)) if step.tier else step
