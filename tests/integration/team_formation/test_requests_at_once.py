"""The same request at once on two replicas, twice in one batch, and with another body: one change, one answer."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from services.chassis import ids
from services.chassis.errors import Rejected
from services.team_formation import domain
from services.team_formation.domain import Campaign
from services.team_formation.handlers import Ask
from tests.support.crowding import outcome, violations
from tests.support.formation import PLATFORM, Formation, a_campaign

RULES = {"max_sponsored": 9, "hold_extension": a_campaign().terms.rules.hold_lifetime, "max_units_per_member": 9}
Call = Callable[[Formation, Campaign, Any, str], Awaitable[Any]]
CALLS: dict[str, Call] = {
    "OpenTeam": lambda on, campaign, _seat, name: on.open(campaign, "tom", request_id=name),
    "JoinTeam": lambda on, _campaign, opened, name: on.join(opened.team.team_id, "tom", request_id=name),
    "ConfirmSeat": lambda on, _campaign, opened, name: on.confirm(opened.seat, request_id=name),
    "LeaveTeam": lambda on, _campaign, opened, name: on.leave(opened.seat, 1, request_id=name),
    "ExtendHold": lambda on, _campaign, opened, name: on.extend(opened.seat, request_id=name),
    "SponsorTeam": lambda on, _campaign, opened, name: on.sponsor(opened.team.team_id, 1, request_id=name),
    "CancelTeam": lambda on, _campaign, opened, name: on.cancel(opened.team.team_id, request_id=name),
    "UpdateCampaign": lambda on, campaign, _opened, name: on.change(
        campaign, domain.ReleaseUnits("mango", 1), request_id=name
    ),
}


async def a_team(on: Formation) -> tuple[Campaign, Any]:
    campaign = await on.create(a_campaign(rules=RULES, stock=50))
    return campaign, await on.open(campaign, quantity=3)


async def state(on: Formation) -> list[tuple[Any, ...]]:
    """Read what a second change would alter."""
    return await on.rows(
        "SELECT (SELECT sum(version) FROM teams), (SELECT count(*) FROM seats), (SELECT sum(offered) FROM stock),"
        " (SELECT sum(sequence) FROM campaigns), (SELECT count(*) FROM outbox)"
    )


@pytest.mark.parametrize("rpc", CALLS)
async def test_the_same_request_on_both_replicas_at_once(
    replicas: list[Formation], rpc: str, counts: Callable[..., None]
) -> None:
    campaign, opened = await a_team(replicas[0])
    answers = await asyncio.gather(*(CALLS[rpc](replicas[n % 2], campaign, opened, "same") for n in range(12)))
    assert len({answer.SerializeToString() for answer in answers}) == 1
    after = await state(replicas[0])
    assert await CALLS[rpc](replicas[1], campaign, opened, "same") == answers[0]
    assert await state(replicas[0]) == after
    assert await replicas[0].rows("SELECT count(*) FROM requests WHERE request_id = 'same'") == [(1,)]
    assert await violations(replicas[0]) == {}
    counts(callers=12, answers=1)


async def test_a_confirmed_seat_defaults_once(replicas: list[Formation]) -> None:
    _, opened = await a_team(replicas[0])
    await replicas[0].confirm(opened.seat)
    answers = await asyncio.gather(*(replicas[n % 2].default(opened.seat, request_id="same") for n in range(12)))
    assert len({answer.SerializeToString() for answer in answers}) == 1
    assert [fact for _, fact in await replicas[0].facts(opened.team.team_id)].count("seat_defaulted") == 1
    assert await violations(replicas[0]) == {}


async def test_the_same_request_twice_in_one_batch(formation: Formation) -> None:
    campaign, opened = await a_team(formation)
    team_id, seat_id = ids.parse("team", opened.team.team_id, 2), ids.parse("seat", opened.seat.seat_id, 2)
    assert team_id
    assert seat_id
    asks = []
    for rpc, command, about in (
        ("OpenTeam", domain.Open(ids.new_id(), domain.Join(ids.new_id(), "lin", "mango", 1)), {}),
        ("JoinTeam", domain.Join(ids.new_id(), "tom", "mango", 1), {"team_id": team_id[1]}),
        ("ConfirmSeat", domain.Confirm(3 * 3990, "EUR", "pay-1"), {"seat_id": seat_id[1]}),
        ("SponsorTeam", domain.Sponsor((ids.new_id(),), "mango"), {"team_id": team_id[1]}),
        ("LeaveTeam", domain.Leave(9), {"seat_id": seat_id[1]}),
    ):
        key = formation.key(rpc, campaign.campaign_id, "same")
        asks += [Ask(PLATFORM, campaign.campaign_id, command, key, **about)] * 2
    answers = await formation.handler.decide(asks)
    assert answers[::2] == answers[1::2]
    assert isinstance(answers[-1], Rejected)
    assert await formation.rows("SELECT count(*) FROM requests WHERE request_id = 'same'") == [(5,)]
    assert await formation.rows("SELECT count(*) FROM teams") == [(2,)]
    assert await formation.rows(
        "SELECT confirmed_members, held_members FROM teams ORDER BY opened_at, version DESC"
    ) == [
        (2, 1),
        (0, 1),
    ]
    assert await violations(formation) == {}


async def test_the_same_id_with_another_body_at_once(replicas: list[Formation]) -> None:
    _, opened = await a_team(replicas[0])
    team = opened.team.team_id
    bodies = [b"one", b"other"] * 6
    answers = await asyncio.gather(
        *(
            outcome(replicas[n // 2 % 2].join(team, "tom", request_id="same", body=body))
            for n, body in enumerate(bodies)
        )
    )
    by_body: dict[bytes, set[str]] = {body: set() for body in bodies}
    for answer, body in zip(answers, bodies, strict=True):
        by_body[body].add(answer if isinstance(answer, str) else answer.seat.seat_id)
    assert sorted(map(len, by_body.values())) == [1, 1]
    assert {"REQUEST_ID_REUSED"} in by_body.values()
    assert await replicas[0].rows("SELECT count(*) FROM seats WHERE member_id = 'tom'") == [(1,)]
    assert await violations(replicas[0]) == {}


async def test_what_a_rule_refused_is_refused_again_though_it_would_be_allowed_now(replicas: list[Formation]) -> None:
    campaign = await replicas[0].create(a_campaign(maximum=2))
    opened = await replicas[0].open(campaign)
    tom = await replicas[0].join(opened.team.team_id, "tom")
    assert await outcome(replicas[0].join(opened.team.team_id, "lin", request_id="same")) == "TEAM_FULL"
    await replicas[0].leave(tom.seat)
    assert await outcome(replicas[1].join(opened.team.team_id, "lin", request_id="same")) == "TEAM_FULL"
    assert not isinstance(await outcome(replicas[1].join(opened.team.team_id, "lin")), str)
