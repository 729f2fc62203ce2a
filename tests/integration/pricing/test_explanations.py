"""What explanations carry: all that is needed to compute a price again, of seats and of teams at any version."""

from typing import Any

import grpc
import pytest
from groupbuy.pricing.v1 import explanations_pb2, pricing_service_pb2

from services.chassis import ids
from tests.integration.pricing.test_rpc import Api, a_life, api, bearer, refusal
from tests.support.pricing import PricingService
from tests.support.pricing_lives import a_full_life
from tests.support.teams import LEADER, MEMBER, TeamLife

PB = pricing_service_pb2
KEY = bearer("gbk_acme_secret")
__all__ = ["api"]  # the fixture


async def explain(api: Api, **asked: Any) -> PB.ExplainPriceResponse:
    answer: PB.ExplainPriceResponse = await api.public.ExplainPrice(PB.ExplainPriceRequest(**asked), metadata=KEY)
    return answer


async def refused(api: Api, **asked: Any) -> tuple[str, list[str]]:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await explain(api, **asked)
    return refusal(error)


async def changes(api: Api, team_id: str, size: int = 0, token: str = "") -> Any:
    request = explanations_pb2.ListPriceChangesRequest(team_id=team_id, page_size=size, page_token=token)
    return await api.public.ListPriceChanges(request, metadata=KEY)


async def test_a_seat_comes_with_all_that_its_price_is_computed_from(api: Api, pricing: PricingService) -> None:
    life = a_life(api)
    life.join("ann")
    await pricing.apply(life.records)
    told = await explain(api, seat_id=life.seat("tom").seat_id)
    assert (told.team_id, told.team_version, told.fill_version) == (life.team_id, 7, 7)
    assert (told.currency, told.role, told.cap_fill, told.sponsored) == ("EUR", MEMBER, 2, False)
    assert told.standing == explanations_pb2.SEAT_STANDING_CONFIRMED
    assert (told.row.sku, told.row.role) == ("mango", MEMBER)
    assert [(step.threshold, step.unit_price) for step in told.row.steps][:3] == [(0, 3990), (2, 3490), (3, 2990)]
    assert told.cap_row == told.row
    assert (told.exact.numerator, told.exact.denominator) == (2990, 1)
    assert told.exact.rounding == explanations_pb2.ROUNDING_HALF_UP
    assert (told.lines_complete, told.language) == (True, "en")


async def test_a_seat_that_leads_since_keeps_the_row_its_cap_was_read_in(api: Api, pricing: PricingService) -> None:
    life = a_full_life(platform=api.acme)
    life.open("mei")
    life.confirm("mei")
    life.join("tom")
    life.leave("mei")
    life.lead("tom")
    await pricing.apply(life.records)
    told = await explain(api, seat_id=life.seat("tom").seat_id)
    assert (told.role, told.row.role, told.cap_row.role) == (LEADER, LEADER, MEMBER)


async def test_lines_under_way_are_not_complete(
    api: Api, pricing: PricingService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.pricing.handlers.settle.CHUNK", 1)
    life = a_life(api)
    life.form()
    await pricing.apply(life.records)
    seat_id = life.seat("tom").seat_id
    assert not (await explain(api, seat_id=seat_id)).lines_complete
    await pricing.settle()
    assert (await explain(api, seat_id=seat_id)).lines_complete


@pytest.mark.parametrize(
    ("language", "told_in"), [("", "en"), ("zh-CN", "zh-Hans"), ("zh-Hans-CN", "zh-Hans"), ("fr", "en"), ("xx", "en")]
)
async def test_a_reader_has_it_in_the_best_language_there_is(
    api: Api, pricing: PricingService, language: str, told_in: str
) -> None:
    life = a_life(api)
    await pricing.apply(life.records)
    for asked in ({"seat_id": life.seat("tom").seat_id}, {"team_id": life.team_id}):
        told = await explain(api, language=language, **asked)
        assert told.language == told_in
        assert ("已有2人确认" in told.sentence) is (told_in == "zh-Hans")


async def test_every_version_of_a_team_is_explained_by_the_fill_it_had(api: Api, pricing: PricingService) -> None:
    life = a_life(api)  # 1 opened, 2 held, 3 confirmed, 4 held, 5 confirmed
    life.join("ann")  # 6, 7
    life.leave("ann")  # 8
    life.form()  # 9
    await pricing.apply(life.records)
    told = [await explain(api, team_id=life.team_id, team_version=version) for version in range(1, 10)]
    assert [answer.fill for answer in told] == [0, 0, 1, 1, 2, 2, 3, 2, 2]
    assert [answer.fill_version for answer in told] == [1, 1, 3, 3, 5, 5, 7, 8, 8]
    assert [answer.final for answer in told] == [False] * 8 + [True]
    assert [answer.prices[1].unit_price.minor_units for answer in told] == [
        3990, 3990, 3990, 3990, 3490, 3490, 2990, 3490, 3490
    ]  # fmt: skip
    assert [[fact.team_version for fact in answer.facts] for answer in told[3:7]] == [[3, 4], [5], [5, 6], [7]]
    assert (await explain(api, team_id=life.team_id)).team_version == 9
    assert told[6].sentence == (
        "3 members are confirmed at version 7 of the team, so the price from 3 on holds:"
        " one unit of mango costs a leader 29.90 EUR, one unit of mango costs a member 29.90 EUR."
    )


async def test_prices_of_a_team_that_ended_stand_still(api: Api, pricing: PricingService) -> None:
    life = a_life(api)
    life.fail()  # 6: its fact counts nobody any more
    await pricing.apply(life.records)
    told = await explain(api, team_id=life.team_id)
    assert (told.team_version, told.fill, told.fill_version, told.final) == (6, 2, 5, True)
    assert [fact.team_version for fact in told.facts] == [5, 6]


async def test_how_the_price_moved_page_by_page(api: Api, pricing: PricingService) -> None:
    life = a_life(api)  # the first tier is 2
    life.join("ann")
    life.hold("eva")
    life.leave("ann")
    life.fail()
    await pricing.apply(life.records)
    found = await changes(api, life.team_id)
    assert [(item.team_version, item.old_fill, item.fill, item.tier) for item in found.changes] == [
        (5, 1, 2, 1),
        (7, 2, 3, 2),
        (9, 3, 2, 1),
    ]
    assert (found.currency, found.next_page_token) == ("EUR", "")
    assert found.changes[2].cause == "groupbuy.team_formation.v1.SeatReleased"
    assert found.changes[2].cause_event_id == life.events[8].event_id
    assert [(move.old_unit_price, move.new_unit_price) for move in found.changes[0].moves] == [(3990, 3490)] * 2
    first = await changes(api, life.team_id, size=2)
    assert list(first.changes) == list(found.changes)[:2]
    second = await changes(api, life.team_id, size=2, token=first.next_page_token)
    assert (list(second.changes), second.next_page_token) == (list(found.changes)[2:], "")


async def test_what_cannot_be_explained_is_refused_by_field(api: Api, pricing: PricingService) -> None:
    life = a_life(api)
    await pricing.apply(life.records)
    seat, team = life.seat("tom").seat_id, life.team_id
    assert await refused(api, seat_id=seat, team_id=team) == ("INVALID_ARGUMENT", ["team_id"])
    assert await refused(api, seat_id=seat, team_version=3) == ("INVALID_ARGUMENT", ["team_version"])
    assert await refused(api, team_id=team, team_version=-1) == ("INVALID_ARGUMENT", ["team_version"])
    assert await refused(api, seat_id=seat, language="not a tag") == ("INVALID_ARGUMENT", ["language"])
    assert await refused(api, team_id=team, team_version=6) == ("TEAM_VERSION_UNKNOWN", [])
    assert await refused(api, team_id="team_x") == ("TEAM_UNKNOWN", [])
    assert await refused(api) == ("SEAT_UNKNOWN", [])


async def test_a_team_of_another_platform_is_none(api: Api, pricing: PricingService) -> None:
    theirs = TeamLife(platform=api.rival)
    theirs.open("mei")
    await pricing.apply(theirs.records)
    assert ids.parse("team", theirs.team_id, 2)
    assert await refused(api, team_id=theirs.team_id) == ("TEAM_UNKNOWN", [])
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await changes(api, theirs.team_id)
    assert refusal(error) == ("TEAM_UNKNOWN", [])
