"""Replaces the ids of members that were erased; what they earned keeps its lines, under row ids of the pseudonym."""

from services.chassis import ids
from services.chassis.clock import Clock
from services.chassis.database import Connection, Database
from services.chassis.erased_rows import Erased
from services.chassis.erasing import Eraser, Service
from services.pricing.store import erasing as shelf

SERVICE = "groupbuy.pricing.v1.Pricing"


def member_eraser(database: Database, clock: Clock) -> Eraser:
    """Make pricing's eraser."""
    return Eraser(database, clock, Service(_replace, (SERVICE,)))


async def _replace(connection: Connection, erased: Erased) -> None:
    await shelf.replace_member(connection, erased)
    earned = await shelf.find_earned(connection, erased)
    rows = [(row_id, ids.derived_id(line_id, kind, erased.pseudonym)) for row_id, line_id, kind in earned]
    await shelf.rename_earned(connection, erased, rows)
