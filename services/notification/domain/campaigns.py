"""The copy of campaigns: what is told before a team is open."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

from services.notification.domain.teams import Opened

LATEST_REMINDER = timedelta(minutes=10)
"""Before a start; the first ones come SPREAD earlier."""
SPREAD = timedelta(minutes=10)
"""Over so long reminders of one start are spread: the crowd that they bring does not come in one second."""


class CampaignState(StrEnum):
    """Where a campaign stands, as its last event said; of drafts nothing is kept."""

    SCHEDULED = "SCHEDULED"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    ENDED = "ENDED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class Campaign:
    """The copy of one campaign."""

    campaign_id: UUID
    platform_id: UUID
    version: int
    state: CampaignState
    starts_at: datetime
    opened: Opened
    """What its teams open with."""


def reminded_before(campaign_id: UUID, member_id: str) -> timedelta:
    """Tell how long before the start a member is reminded: by chance, and always the same."""
    chance = int.from_bytes(sha256(campaign_id.bytes + member_id.encode()).digest()[:4]) / 2**32
    return LATEST_REMINDER + timedelta(seconds=int(SPREAD.total_seconds() * chance))
