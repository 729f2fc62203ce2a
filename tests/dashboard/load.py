"""Shoppers for a minute: they open teams, join them, pay or not, leave, and are told; some come to full teams."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
from groupbuy.money.v1.money_pb2 import Money
from groupbuy.notification.v1 import notification_service_pb2 as told
from groupbuy.notification.v1.notification_service_pb2_grpc import NotificationStub
from groupbuy.pricing.v1 import ladder_pb2
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb
from groupbuy.team_formation.v1 import types_pb2
from groupbuy.team_formation.v1.team_formation_service_pb2_grpc import TeamFormationStub

from deploy.local.stack.stack import Stack

SHOPPERS = 24
_SKU = "mango"


class Crowd:
    """Buyers of one campaign."""

    def __init__(self, teams: Any, messages: Any, key: str) -> None:
        self._teams, self._messages = teams, messages
        self._metadata = (("authorization", f"Bearer {key}"),)
        self.came = 0
        self._open: list[str] = []
        self._campaign = ""
        self._chance = random.Random(7)  # noqa: S311 - no secret

    async def begin(self) -> None:
        """Make the campaign."""
        self._campaign = (await self._ask(self._teams.CreateCampaign, _campaign())).campaign.campaign_id

    async def invite(self) -> str:
        """Give a link to a team of the campaign: the address of its page."""
        opened = pb.OpenTeamRequest(request_id="host", campaign_id=self._campaign, member_id="host", sku=_SKU)
        team = (await self._ask(self._teams.OpenTeam, opened)).team.team_id
        wish = pb.CreateInviteRequest(request_id="invite", team_id=team, member_id="host", channel="wechat")
        return str((await self._ask(self._teams.CreateInvite, wish)).invite.url)

    async def shop(self, seconds: float) -> None:
        """Have shoppers come and go for a time."""
        async with asyncio.TaskGroup() as group:
            for _ in range(SHOPPERS):
                group.create_task(self._one(asyncio.get_running_loop().time() + seconds))

    async def _one(self, until: float) -> None:
        while asyncio.get_running_loop().time() < until:
            try:
                self.came += 1
                await self._visit(f"buyer{self.came}")
            except grpc.aio.AioRpcError as refusal:
                if refusal.code() not in {grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.NOT_FOUND}:
                    raise
            await asyncio.sleep(self._chance.random() * 0.3)

    async def _visit(self, member: str) -> None:
        reached = told.Member(member_id=member, contact_points=[told.ContactPoint(channel="console", address=member)])
        await self._ask(self._messages.PutMember, told.PutMemberRequest(request_id=f"put-{member}", member=reached))
        if not self._open or self._chance.random() < 0.2:
            asked = pb.OpenTeamRequest(
                request_id=f"open-{member}", campaign_id=self._campaign, member_id=member, sku=_SKU
            )
            answer = await self._ask(self._teams.OpenTeam, asked)
            self._open = [*self._open[-11:], answer.team.team_id]
        else:
            team = self._chance.choice(self._open)
            join = pb.JoinTeamRequest(request_id=f"join-{member}", team_id=team, member_id=member, sku=_SKU, quantity=1)
            answer = await self._ask(self._teams.JoinTeam, join)
        await self._decide(member, answer.seat)

    async def _decide(self, member: str, seat: Any) -> None:
        """Pay, or not, or go again."""
        chance = self._chance.random()
        if chance < 0.85:
            request = pb.ConfirmSeatRequest(request_id=f"pay-{member}", seat_id=seat.seat_id, amount=seat.cap)
            await self._ask(self._teams.ConfirmSeat, request)
        if chance < 0.08:
            await self._ask(self._teams.LeaveTeam, pb.LeaveTeamRequest(request_id=f"go-{member}", seat_id=seat.seat_id))

    async def _ask(self, call: Any, request: Any) -> Any:
        return await call(request, metadata=self._metadata, timeout=30)


def _campaign() -> pb.CreateCampaignRequest:
    tiers = [
        ladder_pb2.Tier(threshold=fill, discounts=[ladder_pb2.Discount(fixed_price=price)])
        for fill, price in ((2, 3490), (4, 2990), (6, 2490))
    ]
    request = pb.CreateCampaignRequest(
        request_id="campaign",
        merchant_id="fruit-shop",
        currency="EUR",
        items=[types_pb2.Item(sku=_SKU, list_price=Money(minor_units=3990, currency="EUR"))],
        ladder=ladder_pb2.Ladder(basis=ladder_pb2.BASIS_TEAM_MEMBERS, tiers=tiers),
        rules=types_pb2.Rules(
            payment_mode=types_pb2.PAYMENT_MODE_COMMIT,
            counted_in=types_pb2.COUNTED_IN_MEMBERS,
            minimum=3,
            maximum=8,
            max_units_per_seat=5,
        ),
        presentation=types_pb2.Presentation(
            texts=[types_pb2.LocalizedText(language="en", title="Mangoes")], seller="Fruit Shop", time_zone="UTC"
        ),
    )
    request.ends_at.FromDatetime(datetime.now(UTC) + timedelta(days=1))
    request.rules.hold_lifetime.FromTimedelta(timedelta(seconds=15))
    request.rules.team_lifetime.FromTimedelta(timedelta(seconds=25))
    return request


async def a_crowd(stack: Stack) -> Crowd:
    """Make a crowd that shops on a stack."""
    to_teams = grpc.aio.insecure_channel(stack.address("team_formation"))
    to_messages = grpc.aio.insecure_channel(stack.address("notification"))
    crowd = Crowd(TeamFormationStub(to_teams), NotificationStub(to_messages), stack.key)
    await crowd.begin()
    return crowd
