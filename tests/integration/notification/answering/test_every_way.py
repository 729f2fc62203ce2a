"""Every way to answer against a sink: the request that its service documents, and what its answers mean.

What a service's errors mean is the channels' to say: their tables of errors are tried here too, by each way that calls
the same API. Errors of response_url: https://docs.slack.dev/interactivity/handling-user-interaction; of interactions'
tokens: https://discord.com/developers/docs/topics/opcodes-and-status-codes; of sessions:
https://open.dingtalk.com/document/orgapp/custom-robots-send-group-messages.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.notification.answering import words
from services.notification.answering.registry import open_ways
from services.notification.channels import Misconfigured, Outcome, Refused, Retry, Sent
from services.notification.channels.messenger import utf8, utf16
from services.notification.testing import CUT, GARBAGE, MISCONFIGURED, SLOW, Answer, Expect
from tests.integration.notification.channels import (
    test_discord,
    test_feishu,
    test_line,
    test_slack,
    test_telegram,
    test_wechat,
    test_wecom,
    test_whatsapp,
)
from tests.support.chat_answers import (
    CARD,
    CASES,
    DINGTALK,
    DISCORD,
    FEISHU_CARD,
    FEISHU_MESSAGE,
    FEISHU_PREVIEW,
    LINE,
    SLACK_CHANNEL,
    SLACK_RESPONSE_URL,
    SLACK_UNFURL,
    TELEGRAM,
    TEXT,
    WECHAT,
    WECOM,
    WHATSAPP,
    WayCase,
    play,
)

Errors = Mapping[str, tuple[Answer, Expect]]
HOSTILE = {
    "markup": "<!channel> <@U1> @everyone *b* _i_ ~s~ `c` [x](https://evil.example) ![](x) <a href='x'>y</a> &lt;",
    "long": "芒果🥭" * 2500,
    "quotes": '"\\' * 5000,
    "right to left": "\u202eevil\u202c انخفض السعر \u200e34.90 €\u200f",
    "control": "a\0b\x1b[31m\x07c",
}


def _slack(said: Any) -> Iterator[bool]:
    for blocks in [said["blocks"]] if "blocks" in said else [item["blocks"] for item in said["unfurls"].values()]:
        yield len(blocks) <= 50
        yield all(1 <= len(block["text"]["text"]) <= 3000 for block in blocks if block["type"] == "section")
        buttons = [block["elements"][0] for block in blocks if block["type"] == "actions"]
        yield all(1 <= len(item["text"]["text"]) <= 75 for item in buttons)
    yield 1 <= len(said.get("text", "-")) <= 40_000


def _telegram(said: Any) -> Iterator[bool]:
    yield 1 <= utf16(said["text"]) <= 4096


def _line(said: Any) -> Iterator[bool]:
    (message,) = said["messages"]
    yield 1 <= utf16(message.get("text", "-")) <= 5000
    yield 1 <= utf16(message.get("altText", "-")) <= 400
    yield len(json.dumps(message).encode()) <= 50_000


def _whatsapp(said: Any) -> Iterator[bool]:
    if said["type"] == "text":
        yield 1 <= len(said["text"]["body"]) <= 4096
    else:
        yield 1 <= len(said["interactive"]["body"]["text"]) <= 1024
        yield 1 <= len(said["interactive"]["action"]["parameters"]["display_text"]) <= 20


def _wechat(said: Any) -> Iterator[bool]:
    yield 1 <= utf8(said.get("text", {}).get("content", "-")) <= 2048
    for article in said.get("news", {}).get("articles", []):
        yield 1 <= utf8(article["title"]) <= 128
        yield utf8(article["description"]) <= 1000


def _wecom(said: Any) -> Iterator[bool]:
    yield 1 <= utf8(said.get("text", {}).get("content", "-")) <= 2048
    for card in [*said.get("news", {}).get("articles", []), *([said["textcard"]] if "textcard" in said else [])]:
        yield 1 <= utf8(card["title"]) <= 128
        yield utf8(card["description"]) <= 512
        yield len(card.get("btntxt", "")) <= 4


def _discord(said: Any) -> Iterator[bool]:
    yield 1 <= len(said.get("content", "-")) <= 2000
    embeds = said.get("embeds", [])
    parts = [(one["title"], one.get("description", ""), one.get("footer", {}).get("text", "")) for one in embeds]
    yield sum(len(part) for one in parts for part in one) <= 6000
    yield all(1 <= len(one[0]) <= 256 and len(one[1]) <= 4096 for one in parts)
    yield len(said.get("components", [])) <= 5
    yield all(1 <= len(item["label"]) <= 80 for row in said.get("components", []) for item in row["components"])


def _feishu(said: Any) -> Iterator[bool]:
    written = said.get("content") or json.dumps(said.get("card", {}), ensure_ascii=False)
    yield len(json.dumps(written, ensure_ascii=False).encode()) <= 30_000


def _dingtalk(said: Any) -> Iterator[bool]:
    yield 1 <= len(said.get("text", {}).get("content", "-")) <= 5000
    yield len(said.get("actionCard", {}).get("text", "")) <= 6000


LIMITS: dict[str, Callable[[Any], Iterator[bool]]] = {
    "slack": _slack,
    "telegram": _telegram,
    "line": _line,
    "whatsapp": _whatsapp,
    "wechat": _wechat,
    "wecom": _wecom,
    "discord": _discord,
    "feishu": _feishu,
    "dingtalk": _dingtalk,
}
"""What each service takes at most, by the sources at the top of its file of answers."""


def with_id(case: WayCase) -> Any:
    return pytest.param(case, id=case.way)


every_way = pytest.mark.parametrize("case", [with_id(case) for case in CASES])


@every_way
async def test_a_card_is_answered_as_documented(case: WayCase) -> None:
    async with play(case) as played:
        assert isinstance(await played.answer(CARD, text="not said"), Sent)
        (request,) = played.asked
    assert (request.method, request.path) == ("POST", case.path)
    said = request.json()
    if "uuid" in case.card:
        assert said.pop("uuid")
    assert said == {name: value for name, value in case.card.items() if name != "uuid"}
    for name, value in case.headers.items():
        assert request.headers[name] == value


@every_way
async def test_a_text_is_answered_where_there_is_no_card(case: WayCase) -> None:
    async with play(case) as played:
        outcome = await played.answer(text=TEXT)
        asked = played.asked
    if case.text is None:
        assert isinstance(outcome, Refused)
        assert asked == []
        return
    assert isinstance(outcome, Sent)
    (request,) = asked
    assert request.path == (case.text_path or case.path)
    said = {name: value for name, value in request.json().items() if name != "uuid"}
    assert said == {name: value for name, value in case.text.items() if name != "uuid"}


def only(errors: Errors, **others: Expect) -> Errors:
    """Take over a channel's table, with what an answer makes of some errors otherwise."""
    return {mode: (answer, others.get(mode, expect)) for mode, (answer, expect) in errors.items()}


SLACK_URL_ERRORS: Errors = {
    "busy": (Answer(429, headers={"Retry-After": "30"}), Expect(Retry, after=timedelta(seconds=30))),
    "used": (Answer(404, {"ok": False, "error": "used_url"}), Expect(Refused)),
    "over": (Answer(404, {"ok": False, "error": "expired_url"}), Expect(Refused)),
    "over in text": (Answer(404, body=b"expired_url"), Expect(Refused)),
    "said with 200": (Answer(200, {"ok": False, "error": "invalid_blocks"}), Expect(Refused)),
    "channel": (Answer(410, body=b"channel_is_archived"), Expect(Refused)),
    "away": (Answer(503, body=b"<html>"), Expect(Retry)),
    "internal": (Answer(500, body=b"rollup_error"), Expect(Retry)),
    "page": (Answer(404, body=b"<html>no</html>"), Expect(Refused)),
    "moved": (Answer(302, headers={"Location": "https://evil.example"}), Expect(Refused)),
}
DINGTALK_ERRORS: Errors = {
    "busy": (Answer(200, {"errcode": -1, "errmsg": "system busy"}), Expect(Retry)),
    "too many": (Answer(200, {"errcode": 410100, "errmsg": "send too fast"}), Expect(Retry)),
    "limit": (Answer(429, headers={"Retry-After": "30"}), Expect(Retry, after=timedelta(seconds=30))),
    "words": (Answer(200, {"errcode": 310000, "errmsg": "keywords not in content"}), Expect(Refused)),
    "gone": (Answer(200, {"errcode": 400013, "errmsg": "group is dissolved"}), Expect(Refused, is_gone=True)),
    "unknown": (Answer(200, {"errcode": 400101, "errmsg": "no"}), Expect(Refused, is_gone=True)),
    "away": (Answer(502, body=b"<html>"), Expect(Retry)),
    "page": (Answer(404, body=b"no"), Expect(Refused)),
    "moved": (Answer(302, headers={"Location": "https://evil.example"}), Expect(Refused)),
}
OVER: Errors = {
    "unknown": (Answer(404, {"code": 10015, "message": "Unknown Webhook"}), Expect(Refused)),
    "over": (Answer(401, {"code": 50027, "message": "Invalid Webhook Token"}), Expect(Refused)),
}
TIME: Errors = {
    "48 hours": (Answer(200, {"errcode": 45015, "errmsg": "response out of time limit"}), Expect(Refused)),
    "too many": (Answer(200, {"errcode": 45047, "errmsg": "out of response count limit"}), Expect(Refused)),
}
REPLY: Errors = {"used": (Answer(400, {"message": "Invalid reply token"}), Expect(Refused))}
UNFURL: Errors = {
    "link": (Answer(200, {"ok": False, "error": "cannot_unfurl_url"}), Expect(Refused)),
    "message": (Answer(200, {"ok": False, "error": "cannot_find_message"}), Expect(Refused)),
    "not set up": (Answer(200, {"ok": False, "error": "cannot_find_service"}), Expect(Misconfigured)),
}
TABLES: list[tuple[WayCase, Errors]] = [
    (SLACK_UNFURL, {**test_slack.ERRORS, **UNFURL}),
    (SLACK_CHANNEL, test_slack.ERRORS),
    (SLACK_RESPONSE_URL, SLACK_URL_ERRORS),
    (TELEGRAM, only(test_telegram.ERRORS, busy=Expect(Retry, after=timedelta(seconds=7)))),
    (LINE, {**test_line.ERRORS, **REPLY}),
    (WHATSAPP, test_whatsapp.ERRORS),
    (WECHAT, {**test_wechat.ERRORS, **TIME}),
    (WECOM, test_wecom.ERRORS),
    (DISCORD, {**only(test_discord.ERRORS, **{MISCONFIGURED: Expect(Refused)}), **OVER}),
    (FEISHU_PREVIEW, test_feishu.ERRORS),
    (FEISHU_MESSAGE, test_feishu.ERRORS),
    (FEISHU_CARD, test_feishu.ERRORS),
    (DINGTALK, DINGTALK_ERRORS),
]


def each_error() -> Iterator[Any]:
    for case, errors in TABLES:
        for mode, (answer, expect) in errors.items():
            yield pytest.param(case, answer, expect, id=f"{case.way} {mode}")


@pytest.mark.parametrize(("case", "answer", "expect"), list(each_error()))
async def test_what_the_service_says_becomes_the_outcome(case: WayCase, answer: Answer, expect: Expect) -> None:
    async with play(case, answer) as played:
        outcome = await played.answer(replace(CARD, picture_url=""))
        assert not expect.problem(outcome)
        assert len(played.asked) == 1
    assert_nothing_is_told(case, outcome)


@pytest.mark.parametrize("case", [with_id(case) for case in CASES if case.token])
async def test_no_token_is_an_outcome(case: WayCase) -> None:
    wrong = {
        "wechat": Answer(200, {"errcode": 40125, "errmsg": "invalid appsecret"}),
        "wecom": Answer(200, {"errcode": 40001, "errmsg": "invalid credential"}),
    }.get(case.way, Answer(200, {"code": 10014, "msg": "app secret invalid"}))
    assert case.token
    async with play(replace(case, token=(case.token[0], wrong))) as played:
        assert isinstance(await played.answer(CARD), Misconfigured)
        assert played.asked == []


@every_way
@pytest.mark.parametrize("trouble", [SLOW, CUT, GARBAGE])
async def test_no_answer_is_tried_later(case: WayCase, trouble: str) -> None:
    async with play(case, Answer(trouble=trouble), seconds=0.3) as played:
        outcome = await played.answer(CARD)
        played.sink.release()
    assert isinstance(outcome, Retry)
    assert_nothing_is_told(case, outcome)


@every_way
async def test_a_service_that_is_away_is_tried_later(case: WayCase) -> None:
    async with play(case) as played:
        await played.sink.stop()
        outcome = await played.answer(CARD)
    assert isinstance(outcome, Retry)
    assert_nothing_is_told(case, outcome)


@every_way
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
async def test_hostile_texts_are_sent_within_limits(case: WayCase, text: str) -> None:
    card = words.card(
        title=text,
        lines=[text] * 20,
        footer=text,
        url=CARD.url,
        button_label=text,
        button_url=CARD.button_url,
        picture_url=CARD.picture_url,
    )
    async with play(case) as played:
        for cards, alone in (([card], ""), ([card] * 10, ""), ([], words.cleaned(text))):
            if cards or case.text is not None:
                assert isinstance(await played.answer(*cards, text=alone), Sent)
        said = [request.json() for request in played.asked]
    for message in said:
        assert all(LIMITS[case.way.partition("_")[0]](message))
    written = json.dumps(said)
    assert not any(sign in written for sign in (r"\u202e", r"\u0000", r"\u001b"))


@every_way
async def test_ten_cards_are_one_answer(case: WayCase) -> None:
    cards = [replace(CARD, title=f"Team {n}", url=f"{CARD.url}{n}") for n in range(10)]
    async with play(case) as played:
        assert isinstance(await played.answer(*cards), Sent)
        (request,) = played.asked
    if case is not FEISHU_PREVIEW:
        shown = [n for n in range(10) if f"Team {n}" in request.body.decode()]
        assert shown == list(range(8 if case is WECOM else 10))


BAD_VALUES: list[tuple[WayCase, str, str]] = [
    (SLACK_UNFURL, "unfurl_id", "../../x"),
    (SLACK_UNFURL, "source", "elsewhere"),
    (SLACK_CHANNEL, "channel", "#general"),
    (SLACK_CHANNEL, "thread_ts", "1; DROP"),
    *((SLACK_RESPONSE_URL, "url", url) for url in ("", "https://hooks.slack.com.evil.example/x", "file:///etc/passwd")),
    *(
        (SLACK_RESPONSE_URL, "url", url)
        for url in (
            "http://hooks.slack.com/x",
            "https://hooks.slack.com:8443/x",
            "https://u:p@hooks.slack.com/x",
            "https://hooks.slack.com@evil.example/x",
            "https://hooks.slack.com\\@evil.example/x",
            "https://hooks.slack.com\\.evil.example/x",
            "https://evil.example/https://hooks.slack.com/x",
            "https://hooks.slack.com./x",
            "https://hooks.slack.com/\n",
            "https://oapi.dingtalk.com/x",
        )
    ),
    (TELEGRAM, "chat_id", "@everybody"),
    (TELEGRAM, "chat_id", ""),
    (TELEGRAM, "message_id", "0x1"),
    (TELEGRAM, "callback_query_id", "a b"),
    (LINE, "reply_token", "x/../push"),
    (WHATSAPP, "to", ""),
    (WHATSAPP, "type", "everybody"),
    (WHATSAPP, "phone_number_id", "1/../me"),
    (WECHAT, "to", "@all"),
    (WECOM, "to", "@all"),
    (WECOM, "to", "a|b"),
    (WECOM, "agent_id", "x"),
    (DISCORD, "application_id", "me"),
    (DISCORD, "token", "short"),
    (DISCORD, "token", "x" * 30 + "/../../channels"),
    (FEISHU_PREVIEW, "preview_token", ""),
    (FEISHU_MESSAGE, "message_id", "om_../../x"),
    (FEISHU_CARD, "token", "c-1 2"),
    (FEISHU_CARD, "message_id", "oc_1"),
    *((DINGTALK, "url", url) for url in ("", "https://oapi.dingtalk.com.evil.example/x", "http://oapi.dingtalk.com/x")),
    (DINGTALK, "expires_at", "tomorrow"),
]


@pytest.mark.parametrize(
    ("case", "name", "value"),
    [pytest.param(*bad, id=f"{bad[0].way} {bad[1]} {n}") for n, bad in enumerate(BAD_VALUES)],
)
async def test_a_value_that_is_none_of_the_services_is_named(case: WayCase, name: str, value: str) -> None:
    async with play(case) as played:
        way = open_ways(played.http, played.clock)[case.way]
        assert way.check(played.values) == {}
        found = way.check({**played.values, name: value})
    assert list(found) == [name]
    assert "must be" in found[name]
    assert not value or value not in found[name]


def assert_nothing_is_told(case: WayCase, outcome: Outcome) -> None:
    """No token and no id of a chat is in what is said of an outcome."""
    said = outcome.detail if not isinstance(outcome, Sent) else ""
    hidden = [value for value in (*case.values.values(), *case.account.values()) if len(value) > 8 and value in said]
    assert hidden == []
