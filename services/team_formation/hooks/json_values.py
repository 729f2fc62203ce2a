"""Reads JSON that somebody else wrote: strictly, within bounds, and without ever raising."""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

DEEPEST = 32
LONGEST_TEXT = 10_000
"""Characters; Slack's own messages have at most 40,000, and what is read here is a line and a link."""
_UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
"""Control characters but line break and tab, and halves of surrogate pairs, which PostgreSQL and UTF-8 do not take."""


def read_object(raw: bytes) -> dict[str, Any] | None:
    """Read one JSON object in UTF-8 (RFC 8259); None where it is anything else.

    A name that comes twice in one object is refused: two readers could understand it differently. So are NaN, numbers
    beyond a double's range, and nesting deeper than 32.
    """
    try:
        value = _DECODER.decode(raw.decode())
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and not _is_too_deep(raw, value) else None


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name comes twice")
    return found


def _finite(text: str) -> float:
    if not math.isfinite(value := float(text)):
        raise ValueError("beyond the range of a double")
    return value


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=_finite, parse_constant=_no_number, strict=True)


def _is_too_deep(raw: bytes, value: object) -> bool:
    """Tell whether a value is nested too deeply; one that was written with few brackets cannot be."""
    if raw.count(b"{") + raw.count(b"[") <= DEEPEST:
        return False
    level = [value]
    for _ in range(DEEPEST):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return False
    return True


def _inside(value: object) -> list[Any]:
    """Give what is nested in a value and may have more inside."""
    within = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [inner for inner in within if isinstance(inner, dict | list)]


def written(value: Mapping[str, object]) -> bytes:
    """Write a part of what was read, to be kept; ASCII, so that halves of surrogate pairs can be written too."""
    return json.dumps(value, separators=(",", ":")).encode()


def at(value: object, *path: str | int) -> Any:
    """Follow names and places into a value; None where one is missing."""
    for step in path:
        if isinstance(step, str):
            value = value.get(step) if isinstance(value, dict) else None
        else:
            value = value[step] if isinstance(value, list) and -len(value) <= step < len(value) else None
    return value


def text(value: object, *path: str | int, longest: int = LONGEST_TEXT) -> str:
    """Give a text, or a whole number as text, that can be stored and is at most so long; "" where there is none."""
    found = at(value, *path)
    if isinstance(found, int) and not isinstance(found, bool):
        found = str(found) if abs(found) < 10**40 else ""
    return cleaned(found, longest) if isinstance(found, str) else ""


def cleaned(given: str, longest: int = LONGEST_TEXT) -> str:
    """Give a text that can be stored, cut to so many characters."""
    return _UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", given[:longest])


def number(value: object, *path: str | int) -> int | None:
    """Give a whole number, also one that is written as a text; None where there is none of at most 19 digits."""
    found = text(value, *path, longest=20)
    return int(found) if re.fullmatch(r"-?[0-9]{1,19}", found) else None


def items(value: object, *path: str | int) -> list[Any]:
    """Give a list; an empty one where there is none."""
    found = at(value, *path)
    return found if isinstance(found, list) else []
