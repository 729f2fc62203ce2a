"""A member's timeline: what was written, tried and ended, contact points that are gone, in pages."""

from datetime import timedelta
from typing import Any

from groupbuy.notification.v1 import events_pb2
from groupbuy.notification.v1 import timeline_pb2 as pb

from services.notification.channels import Refused, Retry
from tests.integration.notification.test_sending import Scripted, a_sender, turn
from tests.support.notification_rpc import OTHER, SHOP, Api
from tests.support.notifying import Notifying
from tests.support.teams import TeamLife


async def timeline(api: Api, **fields: Any) -> pb.GetMemberTimelineResponse:
    answer = await api.call("GetMemberTimeline", pb.GetMemberTimelineRequest(member_id="mei", **fields))
    assert isinstance(answer, pb.GetMemberTimelineResponse)
    return answer


async def a_story(notification: Notifying) -> TeamLife:
    """Mei's chat is busy, then says that it is gone, and she is told by e-mail."""
    life = TeamLife(platform=SHOP)
    await notification.put(SHOP, "mei", ("chat", "mei-1"), ("desk", "mei@members.example"))
    life.open("mei")
    await notification.apply(*life.records)
    chat = Scripted("chat", [Retry("busy"), Refused("blocked by mei-1", is_gone=True)])
    async with a_sender(notification, chat, Scripted("desk")) as sender:
        for _ in range(3):
            await turn(sender)
            notification.clock.move(timedelta(minutes=1))
    return life


async def test_everything_that_happened_is_told_in_order_without_addresses(notification: Notifying, api: Api) -> None:
    life = await a_story(notification)
    found = (await timeline(api)).entries
    steps = [pb.TimelineStep.Name(one.step).removeprefix("TIMELINE_STEP_") for one in reversed(found)]
    assert sorted(steps) == sorted(["WRITTEN", "ATTEMPTED", "ATTEMPTED", "CONTACT_GONE", "ATTEMPTED", "ENDED"])
    assert [one.at.ToDatetime() for one in found] == sorted((one.at.ToDatetime() for one in found), reverse=True)
    assert {"retry: busy", "sent"} < {one.said for one in found}
    assert {one.team_id for one in found if one.delivery_id} == {life.team_id}
    assert {one.kind for one in found if one.delivery_id} == {events_pb2.MESSAGE_KIND_JOINED}
    assert "mei-1" not in str(found)
    assert "members.example" not in str(found)


async def test_pages_fit_together(notification: Notifying, api: Api) -> None:
    await a_story(notification)
    whole = list((await timeline(api)).entries)
    found, token = [], ""
    while True:
        page = await timeline(api, page_size=1, page_token=token)
        found += list(page.entries)
        token = page.next_page_token
        if not token:
            break
    assert found == whole
    assert len(whole) > 1


async def test_nobody_elses_member_has_one(notification: Notifying, api: Api) -> None:
    await a_story(notification)
    request = pb.GetMemberTimelineRequest(member_id="mei")
    assert (await api.refused("GetMemberTimeline", request, OTHER))[0] == "MEMBER_UNKNOWN"
    token = (await timeline(api, page_size=1)).next_page_token
    other = pb.GetMemberTimelineRequest(member_id="tom", page_token=token)
    assert (await api.refused("GetMemberTimeline", other))[0] == "PAGE_TOKEN_INVALID"
