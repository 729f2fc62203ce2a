"""Calls as chat apps make them, signed and encrypted here a second time, apart from the code that checks them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlencode

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from services.team_formation.hooks.call import Call, Outcome
from services.team_formation.hooks.dingtalk import DingTalkSecrets
from services.team_formation.hooks.discord import DiscordSecrets
from services.team_formation.hooks.feishu import FeishuSecrets
from services.team_formation.hooks.line import LineSecrets
from services.team_formation.hooks.registry import SERVICES
from services.team_formation.hooks.slack import SlackSecrets
from services.team_formation.hooks.telegram import TelegramSecrets
from services.team_formation.hooks.wechat import WeChatSecrets
from services.team_formation.hooks.wecom import WeComSecrets
from services.team_formation.hooks.whatsapp import WhatsAppSecrets

NOW = datetime(2026, 11, 2, 12, 0, 0, tzinfo=UTC)
CODE = "Ab3dEf6hIj9k"
LINK = f"https://shop.example/i/{CODE}"
SAID = f"拼团 🎉 c'est bon: {LINK}"
JSON_TYPE = "application/json; charset=utf-8"
FORM_TYPE = "application/x-www-form-urlencoded"
XML_TYPE = "text/xml"


@dataclass(frozen=True)
class Raw:
    """A request before it is read: names and values as they are on the wire, and when it came."""

    method: str
    headers: tuple[tuple[str, str], ...]
    query: tuple[tuple[str, str], ...]
    body: bytes
    at: datetime = NOW

    @cached_property
    def call(self) -> Call:
        """The call that the HTTP edge makes of it."""
        headers = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in self.headers]
        return Call.of(self.method, headers, urlencode(self.query, quote_via=quote).encode(), self.body, self.at)

    def value(self, place: str, name: str) -> str:
        """The value of a header or parameter; "" where there is none."""
        return next((value for key, value in self._pairs(place) if key == name), "")

    def put(self, place: str, name: str, *values: str) -> Raw:
        """The same with other values under a name: none, one or several."""
        pairs = (*(pair for pair in self._pairs(place) if pair[0] != name), *((name, value) for value in values))
        return replace(self, headers=pairs) if place == "header" else replace(self, query=pairs)

    def _pairs(self, place: str) -> tuple[tuple[str, str], ...]:
        return self.headers if place == "header" else self.query


Sign = Callable[[bytes, Any, datetime], Raw]
Place = tuple[str, str]


@dataclass(frozen=True)
class Style:
    """One way in which a service calls: what it signs, and where in the call its proof lies."""

    name: str
    service: str
    content: bytes
    """What it says: the body, or what is encrypted in it."""
    secrets: Any
    strangers: Any
    """Secrets of another app of the service."""
    sign: Sign
    """Makes the call of a content."""
    proof: Place
    time: Place | None = None
    nonce: Place | None = None
    behind: int = 300
    """Seconds that the time may be behind ours."""
    covers: bool = True
    """Whether the proof covers the content."""
    form: str = "json"
    """Of the content: json, form, xml or text."""
    frame: bool = False
    """Whether the content is in an encrypted frame that is shared by WeChat, WeCom and DingTalk."""
    is_handshake: bool = False

    def raw(self, content: bytes | None = None, secrets: Any = None, at: datetime = NOW) -> Raw:
        """A call that is good, unless another content or secret makes it bad."""
        return self.sign(self.content if content is None else content, secrets or self.secrets, at)

    def verify(self, raw: Raw, secrets: Any = None) -> Outcome:
        """What the service's check says."""
        return SERVICES[self.service].verify(raw.call, secrets or self.secrets)


def seconds(at: datetime) -> str:
    return str(int(at.timestamp()))


def dumped(value: object) -> bytes:
    """JSON as most services write it: UTF-8 as it is, with spaces."""
    return json.dumps(value, ensure_ascii=False).encode()


def _headers(**values: str) -> tuple[tuple[str, str], ...]:
    return tuple((name.replace("_", "-"), value) for name, value in values.items())


# Slack

SLACK_EVENT = {
    "token": "XXYYZZ",
    "team_id": "T123ABC456",
    "api_app_id": "A123ABC456",
    "event": {
        "type": "link_shared",
        "channel": "C123ABC456",
        "is_bot_user_member": True,
        "user": "U123ABC456",
        "message_ts": "1793620790.987500",
        "unfurl_id": "C123456.123456789.987501.1b90fa12",
        "source": "conversations_history",
        "links": [{"domain": "shop.example", "url": LINK}, {"domain": "shop.example", "url": "https://shop.example/é"}],
    },
    "type": "event_callback",
    "event_id": "Ev123ABC456",
    "event_time": int(NOW.timestamp()),
}
SLACK_BUTTON = {
    "type": "block_actions",
    "api_app_id": "A123ABC456",
    "team": {"id": "T123ABC456", "domain": "拼团"},
    "user": {"id": "U123ABC456"},
    "container": {"type": "message", "message_ts": "1793620790.987500", "channel_id": "C123ABC456"},
    "channel": {"id": "C123ABC456"},
    "trigger_id": "13345224609.738474920.8088930838d88f008e0",
    "response_url": "https://hooks.slack.com/actions/T123ABC456/1232321423432/D09sSasdasdAS9091209",
    "actions": [{"action_id": "status", "value": f"status {CODE}", "type": "button"}],
}
SLACK_COMMAND = {
    "team_id": "T123ABC456",
    "channel_id": "C123ABC456",
    "user_id": "U123ABC456",
    "command": "/groupbuy",
    "text": f"status {CODE} é",
    "api_app_id": "A123ABC456",
    "response_url": "https://hooks.slack.com/commands/T123ABC456/1234/5678",
    "trigger_id": "13345224609.738474920.8088930838d88f008e1",
}


def slack(kind: str) -> Sign:
    def sign(content: bytes, secrets: SlackSecrets, at: datetime) -> Raw:
        base = b"v0:" + seconds(at).encode() + b":" + content
        digest = hmac.new(secrets.signing_secrets[0].encode(), base, hashlib.sha256).hexdigest()
        names = {"X-Slack-Request-Timestamp": seconds(at), "X-Slack-Signature": f"v0={digest}", "Content-Type": kind}
        return Raw("POST", tuple(names.items()), (), content, at)

    return sign


# Telegram, LINE, WhatsApp

TELEGRAM_UPDATE = {
    "update_id": 730112233,
    "message": {
        "message_id": 57,
        "from": {"id": 1111, "is_bot": False, "language_code": "de"},
        "chat": {"id": -1001234, "type": "supergroup", "title": "拼团"},
        "date": int(NOW.timestamp()),
        "text": f"🎉 see {LINK} and this",
        "entities": [
            {"type": "url", "offset": 7, "length": len(LINK)},
            {"type": "text_link", "offset": 12 + len(LINK), "length": 4, "url": "https://shop.example/more"},
        ],
    },
}
LINE_EVENTS = {
    "destination": "U8e742f61d673b39c7fff3cecb7536ef0",
    "events": [
        {
            "type": "message",
            "mode": "active",
            "timestamp": int(NOW.timestamp()) * 1000,
            "source": {"type": "group", "groupId": "C4af4980629", "userId": "U4af4980629"},
            "webhookEventId": "01FZ74A0TDDPYRVKNK77XKC3ZR",
            "deliveryContext": {"isRedelivery": False},
            "replyToken": "nHuyWiB7yP5Zw52FIkcQobQuGDXCTA",
            "message": {"id": "444573844083572737", "type": "text", "quoteToken": "q3Plxr4AgKd...", "text": SAID},
        },
        {
            "type": "join",
            "mode": "active",
            "timestamp": int(NOW.timestamp()) * 1000,
            "source": {"type": "group", "groupId": "C4af4980629"},
            "webhookEventId": "01FZ74A0TDDPYRVKNK77XKC3ZS",
            "deliveryContext": {"isRedelivery": True},
            "replyToken": "nHuyWiB7yP5Zw52FIkcQobQuGDXCTB",
        },
    ],
}
WHATSAPP_CHANGES = {
    "object": "whatsapp_business_account",
    "entry": [
        {
            "id": "102290129340398",
            "changes": [
                {
                    "field": "messages",
                    "value": {
                        "messaging_product": "whatsapp",
                        "metadata": {"display_phone_number": "15550783881", "phone_number_id": "106540352242922"},
                        "contacts": [{"profile": {"name": "Zoé"}, "wa_id": "16505551234"}],
                        "messages": [
                            {
                                "from": "16505551234",
                                "id": "wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQzQTRBNjU5OUFFRTAzODEwMTQ0RgA=",
                                "timestamp": seconds(NOW),
                                "type": "text",
                                "text": {"body": SAID},
                            }
                        ],
                    },
                }
            ],
        }
    ],
}


def telegram(content: bytes, secrets: TelegramSecrets, at: datetime) -> Raw:
    token = secrets.secret_tokens[0]
    return Raw(
        "POST", (("X-Telegram-Bot-Api-Secret-Token", token), ("Content-Type", "application/json")), (), content, at
    )


def line(content: bytes, secrets: LineSecrets, at: datetime) -> Raw:
    digest = hmac.new(secrets.channel_secrets[0].encode(), content, hashlib.sha256).digest()
    headers = (("x-line-signature", base64.b64encode(digest).decode()), ("Content-Type", JSON_TYPE))
    return Raw("POST", headers, (), content, at)


def whatsapp(content: bytes, secrets: WhatsAppSecrets, at: datetime) -> Raw:
    digest = hmac.new(secrets.app_secrets[0].encode(), content, hashlib.sha256).hexdigest()
    headers = (("X-Hub-Signature-256", f"sha256={digest}"), ("Content-Type", "application/json"))
    return Raw("POST", headers, (), content, at)


def whatsapp_subscription(content: bytes, secrets: WhatsAppSecrets, at: datetime) -> Raw:
    query = {
        "hub.mode": "subscribe",
        "hub.challenge": content.decode("latin-1"),
        "hub.verify_token": secrets.verify_tokens[0],
    }
    return Raw("GET", (), tuple(query.items()), b"", at)


# WeChat, WeCom, DingTalk


Pad = Callable[[int], bytes]
"""Makes the padding of a frame that misses so many bytes."""


def right_pad(missing: int) -> bytes:
    return bytes([missing]) * missing


def sealed(message: bytes, aes_key: str, receive_id: bytes, *, pad: Pad = right_pad, length: int = -1) -> str:
    """A frame; with a padding or length that is not its own, where one is given."""
    key = base64.b64decode(aes_key + "=")
    size = (len(message) if length < 0 else length).to_bytes(4, "big")
    inner = b"0123456789abcdef" + size + message + receive_id
    padded = inner + pad(32 - len(inner) % 32)
    cipher = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return base64.b64encode(cipher.update(padded) + cipher.finalize()).decode()


def sha1(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()  # noqa: S324 - theirs


def _xml(fields: Mapping[str, str]) -> bytes:
    inner = "".join(f"<{name}><![CDATA[{value}]]></{name}>\n" for name, value in fields.items())
    return f"<xml>{inner}</xml>".encode()


WECHAT_MESSAGE = _xml(
    {
        "ToUserName": "gh_10f6c3c3ac5a",
        "FromUserName": "oyORnuP8q7ou2gfYjqLzSIWZf0rs",
        "CreateTime": seconds(NOW),
        "MsgType": "text",
        "Content": SAID,
        "MsgId": "6054768590064713728",
    }
)
WECOM_MESSAGE = _xml(
    {
        "ToUserName": "ww5823bf96d3bd56c7",
        "FromUserName": "mycreate",
        "CreateTime": seconds(NOW),
        "MsgType": "text",
        "Content": f"leave {CODE}",
        "MsgId": "4561255354251345929",
        "AgentID": "218",
    }
)
DINGTALK_MESSAGE = {
    "msgtype": "text",
    "text": {"content": f" status {CODE}"},
    "msgId": "msg0Wxq2QL8B5ZmJ1k3E7cVtA==",
    "createAt": int(NOW.timestamp()) * 1000,
    "conversationId": "cid6KeBBLoveMJOGXoYKF5x7EeiodoA==",
    "conversationType": "2",
    "conversationTitle": "拼团",
    "senderStaffId": "user123",
    "senderId": "$:LWCP_v1:$Ff09GIxxxxx",
    "senderNick": "小钉",
    "chatbotCorpId": "dinge8a565xxxx",
    "chatbotUserId": "$:LWCP_v1:$Cxxxxx",
    "robotCode": "dingabcdefg",
    "sessionWebhook": "https://oapi.dingtalk.com/robot/sendBySession?session=6d69c2d1c3e9a1f1",
    "sessionWebhookExpiredTime": int(NOW.timestamp()) * 1000 + 5_400_000,
}
DINGTALK_EVENT = {
    "EventType": "user_add_org",
    "UserId": ["é123"],
    "CorpId": "dinge8a565xxxx",
    "TimeStamp": "1793620800",
}


def wechat_plain(content: bytes, secrets: WeChatSecrets, at: datetime) -> Raw:
    query = {
        "signature": sha1(secrets.tokens[0], seconds(at), "1320562132"),
        "timestamp": seconds(at),
        "nonce": "1320562132",
        "openid": "oyORnuP8q7ou2gfYjqLzSIWZf0rs",
    }
    return Raw("POST", (("Content-Type", XML_TYPE),), tuple(query.items()), content, at)


def wechat_echo(content: bytes, secrets: WeChatSecrets, at: datetime) -> Raw:
    raw = wechat_plain(b"", secrets, at).put("query", "openid")
    return replace(raw.put("query", "echostr", content.decode("latin-1")), method="GET", headers=())


def frame_of(secrets: WeChatSecrets | WeComSecrets | DingTalkSecrets) -> tuple[str, bytes]:
    """The AES key of an app, and whom its frames are for."""
    if isinstance(secrets, DingTalkSecrets):
        return secrets.aes_keys[0], secrets.receive_ids[0].encode()
    return secrets.aes_keys[0], (secrets.app_id if isinstance(secrets, WeChatSecrets) else secrets.corp_id).encode()


def framed_xml(encrypted: str, secrets: WeChatSecrets | WeComSecrets, at: datetime) -> Raw:
    """The call around a frame, signed."""
    token = secrets.tokens[0]
    query = {
        "msg_signature": sha1(token, seconds(at), "1320562132", encrypted),
        "timestamp": seconds(at),
        "nonce": "1320562132",
    }
    if isinstance(secrets, WeChatSecrets):
        query |= {"signature": sha1(token, seconds(at), "1320562132"), "encrypt_type": "aes"}
    body = _xml({"ToUserName": "gh_10f6c3c3ac5a", "Encrypt": encrypted})
    return Raw("POST", (("Content-Type", XML_TYPE),), tuple(query.items()), body, at)


def encrypted_xml(content: bytes, secrets: WeChatSecrets | WeComSecrets, at: datetime) -> Raw:
    return framed_xml(sealed(content, *frame_of(secrets)), secrets, at)


def wecom_echo(content: bytes, secrets: WeComSecrets, at: datetime) -> Raw:
    encrypted = sealed(content, *frame_of(secrets))
    raw = framed_xml(encrypted, secrets, at)
    return replace(raw.put("query", "echostr", encrypted), method="GET", headers=(), body=b"")


def framed_json(encrypted: str, secrets: DingTalkSecrets, at: datetime) -> Raw:
    milliseconds = f"{seconds(at)}814"
    query = {
        "msg_signature": sha1(secrets.tokens[0], milliseconds, "WL4PK6yA", encrypted),
        "timestamp": milliseconds,
        "nonce": "WL4PK6yA",
    }
    body = dumped({"encrypt": encrypted})
    return Raw("POST", (("Content-Type", "application/json"),), tuple(query.items()), body, at)


def dingtalk_event(content: bytes, secrets: DingTalkSecrets, at: datetime) -> Raw:
    return framed_json(sealed(content, *frame_of(secrets)), secrets, at)


def dingtalk_robot(content: bytes, secrets: DingTalkSecrets, at: datetime) -> Raw:
    milliseconds, secret = f"{seconds(at)}814", secrets.app_secrets[0]
    digest = hmac.new(secret.encode(), f"{milliseconds}\n{secret}".encode(), hashlib.sha256).digest()
    headers = {
        "Content-Type": JSON_TYPE,
        "timestamp": milliseconds,
        "sign": base64.b64encode(digest).decode(),
    }
    return Raw("POST", tuple(headers.items()), (), content, at)


def dingtalk_robot_encrypted(content: bytes, secrets: DingTalkSecrets, at: datetime) -> Raw:
    return dingtalk_robot(dumped({"encrypt": sealed(content, *frame_of(secrets))}), secrets, at)


# Discord, Feishu

DISCORD_KEYS = [Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32) for seed in (1, 2, 3)]
DISCORD_COMMAND = {
    "type": 2,
    "id": "1302264421777477632",
    "application_id": "845027738276462632",
    "token": "aW50ZXJhY3Rpb246MTMwMjI2NDQyMTc3NzQ3NzYzMg",
    "version": 1,
    "guild_id": "290926798626357999",
    "channel_id": "645027906669510667",
    "locale": "zh-CN",
    "context": 0,
    "member": {"user": {"id": "53908232506183680", "username": "Zoé"}, "permissions": "2147483647"},
    "data": {
        "id": "771825006014889984",
        "name": "groupbuy",
        "type": 1,
        "options": [{"type": 1, "name": "status", "options": [{"type": 3, "name": "code", "value": CODE}]}],
    },
}
FEISHU_PREVIEW = {
    "schema": "2.0",
    "header": {
        "event_id": "f7984f25108f8137722bb63cee927e66",
        "token": "066zT6pS4QCbgj5Do145GfDbbagCHGgF",
        "create_time": f"{seconds(NOW)}123",
        "event_type": "url.preview.get",
        "tenant_key": "xxxxxxx",
        "app_id": "cli_xxxxxxxx",
    },
    "event": {
        "operator": {"tenant_key": "736588c9260f175d", "open_id": "ou_xxxxxx"},
        "host": "im_message",
        "context": {
            "url": f"{LINK}?from=é",
            "preview_token": "952te0c8-9ccf-463d-ad73-593f8f768a5c",
            "open_message_id": "om_xxxxxx",
            "open_chat_id": "oc_xxxxxx",
        },
    },
}
FEISHU_CHALLENGE = {
    "challenge": "ajls384kdjx98XX",
    "token": "066zT6pS4QCbgj5Do145GfDbbagCHGgF",
    "type": "url_verification",
}


def discord_public(number: int) -> str:
    return DISCORD_KEYS[number].public_key().public_bytes_raw().hex()


def discord(content: bytes, secrets: DiscordSecrets, at: datetime) -> Raw:
    private = next(one for one in DISCORD_KEYS if one.public_key().public_bytes_raw().hex() == secrets.public_keys[0])
    signature = private.sign(seconds(at).encode() + content).hex()
    headers = {
        "X-Signature-Ed25519": signature,
        "X-Signature-Timestamp": seconds(at),
        "Content-Type": "application/json",
    }
    return Raw("POST", tuple(headers.items()), (), content, at)


def feishu_sealed(content: bytes, key: str) -> str:
    iv = b"fedcba9876543210"
    missing = 16 - len(content) % 16
    cipher = Cipher(algorithms.AES(hashlib.sha256(key.encode()).digest()), modes.CBC(iv)).encryptor()
    return base64.b64encode(iv + cipher.update(content + bytes([missing]) * missing) + cipher.finalize()).decode()


def feishu(content: bytes, secrets: FeishuSecrets, at: datetime) -> Raw:
    key = secrets.encrypt_keys[0]
    body = dumped({"encrypt": feishu_sealed(content, key)})
    headers = {
        "Content-Type": JSON_TYPE,
        "X-Lark-Request-Timestamp": seconds(at),
        "X-Lark-Request-Nonce": "533226633",
        "X-Lark-Signature": hashlib.sha256(f"{seconds(at)}533226633{key}".encode() + body).hexdigest(),
    }
    return Raw("POST", tuple(headers.items()), (), body, at)


def feishu_challenge(content: bytes, secrets: FeishuSecrets, at: datetime) -> Raw:
    body = dumped({"encrypt": feishu_sealed(content, secrets.encrypt_keys[0])})
    return Raw("POST", (("Content-Type", JSON_TYPE),), (), body, at)


# All of them

_SLACK = (SlackSecrets(("8f742231b10e8888abcd99yyyzzz85a5",)), SlackSecrets(("f8e742231b10e8888abcd99yyyzzz85a",)))
_TELEGRAM = (TelegramSecrets(("tg_secret-0123456789ABCDEF",)), TelegramSecrets(("tg_secret-0123456789ABCDEG",)))
_LINE = (LineSecrets(("8c570fa6dd201bb328f1c1eac23a96d8",)), LineSecrets(("d8c570fa6dd201bb328f1c1eac23a96d",)))
_WHATSAPP = (
    WhatsAppSecrets(("2a7b1d3c4e5f60718293a4b5c6d7e8f9",), ("our-verify-token",)),
    WhatsAppSecrets(("92a7b1d3c4e5f60718293a4b5c6d7e8f",), ("their-verify-token",)),
)
_AES = ("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C")
_WECHAT = (
    WeChatSecrets(("spamtest",), (_AES[0],), "wx2c2769f8efd9abc2"),
    WeChatSecrets(("testspam",), (_AES[1],), "wx2c2769f8efd9abc3"),
)
_PLAIN = (WeChatSecrets(("spamtest",)), WeChatSecrets(("testspam",)))
_WECOM = (
    WeComSecrets(("QDG6eK",), (_AES[1],), "ww5823bf96d3bd56c7"),
    WeComSecrets(("QDG6eL",), (_AES[0],), "ww5823bf96d3bd56c8"),
)
_DISCORD = (DiscordSecrets((discord_public(0),)), DiscordSecrets((discord_public(1),)))
_FEISHU = (
    FeishuSecrets(("our-encrypt-key",), ("066zT6pS4QCbgj5Do145GfDbbagCHGgF",)),
    FeishuSecrets(("their-encrypt-key",), ("166zT6pS4QCbgj5Do145GfDbbagCHGgF",)),
)
_DINGTALK = (
    DingTalkSecrets(("this-is-the-app-secret_1",), ("mryue",), (_AES[0],), ("ding6ccabc44d2c8d38b",)),
    DingTalkSecrets(("this-is-the-app-secret_2",), ("yuemr",), (_AES[1],), ("ding6ccabc44d2c8d38c",)),
)
_ROBOT = (DingTalkSecrets(("this-is-the-app-secret_1",)), DingTalkSecrets(("this-is-the-app-secret_2",)))

_SLACK_PLACES: dict[str, Any] = {
    "proof": ("header", "X-Slack-Signature"),
    "time": ("header", "X-Slack-Request-Timestamp"),
}
_FRAME_PLACES: dict[str, Any] = {
    "proof": ("query", "msg_signature"),
    "time": ("query", "timestamp"),
    "nonce": ("query", "nonce"),
}
_PLAIN_PLACES: dict[str, Any] = {**_FRAME_PLACES, "proof": ("query", "signature")}
_ROBOT_PLACES: dict[str, Any] = {"proof": ("header", "sign"), "time": ("header", "timestamp"), "behind": 3_600}

STYLES = [
    Style("slack event", "slack", dumped(SLACK_EVENT), *_SLACK, slack("application/json"), **_SLACK_PLACES),
    Style(
        "slack button",
        "slack",
        urlencode({"payload": dumped(SLACK_BUTTON).decode()}).encode(),
        *_SLACK,
        slack(FORM_TYPE),
        **_SLACK_PLACES,
        form="form",
    ),
    Style(
        "slack command",
        "slack",
        urlencode(SLACK_COMMAND).encode(),
        *_SLACK,
        slack(FORM_TYPE),
        **_SLACK_PLACES,
        form="form",
    ),
    Style(
        "telegram",
        "telegram",
        dumped(TELEGRAM_UPDATE),
        *_TELEGRAM,
        telegram,
        ("header", "X-Telegram-Bot-Api-Secret-Token"),
        covers=False,
    ),
    Style("line", "line", dumped(LINE_EVENTS), *_LINE, line, ("header", "x-line-signature")),
    Style(
        "whatsapp",
        "whatsapp",
        json.dumps(WHATSAPP_CHANGES).replace("/", "\\/").encode(),
        *_WHATSAPP,
        whatsapp,
        ("header", "X-Hub-Signature-256"),
    ),
    Style(
        "whatsapp subscription",
        "whatsapp",
        b"1158201444",
        *_WHATSAPP,
        whatsapp_subscription,
        ("query", "hub.verify_token"),
        covers=False,
        form="text",
        is_handshake=True,
    ),
    Style("wechat", "wechat", WECHAT_MESSAGE, *_WECHAT, encrypted_xml, **_FRAME_PLACES, form="xml", frame=True),
    Style("wechat plain", "wechat", WECHAT_MESSAGE, *_PLAIN, wechat_plain, **_PLAIN_PLACES, covers=False, form="xml"),
    Style(
        "wechat echo",
        "wechat",
        b"5837397576500011341",
        *_WECHAT,
        wechat_echo,
        **_PLAIN_PLACES,
        covers=False,
        form="text",
        is_handshake=True,
    ),
    Style("wecom", "wecom", WECOM_MESSAGE, *_WECOM, encrypted_xml, **_FRAME_PLACES, form="xml", frame=True),
    Style(
        "wecom echo",
        "wecom",
        b"1616140317555161061",
        *_WECOM,
        wecom_echo,
        **_FRAME_PLACES,
        form="text",
        frame=True,
        is_handshake=True,
    ),
    Style(
        "discord",
        "discord",
        dumped(DISCORD_COMMAND),
        *_DISCORD,
        discord,
        ("header", "X-Signature-Ed25519"),
        ("header", "X-Signature-Timestamp"),
    ),
    Style(
        "feishu",
        "feishu",
        dumped(FEISHU_PREVIEW),
        *_FEISHU,
        feishu,
        ("header", "X-Lark-Signature"),
        ("header", "X-Lark-Request-Timestamp"),
        ("header", "X-Lark-Request-Nonce"),
    ),
    Style(
        "feishu challenge",
        "feishu",
        dumped(FEISHU_CHALLENGE),
        *_FEISHU,
        feishu_challenge,
        ("body", "token"),
        covers=False,
        is_handshake=True,
    ),
    Style(
        "dingtalk event",
        "dingtalk",
        dumped(DINGTALK_EVENT),
        *_DINGTALK,
        dingtalk_event,
        **_FRAME_PLACES,
        behind=3_600,
        frame=True,
    ),
    Style(
        "dingtalk robot", "dingtalk", dumped(DINGTALK_MESSAGE), *_ROBOT, dingtalk_robot, **_ROBOT_PLACES, covers=False
    ),
    Style(
        "dingtalk robot, encrypted",
        "dingtalk",
        dumped(DINGTALK_MESSAGE),
        *_DINGTALK,
        dingtalk_robot_encrypted,
        **_ROBOT_PLACES,
        covers=False,
        frame=True,
    ),
]
BY_NAME = {style.name: style for style in STYLES}


def later(by: int) -> datetime:
    """So many seconds after the calls were made."""
    return NOW + timedelta(seconds=by)
