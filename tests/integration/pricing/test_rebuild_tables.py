"""A rebuild knows every table of pricing: built again, kept, or apart while it builds."""

from services.pricing.store.rebuild import APART, DERIVED, KEPT, OF_TEAM
from tests.support.pricing import PricingService

HISTORY = "schema_migrations"
"""Which migrations were applied; no data of the service."""


async def test_every_table_is_in_exactly_one_list(pricing: PricingService) -> None:
    rows = await pricing.rows(
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
        " AND relnamespace = 'public'::regnamespace"
    )
    assert sorted((*DERIVED, *KEPT, *APART, HISTORY)) == sorted(row["relname"] for row in rows)


async def test_every_derived_table_with_a_team_goes_with_the_team(pricing: PricingService) -> None:
    rows = await pricing.rows(
        "SELECT table_name FROM information_schema.columns WHERE column_name = 'team_id' AND table_schema = 'public'"
    )
    of_team = {row["table_name"] for row in rows} & set(DERIVED)
    assert set(OF_TEAM) == of_team - {"tally_fixes"}  # which are of the tally, and taken over with it
