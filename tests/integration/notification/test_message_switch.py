"""GetMessageSwitch and SetMessageSwitch: what a stop word and a start word do, for the services alone."""

from uuid import UUID

import pytest
from groupbuy.notification.v1 import notification_internal_pb2 as pb
from groupbuy.notification.v1 import notification_service_pb2 as public_pb

from services.chassis import ids, platforms
from tests.integration.notification.test_rpc import a_request
from tests.integration.notification.test_unsubscribing import a_member
from tests.support.notification_rpc import OTHER, SHOP, Api, refusal


def platform(of: UUID = SHOP) -> str:
    return ids.opaque(platforms.ID_PREFIX, of)


async def are_on(api: Api, of: UUID = SHOP) -> bool:
    request = pb.GetMessageSwitchRequest(platform_id=platform(of), member_id="mei")
    return bool((await api.call_internal("GetMessageSwitch", request)).on)


async def turn(api: Api, *, on: bool) -> None:
    request = pb.SetMessageSwitchRequest(platform_id=platform(), member_id="mei", on=on)
    await api.call_internal("SetMessageSwitch", request)


async def test_off_ends_what_may_be_muted_and_promotions_and_on_begins_the_former(api: Api) -> None:
    await api.call("PutMember", a_member("r-1"))
    await api.call("PutMember", a_request("r-2"), OTHER)
    assert await are_on(api)
    for on, muted, promotions in (
        (True, False, True),
        (False, True, False),
        (False, True, False),
        (True, False, False),
    ):
        await turn(api, on=on)
        member = (await api.call("GetMember", public_pb.GetMemberRequest(member_id="mei"))).member
        assert (member.muted_all, member.promotions) == (muted, promotions)
        assert await are_on(api) is on
        assert await are_on(api, OTHER)


@pytest.mark.parametrize("method", ["GetMessageSwitch", "SetMessageSwitch"])
async def test_who_is_unknown_is_said_and_only_services_may_ask(api: Api, method: str) -> None:
    await api.call("PutMember", a_request())
    make = getattr(pb, f"{method}Request")
    for platform_id, member_id, reason in (
        ("", "mei", "PLATFORM_UNKNOWN"),
        ("plat_x", "mei", "PLATFORM_UNKNOWN"),
        (platform(OTHER), "mei", "MEMBER_UNKNOWN"),
        (platform(), "ann", "MEMBER_UNKNOWN"),
        (platform(), "@group", "MEMBER_UNKNOWN"),
        (platform(), "", "MEMBER_UNKNOWN"),
    ):
        call = api.call_internal(method, make(platform_id=platform_id, member_id=member_id))
        assert (await refusal(call))[0] == reason
    for key in (f"gbk_{SHOP.int}_secret", "another key"):
        call = api.call_internal(method, make(platform_id=platform(), member_id="mei"), key=key)
        assert (await refusal(call))[0] == "KEY_UNKNOWN"
