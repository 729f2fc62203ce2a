"""Private chats: bound by a code, known again, written to, stopped, and what is written there reaches the seller."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from groupbuy.notification.v1 import chats_pb2, messages_pb2
from groupbuy.notification.v1 import notification_internal_pb2 as internal
from groupbuy.notification.v1 import notification_service_pb2 as pb
from groupbuy.notification.v1 import platform_webhooks_pb2 as webhooks

from services.chassis import ids
from services.chassis.clock import ManualClock
from services.chassis.sealing import Sealer
from services.notification.contacts import Contacts
from services.notification.domain import MOST_A_DAY, MOST_CHATS, Point
from services.notification.handlers.chats import Chats
from services.notification.handlers.member_messages import MemberMessages
from tests.integration.notification.test_own_words import a_message, register
from tests.integration.notification.test_sending import Scripted, a_sender, turn
from tests.support.notification_rpc import OTHER, SHOP, Api, refusal
from tests.support.notifying import SEAL_KEYS, SEALER, START, Notifying

MEIS, TOMS = "4711", "4712"
PLATFORM = ids.opaque("plat", SHOP)
SEAT = ids.opaque("seat", SHOP, SHOP)
ASKED, STARTED, STOPPED = internal.CHAT_ACT_ASKED, internal.CHAT_ACT_STARTED, internal.CHAT_ACT_STOPPED
WROTE, LEFT = internal.CHAT_ACT_WROTE, internal.CHAT_ACT_LEFT


async def hear(api: Api, act: Any, key: str = "e1", address: str = MEIS, **more: Any) -> internal.HearChatResponse:
    fields: dict[str, Any] = {"platform_id": PLATFORM, "service": "telegram", **more}
    request = internal.HearChatRequest(event_key=key, address=address, act=act, **fields)
    heard: internal.HearChatResponse = await api.call_internal("HearChat", request)
    return heard


def name(heard: internal.HearChatResponse) -> str:
    return internal.ChatHeard.Name(heard.heard).removeprefix("CHAT_HEARD_")


async def a_code(api: Api, member_id: str = "mei") -> str:
    made = await api.call("MakeChatCode", chats_pb2.MakeChatCodeRequest(member_id=member_id))
    assert made.expires_at.ToDatetime() == (START + timedelta(hours=1)).replace(tzinfo=None)
    return str(made.code)


async def bound(api: Api, member_id: str = "mei", address: str = MEIS, **more: Any) -> str:
    """Bind a chat; gives its id."""
    code = await a_code(api, member_id)
    assert name(await hear(api, STARTED, f"bind {code}", address, code=code, **more)) == "BOUND"
    return str((await chats(api, member_id))[0].chat_id)


async def chats(api: Api, member_id: str = "mei") -> list[chats_pb2.Chat]:
    return list((await api.call("ListChats", chats_pb2.ListChatsRequest(member_id=member_id))).chats)


async def words(api: Api, **filters: Any) -> list[chats_pb2.MemberMessage]:
    return list((await api.call("ListMemberMessages", chats_pb2.ListMemberMessagesRequest(**filters))).messages)


def a_reply(message_id: str, text: str = "On Friday.", request_id: str = "r") -> chats_pb2.ReplyToMemberRequest:
    return chats_pb2.ReplyToMemberRequest(request_id=request_id, message_id=message_id, text=text)


async def sent(notification: Notifying, *channels: str) -> list[tuple[str, str, str]]:
    """Send what is due; gives channel, address and body."""
    scripted = [Scripted(channel) for channel in channels]
    async with a_sender(notification, *scripted) as sender:
        await turn(sender)
    return [(one.name, letter.address, letter.body) for one in scripted for letter in one.sent]


async def test_a_code_binds_a_chat_once_and_the_chat_is_known_from_then_on(api: Api) -> None:
    assert name(await hear(api, ASKED)) == "UNKNOWN"
    code = await a_code(api)
    for _ in range(2):  # the same chat may send it again
        heard = await hear(api, STARTED, code=f" {code.lower()} ", language="zh-CN")
        assert (name(heard), heard.member_id, heard.language) == ("BOUND", "mei", "zh-CN")
    assert name(await hear(api, STARTED, "e2", TOMS, code=code)) == "CODE_UNKNOWN"
    assert name(await hear(api, STARTED, "e3", TOMS, code="2222222222")) == "CODE_UNKNOWN"
    assert name(await hear(api, STARTED, "e4", TOMS, code="7sGk2mPq9XaB")) == "CODE_UNKNOWN"
    assert name(await hear(api, STARTED, "e5", code=code)) == "BOUND"
    heard = await hear(api, ASKED)
    assert (name(heard), heard.member_id) == ("KNOWN", "mei")
    [chat] = await chats(api)
    assert (chat.service, chat.gone, chat.HasField("open_until")) == ("telegram", "", False)


async def test_a_code_is_good_for_an_hour_and_of_many_the_newest(
    notification: Notifying, api: Api, clock: ManualClock
) -> None:
    codes = []
    for _ in range(6):
        clock.move(timedelta(seconds=1))
        codes.append((await api.call("MakeChatCode", chats_pb2.MakeChatCodeRequest(member_id="mei"))).code)
    assert name(await hear(api, STARTED, code=codes[0])) == "CODE_UNKNOWN"
    assert name(await hear(api, STARTED, "e1b", code=codes[1])) == "BOUND"
    clock.move(timedelta(hours=1, seconds=1))
    assert name(await hear(api, STARTED, "e2", TOMS, code=codes[2])) == "CODE_UNKNOWN"
    assert await Chats(notification.database, clock, Contacts(SEALER)).forget_codes() == 5
    assert await notification.rows("SELECT FROM chat_codes WHERE member_id <> 'mei'") == []
    stored = [bytes(row[0]) for row in await notification.rows("SELECT code_hash FROM chat_codes")]
    assert not {code.encode() for code in codes} & set(stored)


async def test_nobody_binds_or_hears_for_another_platform(api: Api) -> None:
    code = await a_code(api)
    other = ids.opaque("plat", OTHER)
    assert name(await hear(api, STARTED, code=code, platform_id=other)) == "CODE_UNKNOWN"
    chat = await bound(api)
    assert name(await hear(api, ASKED, platform_id=other)) == "UNKNOWN"
    request = chats_pb2.UnbindChatRequest(request_id="u", chat_id=chat)
    assert (await api.refused("UnbindChat", request, OTHER))[0] == "CHAT_UNKNOWN"
    await hear(api, WROTE, "w", text="Hello?")
    [written] = await words(api)
    assert (await api.refused("ReplyToMember", a_reply(written.message_id), OTHER))[0] == "MEMBER_MESSAGE_UNKNOWN"
    listed = await api.call("ListMemberMessages", chats_pb2.ListMemberMessagesRequest(), OTHER)
    assert not listed.messages


async def test_messages_go_to_the_bound_chat_first_whatever_the_platform_registers(
    notification: Notifying, api: Api
) -> None:
    await bound(api)
    await register(api, "mei")
    await api.call("SendMessage", a_message("mei"))
    [(channel, address, _)] = await sent(notification, "telegram", "console")
    assert (channel, address) == ("telegram", MEIS)
    member = (await api.call("GetMember", pb.GetMemberRequest(member_id="mei"))).member
    assert [(point.channel, point.address) for point in member.contact_points] == [("console", "mei")]


async def test_a_chat_moves_to_another_member_and_a_member_has_five_at_most(api: Api, clock: ManualClock) -> None:
    await bound(api)
    await bound(api, "tom")
    assert (await chats(api), len(await chats(api, "tom"))) == ([], 1)
    for number in range(MOST_CHATS + 2):
        clock.move(timedelta(seconds=1))
        code = (await api.call("MakeChatCode", chats_pb2.MakeChatCodeRequest(member_id="tom"))).code
        assert name(await hear(api, STARTED, f"e{number}", str(5000 + number), code=code)) == "BOUND"
    assert len(await chats(api, "tom")) == MOST_CHATS
    assert name(await hear(api, ASKED, "x")) == "UNKNOWN"
    assert name(await hear(api, ASKED, "x", "5001")) == "UNKNOWN"
    assert name(await hear(api, ASKED, "x", "5002")) == "KNOWN"


async def test_stop_mutes_in_any_language_and_start_lifts_it(api: Api) -> None:
    await bound(api)
    for key, (act, text, heard, muted) in enumerate(
        (
            (STOPPED, "", "MUTED", True),
            (STARTED, "", "UNMUTED", False),
            (WROTE, "退订", "MUTED", True),
            (WROTE, "恢复", "UNMUTED", False),
        )
    ):
        assert name(await hear(api, act, f"e{key}", text=text)) == heard
        member = (await api.call("GetMember", pb.GetMemberRequest(member_id="mei"))).member
        assert member.muted_all is muted
    assert await words(api) == []


async def test_a_chat_that_was_left_or_unbound_is_forgotten(notification: Notifying, api: Api) -> None:
    await bound(api)
    assert name(await hear(api, LEFT, "l1")) == "FORGOTTEN"
    assert name(await hear(api, LEFT, "l2")) == "UNKNOWN"
    chat = await bound(api)
    request = chats_pb2.UnbindChatRequest(request_id="u", chat_id=chat)
    for _ in range(2):
        await api.call("UnbindChat", request)
    again = chats_pb2.UnbindChatRequest(request_id="u2", chat_id=chat)
    assert (await api.refused("UnbindChat", again))[0] == "CHAT_UNKNOWN"
    assert await notification.rows("SELECT FROM member_chats") == []


async def test_what_a_member_writes_is_kept_once_and_told_to_the_platforms_webhook(
    notification: Notifying, api: Api
) -> None:
    endpoint = webhooks.WebhookEndpoint(url="https://shop.example/hook", types=["chat.*"])
    await api.call("PutWebhookEndpoint", webhooks.PutWebhookEndpointRequest(request_id="p", endpoint=endpoint))
    chat = await bound(api)
    for _ in range(2):
        assert name(await hear(api, WROTE, "w1", text="<b>When</b> does it come?", is_signed=True)) == "KEPT"
    [written] = await words(api, member_id="mei")
    assert (written.text, written.chat_id, written.is_signed) == ("<b>When</b> does it come?", chat, True)
    told = await notification.rows("SELECT type, value FROM platform_events ORDER BY position")
    assert [row[0] for row in told] == ["chat.binding_changed", "chat.message_received"]
    event = chats_pb2.ChatEvent.FromString(told[1][1])
    assert event.message_received.message == written
    assert await notification.rows("SELECT FROM outbox WHERE payload LIKE %s", b"%come?%") == []


async def test_who_writes_too_much_is_not_kept(api: Api) -> None:
    await bound(api)
    for number in range(MOST_A_DAY):
        assert name(await hear(api, WROTE, f"w{number}", text="?")) == "KEPT"
    assert name(await hear(api, WROTE, "one more", text="?")) == "TOO_MANY"
    assert name(await hear(api, WROTE, "w7", text="?")) == "KEPT"  # as it was answered then
    asked = internal.AskSellerRequest(platform_id=PLATFORM, event_key="k", member_id="mei", seat_id=SEAT, text="?")
    assert (await refusal(api.call_internal("AskSeller", asked)))[0] == "TOO_MANY_MESSAGES"


async def test_an_answer_goes_to_the_chat_in_which_the_member_wrote(notification: Notifying, api: Api) -> None:
    await bound(api)
    await hear(api, WROTE, "w1", text="When does it come?")
    await bound(api, address="4713")  # a newer chat, which is not where it was asked
    [written] = await words(api)
    answer = await api.call("ReplyToMember", a_reply(written.message_id))
    assert await api.call("ReplyToMember", a_reply(written.message_id)) == answer
    assert await sent(notification, "telegram") == [("telegram", MEIS, "On Friday.\n")]
    [written] = await words(api)
    assert [(reply.reply_id, reply.text) for reply in written.replies] == [(answer.reply_id, "On Friday.")]


async def test_an_answer_is_refused_where_the_chat_or_its_time_is_over(
    notification: Notifying, api: Api, clock: ManualClock
) -> None:
    await bound(api, address="+4915112345678", service="whatsapp")
    await hear(api, WROTE, "w1", "+4915112345678", service="whatsapp", text="Hello")
    [written] = await words(api)
    assert written.open_until.ToDatetime() == (START + timedelta(hours=24)).replace(tzinfo=None)
    clock.move(timedelta(hours=24))
    assert (await api.refused("ReplyToMember", a_reply(written.message_id)))[0] == "CHAT_WINDOW_OVER"
    at = Timestamp()
    at.FromDatetime(clock.now())
    await hear(api, WROTE, "w2", "+4915112345678", service="whatsapp", text="Still here", happened_at=at)
    await api.call("ReplyToMember", a_reply(written.message_id, request_id="r2"))
    await hear(api, LEFT, "+4915112345678", "+4915112345678", service="whatsapp")
    assert (await api.refused("ReplyToMember", a_reply(written.message_id, request_id="r3")))[0] == "CHAT_GONE"
    assert await sent(notification, "whatsapp") == []  # it was gone before its turn came
    assert await notification.rows("SELECT state FROM deliveries") == [("SUPPRESSED",)]


async def test_what_was_asked_on_a_page_is_answered_where_the_member_is_reached(
    notification: Notifying, api: Api
) -> None:
    await register(api, "mei")
    asked = internal.AskSellerRequest(
        platform_id=PLATFORM, event_key="k", member_id="mei", seat_id=SEAT, text=" Is it ripe? "
    )
    for _ in range(2):
        await api.call_internal("AskSeller", asked)
    [written] = await words(api)
    assert (written.service, written.seat_id, written.text) == ("web", SEAT, "Is it ripe?")
    await api.call("ReplyToMember", a_reply(written.message_id, "Very."))
    assert await sent(notification, "console") == [("console", "mei", "Very.\n")]
    request = internal.GetConversationRequest(platform_id=PLATFORM, member_id="mei", seat_id=SEAT)
    shown = await api.call_internal("GetConversation", request)
    assert [(one.text, one.replies[0].text) for one in shown.messages] == [("Is it ripe?", "Very.")]
    nobody = internal.GetConversationRequest(
        platform_id=PLATFORM, member_id="mei", seat_id=ids.opaque("seat", OTHER, OTHER)
    )
    assert not (await api.call_internal("GetConversation", nobody)).messages


async def test_who_cannot_be_reached_finds_the_answer_on_the_page_alone(notification: Notifying, api: Api) -> None:
    asked = internal.AskSellerRequest(platform_id=PLATFORM, event_key="k", member_id="mei", seat_id=SEAT, text="Hello")
    await api.call_internal("AskSeller", asked)
    await api.call("ReplyToMember", a_reply((await words(api))[0].message_id))
    assert await notification.rows("SELECT FROM deliveries") == []
    assert [reply.text for reply in (await words(api))[0].replies] == ["On Friday."]


async def test_words_are_forgotten_after_thirty_days_and_erased_at_once(
    notification: Notifying, api: Api, clock: ManualClock
) -> None:
    endpoint = webhooks.WebhookEndpoint(url="https://shop.example/hook", types=["*"])
    await api.call("PutWebhookEndpoint", webhooks.PutWebhookEndpointRequest(request_id="p", endpoint=endpoint))
    await bound(api)
    await bound(api, "tom", TOMS)
    for key, address in (("w1", MEIS), ("w2", MEIS), ("w3", TOMS)):
        await hear(api, WROTE, key, address, text="A secret of mine")
    await api.call("ReplyToMember", a_reply((await words(api, member_id="mei"))[0].message_id, "A secret too"))
    request = chats_pb2.EraseMemberMessagesRequest(request_id="e", member_id="mei")
    assert (await api.call("EraseMemberMessages", request)).count == 2
    assert (await api.call("EraseMemberMessages", request)).count == 2
    assert len(await words(api)) == 1
    everything = json.dumps([str(row) for row in await notification.rows("SELECT d FROM deliveries AS d")])
    assert "secret" not in everything
    kept = await notification.rows("SELECT subject FROM platform_events WHERE type = 'chat.message_received'")
    assert kept == [("chats of tom",)]
    clock.move(timedelta(days=30, seconds=1))
    assert await MemberMessages(notification.database, clock).forget() == 1
    assert await words(api) == []


async def test_pages_of_words_have_all_of_them_once(api: Api) -> None:
    await bound(api)
    for number in range(7):
        await hear(api, WROTE, f"w{number}", text=f"{number}")
    found, token = [], ""
    while True:
        request = chats_pb2.ListMemberMessagesRequest(page_size=3, page_token=token)
        page = await api.call("ListMemberMessages", request)
        found += [message.text for message in page.messages]
        if not (token := page.next_page_token):
            break
    assert sorted(found) == [str(number) for number in range(7)]
    other = chats_pb2.ListMemberMessagesRequest(page_token="x", member_id="mei")
    assert (await api.refused("ListMemberMessages", other))[0] == "PAGE_TOKEN_INVALID"


async def test_a_chat_is_found_after_its_key_was_changed(notification: Notifying, api: Api) -> None:
    await bound(api)
    new = f"new:{'B' * 43}="
    before, after = Sealer.read(f"{new},{SEAL_KEYS}"), Sealer.read(new)
    assert await Contacts(before).seal_chats_anew(notification.database) == 1
    assert await Contacts(before).seal_chats_anew(notification.database) == 0
    marks = Contacts(after).marks(Point("telegram", MEIS))
    assert await notification.rows("SELECT member_id FROM member_chats WHERE identity = ANY (%s)", list(marks)) == [
        ("mei",)
    ]
    async with notification.database.read() as connection:
        [reached] = (await Contacts(after).find(connection, [(SHOP, "mei")])).values()
    assert [(one.channel, one.address) for one in reached.contacts] == [("telegram", MEIS)]


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"address": "not a chat id"}, "address"),
        ({"service": "pigeon"}, "service"),
        ({"event_key": ""}, "event_key"),
        ({"act": WROTE}, "text"),
        ({"act": WROTE, "text": "x" * 10_001}, "text"),
        ({"act": 0}, "act"),
        ({"language": "?"}, "language"),
    ],
)
async def test_what_cannot_be_heard_is_named(api: Api, fields: dict[str, Any], wrong: str) -> None:
    base: dict[str, Any] = {"platform_id": PLATFORM, "event_key": "e", "service": "telegram", "address": MEIS}
    request = internal.HearChatRequest(**{**base, "act": ASKED, **fields})
    reason, found = await refusal(api.call_internal("HearChat", request))
    assert (reason, set(found)) == ("INVALID_ARGUMENT", {wrong})
    assert all("not a chat id" not in problem for problem in found.values())


async def test_a_call_without_the_services_key_hears_nothing(api: Api) -> None:
    request = internal.HearChatRequest(platform_id=PLATFORM, event_key="e", service="telegram", address=MEIS, act=ASKED)
    assert (await refusal(api.call_internal("HearChat", request, "gbk_1_secret")))[0] == "KEY_UNKNOWN"


async def test_a_message_in_a_bound_chat_counts_as_any_other(notification: Notifying, api: Api) -> None:
    """SendMessage reaches who has nothing but a bound chat."""
    await bound(api)
    answer = await api.call("SendMessage", a_message("mei"))
    assert isinstance(answer, messages_pb2.SendMessageResponse)
    assert answer.written == 1
    assert [channel for channel, *_ in await sent(notification, "telegram")] == ["telegram"]


async def test_what_happens_at_once_ends_without_a_ring(api: Api) -> None:
    """Chats bound, moved, stopped and left at once, and members registered anew: everybody is answered."""
    codes = {name: [await a_code(api, name) for _ in range(5)] for name in ("mei", "tom")}
    addresses = [str(5000 + number) for number in range(3)]
    calls: list[Any] = []
    for nth in range(5):
        for at, address in enumerate(addresses):
            whose = ("mei", "tom")[(nth + at) % 2]
            calls += [
                hear(api, STARTED, f"s{nth}{at}", address, code=codes[whose][nth]),
                hear(api, STOPPED, f"t{nth}{at}", address),
                hear(api, WROTE, f"w{nth}{at}", address, text="?"),
                hear(api, LEFT, f"l{nth}{at}", address),
                api.call("PutMember", pb.PutMemberRequest(request_id=f"{nth}{at}", member=pb.Member(member_id=whose))),
            ]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert not [one for one in answers if isinstance(one, BaseException)]


async def test_the_same_event_again_undoes_nothing_that_came_after(notification: Notifying, api: Api) -> None:
    muted = "SELECT muted_all FROM members WHERE member_id = 'mei'"
    code = await a_code(api)
    await hear(api, STARTED, "bind", code=code)
    await hear(api, STARTED, "start")
    await hear(api, STOPPED, "stop")
    assert name(await hear(api, STARTED, "start")) == "UNMUTED"  # as it was answered then
    assert await notification.rows(muted) == [(True,)]
    await hear(api, LEFT, "left")
    assert name(await hear(api, STARTED, "bind", code=code)) == "BOUND"
    assert await chats(api) == []


async def test_an_event_is_heard_once_however_it_is_read(api: Api) -> None:
    await bound(api)
    assert name(await hear(api, WROTE, "w", text="Basta")) == "KEPT"
    assert name(await hear(api, STOPPED, "w")) == "KEPT"  # a release that knows more words
    assert name(await hear(api, WROTE, "w2", text="Is it ripe?")) == "KEPT"
    assert sorted(message.text for message in await words(api)) == ["Basta", "Is it ripe?"]


async def test_what_was_said_before_a_stop_has_no_effect_after_it(
    notification: Notifying, api: Api, clock: ManualClock
) -> None:
    await bound(api)
    early, late = Timestamp(), Timestamp()
    clock.move(timedelta(minutes=2))
    early.FromDatetime(clock.now() - timedelta(minutes=1))
    late.FromDatetime(clock.now())
    await hear(api, STOPPED, "stop", happened_at=late)
    await hear(api, STARTED, "start", happened_at=early)
    assert await notification.rows("SELECT muted_all FROM members WHERE member_id = 'mei'") == [(True,)]


async def test_an_answer_whose_words_were_erased_is_sent_to_nobody(notification: Notifying, api: Api) -> None:
    await register(api, "mei")
    await bound(api)
    await hear(api, WROTE, "w1", text="A secret of mine")
    await api.call("ReplyToMember", a_reply((await words(api))[0].message_id))
    await api.call("EraseMemberMessages", chats_pb2.EraseMemberMessagesRequest(request_id="e", member_id="mei"))
    assert await sent(notification, "telegram", "console") == []
    assert await notification.rows("SELECT state FROM deliveries") == [("SUPPRESSED",)]


async def test_words_stand_in_no_other_table(notification: Notifying, api: Api) -> None:
    await bound(api)
    await hear(api, WROTE, "w1", text="A secret of mine")
    await api.call("ReplyToMember", a_reply((await words(api))[0].message_id, "A secret of ours"))
    await sent(notification, "telegram")
    for table in ("deliveries", "attempts", "outbox", "requests", "platform_events"):
        assert "secret" not in str(await notification.rows(f"SELECT t::text FROM {table} AS t")), table  # noqa: S608


async def test_chats_end_with_the_page_that_they_were_bound_from(api: Api) -> None:
    elsewhere = ids.opaque("seat", OTHER, OTHER)
    for seat, address in ((SEAT, MEIS), (elsewhere, TOMS)):
        request = internal.MakeMemberChatCodeRequest(platform_id=PLATFORM, member_id="mei", seat_id=seat)
        made = await api.call_internal("MakeMemberChatCode", request)
        await hear(api, STARTED, f"b{address}", address, code=made.code)
    waiting = await api.call_internal(
        "MakeMemberChatCode", internal.MakeMemberChatCodeRequest(platform_id=PLATFORM, member_id="mei", seat_id=SEAT)
    )
    end = internal.EndMemberChatsRequest(platform_id=PLATFORM, member_id="mei", seat_id=SEAT)
    for _ in range(2):
        await api.call_internal("EndMemberChats", end)
    assert name(await hear(api, ASKED, address=MEIS)) == "UNKNOWN"
    assert name(await hear(api, ASKED, address=TOMS)) == "KNOWN"
    assert name(await hear(api, STARTED, "again", MEIS, code=waiting.code)) == "CODE_UNKNOWN"
    await api.call_internal("EndMemberChats", internal.EndMemberChatsRequest(platform_id=PLATFORM, member_id="mei"))
    assert await chats(api) == []
