"""A team's life through the one path, on real PostgreSQL: rows, answers and what is told."""

from datetime import timedelta

import pytest
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb
from groupbuy.team_formation.v1 import types_pb2

from services.chassis import ids
from services.chassis.clock import ManualClock
from services.chassis.errors import Rejected
from services.team_formation import domain
from services.team_formation.handlers import Ask, Revoke
from tests.support.formation import OTHER_PLATFORM, PLATFORM, Formation, a_campaign


async def test_a_team_fills_and_forms(formation: Formation) -> None:
    campaign = await formation.create(a_campaign(maximum=3))
    opened = await formation.open(campaign)
    team = opened.team.team_id
    assert opened.seat.role == 1
    assert opened.seat.cap.minor_units == 3990
    await formation.confirm(opened.seat)
    tom = await formation.join(team, "tom")
    assert tom.seat.cap.minor_units == 3490
    await formation.confirm(tom.seat)
    lin = await formation.join(team, "lin")
    done = await formation.confirm(lin.seat)
    assert done.team.state == types_pb2.TEAM_STATE_FORMED
    assert [price.unit_price.minor_units for price in done.team.prices] == [2990, 2990]
    facts = [fact for _, fact in await formation.facts(team)]
    assert facts == [
        "team_opened",
        "seat_held",
        "seat_confirmed",
        "seat_held",
        "seat_confirmed",
        "team_tipped",
        "seat_held",
        "seat_confirmed",
        "team_formed",
    ]
    assert [version for version, _ in await formation.facts(team)] == list(range(1, 10))
    assert await formation.rows("SELECT state, version, confirmed_members FROM teams") == [("FORMED", 9, 3)]


async def test_the_opening_event_carries_all_that_a_consumer_needs(formation: Formation) -> None:
    opened = await formation.open(await formation.create(a_campaign()))
    first, second = await formation.events(opened.team.team_id)
    assert first.team_opened.price_table.rows[0].steps[3].unit_price == 2490
    assert first.team_opened.presentation.texts[0].title == "Mangoes"
    assert first.team_opened.rules.minimum == 2
    assert second.totals.held_members == 1
    assert second.seat_held.seat.seat_id == opened.seat.seat_id


async def test_a_hold_runs_out_and_the_seat_is_free_again(formation: Formation, clock: ManualClock) -> None:
    opened = await formation.open(await formation.create(a_campaign(minimum=1, maximum=1)))
    with pytest.raises(Rejected, match="TEAM_FULL"):
        await formation.join(opened.team.team_id, "tom")
    assert await formation.finder.run_once() == 0
    clock.move(timedelta(minutes=10))
    assert await formation.finder.run_once() == 1
    assert await formation.finder.run_once() == 0
    assert await formation.rows("SELECT state, release_reason FROM seats") == [("RELEASED", "EXPIRED")]
    assert (await formation.join(opened.team.team_id, "tom")).seat.state == types_pb2.SEAT_STATE_HELD


async def test_a_command_brings_its_team_up_to_date_first(formation: Formation, clock: ManualClock) -> None:
    opened = await formation.open(await formation.create(a_campaign(minimum=1, maximum=1)))
    clock.move(timedelta(minutes=10))
    joined = await formation.join(opened.team.team_id, "tom")
    assert joined.team.totals.held_members == 1
    assert [fact for _, fact in await formation.facts(opened.team.team_id)][2:] == [
        "seat_released",
        "leader_changed",
        "seat_held",
    ]


async def test_a_team_that_misses_its_minimum_fails_and_releases_everybody(
    formation: Formation, clock: ManualClock
) -> None:
    opened = await formation.open(await formation.create(a_campaign()))
    await formation.confirm(opened.seat)
    await formation.join(opened.team.team_id, "tom")
    clock.move(timedelta(hours=1))
    await formation.finder.run_once()
    states = await formation.rows("SELECT state, release_reason FROM seats ORDER BY number")
    assert states == [("RELEASED", "TEAM_FAILED"), ("RELEASED", "EXPIRED")]
    last = (await formation.events(opened.team.team_id))[-1]
    assert last.team_failed.totals_at_end.confirmed_members == 1
    assert last.totals.confirmed_members == 0
    assert await formation.finder.run_once() == 0


async def test_a_late_payment_takes_the_seat_back_or_is_refunded(formation: Formation, clock: ManualClock) -> None:
    opened = await formation.open(await formation.create(a_campaign(minimum=1, maximum=2)))
    tom = await formation.join(opened.team.team_id, "tom")
    clock.move(timedelta(minutes=11))
    await formation.finder.run_once()
    revived = await formation.confirm(tom.seat)
    assert revived.outcome == pb.CONFIRM_OUTCOME_CONFIRMED
    await formation.join(opened.team.team_id, "lin")
    late = await formation.confirm(opened.seat, "late")
    assert late.outcome == pb.CONFIRM_OUTCOME_REFUND_REQUIRED
    again = await formation.confirm(opened.seat, "late")
    assert again.outcome == pb.CONFIRM_OUTCOME_REFUND_REQUIRED
    facts = [fact for _, fact in await formation.facts(opened.team.team_id)]
    assert facts.count("late_payment_reported") == 1
    assert await formation.rows("SELECT payment_reference, amount FROM late_payments") == [("late", 3990)]


async def test_a_leave_below_the_minimum_untips(formation: Formation) -> None:
    opened = await formation.open(await formation.create(a_campaign(leave_until=domain.LeaveUntil.ENDED)))
    await formation.confirm(opened.seat)
    tom = await formation.join(opened.team.team_id, "tom")
    tipped = await formation.confirm(tom.seat)
    assert tipped.team.state == types_pb2.TEAM_STATE_TIPPED
    left = await formation.leave(tom.seat)
    assert left.team.state == types_pb2.TEAM_STATE_FORMING
    assert left.team.prices[0].unit_price.minor_units == 3990
    rejoined = await formation.join(opened.team.team_id, "tom")
    assert rejoined.seat.seat_id != tom.seat.seat_id


async def test_an_invite_leads_in_until_it_expires_or_is_revoked(formation: Formation, clock: ManualClock) -> None:
    campaign = await formation.create(a_campaign())
    opened = await formation.open(campaign)
    _, team_id = ids.parse("team", opened.team.team_id, 2) or ()
    invite_id = ids.new_id()
    wanted = domain.NewInvite(invite_id, "mei", "", "wechat", "Mei", "Try these", clock.now() + timedelta(minutes=5))
    key = formation.key("CreateInvite", campaign.campaign_id)
    answer = await formation.commands.submit(Ask(PLATFORM, campaign.campaign_id, wanted, key, team_id))
    invite = pb.CreateInviteResponse.FromString(answer).invite
    assert len(invite.code) == 12
    assert invite.url == f"https://shop.example/i/{invite.code}"
    assert invite.code == formation.codes.code(invite_id)
    joined = await formation.join(opened.team.team_id, "tom", invite_id=invite_id)
    assert joined.seat.invite_id == invite.invite_id
    clock.move(timedelta(minutes=6))
    with pytest.raises(Rejected, match="INVITE_EXPIRED"):
        await formation.join(opened.team.team_id, "lin", invite_id=invite_id)
    revoke = Ask(PLATFORM, campaign.campaign_id, Revoke(invite_id), formation.key("RevokeInvite", campaign.campaign_id))
    await formation.commands.submit(revoke)
    with pytest.raises(Rejected, match="INVITE_REVOKED"):
        await formation.join(opened.team.team_id, "lin", invite_id=invite_id)


async def test_only_members_invite(formation: Formation) -> None:
    campaign = await formation.create(a_campaign())
    opened = await formation.open(campaign)
    _, team_id = ids.parse("team", opened.team.team_id, 2) or ()
    wanted = domain.NewInvite(ids.new_id(), "stranger", "", "wechat", "", "", None)
    ask = Ask(PLATFORM, campaign.campaign_id, wanted, formation.key("CreateInvite", campaign.campaign_id), team_id)
    with pytest.raises(Rejected, match="NOT_IN_TEAM"):
        await formation.commands.submit(ask)


async def test_another_platforms_team_and_seat_look_like_none(formation: Formation) -> None:
    opened = await formation.open(await formation.create(a_campaign()))
    with pytest.raises(Rejected, match="TEAM_UNKNOWN"):
        await formation.join(opened.team.team_id, "tom", platform_id=OTHER_PLATFORM)
    with pytest.raises(Rejected, match="SEAT_UNKNOWN"):
        await formation.confirm(opened.seat, platform_id=OTHER_PLATFORM)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"quantity": 4}, "QUANTITY_OUT_OF_RANGE"),
        ({"max_unit_price": 3489, "currency": "EUR"}, "PRICE_CHANGED"),
        ({"max_unit_price": 3990, "currency": "USD"}, "CURRENCY_MISMATCH"),
    ],
)
async def test_a_refused_join_changes_nothing(formation: Formation, change: dict[str, object], reason: str) -> None:
    opened = await formation.open(await formation.create(a_campaign()))
    await formation.confirm(opened.seat)
    before = await formation.rows("SELECT version FROM teams")
    with pytest.raises(Rejected, match=reason):
        await formation.join(opened.team.team_id, "tom", **change)
    assert await formation.rows("SELECT version FROM teams") == before
    assert len(await formation.rows("SELECT 1 FROM seats")) == 1


async def test_a_wrong_amount_confirms_nothing(formation: Formation) -> None:
    opened = await formation.open(await formation.create(a_campaign()))
    with pytest.raises(Rejected, match="AMOUNT_MISMATCH") as refused:
        await formation.confirm(opened.seat, amount=1)
    assert refused.value.metadata["expected"] == "3990"
    with pytest.raises(Rejected, match="PAYMENT_REFERENCE_MISSING"):
        await formation.confirm(opened.seat, payment_reference="")
    assert await formation.rows("SELECT state FROM seats") == [("HELD",)]


async def test_units_fill_ladder_and_capacity(formation: Formation) -> None:
    campaign = a_campaign(counted_in=domain.CountedIn.UNITS, basis=domain.Basis.TEAM_UNITS, maximum=4)
    opened = await formation.open(await formation.create(campaign), quantity=3)
    assert opened.seat.cap.minor_units == 2990
    with pytest.raises(Rejected, match="TEAM_FULL"):
        await formation.join(opened.team.team_id, "tom", quantity=2)
    await formation.confirm(opened.seat)
    tom = await formation.join(opened.team.team_id, "tom")
    done = await formation.confirm(tom.seat)
    assert done.team.totals.confirmed_units == 4
    assert done.team.state == types_pb2.TEAM_STATE_FORMED
