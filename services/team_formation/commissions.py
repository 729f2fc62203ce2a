"""What promoters earn, as pricing settled it: asked by the page that shows it, and kept by nobody here."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

import grpc
from groupbuy.pricing.v1 import pricing_internal_pb2, pricing_internal_pb2_grpc

from services.chassis import ids, logs
from services.team_formation import translate

_CALL_SECONDS = 2.0

log = logs.logger(__name__)

Stub: TypeAlias = "pricing_internal_pb2_grpc.PricingInternalAsyncStub"


@dataclass(frozen=True, slots=True)
class Commission:
    """What a promoter earns in a campaign; minor units, zero or above."""

    earned: int = 0
    taken_back: int = 0
    """Of what was earned, with places that were given back or not paid."""

    @property
    def balance(self) -> int:
        """What is left of it."""
        return self.earned - self.taken_back


AskCommissions: TypeAlias = Callable[[UUID, str, Sequence[UUID]], Awaitable[Mapping[UUID, Commission] | None]]
"""Platform, promoter, campaigns; None where pricing does not answer."""


class Commissions:
    """Asks pricing."""

    def __init__(self, pricing: Stub, service_key: str) -> None:
        self._pricing = pricing
        self._metadata = (("authorization", f"Bearer {service_key}"),)

    async def of(
        self, platform_id: UUID, promoter_id: str, campaigns: Sequence[UUID]
    ) -> Mapping[UUID, Commission] | None:
        """Give what a promoter earns in campaigns, nothing where nothing was settled; None where pricing is away."""
        if not campaigns:
            return {}
        request = pricing_internal_pb2.SumCommissionsRequest(
            platform_id=ids.opaque(translate.PLATFORM, platform_id),
            promoter_id=promoter_id,
            campaign_ids=map(translate.campaign_id, campaigns),
        )
        try:
            found = await self._pricing.SumCommissions(request, metadata=self._metadata, timeout=_CALL_SECONDS)
        except grpc.aio.AioRpcError as error:
            log.warning("commissions were not read", why=error.details())
            return None
        sums = {one.campaign_id: Commission(one.earned, one.taken_back) for one in found.commissions}
        return {campaign: sums.get(translate.campaign_id(campaign), Commission()) for campaign in campaigns}
