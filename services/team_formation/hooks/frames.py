"""The encrypted frame that WeChat, WeCom and DingTalk share, and its signature.

AES-256-CBC, the key's first 16 bytes as IV, PKCS#7 padding to 32, around 16 random bytes, the message's length in 4
bytes, the message, and whom it is for. SHA-1 over the sorted parts says who wrote it, so it is compared first.
https://developer.work.weixin.qq.com/document/path/91144,
https://developers.weixin.qq.com/doc/oplatform/Third-party_Platforms/2.0/Before_Develop/Technical_Plan.html and
https://github.com/open-dingtalk/DingTalk-Callback-Crypto (the same, under other names).
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

NONCE = re.compile(r"[A-Za-z0-9_-]{1,64}")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_BLOCK = 32
_RANDOM, _LENGTH = 16, 4


def signature(*parts: str) -> str:
    """Sign token, timestamp, nonce and, where there is one, the encrypted text: SHA-1 over them sorted and joined."""
    joined = "".join(sorted(parts)).encode("utf-8", "surrogatepass")
    return hashlib.sha1(joined).hexdigest()  # noqa: S324 - theirs to choose


def open_any(encrypted: str, aes_keys: Sequence[str], receive_ids: Iterable[str]) -> bytes | None:
    """Open a frame with the key that fits; None where none does, whatever it is that does not fit."""
    wanted = [one.encode() for one in receive_ids]
    opened = [_opened(encrypted, _key(one), wanted) for one in aes_keys]
    return next((message for message in opened if message is not None), None)


def _opened(encrypted: str, key: bytes, receive_ids: Sequence[bytes]) -> bytes | None:
    if not _BASE64.fullmatch(encrypted):
        return None
    sealed = base64.b64decode(encrypted)
    if not sealed or len(sealed) % _BLOCK:
        return None
    cipher = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
    return _message(cipher.update(sealed) + cipher.finalize(), receive_ids)


def _message(frame: bytes, receive_ids: Sequence[bytes]) -> bytes | None:
    """Take a frame apart; all of it is looked at before anything is said."""
    pad = frame[-1]
    is_padded = 1 <= pad <= _BLOCK and hmac.compare_digest(frame[-pad:], bytes([pad]) * pad)
    inner = frame[: len(frame) - (pad if is_padded else 1)]
    start = _RANDOM + _LENGTH
    end = start + int.from_bytes(inner[_RANDOM:start], "big")
    is_for_us = any([hmac.compare_digest(inner[end:], one) for one in receive_ids])  # noqa: C419 - all are compared
    return inner[start:end] if is_padded and is_for_us and start <= end <= len(inner) else None


def seal(message: bytes, aes_key: str, receive_id: str, nonce: str) -> str:
    """Make a frame. Its 16 random bytes come from key, nonce and message: the same in is the same out."""
    key = _key(aes_key)
    random = hmac.digest(key, b"frame" + nonce.encode() + b"\0" + message, "sha256")[:_RANDOM]
    inner = random + len(message).to_bytes(_LENGTH, "big") + message + receive_id.encode()
    pad = _BLOCK - len(inner) % _BLOCK
    cipher = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return base64.b64encode(cipher.update(inner + bytes([pad]) * pad) + cipher.finalize()).decode()


def _key(aes_key: str) -> bytes:
    return base64.b64decode(aes_key + "=")
