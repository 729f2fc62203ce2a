"""What a test twin asks to be refused in team_formation: members, seats, joins in bulk; a real platform never is."""

import pytest
from groupbuy.chassis.v1 import scope_pb2
from groupbuy.money.v1.money_pb2 import Money
from groupbuy.team_formation.v1 import keys_pb2
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb

from tests.support.shop_api import Api, a_request, refused


@pytest.fixture
async def key(api: Api) -> str:
    """A key of the platform's test twin."""
    request = keys_pb2.TeamFormationCreateKeyRequest(request_id="twin", scopes=[scope_pb2.SCOPE_ADMIN], test=True)
    secret: str = (await api.call("CreateKey", request)).secret
    return secret


async def test_a_real_platform_has_ordinary_members_of_such_names(api: Api) -> None:
    campaign = (await api.call("CreateCampaign", a_request())).campaign.campaign_id
    opened = await api.call("OpenTeam", _opening(campaign, "test_refuse_TEAM_FULL"))
    assert opened.seat.member_id == "test_refuse_TEAM_FULL"


async def test_a_reason_that_the_rpc_does_not_name_is_an_ordinary_name(api: Api, key: str) -> None:
    campaign = (await api.call("CreateCampaign", a_request(), key)).campaign.campaign_id
    for name in ("test_refuse_NO_SUCH", "test_refuse_SEAT_UNKNOWN", "test_refuse_LeaveTeam_TEAM_ENDED", "test_refuse_"):
        assert (await api.call("OpenTeam", _opening(campaign, name), key)).seat.member_id == name


async def test_a_forced_refusal_is_stored_for_its_request_id(api: Api, key: str) -> None:
    campaign = (await api.call("CreateCampaign", a_request(), key)).campaign.campaign_id
    request = _opening(campaign, "test_refuse_OUT_OF_STOCK")
    assert (await refused(api.call("OpenTeam", request, key)))[1] == "OUT_OF_STOCK"
    request.member_id = "test_refuse_MEMBER_LIMIT"
    assert (await refused(api.call("OpenTeam", request, key)))[1] == "REQUEST_ID_REUSED"


async def test_a_seats_member_refuses_what_is_done_with_the_seat(api: Api, key: str) -> None:
    campaign = (await api.call("CreateCampaign", a_request(), key)).campaign.campaign_id
    member = "test_refuse_ConfirmSeat_TEAM_ENDED"
    opened = await api.call("OpenTeam", _opening(campaign, member), key)
    confirm = pb.ConfirmSeatRequest(request_id="c", seat_id=opened.seat.seat_id, amount=opened.seat.cap)
    confirm.payment_reference = "pay"
    assert (await refused(api.call("ConfirmSeat", confirm, key)))[1] == "TEAM_ENDED"
    confirm.amount.CopyFrom(Money(minor_units=1, currency="EUR"))
    assert (await refused(api.call("ConfirmSeat", confirm, key)))[1] == "REQUEST_ID_REUSED"
    team = (await api.call("GetTeam", pb.GetTeamRequest(team_id=opened.team.team_id), key)).team
    assert team.version == opened.team.version
    await api.call("LeaveTeam", pb.LeaveTeamRequest(request_id="l", seat_id=opened.seat.seat_id), key)


async def test_joins_in_bulk_refuse_those_that_ask(api: Api, key: str) -> None:
    campaign = (await api.call("CreateCampaign", a_request(), key)).campaign.campaign_id
    team = (await api.call("OpenTeam", _opening(campaign, "mei"), key)).team.team_id
    members = ("tom", "test_refuse_TEAM_FULL", "lin")
    joins = [pb.JoinTeamRequest(request_id=f"j-{name}", team_id=team, member_id=name, sku="mango") for name in members]
    answer = await api.call("JoinTeams", pb.JoinTeamsRequest(joins=joins), key)
    assert [result.WhichOneof("result") for result in answer.results] == ["joined", "refused", "joined"]


def _opening(campaign: str, member: str) -> pb.OpenTeamRequest:
    return pb.OpenTeamRequest(request_id=f"o-{len(member)}", campaign_id=campaign, member_id=member, sku="mango")
