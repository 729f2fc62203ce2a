"""How far notification is with a test twin, for whoever moves its clock."""

from datetime import datetime
from uuid import UUID

from services.chassis.database import Connection
from services.chassis.standing import Pace
from services.notification.handlers.reminders import HOLD_LEAD, TEAM_LEAD
from services.notification.store.pace import find_next_due, sum_told


async def next_due(connection: Connection, platform_id: UUID) -> datetime | None:
    """Find when the next of what waits for its time is due."""
    return await find_next_due(connection, platform_id, HOLD_LEAD, TEAM_LEAD)


PACE = Pace(next_due, sum_told)
