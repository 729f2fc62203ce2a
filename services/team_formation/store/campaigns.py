"""Campaigns and their terms."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from services.chassis.arrays import texts
from services.chassis.rows import Asked, ask
from services.team_formation.domain import (
    Basis,
    Campaign,
    CampaignDecision,
    ChargeKind,
    CountedIn,
    CouponOrder,
    Discount,
    Item,
    LeaveUntil,
    LocalizedText,
    OnBelowMinimum,
    OnFull,
    OnUnpaid,
    PaymentMode,
    PaymentTerms,
    Phase,
    Presentation,
    PriceRow,
    PriceStep,
    PriceTable,
    ReferenceKind,
    ReferencePrice,
    Role,
    Rules,
    ShownCharge,
    Terms,
    Tier,
    Visibility,
    WhoMayJoin,
)
from services.team_formation.store.abuse_rules import rules_data, rules_of

_TICK = timedelta(microseconds=1)


async def insert_campaign(connection: AsyncConnection[TupleRow], campaign: Campaign, now: datetime) -> None:
    """Store a new campaign with its first terms."""
    await connection.execute(
        "INSERT INTO campaigns (campaign_id, platform_id, merchant_id, external_ref, currency, starts_at, ends_at,"
        " terms_version, presentation, sequence, phase, latest_end, created_at, coupon_order,"
        " abuse_rules) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            campaign.campaign_id,
            campaign.platform_id,
            campaign.merchant_id,
            campaign.external_ref,
            campaign.currency,
            campaign.starts_at,
            campaign.ends_at,
            campaign.terms.version,
            Jsonb(_presentation_data(campaign.presentation)),
            campaign.version,
            campaign.phase,
            campaign.latest_end,
            now,
            campaign.coupon_order,
            Jsonb(rules_data(campaign.abuse_rules)),
        ),
    )
    await insert_terms(connection, campaign)


async def lock_count(connection: AsyncConnection[TupleRow], platform_id: UUID) -> None:
    """Have nobody else create a campaign of a platform until this transaction ends: how many there are stays true."""
    await connection.execute("SELECT FROM platforms WHERE platform_id = %s FOR NO KEY UPDATE", (platform_id,))


async def count_campaigns(connection: AsyncConnection[TupleRow], platform_id: UUID, now: datetime) -> int:
    """Count a platform's campaigns that are not over."""
    cursor = await connection.execute(
        "SELECT count(*) FROM campaigns WHERE platform_id = %s AND ends_at > %s AND phase <> 'CANCELLED'",
        (platform_id, now),
    )
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def update_campaign(connection: AsyncConnection[TupleRow], campaign: Campaign, *, sweeps: bool) -> None:
    """Store what can change of a campaign that is locked; with `sweeps`, have its teams looked at from the first on."""
    await connection.execute(
        "UPDATE campaigns SET merchant_id = %s, external_ref = %s, currency = %s, starts_at = %s, ends_at = %s,"
        " terms_version = %s, presentation = %s, sequence = %s, phase = %s, latest_end = %s, shown_sku = %s,"
        " cancel_reason = %s, cancels_formed = %s, suspension_reason = %s, abuse_rules = %s,"
        " sweeping = sweeping OR %s,"
        " sweep_after = CASE WHEN %s THEN NULL ELSE sweep_after END"
        " WHERE campaign_id = %s AND platform_id = %s",
        (
            campaign.merchant_id,
            campaign.external_ref,
            campaign.currency,
            campaign.starts_at,
            campaign.ends_at,
            campaign.terms.version,
            Jsonb(_presentation_data(campaign.presentation)),
            campaign.version,
            campaign.phase,
            campaign.latest_end,
            campaign.shown_sku,
            campaign.cancel_reason,
            campaign.cancels_formed,
            campaign.suspension_reason,
            Jsonb(rules_data(campaign.abuse_rules)),
            sweeps,
            sweeps,
            campaign.campaign_id,
            campaign.platform_id,
        ),
    )


async def insert_terms(connection: AsyncConnection[TupleRow], campaign: Campaign) -> None:
    """Store a version of a campaign's terms; it never changes."""
    terms, rules = campaign.terms, campaign.terms.rules
    await connection.execute(
        "INSERT INTO campaign_terms (campaign_id, terms_version, platform_id, payment_mode, counted_in, minimum,"
        " maximum, hold_lifetime, team_lifetime, close_when_full, max_units_per_seat, leave_until,"
        " max_units_per_member, max_teams_per_member, max_teams_opened_per_member, on_full, max_waiting, visibility,"
        " max_sponsored, hold_extension, leave_after_formed, leader_reward, who_may_join, items, tiers, price_table,"
        " payment_terms)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s,"
        " %s, %s)",
        (
            campaign.campaign_id,
            terms.version,
            campaign.platform_id,
            rules.payment_mode,
            rules.counted_in,
            rules.minimum,
            rules.maximum,
            rules.hold_lifetime,
            rules.team_lifetime,
            rules.close_when_full,
            rules.max_units_per_seat,
            rules.leave_until,
            rules.max_units_per_member,
            rules.max_teams_per_member,
            rules.max_teams_opened_per_member,
            rules.on_full,
            rules.max_waiting,
            rules.visibility,
            rules.max_sponsored,
            rules.hold_extension,
            rules.leave_after_formed,
            rules.leader_reward,
            Jsonb(_who_data(rules.who_may_join)),
            Jsonb([_item_data(item) for item in terms.items]),
            Jsonb([_tier_data(tier) for tier in terms.tiers]),
            Jsonb(_table_data(terms.price_table)),
            Jsonb(_payment_data(rules.payment_terms)) if rules.payment_terms else None,
        ),
    )


_TERMS = (
    "t.terms_version, t.payment_mode, t.counted_in, t.minimum, t.maximum, t.hold_lifetime, t.team_lifetime,"
    " t.close_when_full, t.max_units_per_seat, t.leave_until, t.max_units_per_member, t.max_teams_per_member,"
    " t.max_teams_opened_per_member, t.on_full, t.max_waiting, t.who_may_join, t.visibility, t.max_sponsored,"
    " t.hold_extension, t.leave_after_formed, t.leader_reward, t.payment_terms, t.items, t.tiers, t.price_table"
)
COLUMNS = (
    "c.campaign_id, c.platform_id, c.merchant_id, c.external_ref, c.currency, c.starts_at, c.ends_at, c.presentation,"
    f" c.sequence, c.phase, c.latest_end, c.shown_sku, c.cancel_reason, c.cancels_formed,"
    f" c.coupon_order, c.suspension_reason, c.abuse_rules, {_TERMS}"
)
JOINED = (
    "campaigns AS c JOIN campaign_terms AS t ON t.campaign_id = c.campaign_id AND t.terms_version = c.terms_version"
)


async def find_owner(connection: AsyncConnection[TupleRow], campaign_id: UUID) -> UUID | None:
    """Find whose campaign it is: a page's address names the campaign alone."""
    cursor = await connection.execute(
        "SELECT platform_id FROM campaigns WHERE campaign_id = %s", (campaign_id,), binary=True
    )
    row = await cursor.fetchone()
    return row[0] if row else None


async def find_version(connection: AsyncConnection[TupleRow], platform_id: UUID, campaign_id: UUID) -> int | None:
    """Find the version of a campaign."""
    return await _version(connection, platform_id, campaign_id, "")


async def lock_campaign(connection: AsyncConnection[TupleRow], platform_id: UUID, campaign_id: UUID) -> int | None:
    """Lock a campaign and give its version; before its stock, members and teams."""
    return await _version(connection, platform_id, campaign_id, " FOR UPDATE")


async def _version(
    connection: AsyncConnection[TupleRow], platform_id: UUID, campaign_id: UUID, lock: str
) -> int | None:
    cursor = await connection.execute(
        f"SELECT sequence FROM campaigns WHERE campaign_id = %s AND platform_id = %s{lock}",  # noqa: S608 - constants
        (campaign_id, platform_id),
        binary=True,
    )
    row = await cursor.fetchone()
    return row[0] if row else None


async def keep_campaigns(connection: AsyncConnection[TupleRow], wanted: Sequence[tuple[UUID, UUID]]) -> Asked[int]:
    """Find the versions of campaigns, named by platform and id, which stay until the transaction has ended."""
    return await ask(
        connection,
        "SELECT sequence FROM campaigns WHERE campaign_id = %s AND platform_id = %s FOR SHARE",
        [(campaign, platform) for platform, campaign in wanted],
        lambda row: row[0],
    )


async def find_campaign(connection: AsyncConnection[TupleRow], platform_id: UUID, campaign_id: UUID) -> Campaign | None:
    """Find a campaign with its terms for teams opened now."""
    cursor = await connection.execute(
        f"SELECT {COLUMNS} FROM {JOINED} WHERE c.campaign_id = %s AND c.platform_id = %s",  # noqa: S608 - constants
        (campaign_id, platform_id),
    )
    row = await cursor.fetchone()
    return campaign_of(row) if row else None


async def find_terms(
    connection: AsyncConnection[TupleRow], platform_id: UUID, campaign_id: UUID, version: int
) -> Terms | None:
    """Find a version of a campaign's terms."""
    cursor = await connection.execute(
        f"SELECT {_TERMS} FROM campaign_terms AS t"  # noqa: S608 - constants
        " WHERE t.campaign_id = %s AND t.platform_id = %s AND t.terms_version = %s",
        (campaign_id, platform_id, version),
    )
    row = await cursor.fetchone()
    return _terms(row) if row else None


async def insert_change(
    connection: AsyncConnection[TupleRow],
    decision: CampaignDecision,
    actor: str,
    request_id: str,
    now: datetime,
) -> None:
    """Store who did what to a campaign."""
    campaign = decision.campaign
    await connection.execute(
        "INSERT INTO campaign_changes (campaign_id, version, platform_id, action, actor, request_id, fields, detail,"
        " changed_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            campaign.campaign_id,
            campaign.version,
            campaign.platform_id,
            decision.action,
            actor,
            request_id,
            texts(decision.fields),
            decision.detail,
            now,
        ),
    )


def campaign_of(row: TupleRow) -> Campaign:
    """Make a campaign of a row of COLUMNS."""
    presentation = dict(row[7])
    texts_of = tuple(LocalizedText(**text) for text in presentation.pop("texts"))
    return Campaign(
        campaign_id=row[0],
        platform_id=row[1],
        merchant_id=row[2],
        external_ref=row[3],
        currency=row[4],
        starts_at=row[5],
        ends_at=row[6],
        presentation=_presentation(texts_of, presentation),
        terms=_terms(row[17:]),
        version=row[8],
        phase=Phase(row[9]),
        latest_end=row[10],
        shown_sku=row[11],
        cancel_reason=row[12],
        cancels_formed=row[13],
        coupon_order=CouponOrder(row[14]),
        suspension_reason=row[15],
        abuse_rules=rules_of(row[16]),
    )


def _terms(row: Sequence[Any]) -> Terms:
    version, *rules, items, tiers, table = row
    return Terms(
        version,
        _rules(rules),
        tuple(map(_item, items)),
        tuple(Tier(tier["threshold"], tuple(map(_discount, tier["discounts"]))) for tier in tiers),
        _table(table),
    )


def _rules(row: Sequence[Any]) -> Rules:
    return Rules(
        payment_mode=PaymentMode(row[0]),
        counted_in=CountedIn(row[1]),
        minimum=row[2],
        maximum=row[3],
        hold_lifetime=row[4],
        team_lifetime=row[5],
        close_when_full=row[6],
        max_units_per_seat=row[7],
        leave_until=LeaveUntil(row[8]),
        max_units_per_member=row[9],
        max_teams_per_member=row[10],
        max_teams_opened_per_member=row[11],
        on_full=OnFull(row[12]),
        max_waiting=row[13],
        who_may_join=_who(row[14]),
        visibility=Visibility(row[15]),
        max_sponsored=row[16],
        hold_extension=row[17],
        leave_after_formed=row[18],
        leader_reward=row[19],
        payment_terms=_payment_terms(row[20]) if row[20] else None,
    )


def _payment_data(terms: PaymentTerms) -> dict[str, Any]:
    """Write payment terms; times are in microseconds."""
    return {
        "pay_within": terms.pay_within // _TICK,
        "on_unpaid": terms.on_unpaid,
        "on_below_minimum": terms.on_below_minimum,
        "authorisation_lifetime": terms.authorisation_lifetime // _TICK,
        "lapse_warning": terms.lapse_warning // _TICK,
    }


def _payment_terms(data: dict[str, Any]) -> PaymentTerms:
    return PaymentTerms(
        pay_within=data["pay_within"] * _TICK,
        on_unpaid=OnUnpaid(data["on_unpaid"]),
        on_below_minimum=OnBelowMinimum(data["on_below_minimum"]),
        authorisation_lifetime=data["authorisation_lifetime"] * _TICK,
        lapse_warning=data["lapse_warning"] * _TICK,
    )


def _who_data(who: WhoMayJoin) -> dict[str, Any]:
    return {
        "newcomers_only": who.newcomers_only,
        "tags": list(who.tags),
        "old_brings_new": who.old_brings_new,
        "match_key_needed": who.match_key_needed,
    }


def _who(data: dict[str, Any]) -> WhoMayJoin:
    return WhoMayJoin(**{**data, "tags": tuple(data.get("tags", ()))})


def _item_data(item: Item) -> dict[str, Any]:
    stock = {} if item.stock is None else {"stock": item.stock}
    floor = {"floor_price": item.floor_price} if item.floor_price else {}
    reference = {"reference": _reference_data(item.reference)} if item.reference else {}
    return {"sku": item.sku, "list_price": item.list_price, **stock, **floor, **reference}


def _item(data: dict[str, Any]) -> Item:
    reference = _reference(data["reference"]) if "reference" in data else None
    return Item(data["sku"], data["list_price"], data.get("stock"), data.get("floor_price", 0), reference)


def _reference_data(shown: ReferencePrice) -> dict[str, Any]:
    return {"sku": shown.sku, "unit_price": shown.unit_price, "kind": shown.kind}


def _reference(data: dict[str, Any]) -> ReferencePrice:
    return ReferencePrice(data["sku"], data["unit_price"], ReferenceKind(data["kind"]) if data["kind"] else None)


def _presentation_data(shown: Presentation) -> dict[str, Any]:
    texts = [{"language": text.language, "title": text.title, "terms": text.terms} for text in shown.texts]
    return {
        "texts": texts,
        "image_url": shown.image_url,
        "seller": shown.seller,
        "checkout_url": shown.checkout_url,
        "time_zone": shown.time_zone,
        **({} if shown.prices_include_tax is None else {"prices_include_tax": shown.prices_include_tax}),
        **({"charges": [_charge_data(charge) for charge in shown.charges]} if shown.charges else {}),
    }


def _presentation(texts_of: tuple[LocalizedText, ...], data: dict[str, Any]) -> Presentation:
    return Presentation(texts=texts_of, **{**data, "charges": tuple(map(_charge, data.get("charges", ())))})


def _charge_data(charge: ShownCharge) -> dict[str, Any]:
    return {
        "kind": charge.kind,
        "label": charge.label,
        "amount": charge.amount,
        "currency": charge.currency,
        "basis_points": charge.basis_points,
    }


def _charge(data: dict[str, Any]) -> ShownCharge:
    return ShownCharge(**{**data, "kind": ChargeKind(data["kind"]) if data["kind"] else None})


def _tier_data(tier: Tier) -> dict[str, Any]:
    return {"threshold": tier.threshold, "discounts": [_discount_data(item) for item in tier.discounts]}


def _discount_data(item: Discount) -> dict[str, Any]:
    return {"kind": item.kind, "value": item.value, "sku": item.sku, "role": item.role}


def _discount(data: dict[str, Any]) -> Discount:
    return Discount(data["kind"], data["value"], data["sku"], Role(data["role"]) if data["role"] else None)


def _table_data(table: PriceTable) -> dict[str, Any]:
    rows = [
        {
            "sku": row.sku,
            "role": row.role,
            "steps": [_step_data(step) for step in row.steps],
            "floor_price": row.floor_price,
        }
        for row in table.rows
    ]
    return {
        "currency": table.currency,
        "basis": table.basis,
        "ladder_version": table.ladder_version,
        "rows": rows,
        "references": [_reference_data(item) for item in table.references],
    }


def _step_data(step: PriceStep) -> dict[str, Any]:
    discount = _discount_data(step.discount) if step.discount else None
    return {"threshold": step.threshold, "unit_price": step.unit_price, "tier": step.tier, "discount": discount}


def _table(data: dict[str, Any]) -> PriceTable:
    rows = tuple(
        PriceRow(row["sku"], Role(row["role"]), tuple(map(_step, row["steps"])), row.get("floor_price", 0))
        for row in data["rows"]
    )
    references = tuple(map(_reference, data.get("references", ())))  # tables of 0.1.0 have none
    return PriceTable(data["currency"], Basis(data["basis"]), data["ladder_version"], rows, references)


def _step(data: dict[str, Any]) -> PriceStep:
    discount = _discount(data["discount"]) if data["discount"] else None
    return PriceStep(data["threshold"], data["unit_price"], data["tier"], discount)
