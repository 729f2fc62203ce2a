"""HideContent: labels, notes and pictures are gone from public pages at once, for whoever it is said of."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from groupbuy.team_formation.v1 import privacy_pb2 as pb

from services.chassis import ids
from services.team_formation import domain
from services.team_formation.codes import hash_code
from services.team_formation.web import campaign_visits, photos, visits
from tests.support.database import Database
from tests.support.erasing import METADATA, Town, a_town, refusal
from tests.support.shop_pictures import a_fetcher, a_picture, a_shop, with_picture
from tests.support.web import Visitor, a_web_edge, an_invite, code_of

ALL = pb.HiddenParts(labels=True, notes=True, images=True)


class Street:
    """A team with an invite whose page shows a label, a note and a picture, and who visits it."""

    def __init__(self, town: Town, visitor: Visitor, campaign: domain.Campaign, code: str, invite_id: str) -> None:
        self.town = town
        self.visitor = visitor
        self.campaign = campaign
        self.code = code
        self.invite_id = invite_id

    async def hide(self, hidden: pb.HiddenParts, **of: Any) -> None:
        """Hide something."""
        request = pb.HideContentRequest(hidden=hidden, **of)
        answer = await self.town.formation.HideContent(request, metadata=METADATA)
        assert answer.hidden == hidden

    async def shown(self) -> tuple[bool, bool, bool, bool]:
        """Tell whether pages show label, note, the invite's picture and the campaign's."""
        page = await self.visitor.get(f"/i/{self.code}")
        data = await self.visitor.data(self.code)
        campaign = await self.visitor.get(f"/c/{code_of(self.campaign)}.json")
        return (
            "Mei invites you" in page.text,
            "Best in town" in page.text,
            bool(data["photo"]),
            b'"photo":null' not in campaign.body,
        )


@pytest.fixture
async def street(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Street]:
    """A street where everything is looked at anew."""
    for module in (photos, visits, campaign_visits):
        monkeypatch.setattr(module, "FRESH_SECONDS", 0.0)
    async with a_town(database) as town, a_shop() as shop:
        formation = town.engine.formation
        async with a_web_edge(formation) as visitor, a_fetcher(formation) as fetcher:
            campaign = await formation.create(with_picture(shop.has("/mango", a_picture())))
            opened = await formation.open(campaign)
            code = await an_invite(formation, opened.team.team_id, label="Mei", note="Best in town")
            await fetcher.run_once()
            [(invite_id,)] = await formation.rows(
                "SELECT invite_id FROM invite_codes WHERE code_hash = %s", hash_code(code)
            )
            yield Street(town, visitor, campaign, code, ids.opaque("inv", campaign.campaign_id, invite_id))


async def test_what_is_hidden_is_gone_from_pages_and_comes_back(street: Street) -> None:
    campaign = ids.opaque("camp", street.campaign.campaign_id)
    assert await street.shown() == (True, True, True, True)
    before = (await street.visitor.get(f"/i/{street.code}")).headers["etag"]
    await street.hide(pb.HiddenParts(labels=True, images=True), invite_id=street.invite_id)
    page = await street.visitor.get(f"/i/{street.code}", if_none_match=before)
    assert page.status == 200
    assert await street.shown() == (False, True, False, True)
    await street.hide(pb.HiddenParts(), invite_id=street.invite_id)
    assert await street.shown() == (True, True, True, True)
    await street.hide(pb.HiddenParts(notes=True), campaign_id=campaign)
    assert await street.shown() == (True, False, True, True)
    await street.hide(pb.HiddenParts(images=True), campaign_id=campaign)
    assert await street.shown() == (True, True, False, False)
    await street.hide(pb.HiddenParts(), campaign_id=campaign)
    await street.hide(ALL, promoter_id="kol")
    assert await street.shown() == (False, False, False, True)
    await street.hide(pb.HiddenParts(), promoter_id="kol")
    await street.hide(ALL, member_id="kol")
    assert await street.shown() == (True, True, True, True)


async def test_a_platform_has_a_policy_for_all_its_pages(street: Street) -> None:
    await street.hide(ALL, everything=True)
    assert await street.shown() == (False, False, False, False)
    await street.hide(pb.HiddenParts(), everything=True)
    await street.hide(pb.HiddenParts(), everything=True)
    assert await street.shown() == (True, True, True, True)
    await street.hide(ALL, promoter_id="kol")
    rows = await street.town.engine.formation.rows("SELECT subject, after FROM audit_entries ORDER BY entry_id")
    assert [subject for subject, _ in rows] == ["public content of platform"] * 2 + ["public content of promoter"]
    assert '"labels":true' in rows[0][1].replace(" ", "")


async def test_what_is_not_there_is_refused(street: Street) -> None:
    for request, reason in (
        (pb.HideContentRequest(hidden=ALL), "INVALID_ARGUMENT"),
        (pb.HideContentRequest(everything=False), "INVALID_ARGUMENT"),
        (pb.HideContentRequest(campaign_id=ids.opaque("camp", ids.new_id())), "CAMPAIGN_UNKNOWN"),
        (pb.HideContentRequest(invite_id=ids.opaque("inv", ids.new_id(), ids.new_id())), "INVITE_UNKNOWN"),
        (pb.HideContentRequest(member_id="mei@example.com"), "INVALID_ARGUMENT"),
    ):
        assert await refusal(street.town.formation.HideContent(request, metadata=METADATA)) == reason
