"""Every RPC there is: its descriptor, a way to call it, and a good request for it, so that none can be forgotten."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from services.team_formation.handover import HandoverTokens
from tests.support.database import Database
from tests.support.engine import FILES, KEY, SERVICE_KEY, Engine, an_engine, served
from tests.support.formation import PUBLIC_URL
from tests.support.good_chassis import requests_of_chassis
from tests.support.good_notification import requests_of_notification
from tests.support.good_pricing import quoting, requests_of_pricing
from tests.support.good_team_formation import requests_of_team_formation
from tests.support.handing_over import a_handover
from tests.support.quoting import ring
from tests.support.shops import SHOP, Shop, Standing, a_campaign, confirming, inviting, joining, opening

WATCH_SECONDS = 0.2
"""How long a stream is read, and then ended by the caller."""


@dataclass
class Server:
    """Calls any RPC by its descriptor, over gRPC."""

    engine: Engine
    channels: dict[str, grpc.aio.Channel]

    async def call(self, method: MethodDescriptor, body: bytes, key: str = KEY) -> Any:
        """Send bytes as a request, with the services' own key where the RPC is theirs; the answer."""
        metadata = (("authorization", f"Bearer {SERVICE_KEY if is_internal(method) else key}"),)
        path = f"/{method.containing_service.full_name}/{method.name}"
        read = GetMessageClass(method.output_type).FromString
        channel: Any = self.channels[method.containing_service.full_name]
        if method.server_streaming:
            stream = channel.unary_stream(path, response_deserializer=read)
            return await stream(body, metadata=metadata, timeout=WATCH_SECONDS).read()
        unary = channel.unary_unary(path, response_deserializer=read)
        return await unary(body, metadata=metadata, timeout=30)

    async def ask(self, name: str, request: Any, shop: Shop = SHOP, series: str = "good") -> Any:
        """Call an RPC by its full name without `groupbuy.`, with a request id of its own where it takes one."""
        method = methods_by_name()[f"groupbuy.{name}"]
        if "request_id" in method.input_type.fields_by_name:
            request.request_id = f"{series}-{method.name}-{request.ByteSize()}"
        return await self.call(method, request.SerializeToString(), shop.key)


@asynccontextmanager
async def a_server(database: Database) -> AsyncIterator[Server]:
    """Serve every RPC of three services on databases of their own; two platforms have a key."""
    async with an_engine(database) as engine, served(engine) as channels:
        yield Server(engine, channels)


def methods() -> list[MethodDescriptor]:
    """List every RPC of the three services."""
    return [
        method
        for module in FILES
        for service in module.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    ]


def methods_by_name() -> dict[str, MethodDescriptor]:
    """Give every RPC by its full name."""
    return {method.full_name: method for method in methods()}


def is_internal(method: MethodDescriptor) -> bool:
    """Tell whether an RPC is between services alone."""
    return bool(method.containing_service.full_name.endswith("Internal"))


async def stand(server: Server, shop: Shop = SHOP, series: str = "good") -> Standing:
    """Have a shop create what good requests are about, anew for each series, and carry its events to who reads them."""

    async def ask(name: str, request: Any) -> Any:
        return await server.ask(name, request, shop, series)

    team_formation = "team_formation.v1.TeamFormation"
    campaign = (await ask(f"{team_formation}.CreateCampaign", a_campaign(shop))).campaign.campaign_id
    opened = await ask(f"{team_formation}.OpenTeam", opening(campaign, shop))
    team, seat = opened.team.team_id, opened.seat.seat_id
    invite = (await ask(f"{team_formation}.CreateInvite", inviting(team, shop))).invite
    await ask(f"{team_formation}.JoinTeam", joining(invite.code, shop))
    await ask(f"{team_formation}.ConfirmSeat", confirming(seat))
    await server.engine.carry()
    quote = await ask("pricing.v1.Pricing.GetQuote", quoting(campaign, shop))
    handed = HandoverTokens(ring(), PUBLIC_URL).mint(shop.platform, a_handover(), server.engine.formation.clock.now())
    return Standing(shop, campaign, team, seat, invite.invite_id, invite.code, quote.signed_quote, handed)


def requests_by_name(there: Standing) -> dict[str, Message]:
    """Give a good request for every RPC, by the request's full name; RPCs that take an id need one put into it."""
    parts = (requests_of_team_formation, requests_of_pricing, requests_of_notification, requests_of_chassis)
    good = [request for part in parts for request in part(there)]
    return {request.DESCRIPTOR.full_name: request for request in good}


async def good_requests(server: Server, shop: Shop = SHOP) -> tuple[dict[str, Message], list[str]]:
    """Give a good request for every RPC by the request's full name, and the ids and words that exist for a shop."""
    there = await stand(server, shop)
    return requests_by_name(there), [*there.ids, shop.own("mei"), shop.own("tom"), "mango"]
