"""The public API over a real gRPC server: every field is checked, requests are stored, lists have pages."""

import asyncio
import base64
from datetime import timedelta
from typing import Any
from uuid import UUID

import grpc
import pytest
from groupbuy.notification.v1 import channels_pb2, events_pb2
from groupbuy.notification.v1 import notification_service_pb2 as pb

from services.chassis import ids, requests
from services.notification.contacts import Contacts
from services.notification.handlers import MemberWriter, PutMember
from services.notification.translate import member_of
from tests.support.notification_rpc import OTHER, SHOP, Api
from tests.support.notifying import SEALER, Notifying
from tests.support.teams import TeamLife


def a_request(request_id: str = "r-1", **changes: Any) -> pb.PutMemberRequest:
    points = changes.pop("points", [("email", "mei@example.com"), ("console", "desk")])
    member = {"member_id": "mei", "language": "zh-Hans", "time_zone": "Asia/Shanghai", **changes}
    contact_points = [pb.ContactPoint(channel=channel, address=address) for channel, address in points]
    return pb.PutMemberRequest(request_id=request_id, member=pb.Member(**member, contact_points=contact_points))


async def test_a_member_is_stored_replaced_and_read(api: Api) -> None:
    request = a_request()
    assert (await api.call("PutMember", request)).member == request.member
    assert (await api.call("GetMember", pb.GetMemberRequest(member_id="mei"))).member == request.member
    fewer = a_request("r-2", language="", time_zone="", points=[("webhook", "https://example.com/in")])
    await api.call("PutMember", fewer)
    assert (await api.call("GetMember", pb.GetMemberRequest(member_id="mei"))).member == fewer.member
    none = a_request("r-3", points=[])
    await api.call("PutMember", none)
    assert (await api.call("GetMember", pb.GetMemberRequest(member_id="mei"))).member == none.member


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"request_id": ""}, "request_id"),
        ({"request_id": "a b"}, "request_id"),
        ({"request_id": "x" * 65}, "request_id"),
        ({"member_id": ""}, "member.member_id"),
        ({"member_id": "m" * 65}, "member.member_id"),
        ({"member_id": "mei li"}, "member.member_id"),
        ({"member_id": "mei@example.com"}, "member.member_id"),
        ({"member_id": "+49301234567"}, "member.member_id"),
        ({"member_id": "13800138000"}, "member.member_id"),
        ({"language": "not a language"}, "member.language"),
        ({"language": "e"}, "member.language"),
        ({"time_zone": "Europe/Atlantis"}, "member.time_zone"),
        ({"time_zone": "../../etc/passwd"}, "member.time_zone"),
        ({"time_zone": "Europe"}, "member.time_zone"),
        ({"points": [("console", str(number)) for number in range(11)]}, "member.contact_points"),
        ({"points": [("console", "desk"), ("console", "desk")]}, "member.contact_points"),
        ({"points": [("console", "desk"), ("email", "nobody")]}, "member.contact_points[1].address"),
        ({"points": [("webhook", "http://127.0.0.1/")]}, "member.contact_points[0].address"),
    ],
)
async def test_each_field_is_checked(api: Api, changes: dict[str, Any], field: str) -> None:
    reason, fields = await api.refused("PutMember", a_request(**changes))
    assert reason == "INVALID_ARGUMENT"
    assert list(fields) == [field]
    assert "must" in fields[field] or "looks like" in fields[field]


async def test_all_that_is_wrong_is_said_at_once(api: Api) -> None:
    _, fields = await api.refused("PutMember", a_request(member_id="a@b", language="?", points=[("email", "x")]))
    assert set(fields) == {"member.member_id", "member.language", "member.contact_points[0].address"}


@pytest.mark.parametrize("member_id", ["123456789", "1234567890123456", "mei+1", "u-0049301234567", "+", "plus+49"])
async def test_what_only_resembles_a_phone_number_is_accepted(api: Api, member_id: str) -> None:
    assert (await api.call("PutMember", a_request(member_id=member_id))).member.member_id == member_id


async def test_an_unknown_channel_is_named_with_those_there_are(api: Api) -> None:
    with pytest.raises(grpc.aio.AioRpcError, match=r"no channel 'pigeon'; there are .*console, .*email, .*webhook"):
        await api.call("PutMember", a_request(points=[("pigeon", "roof")]))


async def test_the_same_request_gets_the_same_answer_and_changes_once(api: Api) -> None:
    first = await api.call("PutMember", a_request("r-1"))
    await api.call("PutMember", a_request("r-2", points=[]))
    assert await api.call("PutMember", a_request("r-1")) == first
    assert not (await api.call("GetMember", pb.GetMemberRequest(member_id="mei"))).member.contact_points
    assert (await api.refused("PutMember", a_request("r-1", language="en")))[0] == "REQUEST_ID_REUSED"
    await api.call("PutMember", a_request("r-1", language="en"), OTHER)


async def test_requests_that_arrive_together_are_decided_together(api: Api, notification: Notifying) -> None:
    together = [a_request(f"r-{number}", member_id=f"m{number}") for number in range(50)]
    twice = [a_request("same"), a_request("same")]
    answers = await asyncio.gather(*(api.call("PutMember", request) for request in [*together, *twice]))
    assert [answer.member for answer in answers] == [request.member for request in [*together, *twice]]
    assert (await notification.rows("SELECT count(*) FROM members"))[0][0] == 51


async def test_one_id_with_two_bodies_in_one_batch_is_decided_once(notification: Notifying) -> None:
    writer = MemberWriter(notification.database, notification.clock, Contacts(SEALER))
    commands = [command(a_request("same")), command(a_request("same", language="en")), command(a_request("other"))]
    answers = await writer.decide(commands)
    assert [isinstance(answer, bytes) for answer in answers] == [True, False, True]
    assert (await notification.rows("SELECT language FROM members"))[0][0] == "zh-Hans"


async def test_the_same_id_of_two_platforms_in_one_batch_is_two_requests(notification: Notifying) -> None:
    writer = MemberWriter(notification.database, notification.clock, Contacts(SEALER))
    own, others = command(a_request("same")), command(a_request("same", member_id="ann"), OTHER)
    for _ in range(2):
        assert await writer.decide([own, others]) == [b"", b""]
    assert [row[0] for row in await notification.rows("SELECT member_id FROM members ORDER BY 1")] == ["ann", "mei"]
    stored = await notification.rows("SELECT platform_id FROM requests ORDER BY platform_id")
    assert stored == [(SHOP,), (OTHER,)]


def command(request: pb.PutMemberRequest, platform: UUID = SHOP) -> PutMember:
    body = requests.body_hash(request)
    key = requests.RequestKey(requests.NO_CAMPAIGN, platform, "PutMember", request.request_id, body)
    return PutMember(key, member_of(request.member))


async def test_another_platforms_member_looks_like_none(api: Api) -> None:
    await api.call("PutMember", a_request())
    assert (await api.refused("GetMember", pb.GetMemberRequest(member_id="mei"), OTHER))[0] == "MEMBER_UNKNOWN"
    assert (await api.refused("GetMember", pb.GetMemberRequest(member_id="nobody")))[0] == "MEMBER_UNKNOWN"


async def deliveries(notification: Notifying, platform: UUID, *members: str) -> TeamLife:
    life = TeamLife(platform=platform)
    life.open(members[0])
    for member in members[1:]:
        life.hold(member)
    for record in life.records:
        await notification.apply(record)
        notification.clock.move(timedelta(seconds=1))
    return life


async def test_deliveries_are_listed_by_team_and_member_the_newest_first(api: Api, notification: Notifying) -> None:
    one = await deliveries(notification, SHOP, "mei", "tom", "ann")
    two = await deliveries(notification, SHOP, "mei")
    await deliveries(notification, OTHER, "mei")

    async def listed(**wanted: Any) -> list[tuple[str, str]]:
        found = await api.call("ListDeliveries", pb.ListDeliveriesRequest(**wanted))
        return [(item.team_id, item.member_id) for item in found.deliveries]

    assert await listed() == [
        (two.team_id, "mei"),
        (one.team_id, "ann"),
        (one.team_id, "tom"),
        (one.team_id, "mei"),
    ]
    assert await listed(team_id=one.team_id, member_id="tom") == [(one.team_id, "tom")]
    assert await listed(member_id="mei") == [(two.team_id, "mei"), (one.team_id, "mei")]
    assert await listed(team_id=two.team_id) == [(two.team_id, "mei")]
    assert await listed(member_id="nobody") == []
    seat_id = one.seat("tom").seat_id
    assert await listed(team_id=one.team_id, seat_id=seat_id) == [(one.team_id, "tom")]
    assert await listed(member_id="tom", seat_id=seat_id) == [(one.team_id, "tom")]
    assert await listed(member_id="mei", seat_id=seat_id) == []
    [item] = (await api.call("ListDeliveries", pb.ListDeliveriesRequest(member_id="ann"))).deliveries
    assert item.seat_id == one.seat("ann").seat_id


async def test_a_delivery_shows_its_text_and_how_it_stands(api: Api, notification: Notifying) -> None:
    life = await deliveries(notification, SHOP, "mei")
    [item] = (await api.call("ListDeliveries", pb.ListDeliveriesRequest())).deliveries
    assert item.kind == events_pb2.MESSAGE_KIND_JOINED
    assert item.state == events_pb2.DELIVERY_STATE_SUPPRESSED
    assert item.reason == "the member is not registered"
    assert item.cause_event_id == life.events[1].event_id
    assert item.subject == "Your seat is kept: Mangoes, 2 kg"
    assert item.HasField("ended_at")
    assert item.delivery_id == str(ids.derived_id(UUID(life.events[1].event_id), "mei", "JOINED"))


async def test_pages_follow_each_other_and_belong_to_their_list(api: Api, notification: Notifying) -> None:
    await deliveries(notification, SHOP, *(f"m{number}" for number in range(7)))
    seen: list[str] = []
    token, pages = "", 0
    while pages == 0 or token:
        page = await api.call("ListDeliveries", pb.ListDeliveriesRequest(page_size=3, page_token=token))
        seen += [item.member_id for item in page.deliveries]
        token, pages = page.next_page_token, pages + 1
    assert (seen, pages) == ([f"m{number}" for number in reversed(range(7))], 3)
    first = await api.call("ListDeliveries", pb.ListDeliveriesRequest(page_size=3))
    bad = [
        pb.ListDeliveriesRequest(member_id="m1", page_token=first.next_page_token),
        pb.ListDeliveriesRequest(page_token="nonsense"),
        pb.ListDeliveriesRequest(page_token=base64.urlsafe_b64encode(b"{}").decode()),
        pb.ListDeliveriesRequest(page_token="é"),
    ]
    for request in bad:
        assert (await api.refused("ListDeliveries", request))[0] == "PAGE_TOKEN_INVALID"
    wanted = pb.ListDeliveriesRequest(page_token=first.next_page_token)
    assert (await api.refused("ListDeliveries", wanted, OTHER))[0] == "PAGE_TOKEN_INVALID"


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"team_id": "mine"}, "team_id"),
        ({"seat_id": "mine", "member_id": "mei"}, "seat_id"),
        ({"seat_id": ids.opaque("seat", SHOP, SHOP)}, "seat_id"),
        ({"seat_id": ids.opaque("seat", SHOP, SHOP), "team_id": ids.opaque("team", OTHER, OTHER)}, "seat_id"),
        ({"page_size": -1}, "page_size"),
        ({"page_size": 1001}, "page_size"),
    ],
)
async def test_a_list_that_cannot_be_is_refused(api: Api, wanted: dict[str, Any], field: str) -> None:
    reason, fields = await api.refused("ListDeliveries", pb.ListDeliveriesRequest(**wanted))
    assert (reason, list(fields)) == ("INVALID_ARGUMENT", [field])


async def test_channels_are_listed_with_what_each_needs(api: Api) -> None:
    found = {item.name: item for item in (await api.call("ListChannels", channels_pb2.ListChannelsRequest())).channels}
    assert {"console", "email", "webhook"} <= found.keys()
    assert (found["console"].version, list(found["console"].fields)) == (0, [])


async def test_an_account_is_refused_with_every_field_that_is_wrong(api: Api) -> None:
    request = channels_pb2.PutChannelRequest(request_id="r1", channel="console", settings={"token": "x"})
    reason, fields = await api.refused("PutChannel", request)
    assert (reason, list(fields)) == ("INVALID_ARGUMENT", ["settings['token']"])
    request = channels_pb2.PutChannelRequest(request_id="r2", channel="pigeon")
    assert (await api.refused("PutChannel", request))[0] == "CHANNEL_UNKNOWN"


async def test_a_channel_is_set_up_once_for_a_request_and_forgotten(api: Api) -> None:
    put = channels_pb2.PutChannelRequest(request_id="r1", channel="console")
    assert (await api.call("PutChannel", put)).version == 1
    assert (await api.call("PutChannel", put)).version == 1
    again = channels_pb2.PutChannelRequest(request_id="r2", channel="console")
    assert (await api.call("PutChannel", again)).version == 2
    await api.call("DeleteChannel", channels_pb2.DeleteChannelRequest(request_id="r3", channel="console"))
    listed = await api.call("ListChannels", channels_pb2.ListChannelsRequest())
    assert [item.version for item in listed.channels if item.name == "console"] == [0]
