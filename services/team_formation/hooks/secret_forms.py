"""Keeps secrets from being set up in a way that would let everybody in: none, an empty one, too many at once."""

import re
from collections.abc import Sequence

MOST_AT_ONCE = 2
"""The current one and the one before, while it is changed."""
AES_KEY = re.compile(r"[A-Za-z0-9]{43}")
"""EncodingAESKey: base64 of 32 bytes without its last character (https://developer.work.weixin.qq.com/document/path/91144)."""


def check(name: str, values: Sequence[str], form: str | re.Pattern[str], *, may_lack: bool = False) -> None:
    """Look at the secrets of one kind; ValueError names the kind and what it must be, never a value."""
    pattern = re.compile(form) if isinstance(form, str) else form
    fewest = 0 if may_lack else 1
    if isinstance(values, str) or not fewest <= len(values) <= MOST_AT_ONCE:
        raise ValueError(f"{name} must be a sequence of {fewest} to {MOST_AT_ONCE}")
    if not all(pattern.fullmatch(value) for value in values):
        raise ValueError(f"each of {name} must have the form {pattern.pattern}")
