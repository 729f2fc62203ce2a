"""Full teams under a crowd on two replicas: the order of the waitlist, and teams that open for late comers."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb

from services.chassis import ids
from services.chassis.clock import ManualClock
from services.team_formation import domain, store
from services.team_formation.domain import CountedIn, LeaveUntil, OnFull
from services.team_formation.handlers import Ask, book
from tests.support.crowding import Said, all_at_once, amid, deadlocks, outcome, sweep, told, violations
from tests.support.formation import PLATFORM, Formation, a_campaign
from tests.support.until import until

Counts = Callable[..., None]
WAITLIST = {"on_full": OnFull.WAITLIST, "max_waiting": 40}
OPEN_TEAM = {"on_full": OnFull.OPEN_TEAM}
OVERTAKEN = (
    "SELECT count(*) FROM seats AS early JOIN seats AS late ON late.team_id = early.team_id"
    " WHERE early.state = 'WAITING' AND late.state IN ('HELD', 'CONFIRMED') AND late.number > early.number"
)


async def a_full_team(replicas: list[Formation], maximum: int, **changes: Any) -> tuple[str, list[Any]]:
    campaign = await replicas[0].create(a_campaign(maximum=maximum, minimum=maximum, rules=WAITLIST, **changes))
    opened = await replicas[0].open(campaign)
    joined = [await replicas[n % 2].join(opened.team.team_id, f"early-{n}") for n in range(maximum - 1)]
    return opened.team.team_id, [opened.seat, *(answer.seat for answer in joined)]


async def test_who_waited_longest_is_seated_first(replicas: list[Formation], counts: Counts) -> None:
    team, seats = await a_full_team(replicas, 12, stock=100)
    waiting = await all_at_once(replicas[n % 2].join(team, f"late-{n}") for n in range(45))
    assert told(waiting) == {"OK": 40, "WAITLIST_FULL": 5}
    assert told(await all_at_once(replicas[n % 2].leave(seat) for n, seat in enumerate(seats[:9]))) == {"OK": 9}
    assert await replicas[0].rows(OVERTAKEN) == [(0,)]
    assert await replicas[0].rows("SELECT held_members, waiting_members FROM teams") == [(12, 31)]
    assert await violations(replicas[0]) == {}
    counts(waiting=40, left=9, seated_in_order=9)


async def test_the_waitlist_while_members_join_leave_and_stop_waiting(
    replicas: list[Formation], counts: Counts
) -> None:
    team, seats = await a_full_team(replicas, 8, stock=9)
    waiting = [await replicas[n % 2].join(team, f"late-{n}") for n in range(20)]
    calls: list[Any] = [replicas[n % 2].leave(seat) for n, seat in enumerate(seats[:6])]
    calls += [replicas[n % 2].leave(answer.seat) for n, answer in enumerate(waiting[::3])]
    calls += [replicas[n % 2].join(team, f"later-{n}") for n in range(20)]
    answers = await all_at_once(calls)
    assert await replicas[0].rows(OVERTAKEN) == [(0,)]
    assert await replicas[0].rows("SELECT held_members FROM teams") == [(8,)]
    assert await violations(replicas[0]) == {}
    counts(commands=len(calls), **told(answers))


async def test_holds_that_run_out_seat_who_waits(replicas: list[Formation], clock: ManualClock, counts: Counts) -> None:
    team, _ = await a_full_team(replicas, 10)
    await all_at_once(replicas[n % 2].join(team, f"late-{n}") for n in range(25))
    seated = 10
    for _ in range(2):
        clock.move(timedelta(minutes=10))
        await asyncio.gather(*(replica.finder.run_once() for replica in replicas))
        assert await replicas[0].rows(OVERTAKEN) == [(0,)]
        seated += (await replicas[0].rows("SELECT held_members FROM teams"))[0][0]
    assert seated == 30
    assert await violations(replicas[0]) == {}
    counts(places=10, waiting=25, seated_in_order=20)


async def test_stock_that_another_team_gives_back_seats_who_waits_for_it(replicas: list[Formation]) -> None:
    campaign = await replicas[0].create(a_campaign(maximum=2, minimum=2, rules=WAITLIST, stock=3))
    opened = await replicas[0].open(campaign)
    tom = await replicas[0].join(opened.team.team_id, "tom")
    elsewhere = await replicas[0].open(campaign, "ann")
    lin = await replicas[0].join(opened.team.team_id, "lin", quantity=2)
    assert lin.outcome == pb.JOIN_OUTCOME_WAITLISTED
    await replicas[0].leave(tom.seat)
    assert await replicas[0].finder.run_once() == 0, "there is room, and one unit: nothing to look at"
    await replicas[1].leave(elsewhere.seat)
    assert await violations(replicas[0]) == {}
    assert await replicas[0].finder.run_once() == 1
    assert await replicas[0].rows("SELECT state FROM seats WHERE member_id = 'lin'") == [("HELD",)]
    assert await replicas[0].finder.run_once() == 0
    assert await violations(replicas[0]) == {}


async def test_stock_of_a_team_that_is_cancelled_seats_who_waits_elsewhere(replicas: list[Formation]) -> None:
    campaign = await replicas[0].create(a_campaign(maximum=2, minimum=2, rules=WAITLIST, stock=3))
    opened = await replicas[0].open(campaign)
    tom = await replicas[0].join(opened.team.team_id, "tom")
    elsewhere = await replicas[0].open(campaign, "ann")
    await replicas[0].join(opened.team.team_id, "lin", quantity=2)
    await replicas[0].leave(tom.seat)
    await replicas[1].cancel(elsewhere.team.team_id)
    assert await replicas[0].finder.run_once() == 1
    assert await replicas[0].rows("SELECT state FROM seats WHERE member_id = 'lin'") == [("HELD",)]
    assert await violations(replicas[0]) == {}


async def test_who_fits_is_found_behind_many_who_do_not(formation: Formation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book, "MOST_WAITING", 2)
    campaign = a_campaign(maximum=6, counted_in=CountedIn.UNITS, rules=WAITLIST, max_units_per_seat=5)
    team = (await formation.open(await formation.create(campaign), quantity=3)).team.team_id
    tom = await formation.join(team, "tom", quantity=3)
    for member, quantity in (("a", 5), ("b", 4), ("c", 5), ("d", 2), ("e", 1), ("f", 1), ("g", 1)):
        await formation.join(team, member, quantity=quantity)
    await formation.leave(tom.seat, 1)
    assert await waiting(formation) == list("abcdfg"), "one unit: the first who takes one"
    await formation.leave(tom.seat, 1)
    assert await waiting(formation) == list("abcdg")
    await formation.leave(tom.seat)
    await looked_at(formation)
    assert await waiting(formation) == list("abcd")
    assert await violations(formation) == {}


async def waiting(formation: Formation) -> list[str]:
    rows = await formation.rows("SELECT member_id FROM seats WHERE state = 'WAITING' ORDER BY number")
    return [member for (member,) in rows]


async def looked_at(formation: Formation) -> None:
    while await formation.finder.run_once():
        pass


async def test_a_batch_of_leaves_seats_who_stands_behind_in_their_order(
    formation: Formation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(book, "MOST_WAITING", 2)
    campaign = await formation.create(a_campaign(maximum=3, rules=WAITLIST))
    opened = await formation.open(campaign)
    seats = [opened.seat, *[(await formation.join(opened.team.team_id, f"early-{n}")).seat for n in range(2)]]
    for n in range(6):
        await formation.join(opened.team.team_id, f"late-{n}")
    commands = []
    for seat in seats:
        campaign_id, seat_id = ids.parse("seat", seat.seat_id, 2) or ()
        key = formation.key("LeaveTeam", campaign_id)
        commands.append(Ask(PLATFORM, campaign_id, domain.Leave(), key, seat_id=seat_id))
    await formation.handler.decide(commands)
    await looked_at(formation)
    assert await waiting(formation) == ["late-3", "late-4", "late-5"]
    assert await violations(formation) == {}


async def test_parts_given_back_seat_who_fits(replicas: list[Formation], counts: Counts) -> None:
    campaign = a_campaign(maximum=20, counted_in=CountedIn.UNITS, rules=WAITLIST, max_units_per_seat=5, stock=30)
    team = (await replicas[0].open(await replicas[0].create(campaign), quantity=5)).team.team_id
    seats = [(await replicas[n % 2].join(team, f"early-{n}", quantity=5)).seat for n in range(3)]
    await all_at_once(replicas[n % 2].join(team, f"late-{n}", quantity=n % 5 + 1) for n in range(20))
    calls = [replicas[n % 2].leave(seat, units) for units in (1, 2) for n, seat in enumerate(seats)]
    assert told(await all_at_once(calls)) == {"OK": 6}
    [(held, units)] = await replicas[0].rows("SELECT held_members, held_units FROM teams")
    assert units == 20
    assert await violations(replicas[0]) == {}
    counts(units_given_back=9, seats_now=held)


@pytest.mark.parametrize("stock", [1000, None])
async def test_a_crowd_at_a_full_team_fills_others(
    replicas: list[Formation], counts: Counts, stock: int | None
) -> None:
    campaign = await replicas[0].create(a_campaign(maximum=10, rules=OPEN_TEAM, stock=stock))
    team = (await replicas[0].open(campaign)).team.team_id

    async def join_and_pay(n: int) -> Any:
        joined = await replicas[n % 2].join(team, f"member-{n}")
        await replicas[(n + 1) % 2].confirm(joined.seat)

    answers = await all_at_once(join_and_pay(n) for n in range(150))
    assert told(answers) == {"OK": 150}
    [(teams, confirmed)] = await replicas[0].rows("SELECT count(*), sum(confirmed_members) FROM teams")
    assert confirmed == 150
    assert teams == 16, "every other team is full before the next opens, whoever has it locked"
    assert await replicas[0].rows("SELECT taken FROM stock") == ([(151,)] if stock else [])
    assert await violations(replicas[0]) == {}
    counts(joiners=150, places_each=10, teams=teams, seats_lost=150 - confirmed)


async def test_late_comers_wait_for_the_team_that_takes_them_while_another_replica_has_it(
    formation: Formation,
) -> None:
    campaign = await formation.create(a_campaign(maximum=4, rules=OPEN_TEAM))
    team = (await formation.open(campaign)).team.team_id
    await all_at_once(formation.join(team, f"early-{n}") for n in range(3))
    other = (await formation.join(team, "first")).team.team_id
    async with formation.database.direct() as connection, connection.transaction():
        _, team_id = ids.parse("team", other, 2) or ()
        await connection.execute("SELECT FROM teams WHERE team_id = %s FOR UPDATE", (team_id,))
        joining = asyncio.create_task(formation.join(team, "second"))

        async def waits() -> bool:
            return joining.done() or await formation.rows("SELECT FROM pg_locks WHERE NOT granted") != []

        await until(waits)
    assert (await joining).team.team_id == other
    assert await formation.rows("SELECT count(*) FROM teams") == [(2,)]
    assert await violations(formation) == {}


async def test_one_member_at_a_full_team_by_many_requests(replicas: list[Formation], counts: Counts) -> None:
    campaign = await replicas[0].create(a_campaign(maximum=2, rules=OPEN_TEAM | {"max_teams_per_member": 1}))
    team = (await replicas[0].open(campaign)).team.team_id
    await replicas[0].join(team, "tom")
    answers = told(await all_at_once(replicas[n % 2].join(team, f"member-{n % 3}") for n in range(30)))
    assert answers["OK"] == 3
    assert answers.keys() <= {"OK", "ALREADY_IN_TEAM", "MEMBER_LIMIT"}
    assert await violations(replicas[0]) == {}
    counts(members=3, requests=30, **answers)


async def test_a_member_without_limits_at_a_full_team_by_many_requests(
    replicas: list[Formation], counts: Counts
) -> None:
    """The other team is locked late: whoever was seated there meanwhile is seen."""
    campaign = await replicas[0].create(a_campaign(maximum=6, minimum=6, rules=OPEN_TEAM))
    team = (await replicas[0].open(campaign)).team.team_id
    await all_at_once(replicas[0].join(team, f"early-{n}") for n in range(5))
    other = (await replicas[0].join(team, "first")).team.team_id
    calls = [replicas[n % 2].join((team, other)[n // 2 % 2], f"member-{n % 4}") for n in range(80)]
    answers = told(await all_at_once(calls))
    assert answers.keys() <= {"OK", "ALREADY_IN_TEAM"}
    assert await violations(replicas[0]) == {}
    counts(members=4, requests=80, **answers)


async def test_formation_and_waiting_at_once(replicas: list[Formation], counts: Counts) -> None:
    team, seats = await a_full_team(replicas, 6, leave_until=LeaveUntil.ENDED)
    calls: list[Any] = [replicas[n % 2].confirm(seat) for n, seat in enumerate(seats)]
    calls += [replicas[n % 2].join(team, f"late-{n}") for n in range(10)]
    answers = told(await all_at_once(calls))
    assert await replicas[0].rows("SELECT state, waiting_members FROM teams") == [("FORMED", 0)]
    waited = await replicas[0].rows("SELECT count(*) FROM seats WHERE release_reason = 'TEAM_ENDED'")
    assert await violations(replicas[0]) == {}
    counts(confirmed=6, waited_in_vain=waited[0][0], **answers)


async def test_a_cancelled_campaign_while_teams_open_and_fill(replicas: list[Formation], counts: Counts) -> None:
    campaign = await replicas[0].create(a_campaign(maximum=4, rules=OPEN_TEAM, stock=500))
    formed = await replicas[0].open(campaign, "first")
    seats = [formed.seat] + [(await replicas[0].join(formed.team.team_id, f"first-{n}")).seat for n in range(3)]
    await all_at_once(replicas[0].confirm(seat) for seat in seats)
    team = (await replicas[0].open(campaign)).team.team_id
    calls: list[Any] = []
    for n in range(40):
        calls += [replicas[n % 2].join(team, f"member-{n}"), replicas[n % 2].open(campaign, f"leader-{n}")]
        calls.append(replicas[(n + 1) % 2].join(team, f"other-{n}"))
    recall = domain.GiveUp(formed_too=True, reason="recall")
    answers = await amid(calls, replicas[1].change(campaign, recall), after=50)
    await sweep(replicas[1])
    assert await replicas[0].rows("SELECT DISTINCT state FROM teams") == [("CANCELLED",)]
    live = "SELECT count(*) FROM seats WHERE state IN ('WAITING', 'HELD', 'CONFIRMED')"
    assert await replicas[0].rows(live) == [(0,)]
    assert await replicas[0].rows("SELECT taken FROM stock") == [(0,)]
    [(teams,)] = await replicas[0].rows("SELECT count(*) FROM teams")
    assert await violations(replicas[0]) == {}
    counts(calls=len(calls), teams_all_cancelled=teams, **told(answers))


async def test_an_end_that_moves_while_members_confirm(
    replicas: list[Formation], clock: ManualClock, counts: Counts
) -> None:
    campaign = await replicas[0].create(a_campaign(maximum=40, close_when_full=False))
    opened: list[Any] = [await replicas[n % 2].open(campaign, f"leader-{n}") for n in range(6)]
    joined = [await replicas[n % 2].join(opened[n % 6].team.team_id, f"member-{n}") for n in range(30)]
    seats = [answer.seat for answer in [*opened, *joined]]
    calls: list[Any] = [replicas[n % 2].confirm(seat) for n, seat in enumerate(seats)]
    calls += [replica.sweeper.run_once() for replica in replicas]
    answers = await amid(calls, replicas[0].change(campaign, domain.CloseIn()), after=12)
    await sweep(replicas[0])
    ends = clock.now() + timedelta(seconds=60)
    assert await replicas[0].rows("SELECT DISTINCT ends_at FROM teams") == [(ends,)]
    clock.move(timedelta(seconds=61))
    await sweep(replicas[1])
    assert await replicas[0].rows("SELECT DISTINCT state, confirmed_members FROM teams") == [("FORMED", 6)]
    assert await violations(replicas[0]) == {}
    counts(teams=6, calls=len(calls), answered=len(answers))


async def test_units_released_while_a_crowd_wants_them(replicas: list[Formation], counts: Counts) -> None:
    campaign = await replicas[0].create(a_campaign(maximum=100, stock=5))
    team = (await replicas[0].open(campaign)).team.team_id
    calls: list[Any] = [replicas[n % 2].join(team, f"member-{n}") for n in range(60)]
    calls += [replicas[n % 2].change(campaign, domain.ReleaseUnits("mango", 3), f"more-{n}") for n in range(4)]
    answers = told(await amid(calls, replicas[0].change(campaign, domain.ReleaseUnits("mango", 3)), after=20))
    [(offered, taken)] = await replicas[0].rows("SELECT offered, taken FROM stock")
    assert offered == 20
    assert taken <= 20
    assert await replicas[0].rows("SELECT sequence FROM campaigns") == [(6,)]
    assert await violations(replicas[0]) == {}
    counts(joiners=60, offered=offered, taken=taken, **answers)


async def test_a_member_leaves_and_joins_elsewhere_at_once(
    replicas: list[Formation], counts: Counts, said: Said
) -> None:
    """Commands on several teams of one campaign in each batch, in every order."""
    rules = {"max_teams_per_member": 2, "max_units_per_member": 3, **WAITLIST}
    campaign = await replicas[0].create(a_campaign(maximum=4, rules=rules, stock=30))
    teams = [(await replicas[n % 2].open(campaign, f"leader-{n}")).team.team_id for n in range(8)]

    async def move(member: str, first: int) -> int:
        moved = 0
        for step in range(5):
            answers = await all_at_once(
                replicas[(first + n) % 2].join(teams[(first * 3 + step * 5 + n) % 8], member) for n in range(3)
            )
            seats = [answer.seat for answer in answers if not isinstance(answer, str)]
            moved += len(seats)
            await all_at_once(replicas[(first + step) % 2].leave(seat) for seat in seats)
        return moved

    moved = sum(await asyncio.gather(*(move(f"member-{n}", n) for n in range(12))))
    assert await replicas[0].rows("SELECT sum(held_members), sum(waiting_members) FROM teams") == [(8, 0)]
    assert deadlocks(said) == []
    assert await violations(replicas[0]) == {}
    counts(members=12, teams=8, seats_taken_and_given_back=moved)


async def test_one_batch_with_many_campaigns_on_both_replicas(
    replicas: list[Formation], counts: Counts, said: Said
) -> None:
    """Both replicas lock several campaigns in one transaction, each named in another order."""
    campaigns = [
        await replicas[0].create(a_campaign(maximum=50, stock=60, rules={"max_units_per_member": 2})) for _ in range(6)
    ]
    teams = [(await replicas[0].open(campaign)).team.team_id for campaign in campaigns]

    def asks(start: int, step: int) -> list[Ask]:
        found = []
        for n in range(24):
            campaign_id, team_id = ids.parse("team", teams[(start + n * step) % 6], 2) or ()
            join = domain.Join(ids.new_id(), f"member-{n % 9}", "mango", 1)
            key = replicas[0].key("JoinTeam", campaign_id)
            found.append(Ask(PLATFORM, campaign_id, join, key, team_id))
        return found

    batches = [replicas[n % 2].handler.decide(asks(n, 5 if n % 2 else 1)) for n in range(12)]
    answers = [answer for batch in await asyncio.gather(*batches) for answer in batch]
    assert len(answers) == 288
    assert deadlocks(said) == []
    assert await violations(replicas[0]) == {}
    counts(campaigns=6, batches=12, seats=sum(isinstance(answer, bytes) for answer in answers), deadlocks=0)


async def test_who_took_a_seat_in_the_other_team_just_before_it_was_locked_has_one(
    replicas: list[Formation], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other team is locked after the members' seats were read, so they are read again."""
    campaign = await replicas[0].create(a_campaign(maximum=3, minimum=3, rules=OPEN_TEAM))
    team = (await replicas[0].open(campaign)).team.team_id
    await all_at_once(replicas[0].join(team, f"early-{n}") for n in range(2))
    other = (await replicas[0].join(team, "first")).team.team_id
    lock = store.lock_free_teams

    async def late(*about: Any) -> Any:
        monkeypatch.setattr(store, "lock_free_teams", lock)
        await replicas[1].join(other, "lin")
        return await lock(*about)

    monkeypatch.setattr(store, "lock_free_teams", late)
    assert await outcome(replicas[0].join(team, "lin")) == "ALREADY_IN_TEAM"
    assert await violations(replicas[0]) == {}
