"""Creates campaigns: pricing compiles the ladder, then one transaction stores and tells."""

from dataclasses import replace

from groupbuy.pricing.v1 import ladder_pb2, pricing_internal_pb2, pricing_internal_pb2_grpc
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb

from services.chassis import ids, messages, requests
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.errors import Rejected, invalid
from services.chassis.requests import Decided, RequestKey
from services.chassis.status import rejected_by
from services.chassis.work import Work
from services.team_formation import domain, store, translate
from services.team_formation.domain import Campaign

COMPILE_SECONDS = 5.0
LARGEST_BYTES = 512 * 1024
"""Its events, and each team's first, carry all of it; Kafka takes no record above 1 MiB."""


class CampaignHandler:
    """What platforms ask about campaigns."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        pricing: "pricing_internal_pb2_grpc.PricingInternalAsyncStub",
        service_key: str,
    ) -> None:
        self._database = database
        self._clock = clock
        self._pricing = pricing
        self._metadata = (("authorization", f"Bearer {service_key}"),)

    async def decided(self, key: RequestKey) -> bytes | Rejected | None:
        """Give what was decided for a request before; what is true of its times now may have been false then."""
        async with self._database.read() as connection:
            return await requests.find(connection, key)

    async def create(self, key: RequestKey, campaign: Campaign, ladder: ladder_pb2.Ladder) -> bytes:
        """Create a campaign whose price table is still empty.

        Rejected LADDER_INVALID or, too large for an event, INVALID_ARGUMENT; Unavailable without pricing.
        """
        answer = await self._compile(campaign, ladder)
        async with self._database.work() as work:
            known = await requests.claim(work.connection, [key], self._clock.now())
            if key in known:
                answer = known[key]
            else:
                if isinstance(answer, Campaign):
                    await self._save(work, answer)
                answer = _written(answer)
                await requests.store_claimed(work.connection, [Decided(key, answer, campaign.campaign_id)])
        if isinstance(answer, Rejected):
            raise answer
        return answer

    async def _compile(self, campaign: Campaign, ladder: ladder_pb2.Ladder) -> "Campaign | bytes | Rejected":
        prices = [ladder_pb2.ListPrice(sku=item.sku, unit_price=item.list_price) for item in campaign.terms.items]
        request = pricing_internal_pb2.CompileLadderRequest(
            platform_id=ids.opaque(translate.PLATFORM, campaign.platform_id),
            currency=campaign.currency,
            list_prices=prices,
            ladder=ladder,
            ladder_version=campaign.terms.version,
        )
        response = await rejected_by(
            self._pricing.CompileLadder(request, metadata=self._metadata, timeout=COMPILE_SECONDS)
        )
        if isinstance(response, Rejected):
            return response
        table = translate.read_price_table(response.price_table)
        compiled = replace(campaign, terms=replace(campaign.terms, price_table=table))
        return _too_large(compiled) or compiled

    async def _save(self, work: Work, campaign: Campaign) -> None:
        now = self._clock.now(campaign.platform_id)
        await store.insert_campaign(work.connection, campaign, now)
        event = translate.campaign_event(campaign, now)
        work.tell(messages.message(translate.CAMPAIGN_TOPIC, event.campaign_id, event))


def _too_large(campaign: Campaign) -> Rejected | None:
    size = translate.campaign(campaign).ByteSize()
    if size <= LARGEST_BYTES:
        return None
    what = f"the campaign with its price table has {size} bytes, more than {LARGEST_BYTES}"
    return invalid("ladder", f"{what}; take fewer items or tiers, or shorter texts")


def _written(answer: "Campaign | bytes | Rejected") -> bytes | Rejected:
    if isinstance(answer, domain.Campaign):
        return pb.CreateCampaignResponse(campaign=translate.campaign(answer)).SerializeToString()
    return answer
