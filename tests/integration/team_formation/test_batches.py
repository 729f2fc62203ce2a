"""A batch: what one command does wrong harms no neighbour, and campaigns lie beside each other."""

import asyncio
from typing import Any

import pytest
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb

from services.chassis import trace
from services.chassis.errors import Rejected
from services.team_formation.domain import OnFull
from services.team_formation.handlers import Ask, Look
from tests.support.formation import OTHER_PLATFORM, Formation, a_campaign
from tests.support.recording import recording, traceparent_of

LIMITS = {"max_units_per_member": 3, "max_teams_per_member": 2}


async def test_one_id_for_two_bodies_in_one_batch(formation: Formation) -> None:
    campaign = await formation.create(a_campaign())
    team = (await formation.open(campaign)).team.team_id
    answers = await asyncio.gather(
        formation.join(team, "tom", request_id="same", body=b"one"),
        formation.join(team, "lin", request_id="same", body=b"two"),
        formation.join(team, "kim"),
        return_exceptions=True,
    )
    assert [getattr(answer, "reason", "seat") for answer in answers] == ["seat", "REQUEST_ID_REUSED", "seat"]


async def test_many_campaigns_in_one_batch(formation: Formation) -> None:
    campaigns = [await formation.create(a_campaign(stock=3, rules=LIMITS)) for _ in range(12)]
    opened = await asyncio.gather(*(formation.open(campaign, f"leader-{n}") for n, campaign in enumerate(campaigns)))
    teams = [answer.team.team_id for answer in opened]
    before = await _transactions(formation)
    joined = await asyncio.gather(*(formation.join(team, member) for team in teams for member in ("mei", "tom")))
    assert await _transactions(formation) - before <= 2
    assert {answer.team.totals.held_members for answer in joined} == {2, 3}
    full = await asyncio.gather(*(formation.join(team, "lin") for team in teams), return_exceptions=True)
    assert {getattr(refused, "reason", "seat") for refused in full} == {"OUT_OF_STOCK"}
    assert await formation.rows("SELECT DISTINCT taken FROM stock") == [(3,)]


async def test_what_follows_from_each_command_of_a_batch_goes_on_in_its_own_trace(formation: Formation) -> None:
    campaign = await formation.create(a_campaign())
    team = (await formation.open(campaign)).team.team_id
    traces = {name: trace.new_traceparent(flags) for name, flags in (("tom", "01"), ("lin", "00"), ("kim", "01"))}

    async def join(member: str) -> pb.JoinTeamResponse:
        trace.enter(traces[member])
        return await formation.join(team, member)

    with recording() as recorded:
        seats = await asyncio.gather(*map(join, traces))
        one_batch = recorded.named("batch of teams")
    assert {answer.seat.member_id for answer in seats} == set(traces)
    rows = await formation.rows("SELECT traceparent FROM outbox WHERE sequence > 2 ORDER BY sequence")
    assert [row[0][3:35] for row in rows] == [traceparent[3:35] for traceparent in traces.values()]
    assert rows[1][0] == traces["lin"], "one that is not recorded goes on as it came"
    assert {rows[0][0], rows[2][0]} == set(map(traceparent_of, one_batch))


async def _transactions(formation: Formation) -> int:
    """Count the transactions that stored requests."""
    return int((await formation.rows("SELECT count(DISTINCT xmin::text) FROM requests"))[0][0])


async def test_a_process_that_learns_of_limits_late_still_keeps_them(formation: Formation) -> None:
    """Rules are remembered by a process; a member's joins wait for each other from the first one on."""
    campaign = await formation.create(a_campaign(rules=LIMITS))
    teams = [(await formation.open(campaign, f"leader-{n}")).team.team_id for n in range(4)]
    formation.handler._catalogue.__init__()  # type: ignore[misc]
    answers: list[Any] = await asyncio.gather(*(formation.join(team, "mei") for team in teams), return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, Rejected)]
    assert [answer.reason for answer in refused] == ["MEMBER_LIMIT", "MEMBER_LIMIT"]
    assert refused[0].metadata == {"limit": "max_teams_per_member", "maximum": "2", "has": "2"}


async def test_a_look_at_what_is_not_due_changes_nothing(formation: Formation) -> None:
    campaign = await formation.create(a_campaign())
    opened = await formation.open(campaign)
    [(team_id, due_at)] = await formation.rows("SELECT team_id, due_at FROM teams")
    await formation.commands.submit(Ask(campaign.platform_id, campaign.campaign_id, Look(), team_id=team_id))
    assert await formation.rows("SELECT due_at, version FROM teams") == [(due_at, opened.team.version)]


async def test_a_stranger_leaves_no_trace_in_a_campaign(formation: Formation) -> None:
    campaign = await formation.create(a_campaign(stock=3, rules=LIMITS))
    team = (await formation.open(campaign)).team.team_id
    answers = await asyncio.gather(
        formation.join(team, "tom", platform_id=OTHER_PLATFORM), formation.join(team, "lin"), return_exceptions=True
    )
    assert [getattr(answer, "reason", "seat") for answer in answers] == ["TEAM_UNKNOWN", "seat"]
    rows = await formation.rows("SELECT member_id, platform_id FROM campaign_members ORDER BY member_id")
    assert rows == [("lin", campaign.platform_id), ("mei", campaign.platform_id)]


async def test_a_late_comer_who_comes_again_is_told_the_seat_it_has(formation: Formation) -> None:
    campaign = await formation.create(a_campaign(minimum=1, maximum=2, rules={"on_full": OnFull.OPEN_TEAM}))
    full = (await formation.open(campaign)).team.team_id
    await formation.join(full, "lin")
    seated = await formation.join(full, "tom")
    assert seated.outcome == pb.JOIN_OUTCOME_OTHER_TEAM
    with pytest.raises(Rejected) as again:
        await formation.join(full, "tom")
    assert (again.value.reason, again.value.metadata) == ("ALREADY_IN_TEAM", {"seat_id": seated.seat.seat_id})
