"""Versions of pages: what a reader has seen, and whether what is at hand is newer."""

_LONGEST = 18


def position(version: str) -> tuple[int, int] | None:
    """Read version and turn of what is shown from a page's version; None where it is none."""
    parts = version.split(".")
    if len(parts) < 2 or not all(_is_number(part) for part in parts[:2]):  # noqa: PLR2004
        return None
    return int(parts[0]), int(parts[1])


def is_news(after: str, version: str) -> bool:
    """Tell whether what is at hand is newer than a version; a later one was seen on another replica."""
    seen, ours = position(after), position(version)
    if seen is None or ours is None:
        return True
    return after != version and seen[0] <= ours[0]


def _is_number(part: str) -> bool:
    return part.isascii() and part.isdigit() and len(part) <= _LONGEST
