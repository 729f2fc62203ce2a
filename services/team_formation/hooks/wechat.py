"""WeChat: messages and events of an official account, encrypted or plain.

https://developers.weixin.qq.com/doc/offiaccount/Basic_Information/Access_Overview.html: `signature` is SHA-1 of the
sorted token, timestamp and nonce; a GET with it wants `echostr` back. Encrypted calls have `msg_signature`, which
covers the frame in <Encrypt> too (frames.py):
https://developers.weixin.qq.com/doc/oplatform/Third-party_Platforms/2.0/Before_Develop/Message_encryption_and_decryption.html.
The plain signature covers no body. So where an AES key is set up, what is plain is refused, and of the compatible mode
only the encrypted part is read. Messages are known by MsgId, events by sender and CreateTime:
https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Receiving_standard_messages.html.
"""

import re
from dataclasses import dataclass, field

from services.team_formation.hooks import frames, secret_forms
from services.team_formation.hooks.admission import NOT_PROVEN, XML_ONLY, not_admitted
from services.team_formation.hooks.call import Answer, Call, Handshake, Outcome, Refused
from services.team_formation.hooks.encrypted_xml import Keys, named_frame, open_body, reply
from services.team_formation.hooks.proof import is_one_of, is_recent, read_seconds
from services.team_formation.hooks.xml_events import event_of

_ECHO = re.compile(r"[A-Za-z0-9_-]{1,128}")
_DONE = Answer(200, b"success")
_MUST_BE_ENCRYPTED = Refused(401, "an AES key is set up, and the call is not encrypted: choose the safe mode")


@dataclass(frozen=True, slots=True)
class WeChatSecrets:
    """Tokens and EncodingAESKeys, the current one first, and the account's AppID; without a key, the plain mode."""

    tokens: tuple[str, ...] = field(repr=False)
    aes_keys: tuple[str, ...] = field(default=(), repr=False)
    app_id: str = ""

    def __post_init__(self) -> None:
        secret_forms.check("tokens", self.tokens, r"[A-Za-z0-9]{3,32}")
        secret_forms.check("aes_keys", self.aes_keys, secret_forms.AES_KEY, may_lack=True)
        secret_forms.check("app_id", (self.app_id,), r"wx[0-9a-z]{8,32}" if self.aes_keys else r"(wx[0-9a-z]{8,32})?")

    @property
    def keys(self) -> Keys:
        """What frames are opened and made with."""
        return Keys(self.tokens, self.aes_keys, self.app_id)


def verify(call: Call, secrets: WeChatSecrets) -> Outcome:
    """Check a call and say what is in it."""
    if call.method == "GET":
        return _echo(call, secrets)
    if refused := not_admitted(call, XML_ONLY):
        return refused
    if secrets.aes_keys:
        payload = open_body(call, secrets.keys) if named_frame(call.body) else _MUST_BE_ENCRYPTED
    else:
        payload = call.body if _is_signed(call, secrets) else NOT_PROVEN
    return payload if isinstance(payload, Refused) else event_of(payload, _DONE, is_covered=bool(secrets.aes_keys))


def _echo(call: Call, secrets: WeChatSecrets) -> Outcome:
    """Answer the server's check of our address, which is signed the plain way in every mode."""
    echo = call.parameter("echostr") or ""
    is_signed = _is_signed(call, secrets)
    return Handshake(Answer(200, echo.encode())) if is_signed and _ECHO.fullmatch(echo) else NOT_PROVEN


def _is_signed(call: Call, secrets: WeChatSecrets) -> bool:
    timestamp, nonce = call.parameter("timestamp") or "", call.parameter("nonce") or ""
    right = [frames.signature(token, timestamp, nonce) for token in secrets.tokens]
    is_right = is_one_of(call.parameter("signature"), right)
    is_formed = bool(frames.NONCE.fullmatch(nonce))
    return is_recent(read_seconds(timestamp), call.received_at) and is_right and is_formed


def encrypt_reply(message: bytes, secrets: WeChatSecrets, seconds: int, nonce: str) -> Answer:
    """Make the encrypted answer to a call out of a plain one, which is XML; ValueError where no AES key is set up.

    https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Passive_user_reply_message.html
    """
    return reply(message, secrets.keys, seconds, nonce)
