"""Makes the question: from a TOML file that is a SimulateLadderRequest, or from a campaign as it stands."""

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeAlias

from google.protobuf.json_format import ParseDict, ParseError
from groupbuy.pricing.v1 import ladder_pb2, simulation_pb2
from groupbuy.team_formation.v1 import types_pb2

from deploy.local.errors import LocalError
from services.pricing.domain import MOST_FILL, MOST_RESULTS

_REMEDY = "docs/simulation.md shows a file; its fields are those of SimulateLadderRequest, amounts in minor units."


Asked: TypeAlias = simulation_pb2.SimulateLadderRequest


def from_file(path: Path) -> Asked:
    """Read a request; LocalError where the file is no TOML or has what a request has not."""
    try:
        data: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        return ParseDict(data, simulation_pb2.SimulateLadderRequest())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ParseError) as error:
        raise LocalError(f"{path} cannot be read as a ladder: {error}.", _REMEDY) from None


def of_campaign(
    campaign: types_pb2.Campaign, costs: Iterable[simulation_pb2.UnitCost]
) -> simulation_pb2.SimulateLadderRequest:
    """Ask about a campaign's own items, ladder and rules.

    Fills beyond the limit of an answer are left out, which leaves the worst case true as long as no tier begins there:
    else LocalError.
    """
    rules, items = campaign.rules, campaign.items
    top = min(_highest_fill(campaign), MOST_FILL, MOST_RESULTS // len(items))
    if top < min(_highest_fill(campaign), _last_threshold(campaign)):
        raise LocalError(
            f"A tier of this campaign begins above fill {top}, as far as {len(items)} items can be simulated.",
            "Write a ladder of fewer items into a file, and name it by --ladder.",
        )
    return simulation_pb2.SimulateLadderRequest(
        currency=campaign.currency,
        list_prices=[
            ladder_pb2.ListPrice(
                sku=item.sku, unit_price=item.list_price.minor_units, floor_price=item.floor_price.minor_units
            )
            for item in items
        ],
        ladder=campaign.ladder,
        unit_costs=costs,
        max_fill=top,
        minimum=min(rules.minimum, top),
        max_sponsored=rules.max_sponsored,
    )


def _highest_fill(campaign: types_pb2.Campaign) -> int:
    """Tell the most that can fill the ladder.

    Members may have many units each where only members are limited. What the whole campaign fills has no maximum: from
    the last tier on no price changes, so nothing is lower beyond it.
    """
    rules, basis = campaign.rules, campaign.ladder.basis
    if basis not in {ladder_pb2.BASIS_TEAM_MEMBERS, ladder_pb2.BASIS_TEAM_UNITS}:
        return max(_last_threshold(campaign), rules.minimum, 1)
    if basis == ladder_pb2.BASIS_TEAM_UNITS and rules.counted_in != types_pb2.COUNTED_IN_UNITS:
        return rules.maximum * max(rules.max_units_per_seat, 1)
    return rules.maximum


def _last_threshold(campaign: types_pb2.Campaign) -> int:
    return max((tier.threshold for tier in campaign.ladder.tiers), default=0)
