"""A small town on three services in which one member left traces in every table there is, and its erasure."""

from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import grpc
import pytest
from google.rpc import error_details_pb2
from groupbuy.notification.v1 import events_pb2, messages_pb2, notification_service_pb2, notification_service_pb2_grpc
from groupbuy.team_formation.v1 import privacy_pb2, team_formation_service_pb2, team_formation_service_pb2_grpc
from grpc_status import rpc_status

from services.chassis import ids, inbox_rows
from services.chassis.inbox_rows import Parked
from services.chassis.messages import Message, Record
from services.notification import store as notification_store
from services.team_formation import domain
from tests.support import tallies
from tests.support.database import Database as MakeDatabase
from tests.support.engine import KEY, SETTLE, Engine, an_engine, records, relayed, served
from tests.support.formation import PLATFORM, a_campaign

BUYER = "buyer-7f3a91"
"""Who is to be forgotten; it is a promoter too, and its name stands nowhere else."""
LABEL, NOTE, ADDRESS, WORDS = "label-of-7f3a91", "note-of-7f3a91", "address-of-7f3a91", "words-of-7f3a91"
TRACES = (BUYER, LABEL, NOTE, ADDRESS, WORDS)
METADATA = (("authorization", f"Bearer {KEY}"),)


@dataclass
class Town:
    """The engine, its public RPCs, and what was told so far."""

    engine: Engine
    channels: dict[str, grpc.aio.Channel]
    campaign: domain.Campaign
    told: list[Record] = field(default_factory=list)
    """Everything that was told, in order: what topics keep."""

    @property
    def formation(self) -> Any:
        """A client of team_formation."""
        return team_formation_service_pb2_grpc.TeamFormationStub(
            self.channels["groupbuy.team_formation.v1.TeamFormation"]
        )

    @property
    def notification(self) -> Any:
        """A client of notification."""
        return notification_service_pb2_grpc.NotificationStub(self.channels["groupbuy.notification.v1.Notification"])

    async def erase(self, request_id: str = "erase-1", member_id: str = BUYER) -> privacy_pb2.EraseMemberResponse:
        """Ask for a member to be forgotten."""
        request = privacy_pb2.EraseMemberRequest(request_id=request_id, member_id=member_id)
        answer: privacy_pb2.EraseMemberResponse = await self.formation.EraseMember(request, metadata=METADATA)
        return answer

    async def export(self, member_id: str, size: int, token: str) -> privacy_pb2.ExportMemberResponse:
        """Ask for a page of all that is held of a member."""
        request = privacy_pb2.ExportMemberRequest(member_id=member_id, page_size=size, page_token=token)
        page: privacy_pb2.ExportMemberResponse = await self.formation.ExportMember(request, metadata=METADATA)
        return page

    async def join(self, code: str, member_id: str, request_id: str) -> Any:
        """Join by an invite's code."""
        request = team_formation_service_pb2.JoinTeamRequest(
            request_id=request_id,
            invite_code=code,
            member_id=member_id,
            sku="mango",
            quantity=1,
            device_tag="a-phone",
            address_tag="an-office",
        )
        return await self.formation.JoinTeam(request, metadata=METADATA)

    async def put_member(self, member_id: str, request_id: str) -> Any:
        """Register a member."""
        request = notification_service_pb2.PutMemberRequest(request_id=request_id)
        request.member.member_id = member_id
        request.member.contact_points.add(channel="console", address=ADDRESS)
        return await self.notification.PutMember(request, metadata=METADATA)

    async def send(self, member_id: str, request_id: str) -> Any:
        """Send a member some words of the platform's own."""
        request = messages_pb2.SendMessageRequest(
            request_id=request_id, member_ids=[member_id, "nobody"], kind=events_pb2.MESSAGE_KIND_PERSONAL
        )
        request.texts.add(language="en", subject="Hello", body=WORDS)
        return await self.notification.SendMessage(request, metadata=METADATA)

    async def carry(self, topics: Sequence[str] = ("member", "campaign", "team", "price", "settlement")) -> None:
        """Carry what was told since to whoever reads it, and keep it as topics do."""
        engine = self.engine
        formed = await relayed(engine.formation.database)
        self._keep(formed)
        await engine.pricing.apply(records(formed, ("member", "campaign", "team")))
        while await engine.pricing.tallies.run_once():
            pass
        await engine.pricing.settle()
        published = await relayed(engine.pricing.database)
        self._keep(published)
        await tallies.apply(engine.formation, *records(published, ("tally",)))
        await engine.notification.apply(*records([*formed, *published], tuple(topics)))
        self._keep(await relayed(engine.notification.database))

    def _keep(self, messages: Sequence[Message]) -> None:
        self.told += records(messages, ("member", "campaign", "team", "price", "settlement", "delivery", "tally"))

    async def erasers(self) -> int:
        """Let each service make its passes until nobody is left; returns how many passes there were."""
        passes = await self.engine.erase()
        self.engine.formation.clock.move(SETTLE)
        return passes + await self.engine.erase()


_DEVICES = domain.AbuseRule(domain.Signal.SEATS_PER_DEVICE, domain.AbuseAction.FLAG, 1, domain.TAGS_KEPT)


@asynccontextmanager
async def a_town(make: MakeDatabase) -> AsyncIterator[Town]:
    """Open the town before anything happened but a campaign."""
    async with an_engine(make) as engine, served(engine) as channels:
        campaign = await engine.formation.create(
            a_campaign(leave_until=domain.LeaveUntil.ENDED, rules={"max_units_per_member": 9}, abuse_rules=(_DEVICES,))
        )
        async with engine.notification.database.work() as work:
            await notification_store.save_reader(work.connection, PLATFORM, engine.formation.clock.now())
        yield Town(engine, channels, campaign)


async def live(town: Town) -> tuple[Any, Any]:
    """Have the buyer join, invite, pay, leave and be written to; its team forms later. Gives invite and seat."""
    formation = town.engine.formation
    await town.put_member(BUYER, "put-1")
    opened = await formation.open(town.campaign, BUYER, marks=domain.Marks(b"a phone", b"an office"))
    await formation.confirm(opened.seat, "pay-1")
    team_id = opened.team.team_id
    command = domain.NewInvite(ids.new_id(), BUYER, "", "wechat", LABEL, NOTE, None, 0)
    made = team_formation_service_pb2.CreateInviteResponse.FromString(
        await formation.on_team("CreateInvite", command, team_id)
    )
    joined = await town.join(made.invite.code, "tom", "join-tom")
    await formation.confirm(joined.seat, "pay-tom")
    promoted = await formation.open(town.campaign, "ann")
    own = domain.NewInvite(ids.new_id(), "", BUYER, "wechat", LABEL, NOTE, None, 0, 500)
    kol = team_formation_service_pb2.CreateInviteResponse.FromString(
        await formation.on_team("CreateInvite", own, promoted.team.team_id)
    )
    by_promoter = await town.join(kol.invite.code, "ben", "join-ben")
    await formation.confirm(promoted.seat, "pay-ann")
    await formation.confirm(by_promoter.seat, "pay-ben")
    other = await formation.open(town.campaign, BUYER)
    await formation.leave(other.seat)
    await town.carry()
    await town.send(BUYER, "send-1")
    return made.invite, opened


async def park(town: Town) -> None:
    """Set a message aside in pricing that names the buyer."""
    database = town.engine.pricing.database
    named = next(record for record in town.told if BUYER.encode() in record.value and "team" in record.topic)
    record = Record(named.topic, "a key apart", named.value, named.headers, 0, 1)
    async with database.work() as work:
        await inbox_rows.park(work.connection, [Parked(record, "for a test")])
        await work.connection.execute(
            "INSERT INTO inbox (topic, key, sequence, parked) VALUES (%s, %s, 0, true)", (record.topic, record.key)
        )


async def refusal(call: Awaitable[Any]) -> str:
    """Make a call that is refused, and give the reason."""
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await call
    status = rpc_status.from_call(cast("grpc.Call", failed.value))
    info = error_details_pb2.ErrorInfo()
    assert status is not None, failed.value
    status.details[0].Unpack(info)
    return info.reason
