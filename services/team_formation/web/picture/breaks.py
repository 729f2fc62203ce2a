"""Where a line may end: after spaces and hyphens, and between characters of Chinese, Japanese and Korean.

It is the part of UAX #14 that does without its tables, which Python does not have. For the scripts that write no spaces
between words, such as Thai, a line ends where it is full.
"""

from collections.abc import Sequence
from unicodedata import category, east_asian_width

# What begins no line (kinsoku: JIS X 4051, GB/T 15834) and what ends none.
_NEVER_FIRST = frozenset(
    "、。，．・：；？！）］｝〕〉》」』】〗”’…‥—～々ー％℃,.:;?!)]}%°·"  # noqa: RUF001 - signs of full width
    "ァィゥェォッャュョぁぃぅぇぉっゃゅょ"
)
_NEVER_LAST = frozenset("（［｛〔〈《「『【〖“‘([{¥￥$€£＄#@")  # noqa: RUF001 - as above
_HYPHENS = frozenset("-\u2010\u2013\u2014/\u200b")
_NO_BREAK = frozenset("\u00a0\u202f\u2011\u2007\u2060")
_LONGEST_UNIT = 3
_JOINERS = frozenset("\u200c\u200d")


def clusters(text: str) -> list[int]:
    """Give every place at which a text can be cut without parting a letter from its marks."""
    return [at for at in range(1, len(text)) if not _belongs(text[at]) and text[at - 1] != "\u200d"]


def _belongs(letter: str) -> bool:
    return category(letter)[0] == "M" or letter in _JOINERS


def opportunities(text: str) -> list[int]:
    """Give every place at which a line may end and the next one begins."""
    return [at for at in clusters(text) if _may_end(text, at)]


def _may_end(text: str, at: int) -> bool:
    before, after = text[at - 1], text[at]
    if after == " " or {before, after} & _NO_BREAK or (before.isdigit() and _is_wide(after)):
        return False
    if before == " ":
        return not _is_unit(text, at)
    if after in _NEVER_FIRST or before in _NEVER_LAST:
        return False
    return (before in _HYPHENS and after.isalpha()) or _is_wide(before) or _is_wide(after)


def _is_unit(text: str, at: int) -> bool:
    """Whether a number stands before the space and what may be its unit behind: "2 kg"."""
    word = text[at:].split(" ", 1)[0].rstrip(",.;:)")
    return text[at - 2 : at - 1].isdigit() and 1 <= len(word) <= _LONGEST_UNIT and word.isalpha()


def _is_wide(letter: str) -> bool:
    return east_asian_width(letter) in {"W", "F"}


def nearest(places: Sequence[int], at: int, start: int) -> int | None:
    """Give the last of ascending places that lies behind `start` and not behind `at`."""
    return next((place for place in reversed(places) if start < place <= at), None)
