"""Campaigns: creating, reading, changing, and what a live host does."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb

from services.chassis import ids, limits
from services.chassis.errors import Raced, Rejected
from services.chassis.requests import NO_CAMPAIGN, RequestKey
from services.chassis.server import caller
from services.team_formation import domain, store, translate
from services.team_formation.domain import CampaignCommand
from services.team_formation.handlers.campaigns import TRIES, Response
from services.team_formation.rpc import fields
from services.team_formation.rpc.base import Context, Rpcs
from services.team_formation.rpc.campaign_fields import (
    campaign_wanted,
    directed,
    fields_wanted,
    prices_change,
)


class CampaignRpcs(Rpcs):
    """Answers about campaigns."""

    async def CreateCampaign(self, request: pb.CreateCampaignRequest, _context: Context) -> Any:  # noqa: N802
        """Create a campaign."""
        platform_id = caller()
        key = fields.request_key("CreateCampaign", platform_id, NO_CAMPAIGN, request)
        answer = await self._desk.campaigns.decided(key)
        if answer is None:
            now = self._desk.clock.now(platform_id)
            campaign = campaign_wanted(request, platform_id, ids.new_id(), now)
            most = limits.allowed("campaigns")
            answer = await self._desk.campaigns.create(key, campaign, request.ladder, most)
        return _given(answer)

    async def GetCampaign(self, request: pb.GetCampaignRequest, _context: Context) -> pb.GetCampaignResponse:  # noqa: N802
        """Read a campaign, with what is left of its stock."""
        campaign = await self._campaign(fields.campaign_of(request.campaign_id))
        async with self._desk.database.read() as connection:
            rows = await (await store.list_stock(connection, caller(), [campaign.campaign_id])).all()
            source = campaign.presentation.image_url
            image = await store.images.find_standing(connection, caller(), source) if source else None
        stock = {sku: level for _, sku, level in rows}
        return pb.GetCampaignResponse(
            campaign=translate.campaign(campaign, self._desk.clock.now(caller()), stock),
            image=translate.image(image) if image else None,
        )

    async def UpdateCampaign(self, request: pb.UpdateCampaignRequest, _context: Context) -> Any:  # noqa: N802
        """Change fields of a campaign; the ladder is compiled anew where prices change."""
        key = self._key("UpdateCampaign", request)
        answer = await self._desk.campaigns.decided(key)
        if answer is not None:
            return _given(answer)
        for _ in range(TRIES):
            try:
                return _given(await self._update(key, request))
            except Raced:
                continue
        raise Raced("the campaign changes too often")

    async def _update(self, key: RequestKey, request: pb.UpdateCampaignRequest) -> bytes | Rejected:
        campaigns = self._desk.campaigns
        current = await campaigns.current(key.platform_id, key.campaign_id)
        now = self._desk.clock.now(key.platform_id)
        wanted, names = fields_wanted(request, current, now)
        if prices_change(names):
            version = current.terms.version + 1
            wanted = replace(wanted, terms=replace(wanted.terms, version=version))
            ladder = request.fields.ladder if "ladder" in names else translate.ladder_of(current)
            compiled = await campaigns.compile(wanted, ladder)
            if isinstance(compiled, Rejected):
                return await campaigns.keep(key, compiled)
            wanted = compiled
        command = domain.Update(wanted, names, request.version)
        return await campaigns.change(
            key, command, request.actor, _in(pb.UpdateCampaignResponse), version=current.version
        )

    async def PublishCampaign(self, request: pb.PublishCampaignRequest, _context: Context) -> Any:  # noqa: N802
        """Publish a draft."""
        return await self._change("PublishCampaign", request, domain.Publish(), pb.PublishCampaignResponse)

    async def PauseCampaign(self, request: pb.PauseCampaignRequest, _context: Context) -> Any:  # noqa: N802
        """Stop a campaign for a while."""
        return await self._change("PauseCampaign", request, domain.Pause(), pb.PauseCampaignResponse)

    async def ResumeCampaign(self, request: pb.ResumeCampaignRequest, _context: Context) -> Any:  # noqa: N802
        """Let a campaign go on."""
        return await self._change("ResumeCampaign", request, domain.Resume(), pb.ResumeCampaignResponse)

    async def CancelCampaign(self, request: pb.CancelCampaignRequest, _context: Context) -> Any:  # noqa: N802
        """Give a campaign up."""
        fields.refuse(fields.check_words("reason", request.reason, fields.LONGEST_REASON))
        command = domain.GiveUp(request.formed_too, request.reason)
        return await self._change("CancelCampaign", request, command, pb.CancelCampaignResponse)

    async def DirectCampaign(self, request: pb.DirectCampaignRequest, _context: Context) -> Any:  # noqa: N802
        """Do what a live host asks."""
        return await self._change("DirectCampaign", request, directed(request), pb.DirectCampaignResponse)

    async def _change(self, rpc: str, request: Any, command: CampaignCommand, response: type) -> bytes:
        fields.refuse(domain.check_reference("actor", request.actor))
        key = self._key(rpc, request)
        return _given(await self._desk.campaigns.change(key, command, request.actor, _in(response)))

    def _key(self, rpc: str, request: Any) -> RequestKey:
        campaign_id: UUID = fields.campaign_of(request.campaign_id)
        return fields.request_key(rpc, caller(), campaign_id, request)


def _in(response: Any) -> Response:
    return lambda campaign: response(campaign=campaign)


def _given(answer: bytes | Rejected) -> bytes:
    if isinstance(answer, Rejected):
        raise answer
    return answer
