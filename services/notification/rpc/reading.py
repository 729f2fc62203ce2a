"""Reads fields that more than one subject has."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from services.chassis import ids
from services.chassis.errors import Rejected, invalid
from services.notification.channels import Http

LONGEST_LINK = 1000


def time_zone_problem(name: str) -> str | None:
    """Say what is wrong with a time zone; an empty one is fine."""
    if not name:
        return None
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError; "Asia" is a folder
        return 'must be an IANA time zone, for instance "Asia/Shanghai", or empty for the campaign\'s'
    return None


def link_problem(http: Http, link: str) -> str | None:
    """Say what is wrong with a link that a button leads to; http is for where the operator allows private addresses."""
    good = link.startswith("https://") or (http.allows_private and link.startswith("http://"))
    if not good or len(link) > LONGEST_LINK:
        return f"must be an https URL of at most {LONGEST_LINK} characters"
    return http.url_problem(link)


def team_of_request(team_id: str) -> tuple[UUID, UUID]:
    """Read campaign and team; TEAM_UNKNOWN where it is no team's id."""
    found = ids.parse("team", team_id, 2)
    if found is None:
        raise Rejected("TEAM_UNKNOWN")
    return found[0], found[1]


def time_of(request: Any, field: str) -> datetime | None:
    """Read a time; None where it is not given, INVALID_ARGUMENT where it is none of the years 1 to 9999."""
    if not request.HasField(field):
        return None
    try:
        at: datetime = getattr(request, field).ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise invalid(field, "must be a time that there is") from None
    return at
