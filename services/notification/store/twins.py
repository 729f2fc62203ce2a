"""What finders of due rows have in common where a test twin's clock is ahead, in SQL."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from services.chassis.twins import TWINS_ALONE

AHEAD = "unnest(%(whose)s::uuid[], %(nows)s::timestamptz[]) AS k (whose, now)"
"""The platforms whose clocks are ahead, with their time."""


def twins_alone(table: str) -> str:
    """Write the condition of the indexes that have twins alone, of a table by its name in the statement."""
    return TWINS_ALONE.replace("platform_id", f"{table}.platform_id")


def named(ahead: Mapping[UUID, datetime]) -> dict[str, list[UUID] | list[datetime]]:
    """Give the values of AHEAD."""
    return {"whose": list(ahead), "nows": list(ahead.values())}
