"""A shop's test twin on the whole engine: time moves on in all services together, and the shop notices nothing."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from click.testing import CliRunner
from groupbuy.pricing.v1 import pricing_service_pb2
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb
from groupbuy.team_formation.v1 import types_pb2
from psycopg import AsyncConnection

from deploy.check.runner import wait_for_checks
from deploy.cli import COMMANDS
from deploy.cli.group import LazyGroup
from deploy.local.stack import Stack
from services.chassis.database import database_url
from tests.support.sandbox import DAY, Trier, shop_of, time_of
from tests.support.stacks import a_stack

SERVICES = ("team_formation", "pricing")
LATE = timedelta(seconds=5)
"""So much later something may happen than it is due: timers look twice a second, and this machine may be busy."""


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[Stack]:
    async with a_stack(tmp_path / "data") as running:
        yield running


@pytest.fixture
async def shop(stack: Stack) -> AsyncIterator[Trier]:
    channels: list[grpc.aio.Channel] = []
    yield shop_of(stack, channels)
    for channel in channels:
        await channel.close()


async def told(stack: Stack, *keys: str) -> list[tuple[datetime, str]]:
    """Read what team_formation and pricing have told of keys, in the order in which it happened."""
    found: list[tuple[datetime, str]] = []
    for service in SERVICES:
        async with await AsyncConnection.connect(database_url(stack.database_url, service)) as connection:
            cursor = await connection.execute(
                "SELECT occurred_at, type FROM outbox WHERE aggregateid = ANY(%s) ORDER BY position", (list(keys),)
            )
            own = [(at, kind.rpartition(".")[2]) for at, kind in await cursor.fetchall()]
            assert own == sorted(own, key=lambda item: item[0]), f"{service} told something before what came before it"
            found += own
    return sorted(found, key=lambda item: item[0])


@pytest.mark.timeout(300)
async def test_forty_days_pass_in_one_call_and_everything_happens_at_its_time(stack: Stack, shop: Trier) -> None:
    twin = await shop.twin()
    begin = time_of((await twin.clock()).now)
    real = await shop.campaign(begin)
    untouched = await shop.open(real, "rosa")
    rules = {"on_full": types_pb2.ON_FULL_WAITLIST, "max_waiting": 5, "close_when_full": False}
    campaign_id = await twin.campaign(begin, **rules)
    formed = await twin.open(campaign_id, "mei")
    await twin.confirm(formed.seat)
    code = await twin.invite(formed.team.team_id, "mei")
    await twin.confirm(await twin.join(code, "tom"))
    await twin.join(code, "lin")
    failed = await twin.open(campaign_id, "ann")

    clock = await twin.advance(40 * DAY)

    assert begin + 40 * DAY <= time_of(clock.now) < datetime.now(UTC) + 40 * DAY + LATE
    later = [
        (kind, at)
        for at, kind in await told(stack, formed.team.team_id, failed.team.team_id)
        if at > begin + timedelta(minutes=5) and kind != "SettlementLineRecorded"
    ]
    expected = [
        ("SeatReleased", timedelta(minutes=10)),
        ("LeaderChanged", timedelta(minutes=10)),
        ("TeamFormed", 3 * DAY),
        ("TeamFailed", 3 * DAY),
        # neither has paid within a week: lin, who waited, takes a place, and does not pay within a week of her own
        *[("PaymentLapsed", 10 * DAY)] * 2,
        *[("SeatDefaulted", 10 * DAY)] * 2,
        ("SeatConfirmed", 10 * DAY),
        ("PaymentLapsed", 17 * DAY),
        ("SeatDefaulted", 17 * DAY),
    ]
    assert sorted(kind for kind, _ in later) == sorted(kind for kind, _ in expected)
    for kind in {kind for kind, _ in expected}:
        ats = [at - begin for name, at in later if name == kind]
        dues = [due for name, due in expected if name == kind]
        assert all(due <= at < due + LATE for at, due in zip(ats, dues, strict=True)), (kind, ats)

    seat = (await shop.call("GetSeat", pb.GetSeatRequest(seat_id=untouched.seat.seat_id))).seat
    assert types_pb2.SeatState.Name(seat.state) == "SEAT_STATE_HELD", "the shop's own time goes on as ever"
    results = await wait_for_checks(stack.database_url, 60)
    assert [(result.name, result.examples) for result in results if result.violations] == []


@pytest.mark.timeout(200)
async def test_a_twin_begins_anew_in_all_services_by_the_command_line(
    stack: Stack, shop: Trier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    twin = await shop.twin()
    begin = time_of((await twin.clock()).now)
    opened = await twin.open(await twin.campaign(begin), "mei")
    await twin.confirm(opened.seat)
    monkeypatch.setenv("GROUPBUY_TEAM_FORMATION", stack.address("team_formation"))
    monkeypatch.setenv("GROUPBUY_PLATFORM_KEY", twin.key)

    async def groupbuy(*words: str) -> str:
        command = LazyGroup(COMMANDS, name="groupbuy")
        data = ["--data", str(tmp_path / "none")]
        result = await asyncio.to_thread(CliRunner().invoke, command, ["sandbox", *words, *data])
        assert result.exit_code == 0, result.output
        return result.output.strip()

    assert (await groupbuy("advance", "--by", "4d")).endswith("  4d 0h ahead")
    state = (await twin.call("GetTeam", pb.GetTeamRequest(team_id=opened.team.team_id))).team.state
    assert types_pb2.TeamState.Name(state) == "TEAM_STATE_FAILED"
    crowd = ["crowd", await twin.campaign(begin + 4 * DAY), "--members", "7", "--seed", "3", "--confirming", "100"]
    told_of = (await groupbuy(*crowd, "--waves", "3", "--every", "30m")).splitlines()
    counted = {tuple(line.split()[:2]): int(line.split()[2]) for line in told_of if not line.startswith("team_")}
    joined = counted["OpenTeam", "SEAT"] + counted["JoinTeam", "SEAT"]
    assert (joined, counted["ConfirmSeat", "CONFIRMED"]) == (7, 7), told_of
    assert "  4d 1h ahead" in await groupbuy("clock")
    assert await groupbuy("reset", "--yes") == "it begins anew"
    assert (await groupbuy("clock")).endswith("  0d 0h ahead")
    assert list((await twin.call("ListCampaigns", pb.ListCampaignsRequest())).campaigns) == []
    again = await twin.open(await twin.campaign(datetime.now(UTC)), "mei")
    await twin.confirm(again.seat)
    assert time_of((await twin.advance(DAY)).now) < datetime.now(UTC) + DAY + LATE
    prices = await twin.call("GetPrice", pricing_service_pb2.GetPriceRequest(team_id=again.team.team_id))
    assert prices.ByteSize() > 0, "pricing knows the key's new twin"
