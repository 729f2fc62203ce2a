"""Counts how often links are opened by people: gathered in memory, written in batches, and lost by a crash alone.

The count is for promoters to compare channels, no more exact than a browser's word: previews, prefetches and programs
that say what they are do not count.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Mapping

import psycopg

from services.chassis import logs
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.team_formation.doors import Door
from services.team_formation.opens import count_opens

FLUSH_SECONDS = 2.0
_MOST_AT_ONCE = 1_000
_PROGRAM = re.compile(
    rb"(?<!cu)bot\b|bot[-/]|crawl|spider|preview|externalhit|facebookcatalog|whatsapp/|snippet|fetch|scan|monitor|curl"
    rb"|wget|python|okhttp|java/|go-http|headless|embedly|^lark|vkshare|skypeuri|^$",
    re.IGNORECASE,
)

log = logs.logger(__name__)


def is_person(headers: Mapping[bytes, bytes]) -> bool:
    """Tell whether a request looks like a person's browser, who opens the page to see it now."""
    if b"prefetch" in headers.get(b"sec-purpose", headers.get(b"purpose", b"")):
        return False
    return not _PROGRAM.search(headers.get(b"user-agent", b""))


class Opens:
    """Looks that are not written yet."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._counted: Counter[Door] = Counter()

    def add(self, door: Door) -> None:
        """Count one."""
        self._counted[door] += 1

    async def run(self) -> None:
        """Write what was counted, for as long as the process runs."""
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            await self.run_once()

    async def stop(self) -> None:
        """Write what is left."""
        await self.run_once()

    async def run_once(self) -> int:
        """Write what was counted; what cannot be written now is kept."""
        doors = list(self._counted)
        for at in range(0, len(doors), _MOST_AT_ONCE):
            batch = {door: self._counted.pop(door) for door in doors[at : at + _MOST_AT_ONCE]}
            try:
                await self._write(batch)
            except BaseException as error:
                self._counted.update(batch)
                if not isinstance(error, psycopg.Error):
                    raise
                log.warning("opened links were not counted yet", count=len(batch), why=str(error).strip())
        return len(doors)

    async def _write(self, batch: Mapping[Door, int]) -> None:
        async with self._database.work() as work:
            for platform_id in sorted({door.platform_id for door in batch}):
                theirs = [(door, times) for door, times in batch.items() if door.platform_id == platform_id]
                await count_opens(work.connection, platform_id, theirs, self._clock.now(platform_id))
