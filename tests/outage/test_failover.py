"""PostgreSQL fails over, is read-only, has no room: joins are UNAVAILABLE meanwhile, nothing is lost, all goes on."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb
from groupbuy.team_formation.v1.team_formation_service_pb2_grpc import TeamFormationStub

from deploy.local.postgres import LocalPostgres
from deploy.local.stack import Stack, StackOptions
from tests.support.crowd import Crowd, a_campaign
from tests.support.settled import settled
from tests.support.small_disk import SmallDisk, a_small_disk
from tests.support.standby import a_pair, either, execute, kill_all, promote
from tests.support.until import until

TEAMS = 3
_READ_ONLY = "ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()"
_WRITABLE = "ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()"

Figures = Callable[[str], None]


@asynccontextmanager
async def a_stack(folder: Path, ports: dict[str, int], database_url: str) -> AsyncIterator[Stack]:
    environment = {**os.environ, "GROUPBUY_DATABASE_URL": database_url}
    stack = Stack(StackOptions(data=folder / "data", ports=ports, environment=environment), say=print)
    await stack.start()
    try:
        yield stack
    finally:
        await stack.stop()


@asynccontextmanager
async def a_crowd(stack: Stack) -> AsyncIterator[tuple[Crowd, "asyncio.Task[None]"]]:
    """Have a crowd live; it has stopped at the end."""
    crowd, stop = Crowd(stack.address("team_formation"), stack.key), asyncio.Event()
    living = asyncio.create_task(crowd.live(await crowd.campaign(maximum=8, scarce=True), TEAMS, stop))
    await crowd.more(60, living)
    yield crowd, living
    await crowd.more(60, living)
    stop.set()
    await living


async def said(stack: Stack, rpc: str, request: Any) -> str:
    """Make a call, and give how it was refused; "" where it was answered."""
    async with grpc.aio.insecure_channel(stack.address("team_formation")) as channel:
        call = getattr(TeamFormationStub(channel), rpc)
        try:
            await call(request, metadata=(("authorization", f"Bearer {stack.key}"),), timeout=30)
        except grpc.aio.AioRpcError as error:
            return f"{error.code().name}: {error.details()}"
    return ""


async def refusal(stack: Stack, request_id: str) -> str:
    """Ask for something that has to be written, and give how it was refused; "" where it was done."""
    return await said(stack, "CreateCampaign", a_campaign(request_id, 5, 3, 600))


@pytest.mark.timeout(900)
async def test_a_standby_takes_over_and_nothing_acknowledged_is_lost(
    tmp_path: Path, chosen_ports: dict[str, int], free_ports: Callable[[int], list[int]], figures: Figures
) -> None:
    async with (
        a_pair(tmp_path, free_ports(2)) as (primary, standby),
        a_stack(tmp_path, chosen_ports, either(primary, standby)) as stack,
    ):
        async with a_crowd(stack) as (crowd, living):
            kill_all(primary)
            assert "UNAVAILABLE" in await refusal(stack, "nobody-leads")
            await until(lambda: crowd.retries)  # joins are refused too, and sent again
            began = time.monotonic()
            await promote(standby)
            await crowd.more(1, living)
            away = time.monotonic() - began
            await read_only_for_a_while(stack, standby, crowd, living)
        end = await settled(stack.database_url, crowd)
        figures(f"fail-over of PostgreSQL: first answer {away:.1f} s after the promotion; {end}")
        await crowd.close()


async def read_only_for_a_while(
    stack: Stack, server: LocalPostgres, crowd: Crowd, living: "asyncio.Task[None]"
) -> None:
    """Have the server take no writes, as hosters do when room runs out; reads go on."""
    await crowd.more(60, living)
    await execute(server.url, *_READ_ONLY)
    why = await refusal(stack, "read-only")
    assert "UNAVAILABLE" in why
    assert "read-only" in why
    opened = next(answer for method, _, answer in crowd.acknowledged if method == "OpenTeam")
    assert await said(stack, "GetTeam", pb.GetTeamRequest(team_id=opened.team.team_id)) == ""
    # a session of its own may write again
    await execute(f"{server.url}?options=-c%20default_transaction_read_only%3Doff", *_WRITABLE)
    await crowd.more(60, living)


@pytest.mark.timeout(900)
async def test_a_full_disk_refuses_joins_until_there_is_room(
    tmp_path: Path, chosen_ports: dict[str, int], free_ports: Callable[[int], list[int]], figures: Figures
) -> None:
    with a_small_disk() as disk:
        server = LocalPostgres(tmp_path / "postgres", free_ports(1)[0])
        await server.start()
        try:
            await disk.hold(server.url, "groupbuy_team_formation")
            async with a_stack(tmp_path, chosen_ports, server.url) as stack:
                figures(f"a full disk: {await fill_and_free(stack, disk)}")
        finally:
            await server.stop()


async def fill_and_free(stack: Stack, disk: SmallDisk) -> str:
    """Fill the disk while a crowd lives, and make room again."""
    async with a_crowd(stack) as (crowd, living):
        disk.fill()
        why, number = "", 0
        while not why:  # pages that have room are used up first
            why, number = await refusal(stack, f"no-room-{number}"), number + 1
        assert "UNAVAILABLE" in why
        assert "no room" in why
        await until(lambda: crowd.retries)  # joins are refused too, and sent again
        disk.free()
        await crowd.more(60, living)
    end = await settled(stack.database_url, crowd)
    await crowd.close()
    return end
