"""What promoters are told: once a day, what their links brought."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from uuid import UUID

DAILY_AT = time(9)
"""By a clock in the campaign's time zone."""


@dataclass(frozen=True, slots=True)
class PromoterDay:
    """What a promoter's links brought to a campaign since it was told; `due_at` is when it is told next."""

    platform_id: UUID
    campaign_id: UUID
    promoter_id: str
    team_id: UUID
    """One of the campaign's teams."""
    joined: int
    left: int
    due_at: datetime


def next_summary(now: datetime, zone: tzinfo) -> datetime:
    """Tell when the next summary is due: at the next nine o'clock of that zone, in UTC."""
    here = now.astimezone(zone)
    today = datetime.combine(here.date(), DAILY_AT, here.tzinfo)
    due = today if today > here else datetime.combine(here.date() + timedelta(days=1), DAILY_AT, here.tzinfo)
    return due.astimezone(UTC)
