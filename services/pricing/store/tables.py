"""Price tables, a row per step."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from services.chassis.columns import columns
from services.pricing.domain import (
    Basis,
    Discount,
    DiscountKind,
    PriceRow,
    PriceStep,
    PriceTable,
    ReferenceKind,
    ReferencePrice,
    Role,
)


async def load_tables(
    connection: AsyncConnection[TupleRow], keys: Sequence[tuple[UUID, UUID, int]]
) -> dict[tuple[UUID, UUID, int], PriceTable]:
    """Load price tables named by platform, campaign and ladder version, at least one."""
    cursor = await connection.execute(
        "SELECT t.platform_id, t.campaign_id, t.ladder_version, t.currency, t.basis, t.reference_prices, p.place,"
        " p.sku, p.role, p.floor_price, p.threshold, p.unit_price, p.tier, p.discount_kind, p.discount_value,"
        " p.discount_sku, p.discount_role"
        " FROM price_tables AS t"
        " JOIN unnest(%s::uuid[], %s::uuid[], %s::bigint[]) AS k (platform_id, campaign_id, ladder_version)"
        " USING (platform_id, campaign_id, ladder_version)"
        " JOIN price_steps AS p USING (campaign_id, ladder_version)"
        " ORDER BY t.campaign_id, t.ladder_version, p.place, p.threshold",
        columns(keys),
    )
    rows = await cursor.fetchall()
    return {(key[0], key[1], key[2]): _table(list(group)) for key, group in groupby(rows, key=lambda row: row[:3])}


async def list_campaign_tables(connection: AsyncConnection[TupleRow], campaign_id: UUID) -> list[tuple[UUID, int]]:
    """List the tables of a campaign whose ladder it fills as a whole: platform and ladder version."""
    cursor = await connection.execute(
        "SELECT platform_id, ladder_version FROM price_tables WHERE campaign_id = %s AND basis = 'CAMPAIGN_UNITS'"
        " ORDER BY ladder_version",
        (campaign_id,),
    )
    return [(platform_id, version) async for platform_id, version in cursor]


async def insert_tables(connection: AsyncConnection[TupleRow], tables: Sequence[tuple[UUID, UUID, PriceTable]]) -> None:
    """Store price tables, at least one, each with platform and campaign; the first of a campaign's version stays."""
    ordered = sorted(tables, key=lambda item: (item[1], item[2].ladder_version))
    cursor = await connection.execute(
        "INSERT INTO price_tables (platform_id, campaign_id, ladder_version, currency, basis, reference_prices)"
        " SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::bigint[], %s::text[], %s::text[], %s::jsonb[])"
        " ON CONFLICT DO NOTHING RETURNING platform_id, campaign_id, ladder_version",
        columns(
            (platform, campaign, table.ladder_version, table.currency, table.basis, _references_data(table))
            for platform, campaign, table in ordered
        ),
    )
    new = {(row[0], row[1], row[2]) async for row in cursor}
    missing = [item for item in ordered if (item[0], item[1], item[2].ladder_version) in new]
    if missing:
        await connection.execute(
            "INSERT INTO price_steps (platform_id, campaign_id, ladder_version, place, sku, role, threshold,"
            " unit_price, tier, discount_kind, discount_value, discount_sku, discount_role, floor_price)"
            " SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::bigint[], %s::bigint[], %s::text[], %s::text[],"
            " %s::bigint[], %s::bigint[], %s::integer[], %s::text[], %s::bigint[], %s::text[], %s::text[],"
            " %s::bigint[])",
            columns(row for platform, campaign, table in missing for row in _rows(platform, campaign, table)),
        )


def _rows(platform_id: UUID, campaign_id: UUID, table: PriceTable) -> Iterable[tuple[object, ...]]:
    for place, row in enumerate(table.rows, start=1):
        for step in row.steps:
            yield (
                platform_id,
                campaign_id,
                table.ladder_version,
                place,
                row.sku,
                row.role,
                step.threshold,
                step.unit_price,
                step.tier,
                *_discount_columns(step.discount),
                row.floor_price,
            )


def _discount_columns(discount: Discount | None) -> tuple[object, ...]:
    return (discount.kind, discount.value, discount.sku, discount.role) if discount else (None, 0, "", None)


def _table(rows: Sequence[TupleRow]) -> PriceTable:
    _, _, ladder_version, currency, basis, shown = rows[0][:6]
    table_rows = []
    for (_, sku, role, floor), group in groupby(rows, key=lambda row: row[6:10]):
        table_rows.append(PriceRow(sku, Role(role), tuple(_step(row) for row in group), floor))
    return PriceTable(currency, Basis(basis), ladder_version, tuple(table_rows), tuple(map(_reference, shown)))


def _references_data(table: PriceTable) -> Jsonb:
    return Jsonb([{"sku": item.sku, "unit_price": item.unit_price, "kind": item.kind} for item in table.references])


def _reference(data: dict[str, Any]) -> ReferencePrice:
    return ReferencePrice(data["sku"], data["unit_price"], ReferenceKind(data["kind"]) if data["kind"] else None)


def _step(row: TupleRow) -> PriceStep:
    threshold, unit_price, tier, kind, value, sku, role = row[10:]
    discount = Discount(DiscountKind(kind), value, sku, Role(role) if role else None) if kind else None
    return PriceStep(threshold, unit_price, tier, discount)
