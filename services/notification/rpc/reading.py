"""Reads fields that more than one subject has."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from services.chassis.errors import invalid


def time_zone_problem(name: str) -> str | None:
    """Say what is wrong with a time zone; an empty one is fine."""
    if not name:
        return None
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError; "Asia" is a folder
        return 'must be an IANA time zone, for instance "Asia/Shanghai", or empty for the campaign\'s'
    return None


def time_of(request: Any, field: str) -> datetime | None:
    """Read a time; None where it is not given, INVALID_ARGUMENT where it is none of the years 1 to 9999."""
    if not request.HasField(field):
        return None
    try:
        at: datetime = getattr(request, field).ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise invalid(field, "must be a time that there is") from None
    return at
