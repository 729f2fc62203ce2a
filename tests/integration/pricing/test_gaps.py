"""Events that were missed are asked of team_formation over gRPC; what it does not have either parks the team."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import pytest

from services.pricing.team_events import TeamEvents
from tests.support.pricing import PricingService
from tests.support.team_formation_server import SERVICE_KEY, TeamFormationServer, serving
from tests.support.teams import TeamLife, record


@asynccontextmanager
async def filling(
    pricing: PricingService, *lives: TeamLife, key: str = SERVICE_KEY
) -> AsyncIterator[tuple[PricingService, TeamFormationServer]]:
    """Pricing beside a team_formation that knows these teams."""
    async with serving(*lives) as server:
        team_events = TeamEvents(server.address, key)
        await team_events.start()
        yield PricingService(pricing.database, team_events.fill), server
        await team_events.stop()


def a_life() -> TeamLife:
    life = TeamLife()
    life.open("mei")
    life.confirm("mei")
    for member in ("tom", "ann", "eva"):
        life.join(member)
    life.tip()
    life.form()
    return life


async def expected(pricing: PricingService, life: TeamLife) -> tuple[object, object]:
    """What the whole history gives; the database is empty again after."""
    await pricing.apply(life.records)
    found = await pricing.state(), await pricing.told_by_key()
    await pricing.empty()
    return found


async def test_a_gap_is_filled_in_order(pricing: PricingService) -> None:
    life = a_life()
    whole = await expected(pricing, life)
    async with filling(pricing, life) as (service, server):
        await service.apply(life.records[:3])
        await service.apply(life.records[6:7])
        await service.apply(life.records[4:6])
        await service.apply(life.records[-1:])
        assert [(ask.after_version, ask.before_version) for ask in server.asked] == [(3, 7), (7, 11)]
        assert (await service.state(), await service.told_by_key()) == whole


async def test_a_team_first_seen_late_is_fetched_from_its_beginning(pricing: PricingService) -> None:
    life = a_life()
    whole = await expected(pricing, life)
    async with filling(pricing, life) as (service, server):
        server.page = 4
        await service.apply(life.records[-1:])
        assert [ask.after_version for ask in server.asked] == [0, 4, 8]
        assert (await service.state(), await service.told_by_key()) == whole


async def test_while_team_formation_is_away_nothing_is_applied_and_nothing_lost(pricing: PricingService) -> None:
    life, other = a_life(), a_life()
    async with filling(pricing, life) as (service, server):
        server.away = True
        with pytest.raises(grpc.aio.AioRpcError):
            await service.apply([life.records[4], *other.records])
        assert await service.rows("SELECT * FROM teams") == []
        server.away = False
        await service.apply([life.records[4], *other.records])
        assert {row["version"] for row in await service.rows("SELECT version FROM teams")} == {5, other.version}


async def test_a_wrong_service_key_is_no_reason_to_park(pricing: PricingService) -> None:
    life = a_life()
    async with filling(pricing, life, key="another") as (service, _):
        with pytest.raises(grpc.aio.AioRpcError):
            await service.apply(life.records[4:])
        assert await service.parked() == {}


async def test_a_team_that_team_formation_does_not_know_is_parked(pricing: PricingService) -> None:
    life, other = a_life(), a_life()
    async with filling(pricing) as (service, _):
        await service.apply([*life.records[4:6], *other.records])
        [(key, reasons)] = (await service.parked()).items()
        assert key == life.team_id
        assert reasons == [
            "the team is not known, and team_formation has no events of it before this one",
            "behind a parked event of its key",
        ]
        assert [row["version"] for row in await service.rows("SELECT version FROM teams")] == [other.version]


async def test_a_gap_that_is_no_longer_kept_is_parked_and_can_be_redriven(pricing: PricingService) -> None:
    life = a_life()
    whole = await expected(pricing, life)
    async with filling(pricing, life) as (service, server):
        await service.apply(life.records[:3])
        server.kept_from = 6
        await service.apply(life.records[7:])
        reasons = (await service.parked())[life.team_id]
        assert reasons[0] == "versions 4 to 5 are missing, and team_formation does not have them"
        assert len(reasons) == len(life.records[7:])
        server.kept_from = 1
        assert await service.inbox.redrive("groupbuy.team.v1", life.team_id) == len(reasons)
        assert await service.parked() == {}
        assert (await service.state(), await service.told_by_key()) == whole


async def test_a_poisonous_event_among_those_fetched_parks_the_one_that_asked(pricing: PricingService) -> None:
    life, other = a_life(), a_life()
    right = life.events[3].totals.held_members
    life.events[3].totals.held_members = 99
    async with filling(pricing, life) as (service, _):
        await service.apply([*life.records[:3], life.records[5], *other.records])
        [reason] = (await service.parked())[life.team_id]
        assert "held_members=99" in reason
        assert len(await service.rows("SELECT * FROM teams")) == 2
        life.events[3].totals.held_members = right
        assert await service.inbox.redrive("groupbuy.team.v1", life.team_id) == 1
        await service.apply([record(event) for event in life.events])
        assert {row["version"] for row in await service.rows("SELECT version FROM teams")} == {life.version}
