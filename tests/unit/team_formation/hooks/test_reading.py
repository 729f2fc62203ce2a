"""What events say, service by service, in the words that all share."""

# ruff: noqa: RUF001 - Chinese has its own signs

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.team_formation.hooks.reading.incoming import Incoming, Kind, Way
from services.team_formation.hooks.reading.words import (
    LONGEST_LINK,
    MOST_LINKS,
    Command,
    command_in,
    kept,
    links_in,
)
from services.team_formation.hooks.registry import SERVICES
from services.team_formation.sharing.finding import candidates
from tests.support.hook_calls import (
    CODE,
    DINGTALK_EVENT,
    DINGTALK_MESSAGE,
    DISCORD_COMMAND,
    FEISHU_PREVIEW,
    LINE_EVENTS,
    LINK,
    SAID,
    SLACK_BUTTON,
    SLACK_COMMAND,
    SLACK_EVENT,
    TELEGRAM_UPDATE,
    WECHAT_MESSAGE,
    WECOM_MESSAGE,
    WHATSAPP_CHANGES,
    dumped,
)


def read(service: str, value: object) -> Incoming:
    found = SERVICES[service].read(value if isinstance(value, bytes) else dumped(value))
    assert found is not None
    assert found.service == service
    return found


def reads_nothing(service: str, value: object) -> bool:
    return SERVICES[service].read(value if isinstance(value, bytes) else dumped(value)) is None


def within(value: Any, path: tuple[str, ...], new: object) -> Any:
    """The same value with another one at a place."""
    if not path:
        return new
    return {**value, path[0]: within(value.get(path[0], {}), path[1:], new)}


# Slack


def test_slack_shares_links() -> None:
    incoming = read("slack", SLACK_EVENT)
    assert (incoming.kind, incoming.app, incoming.space) == (Kind.LINK, "A123ABC456", "T123ABC456")
    assert incoming.said.links == (LINK, "https://shop.example/é")
    assert incoming.reply
    assert incoming.reply.way is Way.SLACK_UNFURL
    assert incoming.reply.values == {
        "unfurl_id": "C123456.123456789.987501.1b90fa12",
        "source": "conversations_history",
        "channel": "C123ABC456",
        "ts": "1793620790.987500",
    }


def test_slack_shares_a_link_that_is_not_posted_yet() -> None:
    draft = within(SLACK_EVENT, ("event", "source"), "composer")
    draft = within(draft, ("event", "message_ts"), "Uxxxxxxx-909b5454-75f8-4ac4-b325-1b40e230bbd8")
    incoming = read("slack", draft)
    assert incoming.reply
    assert incoming.reply.values["source"] == "composer"
    old = within(within(SLACK_EVENT, ("event", "unfurl_id"), ""), ("event", "source"), "")
    old_reply = read("slack", old).reply
    assert old_reply
    assert old_reply.values == {"channel": "C123ABC456", "ts": "1793620790.987500"}


def a_slack_message(**more: object) -> dict[str, object]:
    event = {"type": "message", "channel": "C1", "channel_type": "channel", "user": "U1", "ts": "1.2", **more}
    return {"type": "event_callback", "team_id": "T1", "event_id": "Ev1", "event": event}


def test_slack_writes_links_and_three_signs_in_its_own_way() -> None:
    said = read("slack", a_slack_message(text=f"a &amp; b &lt;c&gt; <{LINK}?a=1&amp;b=2|our &amp; offer>")).said
    assert said.links == (f"{LINK}?a=1&b=2",)
    assert said.text == f"a & b <c>  {LINK}?a=1&b=2"


@pytest.mark.parametrize(
    ("kind", "is_group"), [("channel", True), ("group", True), ("mpim", True), ("im", False), ("", None)]
)
def test_slack_says_who_reads_along(kind: str, is_group: bool | None) -> None:  # noqa: FBT001
    assert read("slack", a_slack_message(text="hi", channel_type=kind)).is_group is is_group


def test_slack_messages_in_threads_and_mentions() -> None:
    incoming = read("slack", a_slack_message(type="app_mention", text="<@U0LAN0Z89> status", thread_ts="1.1"))
    assert incoming.said.command is Command.STATUS
    assert incoming.reply
    assert incoming.reply.values == {"channel": "C1", "thread_ts": "1.1"}


@pytest.mark.parametrize("more", [{"bot_id": "B1"}, {"subtype": "message_changed"}, {"type": "reaction_added"}])
def test_slack_tells_of_apps_and_edits(more: dict[str, object]) -> None:
    assert reads_nothing("slack", a_slack_message(text="status", **more))


def test_slack_buttons_and_commands() -> None:
    button = read("slack", SLACK_BUTTON)
    command = read("slack", {**SLACK_COMMAND, "type": "slash_command", "text": f"status {CODE}"})
    for incoming, kind in ((button, Kind.BUTTON), (command, Kind.COMMAND)):
        assert incoming.kind is kind
        assert (incoming.said.command, incoming.said.argument) == (Command.STATUS, CODE)
        assert incoming.reply
        assert incoming.reply.way is Way.SLACK_RESPONSE_URL
    assert read("slack", {**SLACK_BUTTON, "actions": [{"action_id": "leave"}]}).said.command is Command.LEAVE
    assert reads_nothing("slack", {**SLACK_BUTTON, "actions": []})


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.slack.com/a",
        "https://hooks.slack.com.evil.example/a",
        "https://evil.example/?https://hooks.slack.com/a",
        "https://hooks.slack.com@evil.example/a",
        "https://hooks.slack.com/\na",
        "",
    ],
)
def test_only_slack_is_answered_at_a_response_url(url: str) -> None:
    assert read("slack", {**SLACK_BUTTON, "response_url": url}).reply is None


# Telegram


def a_telegram_message(text: str, **more: object) -> dict[str, object]:
    return {
        "update_id": 1,
        "message": {"message_id": 2, "from": {"id": 3}, "chat": {"id": 3, "type": "private"}, "text": text, **more},
    }


def test_telegram_marks_links_in_utf_16() -> None:
    incoming = read("telegram", TELEGRAM_UPDATE)
    assert incoming.said.links == (LINK, "https://shop.example/more")
    assert (incoming.sender, incoming.chat, incoming.is_group, incoming.language) == ("1111", "-1001234", True, "de")


def test_telegram_links_without_a_scheme_and_nonsense() -> None:
    entities = [
        {"type": "url", "offset": 1, "length": len("shop.example/a")},
        {"type": "url", "offset": -5, "length": 10**18},
        {"type": "url", "offset": "x"},
        {"type": "text_link", "url": "javascript:alert(1)"},
        {"type": "text_link", "url": 7},
        None,
        *[{"type": "url", "offset": 0, "length": 3}] * 500,
    ]
    said = read("telegram", a_telegram_message(" shop.example/a", entities=entities)).said
    assert said.links[0] == "https://shop.example/a"
    assert all(link.startswith("https://") for link in said.links)


@pytest.mark.parametrize("text", [f"/start {CODE}", f"/start@our_bot {CODE}", f"/START  {CODE} "])
def test_telegram_starts_with_the_word_of_a_deep_link(text: str) -> None:
    incoming = read("telegram", a_telegram_message(text))
    assert incoming.kind is Kind.COMMAND
    assert (incoming.said.command, incoming.said.argument, incoming.is_group) == (Command.START, CODE, False)


def test_telegram_buttons() -> None:
    message = {"message_id": 9, "chat": {"id": -5, "type": "group"}}
    query = {"id": "4382bfdwdsb323b2d9", "from": {"id": 3}, "data": f"leave {CODE}", "message": message}
    incoming = read("telegram", {"update_id": 1, "callback_query": query})
    assert (incoming.kind, incoming.said.command, incoming.said.argument) == (Kind.BUTTON, Command.LEAVE, CODE)
    assert incoming.reply
    assert incoming.reply.values == {"chat_id": "-5", "message_id": "9", "callback_query_id": "4382bfdwdsb323b2d9"}


@pytest.mark.parametrize(
    ("status", "kind"), [("member", Kind.ADDED), ("administrator", Kind.ADDED), ("kicked", Kind.REMOVED)]
)
def test_telegram_adds_and_removes_the_bot(status: str, kind: Kind) -> None:
    moved = {"chat": {"id": -5, "type": "group"}, "from": {"id": 3}, "new_chat_member": {"status": status}}
    assert read("telegram", {"update_id": 1, "my_chat_member": moved}).kind is kind


def test_telegram_captions_are_read_and_bots_are_not() -> None:
    captioned = a_telegram_message("")
    captioned["message"] = {**captioned["message"], "caption": LINK}  # type: ignore[dict-item]
    assert read("telegram", captioned).said.links == (LINK,)
    assert reads_nothing("telegram", a_telegram_message("status", **{"from": {"id": 4, "is_bot": True}}))
    assert reads_nothing("telegram", {"update_id": 1, "edited_message": {"text": "status"}})


# LINE, WhatsApp


def test_line() -> None:
    message, join = ({"destination": "U8", "event": event} for event in LINE_EVENTS["events"])
    incoming = read("line", message)
    assert (incoming.kind, incoming.app, incoming.is_group) == (Kind.MESSAGE, "U8", True)
    assert (incoming.said.text, incoming.said.links) == (SAID, (LINK,))
    assert incoming.reply
    assert incoming.reply.values == {"reply_token": "nHuyWiB7yP5Zw52FIkcQobQuGDXCTA"}
    assert (read("line", join).kind, read("line", join).chat) == (Kind.ADDED, "C4af4980629")


def test_line_postbacks_and_what_another_module_answers() -> None:
    source = {"type": "user", "userId": "U1"}
    event = {"type": "postback", "mode": "active", "source": source, "postback": {"data": "stop"}}
    incoming = read("line", {"event": event})
    assert (incoming.kind, incoming.said.command, incoming.chat) == (Kind.BUTTON, Command.STOP, "U1")
    assert incoming.is_group is False
    assert reads_nothing("line", {"event": {**event, "mode": "standby"}})
    assert reads_nothing("line", {"event": {**event, "type": "beacon"}})


WHATSAPP: Any = json.loads(json.dumps(WHATSAPP_CHANGES["entry"]))[0]["changes"][0]["value"]
WHATSAPP_KEPT = {**WHATSAPP, "message": WHATSAPP["messages"][0]}


def test_whatsapp() -> None:
    incoming = read("whatsapp", WHATSAPP_KEPT)
    assert (incoming.app, incoming.sender, incoming.is_group) == ("106540352242922", "16505551234", False)
    assert incoming.said.links == (LINK,)
    assert incoming.reply
    assert incoming.reply.values == {
        "to": "16505551234",
        "type": "individual",
        "phone_number_id": "106540352242922",
    }


def test_whatsapp_groups_usernames_advertisements_and_buttons() -> None:
    group = read("whatsapp", within(WHATSAPP_KEPT, ("message", "group_id"), "Y2FwaV9ncm91cA=="))
    assert (group.is_group, group.chat, group.sender) == (True, "Y2FwaV9ncm91cA==", "16505551234")
    hidden = within(within(WHATSAPP_KEPT, ("message", "from"), ""), ("message", "from_user_id"), "US.1349120865530274")
    assert read("whatsapp", hidden).sender == "US.1349120865530274"
    referred = within(WHATSAPP_KEPT, ("message", "referral"), {"source_url": "https://fb.me/ad"})
    assert read("whatsapp", referred).said.links == ("https://fb.me/ad", LINK)
    pressed = {"id": "wamid.1", "type": "interactive", "interactive": {"button_reply": {"id": f"status {CODE}"}}}
    button = read("whatsapp", {**WHATSAPP_KEPT, "message": pressed})
    assert (button.kind, button.said.command, button.said.argument) == (Kind.BUTTON, Command.STATUS, CODE)
    assert reads_nothing("whatsapp", {**WHATSAPP_KEPT, "message": {"id": "wamid.1", "type": "sticker"}})


# WeChat, WeCom


def an_event(message: bytes, event: str, key: str = "") -> bytes:
    start = message.replace(b"[text]", b"[event]").partition(b"<Content>")[0]
    return start + f"<Event>{event}</Event><EventKey><![CDATA[{key}]]></EventKey></xml>".encode()


def test_wechat() -> None:
    incoming = read("wechat", WECHAT_MESSAGE)
    assert (incoming.app, incoming.sender) == ("gh_10f6c3c3ac5a", "oyORnuP8q7ou2gfYjqLzSIWZf0rs")
    assert (incoming.said.text, incoming.said.links) == (SAID, (LINK,))
    assert incoming.reply
    assert incoming.reply.values == {"to": "oyORnuP8q7ou2gfYjqLzSIWZf0rs", "from": "gh_10f6c3c3ac5a"}


def test_wechat_links() -> None:
    link = WECHAT_MESSAGE.replace(b"[text]", b"[link]").replace(
        b"</xml>", f"<Title>拼团</Title><Url>{LINK}</Url></xml>".encode()
    )
    assert read("wechat", link).said.links == (LINK,)
    assert read("wechat", link).said.text == "拼团"


@pytest.mark.parametrize(
    ("event", "key", "kind", "command", "argument"),
    [
        ("subscribe", f"qrscene_{CODE}", Kind.ADDED, Command.START, CODE),
        ("subscribe", "", Kind.ADDED, Command.NONE, ""),
        ("SCAN", CODE, Kind.COMMAND, Command.START, CODE),
        ("unsubscribe", "", Kind.REMOVED, Command.NONE, ""),
        ("CLICK", f"status {CODE}", Kind.BUTTON, Command.STATUS, CODE),
    ],
)
def test_wechat_events(event: str, key: str, kind: Kind, command: Command, argument: str) -> None:
    incoming = read("wechat", an_event(WECHAT_MESSAGE, event, key))
    assert (incoming.kind, incoming.said.command, incoming.said.argument) == (kind, command, argument)
    assert (incoming.reply is None) == (kind is Kind.REMOVED)


@pytest.mark.parametrize("event", ["VIEW", "LOCATION", "TEMPLATESENDJOBFINISH"])
def test_wechat_events_that_say_nothing(event: str) -> None:
    assert reads_nothing("wechat", an_event(WECHAT_MESSAGE, event))


def test_wecom() -> None:
    incoming = read("wecom", WECOM_MESSAGE)
    assert (incoming.app, incoming.space, incoming.sender) == ("218", "ww5823bf96d3bd56c7", "mycreate")
    assert (incoming.said.command, incoming.said.argument) == (Command.LEAVE, CODE)
    click = read("wecom", an_event(WECOM_MESSAGE, "click", "stop"))
    assert (click.kind, click.said.command) == (Kind.BUTTON, Command.STOP)
    assert reads_nothing("wecom", an_event(WECOM_MESSAGE, "LOCATION"))


# Discord


def test_discord_commands() -> None:
    incoming = read("discord", DISCORD_COMMAND)
    assert (incoming.said.command, incoming.said.argument, incoming.language) == (Command.STATUS, CODE, "zh-CN")
    assert (incoming.space, incoming.chat, incoming.is_group) == ("290926798626357999", "645027906669510667", True)
    plain = within(
        DISCORD_COMMAND, ("data",), {"name": "leave", "options": [{"name": "code", "type": 3, "value": CODE}]}
    )
    assert (read("discord", plain).said.command, read("discord", plain).said.argument) == (Command.LEAVE, CODE)
    other = within(DISCORD_COMMAND, ("data",), {"name": "roll", "options": [{"name": "sides", "type": 4, "value": 6}]})
    assert (read("discord", other).said.command, read("discord", other).said.argument) == (Command.OTHER, "6")


def test_discord_buttons_and_direct_messages() -> None:
    pressed = {**DISCORD_COMMAND, "type": 3, "data": {"custom_id": f"status {CODE}"}, "message": {"id": "77"}}
    incoming = read("discord", pressed)
    assert (incoming.kind, incoming.said.argument, incoming.message) == (Kind.BUTTON, CODE, "77")
    assert incoming.reply
    assert set(incoming.reply.values) == {"id", "token", "application_id"}
    direct = {name: value for name, value in DISCORD_COMMAND.items() if name not in {"guild_id", "member"}}
    alone = read("discord", {**direct, "user": {"id": "5"}, "context": 1})
    assert (alone.sender, alone.is_group) == ("5", False)
    assert reads_nothing("discord", {**DISCORD_COMMAND, "type": 4})


def test_discord_adds_and_removes_the_app() -> None:
    data = {"guild": {"id": "8"}, "user": {"id": "5"}}
    for name, kind in (("APPLICATION_AUTHORIZED", Kind.ADDED), ("APPLICATION_DEAUTHORIZED", Kind.REMOVED)):
        incoming = read("discord", {"application_id": "1", "type": 1, "event": {"type": name, "data": data}})
        assert (incoming.kind, incoming.space, incoming.sender, incoming.reply) == (kind, "8", "5", None)
    assert reads_nothing("discord", {"type": 1, "event": {"type": "ENTITLEMENT_CREATE"}})


# Feishu


def a_feishu_event(kind: str, event: object) -> dict[str, object]:
    return {"schema": "2.0", "header": {"event_type": kind, "app_id": "cli_1", "tenant_key": "t1"}, "event": event}


def test_feishu_asks_for_a_preview() -> None:
    incoming = read("feishu", FEISHU_PREVIEW)
    assert (incoming.kind, incoming.chat, incoming.message) == (Kind.LINK, "oc_xxxxxx", "om_xxxxxx")
    assert incoming.said.links == (f"{LINK}?from=é",)
    assert incoming.reply
    assert incoming.reply.values == {"preview_token": "952te0c8-9ccf-463d-ad73-593f8f768a5c"}


def test_feishu_messages() -> None:
    message = {"chat_id": "oc_1", "message_id": "om_1", "chat_type": "group", "message_type": "text"}
    message |= {"content": json.dumps({"text": f"@_user_1 status {LINK}"})}
    sender = {"sender_id": {"open_id": "ou_1"}, "sender_type": "user"}
    incoming = read("feishu", a_feishu_event("im.message.receive_v1", {"sender": sender, "message": message}))
    assert (incoming.sender, incoming.is_group, incoming.said.command) == ("ou_1", True, Command.STATUS)
    assert incoming.said.links == (LINK,)
    from_app = {"sender": {**sender, "sender_type": "app"}, "message": message}
    assert reads_nothing("feishu", a_feishu_event("im.message.receive_v1", from_app))
    odd = {"sender": sender, "message": {**message, "content": "no JSON"}}
    assert read("feishu", a_feishu_event("im.message.receive_v1", odd)).said.text == ""


@pytest.mark.parametrize("value", [f"leave {CODE}", {"command": f"leave {CODE}"}])
def test_feishu_buttons(value: object) -> None:
    context = {"open_message_id": "om_1", "open_chat_id": "oc_1"}
    event = {"operator": {"open_id": "ou_1"}, "token": "c-1", "action": {"value": value}, "context": context}
    incoming = read("feishu", a_feishu_event("card.action.trigger", event))
    assert (incoming.kind, incoming.said.command, incoming.said.argument) == (Kind.BUTTON, Command.LEAVE, CODE)


def test_feishu_adds_and_removes_the_bot() -> None:
    event = {"chat_id": "oc_1", "operator_id": {"open_id": "ou_1"}}
    added = read("feishu", a_feishu_event("im.chat.member.bot.added_v1", event))
    assert (added.kind, added.chat, added.sender) == (Kind.ADDED, "oc_1", "ou_1")
    assert read("feishu", a_feishu_event("im.chat.member.bot.deleted_v1", event)).kind is Kind.REMOVED
    assert reads_nothing("feishu", a_feishu_event("contact.user.created_v3", event))


# DingTalk


def test_dingtalk() -> None:
    incoming = read("dingtalk", DINGTALK_MESSAGE)
    assert (incoming.app, incoming.sender, incoming.is_group) == ("dingabcdefg", "user123", True)
    assert (incoming.said.command, incoming.said.argument) == (Command.STATUS, CODE)
    assert incoming.reply
    assert set(incoming.reply.values) == {"url", "expires_at"}
    rich = {**DINGTALK_MESSAGE, "text": {}, "content": {"richText": [{"text": "see "}, {"text": LINK}, {"a": 1}]}}
    assert read("dingtalk", rich).said.links == (LINK,)
    assert reads_nothing("dingtalk", DINGTALK_EVENT)


@pytest.mark.parametrize(
    "url",
    [
        "http://oapi.dingtalk.com/robot/sendBySession?session=1",
        "https://oapi.dingtalk.com.evil.example/robot/sendBySession?session=1",
        "https://127.0.0.1/robot/sendBySession?session=1",
        "https://oapi.dingtalk.com/robot/send?access_token=1",
        "https://oapi.dingtalk.com/robot/sendBySession?session=1\r\nHost: evil",
    ],
)
def test_only_dingtalk_is_answered_at_a_session_webhook(url: str) -> None:
    assert read("dingtalk", {**DINGTALK_MESSAGE, "sessionWebhook": url}).reply is None


# Words


@pytest.mark.parametrize(
    ("text", "command", "argument"),
    [
        ("status", Command.STATUS, ""),
        ("Status", Command.STATUS, ""),
        ("  leave  ", Command.LEAVE, ""),
        (f"leave {CODE}", Command.LEAVE, CODE),
        (f"leave {LINK}", Command.LEAVE, LINK),
        ("leave it to me", Command.NONE, ""),
        ("stop!", Command.NONE, ""),
        ("/stop now please", Command.STOP, "now please"),
        ("/status@our_bot", Command.STATUS, ""),
        ("/roll 6", Command.OTHER, "6"),
        ("<@U1> <@U2> @bot stop", Command.STOP, ""),
        ("@bot", Command.NONE, ""),
        ("", Command.NONE, ""),
        ("/", Command.NONE, ""),
        ("//", Command.NONE, ""),
        ("stopped", Command.NONE, ""),
    ],
)
def test_commands(text: str, command: Command, argument: str) -> None:
    assert command_in(text) == (command, argument)


def test_what_a_button_says_is_a_command() -> None:
    assert command_in("leave it to me", is_sure=True) == (Command.LEAVE, "it to me")
    assert command_in("anything", is_sure=True) == (Command.OTHER, "")
    assert command_in("", is_sure=True) == (Command.NONE, "")


@pytest.mark.parametrize(
    "text",
    [f"{LINK}", f"看{LINK}，好", f"({LINK}).", f"<{LINK}|x>", f"*{LINK}*", f"“{LINK}”", f"{LINK}。", f"a\n{LINK}\tb"],
)
def test_links_in_texts(text: str) -> None:
    found = links_in(text)
    assert candidates(" ".join(found), "https://shop.example/i/")[0] == CODE


def test_links_are_few_short_and_of_the_web() -> None:
    many = [f"https://shop.example/{number}" for number in range(99)]
    assert len(kept(many)) == MOST_LINKS
    assert kept(
        ["https://a.example/" + "x" * LONGEST_LINK, "ftp://a.example", "https://a b", "HTTPS://A.example/"]
    ) == ("HTTPS://A.example/",)
    assert links_in("https://a.example https://a.example") == ("https://a.example",)


@given(st.text(max_size=300))
@settings(max_examples=300)
def test_any_text_has_links_and_commands_within_bounds(text: str) -> None:
    for is_sure in (False, True):
        command, argument = command_in(text, is_sure=is_sure)
        assert len(argument) <= 256
        assert isinstance(command, Command)
    assert all(len(link) <= LONGEST_LINK for link in links_in(text))


@pytest.mark.parametrize("piece", ["@", "<@", " @a", "@a", "https://", "/", " ", "<@U1>", "a@"])
def test_long_nonsense_is_read_too(piece: str) -> None:
    """A pattern that tries all ways to cut it would never end."""
    command_in(piece * 10_000)
    links_in(piece * 10_000)


@given(st.sampled_from(sorted(SERVICES)), st.binary(max_size=200))
def test_no_payload_makes_a_reader_raise(service: str, payload: bytes) -> None:
    assert isinstance(SERVICES[service].read(payload), Incoming | None)
