"""Campaigns and their terms between protobuf and the values of the domain."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from google.protobuf.duration_pb2 import Duration
from groupbuy.pricing.v1 import ladder_pb2
from groupbuy.team_formation.v1 import types_pb2

from services.team_formation import domain
from services.team_formation.translate.abuse import abuse_rule
from services.team_formation.translate.basics import campaign_id, duration, money, time
from services.team_formation.translate.payment_terms import payment_terms, read_payment_terms

ROLES = {domain.Role.LEADER: ladder_pb2.ROLE_LEADER, domain.Role.MEMBER: ladder_pb2.ROLE_MEMBER}
_BASES = {
    domain.Basis.TEAM_MEMBERS: ladder_pb2.BASIS_TEAM_MEMBERS,
    domain.Basis.TEAM_UNITS: ladder_pb2.BASIS_TEAM_UNITS,
    domain.Basis.CAMPAIGN_UNITS: ladder_pb2.BASIS_CAMPAIGN_UNITS,
}
_REFERENCE_KINDS = {ladder_pb2.ReferenceKind.Value(f"REFERENCE_KIND_{kind}"): kind for kind in domain.ReferenceKind}
_CHARGE_KINDS = {types_pb2.ChargeKind.Value(f"CHARGE_KIND_{kind}"): kind for kind in domain.ChargeKind}
COUPON_ORDERS = {order: ladder_pb2.CouponOrder.Value(f"COUPON_ORDER_{order}") for order in domain.CouponOrder}
READ_COUPON_ORDERS = {
    ladder_pb2.COUPON_ORDER_UNSPECIFIED: domain.CouponOrder.AFTER_TIER,
    **{code: order for order, code in COUPON_ORDERS.items()},
}
_MODES = {types_pb2.PaymentMode.Value(f"PAYMENT_MODE_{mode}"): mode for mode in domain.PaymentMode}
_COUNTED_IN = {
    types_pb2.COUNTED_IN_UNSPECIFIED: domain.CountedIn.MEMBERS,
    types_pb2.COUNTED_IN_MEMBERS: domain.CountedIn.MEMBERS,
    types_pb2.COUNTED_IN_UNITS: domain.CountedIn.UNITS,
}
_ON_FULL = {
    types_pb2.ON_FULL_UNSPECIFIED: domain.OnFull.REFUSE,
    **{types_pb2.OnFull.Value(f"ON_FULL_{item}"): item for item in domain.OnFull},
}
_VISIBILITIES = {
    types_pb2.VISIBILITY_UNSPECIFIED: domain.Visibility.LINK_ONLY,
    **{types_pb2.Visibility.Value(f"VISIBILITY_{item}"): item for item in domain.Visibility},
}
_STATES = {state: types_pb2.CampaignState.Value(f"CAMPAIGN_STATE_{state}") for state in domain.CampaignState}
_LEAVE = {
    types_pb2.LEAVE_UNTIL_UNSPECIFIED: domain.LeaveUntil.TIPPED,
    types_pb2.LEAVE_UNTIL_TIPPED: domain.LeaveUntil.TIPPED,
    types_pb2.LEAVE_UNTIL_ENDED: domain.LeaveUntil.ENDED,
    types_pb2.LEAVE_UNTIL_NEVER: domain.LeaveUntil.NEVER,
}


_KNOWN: dict[str, Mapping[Any, object]] = {
    "payment_mode": _MODES,
    "counted_in": _COUNTED_IN,
    "leave_until": _LEAVE,
    "on_full": _ON_FULL,
    "visibility": _VISIBILITIES,
}


def rules(values: domain.Rules, currency: str) -> types_pb2.Rules:
    """Write rules; a reward in the campaign's currency."""
    return types_pb2.Rules(
        payment_mode=types_pb2.PaymentMode.Value(f"PAYMENT_MODE_{values.payment_mode}"),
        counted_in=types_pb2.CountedIn.Value(f"COUNTED_IN_{values.counted_in}"),
        minimum=values.minimum,
        maximum=values.maximum,
        hold_lifetime=duration(values.hold_lifetime),
        team_lifetime=duration(values.team_lifetime),
        close_when_full=values.close_when_full,
        max_units_per_seat=values.max_units_per_seat,
        leave_until=types_pb2.LeaveUntil.Value(f"LEAVE_UNTIL_{values.leave_until}"),
        max_units_per_member=values.max_units_per_member,
        max_teams_per_member=values.max_teams_per_member,
        max_teams_opened_per_member=values.max_teams_opened_per_member,
        on_full=types_pb2.OnFull.Value(f"ON_FULL_{values.on_full}"),
        max_waiting=values.max_waiting,
        who_may_join=_who(values.who_may_join),
        visibility=types_pb2.Visibility.Value(f"VISIBILITY_{values.visibility}"),
        max_sponsored=values.max_sponsored,
        hold_extension=duration(values.hold_extension) if values.hold_extension else None,
        leave_after_formed=duration(values.leave_after_formed) if values.leave_after_formed else None,
        leader_reward=money(values.leader_reward, currency) if values.leader_reward else None,
        payment_terms=payment_terms(values.payment_terms) if values.payment_terms else None,
    )


def read_rules(message: types_pb2.Rules) -> domain.Rules:
    """Read rules; what is not said gets its default.

    ValueError where the payment mode is not said, KeyError naming the field that has a value not known here.
    """
    if not message.payment_mode:
        raise ValueError("rules.payment_mode")
    for field, known in _KNOWN.items():
        if getattr(message, field) not in known:
            raise KeyError(field)
    return domain.Rules(
        _MODES[message.payment_mode],
        _COUNTED_IN[message.counted_in],
        message.minimum,
        message.maximum,
        message.hold_lifetime.ToTimedelta(),
        message.team_lifetime.ToTimedelta(),
        close_when_full=message.close_when_full if message.HasField("close_when_full") else True,
        max_units_per_seat=message.max_units_per_seat or 1,
        leave_until=_LEAVE[message.leave_until],
        max_units_per_member=message.max_units_per_member,
        max_teams_per_member=message.max_teams_per_member,
        max_teams_opened_per_member=message.max_teams_opened_per_member,
        on_full=_ON_FULL[message.on_full],
        max_waiting=message.max_waiting or domain.USUAL_WAITING,
        who_may_join=_read_who(message.who_may_join),
        visibility=_VISIBILITIES[message.visibility],
        max_sponsored=message.max_sponsored,
        hold_extension=_span(message.hold_extension),
        leave_after_formed=_span(message.leave_after_formed),
        leader_reward=message.leader_reward.minor_units,
        payment_terms=read_payment_terms(message.payment_terms) if message.HasField("payment_terms") else None,
    )


def _span(message: Duration) -> timedelta:
    return message.ToTimedelta()


def _who(values: domain.WhoMayJoin) -> types_pb2.WhoMayJoin | None:
    if values == domain.WhoMayJoin():
        return None
    return types_pb2.WhoMayJoin(
        newcomers_only=values.newcomers_only,
        tags=values.tags,
        old_brings_new=values.old_brings_new,
        match_key_needed=values.match_key_needed,
    )


def _read_who(message: types_pb2.WhoMayJoin) -> domain.WhoMayJoin:
    return domain.WhoMayJoin(
        message.newcomers_only, tuple(message.tags), message.old_brings_new, message.match_key_needed
    )


def read_item(message: types_pb2.Item) -> domain.Item:
    """Read an item."""
    stock = message.stock if message.HasField("stock") else None
    reference = _read_reference(message.reference, message.sku) if message.HasField("reference") else None
    return domain.Item(message.sku, message.list_price.minor_units, stock, message.floor_price.minor_units, reference)


def _item(item: domain.Item, currency: str) -> types_pb2.Item:
    return types_pb2.Item(
        sku=item.sku,
        list_price=money(item.list_price, currency),
        stock=item.stock,
        floor_price=money(item.floor_price, currency) if item.floor_price else None,
        reference=reference(item.reference) if item.reference else None,
    )


def _read_reference(message: ladder_pb2.ReferencePrice, sku: str = "") -> domain.ReferencePrice:
    return domain.ReferencePrice(message.sku or sku, message.unit_price, _REFERENCE_KINDS.get(message.kind))


def reference(value: domain.ReferencePrice) -> ladder_pb2.ReferencePrice:
    """Write what an item costs who buys alone."""
    kind = ladder_pb2.ReferenceKind.Value(f"REFERENCE_KIND_{value.kind or 'UNSPECIFIED'}")
    return ladder_pb2.ReferencePrice(sku=value.sku, unit_price=value.unit_price, kind=kind)


def list_price(item: domain.Item) -> ladder_pb2.ListPrice:
    """Write an item as pricing compiles it."""
    return ladder_pb2.ListPrice(sku=item.sku, unit_price=item.list_price, floor_price=item.floor_price)


def presentation(shown: domain.Presentation) -> types_pb2.Presentation:
    """Write what pages show."""
    texts = [types_pb2.LocalizedText(language=t.language, title=t.title, terms=t.terms) for t in shown.texts]
    return types_pb2.Presentation(
        texts=texts,
        image_url=shown.image_url,
        seller=shown.seller,
        checkout_url=shown.checkout_url,
        time_zone=shown.time_zone,
        prices_include_tax=shown.prices_include_tax,
        charges=map(_charge, shown.charges),
    )


def read_presentation(message: types_pb2.Presentation) -> domain.Presentation:
    """Read what pages show."""
    texts = tuple(domain.LocalizedText(text.language, text.title, text.terms) for text in message.texts)
    return domain.Presentation(
        texts,
        message.image_url,
        message.seller,
        message.checkout_url,
        message.time_zone,
        message.prices_include_tax if message.HasField("prices_include_tax") else None,
        tuple(map(_read_charge, message.charges)),
    )


def _charge(shown: domain.ShownCharge) -> types_pb2.ShownCharge:
    kind = types_pb2.ChargeKind.Value(f"CHARGE_KIND_{shown.kind or 'UNSPECIFIED'}")
    message = types_pb2.ShownCharge(kind=kind, label=shown.label)
    if shown.amount is not None:
        message.fixed.CopyFrom(money(shown.amount, shown.currency))
    elif shown.basis_points is not None:
        message.basis_points = shown.basis_points
    return message


def _read_charge(message: types_pb2.ShownCharge) -> domain.ShownCharge:
    kind, how = _CHARGE_KINDS.get(message.kind), message.WhichOneof("amount")
    if how == "fixed":
        return domain.ShownCharge(kind, message.label, message.fixed.minor_units, message.fixed.currency)
    return domain.ShownCharge(kind, message.label, basis_points=message.basis_points if how else None)


def _discount(item: domain.Discount) -> ladder_pb2.Discount:
    message = ladder_pb2.Discount(sku=item.sku, role=ROLES[item.role] if item.role else ladder_pb2.ROLE_UNSPECIFIED)
    setattr(message, item.kind, item.value)
    return message


def _read_discount(message: ladder_pb2.Discount) -> domain.Discount:
    kind = message.WhichOneof("kind") or ""
    role = {code: role for role, code in ROLES.items()}.get(message.role)
    return domain.Discount(kind, getattr(message, kind) if kind else 0, message.sku, role)


def ladder(basis: domain.Basis, tiers: Iterable[domain.Tier]) -> ladder_pb2.Ladder:
    """Write a ladder."""
    written = [ladder_pb2.Tier(threshold=t.threshold, discounts=map(_discount, t.discounts)) for t in tiers]
    return ladder_pb2.Ladder(basis=_BASES[basis], tiers=written)


def read_tiers(message: ladder_pb2.Ladder) -> tuple[domain.Tier, ...]:
    """Read the tiers of a ladder that pricing has accepted."""
    return tuple(domain.Tier(tier.threshold, tuple(map(_read_discount, tier.discounts))) for tier in message.tiers)


def price_table(table: domain.PriceTable) -> ladder_pb2.PriceTable:
    """Write a price table."""
    return ladder_pb2.PriceTable(
        currency=table.currency,
        basis=_BASES[table.basis],
        ladder_version=table.ladder_version,
        rows=[
            ladder_pb2.PriceRow(
                sku=row.sku, role=ROLES[row.role], steps=map(_step, row.steps), floor_price=row.floor_price
            )
            for row in table.rows
        ],
        references=map(reference, table.references),
    )


def _step(step: domain.PriceStep) -> ladder_pb2.PriceStep:
    discount = _discount(step.discount) if step.discount else None
    return ladder_pb2.PriceStep(threshold=step.threshold, unit_price=step.unit_price, tier=step.tier, discount=discount)


def read_price_table(message: ladder_pb2.PriceTable) -> domain.PriceTable:
    """Read a price table that pricing has made."""
    basis = {code: basis for basis, code in _BASES.items()}[message.basis]
    role = {code: role for role, code in ROLES.items()}
    rows = tuple(
        domain.PriceRow(row.sku, role[row.role], tuple(map(_read_step, row.steps)), row.floor_price)
        for row in message.rows
    )
    references = tuple(map(_read_reference, message.references))
    return domain.PriceTable(message.currency, basis, message.ladder_version, rows, references)


def _read_step(message: ladder_pb2.PriceStep) -> domain.PriceStep:
    discount = _read_discount(message.discount) if message.HasField("discount") else None
    return domain.PriceStep(message.threshold, message.unit_price, message.tier, discount)


def campaign(
    values: domain.Campaign, now: datetime, stock: Mapping[str, domain.Level] | None = None
) -> types_pb2.Campaign:
    """Write a campaign as it stands at a time, with what is left of its stock where that is given."""
    terms = values.terms
    items = [_item(item, values.currency) for item in terms.items]
    levels = [
        types_pb2.ItemStock(sku=sku, offered=level.offered, taken=level.taken) for sku, level in (stock or {}).items()
    ]
    return types_pb2.Campaign(
        campaign_id=campaign_id(values.campaign_id),
        merchant_id=values.merchant_id,
        external_ref=values.external_ref,
        starts_at=time(values.starts_at),
        ends_at=time(values.ends_at),
        currency=values.currency,
        items=items,
        ladder=ladder(terms.price_table.basis, terms.tiers),
        rules=rules(terms.rules, values.currency),
        presentation=presentation(values.presentation),
        price_table=price_table(terms.price_table),
        state=_STATES[values.state(now)],
        version=values.version,
        terms_version=terms.version,
        latest_end=time(values.latest_end),
        shown_sku=values.shown_sku,
        stock=levels,
        coupon_order=COUPON_ORDERS[values.coupon_order],
        suspension_reason=values.suspension_reason,
        abuse_rules=map(abuse_rule, values.abuse_rules),
    )


def ladder_of(values: domain.Campaign) -> ladder_pb2.Ladder:
    """Write the ladder of a campaign."""
    return ladder(values.terms.price_table.basis, values.terms.tiers)
