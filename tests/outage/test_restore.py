"""Databases restored to an older moment: who only reads catches up; what team_formation forgot is found and said."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.check import run_checks
from deploy.local.stack import Stack
from services.chassis.database import database_url
from tests.support.backups import back_up, restore
from tests.support.commands import groupbuy
from tests.support.crowd import Crowd
from tests.support.metrics import all_is_sent
from tests.support.seat_counts import count_seats
from tests.support.settled import settled
from tests.support.until import until

READERS = ("notification", "pricing")
NUMBERED_BY_PRICING = {"6_tallies_applied_in_team_formation"}
"""Tallies that are lost are not made again as they were; docs/backup.md says what that means."""
Figures = Callable[[str], None]


@pytest.mark.timeout(900)
async def test_pricing_and_notification_restored_to_an_older_moment_catch_up(
    stack: Stack, tmp_path: Path, figures: Figures
) -> None:
    crowd, stop = Crowd(stack.address("team_formation"), stack.key), asyncio.Event()
    living = asyncio.create_task(crowd.live(await crowd.campaign(maximum=8, scarce=True), 3, stop))
    await crowd.more(100, living)
    backups = {name: await back_up(stack.database_url, name, tmp_path) for name in READERS}
    await crowd.more(150, living)
    crowd.rest()
    await until(lambda: all_is_sent(stack), seconds=60)
    for name in READERS:
        await stack.halt(name)
    crowd.wake()
    told = []
    for name in READERS:
        await restore(stack.database_url, name, backups[name])
        told.append((await groupbuy(stack, "reread", "--service", name, "--since", "1h")).strip())
        await stack.resume(name)
    await crowd.more(60, living)
    stop.set()
    await living
    end = await settled(stack.database_url, crowd, but=NUMBERED_BY_PRICING)
    figures(f"restored to an older moment: {' '.join(told)} {end}")
    await crowd.close()


@pytest.mark.timeout(900)
async def test_what_team_formation_forgot_is_found_and_all_go_on_from_its_moment(
    stack: Stack, tmp_path: Path, figures: Figures
) -> None:
    crowd, stop = Crowd(stack.address("team_formation"), stack.key), asyncio.Event()
    living = asyncio.create_task(crowd.live(await crowd.campaign(maximum=8), 3, stop))
    await crowd.more(100, living)
    crowd.rest()
    await until(lambda: all_is_sent(stack), seconds=60)
    kept = list(crowd.seats())
    # who reads first: a backup of theirs must not be ahead of that of team_formation
    backups = {name: await back_up(stack.database_url, name, tmp_path) for name in (*READERS, "team_formation")}
    crowd.wake()
    await crowd.more(100, living)
    stop.set()
    await living
    await until(lambda: all_is_sent(stack), seconds=60)
    await stack.halt("team_formation")
    await restore(stack.database_url, "team_formation", backups["team_formation"])
    found = {result.name for result in await run_checks(stack.database_url) if result.violations}
    assert "5_seats_agree" in found, "check tells that others know of more"
    lost = len(crowd.seats()) - len(kept)
    assert lost > 0
    for name in READERS:
        await stack.halt(name)
        await restore(stack.database_url, name, backups[name])
    await stack.halt("kafka")  # it has events of what is no more, and their versions are used again
    shutil.rmtree(stack.layout.kafka)
    await stack.resume("kafka")
    await groupbuy(stack, "outbox", "republish", "--since", "14d")
    await groupbuy(stack, "topics")
    for name in ("team_formation", *READERS):
        await stack.resume(name)
    end = await go_on(stack, kept)
    figures(f"team_formation restored to an older moment: {lost} acknowledged seats lost, and found; {end}")
    await crowd.close()


async def go_on(stack: Stack, kept: list[str]) -> str:
    """Have another crowd live on what was restored, and hold all against each other."""
    crowd, stop = Crowd(stack.address("team_formation"), stack.key, seed=8), asyncio.Event()
    living = asyncio.create_task(crowd.live(await crowd.campaign(maximum=8, scarce=True), 3, stop))
    await crowd.more(60, living)
    stop.set()
    await living
    end = await settled(stack.database_url, crowd)
    counted = await count_seats(database_url(stack.database_url, "team_formation"), kept, [])
    assert counted.lost == []
    await crowd.close()
    return end
