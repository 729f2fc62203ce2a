"""Turns a scene's campaign and members into the requests that a shop sends."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from groupbuy.money.v1.money_pb2 import Money
from groupbuy.notification.v1.notification_service_pb2 import ContactPoint, Member, PutMemberRequest
from groupbuy.pricing.v1 import ladder_pb2
from groupbuy.team_formation.v1 import types_pb2
from groupbuy.team_formation.v1.team_formation_service_pb2 import CreateCampaignRequest

from deploy.demo.messengers import Messengers
from deploy.demo.scene import model

_DAY = timedelta(days=1)
_BASES = {
    "members": ladder_pb2.BASIS_TEAM_MEMBERS,
    "units": ladder_pb2.BASIS_TEAM_UNITS,
    "campaign": ladder_pb2.BASIS_CAMPAIGN_UNITS,
}


def campaign_request(campaign: model.Campaign) -> CreateCampaignRequest:
    """Ask for a campaign that lasts a day longer than its teams."""
    starts_at = datetime.now(UTC) + timedelta(seconds=campaign.starts_in_seconds)
    ends_at = starts_at + timedelta(seconds=campaign.rules.team_seconds) + _DAY
    request = CreateCampaignRequest(
        merchant_id=campaign.merchant,
        currency=campaign.currency,
        items=[_item(item, campaign.currency) for item in campaign.items],
        ladder=_ladder(campaign),
        rules=_rules(campaign.rules, campaign.currency),
        presentation=types_pb2.Presentation(
            texts=[
                types_pb2.LocalizedText(language=language, title=title, terms=campaign.terms.get(language, ""))
                for language, title in campaign.titles.items()
            ],
            seller=campaign.seller,
            time_zone=campaign.time_zone,
        ),
    )
    request.ends_at.FromDatetime(ends_at)
    if campaign.starts_in_seconds:
        request.starts_at.FromDatetime(starts_at)
    if campaign.may_extend_seconds:
        request.latest_end.FromDatetime(ends_at + timedelta(seconds=campaign.may_extend_seconds))
    return request


def _item(item: model.Item, currency: str) -> types_pb2.Item:
    alone = Money(minor_units=item.alone, currency=currency)
    return types_pb2.Item(sku=item.sku, list_price=alone, stock=item.stock)


def _ladder(campaign: model.Campaign) -> ladder_pb2.Ladder:
    tiers = [
        ladder_pb2.Tier(threshold=tier.start, discounts=[_discount(item) for item in tier.discounts])
        for tier in campaign.tiers
    ]
    return ladder_pb2.Ladder(basis=_BASES[campaign.basis], tiers=tiers)


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


def _rules(rules: model.Rules, currency: str) -> types_pb2.Rules:
    made = types_pb2.Rules(
        payment_mode=types_pb2.PaymentMode.Value(f"PAYMENT_MODE_{rules.payment}"),
        counted_in=types_pb2.CountedIn.Value(f"COUNTED_IN_{rules.counted_in.upper()}"),
        minimum=rules.minimum,
        maximum=rules.maximum,
        close_when_full=rules.close_when_full,
        max_units_per_seat=rules.max_units,
        leave_until=types_pb2.LeaveUntil.Value(f"LEAVE_UNTIL_{rules.leave_until.upper()}"),
        max_units_per_member=rules.max_units_per_member,
        max_teams_per_member=rules.max_teams_per_member,
        max_teams_opened_per_member=rules.max_teams_opened_per_member,
        on_full=types_pb2.OnFull.Value(f"ON_FULL_{rules.on_full.upper()}"),
        max_waiting=rules.max_waiting,
        who_may_join=_who(rules.who_may_join),
        visibility=types_pb2.Visibility.Value(f"VISIBILITY_{rules.visibility.upper()}"),
        max_sponsored=rules.max_sponsored,
        leader_reward=Money(minor_units=rules.leader_reward, currency=currency) if rules.leader_reward else None,
    )
    made.hold_lifetime.FromTimedelta(timedelta(seconds=rules.hold_seconds))
    made.team_lifetime.FromTimedelta(timedelta(seconds=rules.team_seconds))
    if rules.hold_extension_seconds:
        made.hold_extension.FromTimedelta(timedelta(seconds=rules.hold_extension_seconds))
    if rules.leave_after_formed_seconds:
        made.leave_after_formed.FromTimedelta(timedelta(seconds=rules.leave_after_formed_seconds))
    if rules.pay_within_seconds:
        made.payment_terms.pay_within.FromTimedelta(timedelta(seconds=rules.pay_within_seconds))
    return made


def _who(who: model.WhoMayJoin) -> types_pb2.WhoMayJoin:
    return types_pb2.WhoMayJoin(
        newcomers_only=who.newcomers_only,
        tags=who.tags,
        old_brings_new=who.old_brings_new,
        match_key_needed=who.match_key_needed,
    )


def asserted(member: model.Member) -> types_pb2.Assertions:
    """Say of a member what the shop asserts with a join."""
    return types_pb2.Assertions(newcomer=member.newcomer, tags=member.tags, match_key=member.match_key)


def member_request(member: model.Member, member_id: str, web: str, messengers: Messengers) -> PutMemberRequest:
    """Register how a member is reached: at the demo's own servers of mail, web and messengers, or on the console."""
    addresses = {"email": f"{member_id}@members.example", "webhook": f"{web}{member_id}", "console": member.name}
    addresses |= messengers.addresses(member_id)
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
