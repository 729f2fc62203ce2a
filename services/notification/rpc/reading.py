"""Reads fields that more than one subject has."""

from zoneinfo import ZoneInfo


def time_zone_problem(name: str) -> str | None:
    """Say what is wrong with a time zone; an empty one is fine."""
    if not name:
        return None
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError; "Asia" is a folder
        return 'must be an IANA time zone, for instance "Asia/Shanghai", or empty for the campaign\'s'
    return None
