"""Readers of WatchTeam in the client's process."""

from typing import Any


async def watch(job: dict[str, Any], tell: Any) -> dict[str, Any]:
    """Placeholder."""
    return {}
