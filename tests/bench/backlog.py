"""Events that are not in Kafka yet: what one measurement leaves behind must not be paid for by the next."""

import asyncio
import time

import psycopg

from services.chassis import outbox
from tests.bench.errors import BenchError

LONGEST_SECONDS = 90.0
_LOOK_SECONDS = 0.1


async def until_empty(database_url: str) -> None:
    """Wait until the relay has written every event; BenchError if that takes too long."""
    ends = time.monotonic() + LONGEST_SECONDS
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        while (await outbox.unsent(connection))[0]:
            if time.monotonic() > ends:
                raise BenchError(f"The relay has not written every event within {LONGEST_SECONDS:.0f} s.")
            await asyncio.sleep(_LOOK_SECONDS)
