"""What a platform does about settlement lines between the events of its teams, at random."""

from contextlib import suppress
from datetime import timedelta
from random import Random
from uuid import UUID, uuid4

from services.chassis.errors import Unavailable
from services.chassis.requests import NO_CAMPAIGN, RequestKey
from services.pricing import domain
from services.pricing.domain import DeliveryOutcome, ReportKind
from services.pricing.handlers import DeliveryWriter, ReportDelivery, ReportLines, ReportWriter
from tests.support.pricing import PricingService

_REASONS = ("DAMAGED", "CHANGED_MIND", "NOT_AT_HOME")


class Platform:
    """Reports about what it finds; what is refused or has to be sent again is left."""

    def __init__(self, pricing: PricingService, chance: Random) -> None:
        self._pricing = pricing
        self._chance = chance
        self._reports = ReportWriter(pricing.database, pricing.clock)
        self._deliveries = DeliveryWriter(pricing.database, pricing.clock, pricing.tables)

    async def act(self) -> None:
        """Do one thing, or let a few hours go by and have payments looked at."""
        pick = self._chance.random()
        if pick < 0.5:
            await self._report()
        elif pick < 0.75:
            await self._deliver()
        else:
            self._pricing.clock.move(timedelta(hours=self._chance.randrange(1, 40)))
            await self._pricing.payments.run_once()

    async def _report(self) -> None:
        """Say of one line that something was done or failed."""
        lines = await self._pricing.rows(
            "SELECT platform_id, line_id, currency, to_capture, to_void, to_refund, due FROM settlement_lines"
            " ORDER BY line_id"
        )
        if not lines:
            return
        line = self._chance.choice(lines)
        failed = self._chance.random() < 0.3
        kind, amount = _wanted(line)
        said = domain.Reported(
            line["line_id"], ReportKind.FAILED if failed else kind, amount, line["currency"], f"ref-{uuid4()}"
        )
        if amount > 0:
            await self._reports.decide([ReportLines(_key(line["platform_id"], NO_CAMPAIGN), (said,))])

    async def _deliver(self) -> None:
        """Say of one seat that it was delivered, in part, or not."""
        seats = await self._pricing.rows(
            "SELECT campaign_id, seat_id, platform_id, quantity FROM seats JOIN teams USING (campaign_id, team_id,"
            " platform_id) WHERE payment_mode = 'PAY_ON_DELIVERY' AND teams.state = 'FORMED'"
            " AND seats.state = 'CONFIRMED' AND NOT sponsored ORDER BY seat_id"
        )
        if not seats:
            return
        seat = self._chance.choice(seats)
        outcome = self._chance.choice(list(DeliveryOutcome))
        reason = "" if outcome is DeliveryOutcome.ACCEPTED else self._chance.choice(_REASONS)
        command = ReportDelivery(_key(seat["platform_id"], seat["campaign_id"]), seat["seat_id"], outcome, reason, 1)
        with suppress(Unavailable):  # lines of the team are still being made
            await self._deliveries.decide(command)


def _wanted(line: dict[str, int]) -> tuple[ReportKind, int]:
    for kind, amount in (
        (ReportKind.CAPTURED, line["to_capture"]),
        (ReportKind.PAID, line["due"]),
        (ReportKind.REFUNDED, line["to_refund"]),
    ):
        if amount > 0:
            return kind, amount
    return ReportKind.VOIDED, line["to_void"]


def _key(platform_id: UUID, campaign_id: UUID) -> RequestKey:
    return RequestKey(campaign_id, platform_id, "Report", f"r-{uuid4()}", b"")
