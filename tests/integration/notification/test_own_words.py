"""SendMessage: in the platform's own words, in the member's language, with consent, and not too often."""

from datetime import timedelta
from typing import Any

import pytest
from groupbuy.notification.v1 import events_pb2, messages_pb2
from groupbuy.notification.v1 import notification_service_pb2 as pb

from services.notification.handlers.messages import MessageWriter
from tests.integration.notification.test_sending import Scripted, a_sender, turn
from tests.support.notification_rpc import OTHER, Api
from tests.support.notifying import START, Notifying

PERSONAL, ANNOUNCEMENT = events_pb2.MESSAGE_KIND_PERSONAL, events_pb2.MESSAGE_KIND_ANNOUNCEMENT
TEXTS = [
    messages_pb2.MessageText(
        language="en", subject="Your parcel", body="It is at the door.", link="https://s.example/p", link_label="Track"
    ),
    messages_pb2.MessageText(language="zh-Hans", subject="您的包裹", body="已到门口。"),
]


async def register(
    api: Api,
    member_id: str,
    *,
    language: str = "en",
    promotions: bool = False,
    agrees: bool = False,
    tags: tuple[str, ...] = (),
) -> None:
    consent = pb.Consent(source="form") if agrees else None
    if consent:
        consent.at.FromDatetime(START)
    points = [pb.ContactPoint(channel="console", address=member_id, consent=consent)]
    member = pb.Member(member_id=member_id, language=language, promotions=promotions, contact_points=points, tags=tags)
    await api.call("PutMember", pb.PutMemberRequest(request_id=f"m-{member_id}", member=member))


def a_message(*members: str, request_id: str = "s", **changes: Any) -> messages_pb2.SendMessageRequest:
    fields: dict[str, Any] = {"kind": PERSONAL, "texts": TEXTS, **changes}
    return messages_pb2.SendMessageRequest(request_id=request_id, member_ids=members, **fields)


async def sent(notification: Notifying) -> list[tuple[str, str, str]]:
    """Send what is due; gives member, subject and body."""
    console = Scripted("console")
    async with a_sender(notification, console) as sender:
        await turn(sender)
    return sorted((letter.member_id, letter.subject, letter.body) for letter in console.sent)


async def test_each_gets_the_text_in_its_language_once(notification: Notifying, api: Api) -> None:
    for member, language in (("mei", "zh-CN"), ("tom", "en-GB"), ("eva", "de")):
        await register(api, member, language=language)
    request = a_message("mei", "tom", "eva", "nobody")
    answer = await api.call("SendMessage", request)
    assert (answer.written, list(answer.not_written)) == (3, ["nobody"])
    assert await api.call("SendMessage", request) == answer
    english = "It is at the door.\nTrack: https://s.example/p\n"
    assert await sent(notification) == [
        ("eva", "Your parcel", english),
        ("mei", "您的包裹", "已到门口。\n"),
        ("tom", "Your parcel", english),
    ]
    listed = (await api.call("ListDeliveries", pb.ListDeliveriesRequest(member_id="mei"))).deliveries
    assert [(one.team_id, one.seat_id, one.cause_event_id) for one in listed] == [("", "", answer.message_id)]
    assert {event.delivery_ended.team_id for event in await notification.ended()} == {""}


async def test_an_announcement_needs_opt_in_and_consent(notification: Notifying, api: Api) -> None:
    await register(api, "mei", promotions=True, agrees=True)
    await register(api, "tom", promotions=True)
    await register(api, "eva", agrees=True)
    assert (await api.call("SendMessage", a_message("mei", "tom", "eva", kind=ANNOUNCEMENT))).written == 3
    assert [member for member, _, _ in await sent(notification)] == ["mei"]
    states = await notification.states()
    assert {states["ANNOUNCEMENT", member] for member in ("tom", "eva")} == {"SUPPRESSED"}


async def test_nobody_is_written_to_more_than_five_times_a_day(notification: Notifying, api: Api) -> None:
    await register(api, "mei")
    for number in range(7):
        answer = await api.call("SendMessage", a_message("mei", request_id=f"s{number}"))
        assert answer.written == (1 if number < 5 else 0)
    notification.clock.move(timedelta(hours=24, seconds=1))
    assert (await api.call("SendMessage", a_message("mei", request_id="next day"[:4]))).written == 1


async def test_another_platforms_members_are_nobody(notification: Notifying, api: Api) -> None:
    await register(api, "mei")
    answer = await api.call("SendMessage", a_message("mei"), OTHER)
    assert (answer.written, list(answer.not_written)) == (0, ["mei"])
    assert await notification.told() == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": events_pb2.MESSAGE_KIND_JOINED}, "kind"),
        ({"kind": 999}, "kind"),
        ({"texts": []}, "texts"),
        ({"texts": [*TEXTS, TEXTS[0]]}, "texts"),
        ({"texts": [messages_pb2.MessageText(language="en", subject="", body="x")]}, "texts[0].subject"),
        ({"texts": [messages_pb2.MessageText(language="en", subject="a\nb", body="x")]}, "texts[0].subject"),
        ({"texts": [messages_pb2.MessageText(language="en", subject="a", body=" ")]}, "texts[0].body"),
        ({"texts": [messages_pb2.MessageText(language="e", subject="a", body="b")]}, "texts[0].language"),
        (
            {"texts": [messages_pb2.MessageText(language="en", subject="a", body="b", link="https://s.example")]},
            "texts[0].link_label",
        ),
        (
            {
                "texts": [
                    messages_pb2.MessageText(
                        language="en", subject="a", body="b", link="javascript:alert(1)", link_label="x"
                    )
                ]
            },
            "texts[0].link",
        ),
    ],
)
async def test_bad_messages_are_refused(api: Api, changes: dict[str, Any], field: str) -> None:
    reason, found = await api.refused("SendMessage", a_message("mei", **changes))
    assert (reason, list(found)) == ("INVALID_ARGUMENT", [field])


async def test_bad_members_are_refused(api: Api) -> None:
    for members, field in (((), "member_ids"), (("mei", "mei"), "member_ids"), (("a@b.c",), "member_ids[0]")):
        assert list((await api.refused("SendMessage", a_message(*members)))[1]) == [field]
    many = [f"m{number}" for number in range(1001)]
    assert list((await api.refused("SendMessage", a_message(*many)))[1]) == ["member_ids"]


async def test_who_has_a_tag_is_written_to_once_page_by_page(
    notification: Notifying, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.notification.handlers.messages.PAGE", 2)
    for number in range(5):
        await register(api, f"m{number}", tags=("vip", "tea") if number % 2 else ("tea",))
    await register(api, "eva", tags=("coffee",))
    assert list((await api.call("GetMember", pb.GetMemberRequest(member_id="m1"))).member.tags) == ["vip", "tea"]
    answer = await api.call("SendMessage", a_message(tags=["tea", "vip"]))
    assert answer.written == 0
    writer = MessageWriter(notification.database, notification.clock)
    for _ in range(5):
        await writer.tell_tagged()
    assert await notification.told() == [("PERSONAL", f"m{number}") for number in range(5)]
    assert await notification.rows("SELECT count(*) FROM own_messages") == [(0,)]
    await api.call("SendMessage", a_message(request_id="other", tags=["tea"]), OTHER)
    await writer.tell_tagged()
    assert len(await notification.told()) == 5


async def test_bad_tags_are_refused(api: Api) -> None:
    for members, tags in ((("mei",), ["tea"]), ((), ["Tea"]), ((), ["a"] * 2), ((), ["x"] * 21), ((), ["a b"])):
        assert list((await api.refused("SendMessage", a_message(*members, tags=tags)))[1]) == ["tags"]
    member = pb.Member(member_id="mei", tags=["a,b"])
    reason = await api.refused("PutMember", pb.PutMemberRequest(request_id="r", member=member))
    assert list(reason[1]) == ["member.tags"]
