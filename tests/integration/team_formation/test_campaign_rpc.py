"""Changing and publishing campaigns over a real gRPC server: what is checked, refused, stored and told."""

import asyncio
from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from groupbuy.pricing.v1 import ladder_pb2
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb
from groupbuy.team_formation.v1 import types_pb2

from services.chassis.errors import Raced
from services.team_formation.handlers import CampaignHandler
from services.team_formation.handlers.campaigns import LARGEST_BYTES, TRIES
from tests.support.formation import Formation
from tests.support.shop_api import Api, a_request, refused


def an_update(campaign: types_pb2.Campaign, request_id: str, *mask: str, **changes: Any) -> pb.UpdateCampaignRequest:
    """Ask for fields of a campaign to change."""
    request = pb.UpdateCampaignRequest(
        request_id=request_id,
        campaign_id=campaign.campaign_id,
        update_mask=FieldMask(paths=mask),
        version=changes.pop("version", 0),
        actor=changes.pop("actor", ""),
    )
    request.fields.MergeFrom(pb.CampaignFields(**changes))
    return request


def an_opening(campaign: types_pb2.Campaign, member: str) -> pb.OpenTeamRequest:
    """Ask for a team of a member."""
    return pb.OpenTeamRequest(request_id=f"open-{member}", campaign_id=campaign.campaign_id, member_id=member)


async def test_no_update_makes_a_campaign_that_no_record_of_kafka_could_carry(api: Api, formation: Formation) -> None:
    campaign = (await api.call("CreateCampaign", a_request())).campaign
    shown = types_pb2.Presentation(seller="Fruit Shop", time_zone="UTC")
    for at in range(50):
        text = shown.texts.add(language=f"en-x{at}", title="Mangoes", terms="\N{MANGO}" * 4000)
        assert len(text.terms.encode()) == 16_000
    request = an_update(campaign, "u1", "presentation", presentation=shown)
    code, reason, fields = await refused(api.call("UpdateCampaign", request))
    assert (code, reason, list(fields)) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT", ["fields"])
    assert "shorter texts" in fields["fields"]
    assert await refused(api.call("UpdateCampaign", request)) == (code, reason, fields), "and again"
    del shown.texts[25:]
    changed = (await api.call("UpdateCampaign", an_update(campaign, "u2", "presentation", presentation=shown))).campaign
    assert len(changed.presentation.texts) == 25
    sizes = await formation.rows(
        "SELECT octet_length(payload) FROM outbox WHERE aggregatetype = 'groupbuy.campaign.v1'"
    )
    assert max(size for (size,) in sizes) < LARGEST_BYTES + 1000


async def test_a_mask_says_what_changes_and_nothing_else_does(api: Api, formation: Formation) -> None:
    before = (await api.call("CreateCampaign", a_request())).campaign
    request = an_update(before, "u1", "external_ref", "rules", external_ref="sale-7", rules=before.rules, actor="ana")
    request.fields.rules.maximum = 9
    request.fields.merchant_id = "not named, so not read"
    after = (await api.call("UpdateCampaign", request)).campaign
    assert (after.external_ref, after.rules.maximum, after.merchant_id) == ("sale-7", 9, "merchant-7")
    assert (after.version, after.terms_version) == (before.version + 1, before.terms_version + 1)
    assert after.price_table.rows == before.price_table.rows, "prices did not change"
    assert await api.call(
        "GetCampaign", pb.GetCampaignRequest(campaign_id=before.campaign_id)
    ) == pb.GetCampaignResponse(campaign=after)
    [change] = (
        await api.call("ListCampaignChanges", pb.ListCampaignChangesRequest(campaign_id=before.campaign_id))
    ).changes
    assert (list(change.fields), change.actor, change.request_id) == (["external_ref", "rules"], "ana", "u1")


@pytest.mark.parametrize(
    ("mask", "field"),
    [((), "update_mask"), (("price",), "update_mask"), (("ends_at",), "ends_at"), (("items",), "fields.items")],
)
async def test_what_cannot_be_changed_like_this_is_named(api: Api, mask: tuple[str, ...], field: str) -> None:
    campaign = (await api.call("CreateCampaign", a_request())).campaign
    code, reason, fields = await refused(api.call("UpdateCampaign", an_update(campaign, "u1", *mask)))
    assert (code, reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT")
    assert field in fields


async def test_a_ladder_is_compiled_anew_for_teams_opened_later(api: Api) -> None:
    campaign = (await api.call("CreateCampaign", a_request())).campaign
    tiers = [ladder_pb2.Tier(threshold=2, discounts=[ladder_pb2.Discount(amount_off=1000)])]
    ladder = ladder_pb2.Ladder(basis=ladder_pb2.BASIS_TEAM_MEMBERS, tiers=tiers)
    early = await api.call("OpenTeam", an_opening(campaign, "mei"))
    changed = (await api.call("UpdateCampaign", an_update(campaign, "u1", "ladder", ladder=ladder))).campaign
    late = await api.call("OpenTeam", an_opening(campaign, "tom"))
    tables = [
        (await api.call("GetTeam", pb.GetTeamRequest(team_id=answer.team.team_id))).price_table
        for answer in (early, late)
    ]
    assert tables == [campaign.price_table, changed.price_table]
    assert [step.unit_price for step in changed.price_table.rows[0].steps] == [3990, 2990]


async def test_what_was_refused_is_refused_again_whatever_has_changed(api: Api) -> None:
    """Each refusal is stored for its request id: a broken promise, a version that is not so, a ladder that is none."""
    campaign = (await api.call("CreateCampaign", a_request())).campaign
    wrong = ladder_pb2.Ladder(basis=ladder_pb2.BASIS_TEAM_MEMBERS, tiers=[ladder_pb2.Tier(threshold=2)] * 2)
    calls = {
        "PROMISE_BROKEN": an_update(campaign, "u1", "merchant_id", merchant_id="another"),
        "VERSION_MISMATCH": an_update(campaign, "u2", "external_ref", external_ref="x", version=campaign.version + 1),
        "LADDER_INVALID": an_update(campaign, "u3", "ladder", ladder=wrong),
    }
    said = {}
    for reason, request in calls.items():
        said[reason] = await refused(api.call("UpdateCampaign", request))
        assert said[reason][1] == reason
    await api.call("CancelCampaign", pb.CancelCampaignRequest(request_id="c", campaign_id=campaign.campaign_id))
    for reason, request in calls.items():
        assert await refused(api.call("UpdateCampaign", request)) == said[reason]
        request.actor = "ana"
        assert (await refused(api.call("UpdateCampaign", request)))[1] == "REQUEST_ID_REUSED"


async def test_the_same_update_many_times_at_once_is_one_change(api: Api, formation: Formation) -> None:
    campaign = (await api.call("CreateCampaign", a_request())).campaign
    request = an_update(campaign, "u1", "external_ref", external_ref="sale-7", version=campaign.version)
    answers = await asyncio.gather(*(api.call("UpdateCampaign", request) for _ in range(8)))
    assert all(answer == answers[0] for answer in answers)
    assert answers[0].campaign.version == campaign.version + 1
    assert await formation.rows("SELECT version, action FROM campaign_changes") == [(2, "UPDATE")]


async def test_an_update_that_is_decided_at_the_last_try_is_answered(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = (await api.call("CreateCampaign", a_request())).campaign
    change, raced = CampaignHandler.change, [TRIES - 1]

    async def races(self: CampaignHandler, *given: Any, **named: Any) -> Any:
        raced[0] -= 1
        if raced[0] >= 0:
            raise Raced("another update was first")
        return await change(self, *given, **named)

    monkeypatch.setattr(CampaignHandler, "change", races)
    request = an_update(campaign, "u1", "external_ref", external_ref="sale-7")
    assert (await api.call("UpdateCampaign", request)).campaign.external_ref == "sale-7"
    raced[0] = TRIES
    with pytest.raises(grpc.aio.AioRpcError) as away:
        await api.call("UpdateCampaign", an_update(campaign, "u2", "external_ref", external_ref="sale-8"))
    assert away.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_draft_is_published_once(api: Api) -> None:
    draft = (await api.call("CreateCampaign", a_request(draft=True))).campaign
    assert draft.state == types_pb2.CAMPAIGN_STATE_DRAFT
    assert (await refused(api.call("OpenTeam", an_opening(draft, "mei"))))[1] == "CAMPAIGN_DRAFT"
    changed = await api.call("UpdateCampaign", an_update(draft, "u1", "merchant_id", merchant_id="another"))
    assert changed.campaign.merchant_id == "another", "nobody was promised anything"
    request = pb.PublishCampaignRequest(request_id="p1", campaign_id=draft.campaign_id, actor="ana")
    published = await api.call("PublishCampaign", request)
    assert (published.campaign.state, published.campaign.version) == (types_pb2.CAMPAIGN_STATE_RUNNING, 3)
    assert await api.call("PublishCampaign", request) == published
    request.request_id = "p2"
    assert (await refused(api.call("PublishCampaign", request)))[:2] == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "CAMPAIGN_STATE",
    )
    assert (await api.call("OpenTeam", an_opening(draft, "tom"))).team.state == types_pb2.TEAM_STATE_FORMING


async def test_a_campaign_that_is_none_cannot_be_changed(api: Api) -> None:
    for method, request in (
        ("UpdateCampaign", pb.UpdateCampaignRequest(request_id="u", campaign_id="camp_x")),
        ("PublishCampaign", pb.PublishCampaignRequest(request_id="p", campaign_id="camp_x")),
    ):
        assert (await refused(api.call(method, request)))[:2] == (grpc.StatusCode.NOT_FOUND, "CAMPAIGN_UNKNOWN")


@pytest.mark.parametrize("needed", [False, True])
async def test_a_team_is_found_by_the_rule_it_opened_with(api: Api, *, needed: bool) -> None:
    request = a_request(rules__visibility=types_pb2.VISIBILITY_LISTED)
    request.rules.who_may_join.match_key_needed = needed
    campaign = (await api.call("CreateCampaign", request)).campaign
    opening = an_opening(campaign, "mei")
    opening.asserted.match_key = "gate-5"
    opened = await api.call("OpenTeam", opening)
    campaign.rules.who_may_join.match_key_needed = not needed
    await api.call("UpdateCampaign", an_update(campaign, "u1", "rules", rules=campaign.rules))
    asked = pb.FindTeamRequest(campaign_id=campaign.campaign_id, member_id="kim", match_key="gate-5")
    assert (await api.call("FindTeam", asked)).team.team_id == opened.team.team_id
    asked.match_key = "gate-6" if needed else ""
    found = api.call("FindTeam", asked)
    if needed:
        assert (await refused(found))[1] == "NO_TEAM_FOUND"
    else:
        assert (await found).team.team_id == opened.team.team_id


async def test_places_are_not_filled_where_the_whole_campaign_fills_the_ladder(api: Api) -> None:
    request = a_request()
    request.rules.payment_mode = types_pb2.PAYMENT_MODE_COMMIT
    request.rules.on_full = types_pb2.ON_FULL_WAITLIST
    request.rules.payment_terms.on_unpaid = types_pb2.ON_UNPAID_FILL_FROM_WAITLIST
    created = (await api.call("CreateCampaign", request)).campaign
    assert created.rules.payment_terms.on_unpaid == types_pb2.ON_UNPAID_FILL_FROM_WAITLIST
    ladder = ladder_pb2.Ladder()
    ladder.CopyFrom(request.ladder)
    ladder.basis = ladder_pb2.BASIS_CAMPAIGN_UNITS
    code, _, fields = await refused(api.call("UpdateCampaign", an_update(created, "u1", "ladder", ladder=ladder)))
    assert (code, list(fields)) == (grpc.StatusCode.INVALID_ARGUMENT, ["fields.rules.payment_terms.on_unpaid"])
    request.request_id, request.ladder.basis = "other", ladder_pb2.BASIS_CAMPAIGN_UNITS
    _, _, fields = await refused(api.call("CreateCampaign", request))
    assert "choose KEEP_PRICE" in fields["rules.payment_terms.on_unpaid"]
