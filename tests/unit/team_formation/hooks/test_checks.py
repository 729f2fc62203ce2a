"""Each service's good calls are taken, and what each kind of bad one is answered."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from services.team_formation.hooks import dingtalk, discord, feishu, slack, telegram, wechat, wecom
from services.team_formation.hooks.admission import MOST_BYTES, NOT_PROVEN
from services.team_formation.hooks.call import Answer, Call, Handshake, Outcome, Refused, Verified
from services.team_formation.hooks.line import LineSecrets
from services.team_formation.hooks.registry import SERVICES
from services.team_formation.hooks.whatsapp import WhatsAppSecrets
from tests.support.hook_calls import (
    BY_NAME,
    CODE,
    DINGTALK_EVENT,
    DINGTALK_MESSAGE,
    DISCORD_COMMAND,
    FEISHU_PREVIEW,
    LINE_EVENTS,
    NOW,
    SLACK_EVENT,
    STYLES,
    WECHAT_MESSAGE,
    WHATSAPP_CHANGES,
    Raw,
    Style,
    dumped,
    frame_of,
    later,
    sealed,
)

EVENTS = [style for style in STYLES if not style.is_handshake]
by_name = pytest.mark.parametrize("style", STYLES, ids=lambda style: style.name)
with_event = pytest.mark.parametrize("style", EVENTS, ids=lambda style: style.name)


def verified(outcome: Outcome) -> Verified:
    assert isinstance(outcome, Verified), outcome
    return outcome


IDS = {
    "slack event": ["Ev123ABC456"],
    "slack button": ["13345224609.738474920.8088930838d88f008e0"],
    "slack command": ["13345224609.738474920.8088930838d88f008e1"],
    "telegram": ["730112233"],
    "line": ["01FZ74A0TDDPYRVKNK77XKC3ZR", "01FZ74A0TDDPYRVKNK77XKC3ZS"],
    "whatsapp": ["wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQzQTRBNjU5OUFFRTAzODEwMTQ0RgA="],
    "wechat": ["6054768590064713728"],
    "wechat plain": ["6054768590064713728"],
    "wecom": ["4561255354251345929"],
    "discord": ["1302264421777477632"],
    "feishu": ["f7984f25108f8137722bb63cee927e66"],
    "dingtalk robot": ["msg0Wxq2QL8B5ZmJ1k3E7cVtA=="],
    "dingtalk robot, encrypted": ["msg0Wxq2QL8B5ZmJ1k3E7cVtA=="],
}
ANSWERS = {
    "wechat": Answer(200, b"success"),
    "wechat plain": Answer(200, b"success"),
    "discord": Answer(200, b'{"type":5,"data":{"flags":64}}', "application/json"),
    "feishu": Answer(200, b"{}", "application/json"),
    "dingtalk robot": Answer(200, b"{}", "application/json"),
    "dingtalk robot, encrypted": Answer(200, b"{}", "application/json"),
}


@with_event
def test_a_good_call_is_taken(style: Style) -> None:
    outcome = verified(style.verify(style.raw()))
    ids = [event.event_id for event in outcome.events]
    assert ids == IDS.get(style.name, ids)
    assert all(event.is_covered == style.covers for event in outcome.events)
    assert all(event.kind for event in outcome.events)
    if style.service != "dingtalk":
        assert outcome.answer == ANSWERS.get(style.name, Answer(200))


@with_event
def test_the_same_call_is_known_again(style: Style) -> None:
    first, again = verified(style.verify(style.raw())), verified(style.verify(style.raw(at=later(60))))
    assert [event.event_id for event in first.events] == [event.event_id for event in again.events]


@by_name
def test_names_of_headers_have_no_case(style: Style) -> None:
    raw = style.raw()
    for change in (str.upper, str.lower, str.title):
        headers = tuple((change(name), value) for name, value in raw.headers)
        assert style.verify(replace(raw, headers=headers)) == style.verify(raw)


HANDSHAKES = {
    "whatsapp subscription": Answer(200, b"1158201444"),
    "wechat echo": Answer(200, b"5837397576500011341"),
    "wecom echo": Answer(200, b"1616140317555161061"),
    "feishu challenge": Answer(200, b'{"challenge":"ajls384kdjx98XX"}', "application/json"),
}


@pytest.mark.parametrize("name", HANDSHAKES)
def test_a_handshake_is_answered(name: str) -> None:
    style = BY_NAME[name]
    assert style.verify(style.raw()) == Handshake(HANDSHAKES[name])


def test_slack_tries_the_address() -> None:
    style = BY_NAME["slack event"]
    asked = {
        "token": "Jhj5dZrVaK7ZwHHjRyZWjbDl",
        "challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gm",
        "type": "url_verification",
    }
    answer = Answer(200, b"3eZbrw1aBm2rZgRNFdxV2595E9CY3gm")
    assert style.verify(style.raw(dumped(asked))) == Handshake(answer)
    assert BY_NAME["slack command"].verify(BY_NAME["slack command"].raw(b"ssl_check=1&token=x")) == Handshake(
        Answer(200)
    )


def test_discord_tries_the_address_in_two_ways() -> None:
    style = BY_NAME["discord"]
    pong = Handshake(Answer(200, b'{"type":1}', "application/json"))
    assert style.verify(style.raw(dumped({"type": 1, "id": "1", "token": "x", "version": 1}))) == pong
    ping = {"version": 1, "application_id": "1234560123453231555", "type": 0}
    assert style.verify(style.raw(dumped(ping))) == Handshake(Answer(204, content_type="application/json"))


def test_dingtalk_tries_the_address() -> None:
    style = BY_NAME["dingtalk event"]
    assert isinstance(style.verify(style.raw(dumped({"EventType": "check_url"}))), Handshake)


# Secrets


def rotated(secrets: Any, former: Any) -> Any:
    """Secrets in which those of `former` are the ones before."""
    pairs = {}
    for name in type(secrets).__dataclass_fields__:
        value = getattr(secrets, name)
        if isinstance(value, tuple) and value:
            pairs[name] = (*value, *(one for one in getattr(former, name) if one not in value))
    return replace(secrets, **pairs)


@by_name
def test_the_secret_before_holds_while_it_is_changed(style: Style) -> None:
    good = style.verify(style.raw())
    both = rotated(style.strangers, style.secrets)
    if hasattr(both, "app_id") or hasattr(both, "corp_id"):
        receiver = {"app_id": style.secrets.app_id} if hasattr(both, "app_id") else {"corp_id": style.secrets.corp_id}
        both = replace(both, **receiver)
    again = style.verify(style.raw(), both)
    if style.service == "dingtalk" and isinstance(again, Verified):  # its answer is made with the new secrets
        assert again.events == verified(good).events
    else:
        assert again == good
    assert isinstance(style.verify(style.raw(), style.strangers), Refused)


@by_name
def test_secrets_do_not_show(style: Style) -> None:
    shown = repr(style.secrets)
    for name in type(style.secrets).__dataclass_fields__:
        if name not in {"public_keys", "app_id", "corp_id", "receive_ids"}:
            assert all(value not in shown for value in getattr(style.secrets, name))
    raw = style.raw()
    if style.proof[0] != "body":
        assert raw.value(*style.proof) not in repr(raw.call)


BAD_SECRETS: list[tuple[type, dict[str, Any], str]] = [
    (slack.SlackSecrets, {"signing_secrets": ()}, "signing_secrets"),
    (slack.SlackSecrets, {"signing_secrets": ("",)}, "signing_secrets"),
    (slack.SlackSecrets, {"signing_secrets": "8f742231b10e8888abcd99yyyzzz85a5"}, "signing_secrets"),
    (slack.SlackSecrets, {"signing_secrets": ("a" * 32, "b" * 32, "c" * 32)}, "signing_secrets"),
    (telegram.TelegramSecrets, {"secret_tokens": ("short",)}, "secret_tokens"),
    (telegram.TelegramSecrets, {"secret_tokens": ("x" * 257,)}, "secret_tokens"),
    (LineSecrets, {"channel_secrets": ("with space in it",)}, "channel_secrets"),
    (WhatsAppSecrets, {"app_secrets": ("a" * 32,), "verify_tokens": ("",)}, "verify_tokens"),
    (wechat.WeChatSecrets, {"tokens": ("abc",), "aes_keys": ("short",), "app_id": "wx2c2769f8efd9abc2"}, "aes_keys"),
    (wechat.WeChatSecrets, {"tokens": ("abc",), "aes_keys": ("a" * 43,)}, "app_id"),
    (wecom.WeComSecrets, {"tokens": ("abc",), "aes_keys": (), "corp_id": "ww5823bf96d3bd56c7"}, "aes_keys"),
    (wecom.WeComSecrets, {"tokens": ("abc",), "aes_keys": ("a" * 43,), "corp_id": ""}, "corp_id"),
    (discord.DiscordSecrets, {"public_keys": ("AB" * 32,)}, "public_keys"),
    (feishu.FeishuSecrets, {"encrypt_keys": ("",), "verification_tokens": ("x" * 32,)}, "encrypt_keys"),
    (feishu.FeishuSecrets, {"encrypt_keys": ("x" * 32,), "verification_tokens": ()}, "verification_tokens"),
    (dingtalk.DingTalkSecrets, {}, "app_secrets"),
    (dingtalk.DingTalkSecrets, {"tokens": ("token",)}, "aes_keys"),
    (dingtalk.DingTalkSecrets, {"tokens": ("token",), "aes_keys": ("a" * 43,)}, "receive_ids"),
]


@pytest.mark.parametrize(("kind", "values", "name"), BAD_SECRETS)
def test_secrets_that_would_let_everybody_in_cannot_be_made(kind: type, values: dict[str, Any], name: str) -> None:
    with pytest.raises(ValueError, match=name) as refused:
        kind(**values)
    given = values.get(name, ())
    shown = [given] if isinstance(given, str) else given
    assert not any(one and one in str(refused.value) for one in shown)


# What is refused, and how


@by_name
def test_a_proof_that_does_not_hold_says_nothing_of_why(style: Style) -> None:
    if style.proof[0] == "body":
        return
    raw = style.raw()
    for wrong in (raw.put(*style.proof), raw.put(*style.proof, "0"), style.raw(secrets=style.strangers)):
        outcome = style.verify(wrong)
        assert isinstance(outcome, Refused)
        assert outcome.answer == Answer(403 if style.service == "whatsapp" and style.is_handshake else 401)
    if style.time:
        old = style.verify(replace(raw, at=later(style.behind + 1)))
        assert old == style.verify(raw.put(*style.proof, "0")) == NOT_PROVEN


@with_event
def test_a_body_that_is_too_large(style: Style) -> None:
    raw = replace(style.raw(), body=b" " * (MOST_BYTES + 1))
    assert style.verify(raw).answer.status == 413


@with_event
def test_a_content_type_that_nobody_sends(style: Style) -> None:
    given = style.raw().value("header", "Content-Type").partition(";")[0]
    for wrong in ("text/plain", f"{given}; charset=gbk", "", "nonsense"):
        assert style.verify(style.raw().put("header", "Content-Type", wrong)).answer.status == 415
    for right in (given, given.upper(), f"{given};charset=utf-8", f'{given} ; charset="UTF-8"'):
        assert isinstance(style.verify(style.raw().put("header", "Content-Type", right)), Verified)


@by_name
def test_another_method(style: Style) -> None:
    assert style.verify(replace(style.raw(), method="DELETE")).answer.status == 405


@with_event
def test_a_signed_body_that_cannot_be_read(style: Style) -> None:
    if style.form == "form":
        return
    deep = (
        b'{"a":' * 40 + b"1" + b"}" * 40 if style.form == "json" else b"<xml>" + b"<a>" * 40 + b"</a>" * 40 + b"</xml>"
    )
    for content in (b"\xff\xfe", b"nonsense", deep):
        assert style.verify(style.raw(content)).answer.status in {400, 401}  # encrypted: it may be another key's


@pytest.mark.parametrize("style", [one for one in STYLES if one.time], ids=lambda style: style.name)
def test_the_window_is_open_to_both_sides(style: Style) -> None:
    raw = style.raw()
    for by, is_open in ((style.behind, True), (style.behind + 2, False), (-299, True), (-302, False)):
        assert isinstance(style.verify(replace(raw, at=later(by))), Refused) != is_open


# What is particular to one service


def test_slack_says_that_it_sends_again() -> None:
    style = BY_NAME["slack event"]
    raw = style.raw().put("header", "X-Slack-Retry-Num", "1")
    assert verified(style.verify(raw)).events[0].is_redelivery
    assert not verified(style.verify(style.raw())).events[0].is_redelivery


def test_slack_tells_other_things_that_nothing_is_kept_of() -> None:
    style = BY_NAME["slack event"]
    assert style.verify(style.raw(dumped({"type": "app_rate_limited", "team_id": "T1"}))) == Verified(())
    without = {name: value for name, value in SLACK_EVENT.items() if name != "event_id"}
    assert style.verify(style.raw(dumped(without))).answer.status == 400


def test_a_slack_form_with_a_name_twice_is_not_read() -> None:
    style = BY_NAME["slack command"]
    assert style.verify(style.raw(style.content + b"&command=%2Fother")).answer.status == 400


def test_line_says_that_it_sends_again() -> None:
    style = BY_NAME["line"]
    assert [event.is_redelivery for event in verified(style.verify(style.raw())).events] == [False, True]


def test_line_events_are_kept_one_by_one() -> None:
    style = BY_NAME["line"]
    for event, sent in zip(verified(style.verify(style.raw())).events, LINE_EVENTS["events"], strict=True):
        assert json.loads(event.payload) == {"destination": LINE_EVENTS["destination"], "event": sent}


def test_whatsapp_brings_several_messages_and_what_is_not_kept() -> None:
    style = BY_NAME["whatsapp"]
    change: dict[str, Any] = json.loads(json.dumps(WHATSAPP_CHANGES["entry"]))[0]["changes"][0]
    value = change["value"]
    more = [{**value["messages"][0], "id": f"wamid.{number}"} for number in range(3)]
    said = {"entry": [{"changes": [{**change, "value": {**value, "messages": more}}, change]}]}
    assert [event.event_id for event in verified(style.verify(style.raw(dumped(said)))).events] == [
        "wamid.0",
        "wamid.1",
        "wamid.2",
        *IDS["whatsapp"],
    ]
    statuses = {"entry": [{"changes": [{"field": "messages", "value": {"statuses": [{"id": "wamid.1"}]}}]}]}
    other = {"entry": [{"changes": [{"field": "account_update", "value": {"messages": [{"id": "x"}]}}]}]}
    assert style.verify(style.raw(dumped(statuses))) == Verified(())
    assert style.verify(style.raw(dumped(other))) == Verified(())


def test_whatsapp_shows_the_wrong_token_or_no_challenge() -> None:
    style = BY_NAME["whatsapp subscription"]
    for name, value in (("hub.verify_token", "wrong"), ("hub.mode", "other"), ("hub.challenge", "<script>")):
        assert style.verify(style.raw().put("query", name, value)).answer.status == 403


def test_wechat_must_encrypt_where_a_key_is_set_up() -> None:
    plain, encrypted = BY_NAME["wechat plain"], BY_NAME["wechat"]
    assert isinstance(plain.verify(plain.raw()), Verified)
    assert isinstance(encrypted.verify(plain.raw()), Refused)


def test_wechat_events_are_known_by_sender_time_and_what_they_are() -> None:
    style = BY_NAME["wechat"]
    event = WECHAT_MESSAGE.replace(b"<MsgId><![CDATA[6054768590064713728]]></MsgId>", b"").replace(
        b"[text]", b"[event]"
    )
    scan = event.replace(b"</xml>", b"<Event>SCAN</Event><EventKey>" + CODE.encode() + b"</EventKey></xml>")
    click = event.replace(b"</xml>", b"<Event>CLICK</Event><EventKey>status</EventKey></xml>")
    ids = [verified(style.verify(style.raw(content))).events[0].event_id for content in (scan, scan, click)]
    assert ids[0] == ids[1] != ids[2]


def test_nothing_around_the_frame_is_read_and_it_must_be_well_formed() -> None:
    style = BY_NAME["wecom"]
    raw = style.raw()
    other = replace(raw, body=raw.body.replace(b"gh_10f6c3c3ac5a", b"gh_000000000000"))
    assert style.verify(other) == style.verify(raw)
    for around in (b"<!DOCTYPE xml><xml>", b"<xml><a>", b"<xml><Encrypt></Encrypt>"):
        broken = replace(raw, body=raw.body.replace(b"<xml>", around))
        assert isinstance(style.verify(broken), Refused)


def test_discord_webhook_events_have_no_id_and_are_known_by_their_body() -> None:
    style = BY_NAME["discord"]
    event = {
        "version": 1,
        "application_id": "1234560123453231555",
        "type": 1,
        "event": {"type": "APPLICATION_AUTHORIZED", "timestamp": "2024-10-18T14:42:53.064834", "data": {}},
    }
    one, again = (verified(style.verify(style.raw(dumped(event), at=later(by)))) for by in (0, 40))
    assert one.events == again.events
    assert one.events[0].event_id.startswith("sha256:")
    assert (one.events[0].kind, one.answer.status) == ("APPLICATION_AUTHORIZED", 204)


@pytest.mark.parametrize(("kind", "answer"), [(3, 6), (5, 5), (4, 8)])
def test_discord_interactions_are_answered_by_their_kind(kind: int, answer: int) -> None:
    style = BY_NAME["discord"]
    outcome = verified(style.verify(style.raw(dumped({**DISCORD_COMMAND, "type": kind}))))
    assert json.loads(outcome.answer.body)["type"] == answer
    assert style.verify(style.raw(dumped({**DISCORD_COMMAND, "type": 99}))).answer.status == 400


def test_discord_ids_tell_when() -> None:
    # https://docs.discord.com/developers/reference#snowflakes: 175928847299117063 was made at 1462015105796.
    style = BY_NAME["discord"]
    outcome = verified(style.verify(style.raw(dumped({**DISCORD_COMMAND, "id": "175928847299117063"}))))
    assert outcome.events[0].happened_at == datetime(2016, 4, 30, 11, 18, 25, 796_000, UTC)


def test_feishu_events_need_signature_and_token() -> None:
    style = BY_NAME["feishu"]
    unsigned = style.raw()
    for name in ("X-Lark-Signature", "X-Lark-Request-Timestamp", "X-Lark-Request-Nonce"):
        unsigned = unsigned.put("header", name)
    assert style.verify(unsigned) == NOT_PROVEN
    wrong = {**FEISHU_PREVIEW, "header": {**FEISHU_PREVIEW["header"], "token": "x" * 32}}  # type: ignore[dict-item]
    assert style.verify(style.raw(dumped(wrong))) == NOT_PROVEN


def test_feishu_must_encrypt() -> None:
    style = BY_NAME["feishu"]
    plain = replace(BY_NAME["feishu challenge"].raw(), body=BY_NAME["feishu challenge"].content)
    assert style.verify(plain) == NOT_PROVEN
    signed = replace(plain, body=style.content)
    assert style.verify(signed) == NOT_PROVEN


def test_a_signed_challenge_of_feishu_is_answered_too() -> None:
    style = BY_NAME["feishu"]
    assert style.verify(style.raw(BY_NAME["feishu challenge"].content)) == Handshake(HANDSHAKES["feishu challenge"])


def test_dingtalk_robots_must_encrypt_where_a_key_is_set_up() -> None:
    plain, encrypted = BY_NAME["dingtalk robot"], BY_NAME["dingtalk robot, encrypted"]
    assert isinstance(encrypted.verify(plain.raw()), Refused)
    assert isinstance(encrypted.verify(encrypted.raw()), Verified)


def test_a_dingtalk_robots_frame_may_name_nobody() -> None:
    style = BY_NAME["dingtalk robot, encrypted"]
    frame = sealed(dumped(DINGTALK_MESSAGE), frame_of(style.secrets)[0], b"")
    assert isinstance(style.verify(replace(style.raw(), body=dumped({"encrypt": frame}))), Verified)


def test_dingtalk_wants_success_back() -> None:
    style = BY_NAME["dingtalk event"]
    outcome = verified(style.verify(style.raw()))
    assert set(json.loads(outcome.answer.body)) == {"msg_signature", "timeStamp", "nonce", "encrypt"}
    assert json.loads(outcome.events[0].payload) == DINGTALK_EVENT


def test_a_dingtalk_app_that_is_set_up_for_one_way_takes_no_other() -> None:
    robot, event = BY_NAME["dingtalk robot"], BY_NAME["dingtalk event"]
    only_events = replace(event.secrets, app_secrets=())
    assert event.verify(robot.raw(), only_events) == NOT_PROVEN
    assert robot.verify(event.raw()) == NOT_PROVEN


def test_an_answer_cannot_be_encrypted_with_what_cannot_be_signed() -> None:
    style = BY_NAME["wechat"]
    for at, nonce in ((int(NOW.timestamp()), ""), (int(NOW.timestamp()), "é"), (1, "nonce")):
        with pytest.raises(ValueError, match="nonce"):
            wechat.encrypt_reply(b"<xml/>", style.secrets, at, nonce)
    with pytest.raises(ValueError, match="AES key"):
        wechat.encrypt_reply(b"<xml/>", BY_NAME["wechat plain"].secrets, int(NOW.timestamp()), "n")


def test_the_table_has_every_service() -> None:
    assert set(SERVICES) == {style.service for style in STYLES}
    assert all(isinstance(style.secrets, SERVICES[style.service].secrets) for style in STYLES)


def test_a_query_that_cannot_be_read_proves_nothing() -> None:
    for query in (b"a=%ff", b"\xff=1", b"&".join([b"a=1"] * 99), b"a=" + b"x" * 9_000):
        assert Call.of("GET", [], query, b"", NOW).query == {}
    assert Raw("GET", (), (), b"").call.parameter("a") is None
