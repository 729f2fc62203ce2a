"""Plays campaigns whose ladder all their teams fill together: caps are read at the last tally that was seen."""

from collections.abc import Sequence
from uuid import uuid4

from groupbuy.pricing.v1 import events_pb2, ladder_pb2
from groupbuy.team_formation.v1 import types_pb2

from deploy.check import invariants
from deploy.check.runner import run_check
from tests.support.pricing import PricingService
from tests.support.pricing_lives import FullLife, leaders_pay_less
from tests.support.teams import PREPAID, price_table

STEPS = ((3, 3490), (10, 2990), (300, 2490))


class Campaign:
    """Teams of one campaign whose units fill one ladder together."""

    def __init__(self, steps: Sequence[tuple[int, int]] = STEPS) -> None:
        self.id, self.platform = uuid4(), uuid4()
        self.table = leaders_pay_less(price_table(3990, steps, basis=ladder_pb2.BASIS_CAMPAIGN_UNITS), 50)
        self.tallied = (0, 0)

    def team(self, mode: types_pb2.PaymentMode.ValueType = PREPAID) -> FullLife:
        """Begin a team that reads its caps at the last tally."""
        life = FullLife(
            campaign=self.id,
            platform=self.platform,
            table=self.table,
            maximum=100,
            payment_mode=mode,
        )
        life.tally = self.tallied
        return life

    async def tally(self, pricing: PricingService) -> events_pb2.TallyEvent:
        """Have the campaign counted, and read the tally."""
        await pricing.tallies.run_once()
        told = (await pricing.tallied())[-1]
        self.tallied = (told.sequence, told.campaign_tallied.totals.units_of_fill)
        return told


def opened(campaign: Campaign, units: int, mode: types_pb2.PaymentMode.ValueType = PREPAID) -> FullLife:
    """A team whose leader has confirmed some units."""
    life = campaign.team(mode)
    life.open("mei", quantity=units)
    life.confirm("mei")
    return life


async def wrong(pricing: PricingService) -> list[tuple[str, int, list[str]]]:
    """Run the invariants of pricing's database alone; those that are violated."""
    async with pricing.database.read() as connection:
        found = [
            await run_check(item, {"pricing": connection})
            for item in invariants()
            if [database for database, _ in item.sections] == ["pricing"] and not item.name.startswith("6_")
        ]
    return [(item.name, item.violations, item.examples) for item in found if item.violations]
