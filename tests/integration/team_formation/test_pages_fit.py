"""Pages of what is large: none is more than clients of gRPC take, and together they are complete."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import grpc
import pytest
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb

from services.chassis import ids
from services.team_formation import domain, translate
from services.team_formation.rpc.sizes import LARGEST, fitting
from tests.integration.team_formation.test_join_teams import SERVICE, Shop, wide
from tests.support.database import Database
from tests.support.engine import an_engine, served

TEAMS = 250
CAMPAIGNS = 12


@pytest.fixture
async def shop(database: Database) -> AsyncIterator[Shop]:
    """A platform's client of a running engine."""
    async with an_engine(database) as engine, served(engine) as channels:
        channel: grpc.aio.Channel = channels[SERVICE]
        yield Shop(engine, channel)


async def pages(shop: Shop, method: str, request: Any, answers: Any) -> list[Any]:
    """Read all pages."""
    found = []
    request.page_size = 1000
    while True:
        raw = await shop.call(method, request)
        assert len(raw) <= LARGEST
        found.append(answers.FromString(raw))
        request.page_token = found[-1].next_page_token
        if not request.page_token:
            return found


async def test_a_page_of_teams_with_many_prices_has_fewer_of_them(shop: Shop) -> None:
    campaign = await shop.engine.formation.create(wide())
    opened = {await shop.team(campaign) for _ in range(TEAMS)}
    request = pb.ListTeamsRequest(campaign_id=translate.campaign_id(campaign.campaign_id))
    found = await pages(shop, "ListTeams", request, pb.ListTeamsResponse)
    assert len(found) > 1
    listed = [team.team_id for page in found for team in page.teams]
    assert (len(listed), set(listed)) == (TEAMS, opened)
    assert {len(team.prices) for page in found for team in page.teams} == {200}


async def test_a_page_of_campaigns_with_long_texts_has_fewer_of_them(shop: Shop) -> None:
    terms = "\N{MANGO}" * 4_000
    texts = tuple(domain.LocalizedText(f"en-{number:03}", "Mangoes", terms) for number in range(50))
    made = set()
    for _ in range(CAMPAIGNS):
        campaign = replace(wide(), campaign_id=ids.new_id())
        campaign = replace(campaign, presentation=replace(campaign.presentation, texts=texts))
        made.add(translate.campaign_id((await shop.engine.formation.create(campaign)).campaign_id))
    found = await pages(shop, "ListCampaigns", pb.ListCampaignsRequest(), pb.ListCampaignsResponse)
    assert len(found) > 1
    listed = [campaign.campaign_id for page in found for campaign in page.campaigns]
    assert (len(listed), set(listed)) == (CAMPAIGNS, made)


def test_what_fits_is_taken_from_the_front_and_at_least_one() -> None:
    def sized(length: int) -> pb.GetTeamRequest:
        return pb.GetTeamRequest(team_id="x" * length)

    assert fitting([]) == []
    assert fitting([sized(LARGEST), sized(1)]) == [sized(LARGEST)]
    small = [sized(LARGEST // 3)] * 3
    assert fitting(small) == small[:2]
    assert fitting(sized(10) for _ in range(5)) == [sized(10)] * 5
