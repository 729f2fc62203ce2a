"""Payment terms of teams."""

from collections.abc import Sequence
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.columns import columns
from services.pricing.domain import PaymentTerms


async def insert_payment_terms(
    connection: AsyncConnection[TupleRow], rows: Sequence[tuple[UUID, UUID, UUID, PaymentTerms]]
) -> None:
    """Store the terms of teams that open, named by campaign, team and platform, at least one."""
    await connection.execute(
        "INSERT INTO payment_terms (campaign_id, team_id, platform_id, pay_within, authorisation_lifetime,"
        " lapse_warning)"
        " SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::interval[], %s::interval[], %s::interval[])",
        columns((*key, own.pay_within, own.authorisation_lifetime, own.lapse_warning) for *key, own in rows),
    )


async def load_payment_terms(
    connection: AsyncConnection[TupleRow], teams: Sequence[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], PaymentTerms]:
    """Load the terms of teams named by campaign and team, at least one; a team without any is left out."""
    cursor = await connection.execute(
        "SELECT campaign_id, team_id, pay_within, authorisation_lifetime, lapse_warning FROM payment_terms"
        " JOIN unnest(%s::uuid[], %s::uuid[]) AS k (campaign_id, team_id) USING (campaign_id, team_id)",
        columns(teams),
    )
    return {(row[0], row[1]): PaymentTerms(*row[2:]) async for row in cursor}
