"""Ladders that the whole campaign fills: caps, shown prices and watchers follow the last tally that was applied."""

from typing import Any

import pytest
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb
from groupbuy.team_formation.v1 import types_pb2

from services.chassis.clock import ManualClock
from services.chassis.errors import Rejected
from services.team_formation import domain
from services.team_formation.catalogue import Catalogue
from services.team_formation.watch import message_watch
from tests.support.formation import PLATFORM, Formation, a_campaign
from tests.support.tallies import a_tally, apply, tally


def counted(**changes: Any) -> domain.Campaign:
    """Make a campaign whose units, all teams together, fill the ladder: 39.90, from 2 on 34.90, 3: 29.90, 5: 24.90."""
    return a_campaign(basis=domain.Basis.CAMPAIGN_UNITS, **changes)


async def test_a_cap_is_the_price_at_the_last_tally_with_this_seat(formation: Formation) -> None:
    campaign = await formation.create(counted())
    first = (await formation.open(campaign, quantity=2)).seat
    assert (first.cap.minor_units, first.cap_fill, first.cap_tally_seq) == (3490, 2, 0)
    await formation.confirm(first)
    again = (await formation.open(campaign, "ann")).seat
    assert (again.cap.minor_units, again.cap_fill, again.cap_tally_seq) == (3990, 1, 0)  # nothing was counted yet
    await tally(formation, campaign, 1, 2)
    opened = await formation.open(campaign, "tom")
    joined = await formation.join(opened.team.team_id, "eva", quantity=3)
    assert (opened.seat.cap.minor_units, opened.seat.cap_fill, opened.seat.cap_tally_seq) == (2990, 3, 1)
    assert (joined.seat.cap.minor_units, joined.seat.cap_fill, joined.seat.cap_tally_seq) == (2490, 5, 1)
    [held] = [event.seat_held for event in await formation.events(opened.team.team_id)][-1:]
    assert held.seat == joined.seat
    confirmed = await formation.confirm(joined.seat)
    assert (confirmed.seat.cap_fill, confirmed.seat.cap_tally_seq) == (5, 1)  # as stored


async def test_all_teams_show_the_campaigns_price(formation: Formation) -> None:
    campaign = await formation.create(counted())
    opened = await formation.open(campaign)
    assert {price.unit_price.minor_units for price in opened.team.prices} == {3990}
    await tally(formation, campaign, 4, 3)
    joined = await formation.join(opened.team.team_id, "tom")
    assert [(price.unit_price.minor_units, price.missing_to_next) for price in joined.team.prices] == [(2990, 2)] * 2


async def test_a_price_that_rose_is_refused_by_max_unit_price(formation: Formation) -> None:
    campaign = await formation.create(counted())
    team = (await formation.open(campaign)).team.team_id
    await tally(formation, campaign, 1, 2)
    await tally(formation, campaign, 2, 1)
    with pytest.raises(Rejected, match="PRICE_CHANGED"):
        await formation.join(team, "tom", max_unit_price=2990)
    assert (await formation.join(team, "eva", max_unit_price=3490)).seat.cap_tally_seq == 2


async def test_who_waits_gets_the_cap_of_when_its_turn_comes(formation: Formation) -> None:
    rules = {"on_full": domain.OnFull.WAITLIST, "max_waiting": 5}
    campaign = await formation.create(counted(maximum=2, close_when_full=False, rules=rules))
    opened = await formation.open(campaign)
    team = opened.team.team_id
    await formation.join(team, "tom")
    waits = (await formation.join(team, "eva")).seat
    assert (waits.cap_fill, waits.cap_tally_seq, waits.HasField("cap")) == (0, 0, False)
    await tally(formation, campaign, 7, 4)
    await formation.leave(opened.seat)
    seated = [event.seat_held.seat for event in await formation.events(team) if event.seat_held.from_waitlist]
    assert [(seat.cap.minor_units, seat.cap_fill, seat.cap_tally_seq) for seat in seated] == [(2490, 5, 7)]


async def test_a_formed_team_keeps_the_price_of_the_tally_that_fixes_it(formation: Formation) -> None:
    campaign = await formation.create(counted(maximum=2))
    opened = await formation.open(campaign)
    tom = await formation.join(opened.team.team_id, "tom")
    await formation.confirm(opened.seat)
    formed = await formation.confirm(tom.seat)
    team = opened.team.team_id
    assert await _formed_fill(formation, campaign) is None
    await apply(formation, a_tally(campaign, 1, 2, [team]), a_tally(campaign, 2, 5))
    assert await _formed_fill(formation, campaign) == 2
    await tally(formation, campaign, 3, 0, [team])  # said twice, it stays
    assert await _formed_fill(formation, campaign) == 2
    assert formed.team.state == types_pb2.TEAM_STATE_FORMED


async def _formed_fill(formation: Formation, campaign: domain.Campaign) -> int | None:
    [(fill,)] = await formation.rows("SELECT formed_fill FROM teams WHERE campaign_id = %s", campaign.campaign_id)
    return None if fill is None else int(fill)


async def test_a_tally_again_or_late_changes_nothing(formation: Formation) -> None:
    campaign = await formation.create(counted())
    for seq, units in ((2, 5), (2, 5), (1, 0)):
        await tally(formation, campaign, seq, units)
    rows = await formation.rows("SELECT seq, units FROM tallies")
    assert rows == [(2, 5)]


async def test_nothing_is_kept_for_campaigns_whose_teams_fill_their_ladders(formation: Formation) -> None:
    campaign = await formation.create(a_campaign())
    await tally(formation, campaign, 1, 5)
    assert await formation.rows("SELECT seq FROM tallies") == []
    assert (await formation.open(campaign)).seat.cap.minor_units == 3990


async def test_what_cannot_be_read_is_set_aside(formation: Formation) -> None:
    campaign = await formation.create(counted())
    wrong = a_tally(campaign, 1, -1)
    await apply(formation, wrong, a_tally(campaign, 2, 2, ["team_nonsense"]))
    assert [reason for (reason,) in await formation.rows("SELECT reason FROM parked_messages ORDER BY number")] == [
        "cannot be read: no platform or campaign, or units below zero",
        "behind a parked event of its key",
    ]
    assert await formation.rows("SELECT seq FROM tallies") == []


async def test_readers_see_the_new_price_after_a_tally_that_crosses_a_tier(
    formation: Formation, clock: ManualClock
) -> None:
    campaign = await formation.create(counted())
    team = (await formation.open(campaign)).team
    watch = message_watch(formation.database, clock, Catalogue())
    stream = watch.teams.follow(PLATFORM, team.team_id, 0)
    sums = watch.campaigns.follow(PLATFORM, campaign.campaign_id, 0)
    assert _price(await anext(stream)) == (team.version, 3990)
    assert _campaign_price(await anext(sums)) == 3990
    await watch.run_once()  # begins to look
    await watch.run_once()
    await tally(formation, campaign, 1, 1)  # crosses nothing
    await tally(formation, campaign, 2, 3)
    await watch.run_once()
    assert _price(await anext(stream)) == (team.version, 2990)
    assert _campaign_price(await anext(sums)) == 2990
    await watch.stop()


def _price(body: bytes) -> tuple[int, int]:
    team = pb.WatchTeamResponse.FromString(body).team
    return team.version, team.prices[0].unit_price.minor_units


def _campaign_price(body: bytes) -> int:
    return pb.WatchCampaignResponse.FromString(body).prices[0].unit_price.minor_units
