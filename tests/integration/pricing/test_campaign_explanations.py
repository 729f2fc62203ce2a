"""Explanations where the whole campaign fills the ladder: each names its tally, and can be computed again."""

from random import Random

import pytest
from google.protobuf.json_format import MessageToDict

from deploy.verify import verifier
from tests.integration.pricing.test_explanations import explain
from tests.integration.pricing.test_rpc import Api, api
from tests.support.campaigns import Campaign, opened
from tests.support.pricing import PricingService
from tests.support.pricing_histories import play
from tests.support.pricing_lives import FullLife

__all__ = ["api"]  # the fixture


@pytest.fixture
def campaign(api: Api) -> Campaign:
    made = Campaign()
    made.platform = api.acme
    return made


async def test_a_seat_is_explained_by_the_last_tally_and_at_the_end_by_the_one_that_fixed_it(
    api: Api, pricing: PricingService, campaign: Campaign
) -> None:
    life = opened(campaign, 3)
    seat_id = life.seat("mei").seat_id

    async def told() -> tuple[int, int, int, bool]:
        await pricing.apply(life.records)
        await pricing.settle()
        answer = await explain(api, seat_id=seat_id)
        assert verifier.verify(MessageToDict(answer))[1] == []
        price = await api.get_price(life.team_id)
        assert (price.tally_seq, price.fill) == (answer.tally_seq, answer.fill)
        return answer.tally_seq, answer.fill, answer.unit_price.minor_units, answer.final

    assert await told() == (0, 0, 3440, False)  # its cap; the list price is above
    await campaign.tally(pricing)
    assert await told() == (1, 3, 3440, False)
    life.form()
    assert await told() == (1, 3, 3440, False)
    await pricing.apply(opened(campaign, 9).records)
    second = await campaign.tally(pricing)
    assert await told() == (2, 12, 2940, True)
    await pricing.apply(opened(campaign, 300).records)
    await campaign.tally(pricing)
    assert await told() == (2, 12, 2940, True)
    answer = await explain(api, seat_id=seat_id)
    assert [(tally.seq, tally.event_id) for tally in answer.tallies] == [(2, second.event_id)]
    assert "12 units are confirmed in the whole campaign at tally 2" in answer.sentence
    assert "整个活动第2次统计时已有12件确认" in (await explain(api, seat_id=seat_id, language="zh-Hans")).sentence
    assert "at tally 2" in (await explain(api, team_id=life.team_id)).sentence


@pytest.mark.parametrize("seed", range(3))
async def test_every_seat_of_random_histories_is_computed_again_from_its_explanation(
    api: Api, pricing: PricingService, campaign: Campaign, seed: int
) -> None:
    chance = Random(seed)  # noqa: S311 - for tests
    lives: list[FullLife] = []
    for _ in range(3):
        wave = [campaign.team() for _ in range(2)]
        for life in wave:
            play(life, [(chance.randrange(999), chance.randrange(999)) for _ in range(chance.randint(12, 40))])
            await pricing.apply(life.records)
            if chance.random() < 0.5:
                await campaign.tally(pricing)
        lives += wave
        await campaign.tally(pricing)
        await pricing.settle()
        for life in lives:
            assert verifier.verify(MessageToDict(await explain(api, team_id=life.team_id)))[1] == []
            for seat in life._seats.values():
                answer = await explain(api, seat_id=seat.seat_id)
                assert verifier.verify(MessageToDict(answer))[1] == [], answer
