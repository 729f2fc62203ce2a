"""A platform's client of team_formation's API, on a real gRPC server with pricing's own compiler behind it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import grpc
import pytest
from google.rpc import error_details_pb2
from groupbuy.money.v1.money_pb2 import Money
from groupbuy.pricing.v1 import ladder_pb2, pricing_internal_pb2_grpc
from groupbuy.team_formation.v1 import team_formation_internal_pb2 as internal_pb
from groupbuy.team_formation.v1 import team_formation_internal_pb2_grpc, team_formation_service_pb2_grpc, types_pb2
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb
from grpc_status import rpc_status

from services.chassis import ids, quotas
from services.chassis.clock import ManualClock
from services.chassis.limits import Limiter
from services.chassis.platforms import KeyRing
from services.chassis.refusing import refusing
from services.chassis.sealing import Sealer
from services.chassis.server import GrpcServer, Servicer
from services.pricing.rpc.internal import PricingInternal
from services.team_formation.catalogue import Catalogue
from services.team_formation.chats.apps import Apps
from services.team_formation.doors import Doors
from services.team_formation.handlers import CampaignHandler, PlatformHandler
from services.team_formation.handover import HandoverTokens
from services.team_formation.quotes import QuoteReader
from services.team_formation.rpc import Desk, InternalServicer, TeamFormationServicer
from services.team_formation.signed_links import MemberLinks, PromoterLinks
from services.team_formation.translate import time
from services.team_formation.watch import Watch, message_watch
from tests.support.formation import PUBLIC_URL, START, Formation
from tests.support.quoting import ring

SERVICE_KEY = "the services' own key"
SEAL_KEYS = "one:" + "A" * 43 + "="


@dataclass
class Api:
    """A client of one platform."""

    stub: Any
    internal: Any
    key: str
    watch: Watch[bytes, bytes]
    platform_id: UUID
    handovers: HandoverTokens
    channel: grpc.aio.Channel
    address: str

    async def call(self, method: str, request: Any, key: str | None = None) -> Any:
        """Make a call with the platform's key, or another."""
        metadata = (("authorization", f"Bearer {self.key if key is None else key}"),)
        return await getattr(self.stub, method)(request, metadata=metadata, timeout=10)


@asynccontextmanager
async def serving(formation: Formation, clock: ManualClock, limiter: Limiter | None = None) -> AsyncIterator[Api]:
    """Run the services' servers on free ports, with a platform's client; with a limiter, calls are measured."""
    database = formation.database
    keys = KeyRing(database, clock)
    pricing = GrpcServer(
        "127.0.0.1:0",
        [
            Servicer(
                "groupbuy.pricing.v1.PricingInternal",
                PricingInternal(database),
                pricing_internal_pb2_grpc.add_PricingInternalServicer_to_server,
            )
        ],
        keys,
        service_key=SERVICE_KEY,
        drain_seconds=1,
    )
    await pricing.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{pricing.port}") as to_pricing:
        stub, catalogue = pricing_internal_pb2_grpc.PricingInternalStub(to_pricing), Catalogue()
        watch = message_watch(database, clock, catalogue)
        campaigns = CampaignHandler(database, clock, catalogue, stub, SERVICE_KEY)
        handovers = HandoverTokens(ring(), PUBLIC_URL)
        public = TeamFormationServicer(
            Desk(
                database,
                clock,
                catalogue,
                formation.codes,
                Doors(database),
                formation.commands,
                campaigns,
                watch,
                QuoteReader(clock, stub, SERVICE_KEY),
                handovers,
                MemberLinks("a secret of tests", PUBLIC_URL),
                PromoterLinks("a secret of tests", PUBLIC_URL),
                Apps(database, clock, Sealer.read(SEAL_KEYS)),
            )
        )
        server = GrpcServer(
            "127.0.0.1:0",
            [
                refusing(
                    Servicer(
                        "groupbuy.team_formation.v1.TeamFormation",
                        public,
                        team_formation_service_pb2_grpc.add_TeamFormationServicer_to_server,
                    ),
                    database,
                ),
                Servicer(
                    "groupbuy.team_formation.v1.TeamFormationInternal",
                    InternalServicer(
                        database, PlatformHandler(database, clock), MemberLinks("a secret of tests", PUBLIC_URL)
                    ),
                    team_formation_internal_pb2_grpc.add_TeamFormationInternalServicer_to_server,
                ),
                quotas.servicer({"campaigns": campaigns.count}),
            ],
            keys,
            service_key=SERVICE_KEY,
            drain_seconds=1,
            limits=limiter,
        )
        await server.start()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            internal = team_formation_internal_pb2_grpc.TeamFormationInternalStub(channel)
            made = await internal.CreatePlatform(
                internal_pb.CreatePlatformRequest(name="shop"), metadata=(("authorization", f"Bearer {SERVICE_KEY}"),)
            )
            [platform_id] = ids.parse("plat", made.platform_id, 1) or ()
            public_stub = team_formation_service_pb2_grpc.TeamFormationStub(channel)
            yield Api(
                public_stub, internal, made.key, watch, platform_id, handovers, channel, f"127.0.0.1:{server.port}"
            )
        await watch.stop()
        await server.stop()
    await pricing.stop()


def a_request(**changes: Any) -> pb.CreateCampaignRequest:
    """Make a request for a campaign of mangoes."""

    def fixed(threshold: int, price: int) -> ladder_pb2.Tier:
        return ladder_pb2.Tier(threshold=threshold, discounts=[ladder_pb2.Discount(fixed_price=price)])

    request = pb.CreateCampaignRequest(
        request_id=changes.pop("request_id", "campaign-1"),
        merchant_id="merchant-7",
        starts_at=time(START),
        ends_at=time(START + timedelta(days=1)),
        currency="EUR",
        items=[types_pb2.Item(sku="mango", list_price=Money(minor_units=3990, currency="EUR"))],
        ladder=ladder_pb2.Ladder(
            basis=ladder_pb2.BASIS_TEAM_MEMBERS, tiers=[fixed(2, 3490), fixed(3, 2990), fixed(5, 2490)]
        ),
        rules=types_pb2.Rules(payment_mode=types_pb2.PAYMENT_MODE_PREPAID, minimum=2, maximum=5),
        presentation=types_pb2.Presentation(
            texts=[types_pb2.LocalizedText(language="en", title="Mangoes")],
            seller="Fruit Shop",
            time_zone="Asia/Shanghai",
        ),
    )
    request.rules.hold_lifetime.FromTimedelta(timedelta(minutes=10))
    request.rules.team_lifetime.FromTimedelta(timedelta(hours=1))
    for path, value in changes.items():
        *way, last = path.split("__")
        target = request
        for step in way:
            target = getattr(target, step)
        setattr(target, last, value)
    return request


async def refused(call: Any) -> tuple[grpc.StatusCode, str, dict[str, str]]:
    """Tell code, reason and field violations of a call that must be refused."""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call
    status = rpc_status.from_call(raised.value)  # type: ignore[arg-type]  # it has what a call has
    assert status
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(bad)
    return raised.value.code(), info.reason, {item.field: item.description for item in bad.field_violations}
