"""Shops of tests that call every RPC: whose key they have, the mark in all that is theirs, and what stands there."""

from dataclasses import dataclass
from uuid import UUID

from groupbuy.money.v1.money_pb2 import Money
from groupbuy.pricing.v1 import ladder_pb2
from groupbuy.team_formation.v1 import abuse_pb2, team_formation_service_pb2, types_pb2

from services.chassis import ids
from services.team_formation.translate import time
from tests.support.engine import KEY, OTHER_KEY
from tests.support.formation import OTHER_PLATFORM, PLATFORM, START

MANY = 1_000_000


@dataclass(frozen=True)
class Shop:
    """A platform that calls. Its mark is part of every text and member id of its good requests, and of no id of ours.

    So whoever finds the mark in an answer to another platform has found a leak.
    """

    platform: UUID
    key: str
    mark: str = ""
    season: str = ""
    """Tells members and merchants of one time from those of another, of whom some were erased."""

    def own(self, word: str) -> str:
        """Put the mark into a word of the shop's own."""
        return word + self.season + self.mark


SHOP = Shop(PLATFORM, KEY)
OTHER_SHOP = Shop(OTHER_PLATFORM, OTHER_KEY)


@dataclass(frozen=True)
class Standing:
    """What stands at a shop: a published campaign, a team with a confirmed seat and a held one, an invite, a quote."""

    shop: Shop
    campaign: str
    team: str
    seat: str
    invite: str
    code: str
    signed_quote: bytes
    handed: str
    """A hand-over token."""

    @property
    def platform(self) -> str:
        """The platform's id, as internal RPCs take it."""
        return ids.opaque("plat", self.shop.platform)

    @property
    def ids(self) -> list[str]:
        """What somebody else might guess or have seen."""
        return [self.campaign, self.team, self.seat, self.invite, self.code, self.platform]


def money(minor_units: int) -> Money:
    """Make an amount in euros."""
    return Money(minor_units=minor_units, currency="EUR")


def a_ladder() -> ladder_pb2.Ladder:
    """Make a ladder of two steps."""
    tiers = [
        ladder_pb2.Tier(threshold=2, discounts=[ladder_pb2.Discount(fixed_price=3490)]),
        ladder_pb2.Tier(threshold=3, discounts=[ladder_pb2.Discount(basis_points_off=2500, sku="mango")]),
    ]
    return ladder_pb2.Ladder(basis=ladder_pb2.BASIS_TEAM_MEMBERS, tiers=tiers)


def a_campaign(shop: Shop = SHOP) -> team_formation_service_pb2.CreateCampaignRequest:
    """Make a request for a campaign with all that a page shows, with stock and a limit, so that all locks are taken."""
    request = team_formation_service_pb2.CreateCampaignRequest(
        merchant_id=shop.own("merchant-7"),
        external_ref=shop.own("c-1"),
        starts_at=time(START),
        ends_at=time(START.replace(year=START.year + 1)),
        currency="EUR",
        items=[types_pb2.Item(sku="mango", list_price=money(3990), stock=MANY)],
        ladder=a_ladder(),
        rules=types_pb2.Rules(
            payment_mode=types_pb2.PAYMENT_MODE_PREPAID, minimum=2, maximum=MANY, max_units_per_member=MANY
        ),
        presentation=types_pb2.Presentation(
            texts=[types_pb2.LocalizedText(language="en", title=shop.own("Mangoes"), terms="As they come.")],
            image_url="https://shop.example/mango.jpg",
            seller=shop.own("Fruit Shop"),
            checkout_url="https://shop.example/pay",
            time_zone="Asia/Shanghai",
        ),
    )
    for signal in (abuse_pb2.ABUSE_SIGNAL_SEATS_PER_DEVICE, abuse_pb2.ABUSE_SIGNAL_JOINS_PER_INVITE):
        rule = request.abuse_rules.add(signal=signal, action=abuse_pb2.ABUSE_ACTION_FLAG, limit=1)
        rule.within.FromSeconds(3600)
    request.abuse_rules.add(signal=abuse_pb2.ABUSE_SIGNAL_OWN_INVITE, action=abuse_pb2.ABUSE_ACTION_FLAG)
    request.rules.hold_lifetime.FromSeconds(600)
    request.rules.team_lifetime.FromSeconds(3600)
    return request


def opening(campaign: str, shop: Shop) -> team_formation_service_pb2.OpenTeamRequest:
    """Make a request that opens a team."""
    return team_formation_service_pb2.OpenTeamRequest(
        campaign_id=campaign,
        member_id=shop.own("mei"),
        sku="mango",
        quantity=1,
        max_unit_price=money(3990),
        external_ref=shop.own("t-1"),
        device_tag=shop.own("device-1"),
        address_tag=shop.own("address-1"),
    )


def inviting(team: str, shop: Shop) -> team_formation_service_pb2.CreateInviteRequest:
    """Make a request for an invite."""
    return team_formation_service_pb2.CreateInviteRequest(
        team_id=team, member_id=shop.own("mei"), channel="wechat", label=shop.own("family"), note=shop.own("Come!")
    )


def joining(code: str, shop: Shop) -> team_formation_service_pb2.JoinTeamRequest:
    """Make a request that joins by an invite."""
    return team_formation_service_pb2.JoinTeamRequest(
        invite_code=code,
        member_id=shop.own("tom"),
        sku="mango",
        quantity=1,
        max_unit_price=money(3990),
        device_tag=shop.own("device-1"),
        address_tag=shop.own("address-1"),
    )


def confirming(seat: str) -> team_formation_service_pb2.ConfirmSeatRequest:
    """Make a request that confirms a seat."""
    return team_formation_service_pb2.ConfirmSeatRequest(seat_id=seat, amount=money(3990), payment_reference="pay-1")
