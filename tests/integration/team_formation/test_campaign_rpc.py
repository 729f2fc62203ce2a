"""Changing and publishing campaigns over a real gRPC server: what is checked, refused, stored and told."""

from typing import Any

import grpc
from google.protobuf.field_mask_pb2 import FieldMask
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb
from groupbuy.team_formation.v1 import types_pb2

from services.team_formation.handlers.campaigns import LARGEST_BYTES
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
