"""A process that sends and does nothing else for members, and when its deliveries were sent."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

import psycopg

from tests.bench.crowd import NOTIFICATION, notification_database
from tests.bench.errors import BenchError
from tests.bench.installation import Installation, Program

SENDER = "sender"
LONGEST_SECONDS = 30.0
_LOOK_SECONDS = 0.1
_EDGE = 10
"""The first and the last of so many parts are left out of a rate: there work begins and ends."""

# PostgreSQL keeps the time of each commit, and nothing changes a delivery that was sent: it is when that was recorded.
_SENT = """
SELECT delivery_id, extract(epoch FROM created_at), extract(epoch FROM pg_xact_commit_timestamp(xmin)) FROM deliveries
WHERE platform_id = %s AND created_at >= %s AND channel = %s AND state = 'SENT'
"""
_LEFT = """
SELECT count(*) FROM deliveries
WHERE platform_id = %s AND created_at >= %s AND channel = %s AND state = 'PENDING'
"""


@asynccontextmanager
async def a_sender(whole: Installation, **settings: str) -> AsyncIterator[Program]:
    """Have the process run until this ends; it is notification without RPCs, consumer and relay."""
    settings = {"WEBHOOK_PRIVATE_ADDRESSES": "allow", **settings}
    program = await whole.run(SENDER, f"services.{NOTIFICATION}", "timers", **settings)
    try:
        yield program
    finally:
        await whole.end(SENDER)


async def sent(
    whole: Installation, platform_id: UUID, since: datetime, channel: str
) -> dict[UUID, tuple[float, float]]:
    """Wait until none of a platform's deliveries by a channel, written since a time, is pending.

    Gives when each that was sent was written and sent, in seconds since 1970. BenchError when that takes too long.
    """
    ends, wanted = time.monotonic() + LONGEST_SECONDS, (platform_id, since, channel)
    async with await psycopg.AsyncConnection.connect(notification_database(whole), autocommit=True) as connection:
        while left := (await (await connection.execute(_LEFT, wanted)).fetchone() or (0,))[0]:
            if time.monotonic() > ends:
                raise BenchError(f"After {LONGEST_SECONDS:.0f} s {left:,} deliveries are not sent. {_said(whole)}")
            await asyncio.sleep(_LOOK_SECONDS)
        cursor = await connection.execute(_SENT, wanted)
        return {row[0]: (float(row[1]), float(row[2])) async for row in cursor}


def _said(whole: Installation) -> str:
    return "\n".join(whole.services[SENDER].child.log_tail()) if SENDER in whole.services else ""


def steady_rate(times: Sequence[float]) -> float:
    """Give how many a second happened, without the first and the last tenth; BenchError for too few."""
    ordered = sorted(times)
    edge = len(ordered) // _EDGE
    middle = ordered[edge : len(ordered) - edge]
    if edge == 0 or middle[-1] <= middle[0]:
        raise BenchError(f"A rate cannot be read from {len(times)} moments: measure longer.")
    return (len(middle) - 1) / (middle[-1] - middle[0])
