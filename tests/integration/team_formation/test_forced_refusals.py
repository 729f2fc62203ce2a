"""A test twin gets each refusal that an RPC names by asking for it; a real platform never does."""

from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from groupbuy.chassis.v1 import scope_pb2
from groupbuy.money.v1.money_pb2 import Money
from groupbuy.team_formation.v1 import keys_pb2
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb

from services.chassis import forcing
from services.chassis.reasons import placeholders, reasons
from tests.support.doors import said_of
from tests.support.formation import Formation
from tests.support.shop_api import Api, a_request, refused

RPCS = pb.DESCRIPTOR.services_by_name["TeamFormation"].methods_by_name
OF_RPC = {name: forcing.by_rpc()[method.full_name] for name, method in RPCS.items()}
WITHOUT_TEXT = {"ListChatApps", "GetTestClock"}
FIRST_CHOICES = ("member_id", "request_id")


@pytest.fixture
async def key(api: Api) -> str:
    """A key of the platform's test twin."""
    request = keys_pb2.TeamFormationCreateKeyRequest(request_id="twin", scopes=[scope_pb2.SCOPE_ADMIN], test=True)
    secret: str = (await api.call("CreateKey", request)).secret
    return secret


def asking(rpc: str, name: str, number: int = 0) -> Any:
    """Make a request that asks for a refusal where a platform would: by a member, a request id or another id.

    None where no text stands anywhere in it.
    """
    request = GetMessageClass(RPCS[rpc].input_type)()
    place: Any = request
    while not (texts := _texts(place)):
        inner = [field.name for field in place.DESCRIPTOR.fields if field.type == field.TYPE_MESSAGE]
        if not inner:
            return None
        within = getattr(place, inner[0])
        place = within if isinstance(within, Message) else within.add()
    if "request_id" in texts:
        place.request_id = f"r-{number}"
    setattr(place, next(choice for choice in (*FIRST_CHOICES, *texts) if choice in texts), name)
    return request


def _texts(place: Any) -> list[str]:
    fields = place.DESCRIPTOR.fields
    return [field.name for field in fields if field.type == field.TYPE_STRING and not field.is_repeated]


async def reason_of(api: Api, rpc: str, request: Any, key: str | None) -> Any:
    """Make a call that is refused; what is said."""
    metadata = (("authorization", f"Bearer {key or api.key}"),)
    call = getattr(api.stub, rpc)(request, metadata=metadata, timeout=10)
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await (call.read() if RPCS[rpc].server_streaming else call)
    return said_of(error.value)


async def test_every_reason_of_every_rpc_can_be_asked_for(api: Api, key: str, formation: Formation) -> None:
    number = 0
    for rpc, names in OF_RPC.items():
        for name in [*names, "RATE_LIMITED"] if asking(rpc, "x") else []:
            for asked in (f"test_refuse_{name}", f"test_refuse_{rpc}_{name}.{number}"):
                number += 1
                request = asking(rpc, asked, number)
                said = await reason_of(api, rpc, request, key)
                assert (rpc, said.reason) == (rpc, name)
                assert set(said.metadata) - {"retry"} == set(reasons()[name].metadata)
                again = await reason_of(api, rpc, request, key)
                assert (again.reason, again.metadata, again.text) == (said.reason, said.metadata, said.text)
    assert number > 200
    assert await formation.rows("SELECT count(*) FROM campaigns") == [(0,)]


def test_what_names_reasons_has_a_text_to_ask_by() -> None:
    assert {rpc for rpc, names in OF_RPC.items() if names and asking(rpc, "x") is None} == WITHOUT_TEXT


def test_counts_that_buyers_read_look_like_counts() -> None:
    counts = {name for reason in reasons().values() for text in reason.buyer.values() for name in placeholders(text)}
    assert counts <= forcing.NUMBERS


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
