"""WeCom: messages and events of an application in a company, always encrypted.

https://developer.work.weixin.qq.com/document/path/90238: `msg_signature` is SHA-1 of the sorted token, timestamp, nonce
and encrypted text; the frame (frames.py) is for the company's CorpID. A GET has the frame in `echostr` and wants what
is in it back. Messages are known by MsgId, events by sender and CreateTime, as WeChat's. The robots that write JSON
(https://developer.work.weixin.qq.com/document/path/101033) are not read.
"""

import re
from dataclasses import dataclass, field

from services.team_formation.hooks import frames, secret_forms
from services.team_formation.hooks.admission import NOT_PROVEN, XML_ONLY, not_admitted
from services.team_formation.hooks.call import Answer, Call, Handshake, Outcome, Refused
from services.team_formation.hooks.encrypted_xml import Keys, is_signed, open_body, reply
from services.team_formation.hooks.xml_events import event_of

_ECHO = re.compile(rb"[\x21-\x7e]{1,256}")


@dataclass(frozen=True, slots=True)
class WeComSecrets:
    """Tokens and EncodingAESKeys of the application, the current one first, and the company's CorpID."""

    tokens: tuple[str, ...] = field(repr=False)
    aes_keys: tuple[str, ...] = field(repr=False)
    corp_id: str

    def __post_init__(self) -> None:
        secret_forms.check("tokens", self.tokens, r"[A-Za-z0-9]{3,32}")
        secret_forms.check("aes_keys", self.aes_keys, secret_forms.AES_KEY)
        secret_forms.check("corp_id", (self.corp_id,), r"w[wx][0-9A-Za-z]{8,32}")

    @property
    def keys(self) -> Keys:
        """What frames are opened and made with."""
        return Keys(self.tokens, self.aes_keys, self.corp_id)


def verify(call: Call, secrets: WeComSecrets) -> Outcome:
    """Check a call and say what is in it."""
    if call.method == "GET":
        return _echo(call, secrets)
    if refused := not_admitted(call, XML_ONLY):
        return refused
    payload = open_body(call, secrets.keys)
    return payload if isinstance(payload, Refused) else event_of(payload, Answer(200), is_covered=True)


def _echo(call: Call, secrets: WeComSecrets) -> Outcome:
    encrypted = call.parameter("echostr") or ""
    if not is_signed(call, encrypted, secrets.keys):
        return NOT_PROVEN
    echo = frames.open_any(encrypted, secrets.aes_keys, [secrets.corp_id])
    return Handshake(Answer(200, echo)) if echo is not None and _ECHO.fullmatch(echo) else NOT_PROVEN


def encrypt_reply(message: bytes, secrets: WeComSecrets, seconds: int, nonce: str) -> Answer:
    """Make the encrypted answer to a call out of a plain one, which is XML.

    https://developer.work.weixin.qq.com/document/path/90241
    """
    return reply(message, secrets.keys, seconds, nonce)
