"""Invites under a crowd on two replicas: as many join as it is good for; and what a use is."""

import asyncio
import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from services.chassis.clock import ManualClock
from services.team_formation.domain import OnFull
from tests.support.crowding import all_at_once, outcome, sweep, told, violations
from tests.support.formation import Formation, a_campaign

Counts = Callable[..., None]


async def a_team(on: Formation, **changes: Any) -> str:
    return (await on.open(await on.create(a_campaign(**changes)))).team.team_id


async def uses(on: Formation) -> list[tuple[int, int]]:
    """Read how often the one invite was used, as it says and by the seats that were taken by it."""
    return await on.rows(
        "SELECT i.uses, count(s.seat_id) FROM invites AS i LEFT JOIN seats AS s USING (campaign_id, invite_id)"
        " GROUP BY i.invite_id, i.uses"
    )


async def test_as_many_join_as_an_invite_is_good_for(replicas: list[Formation], counts: Counts) -> None:
    team = await a_team(replicas[0], maximum=100)
    invite = await replicas[0].invite(team, max_uses=13)
    joins = (replicas[n % 2].join(team, f"member-{n}", invite_id=invite) for n in range(60))
    answers = told(await all_at_once(joins))
    assert answers == {"OK": 13, "INVITE_USED_UP": 47}
    assert await uses(replicas[0]) == [(13, 13)]
    assert await violations(replicas[0]) == {}
    counts(joiners=60, good_for=13, **answers)


async def test_invites_of_one_team_are_counted_apart(replicas: list[Formation], counts: Counts) -> None:
    team = await a_team(replicas[0], maximum=100)
    invites = [await replicas[n % 2].invite(team, f"kol-{n}", max_uses=n + 1) for n in range(5)]
    joins = (replicas[n % 2].join(team, f"member-{n}", invite_id=invites[n % 5]) for n in range(60))
    answers = told(await all_at_once(joins))
    assert answers == {"OK": 15, "INVITE_USED_UP": 45}
    assert await replicas[0].rows("SELECT uses FROM invites ORDER BY max_uses") == [(n,) for n in (1, 2, 3, 4, 5)]
    assert await violations(replicas[0]) == {}
    counts(joiners=60, invites=5, **answers)


async def test_an_invite_is_taken_back_while_many_join_by_it(replicas: list[Formation], counts: Counts) -> None:
    team = await a_team(replicas[0], maximum=1000)
    invite = await replicas[0].invite(team, max_uses=999)
    enough, joined = asyncio.Event(), 0

    async def join_until_refused(caller: int) -> str:
        nonlocal joined
        for n in itertools.count():
            answer = await outcome(replicas[caller % 2].join(team, f"member-{caller}-{n}", invite_id=invite))
            if isinstance(answer, str):
                return answer
            joined += 1
            if joined >= 40:
                enough.set()
        raise AssertionError

    async def take_back() -> int:
        await enough.wait()
        await replicas[1].revoke(team, invite)
        return joined

    callers = asyncio.gather(*map(join_until_refused, range(12)))
    before, refusals = await take_back(), await callers
    assert set(refusals) == {"INVITE_REVOKED"}
    assert joined - before <= 12, "whoever asks after that is refused: at most what was under way came in"
    assert await replicas[0].rows("SELECT revoked_at IS NOT NULL FROM invites") == [(True,)]
    assert await uses(replicas[0]) == [(joined, joined)]
    assert await violations(replicas[0]) == {}
    counts(callers=12, joined=joined, of_them_after_it_was_taken_back=joined - before, INVITE_REVOKED=len(refusals))


async def test_a_use_is_a_join_and_does_not_come_back(replicas: list[Formation], clock: ManualClock) -> None:
    team = await a_team(replicas[0], maximum=3, rules={"on_full": OnFull.WAITLIST, "max_waiting": 1})
    invite = await replicas[0].invite(team, max_uses=4)
    left = await replicas[0].join(team, "left", invite_id=invite)
    await replicas[1].leave(left.seat)
    expires = await replicas[1].join(team, "expires", invite_id=invite)
    await replicas[0].join(team, "sits", invite_id=invite)
    await replicas[0].join(team, "waits", invite_id=invite)
    clock.move(timedelta(minutes=10))
    await sweep(replicas[0])
    assert await replicas[0].rows("SELECT state FROM seats WHERE member_id = 'expires'") == [("RELEASED",)]
    for replica in replicas:
        assert await outcome(replica.join(team, "fifth", invite_id=invite)) == "INVITE_USED_UP"
    assert await uses(replicas[0]) == [(4, 4)]
    revived = await replicas[0].confirm(expires.seat)
    assert revived.outcome == 1
    assert await uses(replicas[0]) == [(4, 4)], "a confirmation that comes late is no second join"
    assert await violations(replicas[0]) == {}


async def test_what_takes_no_seat_takes_no_use(replicas: list[Formation]) -> None:
    team = await a_team(replicas[0], maximum=2)
    invite = await replicas[0].invite(team, max_uses=2)
    first = await replicas[0].join(team, "tom", invite_id=invite, request_id="same")
    assert await replicas[1].join(team, "tom", invite_id=invite, request_id="same") == first
    assert await outcome(replicas[1].join(team, "tom", invite_id=invite)) == "ALREADY_IN_TEAM"
    assert await outcome(replicas[1].join(team, "lin", invite_id=invite)) == "TEAM_FULL"
    assert await uses(replicas[0]) == [(1, 1)]


@pytest.mark.parametrize("most", [3, 4])
async def test_a_join_that_leads_to_another_team_is_a_use(replicas: list[Formation], most: int) -> None:
    team = await a_team(replicas[0], maximum=2, rules={"on_full": OnFull.OPEN_TEAM})
    invite = await replicas[0].invite(team, max_uses=most)
    answers = await all_at_once(replicas[n % 2].join(team, f"member-{n}", invite_id=invite) for n in range(9))
    assert told(answers) == {"OK": most, "INVITE_USED_UP": 9 - most}
    assert await uses(replicas[0]) == [(most, most)]
    assert await violations(replicas[0]) == {}
