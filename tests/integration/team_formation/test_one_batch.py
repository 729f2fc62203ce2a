"""What commands of one batch do to each other: each is decided on what those before it left, as if they came apart."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb

from services.chassis import ids
from services.chassis.clock import ManualClock
from services.chassis.errors import Rejected
from services.team_formation import domain
from services.team_formation.domain import LeaveUntil, OnFull
from services.team_formation.handlers import Ask
from services.team_formation.handlers.asks import Look
from tests.support.crowding import violations
from tests.support.formation import PLATFORM, Formation, a_campaign


class Batch:
    """Commands on one campaign, decided together."""

    def __init__(self, formation: Formation, campaign: domain.Campaign) -> None:
        self._formation = formation
        self._campaign_id = campaign.campaign_id
        self.asks: list[Ask] = []

    def join(self, team_id: str, member: str, quantity: int = 1) -> UUID:
        seat_id = ids.new_id()
        self._add("JoinTeam", domain.Join(seat_id, member, "mango", quantity), team_id=_second("team", team_id))
        return seat_id

    def confirm(self, seat: Any) -> None:
        command = domain.Confirm(seat.cap.minor_units * seat.quantity, "EUR", f"pay-{seat.seat_id[-9:]}")
        self._add("ConfirmSeat", command, seat_id=_second("seat", seat.seat_id))

    def leave(self, seat: Any, units: int = 0) -> None:
        self._add("LeaveTeam", domain.Leave(units), seat_id=_second("seat", seat.seat_id))

    def cancel(self, team_id: str) -> None:
        self._add("CancelTeam", domain.Cancel(""), team_id=_second("team", team_id))

    def _add(self, rpc: str, command: Any, **about: UUID) -> None:
        key = self._formation.key(rpc, self._campaign_id)
        self.asks.append(Ask(PLATFORM, self._campaign_id, command, key, **about))

    def open(self, member: str) -> None:
        self._add("OpenTeam", domain.Open(ids.new_id(), domain.Join(ids.new_id(), member, "mango", 1)))

    def look(self, team_id: str) -> None:
        self.asks.append(Ask(PLATFORM, self._campaign_id, Look(), team_id=_second("team", team_id)))

    async def decide(self) -> list[bytes | Rejected]:
        return list(await self._formation.handler.decide(self.asks))


def _second(prefix: str, text: str) -> UUID:
    found = ids.parse(prefix, text, 2)
    assert found
    return found[1]


async def leader(formation: Formation) -> list[tuple[Any, ...]]:
    return await formation.rows(
        "SELECT s.member_id FROM teams AS t LEFT JOIN seats AS s ON s.seat_id = t.leader_seat_id"
    )


async def test_who_confirms_before_the_leader_leaves_leads(formation: Formation) -> None:
    campaign = await formation.create(a_campaign())
    opened = await formation.open(campaign)
    tom = await formation.join(opened.team.team_id, "tom")
    batch = Batch(formation, campaign)
    batch.confirm(tom.seat)
    batch.leave(opened.seat)
    assert all(isinstance(answer, bytes) for answer in await batch.decide())
    assert await leader(formation) == [("tom",)]
    assert await violations(formation) == {}


async def test_leaders_who_confirm_and_leave_in_turn_hand_over_to_who_stays(formation: Formation) -> None:
    campaign = await formation.create(a_campaign(leave_until=LeaveUntil.ENDED, minimum=5))
    opened = await formation.open(campaign)
    tom = await formation.join(opened.team.team_id, "tom")
    lin = await formation.join(opened.team.team_id, "lin")
    await formation.leave(opened.seat)
    assert await leader(formation) == [(None,)]
    batch = Batch(formation, campaign)
    batch.confirm(tom.seat)
    batch.confirm(lin.seat)
    batch.leave(tom.seat)
    assert all(isinstance(answer, bytes) for answer in await batch.decide())
    assert await leader(formation) == [("lin",)]
    assert await violations(formation) == {}


async def test_who_waits_since_this_batch_is_seated_by_a_leave_in_it(formation: Formation) -> None:
    campaign = await formation.create(a_campaign(maximum=2, rules={"on_full": OnFull.WAITLIST}, stock=2))
    opened = await formation.open(campaign)
    tom = await formation.join(opened.team.team_id, "tom")
    batch = Batch(formation, campaign)
    batch.join(opened.team.team_id, "lin")
    batch.join(opened.team.team_id, "kim")
    batch.leave(tom.seat)
    batch.join(opened.team.team_id, "sol")
    answers = await batch.decide()
    joins = [answer for answer in (*answers[:2], answers[3]) if isinstance(answer, bytes)]
    outcomes = [pb.JoinTeamResponse.FromString(answer).outcome for answer in joins]
    assert outcomes == [pb.JOIN_OUTCOME_WAITLISTED] * 3
    states = await formation.rows("SELECT member_id, state FROM seats WHERE state <> 'RELEASED' ORDER BY number")
    assert states == [("mei", "HELD"), ("lin", "HELD"), ("kim", "WAITING"), ("sol", "WAITING")]
    assert await violations(formation) == {}


async def test_a_part_given_back_twice_by_who_waits_is_counted_once_each(formation: Formation) -> None:
    campaign = a_campaign(
        maximum=4, counted_in=domain.CountedIn.UNITS, rules={"on_full": OnFull.WAITLIST}, max_units_per_seat=3
    )
    opened = await formation.open(await formation.create(campaign), quantity=3)
    lin = await formation.join(opened.team.team_id, "lin", quantity=3)
    batch = Batch(formation, campaign)
    batch.leave(lin.seat, 1)
    batch.leave(lin.seat, 1)
    assert all(isinstance(answer, bytes) for answer in await batch.decide())
    assert await formation.rows("SELECT state, quantity FROM seats WHERE member_id = 'lin'") == [("HELD", 1)]
    assert await violations(formation) == {}


async def test_a_team_cancelled_amid_a_batch_takes_nobody_after(formation: Formation) -> None:
    campaign = await formation.create(a_campaign(stock=9))
    opened = await formation.open(campaign)
    tom = await formation.join(opened.team.team_id, "tom")
    batch = Batch(formation, campaign)
    batch.confirm(tom.seat)
    batch.join(opened.team.team_id, "lin")
    batch.cancel(opened.team.team_id)
    batch.join(opened.team.team_id, "kim")
    batch.leave(opened.seat)
    answers = await batch.decide()
    assert [answer.reason for answer in answers[3:] if isinstance(answer, Rejected)] == ["TEAM_ENDED"] * 2
    assert await formation.rows("SELECT DISTINCT state, release_reason FROM seats") == [("RELEASED", "TEAM_CANCELLED")]
    assert await formation.rows("SELECT taken FROM stock") == [(0,)]
    assert await violations(formation) == {}


async def test_stock_that_a_leave_gives_back_is_sold_in_the_same_batch(formation: Formation) -> None:
    campaign = await formation.create(a_campaign(maximum=9, stock=2))
    opened = await formation.open(campaign)
    tom = await formation.join(opened.team.team_id, "tom")
    batch = Batch(formation, campaign)
    batch.join(opened.team.team_id, "lin")
    batch.leave(tom.seat)
    batch.join(opened.team.team_id, "kim")
    refused, _, seated = await batch.decide()
    assert isinstance(refused, Rejected)
    assert refused.reason == "OUT_OF_STOCK"
    assert isinstance(seated, bytes)
    assert await violations(formation) == {}


async def test_stock_of_a_team_that_is_cancelled_is_sold_in_the_same_batch(formation: Formation) -> None:
    campaign = await formation.create(a_campaign(maximum=9, stock=5))
    given_up, other = await formation.open(campaign), await formation.open(campaign, "ann")
    for member in ("tom", "lin"):
        await formation.confirm((await formation.join(given_up.team.team_id, member)).seat)
    kim = await formation.join(given_up.team.team_id, "kim")
    batch = Batch(formation, campaign)
    batch.join(other.team.team_id, "too-early")
    batch.confirm(kim.seat)
    batch.cancel(given_up.team.team_id)
    for number in range(5):
        batch.join(other.team.team_id, f"late-{number}")
    answers = await batch.decide()
    refused = [answer.reason for answer in answers if isinstance(answer, Rejected)]
    assert refused == ["OUT_OF_STOCK"] * 2
    assert isinstance(answers[-2], bytes)
    assert await formation.rows("SELECT taken FROM stock") == [(5,)]
    assert await violations(formation) == {}


async def test_stock_of_a_team_that_fails_is_sold_in_the_same_batch(formation: Formation, clock: ManualClock) -> None:
    campaign = await formation.create(a_campaign(maximum=9, minimum=4, stock=3))
    failing = await formation.open(campaign)
    await formation.confirm(failing.seat)
    await formation.confirm((await formation.join(failing.team.team_id, "tom")).seat)
    clock.move(timedelta(minutes=30))
    other = await formation.open(campaign, "ann")
    await formation.confirm(other.seat)
    clock.move(timedelta(minutes=30))
    batch = Batch(formation, campaign)
    batch.join(other.team.team_id, "lin", 2)
    batch.look(failing.team.team_id)
    batch.join(other.team.team_id, "kim")
    seated, _, refused = await batch.decide()
    assert isinstance(seated, bytes)
    assert isinstance(refused, Rejected)
    assert refused.reason == "OUT_OF_STOCK"
    assert await violations(formation) == {}


async def test_who_opened_a_team_that_is_cancelled_may_open_another_in_the_same_batch(formation: Formation) -> None:
    campaign = await formation.create(a_campaign(rules={"max_teams_opened_per_member": 1}))
    opened = await formation.open(campaign)
    batch = Batch(formation, campaign)
    batch.open("mei")
    batch.cancel(opened.team.team_id)
    batch.open("mei")
    refused, _, again = await batch.decide()
    assert isinstance(refused, Rejected)
    assert refused.reason == "MEMBER_LIMIT"
    assert isinstance(again, bytes)
    assert await violations(formation) == {}
