"""Everybody has their turn: a team that cannot go on, or is not due by its own clock, keeps no other from it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.chassis import ids
from tests.integration.pricing.test_payment_terms import TERMS
from tests.support.pricing import PricingService
from tests.support.pricing_lives import FullLife
from tests.support.teams import COMMIT

DAY = timedelta(days=1)


def campaign(life: FullLife) -> UUID:
    return (ids.parse("camp", life.campaign_id, 1) or ())[0]


def formed(count: int = 2) -> list[FullLife]:
    """Teams of campaigns and platforms of their own that have formed, in the order of their campaigns."""
    lives = [FullLife(payment_mode=COMMIT, payment_terms=TERMS) for _ in range(count)]
    for life in lives:
        life.open("mei")
        life.confirm("mei")
        life.join("tom")
        life.form()
    return sorted(lives, key=campaign)


async def change(pricing: PricingService, statement: str, life: FullLife) -> None:
    """Spoil rows of a team's campaign."""
    async with pricing.database.work() as work:
        await work.connection.execute(statement.encode(), (campaign(life),))


@pytest.fixture
def one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.pricing.handlers.awaited.PAYMENTS", 1)
    monkeypatch.setattr("services.pricing.handlers.settle._PAGE", 1)


async def look(pricing: PricingService, at: datetime) -> None:
    """Look at payments at a time, again and again."""
    pricing.clock.move(at - pricing.clock.now())
    while await pricing.payments.run_once():
        pass


async def lapsed(pricing: PricingService, life: FullLife) -> int:
    """Count the payments of a team that have lapsed."""
    rows = await pricing.rows(
        f"SELECT count(*) AS n FROM awaited_payments WHERE campaign_id = '{campaign(life)}' AND state = 'LAPSED'"  # noqa: S608
    )
    return int(rows[0]["n"])


NO_LINES = "DELETE FROM settlement_lines WHERE campaign_id = %s"
LINES_TO_BE_MADE = (
    "INSERT INTO settlement_jobs (campaign_id, team_id, version, platform_id, cause, cause_event_id, occurred_at,"
    " first_sequence, lines, done, after_number, units, amount, payment_reference)"
    " SELECT campaign_id, team_id, 99, platform_id, 'SEAT_REDUCED', team_id, '2026-01-01', 9, 1, 0, 0, 1, 1, ''"
    " FROM teams WHERE campaign_id = %s"
)


@pytest.mark.usefixtures("one_at_a_time")
@pytest.mark.parametrize("spoil", [NO_LINES, LINES_TO_BE_MADE], ids=["no lines", "lines to be made"])
@pytest.mark.parametrize("first", [0, 1, 2])
async def test_a_team_that_cannot_be_looked_at_keeps_no_payment_waiting(
    pricing: PricingService, spoil: str, first: int
) -> None:
    lives = formed(3)
    for life in lives:
        await pricing.apply(life.records)
    await change(pricing, spoil, lives[first])
    await look(pricing, lives[0].now + 30 * DAY)
    others = [life for life in lives if life is not lives[first]]
    assert [await lapsed(pricing, life) for life in others] == [2, 2]
    assert await lapsed(pricing, lives[first]) == 0


@pytest.mark.usefixtures("one_at_a_time")
async def test_payments_are_due_by_the_clock_of_their_own_platform(pricing: PricingService) -> None:
    usual, test = formed()
    for life in (usual, test):
        await pricing.apply(life.records)
    await change(
        pricing, "UPDATE awaited_payments SET next_at = next_at - interval '1 s' WHERE campaign_id = %s", usual
    )
    pricing.clock.set_ahead(test.platform, 30 * DAY)
    await look(pricing, usual.now)
    assert (await lapsed(pricing, test), await lapsed(pricing, usual)) == (2, 0)
    await look(pricing, usual.now + DAY)
    assert await lapsed(pricing, usual) == 2


@pytest.mark.usefixtures("one_at_a_time")
@pytest.mark.parametrize("first", [0, 1, 2])
async def test_a_team_whose_lines_cannot_be_made_keeps_no_other_waiting(
    pricing: PricingService, monkeypatch: pytest.MonkeyPatch, first: int
) -> None:
    monkeypatch.setattr("services.pricing.handlers.settle.CHUNK", 1)
    lives = formed(3)
    for life in lives:
        await pricing.apply(life.records)
    await change(pricing, "UPDATE seats SET sku = 'none' WHERE campaign_id = %s", lives[first])
    assert await pricing.settle() == 4
    stands = await pricing.rows("SELECT campaign_id FROM settlement_jobs")
    assert [row["campaign_id"] for row in stands] == [campaign(lives[first])]
    await change(pricing, "UPDATE seats SET sku = 'mango' WHERE campaign_id = %s", lives[first])
    assert await pricing.settle() == 2


@pytest.mark.usefixtures("one_at_a_time")
async def test_an_error_that_nobody_thought_of_keeps_no_other_waiting(
    pricing: PricingService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.pricing.handlers.settle.CHUNK", 1)
    lives = formed()
    for life in lives:
        await pricing.apply(life.records)
    settle: Callable[..., Any] = pricing.settlements._settle_chunk

    async def settle_but_the_first(key: tuple[UUID, UUID]) -> int:
        if key[0] == campaign(lives[0]):
            raise RuntimeError("never heard of")
        return int(await settle(key))

    monkeypatch.setattr(pricing.settlements, "_settle_chunk", settle_but_the_first)
    assert await pricing.settle() == 2
