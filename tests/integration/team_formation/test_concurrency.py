"""Right under concurrency: two replicas on one database, the invariants counted in SQL afterwards."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from datetime import timedelta
from typing import Any

import pytest

from deploy.check.invariants import invariants
from services.chassis.clock import ManualClock
from services.chassis.errors import Rejected
from tests.support.formation import Formation, a_campaign, a_formation


@pytest.fixture
async def replicas(url: str, clock: ManualClock) -> AsyncIterator[list[Formation]]:
    """Two replicas with small batches, so that many transactions meet."""
    async with a_formation(url, clock, limit=7) as one, a_formation(url, clock, limit=5) as two:
        yield [one, two]


async def outcome(call: Awaitable[Any]) -> Any:
    try:
        return await call
    except Rejected as refused:
        return refused.reason


async def violations(formation: Formation, clock: ManualClock) -> dict[str, int]:
    """Run every invariant of team_formation alone."""
    found = {}
    for item in invariants():
        [(service, sql), *others] = item.sections
        if service == "team_formation" and not others and "in_kafka" not in item.name:
            async with formation.database.read() as connection:
                row = await (await connection.execute(sql, {"now": clock.now()})).fetchone()
            found[item.name] = row[1] if row else -1
    assert len(found) >= 7
    return {name: count for name, count in found.items() if count}


async def test_more_joiners_than_seats(replicas: list[Formation], clock: ManualClock) -> None:
    campaign = await replicas[0].create(a_campaign(maximum=50))
    team = (await replicas[0].open(campaign)).team.team_id
    answers = await asyncio.gather(
        *(outcome(replicas[n % 2].join(team, f"member-{n}", request_id=f"join-{n}")) for n in range(120))
    )
    assert Counter(answer if isinstance(answer, str) else "seat" for answer in answers) == {"seat": 49, "TEAM_FULL": 71}
    assert await violations(replicas[0], clock) == {}


async def test_the_same_request_on_both_replicas_at_once(replicas: list[Formation], clock: ManualClock) -> None:
    team = (await replicas[0].open(await replicas[0].create(a_campaign()))).team.team_id
    one = await asyncio.gather(*(replicas[n % 2].join(team, "tom", request_id="same") for n in range(20)))
    assert len({answer.SerializeToString() for answer in one}) == 1
    other = await outcome(replicas[1].join(team, "tom", request_id="same", body=b"another"))
    assert other == "REQUEST_ID_REUSED"
    assert await replicas[0].rows("SELECT count(*) FROM seats WHERE member_id = 'tom'") == [(1,)]
    assert await violations(replicas[0], clock) == {}


async def test_a_member_joins_by_many_requests_at_once(replicas: list[Formation], clock: ManualClock) -> None:
    team = (await replicas[0].open(await replicas[0].create(a_campaign()))).team.team_id
    answers = await asyncio.gather(*(outcome(replicas[n % 2].join(team, "tom")) for n in range(20)))
    assert sum(not isinstance(answer, str) for answer in answers) == 1
    assert answers.count("ALREADY_IN_TEAM") == 19
    assert await violations(replicas[0], clock) == {}


async def test_the_last_two_payments_at_once(replicas: list[Formation], clock: ManualClock) -> None:
    for round_ in range(10):
        opened = await replicas[0].open(await replicas[0].create(a_campaign(maximum=2)), f"mei-{round_}")
        other = await replicas[1].join(opened.team.team_id, "tom")
        await asyncio.gather(replicas[0].confirm(opened.seat), replicas[1].confirm(other.seat))
        facts = [fact for _, fact in await replicas[0].facts(opened.team.team_id)]
        assert facts.count("team_formed") == 1
    assert await violations(replicas[0], clock) == {}


async def test_expiry_and_confirmation_at_once(replicas: list[Formation], clock: ManualClock) -> None:
    campaign = await replicas[0].create(a_campaign(maximum=40, close_when_full=False))
    team = (await replicas[0].open(campaign)).team.team_id
    joined = await asyncio.gather(*(replicas[n % 2].join(team, f"member-{n}") for n in range(39)))
    clock.move(timedelta(minutes=10))
    await asyncio.gather(
        *(replicas[n % 2].confirm(answer.seat) for n, answer in enumerate(joined)),
        *(replica.finder.run_once() for replica in replicas),
    )
    assert await replicas[0].rows("SELECT confirmed_members FROM teams") == [(39,)]
    assert await violations(replicas[0], clock) == {}


async def test_joins_and_leaves_at_once(replicas: list[Formation], clock: ManualClock) -> None:
    campaign = await replicas[0].create(a_campaign(maximum=10))
    team = (await replicas[0].open(campaign)).team.team_id

    async def come_and_go(member: str, replica: Formation) -> None:
        for _ in range(4):
            answer = await outcome(replica.join(team, member))
            if not isinstance(answer, str):
                await outcome(replica.leave(answer.seat))

    await asyncio.gather(*(come_and_go(f"member-{n}", replicas[n % 2]) for n in range(20)))
    assert await violations(replicas[0], clock) == {}


async def test_many_teams_at_once_do_not_deadlock(replicas: list[Formation], clock: ManualClock) -> None:
    campaign = await replicas[0].create(a_campaign(maximum=30))
    opened = await asyncio.gather(*(replicas[n % 2].open(campaign, f"leader-{n}") for n in range(12)))
    teams = [answer.team.team_id for answer in opened]
    await asyncio.gather(
        *(replicas[n % 2].join(teams[(n * 7) % len(teams)], f"member-{n}") for n in range(200)),
    )
    assert await replicas[0].rows("SELECT sum(held_members) FROM teams") == [(212,)]
    assert await violations(replicas[0], clock) == {}
