"""Demand as platforms ask for it: what was told last, as of the time of asking, and nothing of other platforms."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import grpc
import pytest
from google.rpc import error_details_pb2
from groupbuy.pricing.v1 import demand_pb2, events_pb2, pricing_service_pb2_grpc
from grpc_status import rpc_status

from services.chassis import ids, platforms
from services.chassis.clock import ManualClock
from services.chassis.coalesce import Coalescer
from services.chassis.messages import Record
from services.chassis.server import GrpcServer, Servicer
from services.pricing.domain.demand import CampaignDemand, CampaignTotals, count
from services.pricing.handlers import DeliveryWriter, QuoteWriter, ReportWriter, SettlementStream
from services.pricing.rpc import DemandReader, Pricing
from services.pricing.translate.demand import DEMAND_TOPIC, demand_event
from tests.support.pricing import PricingService

START = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
SECRET = platforms.hash_secret("secret")


@dataclass
class Campaign:
    """A campaign whose tallies are counted."""

    platform: UUID
    campaign: UUID = field(default_factory=uuid4)
    demand: CampaignDemand = field(default_factory=CampaignDemand)

    @property
    def name(self) -> str:
        return ids.opaque("camp", self.campaign)

    def tally(self, at: datetime, **totals: int) -> Record:
        """Count a tally, and give what the worker publishes then."""
        self.demand = count(self.demand, self.demand.sequence + 1, at, CampaignTotals(**totals))
        tally = events_pb2.TallyEvent(
            event_id=str(uuid4()), platform_id=ids.opaque("plat", self.platform), campaign_id=self.name
        )
        return Record(DEMAND_TOPIC, self.name, demand_event(self.demand, tally, 0, 0).SerializeToString())


@dataclass
class Shop:
    """Clients of two platforms."""

    stub: Any
    reader: DemandReader
    clock: ManualClock
    acme: UUID
    rival: UUID

    async def get(self, campaign: Campaign, missing: int = 0, key: str = "gbk_acme_secret") -> demand_pb2.Demand:
        request = demand_pb2.GetDemandRequest(campaign_id=campaign.name, missing_units=missing)
        answer = await self.stub.GetDemand(request, metadata=(("authorization", f"Bearer {key}"),))
        found: demand_pb2.Demand = answer.demand
        return found


@pytest.fixture
async def shop(pricing: PricingService) -> AsyncIterator[Shop]:
    acme, rival = uuid4(), uuid4()
    async with pricing.database.work() as work:
        found = [
            platforms.Platform(platform, name, suspended=False, sequence=1, keys=(platforms.Key(name, SECRET, None),))
            for platform, name in ((acme, "acme"), (rival, "rival"))
        ]
        await platforms.save_platforms(work.connection, found, START)
    clock = ManualClock(START)
    reader = DemandReader(pricing.database, clock)
    reports = Coalescer("reports", ReportWriter(pricing.database, clock).decide)
    servicer = Servicer(
        "groupbuy.pricing.v1.Pricing",
        Pricing(
            pricing.database,
            pricing.tables,
            reports,
            SettlementStream(pricing.database),
            reader,
            DeliveryWriter(pricing.database, clock, pricing.tables),
            QuoteWriter(pricing.database, clock, pricing.tables, None),
        ),
        pricing_service_pb2_grpc.add_PricingServicer_to_server,
    )
    keys = platforms.KeyRing(pricing.database, clock)
    server = GrpcServer("127.0.0.1:0", [servicer], keys, service_key="key-of-the-services", drain_seconds=1)
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield Shop(pricing_service_pb2_grpc.PricingStub(channel), reader, clock, acme, rival)
    await reader.stop()
    await server.stop()


def refusal(error: pytest.ExceptionInfo[grpc.aio.AioRpcError]) -> str:
    status = rpc_status.from_call(error.value)  # type: ignore[arg-type]
    assert status
    info = error_details_pb2.ErrorInfo()
    for detail in status.details:
        detail.Unpack(info)
    return info.reason


async def test_rates_and_forecast_are_of_the_time_of_asking(shop: Shop, pricing: PricingService) -> None:
    campaign = Campaign(shop.acme)
    await pricing.apply(
        [
            campaign.tally(START, teams_opened=2),
            campaign.tally(START, seats_held=60, seats_confirmed=40, units_of_fill=40, teams_formed=3),
        ]
    )
    shop.clock.move(timedelta(minutes=1))
    now = await shop.get(campaign, missing=100)
    assert (now.tally_seq, now.totals.seats_held, now.formed_share) == (2, 60, 1.0)
    assert [round(rate.joins_per_minute, 3) for rate in now.rates] == [60, 4, 0.042]
    assert [rate.span.seconds for rate in now.rates] == [60, 900, 86_400]
    assert now.units_per_minute == 10
    assert now.time_to_missing.seconds == 600
    shop.clock.move(timedelta(hours=1))
    later = await shop.get(campaign, missing=100)
    assert [round(rate.joins_per_minute, 3) for rate in later.rates] == [0, 0, 0.042]
    assert not later.HasField("time_to_missing")


async def test_a_repeat_and_an_older_one_change_nothing(shop: Shop, pricing: PricingService) -> None:
    campaign = Campaign(shop.acme)
    first, second = campaign.tally(START, seats_held=1), campaign.tally(START, seats_held=5)
    for batch in ([second, first], [second], [first]):
        await pricing.apply(batch)
    assert (await shop.get(campaign)).totals.seats_held == 5
    assert await pricing.parked() == {}


async def test_nobody_sees_the_demand_of_another_platform(shop: Shop, pricing: PricingService) -> None:
    campaign = Campaign(shop.acme)
    await pricing.apply([campaign.tally(START, seats_held=1)])
    for asked, key in ((campaign, "gbk_rival_secret"), (Campaign(shop.acme), "gbk_acme_secret")):
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await shop.get(asked, key=key)
        assert refusal(error) == "DEMAND_UNKNOWN"


async def test_missing_units_below_zero_are_refused(shop: Shop, pricing: PricingService) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await shop.get(Campaign(shop.acme), missing=-1)
    assert refusal(error) == "INVALID_ARGUMENT"


async def test_whoever_watches_gets_the_latest(shop: Shop, pricing: PricingService) -> None:
    campaign = Campaign(shop.acme)
    await pricing.apply([campaign.tally(START, seats_held=1)])
    request = demand_pb2.WatchDemandRequest(campaign_id=campaign.name)
    stream = shop.stub.WatchDemand(request, metadata=(("authorization", "Bearer gbk_acme_secret"),))
    assert (await stream.read()).demand.totals.seats_held == 1
    await pricing.apply([campaign.tally(START, seats_held=2), campaign.tally(START, seats_held=3)])
    assert (await stream.read()).demand.totals.seats_held == 3
    await shop.reader.stop()
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await stream.read()
    assert refusal(error) == "UNAVAILABLE"


async def test_an_event_without_ids_is_parked(pricing: PricingService) -> None:
    campaign = Campaign(uuid4())
    event = events_pb2.DemandEvent.FromString(campaign.tally(START, seats_held=1).value)
    event.campaign_id = "camp_x"
    await pricing.apply([Record(DEMAND_TOPIC, "camp_x", event.SerializeToString())])
    assert list(await pricing.parked()) == ["camp_x"]
