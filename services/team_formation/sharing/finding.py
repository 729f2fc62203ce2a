"""Finds what may be invite codes in a text that was copied from a chat, the likeliest first."""

import re
from collections.abc import Iterable, Iterator
from unicodedata import category
from urllib.parse import unquote, urlsplit

from services.team_formation.codes import ALPHABET, LENGTH

LONGEST_TEXT = 10_000
MOST_CANDIDATES = 20

_LETTER = f"[{ALPHABET}]"
_CODE = f"({_LETTER}{{{LENGTH}}})"
_END = f"(?!{_LETTER})"
_PARAMETER = re.compile(rf"(?<=[=/]){_CODE}{_END}")  # ?c=..., scene=..., start=..., /i/... of another address
_TOKEN = re.compile(rf"(?<!{_LETTER}){_CODE}{_END}")
_WIDE = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)}  # full-width forms of ! to ~
_WRAP = re.compile(r"=?[ \t]{0,4}\r?\n[> \t]{0,8}")  # a broken line, also quoted-printable or quoted in an answer
_VARIATIONS = range(0xFE00, 0xFE10)
_MOST_DECODINGS = 3


def candidates(text: str, link: str) -> list[str]:
    """Find at most 20 codes: those behind our link (its address without the code) first, bare words last."""
    views = list(_views(text))
    wrapped = [_WRAP.sub("", view) for view in views]
    strict = re.compile(_address(link) + _CODE + _END)
    loose = re.compile(_address(link) + _CODE)  # what follows a broken line is glued to the code
    words = list(_found(_TOKEN, views))
    ranked = (
        *_found(strict, views),
        *_found(loose, wrapped),
        *_found(_PARAMETER, views),
        *(word for word in words if not _is_word(word)),
        *(word for word in words if _is_word(word)),
    )
    return list(dict.fromkeys(ranked))[:MOST_CANDIDATES]


def _address(link: str) -> str:
    """Make the pattern of our link: scheme and www may be missing, and scheme and host have no case."""
    parts = urlsplit(link)
    return rf"(?i:(?:https?://)?{re.escape(parts.netloc)}){re.escape(parts.path)}"


def _views(text: str) -> Iterator[str]:
    """Read a text without invisible letters, with spaces in their place, and as it is once it is percent-decoded."""
    wide = text.translate(_WIDE)
    yield (view := "".join(letter for letter in wide if not _is_invisible(letter)))
    yield "".join(" " if _is_invisible(letter) else letter for letter in wide)
    for _ in range(_MOST_DECODINGS):
        decoded = unquote(view)
        if decoded == view:
            return
        yield (view := decoded)


def _is_invisible(letter: str) -> bool:
    return category(letter) == "Cf" or ord(letter) in _VARIATIONS


def _found(pattern: re.Pattern[str], views: Iterable[str]) -> Iterator[str]:
    for view in views:
        yield from pattern.findall(view)


def _is_word(token: str) -> bool:
    """Tell what is more likely a word or a number than a code: 1 code in 10,000 looks like this."""
    return token.isdigit() or (token.isalpha() and (token.islower() or token.isupper() or token.istitle()))
