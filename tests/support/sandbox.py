"""A shop that tries things on its test twin, against a running engine."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import grpc
from groupbuy.chassis.v1 import scope_pb2
from groupbuy.money.v1.money_pb2 import Money
from groupbuy.notification.v1.notification_service_pb2_grpc import NotificationStub
from groupbuy.pricing.v1 import ladder_pb2
from groupbuy.pricing.v1.pricing_service_pb2_grpc import PricingStub
from groupbuy.team_formation.v1 import keys_pb2, sandbox_pb2, types_pb2
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb
from groupbuy.team_formation.v1.team_formation_service_pb2_grpc import TeamFormationStub

from deploy.local.stack import Stack

DAY = timedelta(days=1)
PRICE = 3490


@dataclass
class Trier:
    """Calls all services with one key, each call with a request id of its own."""

    stubs: tuple[Any, ...]
    key: str

    def __post_init__(self) -> None:
        self._numbers = count()

    async def call(self, name: str, request: Any, request_id: str = "") -> Any:
        """Call whichever service has an RPC of a name."""
        if "request_id" in request.DESCRIPTOR.fields_by_name:
            request.request_id = request_id or f"{name}-{next(self._numbers)}"
        [stub] = [stub for stub in self.stubs if hasattr(stub, name)]
        metadata = (("authorization", f"Bearer {self.key}"),)
        return await getattr(stub, name)(request, metadata=metadata, timeout=30)

    async def twin(self) -> "Trier":
        """Make a key of the test twin, and call with it."""
        request = keys_pb2.TeamFormationCreateKeyRequest(scopes=[scope_pb2.SCOPE_ADMIN], test=True)
        return Trier(self.stubs, (await self.call("CreateKey", request)).secret)

    async def advance(self, by: timedelta, request_id: str = "") -> sandbox_pb2.TestClock:
        """Move the clock on, and wait until it has arrived."""
        request = sandbox_pb2.AdvanceClockRequest()
        request.by.FromTimedelta(by)
        answer = await self.call("AdvanceClock", request, request_id)
        while answer.clock.HasField("target"):
            answer = await self.call("AdvanceClock", request, request.request_id)
        assert list(answer.clock.unsettled_services) == []
        clock: sandbox_pb2.TestClock = answer.clock
        return clock

    async def clock(self) -> sandbox_pb2.TestClock:
        """Tell the twin's time."""
        clock: sandbox_pb2.TestClock = (await self.call("GetTestClock", sandbox_pb2.GetTestClockRequest())).clock
        return clock

    async def campaign(self, now: datetime, **rules: Any) -> str:
        """Begin a campaign that is paid when its teams have formed, within a week; they are open for three days."""
        request = a_campaign(now, **rules)
        campaign_id: str = (await self.call("CreateCampaign", request)).campaign.campaign_id
        return campaign_id

    async def open(self, campaign_id: str, member_id: str) -> Any:
        """Open a team; the answer has the opener's seat."""
        request = pb.OpenTeamRequest(campaign_id=campaign_id, member_id=member_id, sku="mango", quantity=1)
        return await self.call("OpenTeam", request)

    async def invite(self, team_id: str, member_id: str) -> str:
        """Have a member invite to a team; the code."""
        request = pb.CreateInviteRequest(team_id=team_id, member_id=member_id, channel="wechat")
        code: str = (await self.call("CreateInvite", request)).invite.code
        return code

    async def join(self, code: str, member_id: str) -> Any:
        """Join a team; the seat."""
        request = pb.JoinTeamRequest(invite_code=code, member_id=member_id, sku="mango", quantity=1)
        return (await self.call("JoinTeam", request)).seat

    async def confirm(self, seat: Any) -> Any:
        """Confirm a seat, of which nothing is paid yet."""
        return await self.call("ConfirmSeat", pb.ConfirmSeatRequest(seat_id=seat.seat_id, amount=seat.cap))


def a_campaign(now: datetime, **rules: Any) -> pb.CreateCampaignRequest:
    """Make a request for a campaign that teams of two buy from."""
    tiers = [ladder_pb2.Tier(threshold=2, discounts=[ladder_pb2.Discount(fixed_price=PRICE)])]
    request = pb.CreateCampaignRequest(
        merchant_id="merchant-7",
        currency="EUR",
        items=[types_pb2.Item(sku="mango", list_price=Money(minor_units=3990, currency="EUR"))],
        ladder=ladder_pb2.Ladder(basis=ladder_pb2.BASIS_TEAM_MEMBERS, tiers=tiers),
        rules=types_pb2.Rules(**{"payment_mode": types_pb2.PAYMENT_MODE_COMMIT, "minimum": 2, "maximum": 2, **rules}),
        presentation=types_pb2.Presentation(
            texts=[types_pb2.LocalizedText(language="en", title="Mangoes")], seller="Fruit Shop", time_zone="UTC"
        ),
    )
    request.ends_at.FromDatetime(now + 30 * DAY)
    request.rules.hold_lifetime.FromTimedelta(timedelta(minutes=10))
    request.rules.team_lifetime.FromTimedelta(3 * DAY)
    request.rules.payment_terms.pay_within.FromTimedelta(7 * DAY)
    if request.rules.on_full == types_pb2.ON_FULL_WAITLIST:
        request.rules.payment_terms.on_unpaid = types_pb2.ON_UNPAID_FILL_FROM_WAITLIST
    return request


def shop_of(stack: Stack, stack_channels: list[grpc.aio.Channel]) -> Trier:
    """Make the shop of a running engine, by its real key."""
    stubs = (TeamFormationStub, PricingStub, NotificationStub)
    channels = [
        grpc.aio.insecure_channel(stack.address(name)) for name in ("team_formation", "pricing", "notification")
    ]
    stack_channels += channels
    return Trier(tuple(stub(channel) for stub, channel in zip(stubs, channels, strict=True)), stack.key)


def time_of(stamp: Any) -> datetime:
    """Read a time."""
    at: datetime = stamp.ToDatetime(tzinfo=UTC)
    return at
