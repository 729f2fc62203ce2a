"""Payment terms of a campaign on a real database: stored with its terms, and told when a team opens."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from services.team_formation import store
from services.team_formation.domain import PaymentMode, PaymentTerms
from services.team_formation.translate.payment_terms import payment_terms
from tests.support.database import Database
from tests.support.formation import PLATFORM, Formation, a_campaign, a_formation

TERMS = PaymentTerms(timedelta(hours=2), lapse_warning=timedelta(hours=3))


@pytest.fixture
async def formation(database: Database) -> AsyncIterator[Formation]:
    async with a_formation(await database("team_formation")) as formation:
        yield formation


@pytest.mark.parametrize("terms", [None, TERMS])
async def test_terms_are_stored_and_told(formation: Formation, terms: PaymentTerms | None) -> None:
    campaign = a_campaign(payment_mode=PaymentMode.COMMIT, rules={"payment_terms": terms})
    opened = await formation.open(await formation.create(campaign))
    async with formation.database.read() as connection:
        stored = await store.find_campaign(connection, PLATFORM, campaign.campaign_id)
    assert stored == campaign
    told = (await formation.events(opened.team.team_id))[0].team_opened.rules
    assert told.HasField("payment_terms") is (terms is not None)
    assert terms is None or told.payment_terms == payment_terms(terms)
