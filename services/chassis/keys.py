"""Reads keys as settings carry them: `ID:SEED,ID:SEED`, each seed 32 random bytes in base64; the first is in use."""

import re
from base64 import b64decode
from binascii import Error as Base64Error

SEED_BYTES = 32
_KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,32}")


def read_keys(text: str) -> dict[str, bytes]:
    """Read keys in their order; ValueError says which is wrong, and never what its seed is."""
    keys: dict[str, bytes] = {}
    for place, item in enumerate(text.split(","), start=1):
        key_id, _, seed = item.strip().partition(":")
        if not _KEY_ID.fullmatch(key_id):
            raise ValueError(f"key {place} must begin with its id: 1 to 32 of A-Z a-z 0-9 . _ - and then a colon")
        if key_id in keys:
            raise ValueError(f"key {place} has an id that another one has; give each key its own")
        keys[key_id] = _seed(place, seed)
    return keys


def _seed(place: int, text: str) -> bytes:
    try:
        seed = b64decode(text, validate=True)
    except (Base64Error, ValueError):
        seed = b""
    if len(seed) != SEED_BYTES:
        raise ValueError(f"key {place} must have {SEED_BYTES} random bytes in base64 (openssl rand -base64 32)")
    return seed
