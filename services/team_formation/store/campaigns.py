"""Campaigns and their terms."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from services.team_formation.domain import (
    Basis,
    Campaign,
    CountedIn,
    Discount,
    Item,
    LeaveUntil,
    LocalizedText,
    PaymentMode,
    Presentation,
    PriceRow,
    PriceStep,
    PriceTable,
    Role,
    Rules,
    Terms,
    Tier,
)


async def insert_campaign(connection: AsyncConnection[TupleRow], campaign: Campaign, now: datetime) -> None:
    """Store a new campaign with its first terms."""
    terms, rules = campaign.terms, campaign.terms.rules
    await connection.execute(
        "INSERT INTO campaigns (campaign_id, platform_id, merchant_id, external_ref, currency, starts_at, ends_at,"
        " terms_version, presentation, sequence, created_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, 1, %s)",
        (
            campaign.campaign_id,
            campaign.platform_id,
            campaign.merchant_id,
            campaign.external_ref,
            campaign.currency,
            campaign.starts_at,
            campaign.ends_at,
            terms.version,
            Jsonb(_presentation_data(campaign.presentation)),
            now,
        ),
    )
    await connection.execute(
        "INSERT INTO campaign_terms (campaign_id, terms_version, platform_id, payment_mode, counted_in, minimum,"
        " maximum, hold_lifetime, team_lifetime, close_when_full, max_units_per_seat, leave_until, items, tiers,"
        " price_table)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
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
            Jsonb([{"sku": item.sku, "list_price": item.list_price} for item in terms.items]),
            Jsonb([_tier_data(tier) for tier in terms.tiers]),
            Jsonb(_table_data(terms.price_table)),
        ),
    )


async def find_campaign(
    connection: AsyncConnection[TupleRow], campaign_id: UUID, terms_version: int | None = None
) -> Campaign | None:
    """Find a campaign with its terms at a version, or those for teams opened now."""
    cursor = await connection.execute(
        "SELECT c.platform_id, c.merchant_id, c.external_ref, c.currency, c.starts_at, c.ends_at, c.presentation,"
        " t.terms_version, t.payment_mode, t.counted_in, t.minimum, t.maximum, t.hold_lifetime, t.team_lifetime,"
        " t.close_when_full, t.max_units_per_seat, t.leave_until, t.items, t.tiers, t.price_table"
        " FROM campaigns AS c JOIN campaign_terms AS t ON t.campaign_id = c.campaign_id"
        " AND t.terms_version = coalesce(%s, c.terms_version) WHERE c.campaign_id = %s",
        (terms_version, campaign_id),
    )
    row = await cursor.fetchone()
    return _campaign(campaign_id, row) if row else None


def _campaign(campaign_id: UUID, row: TupleRow) -> Campaign:
    platform_id, merchant_id, external_ref, currency, starts_at, ends_at, presentation, version, *rest = row
    *rules, items, tiers, table = rest
    terms = Terms(
        version,
        _rules(rules),
        tuple(Item(**item) for item in items),
        tuple(Tier(tier["threshold"], tuple(map(_discount, tier["discounts"]))) for tier in tiers),
        _table(table),
    )
    texts = tuple(LocalizedText(**text) for text in presentation.pop("texts"))
    shown = Presentation(texts=texts, **presentation)
    return Campaign(campaign_id, platform_id, merchant_id, external_ref, currency, starts_at, ends_at, shown, terms)


def _rules(row: Sequence[Any]) -> Rules:
    mode, counted_in, minimum, maximum, hold_lifetime, team_lifetime, close_when_full, most_units, leave_until = row
    return Rules(
        PaymentMode(mode),
        CountedIn(counted_in),
        minimum,
        maximum,
        hold_lifetime,
        team_lifetime,
        close_when_full,
        most_units,
        LeaveUntil(leave_until),
    )


def _presentation_data(shown: Presentation) -> dict[str, Any]:
    texts = [{"language": text.language, "title": text.title, "terms": text.terms} for text in shown.texts]
    return {
        "texts": texts,
        "image_url": shown.image_url,
        "seller": shown.seller,
        "checkout_url": shown.checkout_url,
        "time_zone": shown.time_zone,
    }


def _tier_data(tier: Tier) -> dict[str, Any]:
    return {"threshold": tier.threshold, "discounts": [_discount_data(item) for item in tier.discounts]}


def _discount_data(item: Discount) -> dict[str, Any]:
    return {"kind": item.kind, "value": item.value, "sku": item.sku, "role": item.role}


def _discount(data: dict[str, Any]) -> Discount:
    return Discount(data["kind"], data["value"], data["sku"], Role(data["role"]) if data["role"] else None)


def _table_data(table: PriceTable) -> dict[str, Any]:
    rows = [{"sku": row.sku, "role": row.role, "steps": [_step_data(step) for step in row.steps]} for row in table.rows]
    return {
        "currency": table.currency,
        "basis": table.basis,
        "ladder_version": table.ladder_version,
        "rows": rows,
    }


def _step_data(step: PriceStep) -> dict[str, Any]:
    discount = _discount_data(step.discount) if step.discount else None
    return {"threshold": step.threshold, "unit_price": step.unit_price, "tier": step.tier, "discount": discount}


def _table(data: dict[str, Any]) -> PriceTable:
    rows = tuple(PriceRow(row["sku"], Role(row["role"]), tuple(map(_step, row["steps"]))) for row in data["rows"])
    return PriceTable(data["currency"], Basis(data["basis"]), data["ladder_version"], rows)


def _step(data: dict[str, Any]) -> PriceStep:
    discount = _discount(data["discount"]) if data["discount"] else None
    return PriceStep(data["threshold"], data["unit_price"], data["tier"], discount)
