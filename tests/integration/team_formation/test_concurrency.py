"""Seats, stock, limits and payments at once on two replicas; every invariant is counted in SQL afterwards."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from services.chassis.clock import ManualClock
from services.team_formation.domain import LeaveUntil
from tests.support.crowding import all_at_once, outcome, told, violations
from tests.support.formation import Formation, a_campaign

Counts = Callable[..., None]


async def test_more_joiners_than_seats(replicas: list[Formation], counts: Counts) -> None:
    campaign = await replicas[0].create(a_campaign(maximum=50, stock=1000))
    team = (await replicas[0].open(campaign)).team.team_id
    answers = told(await all_at_once(replicas[n % 2].join(team, f"member-{n}") for n in range(120)))
    assert answers == {"OK": 49, "TEAM_FULL": 71}
    assert await replicas[0].rows("SELECT count(*) FROM seats WHERE state = 'HELD'") == [(50,)]
    assert await replicas[0].rows("SELECT taken FROM stock") == [(50,)]
    assert await violations(replicas[0]) == {}
    counts(joiners=120, seats_free=49, **answers)


async def test_the_last_stock_over_two_teams(replicas: list[Formation], counts: Counts) -> None:
    campaign = await replicas[0].create(a_campaign(maximum=50, stock=12))
    teams = [(await replicas[n].open(campaign, f"leader-{n}")).team.team_id for n in range(2)]
    joins = (replicas[n % 2].join(teams[(n // 2) % 2], f"member-{n}") for n in range(60))
    answers = told(await all_at_once(joins))
    assert answers == {"OK": 10, "OUT_OF_STOCK": 50}
    assert await replicas[0].rows("SELECT offered, taken FROM stock") == [(12, 12)]
    assert await violations(replicas[0]) == {}
    counts(joiners=60, units_left=10, **answers)


async def test_the_last_units_in_quantities(replicas: list[Formation], counts: Counts) -> None:
    campaign = await replicas[0].create(a_campaign(maximum=200, stock=31, max_units_per_seat=3))
    team = (await replicas[0].open(campaign)).team.team_id
    joins = (replicas[n % 2].join(team, f"member-{n}", quantity=n % 3 + 1) for n in range(40))
    answers = told(await all_at_once(joins))
    [(offered, taken)] = await replicas[0].rows("SELECT offered, taken FROM stock")
    assert offered - taken == 0, "somebody wanted one unit until none was left"
    assert await violations(replicas[0]) == {}
    counts(joiners=40, units_taken=taken, **answers)


async def test_the_last_two_payments_at_once(replicas: list[Formation], counts: Counts) -> None:
    formed, rounds = 0, 20
    for round_ in range(rounds):
        opened = await replicas[0].open(await replicas[0].create(a_campaign(maximum=2)), f"mei-{round_}")
        other = await replicas[1].join(opened.team.team_id, "tom")
        await asyncio.gather(replicas[0].confirm(opened.seat), replicas[1].confirm(other.seat))
        facts = [fact for _, fact in await replicas[0].facts(opened.team.team_id)]
        assert facts.count("team_tipped") == 1
        formed += facts.count("team_formed") == 1
    assert formed == rounds
    assert await replicas[0].rows("SELECT DISTINCT state, confirmed_members FROM teams") == [("FORMED", 2)]
    assert await violations(replicas[0]) == {}
    counts(teams=rounds, payments=2 * rounds, formed_once=formed)


async def test_a_member_joins_by_many_requests_at_once(replicas: list[Formation], counts: Counts) -> None:
    team = (await replicas[0].open(await replicas[0].create(a_campaign()))).team.team_id
    answers = told(await all_at_once(replicas[n % 2].join(team, "tom") for n in range(20)))
    assert answers == {"OK": 1, "ALREADY_IN_TEAM": 19}
    assert await violations(replicas[0]) == {}
    counts(requests=20, **answers)


@pytest.mark.parametrize(
    ("rules", "quantities", "seats"),
    [
        ({"max_units_per_member": 5}, (1,), 5),
        ({"max_units_per_member": 5}, (2,), 2),
        ({"max_teams_per_member": 3}, (1, 2), 3),
        # whoever has two seats has at most four units: a join of one unit is never refused for its units
        ({"max_units_per_member": 5, "max_teams_per_member": 3}, (1, 2), 3),
    ],
    ids=["units one by one", "units two by two", "teams", "units and teams"],
)
async def test_a_members_limits_at_once(
    replicas: list[Formation], rules: dict[str, int], quantities: tuple[int, ...], seats: int, counts: Counts
) -> None:
    campaign = await replicas[0].create(a_campaign(maximum=50, rules=rules))
    teams = [(await replicas[n % 2].open(campaign, f"leader-{n}")).team.team_id for n in range(8)]
    members = ("tom", "lin", "kim")
    calls = [
        replicas[(n + at) % 2].join(team, member, quantity=quantities[(n + at) % len(quantities)])
        for n, member in enumerate(members)
        for at, team in enumerate(teams)
    ]
    answers = told(await all_at_once(calls))
    assert answers == {"OK": seats * 3, "MEMBER_LIMIT": (8 - seats) * 3}
    has = "SELECT member_id, count(*) FROM seats WHERE member_id = ANY (%s) GROUP BY member_id"
    assert dict(await replicas[0].rows(has, list(members))) == dict.fromkeys(members, seats)
    assert await violations(replicas[0]) == {}
    counts(members=3, joins=24, seats_each=seats, **answers)


async def test_the_limit_of_teams_opened_at_once(replicas: list[Formation], counts: Counts) -> None:
    campaign = await replicas[0].create(a_campaign(rules={"max_teams_opened_per_member": 2}))
    answers = told(await all_at_once(replicas[n % 2].open(campaign, "sol") for n in range(20)))
    assert answers == {"OK": 2, "MEMBER_LIMIT": 18}
    assert await replicas[0].rows("SELECT count(*) FROM teams WHERE opener_member_id = 'sol'") == [(2,)]
    assert await violations(replicas[0]) == {}
    counts(opens=20, **answers)


async def test_a_place_is_left_while_many_want_it(replicas: list[Formation], counts: Counts) -> None:
    campaign = await replicas[0].create(a_campaign(maximum=10))
    team = (await replicas[0].open(campaign)).team.team_id
    held = [(await replicas[n % 2].join(team, f"early-{n}")).seat for n in range(9)]
    leaves = [replicas[n % 2].leave(seat) for n, seat in enumerate(held[:5])]
    joins = [replicas[n % 2].join(team, f"late-{n}") for n in range(40)]
    answers = await all_at_once([*joins[:20], *leaves, *joins[20:]])
    seated = [answer for answer in [*answers[:20], *answers[25:]] if not isinstance(answer, str)]
    assert told(answers[20:25]) == {"OK": 5}
    assert len(seated) <= 5
    later = told(await all_at_once(replicas[n % 2].join(team, f"later-{n}") for n in range(10)))
    assert len(seated) + later["OK"] == 5, "each place that was left is taken once"
    assert await replicas[0].rows("SELECT held_members FROM teams") == [(10,)]
    assert await violations(replicas[0]) == {}
    counts(leaves=5, joiners=40, seated=len(seated), seated_later=later["OK"])


async def test_members_come_and_go_at_once(replicas: list[Formation], counts: Counts) -> None:
    campaign = await replicas[0].create(a_campaign(maximum=10, stock=12))
    team = (await replicas[0].open(campaign)).team.team_id
    came = 0

    async def come_and_go(member: str, replica: Formation) -> None:
        nonlocal came
        for _ in range(4):
            answer = await outcome(replica.join(team, member, quantity=2))
            if not isinstance(answer, str):
                came += 1
                await replica.leave(answer.seat, 1)
                await replica.leave(answer.seat)

    await asyncio.gather(*(come_and_go(f"member-{n}", replicas[n % 2]) for n in range(20)))
    assert await replicas[0].rows("SELECT held_members FROM teams") == [(1,)]
    assert await replicas[0].rows("SELECT taken FROM stock") == [(1,)]
    assert await violations(replicas[0]) == {}
    counts(members=20, seats_taken_and_given_back=came)


async def test_expiry_and_confirmation_at_once(replicas: list[Formation], clock: ManualClock, counts: Counts) -> None:
    campaign = await replicas[0].create(a_campaign(maximum=40, close_when_full=False, stock=40))
    team = (await replicas[0].open(campaign)).team.team_id
    joined = await asyncio.gather(*(replicas[n % 2].join(team, f"member-{n}") for n in range(39)))
    clock.move(timedelta(minutes=10))
    await asyncio.gather(
        *(replicas[n % 2].confirm(answer.seat) for n, answer in enumerate(joined)),
        *(replica.finder.run_once() for replica in replicas),
    )
    assert await replicas[0].rows("SELECT confirmed_members, held_members FROM teams") == [(39, 0)]
    assert await violations(replicas[0]) == {}
    counts(holds_run_out=40, confirmed=39)


async def test_confirmations_of_expired_seats_meet_those_who_took_their_places(
    replicas: list[Formation], clock: ManualClock, counts: Counts
) -> None:
    campaign = await replicas[0].create(a_campaign(maximum=20, close_when_full=False))
    team = (await replicas[0].open(campaign)).team.team_id
    early = [(await replicas[n % 2].join(team, f"early-{n}")).seat for n in range(19)]
    clock.move(timedelta(minutes=10))
    confirms = [replicas[n % 2].confirm(seat) for n, seat in enumerate(early)]
    joins = [replicas[n % 2].join(team, f"late-{n}") for n in range(19)]
    answers = await all_at_once(call for pair in zip(confirms, joins, strict=True) for call in pair)
    paid = [answer.outcome for answer in answers[::2]]
    seated = told(answers[1::2])
    assert paid.count(1) + seated["OK"] == 20
    assert await replicas[0].rows("SELECT count(*) FROM late_payments") == [(paid.count(2),)]
    assert await violations(replicas[0]) == {}
    counts(places=20, revived=paid.count(1), late_payments=paid.count(2), seated=seated["OK"])


async def test_sponsors_and_joiners_at_once(replicas: list[Formation], counts: Counts) -> None:
    rules = {"max_sponsored": 6}
    campaign = await replicas[0].create(a_campaign(maximum=20, minimum=20, rules=rules, stock=100))
    team = (await replicas[0].open(campaign)).team.team_id
    joins = [replicas[n % 2].join(team, f"member-{n}") for n in range(30)]
    sponsors = [replicas[n % 2].sponsor(team, 2) for n in range(6)]
    answers = await all_at_once([*joins[:15], *sponsors, *joins[15:]])
    [(held, confirmed, sponsored)] = await replicas[0].rows(
        "SELECT held_members, confirmed_members, sponsored_members FROM teams"
    )
    assert held + confirmed == 20
    assert sponsored == confirmed <= 6
    assert await violations(replicas[0]) == {}
    counts(joiners=30, sponsored=sponsored, held=held, **told(answers))


async def test_leaders_leave_at_once(replicas: list[Formation], counts: Counts) -> None:
    campaign = await replicas[0].create(a_campaign(maximum=30, minimum=30, leave_until=LeaveUntil.ENDED))
    opened = await replicas[0].open(campaign)
    seats: list[Any] = [opened.seat]
    seats += [(await replicas[n % 2].join(opened.team.team_id, f"member-{n}")).seat for n in range(20)]
    for seat in seats:
        await replicas[0].confirm(seat)
    answers = await all_at_once(replicas[n % 2].leave(seat) for n, seat in enumerate(seats[:15]))
    assert told(answers) == {"OK": 15}
    leader = (
        "SELECT s.member_id FROM teams AS t JOIN seats AS s ON s.seat_id = t.leader_seat_id AND s.role = 'LEADER'"
        " WHERE s.state = 'CONFIRMED'"
    )
    assert await replicas[0].rows(leader) == [("member-14",)]
    changes = [fact for _, fact in await replicas[0].facts(opened.team.team_id)].count("leader_changed")
    assert await violations(replicas[0]) == {}
    counts(members=21, left=15, leaders_after_another=changes)
