"""kill -9 of every part while members join: what was acknowledged is there, once; every invariant counted in SQL."""

import asyncio
import random
from collections.abc import Callable

import psycopg
import pytest

from deploy.check import invariants, run_checks
from deploy.check.runner import wait_for_checks
from deploy.local.stack.stack import Stack
from services.chassis import ids
from services.chassis.database import database_url
from tests.support.crowd import Crowd

TEAMS = 6
ROUNDS = {"team_formation": 8}
"""Kills of a part, two of any other: the join path is hit at many points."""
ALWAYS = [item for item in invariants() if item.name[0] in "1238" and len(item.sections) == 1]
"""What must hold at every moment, not only when everything has arrived."""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("parts", [("team_formation",), ("pricing", "notification"), ("kafka",), ("postgres",)])
async def test_kill(stack: Stack, parts: tuple[str, ...], figures: Callable[[str], None]) -> None:
    crowd = Crowd(stack.address("team_formation"), stack.key)
    stop = asyncio.Event()
    living = asyncio.create_task(crowd.live(await crowd.campaign(maximum=8, scarce=True), TEAMS, stop))
    kills, chance = 0, random.Random(11)  # noqa: S311 - no secret
    for part in (one for one in parts for _ in range(ROUNDS.get(one, 2))):
        await crowd.more(chance.randint(30, 90), living)
        stack.kill(part)
        kills += 1
        if part != "postgres":
            assert not [result for result in await run_checks(stack.database_url, ALWAYS) if result.violations]
        await stack.wait_ready(part)
    await crowd.more(60, living)
    stop.set()
    await living
    changed = await crowd.changed_answers()
    results = await wait_for_checks(stack.database_url, 60)
    there = await seats(stack)
    lost = crowd.seats() - set(there)
    doubled = len(there) - len(set(there))
    figures(
        f"{kills} kills of {', '.join(parts)}: {len(crowd.seats())} seats acknowledged in {crowd.calls} calls"
        f" ({crowd.retries} repeated, {crowd.waited} waited for room), lost {len(lost)}, doubled {doubled},"
        f" answers that changed {len(changed)}"
    )
    assert not lost
    assert not doubled
    assert not changed
    assert crowd.waited
    assert not crowd.refused.keys() - {"FAILED_PRECONDITION", "ALREADY_EXISTS"}, "full, or a regular who sits there"
    assert [(result.name, result.examples) for result in results if result.violations] == []
    assert sum(result.checked for result in results) > len(crowd.seats())
    await crowd.close()


async def seats(stack: Stack) -> list[str]:
    """Read the ids of every seat that is there."""
    url = database_url(stack.database_url, "team_formation")
    async with await psycopg.AsyncConnection.connect(url) as connection:
        cursor = await connection.execute("SELECT campaign_id, seat_id FROM seats")
        return [ids.opaque("seat", campaign_id, seat_id) async for campaign_id, seat_id in cursor]
