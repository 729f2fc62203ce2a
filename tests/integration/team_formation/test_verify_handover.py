"""VerifyHandover over gRPC: from an invite page's token to a seat, for the platform that it was minted for alone."""

from datetime import timedelta
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from groupbuy.team_formation.v1 import handover_pb2
from groupbuy.team_formation.v1 import team_formation_internal_pb2 as internal_pb
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb
from grpc_status import rpc_status

from services.chassis.clock import ManualClock
from services.team_formation.handover import LIFETIME, Handover
from services.team_formation.translate import time
from tests.support.formation import START
from tests.support.handing_over import a_handover, tokens
from tests.support.quoting import SECOND
from tests.support.shop_api import SERVICE_KEY, Api, a_request, refused


async def verify(api: Api, token: str, key: str | None = None) -> handover_pb2.Handover:
    answer = await api.call("VerifyHandover", handover_pb2.VerifyHandoverRequest(token=token), key)
    assert isinstance(answer, handover_pb2.VerifyHandoverResponse)
    return answer.handover


async def status(call: Any) -> status_pb2.Status:
    """Give all that a refused call says."""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call
    found: status_pb2.Status | None = rpc_status.from_call(raised.value)  # type: ignore[arg-type]  # it has what a call has
    assert found
    return found


async def why(call: Any) -> tuple[str, dict[str, str]]:
    """Give reason and metadata of a refused call."""
    info = error_details_pb2.ErrorInfo()
    for detail in (await status(call)).details:
        detail.Unpack(info)
    return info.reason, dict(info.metadata)


async def test_from_the_page_to_a_seat_and_back(api: Api) -> None:
    campaign = (await api.call("CreateCampaign", a_request())).campaign.campaign_id
    opening = pb.OpenTeamRequest(request_id="o", campaign_id=campaign, member_id="mei")
    team = (await api.call("OpenTeam", opening)).team.team_id
    inviting = pb.CreateInviteRequest(request_id="i", team_id=team, member_id="mei", channel="wechat")
    invite = (await api.call("CreateInvite", inviting)).invite
    said = Handover(campaign, team, invite.code, "mango", invite.url)

    found = await verify(api, api.handovers.mint(api.platform_id, said, START))
    assert len(found.token_id) == 22
    assert found == handover_pb2.Handover(
        token_id=found.token_id,
        campaign_id=campaign,
        team_id=team,
        invite_code=invite.code,
        sku="mango",
        return_url=invite.url,
        issued_at=time(START),
        expires_at=time(START + LIFETIME),
    )

    joining = pb.JoinTeamRequest(
        request_id=found.token_id, invite_code=found.invite_code, member_id="tom", sku=found.sku
    )
    seat = (await api.call("JoinTeam", joining)).seat
    assert (await api.call("JoinTeam", joining)).seat == seat
    confirming = pb.ConfirmSeatRequest(
        request_id=found.token_id, seat_id=seat.seat_id, amount=seat.cap, payment_reference="pay-1"
    )
    assert (await api.call("ConfirmSeat", confirming)).seat.member_id == "tom"
    joining.member_id = "ann"
    assert (await refused(api.call("JoinTeam", joining)))[1] == "REQUEST_ID_REUSED"


async def test_a_token_may_be_shown_again_until_it_runs_out_by_the_platform_s_clock(
    api: Api, clock: ManualClock
) -> None:
    token = api.handovers.mint(api.platform_id, a_handover(), START)
    assert await verify(api, token) == await verify(api, token)
    clock.set_ahead(api.platform_id, LIFETIME - timedelta(seconds=1))
    assert (await verify(api, token)).expires_at == time(START + LIFETIME)
    clock.set_ahead(api.platform_id, LIFETIME)
    call = api.call("VerifyHandover", handover_pb2.VerifyHandoverRequest(token=token))
    assert await why(call) == ("HANDOVER_EXPIRED", {"expires_at": "2026-11-21T12:15:00Z", "retry": "never"})


async def test_another_platform_is_told_what_is_told_of_a_forged_one(api: Api) -> None:
    made = await api.internal.CreatePlatform(
        internal_pb.CreatePlatformRequest(name="other shop"), metadata=(("authorization", f"Bearer {SERVICE_KEY}"),)
    )
    mine = api.handovers.mint(api.platform_id, a_handover(), START)
    old = api.handovers.mint(api.platform_id, a_handover(), START - timedelta(days=1))
    forged = mine[:-9] + ("A" if mine[-9] != "A" else "B") + mine[-8:]
    answers = [await status(verify(api, token, made.key)) for token in (mine, old, forged)]
    assert answers[0] == answers[1] == answers[2] == await status(verify(api, forged))
    assert (await verify(api, mine)).invite_code == a_handover().invite_code


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "ä", "\0", "A" * 100_000])
async def test_what_is_no_token_is_invalid(api: Api, token: str) -> None:
    code, reason, _ = await refused(verify(api, token))
    assert (code, reason) == (grpc.StatusCode.INVALID_ARGUMENT, "HANDOVER_INVALID")


async def test_a_key_that_is_not_published_signs_nothing(api: Api) -> None:
    token = tokens(SECOND).mint(api.platform_id, a_handover(), START)
    reason, metadata = await why(verify(api, token))
    assert (reason, metadata["why"]) == ("HANDOVER_INVALID", "its key is not, or no longer, published here")


async def test_a_token_is_no_key(api: Api) -> None:
    token = api.handovers.mint(api.platform_id, a_handover(), START)
    assert (await refused(verify(api, token, token)))[:2] == (grpc.StatusCode.UNAUTHENTICATED, "KEY_UNKNOWN")
