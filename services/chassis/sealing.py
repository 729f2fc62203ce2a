"""Seals what a database keeps but must not show to who reads a copy of it, with keys that rotate.

AES-256-GCM (NIST SP 800-38D) with a random nonce for each value. A value is sealed for its place - table, column and
row - and opens nowhere else. The first key seals, all open: a key leaves the setting when nothing is sealed with it.
Sealed: the key id's length in one byte, the key id, 12 bytes of nonce, the ciphertext with its tag.
"""

import hmac
import os
from collections.abc import Mapping
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.chassis.keys import read_keys

_NONCE_BYTES = 12
_MARK_BYTES = 16
_MARKS = b"groupbuy.marks.v1"


class NotOpened(Exception):
    """A sealed value that does not open: its key is not here, or it was sealed for another place, or it was changed."""


class Sealer:
    """Keys, the first of which seals."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._keys = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._marks = {key_id: hmac.digest(key, _MARKS, "sha256") for key_id, key in keys.items()}
        self.key_id = next(iter(self._keys))
        """Of the key that seals."""

    @classmethod
    def read(cls, text: str) -> Self:
        """Read keys as they are written in a setting; ValueError says which is wrong, and never what its seed is."""
        return cls(read_keys(text))

    def seal(self, value: bytes, place: str) -> bytes:
        """Seal a value for its place."""
        key_id, nonce = self.key_id.encode(), os.urandom(_NONCE_BYTES)
        sealed = self._keys[self.key_id].encrypt(nonce, value, place.encode())
        return bytes([len(key_id)]) + key_id + nonce + sealed

    def open(self, sealed: bytes, place: str) -> bytes:
        """Open what was sealed for a place; NotOpened where that cannot be."""
        key_id, at = sealed_with(sealed), 1 + sealed[0] if sealed else 0
        key = self._keys.get(key_id)
        if key is None:
            raise NotOpened(f"there is no key {key_id!r}; have the operator put it back behind the first one")
        try:
            return key.decrypt(sealed[at : at + _NONCE_BYTES], sealed[at + _NONCE_BYTES :], place.encode())
        except (InvalidTag, ValueError):
            raise NotOpened(f"it was not sealed for {place}, or was changed since") from None

    def marks(self, value: bytes, place: str) -> tuple[bytes, ...]:
        """Make what a value is found again by without being kept: an HMAC by each key, the one in use first.

        The same value has the same mark at a place, and without the keys nobody tries values out.
        """
        content = place.encode() + b"\0" + value
        return tuple(hmac.digest(key, content, "sha256")[:_MARK_BYTES] for key in self._marks.values())


def sealed_with(sealed: bytes) -> str:
    """Name the key that a value was sealed with."""
    return sealed[1 : 1 + sealed[0]].decode(errors="replace") if sealed else ""
