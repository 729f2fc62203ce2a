"""Turns a scene's campaign and members into the requests that a shop sends."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from groupbuy.money.v1.money_pb2 import Money
from groupbuy.notification.v1.notification_service_pb2 import ContactPoint, Member, PutMemberRequest
from groupbuy.pricing.v1 import ladder_pb2
from groupbuy.team_formation.v1 import types_pb2
from groupbuy.team_formation.v1.team_formation_service_pb2 import CreateCampaignRequest

from deploy.demo.scene import model

_DAY = timedelta(days=1)


def campaign_request(campaign: model.Campaign) -> CreateCampaignRequest:
    """Ask for a campaign that lasts a day longer than its teams."""
    request = CreateCampaignRequest(
        merchant_id=campaign.merchant,
        currency=campaign.currency,
        items=[
            types_pb2.Item(sku=item.sku, list_price=Money(minor_units=item.alone, currency=campaign.currency))
            for item in campaign.items
        ],
        ladder=_ladder(campaign),
        rules=_rules(campaign.rules),
        presentation=types_pb2.Presentation(
            texts=[
                types_pb2.LocalizedText(language=language, title=title, terms=campaign.terms.get(language, ""))
                for language, title in campaign.titles.items()
            ],
            seller=campaign.seller,
            time_zone=campaign.time_zone,
        ),
    )
    request.ends_at.FromDatetime(datetime.now(UTC) + timedelta(seconds=campaign.rules.team_seconds) + _DAY)
    return request


def _ladder(campaign: model.Campaign) -> ladder_pb2.Ladder:
    basis = ladder_pb2.BASIS_TEAM_UNITS if campaign.basis == "units" else ladder_pb2.BASIS_TEAM_MEMBERS
    tiers = [
        ladder_pb2.Tier(threshold=tier.start, discounts=[_discount(item) for item in tier.discounts])
        for tier in campaign.tiers
    ]
    return ladder_pb2.Ladder(basis=basis, tiers=tiers)


def _discount(discount: model.Discount) -> ladder_pb2.Discount:
    role = ladder_pb2.Role.Value(f"ROLE_{discount.role.upper() or 'UNSPECIFIED'}")
    made = ladder_pb2.Discount(sku=discount.sku, role=role)
    match discount.kind:
        case "price":
            made.fixed_price = discount.value
        case "off":
            made.amount_off = discount.value
        case _:
            made.basis_points_off = discount.value
    return made


def _rules(rules: model.Rules) -> types_pb2.Rules:
    made = types_pb2.Rules(
        payment_mode=types_pb2.PaymentMode.Value(f"PAYMENT_MODE_{rules.payment}"),
        counted_in=types_pb2.CountedIn.Value(f"COUNTED_IN_{rules.counted_in.upper()}"),
        minimum=rules.minimum,
        maximum=rules.maximum,
        close_when_full=rules.close_when_full,
        max_units_per_seat=rules.max_units,
        leave_until=types_pb2.LeaveUntil.Value(f"LEAVE_UNTIL_{rules.leave_until.upper()}"),
    )
    made.hold_lifetime.FromTimedelta(timedelta(seconds=rules.hold_seconds))
    made.team_lifetime.FromTimedelta(timedelta(seconds=rules.team_seconds))
    return made


def member_request(member: model.Member, member_id: str, web: str) -> PutMemberRequest:
    """Register how a member is reached: at the demo's own mail and web servers, or on the console."""
    addresses = {"email": f"{member_id}@members.example", "webhook": f"{web}{member_id}", "console": member.name}
    return PutMemberRequest(
        member=Member(
            member_id=member_id,
            language=member.language,
            time_zone=member.time_zone,
            contact_points=_contacts(member.reach, addresses),
        )
    )


def _contacts(reach: Sequence[str], addresses: dict[str, str]) -> list[ContactPoint]:
    return [ContactPoint(channel=channel, address=addresses[channel]) for channel in reach]
