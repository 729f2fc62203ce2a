"""Live demand for platforms: asked once, or watched."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

from groupbuy.pricing.v1 import demand_pb2, events_pb2

from services.chassis import ids
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.errors import Rejected, invalid
from services.pricing import store, translate
from services.pricing.translate import demand as words

WATCH_SECONDS = 1.0
QUIET_SECONDS = 15.0
"""Rates fall while nothing happens: a reader is told so after this long."""


class DemandReader:
    """Reads what the demand worker counted; nothing here writes."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._stopping = asyncio.Event()

    async def stop(self) -> None:
        """End every stream, so that its reader comes back to another replica."""
        self._stopping.set()

    async def get(self, platform_id: UUID, campaign_id: str, missing_units: int) -> demand_pb2.Demand:
        """Read a campaign's demand now; INVALID_ARGUMENT, DEMAND_UNKNOWN."""
        if missing_units < 0:
            raise invalid("missing_units", "must be 0 or more: how many more units are waited for")
        counted = await self._find(platform_id, campaign_id)
        return words.demand_now(counted, missing_units, self._clock.now(platform_id))

    async def watch(self, platform_id: UUID, campaign_id: str, missing_units: int) -> AsyncIterator[demand_pb2.Demand]:
        """Give a campaign's demand at once, and again when it changed or was quiet for a while."""
        told: demand_pb2.Demand | None = None
        quiet = 0.0
        while True:
            now = await self.get(platform_id, campaign_id, missing_units)
            if told is None or now.tally_seq > told.tally_seq or quiet >= QUIET_SECONDS:
                yield now
                told, quiet = now, 0.0
            if await self._stops_within(WATCH_SECONDS):
                raise Rejected("UNAVAILABLE", {"cause": "the service is stopping"})
            quiet += WATCH_SECONDS

    async def _stops_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return await self._stopping.wait()
        except TimeoutError:
            return False

    async def _find(self, platform_id: UUID, campaign_id: str) -> events_pb2.DemandEvent:
        found = ids.parse(translate.CAMPAIGN, campaign_id, 1)
        if found:
            async with self._database.read() as connection:
                counted = await store.find_demand(connection, platform_id, *found)
            if counted is not None:
                return events_pb2.DemandEvent.FromString(counted)
        raise Rejected("DEMAND_UNKNOWN")
