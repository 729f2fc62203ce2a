"""A promoter's commission and a leader's reward, from invite to rows, by the services' public calls."""

from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import UUID, uuid4

import grpc
import pytest
from groupbuy.pricing.v1 import events_pb2, pricing_internal_pb2, pricing_internal_pb2_grpc, settlements_pb2
from groupbuy.team_formation.v1 import team_formation_service_pb2 as tf
from groupbuy.team_formation.v1 import types_pb2

from services.chassis import ids
from services.team_formation.commissions import Commission, Commissions
from tests.support.database import Database
from tests.support.engine import SERVICE_KEY
from tests.support.formation import OTHER_PLATFORM, PLATFORM
from tests.support.rpcs import Server, a_server, methods_by_name
from tests.support.shop_api import refused
from tests.support.shops import a_campaign, money

COMMISSION = settlements_pb2.BENEFICIARY_KIND_COMMISSION
REWARD = settlements_pb2.BENEFICIARY_KIND_LEADER_REWARD
FORMED, WITHDRAWN = events_pb2.SETTLEMENT_CAUSE_TEAM_FORMED, events_pb2.SETTLEMENT_CAUSE_SEAT_WITHDRAWN


@pytest.fixture
async def server(database: Database) -> AsyncIterator[Server]:
    async with a_server(database) as running:
        yield running


async def ask(server: Server, name: str, request: Any, service: str = "team_formation.v1.TeamFormation") -> Any:
    """Make a call."""
    method = methods_by_name()[f"groupbuy.{service}.{name}"]
    if "request_id" in method.input_type.fields_by_name:
        request.request_id = str(uuid4())
    return await server.call(method, request.SerializeToString())


async def earned(server: Server, **asked: Any) -> list[settlements_pb2.BeneficiaryLine]:
    """List what promoters earn, a row a page."""
    found: list[settlements_pb2.BeneficiaryLine] = []
    token = ""
    while True:
        request = settlements_pb2.ListBeneficiaryLinesRequest(page_size=1, page_token=token, **asked)
        answer = await ask(server, "ListBeneficiaryLines", request, "pricing.v1.Pricing")
        found += answer.lines
        token = answer.next_page_token
        if not token:
            return found


async def summed(
    server: Server, promoter: str, campaign: str, platform_id: UUID = PLATFORM
) -> Mapping[str, Commission]:
    """Sum up what a promoter earns in a campaign, as its page does."""
    stub = pricing_internal_pb2_grpc.PricingInternalStub(server.channels["groupbuy.pricing.v1.PricingInternal"])
    [campaign_id] = ids.parse("camp", campaign, 1) or ()
    sums = await Commissions(stub, SERVICE_KEY).of(platform_id, promoter, [campaign_id])
    assert sums is not None
    return {ids.opaque("camp", one): said for one, said in sums.items()}


async def test_where_pricing_does_not_answer_nothing_is_known() -> None:
    async with grpc.aio.insecure_channel("127.0.0.1:1") as nowhere:
        asks = Commissions(pricing_internal_pb2_grpc.PricingInternalStub(nowhere), SERVICE_KEY)
        assert await asks.of(PLATFORM, "nora", [UUID(int=1)]) is None
        assert await asks.of(PLATFORM, "nora", []) == {}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"platform_id": "plat_x"}, "platform_id"),
        ({"promoter_id": ""}, "promoter_id"),
        ({"promoter_id": "a\0b"}, "promoter_id"),
        ({"campaign_ids": []}, "campaign_ids"),
        ({"campaign_ids": ["camp_x"]}, "campaign_ids"),
        ({"campaign_ids": [ids.opaque("camp", UUID(int=1))] * 101}, "campaign_ids"),
    ],
)
async def test_what_cannot_be_summed_up_is_refused(server: Server, changes: dict[str, Any], field: str) -> None:
    good = {
        "platform_id": ids.opaque("plat", PLATFORM),
        "promoter_id": "nora",
        "campaign_ids": [ids.opaque("camp", UUID(int=1))],
    }
    request = pricing_internal_pb2.SumCommissionsRequest(**{**good, **changes})
    status, reason, details = await refused(ask(server, "SumCommissions", request, "pricing.v1.PricingInternal"))
    assert (status, reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT")
    assert list(details) == [field]


async def test_what_an_invite_promises_is_earned_and_given_back(server: Server) -> None:
    create = a_campaign()
    create.rules.maximum = 2
    create.rules.max_units_per_seat = 3
    create.rules.leave_after_formed.FromSeconds(3600)
    campaign = (await ask(server, "CreateCampaign", create)).campaign.campaign_id
    opening = tf.OpenTeamRequest(campaign_id=campaign, member_id="mei", sku="mango", quantity=1)
    opened = await ask(server, "OpenTeam", opening)
    inviting = tf.CreateInviteRequest(
        team_id=opened.team.team_id, promoter_id="nora", channel="wechat", commission_basis_points=333
    )
    code = (await ask(server, "CreateInvite", inviting)).invite.code
    joining = tf.JoinTeamRequest(invite_code=code, member_id="tom", sku="mango", quantity=3)
    seat = (await ask(server, "JoinTeam", joining)).seat
    assert (seat.promoter_id, seat.commission_basis_points) == ("nora", 333)
    for one in (opened.seat, seat):
        amount = money(one.cap.minor_units * one.quantity)
        confirming = tf.ConfirmSeatRequest(seat_id=one.seat_id, amount=amount, payment_reference=f"pay-{one.member_id}")
        await ask(server, "ConfirmSeat", confirming)
    await server.engine.carry(times=2)
    [row] = await earned(server)
    assert (row.beneficiary_id, row.seat_id, row.cause, row.quantity) == ("nora", seat.seat_id, FORMED, 3)
    unit = (row.unit_price.minor_units * 333 + 5_000) // 10_000
    assert row.amount.minor_units == 3 * unit > 0
    assert await summed(server, "nora", campaign) == {campaign: Commission(3 * unit, 0)}
    await ask(server, "LeaveTeam", tf.LeaveTeamRequest(seat_id=seat.seat_id, quantity=1))
    await ask(server, "LeaveTeam", tf.LeaveTeamRequest(seat_id=seat.seat_id))
    await server.engine.carry(times=2)
    rows = await earned(server, merchant_id="merchant-7", beneficiary_id="nora", campaign_id=campaign)
    assert [(item.quantity, item.amount.minor_units) for item in rows] == [(3, 3 * unit), (-1, -unit), (-2, -2 * unit)]
    assert rows[-1].cause == WITHDRAWN
    assert await summed(server, "nora", campaign) == {campaign: Commission(3 * unit, 3 * unit)}
    assert await earned(server, beneficiary_id="nobody") == []
    assert await summed(server, "nobody", campaign) == {campaign: Commission()}
    assert await summed(server, "nora", campaign, OTHER_PLATFORM) == {campaign: Commission()}
    state = (await ask(server, "GetTeam", tf.GetTeamRequest(team_id=opened.team.team_id))).team.state
    assert state == types_pb2.TEAM_STATE_FORMED


async def test_a_leader_earns_its_reward_until_its_seat_goes(server: Server) -> None:
    create = a_campaign()
    create.rules.maximum = 2
    create.rules.leave_after_formed.FromSeconds(3600)
    create.rules.leader_reward.CopyFrom(money(500))
    campaign = (await ask(server, "CreateCampaign", create)).campaign.campaign_id
    opening = tf.OpenTeamRequest(campaign_id=campaign, member_id="mei", sku="mango", quantity=1)
    opened = await ask(server, "OpenTeam", opening)
    # the leader's own link earns somebody else of the same name a commission: two rows of one line, a page each
    inviting = tf.CreateInviteRequest(
        team_id=opened.team.team_id, promoter_id="tom", channel="wechat", commission_basis_points=1_000
    )
    code = (await ask(server, "CreateInvite", inviting)).invite.code
    joining = tf.JoinTeamRequest(invite_code=code, member_id="tom", sku="mango", quantity=1)
    seat = (await ask(server, "JoinTeam", joining)).seat
    await ask(server, "LeaveTeam", tf.LeaveTeamRequest(seat_id=opened.seat.seat_id))
    await confirm(server, seat)
    joined = await ask(
        server,
        "JoinTeam",
        tf.JoinTeamRequest(team_id=opened.team.team_id, member_id="bo", sku="mango", quantity=1),
    )
    await confirm(server, joined.seat)
    await server.engine.carry(times=2)
    rows = await earned(server, campaign_id=campaign)
    assert [(item.beneficiary_id, item.kind) for item in rows] == [("tom", COMMISSION), ("tom", REWARD)]
    assert await summed(server, "tom", campaign) == {campaign: Commission(rows[0].amount.minor_units)}
    assert (rows[1].seat_id, rows[1].cause, rows[1].amount) == (seat.seat_id, FORMED, money(500))
    await ask(server, "LeaveTeam", tf.LeaveTeamRequest(seat_id=seat.seat_id))
    await server.engine.carry(times=2)
    rows = await earned(server, campaign_id=campaign)
    assert [item.amount.minor_units for item in rows if item.kind == REWARD] == [500, -500]
    assert sum(item.amount.minor_units for item in rows) == 0
    assert rows[-1].cause == WITHDRAWN


async def confirm(server: Server, seat: types_pb2.Seat) -> None:
    """Pay for a seat."""
    amount = money(seat.cap.minor_units * seat.quantity)
    asked = tf.ConfirmSeatRequest(seat_id=seat.seat_id, amount=amount, payment_reference=f"pay-{seat.member_id}")
    await ask(server, "ConfirmSeat", asked)
