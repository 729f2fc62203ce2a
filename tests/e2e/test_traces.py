"""One trace from the caller to the delivery, as a receiver of traces gets it from the real services.

The caller's trace is recorded as its flag says, others are not: the share of those that begin here is 0.
"""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import aiohttp
import grpc
import pytest
from groupbuy.notification.v1 import notification_service_pb2, platform_webhooks_pb2
from groupbuy.notification.v1.notification_service_pb2_grpc import NotificationStub
from groupbuy.pricing.v1 import demand_pb2
from groupbuy.pricing.v1.pricing_service_pb2_grpc import PricingStub
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb
from groupbuy.team_formation.v1 import types_pb2
from groupbuy.team_formation.v1.team_formation_service_pb2_grpc import TeamFormationStub

from deploy.local.sockets import free_port
from deploy.local.stack import Stack, StackOptions
from deploy.local.stack.ports import DEFAULTS
from deploy.traces import Hop, Receiver
from services.chassis import trace
from services.notification.testing.http_sink import Answer, HttpSink, http_sink
from tests.support.crowd import a_campaign
from tests.support.until import until

MEMBER = "buyer-0451"
"""Of the one join; the text is nowhere else."""


@asynccontextmanager
async def a_stack(folder: Path, endpoint: str) -> AsyncIterator[Stack]:
    environment = {
        **os.environ,
        "GROUPBUY_TRACES_ENDPOINT": endpoint,
        "GROUPBUY_TRACES_RATIO": "0",
        "GROUPBUY_ENVIRONMENT": "test",
        "GROUPBUY_WEBHOOK_PRIVATE_ADDRESSES": "allow",
    }
    ports = {name: free_port() for name in DEFAULTS}
    stack = Stack(StackOptions(data=folder / "data", ports=ports, environment=environment, demand=True), say=print)
    await stack.start()
    try:
        yield stack
    finally:
        await stack.stop()


class Shop:
    """A platform with an endpoint, and members who are told over HTTP."""

    def __init__(self, stack: Stack, sink: HttpSink) -> None:
        self._key = ("authorization", f"Bearer {stack.key}")
        self._sink = sink
        self._channels = [grpc.aio.insecure_channel(stack.address(name)) for name in ("team_formation", "notification")]
        self.teams: Any = TeamFormationStub(self._channels[0])
        self.messages: Any = NotificationStub(self._channels[1])
        self._number = 0
        self.campaign_id = ""

    async def ask(self, method: Any, request: Any, traceparent: str = "") -> Any:
        self._number += 1
        if "request_id" in request.DESCRIPTOR.fields_by_name:
            request.request_id = f"r-{self._number}"
        metadata = (self._key, (trace.HEADER, traceparent)) if traceparent else (self._key,)
        return await method(request, metadata=metadata, timeout=30, wait_for_ready=True)

    async def set_up(self, *members: str) -> str:
        """Register an endpoint, members, and a team of the first of them; gives the code of its invite."""
        endpoint = platform_webhooks_pb2.WebhookEndpoint(url=f"{self._sink.url}/events", types=["*"])
        await self.ask(
            self.messages.PutWebhookEndpoint, platform_webhooks_pb2.PutWebhookEndpointRequest(endpoint=endpoint)
        )
        for name in members:
            point = notification_service_pb2.ContactPoint(channel="webhook", address=f"{self._sink.url}/members/{name}")
            member = notification_service_pb2.Member(member_id=name, language="en", contact_points=[point])
            await self.ask(self.messages.PutMember, notification_service_pb2.PutMemberRequest(member=member))
        request = a_campaign("c", 10, types_pb2.PAYMENT_MODE_PREPAID, 900)
        campaign = (await self.ask(self.teams.CreateCampaign, request)).campaign
        self.campaign_id = campaign.campaign_id
        opening = pb.OpenTeamRequest(campaign_id=campaign.campaign_id, member_id=members[0], sku="mango", quantity=1)
        opened = await self.ask(self.teams.OpenTeam, opening)
        await self.confirm(opened.seat)
        inviting = pb.CreateInviteRequest(team_id=opened.team.team_id, member_id=members[0], channel="link")
        code: str = (await self.ask(self.teams.CreateInvite, inviting)).invite.code
        return code

    async def join(self, code: str, member: str, traceparent: str = "") -> types_pb2.Seat:
        """Have a member join and confirm."""
        joining = pb.JoinTeamRequest(invite_code=code, member_id=member, sku="mango", quantity=1)
        seat: types_pb2.Seat = (await self.ask(self.teams.JoinTeam, joining, traceparent)).seat
        await self.confirm(seat, traceparent)
        return seat

    async def confirm(self, seat: types_pb2.Seat, traceparent: str = "") -> None:
        paid = pb.ConfirmSeatRequest(seat_id=seat.seat_id, amount=seat.cap, payment_reference=seat.seat_id)
        await self.ask(self.teams.ConfirmSeat, paid, traceparent)

    async def close(self) -> None:
        for channel in self._channels:
            await channel.close()


def chains(hops: Sequence[Hop]) -> set[tuple[str, ...]]:
    """Name for each span what leads to it, from the caller's own on, as "service: name"."""
    known = {hop.span_id: hop for hop in hops}

    def chain(hop: Hop) -> tuple[str, ...]:
        above = known.get(hop.parent_id)
        own = f"{hop.service}: {hop.name}"
        return (*chain(above), own) if above else (own,)

    return {chain(hop) for hop in hops}


TEAMS, PRICES, MESSAGES = "team_formation", "pricing", "notification"
JOIN = f"{TEAMS}: groupbuy.team_formation.v1.TeamFormation/JoinTeam"
CONFIRM = f"{TEAMS}: groupbuy.team_formation.v1.TeamFormation/ConfirmSeat"
LINKS = "groupbuy.team_formation.v1.TeamFormationInternal/ListMemberLinks"
SENT, HEARD = f"{TEAMS}: send groupbuy.team.v1", f"{MESSAGES}: process groupbuy.team.v1"
FELL = (f"{PRICES}: process groupbuy.team.v1", f"{PRICES}: send groupbuy.price.v1")
TOLD = f"{MESSAGES}: process groupbuy.price.v1"
BATCH = f"{TEAMS}: batch of teams"

EXPECTED = {
    (JOIN,),
    (JOIN, f"{TEAMS}: queue of teams"),
    (JOIN, BATCH, f"{TEAMS}: transaction groupbuy_team_formation"),
    (JOIN, BATCH, SENT),
    (JOIN, BATCH, SENT, f"{PRICES}: process groupbuy.team.v1"),
    (JOIN, BATCH, SENT, HEARD),
    (JOIN, BATCH, SENT, HEARD, f"{MESSAGES}: deliver JOINED", f"{MESSAGES}: POST"),
    (JOIN, BATCH, SENT, HEARD, f"{MESSAGES}: deliver JOINED", f"{MESSAGES}: queue of outcomes"),
    (JOIN, BATCH, SENT, HEARD, f"{MESSAGES}: deliver JOINED", f"{MESSAGES}: batch of outcomes"),
    (JOIN, BATCH, SENT, HEARD, f"{MESSAGES}: {LINKS}", f"{TEAMS}: {LINKS}"),
    (JOIN, BATCH, SENT, HEARD, f"{MESSAGES}: post team.seat_held", f"{MESSAGES}: POST"),
    (CONFIRM, BATCH, SENT, *FELL),
    (CONFIRM, BATCH, SENT, *FELL, TOLD, f"{MESSAGES}: deliver PRICE_FELL", f"{MESSAGES}: POST"),
    (CONFIRM, BATCH, SENT, *FELL, TOLD, f"{MESSAGES}: post price.price_changed", f"{MESSAGES}: POST"),
}
"""What follows from a join and its confirmation, each with all that leads to it."""

KINDS = {
    "SERVER": {JOIN, CONFIRM, f"{TEAMS}: {LINKS}"},
    "CLIENT": {f"{MESSAGES}: POST", f"{MESSAGES}: {LINKS}", f"{TEAMS}: transaction groupbuy_team_formation"},
    "PRODUCER": {SENT, FELL[1]},
    "CONSUMER": {FELL[0], HEARD, TOLD},
    "INTERNAL": {BATCH, f"{TEAMS}: queue of teams", f"{MESSAGES}: deliver JOINED", f"{MESSAGES}: post team.seat_held"},
}


@pytest.mark.timeout(200)
async def test_one_joins_trace_has_every_hop(tmp_path: Path) -> None:
    receiver = Receiver()
    port = await receiver.start()
    mine, last = trace.new_traceparent(trace.RECORDED), trace.new_traceparent(trace.RECORDED)
    async with http_sink(lambda _: Answer()) as sink, a_stack(tmp_path, f"127.0.0.1:{port}") as stack:
        shop = Shop(stack, sink)
        code = await shop.set_up("leader-1", MEMBER)
        seat = await shop.join(code, MEMBER, mine)
        hops = await until(lambda: whole(receiver, mine), seconds=60)
        assert receiver.traces.keys() == {mine[3:35]}, "others are not recorded"
        assert {hop.name for hop in hops if hop.parent_id == mine[36:52]} == {
            name.split()[1] for name in (JOIN, CONFIRM)
        }
        for kind, named in KINDS.items():
            assert named <= {f"{hop.service}: {hop.name}" for hop in hops if hop.kind == kind}
        assert [hop for hop in hops if hop.failed] == []
        said(hops, [MEMBER, "leader-1", code, seat.seat_id, stack.key, sink.url, "mango", mine])
        await carried(sink, receiver, mine)
        await demand_is_counted(stack, shop.campaign_id)
        await shop.ask(shop.teams.GetSeat, pb.GetSeatRequest(seat_id=seat.seat_id), last)
        await shop.close()
    assert [hop.name for hop in receiver.traces[last[3:35]] if hop.kind == "SERVER"], (
        "the end of a process loses nothing"
    )
    await receiver.stop()


def whole(receiver: Receiver, mine: str) -> list[Hop] | None:
    hops = receiver.traces.get(mine[3:35], [])
    return hops if chains(hops) >= EXPECTED else None


def said(hops: Sequence[Hop], secrets: Sequence[str]) -> None:
    """Look at what spans say: who speaks, and nothing that is somebody's."""
    for hop in hops:
        assert hop.resource["service.namespace"] == "groupbuy"
        assert hop.resource["deployment.environment.name"] == "test"
        assert hop.resource["service.version"] == version("groupbuy")
        assert [text for text in secrets if text in f"{hop.name} {hop.attributes}"] == []
    joined = next(hop for hop in hops if JOIN.endswith(f" {hop.name}"))
    assert joined.attributes == {
        "rpc.system.name": "grpc",
        "rpc.method": "groupbuy.team_formation.v1.TeamFormation/JoinTeam",
        "rpc.response.status_code": "OK",
    }


async def carried(sink: HttpSink, receiver: Receiver, mine: str) -> None:
    """Look at what went out: the platform's endpoint is told the trace, messengers are not."""
    told = [request.headers.get(trace.HEADER, "") for request in sink.asked if request.path == "/events"]
    ours = {traceparent[36:52] for traceparent in told if traceparent[3:35] == mine[3:35]}
    assert ours
    await until(lambda: ours <= {hop.span_id for hop in receiver.traces[mine[3:35]] if hop.name == "POST"})
    members = [request.headers for request in sink.asked if request.path.startswith("/members/")]
    assert members
    assert [headers for headers in members if trace.HEADER in headers] == []


async def demand_is_counted(stack: Stack, campaign_id: str) -> None:
    """Wait until the stream processor has counted both members: records with contexts are as good as others."""
    async with grpc.aio.insecure_channel(stack.address("pricing")) as channel:
        stub: Any = PricingStub(channel)
        key = (("authorization", f"Bearer {stack.key}"),)
        request = demand_pb2.GetDemandRequest(campaign_id=campaign_id)

        async def counted() -> bool:
            try:
                found = await stub.GetDemand(request, metadata=key, timeout=10)
            except grpc.aio.AioRpcError as error:
                if error.code() is grpc.StatusCode.NOT_FOUND:  # it is counted some seconds later
                    return False
                raise
            return bool(found.demand.totals.seats_confirmed == 2)

        await until(counted)


@pytest.mark.timeout(200)
async def test_a_receiver_that_is_away_changes_nothing_but_a_counter(tmp_path: Path) -> None:
    nowhere = f"127.0.0.1:{free_port()}"
    async with http_sink(lambda _: Answer()) as sink, a_stack(tmp_path, nowhere) as stack:
        shop = Shop(stack, sink)
        code = await shop.set_up("leader-1", *(f"m{number}" for number in range(5)))
        for number in range(5):
            await shop.join(code, f"m{number}", trace.new_traceparent(trace.RECORDED))
        await until(lambda: _is_dropped(stack), seconds=60)
        await shop.join(code, "m-late", trace.new_traceparent(trace.RECORDED))
        await shop.close()


async def _is_dropped(stack: Stack) -> bool:
    async with aiohttp.ClientSession() as session:
        reply = await session.get(f"http://{stack.ops_address('team_formation')}/metrics")
        lines = (await reply.text()).splitlines()
    found = dict(line.rsplit(" ", 1) for line in lines if line.startswith("groupbuy_spans_total{"))
    assert float(found['groupbuy_spans_total{outcome="exported"}']) == 0
    return float(found['groupbuy_spans_total{outcome="not_taken"}']) > 0
