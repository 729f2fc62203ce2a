"""Tells members that others joined: one message for all the joins of a team in a window, made by the fan-out."""

from datetime import timedelta
from typing import Final

from services.chassis.clock import Clock
from services.chassis.database import Database
from services.notification import store
from services.notification.handlers.fanout import JOINS
from services.notification.store import Job, JoinDigest

WINDOW: Final = timedelta(minutes=10)
"""How long joins are gathered where the platform has set no window."""
_PAGE = 100


class JoinDigests:
    """Works off the digests that are due."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def run_once(self) -> int:
        """Hand a page of digests to the fan-out; returns how many had something to tell."""
        now = self._clock.now()
        async with self._database.work() as work:
            found = await store.take_due_digests(work.connection, now, self._clock.ahead(), _PAGE)
            jobs = [_job(item) for item in found if item.joined]
            await store.insert_jobs(work.connection, jobs, ready=True, now=now)
        return len(jobs)


def _job(digest: JoinDigest) -> Job:
    return Job(
        digest.platform_id,
        digest.campaign_id,
        digest.team_id,
        JOINS,
        digest.version,
        digest.version,
        store.digest_value(digest),
    )
