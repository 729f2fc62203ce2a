"""kill -9 of every part while members join: what was acknowledged is there, once; every invariant counted in SQL.

Kills come at points that chance chooses: some milliseconds after some answer, whatever the calls under way are at then.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from deploy.check import invariants, run_checks
from deploy.local.stack.stack import Stack
from services.chassis.database import database_url
from tests.support.crowd import Crowd
from tests.support.replica import a_replica
from tests.support.seat_counts import count_decided
from tests.support.settled import settled

TEAMS = 6
ROUNDS = {"team_formation": 6}
"""Kills of a part, two of any other: the join path is hit at many points."""
KILLS_OF_ONE = 14
"""Kills of one replica of two."""
LATEST_SECONDS = 0.010
GO_ON_WITHOUT = {"pricing", "notification", "kafka"}
"""Parts that no seat waits for."""
ALWAYS = [item for item in invariants() if item.name[0] in "1238" and len(item.sections) == 1]
"""What must hold at every moment, not only when everything has arrived."""

Figures = Callable[[str], None]


@dataclass
class Killer:
    """Kills at points that chance chooses, and remembers which calls were under way."""

    crowd: Crowd
    url: str
    chance: random.Random = field(default_factory=lambda: random.Random(11))  # noqa: S311 - no secret
    caught: list[tuple[datetime, list[str]]] = field(default_factory=list)

    async def kill(self, kill: Callable[[], None], address: str = "") -> None:
        """Kill within ten milliseconds; the address is that of a replica that is killed."""
        await asyncio.sleep(self.chance.uniform(0, LATEST_SECONDS))
        under_way = [name for name, where in self.crowd.under_way.items() if address in ("", where)]
        self.caught.append((datetime.now(UTC), under_way))
        kill()

    async def figures(self) -> str:
        """Tell how many calls were under way, and which of them were decided already: kills on both sides of that."""
        decided = [await count_decided(self.url, requests, at) for at, requests in self.caught]
        under_way = sum(len(requests) for _, requests in self.caught)
        return f"{len(self.caught)} kills, {under_way} calls under way then, {sum(decided)} of them decided"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("parts", [("team_formation",), ("pricing", "notification", "kafka"), ("postgres",)])
async def test_kill(stack: Stack, parts: tuple[str, ...], figures: Figures) -> None:
    crowd = Crowd(stack.address("team_formation"), stack.key)
    killer = Killer(crowd, database_url(stack.database_url, "team_formation"))
    stop = asyncio.Event()
    living = asyncio.create_task(crowd.live(await crowd.campaign(maximum=8, scarce=True), TEAMS, stop))
    for part in (one for one in parts for _ in range(ROUNDS.get(one, 2))):
        await crowd.more(killer.chance.randint(30, 90), living)
        await killer.kill(lambda part=part: stack.kill(part))  # type: ignore[misc]  # a default it cannot infer
        if part != "postgres":
            assert not [result for result in await run_checks(stack.database_url, ALWAYS) if result.violations]
        if part in GO_ON_WITHOUT:
            await crowd.more(30, living)
        crowd.rest()
        await stack.wait_ready(part)
        crowd.wake()
    await crowd.more(60, living)
    stop.set()
    await living
    figures(f"{', '.join(parts)}: {await killer.figures()}; {await settled(stack.database_url, crowd)}")
    await crowd.close()


@pytest.mark.timeout(300)
async def test_one_of_two_replicas_is_killed_again_and_again(
    stack: Stack, free_ports: Callable[[int], list[int]], figures: Figures
) -> None:
    async with a_replica(stack, *free_ports(2)) as replica:
        crowd = Crowd(stack.address("team_formation"), stack.key, others=(replica.part.address,))
        killer = Killer(crowd, database_url(stack.database_url, "team_formation"))
        stop = asyncio.Event()
        living = asyncio.create_task(crowd.live(await crowd.campaign(maximum=8, scarce=True), 2 * TEAMS, stop))
        for _ in range(KILLS_OF_ONE):
            await crowd.more(killer.chance.randint(1, 40), living, replica.part.address)
            await killer.kill(replica.kill, replica.part.address)
            await crowd.more(30, living, crowd.address)
            crowd.rest()
            await replica.ready.wait()
            crowd.wake()
        await crowd.more(20, living, replica.part.address)
        stop.set()
        await living
        alive = f"{crowd.answered_by[crowd.address]} answers of the other"
        figures(f"one of two replicas: {await killer.figures()}, {alive}; {await settled(stack.database_url, crowd)}")
        await crowd.close()
