"""Services' own libraries agree with us, on what is good and on what is not."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

import pytest
from linebot.v3.webhook import SignatureValidator
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey
from slack_sdk.signature import Clock, SignatureVerifier
from wechatpy.crypto import WeChatCrypto
from wechatpy.enterprise.crypto import WeChatCrypto as WeComCrypto
from wechatpy.exceptions import InvalidAppIdException, InvalidSignatureException
from wechatpy.utils import check_signature

from services.team_formation.hooks import discord, frames, wechat, wecom
from services.team_formation.hooks.call import Refused, Verified
from services.team_formation.hooks.xml_values import read_fields
from tests.support.forging import FORGERS
from tests.support.hook_calls import BY_NAME, NOW, Raw, Style, framed_xml, sealed, seconds

TIMES = 2_000
SIGNED = ("signature:", "body:", "time:", "replay:", "nonce:")


def calls(style: Style, kinds: tuple[str, ...] = SIGNED) -> Iterator[Raw]:
    """The good call, then forgeries of it."""
    chance = random.Random(style.name)  # noqa: S311 - no secret
    yield style.raw()
    names = [name for name in FORGERS if name.startswith(kinds)]
    for _ in range(TIMES):
        forged = FORGERS[chance.choice(names)](chance, style, style.raw())
        if forged is not None and forged.method == style.raw().method:
            yield forged


class _Clock(Clock):
    def __init__(self, raw: Raw) -> None:
        self._now = raw.at.timestamp()

    def now(self) -> float:
        return self._now


@pytest.mark.parametrize("name", ["slack event", "slack button", "slack command"])
def test_slack_sdk_takes_whatever_we_take(name: str) -> None:
    style, taken = BY_NAME[name], 0
    for raw in calls(style):
        ours = isinstance(style.verify(raw), Verified)
        theirs = SignatureVerifier(style.secrets.signing_secrets[0], _Clock(raw))
        headers = dict(raw.headers)
        try:
            agrees = theirs.is_valid_request(raw.body, headers)
        except (ValueError, OverflowError, TypeError):
            agrees = False  # a time that is no number, one that is very large, a body or header that is no text
        if len(headers) == len(raw.headers):  # it is given a dict, so of a header that came twice it sees one
            assert agrees == ours, raw
        assert agrees or not ours
        taken += ours
    assert taken >= 1


def test_line_bot_sdk_takes_whatever_we_take() -> None:
    style = BY_NAME["line"]
    validator = SignatureValidator(style.secrets.channel_secrets[0])
    for raw in calls(style, ("signature:", "body:")):
        signatures = [value for key, value in raw.headers if key == "x-line-signature"]
        try:
            body = raw.body.decode()
        except UnicodeDecodeError:
            continue  # it takes text only
        theirs = len(signatures) == 1 and validator.validate(body, signatures[0])
        assert theirs == isinstance(style.verify(raw), Verified) or raw.value("header", "Content-Type") == ""


def test_pynacl_and_we_agree_on_signatures() -> None:
    chance = random.Random("nacl")  # noqa: S311 - no secret
    for _ in range(500):
        key = SigningKey(chance.randbytes(32))
        message = chance.randbytes(chance.randrange(200))
        signature = bytearray(key.sign(message).signature)
        if chance.random() < 0.7:
            signature[chance.randrange(64)] ^= 1 << chance.randrange(8)
        try:
            VerifyKey(bytes(key.verify_key)).verify(message, bytes(signature))
            theirs = True
        except BadSignatureError:
            theirs = False
        assert discord._holds(bytes(key.verify_key).hex(), bytes(signature), message) == theirs


def test_a_signature_with_a_larger_s_is_not_taken() -> None:
    """RFC 8032, section 5.1.7: S is below the group's order, or one signature could be written in two ways."""
    style = BY_NAME["discord"]
    signature = bytes.fromhex(style.raw().value(*style.proof))
    order = 2**252 + 27742317777372353535851937790883648493
    larger = (int.from_bytes(signature[32:], "little") + order).to_bytes(32, "little")
    raw = style.raw().put(*style.proof, (signature[:32] + larger).hex())
    assert isinstance(style.verify(raw), Refused)


@pytest.mark.parametrize("name", ["wechat", "wecom"])
def test_wechatpy_opens_what_we_open(name: str) -> None:
    style = BY_NAME[name]
    key, receiver = style.secrets.aes_keys[0], style.secrets.keys.receive_id
    kind = WeChatCrypto if name == "wechat" else WeComCrypto
    theirs = kind(style.secrets.tokens[0], key, receiver)
    for raw in calls(style, ("signature:", "time: another", "nonce: another", "body: cut", "body: one bit")):
        ours = style.verify(raw)
        if not isinstance(ours, Verified):
            continue
        values = [raw.value("query", one) for one in ("msg_signature", "timestamp", "nonce")]
        assert theirs.decrypt_message(raw.body.decode(), *values).encode() == ours.events[0].payload


def test_wechatpy_refuses_what_we_refuse() -> None:
    style = BY_NAME["wechat"]
    theirs = WeChatCrypto(style.secrets.tokens[0], style.secrets.aes_keys[0], style.secrets.app_id)
    encrypted = sealed(style.content, style.secrets.aes_keys[0], b"wx0000000000000000")
    for raw, refusal in (
        (framed_xml(encrypted, style.secrets, NOW), InvalidAppIdException),
        (style.raw().put("query", "msg_signature", "0" * 40), InvalidSignatureException),
    ):
        values = [raw.value("query", one) for one in ("msg_signature", "timestamp", "nonce")]
        with pytest.raises(refusal):
            theirs.decrypt_message(raw.body.decode(), *values)
        assert isinstance(style.verify(raw), Refused)


def test_wechatpy_knows_the_plain_signature() -> None:
    raw = BY_NAME["wechat plain"].raw()
    values = [raw.value("query", one) for one in ("signature", "timestamp", "nonce")]
    check_signature("spamtest", *values)
    with pytest.raises(InvalidSignatureException):
        check_signature("spamtest", values[0], values[1], "1")


@pytest.mark.parametrize("name", ["wechat", "wecom"])
def test_wechatpy_reads_our_answers(name: str) -> None:
    style, said = BY_NAME[name], "<xml><Content><![CDATA[拼团 🎉]]></Content></xml>"
    make = wechat.encrypt_reply if name == "wechat" else wecom.encrypt_reply
    answer = make(said.encode(), style.secrets, int(NOW.timestamp()), "nonce-1")
    fields = read_fields(answer.body) or {}
    kind = WeChatCrypto if name == "wechat" else WeComCrypto
    theirs = kind(style.secrets.tokens[0], style.secrets.aes_keys[0], style.secrets.keys.receive_id)
    values = (fields["MsgSignature"], fields["TimeStamp"], fields["Nonce"])
    assert theirs.decrypt_message(answer.body.decode(), *values) == said


def test_we_open_what_wechatpy_encrypts() -> None:
    style = BY_NAME["wechat"]
    theirs = WeChatCrypto(style.secrets.tokens[0], style.secrets.aes_keys[0], style.secrets.app_id)
    for length in range(70):
        said = "x" * length
        fields = read_fields(theirs.encrypt_message(said, "1320562132", seconds(NOW)).encode()) or {}
        opened = frames.open_any(fields["Encrypt"], style.secrets.aes_keys, [style.secrets.app_id])
        assert opened == said.encode()
        sealed_by_us = frames.seal(said.encode(), style.secrets.aes_keys[0], style.secrets.app_id, "n")
        signature = frames.signature(style.secrets.tokens[0], seconds(NOW), "n", sealed_by_us)
        raw = replace(style.raw(), body=f"<xml><Encrypt>{sealed_by_us}</Encrypt></xml>".encode())
        assert theirs.decrypt_message(raw.body.decode(), signature, seconds(NOW), "n") == said
