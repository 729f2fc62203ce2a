"""What is joined in a measurement: the one place that says what a campaign of the benchmark is like, and a join."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from google.protobuf.message import Message
from groupbuy.money.v1.money_pb2 import Money
from groupbuy.pricing.v1 import ladder_pb2
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb
from groupbuy.team_formation.v1 import types_pb2

from tests.bench.template import MARK, template

JOIN = "/groupbuy.team_formation.v1.TeamFormation/JoinTeam"
JOIN_MANY = "/groupbuy.team_formation.v1.TeamFormation/JoinTeams"
SKU = "mango"
HOLD = timedelta(days=1)

_names = count(1)


def unique(what: str) -> str:
    """Make a name that this run has not used: a request id, or the first part of one."""
    return f"{what}{next(_names)}"


def a_campaign() -> pb.CreateCampaignRequest:
    """Make a request for a campaign with room for all, with every limit switched on and none reached."""
    request = pb.CreateCampaignRequest(
        request_id=unique("campaign-"),
        merchant_id="merchant-7",
        currency="EUR",
        items=[limited(types_pb2.Item(sku=SKU, list_price=Money(minor_units=3990, currency="EUR")), stock=10**9)],
        ladder=ladder_pb2.Ladder(
            basis=ladder_pb2.BASIS_TEAM_MEMBERS, tiers=[_tier(2, 3490), _tier(3, 2990), _tier(5, 2490)]
        ),
        rules=types_pb2.Rules(
            payment_mode=types_pb2.PAYMENT_MODE_PREPAID,
            counted_in=types_pb2.COUNTED_IN_MEMBERS,
            minimum=4,
            maximum=1_000_000,
            max_units_per_seat=5,
        ),
        presentation=types_pb2.Presentation(
            texts=[types_pb2.LocalizedText(language="en", title="Mangoes")], seller="Fruit Shop", time_zone="UTC"
        ),
    )
    limited(request.rules, max_units_per_member=5, max_teams_per_member=5, max_teams_opened_per_member=5)
    request.ends_at.FromDatetime(datetime.now(UTC) + timedelta(days=30))
    request.rules.hold_lifetime.FromTimedelta(HOLD)
    request.rules.team_lifetime.FromTimedelta(timedelta(days=20))
    return request


def of_campaign_basis(request: pb.CreateCampaignRequest) -> pb.CreateCampaignRequest:
    """Have the price of a campaign follow from the units of all its teams."""
    request.ladder.basis = ladder_pb2.BASIS_CAMPAIGN_UNITS
    return request


def of_two_units(request: pb.CreateCampaignRequest) -> pb.CreateCampaignRequest:
    """Have the price of a team move once: when its first seat, of two units, is confirmed."""
    request.ladder.basis = ladder_pb2.BASIS_TEAM_UNITS
    del request.ladder.tiers[:]
    request.ladder.tiers.append(_tier(2, 3490))
    return request


def limited(message: Any, **limits: int) -> Any:
    """Set those limits of a message that its type knows: an older engine can be measured with the same benchmark."""
    for name, value in limits.items():
        if name in message.DESCRIPTOR.fields_by_name:
            setattr(message, name, value)
    return message


def a_team(campaign_id: str) -> pb.OpenTeamRequest:
    """Make a request for a team with an opener of its own."""
    name = unique("team-")
    return pb.OpenTeamRequest(request_id=name, campaign_id=campaign_id, member_id=f"opener-{name}", sku=SKU)


def a_join(team_id: str) -> pb.JoinTeamRequest:
    """Make a request for a seat of a member of its own."""
    name = unique("join-")
    return pb.JoinTeamRequest(request_id=name, team_id=team_id, member_id=f"member-{name}", sku=SKU, quantity=1)


def joins(team_ids: Sequence[str]) -> list[bytes]:
    """Make one template of a join for each team; no two joins made from them share request id or member."""
    tag = unique("j")
    return [template(_join(tag, team_id)) for team_id in team_ids]


def _join(tag: str, team_id: str) -> Message:
    return pb.JoinTeamRequest(
        request_id=f"{tag}-{MARK}", team_id=team_id, member_id=f"member-{tag}-{MARK}", sku=SKU, quantity=1
    )


def _tier(threshold: int, price: int) -> ladder_pb2.Tier:
    return ladder_pb2.Tier(threshold=threshold, discounts=[ladder_pb2.Discount(fixed_price=price)])
