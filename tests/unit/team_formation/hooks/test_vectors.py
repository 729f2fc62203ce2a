"""What services have published as examples, calculated again."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.team_formation.hooks import dingtalk, discord, feishu, frames, line, slack, wechat, wecom
from services.team_formation.hooks.call import Answer, Handshake, Refused, Verified
from services.team_formation.hooks.registry import SERVICES
from tests.support.hook_calls import FORM_TYPE, JSON_TYPE, XML_TYPE, Raw


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def post(body: bytes, when: int, **headers: str) -> Raw:
    names = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Raw("POST", names, (), body, at(when))


# https://docs.slack.dev/authentication/verifying-requests-from-slack
SLACK_BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
    b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
    b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
SLACK_SIGNATURE = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"


def test_slack() -> None:
    raw = post(
        SLACK_BODY,
        1531420618,
        X_Slack_Signature=SLACK_SIGNATURE,
        X_Slack_Request_Timestamp="1531420618",
        Content_Type=FORM_TYPE,
    )
    outcome = slack.verify(raw.call, slack.SlackSecrets(("8f742231b10e8888abcd99yyyzzz85a5",)))
    assert isinstance(outcome, Verified)
    assert outcome.events[0].event_id == "398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    read = SERVICES["slack"].read(outcome.events[0].payload)
    assert read
    assert (read.sender, read.chat) == ("U2CERLKJA", "G8PSS9T3V")


def test_line_asks_whether_somebody_is_here() -> None:
    # https://developers.line.biz/en/docs/messaging-api/verify-webhook-signature
    raw = post(
        b'{"destination":"U8e742f61d673b39c7fff3cecb7536ef0","events":[]}',
        1700000000,
        x_line_signature="GhRKmvmHys4Pi8DxkF4+EayaH0OqtJtaZxgTD9fMDLs=",
        Content_Type=JSON_TYPE,
    )
    assert line.verify(raw.call, line.LineSecrets(("8c570fa6dd201bb328f1c1eac23a96d8",))) == Handshake(Answer(200))


# The sample code of https://developer.work.weixin.qq.com/document/path/90307
WECOM = wecom.WeComSecrets(("QDG6eK",), ("jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C",), "wx5823bf96d3bd56c7")
WECOM_ECHO = "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ=="
WECOM_FRAME = (
    "RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3QczcdCUpj911L3vg3W/sYYvuJTs3TU"
    "UkSUXxaccAS0qhxchrRYt66wiSpGLYL42aM6A8dTT+6k4aSknmPj48kzJs8qLjvd4Xgpue06DOdnLxAUHzM6+kDZ+HMZfJYuR+LtwGc2hgf5gsijff"
    "0ekUNXZiqATP7PF5mZxZ3Izoun1s4zG4LUMnvw2r+KqCKIw+3IQH03v+BCA9nMELNqbSf6tiWSrXJB3LAVGUcallcrw8V2t9EL4EhzJWrQUax5wLVM"
    "NS0+rUPA3k22Ncx4XXZS9o0MBH27Bo6BpNelZpS+/uh9KsNlY6bHCmJU9p8g7m3fVKn28H3KDYA5Pl/T8Z1ptDAVe0lXdQ2YoyyH2uyPIGHBZZIs2p"
    "DBS8R07+qN+E7Q=="
)


def test_wecom_tries_the_address() -> None:
    query = {
        "msg_signature": "5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3",
        "timestamp": "1409659589",
        "nonce": "263014780",
        "echostr": WECOM_ECHO,
    }
    raw = Raw("GET", (), tuple(query.items()), b"", at(1409659589))
    assert wecom.verify(raw.call, WECOM) == Handshake(Answer(200, b"1616140317555161061"))


def test_wecom_sends_a_message() -> None:
    query = {
        "msg_signature": "477715d11cdb4164915debcba66cb864d751f3e6",
        "timestamp": "1409659813",
        "nonce": "1372623149",
    }
    body = (
        f"<xml><ToUserName><![CDATA[wx5823bf96d3bd56c7]]></ToUserName><Encrypt><![CDATA[{WECOM_FRAME}]]></Encrypt>\n"
        "<AgentID><![CDATA[218]]></AgentID>\n</xml>"
    )
    raw = Raw("POST", (("Content-Type", XML_TYPE),), tuple(query.items()), body.encode(), at(1409659813))
    outcome = wecom.verify(raw.call, WECOM)
    assert isinstance(outcome, Verified)
    event = outcome.events[0]
    assert (event.event_id, event.kind, event.happened_at) == ("4561255354251345929", "text", at(1409659813))
    read = SERVICES["wecom"].read(event.payload)
    assert read
    assert (read.sender, read.app, read.said.text) == ("mycreate", "218", "hello")


# The sample code of https://developers.weixin.qq.com/doc/oplatform/Third-party_Platforms/2.0/Before_Develop/Message_encryption_and_decryption.html
WECHAT = wechat.WeChatSecrets(("spamtest",), ("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",), "wx2c2769f8efd9abc2")
WECHAT_FRAME = (
    "hyzAe4OzmOMbd6TvGdIOO6uBmdJoD0Fk53REIHvxYtJlE2B655HuD0m8KUePWB3+LrPXo87wzQ1QLvbeUgmBM4x6F8PGHQHFVAFmOD2LdJF9FrXpbUAh"
    "0B5GIItb52sn896wVsMSHGuPE328HnRGBcrS7C41IzDWyWNlZkyyXwon8T332jisa+h6tEDYsVticbSnyU8dKOIbgU6ux5VTjg3yt+WGzjlpKn6NPhRj"
    "pA912xMezR4kw6KWwMrCVKSVCZciVGCgavjIQ6X8tCOp3yZbGpy0VxpAe+77TszTfRd5RJSVO/HTnifJpXgCSUdUue1v6h0EIBYYI1BD1DlD+C0CR8e6"
    "OewpusjZ4uBl9FyJvnhvQl+q5rv1ixrcpCumEPo5MJSgM9ehVsNPfUM669WuMyVWQLCzpu9GhglF2PE="
)
WECHAT_PLAIN = (
    "<ToUserName><![CDATA[gh_10f6c3c3ac5a]]></ToUserName><FromUserName><![CDATA[oyORnuP8q7ou2gfYjqLzSIWZf0rs]]>"
    "</FromUserName><CreateTime>1409735668</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[abcdteT]]>"
    "</Content><MsgId>6054768590064713728</MsgId>"
)


@pytest.mark.parametrize("beside", [WECHAT_PLAIN, "<ToUserName><![CDATA[gh_10f6c3c3ac5a]]></ToUserName>"])
def test_wechat_sends_a_message_in_the_compatible_and_the_safe_mode(beside: str) -> None:
    query = {
        "msg_signature": "5d197aaffba7e9b25a30732f161a50dee96bd5fa",
        "timestamp": "1409735669",
        "nonce": "1320562132",
        "encrypt_type": "aes",
    }
    body = f"<xml>{beside}<Encrypt><![CDATA[{WECHAT_FRAME}]]></Encrypt></xml>"
    raw = Raw("POST", (("Content-Type", XML_TYPE),), tuple(query.items()), body.encode(), at(1409735669))
    outcome = wechat.verify(raw.call, WECHAT)
    assert isinstance(outcome, Verified)
    assert outcome.answer.body == b"success"
    assert outcome.events[0].event_id == "6054768590064713728"
    read = SERVICES["wechat"].read(outcome.events[0].payload)
    assert read
    assert (read.sender, read.app, read.said.text) == ("oyORnuP8q7ou2gfYjqLzSIWZf0rs", "gh_10f6c3c3ac5a", "abcdteT")


def test_wechat_signs_token_time_and_nonce() -> None:
    # A test of https://github.com/wechatpy/wechatpy's successor, whose values say for themselves what is sorted.
    assert frames.signature("789", "456", "123") == "f7c3bc1d808e04732adf679965ccc34ca7ae3441"


# https://open.feishu.cn/document/ukTMukTMukTM/uYDNxYjL2QTM24iN0EjN/event-subscription-configure-/encrypt-key-encryption-configuration-case
FEISHU_FRAME = "P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk="


def test_feishu_encrypts() -> None:
    assert feishu._decrypted(base64.b64decode(FEISHU_FRAME), "test key") == b"hello world"


# https://github.com/open-dingtalk/DingTalk-Callback-Crypto, DingCallbackCrypto3.py
DINGTALK = dingtalk.DingTalkSecrets(
    tokens=("mryue",),
    aes_keys=("Yue0EfdN5900c1ce5cf6A152c63DDe1808a60c5ecd7",),
    receive_ids=("ding6ccabc44d2c8d38b",),
)
DINGTALK_FRAME = (
    "0vJiX6vliEpwG3U45CtXqi+m8PXbQRARJ8p8BbDuD1EMTDf0jKpQ79QS93qEk7XHpP6u+oTTrd15NRPvNvmBKyDCYxxOK+HZeKju4yhELOFchzNukR+t"
    "8SB/qk4ROMu3"
)


@pytest.mark.parametrize("name", ["msg_signature", "signature"])
def test_dingtalk_tries_the_address(name: str) -> None:
    query = {name: "03044561471240d4a14bb09372dfcfd4fd0e40cb", "timestamp": "1608001896814", "nonce": "WL4PK6yA"}
    body = json.dumps({"encrypt": DINGTALK_FRAME}).encode()
    raw = Raw("POST", (("Content-Type", "application/json"),), tuple(query.items()), body, at(1608001896))
    outcome = dingtalk.verify(raw.call, DINGTALK)
    assert isinstance(outcome, Handshake)
    said = json.loads(outcome.answer.body)
    opened = frames.open_any(said["encrypt"], DINGTALK.aes_keys, DINGTALK.receive_ids)
    signature = frames.signature("mryue", said["timeStamp"], said["nonce"], said["encrypt"])
    assert (opened, said["msg_signature"]) == (b"success", signature)


# RFC 8032, section 7.1: secret key, public key, message, signature.
ED25519 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]


@pytest.mark.parametrize(("private", "public", "message", "signature"), ED25519)
def test_discord_signs_with_ed25519(private: str, public: str, message: str, signature: str) -> None:
    assert discord._holds(public, bytes.fromhex(signature), bytes.fromhex(message))
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(private))
    when, ping = "1700000000", b'{"id":"1","type":1,"version":1}'
    raw = post(
        ping,
        1700000000,
        X_Signature_Ed25519=key.sign(when.encode() + ping).hex(),
        X_Signature_Timestamp=when,
        Content_Type="application/json",
    )
    pong = discord.verify(raw.call, discord.DiscordSecrets((public,)))
    assert pong == Handshake(Answer(200, b'{"type":1}', "application/json"))
    # What Discord's portal does before it takes an address: signatures that do not hold must be answered 401.
    wrong = raw.put("header", "X-Signature-Ed25519", "0" * 128)
    assert discord.verify(wrong.call, discord.DiscordSecrets((public,))).answer.status == 401
    assert isinstance(discord.verify(wrong.call, discord.DiscordSecrets((public,))), Refused)
