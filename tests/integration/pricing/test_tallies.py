"""Tallies: whatever the batches and whoever counts, each event counts once; the last tally is the sum of the teams."""

import asyncio
from collections.abc import Sequence
from random import Random
from uuid import uuid4

import grpc
import pytest
from groupbuy.pricing.v1 import events_pb2
from groupbuy.team_formation.v1 import events_pb2 as team_events_pb2
from groupbuy.team_formation.v1 import types_pb2

from services.chassis.messages import Record
from services.pricing import translate
from services.pricing.handlers import TallyFinder
from tests.integration.pricing.test_rpc import PB, Api, api, bearer
from tests.support.pricing import PricingService
from tests.support.pricing_histories import play
from tests.support.pricing_lives import EXPIRED, LEFT, WITHDRAWN, FullLife, a_full_life

__all__ = ["api"]


def lives(chance: Random, count: int) -> list[FullLife]:
    """Play teams at random, all of one campaign."""
    campaign, platform = uuid4(), uuid4()
    made = [a_full_life(campaign=campaign, platform=platform) for _ in range(count)]
    for life in made:
        play(life, [(chance.randrange(1000), chance.randrange(1000)) for _ in range(chance.randint(5, 30))])
    return made


def expected(played: Sequence[FullLife]) -> events_pb2.CampaignTotals:
    """Count the events by themselves."""
    totals = events_pb2.CampaignTotals()
    for life in played:
        before = types_pb2.Totals()
        for event in life.events:
            _count(totals, event, before)
            before = event.totals
        totals.members_confirmed_now += before.confirmed_members
        totals.units_confirmed_now += before.confirmed_units
        totals.units_held_now += before.held_units
        totals.units_of_fill += _fills(life)
    return totals


def _fills(life: FullLife) -> int:
    """Units that fill the campaign's ladder: of a team that formed as it formed, of others as they stand."""
    formed = [event.totals.confirmed_units for event in life.events if event.WhichOneof("fact") == "team_formed"]
    return formed[0] if formed else life.events[-1].totals.confirmed_units


def _count(totals: events_pb2.CampaignTotals, event: team_events_pb2.TeamEvent, before: types_pb2.Totals) -> None:
    name = event.WhichOneof("fact") or ""
    units = event.totals.confirmed_units - before.confirmed_units
    totals.units_confirmed += max(units, 0)
    totals.units_left += max(-units, 0)
    if name.startswith("team_") and hasattr(totals, name.replace("team_", "teams_")):
        setattr(totals, name.replace("team_", "teams_"), getattr(totals, name.replace("team_", "teams_")) + 1)
    totals.seats_held += name in {"seat_held", "seat_sponsored"} or event.seat_confirmed.from_waitlist
    totals.seats_confirmed += name in {"seat_confirmed", "seat_sponsored"}
    if name == "seat_released":
        reason = event.seat_released.seat.release_reason
        totals.seats_left += reason in {LEFT, WITHDRAWN}
        totals.seats_expired += reason == EXPIRED


async def tallies(pricing: PricingService) -> list[events_pb2.TallyEvent]:
    """What was told, in order."""
    return [events_pb2.TallyEvent.FromString(payload) for payload in await pricing._told(translate.TALLY_TOPIC)]


@pytest.mark.parametrize("seed", range(4))
async def test_the_last_tally_is_what_the_events_say_whenever_it_is_made(pricing: PricingService, seed: int) -> None:
    chance = Random(seed)  # noqa: S311 - for tests
    played = lives(chance, 6)
    waiting: list[list[Record]] = [list(life.records) for life in played]
    while any(waiting):
        size = chance.randint(1, 9)
        records = [chance.choice([left for left in waiting if left]).pop(0) for _ in range(size) if any(waiting)]
        await pricing.apply(records)
        await pricing.apply(records[: size // 2])
        if chance.random() < 0.3:
            await pricing.tallies.run_once()
    await pricing.tallies.run_once()
    told = await tallies(pricing)
    assert [event.sequence for event in told] == list(range(1, len(told) + 1))
    assert len({event.event_id for event in told}) == len(told) > 1
    assert told[-1].campaign_tallied.totals == expected(played)
    assert await pricing.tallies.run_once() == 0


async def test_several_who_count_at_once_count_everything_once(pricing: PricingService) -> None:
    played = lives(Random(7), 8)  # noqa: S311 - for tests
    finders = [TallyFinder(pricing.database, pricing.tables) for _ in range(3)]

    async def follow(life: FullLife) -> None:
        for start in range(0, len(life.records), 3):
            await pricing.apply(life.records[start : start + 3])

    async def count(finder: TallyFinder) -> None:
        for _ in range(12):
            await finder.run_once()

    await asyncio.gather(*map(follow, played), *map(count, finders))
    await pricing.tallies.run_once()
    told = await tallies(pricing)
    assert [event.sequence for event in told] == list(range(1, len(told) + 1))
    assert told[-1].campaign_tallied.totals == expected(played)


async def test_campaigns_without_pause_do_not_keep_the_others_waiting(
    pricing: PricingService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.pricing.handlers.tally.PAGE", 1)
    busy, quiet = (lives(Random(8), 1)[0] for _ in range(2))  # noqa: S311 - for tests
    if busy.campaign > quiet.campaign:
        busy, quiet = quiet, busy
    await pricing.apply(busy.records[:2])
    await pricing.apply(quiet.records)
    await pricing.tallies.run_once()
    await pricing.apply(busy.records[2:])
    await pricing.tallies.run_once()
    told = [event.campaign_id for event in await tallies(pricing)]
    assert told == [busy.campaign_id, quiet.campaign_id]


async def test_a_campaign_that_cannot_be_counted_keeps_no_other_back(pricing: PricingService) -> None:
    chance = Random(3)  # noqa: S311 - for tests
    broken, sound = lives(chance, 1), lives(chance, 2)
    for life in (*broken, *sound):
        await pricing.apply(life.records)
    async with pricing.database.work() as work:
        await work.connection.execute(
            "UPDATE tally_deltas SET units_held_now = -1000 WHERE campaign_id = %s", (broken[0].campaign,)
        )
    assert await pricing.tallies.run_once() == 1
    assert {row["campaign_id"] for row in await pricing.rows("SELECT campaign_id FROM tallies")} == {sound[0].campaign}


async def test_a_tally_is_read_by_its_number_or_the_last_one(api: Api, pricing: PricingService) -> None:
    life = a_full_life(platform=api.acme)
    life.open("mei")
    await pricing.apply(life.records)
    await pricing.tallies.run_once()
    life.confirm("mei")
    await pricing.apply(life.records)
    await pricing.tallies.run_once()

    async def ask(seq: int, key: str = "gbk_acme_secret") -> PB.GetTallyResponse:
        request = PB.GetTallyRequest(campaign_id=life.campaign_id, seq=seq)
        answer: PB.GetTallyResponse = await api.public.GetTally(request, metadata=bearer(key))
        return answer

    first, last = await ask(1), await ask(0)
    assert (first.seq, first.totals.seats_held, first.totals.units_confirmed_now) == (1, 1, 0)
    assert (last.seq, last.totals.seats_confirmed, last.totals.units_confirmed_now) == (2, 1, 1)
    for seq, key in ((3, "gbk_acme_secret"), (0, "gbk_rival_secret")):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await ask(seq, key)
        assert refused.value.code() is grpc.StatusCode.NOT_FOUND
