"""A rolling upgrade and back under load: replicas are replaced one by one, and no call fails beyond its own retries."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.local.stack.databases import prepare_databases
from deploy.local.stack.topics import prepare_topics
from tests.support.crowd import POLICY, Crowd
from tests.support.fleet import REPLICAS, Fleet, a_fleet
from tests.support.releases import OURS, Release, release_of
from tests.support.settled import settled

BEFORE = "6d5e2dcb"
"""The release before, for what is compared here (docs/day-two.md says why it is not 0.1.0)."""
ORDER = ("pricing", "notification", "team_formation")
"""Those who read new facts first, who tells them last; the other way round on the way back."""
TEAMS = 2


@pytest.mark.timeout(900)
async def test_replicas_are_replaced_one_by_one_and_back_and_no_call_fails(
    tmp_path: Path, free_ports: Callable[[int], list[int]], figures: Callable[[str], None]
) -> None:
    before = release_of(BEFORE, tmp_path)
    async with a_fleet(tmp_path, free_ports) as fleet:
        fleet.prepare_by(before)
        await fleet.start(before)
        crowd, stop = Crowd(fleet.target("team_formation"), fleet.key, service_config=POLICY), asyncio.Event()
        living = asyncio.create_task(crowd.live(await crowd.campaign(maximum=8, scarce=True), TEAMS, stop))
        await crowd.more(40, living)
        await prepare_databases(fleet.server_url)
        await prepare_topics(fleet.bootstrap)
        await crowd.more(40, living)
        await replace_all(fleet, ORDER, OURS, crowd, living)
        forth = crowd.calls
        await replace_all(fleet, ORDER[::-1], before, crowd, living)
        stop.set()
        await living
        assert crowd.retries == 0, "no call may fail beyond what its policy sends again"
        end = await settled(fleet.server_url, crowd)
        figures(f"rolling upgrade from {BEFORE}: {forth} calls forth, {crowd.calls - forth} back, 0 failed; {end}")
        await crowd.close()


async def replace_all(
    fleet: Fleet, order: tuple[str, ...], release: Release, crowd: Crowd, living: "asyncio.Task[None]"
) -> None:
    """Replace every replica, one at a time, while the crowd lives."""
    for service in order:
        for number in REPLICAS:
            await fleet.place(service, number, release)
            await crowd.more(20, living)
