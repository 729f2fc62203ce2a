"""The XML around an encrypted frame, as WeChat and WeCom send and take it.

Nothing is parsed before the signature is compared: the frame is found in the raw bytes by its form alone.
https://developer.work.weixin.qq.com/document/path/90238 and the documents of frames.py.
"""

import re
from dataclasses import dataclass, field

from services.team_formation.hooks import frames
from services.team_formation.hooks.admission import NOT_PROVEN, NOT_READABLE
from services.team_formation.hooks.call import Answer, Call, Refused
from services.team_formation.hooks.proof import is_one_of, is_recent, read_seconds
from services.team_formation.hooks.xml_values import read_fields

_ENCRYPT = re.compile(rb"<Encrypt>\s{0,8}(?:<!\[CDATA\[)?([A-Za-z0-9+/=]{24,350000})(?:\]\]>)?\s{0,8}</Encrypt>")


@dataclass(frozen=True, slots=True)
class Keys:
    """What frames are signed, opened and made with; the first token and key make."""

    tokens: tuple[str, ...] = field(repr=False)
    aes_keys: tuple[str, ...] = field(repr=False)
    receive_id: str


def named_frame(body: bytes) -> str:
    """Find the encrypted text in a body; "" where there is not exactly one."""
    found = _ENCRYPT.findall(body)
    return found[0].decode() if len(found) == 1 else ""


def is_signed(call: Call, encrypted: str, keys: Keys) -> bool:
    """Tell whether `msg_signature` covers an encrypted text, now."""
    timestamp, nonce = call.parameter("timestamp") or "", call.parameter("nonce") or ""
    right = [frames.signature(token, timestamp, nonce, encrypted) for token in keys.tokens]
    is_right = is_one_of(call.parameter("msg_signature"), right)
    is_formed = bool(frames.NONCE.fullmatch(nonce))
    return is_recent(read_seconds(timestamp), call.received_at) and is_right and is_formed


def open_body(call: Call, keys: Keys) -> bytes | Refused:
    """Check the signature over the frame in a body, then open it; what is around it must be well-formed too."""
    encrypted = named_frame(call.body)
    if not is_signed(call, encrypted, keys):
        return NOT_PROVEN
    message = frames.open_any(encrypted, keys.aes_keys, [keys.receive_id])
    if message is None:
        return NOT_PROVEN
    around = read_fields(call.body)
    return message if around is not None and around.get("Encrypt") == encrypted else NOT_READABLE


def reply(message: bytes, keys: Keys, seconds: int, nonce: str) -> Answer:
    """Make the XML of an encrypted answer; ValueError where a nonce or time cannot be signed or no key is set up."""
    if not keys.aes_keys or not frames.NONCE.fullmatch(nonce) or read_seconds(str(seconds)) is None:
        raise ValueError("an encrypted answer needs an AES key, ten digits of time and a nonce of letters and digits")
    encrypted = frames.seal(message, keys.aes_keys[0], keys.receive_id, nonce)
    signature = frames.signature(keys.tokens[0], str(seconds), nonce, encrypted)
    xml = (
        f"<xml><Encrypt><![CDATA[{encrypted}]]></Encrypt><MsgSignature><![CDATA[{signature}]]></MsgSignature>"
        f"<TimeStamp>{seconds}</TimeStamp><Nonce><![CDATA[{nonce}]]></Nonce></xml>"
    )
    return Answer(200, xml.encode(), "application/xml; charset=utf-8")
