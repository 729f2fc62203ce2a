"""GetQuote: what a campaign or one of its teams offers is promised to one member and signed; nothing is reserved."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from groupbuy.pricing.v1 import quotes_pb2

from services.chassis import ids, requests
from services.chassis.clock import Clock
from services.chassis.database import Connection, Database
from services.chassis.errors import Rejected
from services.chassis.requests import Decided, RequestKey
from services.chassis.signing import KeyRing
from services.pricing import domain, store, translate
from services.pricing.domain import CampaignState, Role
from services.pricing.handlers.tables import Tables

_CLOSED = {
    CampaignState.DRAFT: "the campaign is a draft; publish it first",
    CampaignState.PAUSED: "the campaign is paused; ask again when it runs",
    CampaignState.CANCELLED: "the campaign was cancelled",
}
_UNKNOWN = "pricing does not know the campaign; one that was just created is known within seconds, so ask again then"
_NO_KEY = "no key signs quotes here; have the operator set GROUPBUY_QUOTE_KEYS for pricing"


@dataclass(frozen=True, slots=True)
class GetQuote:
    """A checked request; without a team the member opens one. An empty SKU means the only item."""

    key: RequestKey
    team_id: UUID | None
    member_id: str
    sku: str
    quantity: int
    coupon: domain.Coupon | None
    code: str
    lifetime: timedelta


@dataclass(frozen=True, slots=True)
class _Basis:
    """What a promise is made from."""

    offer: domain.Offer
    table: domain.PriceTable
    confirmed: int
    tally_seq: int


class QuoteWriter:
    """Gives quotes; the answer to a request id is kept, so that a repeated call gets the same quote."""

    def __init__(self, database: Database, clock: Clock, tables: Tables, keys: KeyRing | None) -> None:
        self._database = database
        self._clock = clock
        self._tables = tables
        self._keys = keys

    @property
    def public_keys(self) -> quotes_pb2.ListQuoteKeysResponse:
        """The keys that check quotes; none where none signs."""
        return translate.quote_keys(self._keys)

    async def give(self, wanted: GetQuote) -> bytes | Rejected:
        """Give a quote as a response message in bytes, or say why not; Raced where somebody else decides the id."""
        if self._keys is None:
            return Rejected("QUOTE_UNAVAILABLE", {"why": _NO_KEY})
        async with self._database.work() as work:
            known = await requests.find(work.connection, wanted.key)
            if known is not None:
                return known
            answer = await self._decide(work.connection, wanted, self._keys)
            await requests.store(work.connection, [[Decided(wanted.key, answer)]])
        return answer

    async def _decide(self, connection: Connection, wanted: GetQuote, keys: KeyRing) -> bytes | Rejected:
        found = await self._find(connection, wanted)
        if isinstance(found, Rejected):
            return found
        skus = list(dict.fromkeys(row.sku for row in found.table.rows))
        sku = skus[0] if not wanted.sku and len(skus) == 1 else wanted.sku
        if sku not in skus:
            return Rejected("ITEM_UNKNOWN", {"sku": sku, "skus": ", ".join(skus)})
        role = Role.MEMBER if wanted.team_id else Role.LEADER
        order = found.offer.coupon_order
        promise = domain.promise(found.table, sku, role, wanted.quantity, found.confirmed, wanted.coupon, order)
        now = self._clock.now(wanted.key.platform_id)
        given = domain.Quote(
            ids.new_id(),
            wanted.key.platform_id,
            wanted.key.campaign_id,
            wanted.team_id,
            wanted.member_id,
            sku,
            wanted.quantity,
            promise,
            found.table.currency,
            found.table.ladder_version,
            found.tally_seq,
            wanted.coupon,
            wanted.code,
            order,
            issued_at=now,
            expires_at=min(now + wanted.lifetime, found.offer.ends_at),
        )
        return translate.signed_quote(translate.quote(given), keys).SerializeToString()

    async def _find(self, connection: Connection, wanted: GetQuote) -> _Basis | Rejected:
        platform_id, campaign_id = wanted.key.platform_id, wanted.key.campaign_id
        offer = await store.find_offer(connection, platform_id, campaign_id)
        if offer is None:
            return Rejected("QUOTE_UNAVAILABLE", {"why": _UNKNOWN})
        if why := _closed(offer, self._clock, platform_id):
            return Rejected("QUOTE_UNAVAILABLE", {"why": why})
        team = None
        if wanted.team_id:
            team = await store.find_team(connection, platform_id, campaign_id, wanted.team_id)
            if team is None:
                return Rejected("TEAM_UNKNOWN")
            if not team.state.is_open:
                return Rejected("QUOTE_UNAVAILABLE", {"why": "the team has ended; ask for one without team_id"})
        key = (platform_id, campaign_id, team.ladder_version if team else offer.ladder_version)
        table = (await self._tables.find(connection, [key]))[key]
        if table.basis.is_of_campaign:
            tally = await store.find_tally(connection, platform_id, campaign_id)
            return _Basis(offer, table, tally.fill if tally else 0, tally.seq if tally else 0)
        return _Basis(offer, table, team.fill if team else 0, 0)


def _closed(offer: domain.Offer, clock: Clock, platform_id: UUID) -> str | None:
    """Say why nobody can join a campaign for good or for now; whether it has begun does not matter to a quote."""
    if offer.state in _CLOSED:
        return _CLOSED[offer.state]
    return "the campaign has ended" if clock.now(platform_id) >= offer.ends_at else None
