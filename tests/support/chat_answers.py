"""Every way to answer in a chat: an account and values for it, and the requests that its service documents."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from services.chassis.clock import ManualClock
from services.notification.answering import Card, ChatAnswer, words
from services.notification.answering.registry import open_ways
from services.notification.channels import Account, Http, Outcome
from services.notification.testing import Answer, HttpSink, Request, http_sink

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LINK = "https://shop.example/i/Ab3dEf6hIj9k"
BUTTON = f"{LINK}?from=chat"
PICTURE = "https://shop.example/mango(1).jpg"
CARD = words.card(
    title="Mangoes <b>*5 kg*</b>",
    lines=["€34.90 & falling", "3 of 5 seats"],
    footer="Sponsored",
    url=LINK,
    button_label="Join",
    button_url=BUTTON,
    picture_url=PICTURE,
)
TEXT = "No team is behind <this> *link*."
SHOP = UUID(int=1)
ANY = "any"
"""In the place of a value that only has to be there."""


@dataclass(frozen=True)
class WayCase:
    """One way, and what it must send."""

    way: str
    path: str
    """Of the call, below the address of the API or of the URL to answer at."""
    values: Mapping[str, str]
    took: Answer
    """How the service says that it took an answer."""
    card: Any
    """The body for CARD."""
    text: Any = None
    """The body for TEXT; None where nothing is asked."""
    account: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    token: tuple[str, Answer] | None = None
    """The beginning of the path that a token is asked for at, and the answer."""
    has_url: bool = False
    """Whether the values say at which URL to answer."""
    text_path: str = ""
    """Of the call for TEXT, where it is another."""


@dataclass
class Played:
    """A way that talks to a sink."""

    case: WayCase
    sink: HttpSink
    http: Http
    clock: ManualClock
    answers: list[Answer]
    """What the calls are answered, in order; the last one again and again."""

    @property
    def asked(self) -> list[Request]:
        """The calls, without those for a token."""
        token = self.case.token[0] if self.case.token else "\0"
        return [request for request in self.sink.asked if not request.path.startswith(token)]

    @property
    def account(self) -> Account:
        """The platform's account, at the sink."""
        return Account(SHOP, {**self.case.account, "base_url": self.sink.url}, 1)

    @property
    def values(self) -> dict[str, str]:
        """Where the answer goes."""
        url = {"url": f"{self.sink.url}{self.case.path}"} if self.case.has_url else {}
        return {**self.case.values, **url}

    async def answer(self, *cards: Card, text: str = "", is_private: bool = False, **values: str) -> Outcome:
        """Answer, with values changed."""
        said = ChatAnswer({**self.values, **values}, cards, text, is_private)
        return await open_ways(self.http, self.clock)[self.case.way].answer(said, self.account)


@asynccontextmanager
async def play(case: WayCase, *answers: Answer, seconds: float = 5.0) -> AsyncIterator[Played]:
    """Run a sink that answers so, or takes what comes."""
    left = list(answers) or [case.took]

    def script(request: Request) -> Answer:
        if case.token and request.path.startswith(case.token[0]):
            return replace(case.token[1], is_send=False)
        return left.pop(0) if len(left) > 1 else left[0]

    http = Http(seconds=seconds, connections=20, allow_private=True)
    async with http_sink(script) as sink:
        try:
            yield Played(case, sink, http, ManualClock(NOW), left)
        finally:
            await http.close()


def plain(text: str) -> dict[str, Any]:
    """Write a text as Slack takes it."""
    return {"type": "plain_text", "text": text, "emoji": False}


_SLACK_BODY = "Mangoes <b>*5 kg*</b>\n€34.90 & falling\n3 of 5 seats"
_SLACK_TOKEN = "xoxb-17653672481-19874698323-pdFZKVeTuE8sk7oOcBrzbqgy"
SLACK_BLOCKS = [
    {
        "type": "section",
        "text": plain(_SLACK_BODY),
        "accessory": {"type": "image", "image_url": PICTURE, "alt_text": CARD.title},
    },
    {"type": "actions", "elements": [{"type": "button", "text": plain("Join"), "url": BUTTON}]},
    {"type": "context", "elements": [plain("Sponsored")]},
]
_SLACK_CARD = {"text": "Mangoes &lt;b&gt;*5 kg*&lt;/b&gt;", "blocks": SLACK_BLOCKS}
_SLACK_TEXT = {
    "text": "No team is behind &lt;this&gt; *link*.",
    "blocks": [{"type": "section", "text": plain(TEXT)}],
}
_SLACK = {
    "account": {"token": _SLACK_TOKEN},
    "headers": {"authorization": f"Bearer {_SLACK_TOKEN}"},
    "took": Answer(200, {"ok": True, "ts": "1503435956.000247"}),
}
SLACK_UNFURL = WayCase(
    way="slack_unfurl",
    path="/chat.unfurl",
    values={"unfurl_id": "C123456.1620.abc", "source": "composer"},
    card={"unfurl_id": "C123456.1620.abc", "source": "composer", "unfurls": {LINK: {"blocks": SLACK_BLOCKS}}},
    **_SLACK,  # type: ignore[arg-type]
)
SLACK_CHANNEL = WayCase(
    way="slack_channel",
    path="/chat.postMessage",
    values={"channel": "C0123456789", "thread_ts": "1503435956.000247"},
    card={
        "channel": "C0123456789",
        "thread_ts": "1503435956.000247",
        **_SLACK_CARD,
        "unfurl_links": False,
        "unfurl_media": False,
    },
    text={
        "channel": "C0123456789",
        "thread_ts": "1503435956.000247",
        **_SLACK_TEXT,
        "unfurl_links": False,
        "unfurl_media": False,
    },
    **_SLACK,  # type: ignore[arg-type]
)
SLACK_RESPONSE_URL = WayCase(
    way="slack_response_url",
    path="/commands/T0001/1234567890/abcDEF",
    values={},
    took=Answer(200, body=b"ok"),
    card={"response_type": "in_channel", "replace_original": False, **_SLACK_CARD},
    text={"response_type": "in_channel", "replace_original": False, **_SLACK_TEXT},
    has_url=True,
)
_TELEGRAM_TOKEN = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
_REPLY = {"message_id": 42, "allow_sending_without_reply": True}
TELEGRAM = WayCase(
    way="telegram",
    path=f"/bot{_TELEGRAM_TOKEN}/sendMessage",
    account={"token": _TELEGRAM_TOKEN},
    values={"chat_id": "-100123", "message_id": "42"},
    took=Answer(200, {"ok": True, "result": {"message_id": 43}}),
    card={
        "chat_id": -100123,
        "reply_parameters": _REPLY,
        "text": f"{_SLACK_BODY}\nSponsored",
        "link_preview_options": {"url": PICTURE, "prefer_large_media": True, "show_above_text": True},
        "reply_markup": {"inline_keyboard": [[{"text": "Join", "url": BUTTON}]]},
    },
    text={
        "chat_id": -100123,
        "reply_parameters": _REPLY,
        "text": TEXT,
        "link_preview_options": {"is_disabled": True},
    },
)
OPENID = "o6_bmjrPTlm6_2sgVt7hMZOPfL2M"
WECHAT = WayCase(
    way="wechat",
    path="/cgi-bin/message/custom/send?access_token=t-1",
    account={"app_id": "wx1234567890abcdef", "secret": "0123456789abcdef0123456789abcdef"},
    values={"to": OPENID, "from": "gh_680bdefc8c5d"},
    took=Answer(200, {"errcode": 0, "errmsg": "ok"}),
    card={
        "touser": OPENID,
        "msgtype": "news",
        "news": {
            "articles": [
                {
                    "title": "Mangoes <b>*5 kg*</b>",
                    "description": "€34.90 & falling\n3 of 5 seats\nSponsored",
                    "url": BUTTON,
                    "picurl": PICTURE,
                }
            ]
        },
    },
    text={"touser": OPENID, "msgtype": "text", "text": {"content": "No team is behind ＜this> *link*."}},  # noqa: RUF001
    token=("/cgi-bin/stable_token", Answer(200, {"access_token": "t-1", "expires_in": 7200})),
)
_FEISHU = {
    "account": {"app_id": "cli_9b445f5258795107", "secret": "t8iFjLQqy1wBpUqRhZoSjWQhTKeDqpGc"},
    "headers": {"authorization": "Bearer t-1"},
    "took": Answer(200, {"code": 0, "msg": "success", "data": {}}),
    "token": (
        "/open-apis/auth/v3/tenant_access_token/internal",
        Answer(200, {"code": 0, "tenant_access_token": "t-1", "expire": 7200}),
    ),
}


def feishu(*elements: Any) -> dict[str, Any]:
    """Write a card of Feishu's."""
    return {"config": {"wide_screen_mode": True, "update_multi": True}, "elements": list(elements)}


def _feishu_text(text: str) -> dict[str, str]:
    return {"tag": "plain_text", "content": text}


FEISHU_CARD_BODY = feishu(
    {"tag": "div", "text": _feishu_text(_SLACK_BODY)},
    {
        "tag": "action",
        "actions": [{"tag": "button", "text": _feishu_text("Join"), "type": "primary", "url": BUTTON}],
    },
    {"tag": "note", "elements": [_feishu_text("Sponsored")]},
)
FEISHU_TEXT_BODY = feishu({"tag": "div", "text": _feishu_text(TEXT)})
FEISHU_PREVIEW = WayCase(
    way="feishu_preview",
    path="/open-apis/im/v2/url_previews/batch_update",
    values={"preview_token": "952te0c8-9ccf-463d-ad73-593f8f768a5c"},
    card={"preview_tokens": ["952te0c8-9ccf-463d-ad73-593f8f768a5c"]},
    text={"preview_tokens": ["952te0c8-9ccf-463d-ad73-593f8f768a5c"]},
    **_FEISHU,  # type: ignore[arg-type]
)
FEISHU_MESSAGE = WayCase(
    way="feishu_message",
    path="/open-apis/im/v1/messages/om_dc13264520392913993dd051dba21dcf/reply",
    values={"message_id": "om_dc13264520392913993dd051dba21dcf", "chat_id": "oc_1"},
    card={
        "msg_type": "interactive",
        "content": json.dumps(FEISHU_CARD_BODY, ensure_ascii=False),
        "uuid": ANY,
    },
    text={
        "msg_type": "interactive",
        "content": json.dumps(FEISHU_TEXT_BODY, ensure_ascii=False),
        "uuid": ANY,
    },
    **_FEISHU,  # type: ignore[arg-type]
)
FEISHU_CARD = WayCase(
    way="feishu_card",
    path="/open-apis/interactive/v1/card/update",
    values={"token": "c-0123456789abcdef", "message_id": "om_dc13264520392913993dd051dba21dcf", "chat_id": "oc_1"},
    card={"token": "c-0123456789abcdef", "card": FEISHU_CARD_BODY},
    text={
        "msg_type": "interactive",
        "content": json.dumps(FEISHU_TEXT_BODY, ensure_ascii=False),
        "uuid": ANY,
    },
    text_path="/open-apis/im/v1/messages/om_dc13264520392913993dd051dba21dcf/reply",
    **_FEISHU,  # type: ignore[arg-type]
)
_LINE_TOKEN = "zYxW" * 43
LINE = WayCase(
    way="line",
    path="/v2/bot/message/reply",
    account={"token": _LINE_TOKEN},
    headers={"authorization": f"Bearer {_LINE_TOKEN}"},
    values={"reply_token": "nHuyWiB7yP5Zw52FIkcQobQuGDXCTA"},
    took=Answer(200, {"sentMessages": [{"id": "461230966842064897"}]}),
    card={
        "replyToken": "nHuyWiB7yP5Zw52FIkcQobQuGDXCTA",
        "messages": [
            {
                "type": "flex",
                "altText": CARD.title,
                "contents": {
                    "type": "bubble",
                    "body": {
                        "type": "box",
                        "layout": "vertical",
                        "contents": [
                            {"type": "text", "text": CARD.title, "wrap": True, "weight": "bold"},
                            {"type": "text", "text": "€34.90 & falling", "wrap": True, "size": "sm"},
                            {"type": "text", "text": "3 of 5 seats", "wrap": True, "size": "sm"},
                            {"type": "text", "text": "Sponsored", "wrap": True, "size": "xs"},
                        ],
                    },
                    "hero": {"type": "image", "url": PICTURE, "size": "full", "aspectMode": "cover"},
                    "footer": {
                        "type": "box",
                        "layout": "vertical",
                        "contents": [
                            {
                                "type": "button",
                                "style": "primary",
                                "action": {"type": "uri", "label": "Join", "uri": BUTTON},
                            }
                        ],
                    },
                },
            }
        ],
    },
    text={"replyToken": "nHuyWiB7yP5Zw52FIkcQobQuGDXCTA", "messages": [{"type": "text", "text": TEXT}]},
)
_WHATSAPP_TOKEN = "EAAJB" * 30
_WHATSAPP_TO = {"messaging_product": "whatsapp", "recipient_type": "individual", "to": "4915112345678"}
WHATSAPP = WayCase(
    way="whatsapp",
    path="/106540352242922/messages",
    account={"token": _WHATSAPP_TOKEN, "phone_number_id": "999999"},
    headers={"authorization": f"Bearer {_WHATSAPP_TOKEN}"},
    values={"to": "4915112345678", "type": "individual", "phone_number_id": "106540352242922"},
    took=Answer(200, {"messages": [{"id": "wamid.1"}]}),
    card={
        **_WHATSAPP_TO,
        "type": "interactive",
        "interactive": {
            "type": "cta_url",
            "body": {"text": "Mangoes <b>∗5 kg∗</b>\n€34.90 & falling\n3 of 5 seats\nSponsored"},  # noqa: RUF001
            "action": {"name": "cta_url", "parameters": {"display_text": "Join", "url": BUTTON}},
        },
    },
    text={
        **_WHATSAPP_TO,
        "type": "text",
        "text": {"preview_url": False, "body": "No team is behind <this> ∗link∗."},  # noqa: RUF001
    },
)
WECOM = WayCase(
    way="wecom",
    path="/cgi-bin/message/send?access_token=t-1",
    account={"corp_id": "ww1234567890abcdef", "secret": "a" * 43, "agent_id": "1000002"},
    values={"to": "ZhangSan", "agent_id": "1000002"},
    took=Answer(200, {"errcode": 0, "errmsg": "ok", "msgid": "m"}),
    card={
        "touser": "ZhangSan",
        "agentid": 1000002,
        "msgtype": "textcard",
        "textcard": {
            "title": "Mangoes ＜b>*5 kg*＜/b>",  # noqa: RUF001
            "description": "€34.90 & falling\n3 of 5 seats\nSponsored",
            "url": BUTTON,
            "btntxt": "Join",
        },
    },
    text={
        "touser": "ZhangSan",
        "agentid": 1000002,
        "msgtype": "text",
        "text": {"content": "No team is behind ＜this> *link*."},  # noqa: RUF001
    },
    token=("/cgi-bin/gettoken", Answer(200, {"errcode": 0, "access_token": "t-1", "expires_in": 7200})),
)
_INTERACTION = "aW50ZXJhY3Rpb246MTIzNDU2Nzg5MDEyMzQ1Njc4OTo"
DISCORD = WayCase(
    way="discord",
    path=f"/webhooks/80351110224678912/{_INTERACTION}",
    values={"id": "846462639134605312", "token": _INTERACTION, "application_id": "80351110224678912"},
    took=Answer(200, {"id": "846462639134605313"}),
    card={
        "allowed_mentions": {"parse": []},
        "embeds": [
            {
                "title": "Mangoes \\<b\\>\\*5 kg\\*\\</b\\>",
                "description": "€34.90 & falling\n3 of 5 seats",
                "footer": {"text": "Sponsored"},
                "image": {"url": PICTURE},
            }
        ],
        "components": [{"type": 1, "components": [{"type": 2, "style": 5, "label": "Join", "url": BUTTON}]}],
    },
    text={"allowed_mentions": {"parse": []}, "content": "No team is behind \\<this\\> \\*link\\*."},
)
DINGTALK = WayCase(
    way="dingtalk",
    path="/robot/sendBySession?session=6d1bcd9db03c6dd1",
    values={"expires_at": str(int(NOW.timestamp() * 1000) + 1)},
    took=Answer(200, {"errcode": 0, "errmsg": "ok"}),
    card={
        "msgtype": "actionCard",
        "actionCard": {
            "title": CARD.title,
            "text": "![](https://shop.example/mango%281%29.jpg)\n\n"
            "Mangoes \\<b\\>\\*5 kg\\*\\</b\\>  \n€34.90 & falling  \n3 of 5 seats  \nSponsored",
            "singleTitle": "Join",
            "singleURL": BUTTON,
        },
    },
    text={"msgtype": "text", "text": {"content": TEXT}},
    has_url=True,
)
CASES = [
    SLACK_UNFURL,
    SLACK_CHANNEL,
    SLACK_RESPONSE_URL,
    TELEGRAM,
    LINE,
    WHATSAPP,
    WECHAT,
    WECOM,
    DISCORD,
    FEISHU_PREVIEW,
    FEISHU_MESSAGE,
    FEISHU_CARD,
    DINGTALK,
]
