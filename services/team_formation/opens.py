"""Counts looks at links on the day that it is where the campaign is, as its seats are counted."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from services.chassis.database import Connection
from services.team_formation.doors import Door
from services.team_formation.store import sharing as shelf


async def count_opens(
    connection: Connection, platform_id: UUID, opens: Sequence[tuple[Door, int]], now: datetime
) -> None:
    """Add to how often the invites of a platform were opened, each invite once."""
    zones = await shelf.list_zones(connection, platform_id, sorted({door.campaign_id for door, _ in opens}))
    days = {campaign_id: now.astimezone(ZoneInfo(zone)).date() for campaign_id, zone in zones.items()}
    counted = [(door.campaign_id, door.invite_id, days[door.campaign_id], times) for door, times in opens]
    await shelf.count_opens(connection, platform_id, counted)
