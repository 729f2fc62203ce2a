"""Checks quotes of pricing before a batch: who signed, for whom, until when. The public keys are remembered.

What is no good comes back as a refusal that the batch gives where the join is decided, so that a call that was answered
gets the same answer again, however long ago its quote has run out.
"""

import asyncio
from contextlib import suppress
from datetime import UTC
from time import monotonic
from typing import TypeAlias
from uuid import UUID

import grpc
from google.protobuf.message import DecodeError
from groupbuy.pricing.v1 import pricing_internal_pb2, pricing_internal_pb2_grpc, quotes_pb2

from services.chassis import ids
from services.chassis.clock import Clock
from services.chassis.signing import verified
from services.team_formation import domain, translate
from services.team_formation.domain import Join, OwnStep, Quote, Refusal

PURPOSE = "groupbuy.quote.v1"
ASK_SECONDS = 3.0
"""An unknown key has pricing asked at most so often: anybody can name one."""
BELIEVED_SECONDS = 300.0
"""After so long keys are listed again, where pricing answers: one that was taken out is good no more."""
_CALL_SECONDS = 5.0

Stub: TypeAlias = "pricing_internal_pb2_grpc.PricingInternalAsyncStub"


class QuoteReader:
    """Reads and checks signed quotes."""

    def __init__(self, clock: Clock, pricing: Stub, service_key: str) -> None:
        self._clock = clock
        self._pricing = pricing
        self._metadata = (("authorization", f"Bearer {service_key}"),)
        self._keys: dict[str, bytes] = {}
        self._listed_at = self._asked_at = float("-inf")
        self._lock = asyncio.Lock()

    async def read(
        self, signed: bytes, platform_id: UUID, campaign_id: UUID, team_id: UUID | None, join: Join
    ) -> Quote | Refusal:
        """Check a quote against the join that brings it; without a team it opens one. Raises where pricing is away."""
        try:
            envelope = quotes_pb2.SignedQuote.FromString(signed)
        except DecodeError:
            return _invalid("it cannot be read")
        key = await self._key(envelope.key_id)
        if key is None:
            return _invalid("its key is unknown")
        if not verified(key, PURPOSE, envelope.payload, envelope.signature):
            return _invalid("its signature is wrong")
        quote = quotes_pb2.Quote.FromString(envelope.payload)  # what pricing has signed can be read
        if quote.platform_id != ids.opaque(translate.PLATFORM, platform_id):
            return _invalid("it was given to another platform")
        return _mismatch(quote, campaign_id, team_id, join) or self._expired(quote, platform_id) or _promised(quote)

    def _expired(self, quote: quotes_pb2.Quote, platform_id: UUID) -> Refusal | None:
        expires_at = quote.expires_at.ToDatetime(tzinfo=UTC)
        if self._clock.now(platform_id) < expires_at:
            return None
        return Refusal("QUOTE_EXPIRED", {"expires_at": quote.expires_at.ToJsonString()})

    async def _key(self, key_id: str) -> bytes | None:
        async with self._lock:
            now = monotonic()
            if now - self._asked_at > ASK_SECONDS:
                await self._refresh(key_id, now)
            return self._keys.get(key_id)

    async def _refresh(self, key_id: str, now: float) -> None:
        """List the keys where one is unknown; where they are old, but joins do not wait for pricing to come back."""
        if key_id not in self._keys:
            await self._list(now)
        elif now - self._listed_at > BELIEVED_SECONDS:
            self._asked_at = now
            with suppress(grpc.aio.AioRpcError):
                await self._list(now)

    async def _list(self, now: float) -> None:
        call = self._pricing.ListQuoteKeys(
            pricing_internal_pb2.PricingInternalListQuoteKeysRequest(), metadata=self._metadata, timeout=_CALL_SECONDS
        )
        self._keys = {key.key_id: key.public_key for key in (await call).keys}
        self._listed_at = self._asked_at = now


def _mismatch(quote: quotes_pb2.Quote, campaign_id: UUID, team_id: UUID | None, join: Join) -> Refusal | None:
    """Name the first field in which a quote was made for something else."""
    new = "a new team"
    fields = (
        ("campaign_id", quote.campaign_id, translate.campaign_id(campaign_id)),
        ("team_id", quote.team_id or new, translate.team_id(campaign_id, team_id) if team_id else new),
        ("member_id", quote.member_id, join.member_id),
        ("sku", quote.sku, join.sku or quote.sku),
        ("quantity", str(quote.quantity), str(join.quantity)),
    )
    for field, quoted, given in fields:
        if quoted != given:
            return Refusal("QUOTE_MISMATCH", {"field": field, "quoted": quoted, "given": given})
    return None


def _promised(quote: quotes_pb2.Quote) -> Quote:
    steps = tuple(OwnStep(step.threshold, step.unit_price) for step in quote.steps)
    return domain.Quote(UUID(quote.quote_id), quote.cap, quote.ladder_version, steps)


def _invalid(why: str) -> Refusal:
    return Refusal("QUOTE_INVALID", {"why": why})
