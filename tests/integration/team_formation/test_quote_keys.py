"""Keys that check quotes: asked for when one is unknown, remembered, and forgotten when they are published no more."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from groupbuy.pricing.v1 import pricing_internal_pb2, pricing_internal_pb2_grpc, quotes_pb2

from services.chassis import ids
from services.chassis.clock import ManualClock
from services.chassis.database import Database
from services.chassis.platforms import KeyRing
from services.chassis.server import GrpcServer, Servicer
from services.pricing.rpc import PricingInternal
from services.team_formation import domain, quotes
from services.team_formation.domain import Quote, Refusal
from services.team_formation.quotes import QuoteReader
from tests.support.formation import PLATFORM, Formation
from tests.support.quoting import FIRST, SECOND, ring
from tests.support.shop_api import SERVICE_KEY

CAMPAIGN = UUID(int=0xC)


class Published(PricingInternal):
    """Pricing's internal service, whose keys a test changes."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, ring())
        self.asked = 0

    def publish(self, *keys: str) -> None:
        """Have other keys from now on."""
        self._quote_keys = ring(*keys)

    async def ListQuoteKeys(  # noqa: N802 - the name of the RPC
        self, request: Any, context: Any
    ) -> pricing_internal_pb2.PricingInternalListQuoteKeysResponse:
        self.asked += 1
        return await super().ListQuoteKeys(request, context)


class Reading:
    """A reader of quotes, the service that it asks, and the time it goes by."""

    def __init__(self, reader: QuoteReader, server: GrpcServer, pricing: Published) -> None:
        self.reader = reader
        self.server = server
        self.pricing = pricing
        self.at = 0.0

    async def read(self, key: str) -> Quote | Refusal:
        """Read a quote that was signed with a key."""
        quote = quotes_pb2.Quote(
            quote_id=str(uuid4()),
            platform_id=ids.opaque("plat", PLATFORM),
            campaign_id=ids.opaque("camp", CAMPAIGN),
            member_id="tom",
            sku="mango",
            quantity=1,
            expires_at=Timestamp(seconds=4_000_000_000),
        )
        payload = quote.SerializeToString()
        made = ring(key).sign("groupbuy.quote.v1", payload)
        signed = quotes_pb2.SignedQuote(payload=payload, signature=made.signature, key_id=made.key_id)
        join = domain.Join(uuid4(), "tom", "mango", 1)
        return await self.reader.read(signed.SerializeToString(), PLATFORM, CAMPAIGN, None, join)


@pytest.fixture
async def reading(formation: Formation, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Reading]:
    pricing = Published(formation.database)
    servicer = Servicer(
        "groupbuy.pricing.v1.PricingInternal",
        pricing,
        pricing_internal_pb2_grpc.add_PricingInternalServicer_to_server,
    )
    keys = KeyRing(formation.database, clock)
    server = GrpcServer("127.0.0.1:0", [servicer], keys, service_key=SERVICE_KEY, drain_seconds=1)
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub = pricing_internal_pb2_grpc.PricingInternalStub(channel)
        made = Reading(QuoteReader(clock, stub, SERVICE_KEY), server, pricing)
        monkeypatch.setattr(quotes, "monotonic", lambda: made.at)
        yield made
    await server.stop()


async def test_keys_are_remembered(reading: Reading) -> None:
    for _ in range(3):
        assert isinstance(await reading.read(FIRST), Quote)
    assert reading.pricing.asked == 1


async def test_an_unknown_key_has_pricing_asked_once_in_a_while(reading: Reading) -> None:
    assert isinstance(await reading.read(FIRST), Quote)
    for _ in range(3):
        assert isinstance(await reading.read(SECOND), Refusal)
    assert reading.pricing.asked == 1
    reading.at += quotes.ASK_SECONDS + 1
    reading.pricing.publish(SECOND, FIRST)
    assert isinstance(await reading.read(SECOND), Quote)
    assert isinstance(await reading.read(FIRST), Quote)
    assert reading.pricing.asked == 2


async def test_a_key_that_is_published_no_more_is_forgotten(reading: Reading) -> None:
    assert isinstance(await reading.read(FIRST), Quote)
    reading.pricing.publish(SECOND)
    reading.at += quotes.BELIEVED_SECONDS + 1
    assert await reading.read(FIRST) == Refusal("QUOTE_INVALID", {"why": "its key is unknown"})


async def test_joins_do_not_wait_for_pricing_to_come_back(reading: Reading) -> None:
    assert isinstance(await reading.read(FIRST), Quote)
    await reading.server.stop()
    reading.at += quotes.BELIEVED_SECONDS + 1
    assert isinstance(await reading.read(FIRST), Quote)
    reading.at += quotes.ASK_SECONDS + 1
    with pytest.raises(grpc.aio.AioRpcError):
        await reading.read(SECOND)
