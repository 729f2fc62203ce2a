"""A clock that runs while a batch is decided, holds beyond what one transaction looks at, and seats that are free."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb

from services.chassis import ids
from services.chassis.clock import ManualClock
from services.chassis.errors import Rejected
from services.team_formation import domain
from services.team_formation.handlers import Ask, Look, book
from tests.support.crowding import violations
from tests.support.formation import PLATFORM, START, Formation, a_campaign, a_formation


class RunningClock(ManualClock):
    """Each look finds it a second later."""

    def _machine(self) -> datetime:
        self.move(timedelta(seconds=1))
        return super()._machine()


async def test_a_hold_that_runs_out_while_its_batch_is_loaded_is_released_by_the_next(url: str) -> None:
    clock = RunningClock(START)
    async with a_formation(url, clock) as formation:
        opened = await formation.open(await formation.create(a_campaign()))
        ends = opened.seat.hold_until.ToDatetime(tzinfo=START.tzinfo)
        campaign_id, team_id = ids.parse("team", opened.team.team_id, 2) or ()
        clock.move(ends - clock.now() - timedelta(seconds=4))
        for _ in range(8):
            await formation.handler.decide([Ask(PLATFORM, campaign_id, Look(), team_id=team_id)])
        assert await formation.rows("SELECT release_reason FROM seats") == [("EXPIRED",)]


async def test_nothing_is_taken_after_the_end_though_holds_are_still_being_released(
    formation: Formation, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(book, "MOST_HELD", 2)
    campaign = await formation.create(a_campaign(maximum=10, ends_at=START + timedelta(minutes=5)))
    opened = await formation.open(campaign)
    held = [(await formation.join(opened.team.team_id, f"m{n}")).seat for n in range(5)]
    clock.move(timedelta(minutes=5))
    campaign_id, team_id = ids.parse("team", opened.team.team_id, 2) or ()

    def ask(rpc: str, command: Any, **about: Any) -> Ask:
        return Ask(PLATFORM, campaign_id, command, formation.key(rpc, campaign_id), **about)

    seat_id = (ids.parse("seat", held[-1].seat_id, 2) or ())[1]
    join, leave, invite, confirm = await formation.handler.decide(
        [
            ask("JoinTeam", domain.Join(ids.new_id(), "late", "mango", 1), team_id=team_id),
            ask("LeaveTeam", domain.Leave(), seat_id=seat_id),
            ask("CreateInvite", domain.NewInvite(ids.new_id(), "m4", "", "wechat", "", "", None), team_id=team_id),
            ask("ConfirmSeat", domain.Confirm(held[-1].cap.minor_units, "EUR", "pay-1"), seat_id=seat_id),
        ]
    )
    assert [item.reason for item in (join, leave, invite) if isinstance(item, Rejected)] == ["TEAM_ENDED"] * 3
    assert isinstance(confirm, bytes)
    assert pb.ConfirmSeatResponse.FromString(confirm).outcome == pb.CONFIRM_OUTCOME_REFUND_REQUIRED
    while await formation.finder.run_once():
        pass
    [ended] = await formation.rows("SELECT state, held_members FROM teams")
    assert ended == ("FAILED", 0)
    assert len(await formation.rows("SELECT 1 FROM late_payments")) == 1


async def test_one_transaction_releases_a_part_of_many_teams_holds_and_joins_come_first(
    formation: Formation, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(book, "MOST_HELD_AT_ONCE", 4)
    campaign = await formation.create(a_campaign(maximum=3))
    teams = [(await formation.open(campaign, f"mei-{n}")).team.team_id for n in range(4)]
    for n in range(8):
        await formation.join(teams[n % 4], f"m{n}")
    clock.move(timedelta(minutes=10))
    looks = [Ask(PLATFORM, campaign.campaign_id, Look(), team_id=_team(team)) for team in teams[:3]]
    key = formation.key("JoinTeam", campaign.campaign_id)
    command = domain.Join(ids.new_id(), "late", "mango", 1)
    join = Ask(PLATFORM, campaign.campaign_id, command, key, team_id=_team(teams[3]))
    joined = (await formation.handler.decide([*looks, join]))[3]
    assert isinstance(joined, bytes)
    assert pb.JoinTeamResponse.FromString(joined).outcome == pb.JOIN_OUTCOME_SEAT
    assert await formation.rows("SELECT count(*) FROM seats WHERE release_reason = 'EXPIRED'") == [(4,)]
    assert await formation.finder.run_once() == 3
    assert await formation.rows("SELECT count(*) FROM seats WHERE release_reason = 'EXPIRED'") == [(12,)]
    assert await formation.finder.run_once() == 0
    assert await violations(formation) == {}


async def test_a_team_that_cannot_be_looked_at_keeps_no_other_from_its_end(
    formation: Formation, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(book, "MOST_HELD_AT_ONCE", 1)  # each team is a part of its own
    campaign = await formation.create(a_campaign())
    teams = [_team((await formation.open(campaign, f"mei-{n}")).team.team_id) for n in range(3)]
    clock.move(timedelta(minutes=10))
    submit = formation.commands.submit

    async def fails(ask: Ask) -> bytes:
        if ask.team_id == teams[0]:
            raise RuntimeError("a team that cannot be looked at")
        return await submit(ask)

    monkeypatch.setattr(formation.commands, "submit", fails)
    with pytest.raises(RuntimeError, match="cannot be looked at"):
        await formation.finder.run_once()
    released = await formation.rows("SELECT team_id FROM seats WHERE release_reason = 'EXPIRED' ORDER BY team_id")
    assert released == [(team,) for team in sorted(teams[1:])]


def _team(text: str) -> UUID:
    return (ids.parse("team", text, 2) or ())[1]


async def test_what_costs_nothing_needs_no_payment_and_brings_none_back(
    formation: Formation, clock: ManualClock
) -> None:
    campaign = a_campaign(maximum=2)
    free = domain.PriceStep(0, 0)
    rows = tuple(domain.PriceRow("mango", role, (free,)) for role in domain.Role)
    table = domain.PriceTable("EUR", domain.Basis.TEAM_MEMBERS, 1, rows)
    terms = domain.Terms(1, campaign.terms.rules, campaign.terms.items, (), table)
    opened = await formation.open(await formation.create(_with(campaign, terms)))
    done = await formation.confirm(opened.seat, payment_reference="")
    assert done.outcome == pb.CONFIRM_OUTCOME_CONFIRMED
    clock.move(timedelta(hours=2))
    await formation.finder.run_once()
    with pytest.raises(Rejected, match="TEAM_ENDED"):
        await formation.confirm(opened.seat, payment_reference="")


def _with(campaign: domain.Campaign, terms: domain.Terms) -> domain.Campaign:
    return domain.Campaign(**{name: getattr(campaign, name) for name in campaign.__slots__} | {"terms": terms})


async def test_holds_end_with_a_team_whose_end_comes_closer(
    formation: Formation, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(book, "MOST_HELD", 2)
    campaign = await formation.create(a_campaign(rules={"hold_extension": timedelta(minutes=5)}))
    opened = await formation.open(campaign)
    seats = [(await formation.join(opened.team.team_id, f"m{n}")).seat for n in range(4)]
    await formation.change(campaign, domain.CloseIn())
    await formation.sweeper.run_once()
    end = clock.now() + timedelta(seconds=60)
    assert await formation.rows("SELECT DISTINCT hold_until FROM seats") == [(end,)]
    extended = await formation.extend(seats[0])
    assert extended.seat.hold_until.ToDatetime(tzinfo=START.tzinfo) == end
    clock.move(timedelta(seconds=60))
    late = await formation.confirm(seats[3])
    assert late.outcome == pb.CONFIRM_OUTCOME_REFUND_REQUIRED
    while await formation.finder.run_once():
        pass
    assert await formation.rows("SELECT DISTINCT release_reason FROM seats") == [("EXPIRED",)]
    assert await violations(formation) == {}


async def test_who_finds_a_team_full_is_told_when_the_next_hold_ends(formation: Formation, clock: ManualClock) -> None:
    campaign = await formation.create(a_campaign(maximum=3, close_when_full=False))
    opened = await formation.open(campaign)
    clock.move(timedelta(minutes=4))
    tom = await formation.join(opened.team.team_id, "tom")
    clock.move(timedelta(minutes=2))
    lin = await formation.join(opened.team.team_id, "lin")
    told = []
    for seat in (opened.seat, tom.seat, lin.seat):
        told.append(await _full(formation, opened.team.team_id))
        await formation.confirm(seat)
    told.append(await _full(formation, opened.team.team_id))
    assert told == [
        {"unpaid": "3", "maximum": "3", "next_free_at": "2026-11-21T12:10:00Z"},
        {"unpaid": "2", "maximum": "3", "next_free_at": "2026-11-21T12:14:00Z"},
        {"unpaid": "1", "maximum": "3", "next_free_at": "2026-11-21T12:16:00Z"},
        {"unpaid": "0", "maximum": "3", "next_free_at": ""},
    ]


async def test_holds_that_last_to_the_end_of_a_full_team_are_told_too(formation: Formation) -> None:
    campaign = a_campaign(maximum=2, ends_at=START + timedelta(minutes=5))
    opened = await formation.open(await formation.create(campaign))
    await formation.join(opened.team.team_id, "tom")
    told = await _full(formation, opened.team.team_id)
    assert told == {"unpaid": "2", "maximum": "2", "next_free_at": "2026-11-21T12:05:00Z"}


async def _full(formation: Formation, team_id: str) -> dict[str, str]:
    with pytest.raises(Rejected, match="TEAM_FULL") as refused:
        await formation.join(team_id, "late")
    return refused.value.metadata
