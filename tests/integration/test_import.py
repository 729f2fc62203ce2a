"""Teams of another system are brought over: silently, once, with what was promised, and live on as any other."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from click.testing import Result
from google.protobuf.json_format import ParseDict
from groupbuy.team_formation.v1 import importing_pb2 as pb
from groupbuy.team_formation.v1 import types_pb2
from psycopg import AsyncConnection

from deploy.check.runner import check_databases
from deploy.verify.verifier import verify
from services.team_formation import domain, translate
from services.team_formation.handlers import Ask
from tests.integration.test_stories import discounted
from tests.support.command_line import Run, on_the_command_line
from tests.support.database import Database
from tests.support.engine import Engine
from tests.support.formation import PLATFORM, START, Formation, a_campaign, a_formation
from tests.support.pricing import PricingService
from tests.support.until import until

PAST, LIFE = START + timedelta(minutes=1), timedelta(hours=5)
SEEDS = range(12)
MANY = 4
"""Teams of them in which a promise is lower than the price by what is left."""


@dataclass
class Move:
    """An engine to which a shop moves, half an hour after its campaign began, and the shop's command line."""

    engine: Engine
    run: Run
    campaign: domain.Campaign
    file: Path

    def write(self, *lines: dict[str, Any] | str) -> None:
        """Write the file of teams."""
        self.file.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))

    async def bring(self, *options: str) -> Result:
        """Run `groupbuy import`."""
        return await self.run("import", str(self.file), *options)

    def team(self, *seats: dict[str, Any], **changes: Any) -> dict[str, Any]:
        """Describe a team."""
        campaign_id = translate.campaign_id(self.campaign.campaign_id)
        made = {
            "campaign_id": campaign_id,
            "external_ref": "old-7",
            "opened_at": at(0),
            "ends_at": at(LIFE),
            "seats": seats,
        }
        return {**made, **changes}

    async def violations(self) -> dict[str, int]:
        """Count what breaks each invariant, in all three databases; those that find nothing are left out."""
        found = await check_databases(self.engine.urls, now=self.engine.formation.clock.now())
        nobody_sends = {"7_deliveries_end"}
        return {item.name: item.violations for item in found if item.violations and item.name not in nobody_sends}


def at(after: timedelta | float) -> str:
    """Write a time, some minutes after the team was opened."""
    time = PAST + (after if isinstance(after, timedelta) else timedelta(minutes=after))
    return written(time)


def seat(member: str, minute: float, cap: int, **changes: Any) -> dict[str, Any]:
    """Describe a confirmed seat; a held one where `hold_until` is said."""
    made: dict[str, Any] = {
        "external_ref": f"order-{member}",
        "member_id": member,
        "held_at": at(minute),
        "cap": {"minor_units": cap, "currency": "EUR"},
    }
    if "hold_until" not in changes:
        made |= {"confirmed_at": at(minute + 1), "payment_reference": f"old-pay-{member}"}
    return {**made, **changes}


@pytest.fixture
async def move(database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Move]:
    async with on_the_command_line(database, monkeypatch, tmp_path) as (engine, run):
        campaign = await engine.formation.create(discounted(a_campaign(leave_until=domain.LeaveUntil.ENDED)))
        engine.formation.clock.move(timedelta(minutes=30))
        yield Move(engine, run, campaign, tmp_path / "teams.jsonl")


async def rows(move: Move) -> list[Any]:
    """Give all that an import could change."""
    tables = ("teams", "seats", "outbox")
    return [await move.engine.formation.rows(f"SELECT * FROM {table} ORDER BY 1, 2, 3") for table in tables]  # noqa: S608


async def test_a_team_comes_over_as_it_stood_and_lives_on(move: Move) -> None:
    formation, told = move.engine.formation, move.engine.notification
    for member in ("mei", "tom", "zoe", "ana", "kim"):
        await told.put(PLATFORM, member)
    # three others had left when Zoe was promised 24.90; by what is left here the price with her is 29.90
    line = move.team(
        seat("mei", 0, 3990), seat("tom", 3, 3490), seat("zoe", 6, 2490),
        seat("ana", 20, 2990, hold_until=at(45)),
    )  # fmt: skip
    move.write(line)
    before = await rows(move)
    result = await move.bring("--dry-run")
    assert result.exit_code == 0, result.output
    assert "1 team with 4 seats would be imported; 1 promise lower than the price; 0 there before" in result.output
    assert await rows(move) == before
    result = await move.bring()
    assert result.exit_code == 0, result.output
    assert "1 team with 4 seats imported" in result.output
    after = await rows(move)
    assert (
        "0 teams with 0 seats imported; 0 promises lower than the price; 1 there before, 0 refused"
        in (await move.bring()).output
    )
    assert await rows(move) == after

    await move.engine.carry(times=2)
    assert await told.told() == []
    assert await told.rows("SELECT count(*) FROM join_digests") == [(0,)]
    assert await move.violations() == {}
    [(team_id, version, opened_at, ends_at)] = await formation.rows(
        "SELECT team_id, version, opened_at, ends_at FROM teams"
    )
    assert (version, opened_at, ends_at) == (9, PAST, PAST + LIFE)
    seats = await formation.rows("SELECT member_id, state, cap, held_at, confirmed_at FROM seats ORDER BY number")
    assert [(row[0], row[1], row[2]) for row in seats] == [
        ("mei", "CONFIRMED", 3990), ("tom", "CONFIRMED", 3490), ("zoe", "CONFIRMED", 2490), ("ana", "HELD", 2990),
    ]  # fmt: skip
    assert seats[2][3:] == (time_of(6), time_of(7))

    team = translate.team_id(move.campaign.campaign_id, team_id)
    kim = (await formation.join(team, "kim")).seat
    await formation.confirm(kim)
    await move.engine.carry(times=2)
    assert {member for _, member in await told.told()} >= {"kim"}
    assert await told.rows("SELECT count(*) FROM join_digests") == [(1,)]
    formation.clock.move(LIFE)
    while await formation.finder.run_once():
        pass
    await move.engine.carry(times=2)
    lines = await move.engine.pricing.rows(
        "SELECT member_id, unit_price, to_refund, payment_reference FROM settlement_lines"
    )
    assert {row["member_id"]: (row["unit_price"], row["to_refund"]) for row in lines} == {
        "mei": (2990, 1000), "tom": (2990, 500), "zoe": (2490, 0), "kim": (2990, 0),
    }  # fmt: skip
    assert {row["payment_reference"] for row in lines} >= {"old-pay-mei", "old-pay-tom", "old-pay-zoe"}
    assert await move.violations() == {}

    zoe = await seat_id(move, "zoe")
    explained = json.loads((await move.run("explain", zoe, "--json")).output)
    computed, problems = verify(explained)
    assert (computed["unitPrice"], computed["cap"], problems) == (2490, 2490, [])
    story = (await move.run("why", zoe)).output
    assert "cap 24.90 EUR, read at fill 3" in story
    assert "This seat's cap is 24.90 EUR, which is lower, so it pays 24.90 EUR" in story


async def test_pricing_computes_the_same_from_the_events_again(move: Move) -> None:
    move.write(move.team(seat("mei", 0, 3990), seat("tom", 3, 3490), seat("zoe", 6, 2490)))
    assert (await move.bring()).exit_code == 0
    await move.engine.carry()
    state = await move.engine.pricing.state()
    await move.engine.pricing.empty()
    move.engine.pricing = PricingService(move.engine.pricing.database)
    await move.engine.formation.rows("UPDATE relay_positions SET position = 0 RETURNING 1")
    await move.engine.carry(batch=1)
    assert await move.engine.pricing.state() == state


BAD: dict[str, tuple[Callable[[Move], Any], str]] = {
    "a cap above the table": (
        lambda move: move.team(seat("mei", 0, 3990), seat("tom", 3, 3600)),
        "line 2: seats[1].cap 3600 is above 3490, the price at fill 2 with this seat; promise at most that",
    ),
    "a team that has ended": (
        lambda move: move.team(seat("mei", 0, 3990), ends_at=at(5)),
        "line 2: ends_at has passed",
    ),
    "a hold that ran out": (
        lambda move: move.team(seat("mei", 0, 3990), seat("tom", 3, 3490, hold_until=at(9))),
        "line 2: seats[1].hold_until has passed; leave the seat out",
    ),
    "a time before the campaign": (
        lambda move: move.team(seat("mei", -5, 3990), opened_at=at(-5)),
        "line 2: opened_at is before the campaign's starts_at",
    ),
    "a time to come": (
        lambda move: move.team(seat("mei", 0, 3990), seat("tom", 50, 3490)),
        "line 2: seats[1].held_at must be between opened_at and now",
    ),
    "a member twice": (
        lambda move: move.team(seat("mei", 0, 3990), seat("mei", 3, 3490, external_ref="other")),
        "line 2: seats[1].member_id must be another one",
    ),
    "a payment without reference": (
        lambda move: move.team(seat("mei", 0, 3990, payment_reference="")),
        "line 2: seats[0].payment_reference is refused with PAYMENT_REFERENCE_MISSING",
    ),
    "more than fits": (
        lambda move: move.team(*(seat(f"m{n}", n / 4, 3990 if n == 0 else 2990, hold_until=at(45)) for n in range(6))),
        "line 2: seats[5] is refused with TEAM_FULL",
    ),
    "an item that is not sold": (
        lambda move: move.team(seat("mei", 0, 3990, sku="pear")),
        "line 2: seats[0] is refused with ITEM_UNKNOWN (sku pear",
    ),
    "a team that is complete": (
        lambda move: move.team(*(seat(f"m{n}", n * 2, [3990, 3490, 2990, 2990, 2490][n]) for n in range(5))),
        "line 2: seats every place is confirmed",
    ),
    "no campaign": (lambda move: move.team(seat("mei", 0, 3990), campaign_id="camp_x"), "line 2: team "),
    "an unknown field": (lambda move: {**move.team(), "price": 3}, 'line 2: Message type "groupbuy'),
    "the team of another line": (
        lambda move: move.team(seat("mei", 0, 3990), external_ref="good"),
        "is that of line 1",
    ),
    "no JSON": (lambda _: "{", "line 2: Expecting"),
}


async def test_nothing_is_imported_if_a_line_is_bad_and_each_is_told_with_its_remedy(move: Move) -> None:
    before = await rows(move)
    for name, (make, told) in BAD.items():
        move.write(move.team(seat("lin", 0, 3990), external_ref="good"), make(move))
        result = await move.bring()
        assert result.exit_code != 0, name
        assert told in result.output + str(result.exception), name
        assert await rows(move) == before, name


async def test_any_team_of_here_comes_over_to_another_campaign_as_it_stands(move: Move) -> None:
    """What a team went through, members who left before too, is no hindrance: caps that were promised are kept."""
    formation = move.engine.formation
    there = {"maximum": 12, "close_when_full": False, "leave_until": domain.LeaveUntil.ENDED}
    less, followed = 0, 0
    for seed in SEEDS:
        before = await formation.create(a_campaign(**there))
        await an_eventful_team(formation, before, Random(seed))  # noqa: S311 - chance of a test
        leader, seats = await live(formation, before)
        move.campaign = await formation.create(a_campaign(**there))
        opened_at, ends_at = await times(formation, before)
        described = [described_as(row, leader, opened_at) for row in seats]
        move.write(move.team(*described, opened_at=written(opened_at), ends_at=written(ends_at)))
        result = await move.bring()
        assert result.exit_code == 0, f"seed {seed}: {result.output}"
        again, came = await live(formation, move.campaign)
        assert (again, [row[:6] for row in came]) == (leader, [row[:6] for row in seats])
        assert [row[6] for row in came] == [opened_at, *(row[6] for row in seats[1:])]
        assert await times(formation, move.campaign) == (opened_at, ends_at)
        less += "0 promises" not in result.output
        followed += leader != "m0"
    assert less >= MANY
    assert followed >= 1
    while await formation.finder.run_once():  # the first ones have come to their end
        pass
    await move.engine.carry()
    assert await move.violations() == {}


async def times(formation: Formation, campaign: domain.Campaign) -> tuple[datetime, datetime]:
    """Give when a campaign's team was opened, and when it ends."""
    query = "SELECT opened_at, ends_at FROM teams WHERE campaign_id = %s"
    [(opened_at, ends_at)] = await formation.rows(query, campaign.campaign_id)
    return opened_at, ends_at


async def an_eventful_team(formation: Formation, campaign: domain.Campaign, chance: Random) -> None:
    """Have members join, pay, and leave, in no order, and at least one stay who has paid."""
    opened = await formation.open(campaign, "m0", quantity=2)
    held = [opened.seat]
    paid: list[types_pb2.Seat] = []
    for number in range(1, 25):
        formation.clock.move(timedelta(seconds=chance.randint(1, 90)))
        act = chance.random()
        if act < 0.5 and len(held) + len(paid) < 12:
            held.append((await formation.join(opened.team.team_id, f"m{number}", quantity=chance.randint(1, 3))).seat)
        elif act < 0.8 and held:
            paid.append(held.pop(chance.randrange(len(held))))
            await formation.confirm(paid[-1])
        elif len(paid) > 1:
            await formation.leave(paid.pop(chance.randrange(len(paid))))
    if not paid:
        await formation.confirm(held[-1])


async def live(formation: Formation, campaign: domain.Campaign) -> tuple[str, list[tuple[Any, ...]]]:
    """Give who leads a campaign's team, and its live seats, the leader's first."""
    rows = await formation.rows(
        "SELECT s.member_id, s.state, s.quantity, s.cap, s.confirmed_at, s.payment_reference, s.held_at, s.hold_until,"
        " s.seat_id = t.leader_seat_id FROM seats AS s JOIN teams AS t USING (campaign_id, team_id)"
        " WHERE s.campaign_id = %s AND s.state IN ('HELD', 'CONFIRMED') ORDER BY s.member_id",
        campaign.campaign_id,
    )
    [leader] = [row[0] for row in rows if row[8]]
    return leader, sorted(rows, key=lambda row: (row[0] != leader, row[0]))


def described_as(row: tuple[Any, ...], leader: str, opened_at: datetime) -> dict[str, Any]:
    """Describe a stored seat in the form of an import."""
    member, _, quantity, cap, confirmed_at, reference, held_at, hold_until, _ = row
    made = {
        "external_ref": f"order-{member}",
        "member_id": member,
        "quantity": quantity,
        "cap": {"minor_units": cap, "currency": "EUR"},
        "held_at": written(opened_at if member == leader else held_at),
    }
    if confirmed_at is None:
        return {**made, "hold_until": written(hold_until)}
    return {**made, "confirmed_at": written(confirmed_at), "payment_reference": reference}


def written(time: datetime) -> str:
    """Write a time as protobuf's JSON has it."""
    return time.isoformat().replace("+00:00", "Z")


async def test_two_processes_that_bring_the_same_team_over_at_once_make_one(move: Move) -> None:
    formation, url = move.engine.formation, move.engine.urls["team_formation"]
    campaign_id, team_id = move.campaign.campaign_id, uuid4()
    join = domain.Join(uuid4(), "mei", "mango", 1, currency="EUR")
    command = domain.Import(team_id, "old-7", PAST, PAST + LIFE, (domain.Brought(join, PAST, 3990, PAST, "pay"),))

    async def both_wait() -> bool:
        [(waiting,)] = await formation.rows("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        return bool(waiting == 2)

    async with a_formation(url, formation.clock) as other, await AsyncConnection.connect(url) as gate:
        await gate.execute("LOCK TABLE teams IN SHARE ROW EXCLUSIVE MODE")  # both see that it is not there, and wait
        asks = [
            asyncio.create_task(
                one.commands.submit(
                    Ask(PLATFORM, campaign_id, command, formation.key("ImportTeam", campaign_id), team_id)
                )
            )
            for one in (formation, other)
        ]
        await until(both_wait)
        await gate.rollback()
        brought = [pb.ImportedTeam.FromString(answer) for answer in await asyncio.gather(*asks)]
    assert sorted((team.there_before, team.seats) for team in brought) == [(False, 1), (True, 0)]
    assert brought[0].team_id == brought[1].team_id
    assert await formation.rows("SELECT count(*) FROM outbox WHERE aggregatetype = 'groupbuy.team.v1'") == [(3,)]


async def test_stock_and_limits_hold_for_what_is_brought_over(move: Move) -> None:
    formation = move.engine.formation
    move.campaign = await formation.create(a_campaign(stock=2, rules={"max_teams_per_member": 1}))
    move.write(
        move.team(seat("mei", 0, 3990), external_ref="first"),
        move.team(seat("mei", 0, 3990), external_ref="second"),
        move.team(seat("tom", 0, 3990), seat("ana", 5, 3490), external_ref="third"),
    )
    result = await move.bring()
    assert result.exit_code == 1
    assert "line 2: seats[0] is refused with MEMBER_LIMIT" in result.output
    assert "line 3: seats[1] is refused with OUT_OF_STOCK" in result.output
    assert "1 team with 1 seat imported" in result.output
    assert await formation.rows("SELECT taken FROM stock") == [(1,)]
    await move.engine.carry()
    assert await move.violations() == {}


def test_the_page_has_every_field_and_its_example_is_one() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "import.md").read_text()
    [example] = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    team = ParseDict(json.loads(example), pb.ImportTeam())
    assert [len(team.seats), team.seats[1].asserted.newcomer] == [2, True]
    rows = " ".join(line.split("|")[1] for line in page.splitlines() if line.startswith("| `"))
    fields = [*pb.ImportTeam.DESCRIPTOR.fields_by_name, *pb.ImportSeat.DESCRIPTOR.fields_by_name]
    assert {name for name in fields if f"`{name}`" not in rows} == set()


async def seat_id(move: Move, member: str) -> str:
    """Find the seat of a member."""
    [(found,)] = await move.engine.formation.rows("SELECT seat_id FROM seats WHERE member_id = %s", member)
    return translate.seat_id(move.campaign.campaign_id, found)


def time_of(minute: float) -> datetime:
    """Give the time some minutes after the team was opened."""
    return PAST + timedelta(minutes=minute)
