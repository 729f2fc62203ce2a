"""Creates and changes campaigns: pricing compiles the ladder, then one transaction stores and tells."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from google.protobuf.message import Message
from groupbuy.pricing.v1 import ladder_pb2, pricing_internal_pb2, pricing_internal_pb2_grpc
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb
from groupbuy.team_formation.v1 import types_pb2
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis import audit, erased, ids, requests
from services.chassis.audit import Change
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.errors import Raced, Rejected, invalid
from services.chassis.reasons import named
from services.chassis.requests import Decided, RequestKey
from services.chassis.status import rejected_by
from services.chassis.work import Work
from services.team_formation import domain, store, translate
from services.team_formation.catalogue import Catalogue
from services.team_formation.domain import Action, Campaign, CampaignCommand, CampaignDecision, Level, Refusal
from services.team_formation.images.noting import note_changed, note_created
from services.team_formation.store import merchants

COMPILE_SECONDS = 5.0
TRIES = 5
LARGEST_BYTES = 512 * 1024
"""Its events, and each team's first, carry all of it; Kafka takes no record above 1 MiB."""

Response: TypeAlias = Callable[[types_pb2.Campaign], Message]
"""Makes the response that a campaign after a change goes into."""


class CampaignHandler:
    """What platforms ask about campaigns."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        catalogue: Catalogue,
        pricing: "pricing_internal_pb2_grpc.PricingInternalAsyncStub",
        service_key: str,
    ) -> None:
        self._database = database
        self._clock = clock
        self._catalogue = catalogue
        self._pricing = pricing
        self._metadata = (("authorization", f"Bearer {service_key}"),)

    async def decided(self, key: RequestKey) -> bytes | Rejected | None:
        """Give what was decided for a request before; what is true of its times now may have been false then."""
        async with self._database.read() as connection:
            return await requests.find(connection, key)

    async def create(
        self, key: RequestKey, campaign: Campaign, ladder: ladder_pb2.Ladder, most: int | None = None
    ) -> bytes | Rejected:
        """Create a campaign whose price table is still empty; `most` of the platform may be there that are not over.

        Rejected LADDER_INVALID or, too large for an event, INVALID_ARGUMENT; Unavailable without pricing. Raises
        Rejected QUOTA_EXHAUSTED, which is not stored.
        """
        compiled = await self.compile(campaign, ladder)
        if isinstance(compiled, Campaign):
            compiled = _too_large(compiled, self._clock.now(campaign.platform_id), "ladder") or compiled
        for _ in range(TRIES):
            try:
                return await self._create(key, campaign, compiled, most)
            except Raced:
                continue
        raise Raced("another process decides the same request")

    async def count(self, platform_id: UUID) -> int:
        """Count a platform's campaigns that are not over."""
        async with self._database.read() as connection:
            return await store.count_campaigns(connection, platform_id, self._clock.now(platform_id))

    async def _create(
        self, key: RequestKey, campaign: Campaign, compiled: Campaign | Rejected, most: int | None
    ) -> bytes | Rejected:
        async with self._database.work() as work:
            # one lock, the stronger where campaigns are counted: two who share it could not both have more
            keep = merchants.keep_platform if most is None else store.lock_count
            await keep(work.connection, campaign.platform_id)
            known = await requests.find(work.connection, key)
            if known is not None:
                return known
            now = self._clock.now(campaign.platform_id)
            answer: bytes | Rejected
            if isinstance(compiled, Rejected):
                answer = compiled
            elif refusal := await _merchant_refusal(work.connection, campaign):
                answer = refusal
            else:
                if most is not None:
                    await _check_room(work.connection, campaign.platform_id, most, now)
                await store.insert_campaign(work.connection, compiled, now)
                stock = {item.sku: item.stock for item in compiled.terms.items if item.stock is not None}
                if stock:
                    await store.offer_stock(work.connection, campaign.platform_id, campaign.campaign_id, stock)
                await note_created(work, compiled, self._clock.now())
                await self._audit(work, key, None, compiled, {"merchant_id": compiled.merchant_id})
                work.tell(translate.campaign_created(compiled, now))
                levels = {sku: Level(units, 0) for sku, units in stock.items()}
                written = translate.campaign(compiled, now, levels)
                answer = pb.CreateCampaignResponse(campaign=written).SerializeToString()
            await requests.store(work.connection, [[Decided(key, answer, campaign.campaign_id)]])
        return answer

    async def _audit(
        self, work: Work, key: RequestKey, before: Campaign | None, after: Campaign, said: Mapping[str, object]
    ) -> None:
        """Note which key did it: what was done stands in the campaign's changes, by version."""
        now = self._clock.now(after.platform_id)
        change = Change(
            after.platform_id,
            key.rpc,
            f"campaign {translate.campaign_id(after.campaign_id)}",
            {"version": before.version, "state": str(before.state(now))} if before else None,
            {"version": after.version, "state": str(after.state(now)), **said},
            key.request_id,
        )
        await audit.note(work.connection, self._clock.now(), change)

    async def compile(self, campaign: Campaign, ladder: ladder_pb2.Ladder) -> Campaign | Rejected:
        """Have pricing make the price table of a campaign's items and a ladder."""
        items = campaign.terms.items
        request = pricing_internal_pb2.CompileLadderRequest(
            platform_id=ids.opaque(translate.PLATFORM, campaign.platform_id),
            currency=campaign.currency,
            list_prices=map(translate.list_price, items),
            ladder=ladder,
            ladder_version=campaign.terms.version,
            references=[translate.reference(item.reference) for item in items if item.reference],
        )
        response = await rejected_by(
            self._pricing.CompileLadder(request, metadata=self._metadata, timeout=COMPILE_SECONDS)
        )
        if isinstance(response, Rejected):
            return response
        table = translate.read_price_table(response.price_table)
        return replace(campaign, terms=replace(campaign.terms, price_table=table))

    async def current(self, platform_id: UUID, campaign_id: UUID) -> Campaign:
        """Find a campaign as it is now; Rejected CAMPAIGN_UNKNOWN."""
        async with self._database.read() as connection:
            campaign = await self._catalogue.current(connection, platform_id, campaign_id)
        if campaign is None:
            raise Rejected("CAMPAIGN_UNKNOWN")
        return campaign

    async def change(
        self, key: RequestKey, command: CampaignCommand, actor: str, response: Response, *, version: int = 0
    ) -> bytes | Rejected:
        """Change a campaign; with `version`, Raced where it has another one by now: the command was made for that."""
        for _ in range(TRIES):
            try:
                return await self._change(key, command, actor, response, version)
            except Raced:
                if version:
                    raise
        raise Raced("another process decides the same request")

    async def keep(self, key: RequestKey, answer: bytes | Rejected) -> bytes | Rejected:
        """Store an answer for a request, and give it, or what was decided before; Raced where that is being stored."""
        async with self._database.work() as work:
            return await requests.keep(work.connection, Decided(key, answer, key.campaign_id))

    async def _change(
        self, key: RequestKey, command: CampaignCommand, actor: str, response: Response, version: int
    ) -> bytes | Rejected:
        async with self._database.work() as work:
            connection = work.connection
            is_offer = isinstance(command, domain.Publish | domain.Resume)
            if is_offer:
                await merchants.keep_platform(connection, key.platform_id)
            locked = await store.lock_campaign(connection, key.platform_id, key.campaign_id)
            stock = dict(await (await store.lock_stock(connection, [(key.platform_id, key.campaign_id)])).one())
            known = await requests.find(connection, key)
            if known is not None:
                return known
            if locked is None:
                return Rejected("CAMPAIGN_UNKNOWN")
            await erased.refuse(connection, key.platform_id, {actor} - {""})
            if version and locked != version:
                raise Raced("the campaign has changed meanwhile")
            campaign = await self._catalogue.at(connection, key.platform_id, key.campaign_id, locked)
            if campaign is None:
                return Rejected("CAMPAIGN_UNKNOWN")
            refusal = await _merchant_refusal(connection, campaign) if is_offer else None
            answer = refusal or await self._decide(work, campaign, stock, command, actor, key, response)
            await requests.store(connection, [[Decided(key, answer, key.campaign_id)]])
        return answer

    async def _decide(
        self,
        work: Work,
        campaign: Campaign,
        stock: dict[str, Level],
        command: CampaignCommand,
        actor: str,
        key: RequestKey,
        response: Response,
    ) -> bytes | Rejected:
        now = self._clock.now(campaign.platform_id)
        if isinstance(command, domain.Update):
            command = await _informed(work.connection, campaign, stock, command)
        decision = domain.change_campaign(campaign, stock, command, now)
        if isinstance(decision, Refusal):
            return Rejected(named(decision.reason), decision.metadata)
        connection, after = work.connection, decision.campaign
        # all else adds a few bytes, for which there is room: a campaign can always be paused or cancelled
        if decision.action is Action.UPDATE and (too_large := _too_large(after, now, "fields")):
            return too_large
        await store.update_campaign(connection, after, sweeps=decision.sweeps)
        if after.terms.version != campaign.terms.version:
            await store.insert_terms(connection, after)
        if decision.offered:
            await store.offer_stock(connection, after.platform_id, after.campaign_id, decision.offered)
        await store.insert_change(connection, decision, actor, key.request_id, now)
        await note_changed(work, campaign, decision, self._clock.now())
        said = {"action": str(decision.action), "fields": list(decision.fields)}
        await self._audit(work, key, campaign, after, said)
        work.tell(translate.campaign_changed(decision, actor, now))
        levels = dict(sorted((stock | _offered(decision, stock)).items()))
        return response(translate.campaign(after, now, levels)).SerializeToString()


async def _merchant_refusal(connection: AsyncConnection[TupleRow], campaign: Campaign) -> Rejected | None:
    """Refuse what would put an offer of a suspended merchant up; the platform is kept."""
    reason = await merchants.find_suspension(connection, campaign.platform_id, campaign.merchant_id)
    return Rejected("MERCHANT_SUSPENDED", {"suspension_reason": reason}) if reason else None


async def _informed(
    connection: AsyncConnection[TupleRow], campaign: Campaign, stock: dict[str, Level], command: domain.Update
) -> domain.Update:
    """Tell an update that gives items stock which of them are sold without; the campaign is locked."""
    skus = domain.newly_stocked(command.wanted.terms, stock) if "items" in command.fields else []
    if not skus:
        return command
    found = await store.find_unlimited(connection, campaign.platform_id, campaign.campaign_id, skus)
    return replace(command, unlimited=found)


def _offered(decision: CampaignDecision, stock: dict[str, Level]) -> dict[str, Level]:
    none = Level(0, 0)
    return {sku: Level(units, stock.get(sku, none).taken) for sku, units in decision.offered.items()}


async def _check_room(connection: AsyncConnection[TupleRow], platform_id: UUID, most: int, now: datetime) -> None:
    """Raise QUOTA_EXHAUSTED where a platform, whose campaigns nobody else can create now, has no room for one."""
    if await store.count_campaigns(connection, platform_id, now) >= most:
        what = "campaigns that are not over; one that ends or is cancelled makes room"
        raise Rejected("QUOTA_EXHAUSTED", {"limit": "campaigns", "allowed": most, "what": what})


def _too_large(campaign: Campaign, now: datetime, field: str) -> Rejected | None:
    size = translate.campaign(campaign, now).ByteSize()
    if size <= LARGEST_BYTES:
        return None
    what = f"the campaign with its price table has {size} bytes, more than {LARGEST_BYTES}"
    return invalid(field, f"{what}; take fewer items or tiers, or shorter texts")
