"""100,000 holds that run out at once, against joins by the hundred."""

import asyncio
import time
from datetime import timedelta
from uuid import UUID

import psycopg

from tests.bench.bench import Bench
from tests.bench.campaign import HOLD, a_join
from tests.bench.seed import Team, forget_teams, more_teams, new_teams

TEAMS, HOLDS_EACH = 5_000, 20
AHEAD_SECONDS = 12.0
"""From the first hold of the model to the moment when all copies are due: they must have been made by then."""
LONGEST_SECONDS = 20.0
_LOOK_SECONDS = 0.2


async def run(bench: Bench) -> None:
    """Measure."""
    spread = await bench.spread()

    async def bulk(_round: int) -> float:
        return bench.results.add("expiry_bulk_join", (await bench.join_many(spread)).rate, "a second")

    async def expiry(_round: int) -> float:
        return bench.results.add("expiry", await _expire(bench), "a second")

    await bench.interleaved({"bulk": bulk, "expiry": expiry})
    bench.results.ratio("expiry_to_bulk_join", "expiry", "expiry_bulk_join")


async def _expire(bench: Bench) -> float:
    """Have 100,000 holds run out; gives how many were released a second."""
    campaign = bench.whole.campaign()
    began = time.monotonic()
    [model] = await new_teams(bench.whole, campaign)
    async with bench.whole.stub() as call:
        for _ in range(HOLDS_EACH - 1):
            await call("JoinTeam", a_join(model.name))
    due = began + AHEAD_SECONDS
    passed = timedelta(seconds=time.monotonic() - began)
    await more_teams(bench.whole, model, TEAMS, shift=timedelta(seconds=AHEAD_SECONDS) + passed - HOLD)
    bench.say(f"{TEAMS * HOLDS_EACH:,} holds are due in {due - time.monotonic():.1f} s")
    try:
        return await _released(bench, model, due + passed.total_seconds())
    finally:
        await forget_teams(bench.whole, model)


async def _released(bench: Bench, model: Team, due: float) -> float:
    held = HOLDS_EACH  # those of the model stay
    async with await psycopg.AsyncConnection.connect(bench.whole.database, autocommit=True) as connection:
        await asyncio.sleep(max(due - time.monotonic(), 0))
        while True:
            left = await _held(connection, model.campaign_id) - held
            seconds = time.monotonic() - due
            if not left or seconds > LONGEST_SECONDS:
                return (TEAMS * HOLDS_EACH - left) / seconds
            await asyncio.sleep(_LOOK_SECONDS)


async def _held(connection: "psycopg.AsyncConnection[tuple[int]]", campaign_id: UUID) -> int:
    query = "SELECT count(*) FROM seats WHERE campaign_id = %s AND state = 'HELD'"
    row = await (await connection.execute(query, (campaign_id,))).fetchone()
    return row[0] if row else 0
