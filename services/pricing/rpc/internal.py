"""The gRPC service for the other services: compiles a ladder, lists the keys that check quotes, sums up commissions."""

from typing import Any
from uuid import UUID

from groupbuy.pricing.v1 import pricing_internal_pb2, pricing_internal_pb2_grpc

from services.chassis import ids
from services.chassis.database import Database
from services.chassis.errors import FieldViolation, Rejected
from services.chassis.signing import KeyRing
from services.pricing import store, translate
from services.pricing.rpc.ladders import compiled

MOST_CAMPAIGNS = 100
"""Of one call."""


class PricingInternal(pricing_internal_pb2_grpc.PricingInternalServicer):
    """Compiles ladders, lists keys and sums up; stores nothing."""

    def __init__(self, database: Database, quote_keys: KeyRing | None = None) -> None:
        self._database = database
        self._quote_keys = quote_keys

    async def ListQuoteKeys(  # noqa: N802 - the name of the RPC
        self, _request: pricing_internal_pb2.PricingInternalListQuoteKeysRequest, _context: Any
    ) -> pricing_internal_pb2.PricingInternalListQuoteKeysResponse:
        """List the public keys."""
        found = translate.quote_keys(self._quote_keys)
        return pricing_internal_pb2.PricingInternalListQuoteKeysResponse(keys=found.keys)

    async def CompileLadder(  # noqa: N802 - the name of the RPC
        self, request: pricing_internal_pb2.CompileLadderRequest, _context: Any
    ) -> pricing_internal_pb2.CompileLadderResponse:
        """Compile a ladder; LADDER_INVALID with one violation for each field that is wrong."""
        table = compiled(
            request.currency, request.list_prices, request.ladder, request.ladder_version, request.references
        )
        return pricing_internal_pb2.CompileLadderResponse(price_table=translate.price_table(table))

    async def SumCommissions(  # noqa: N802 - the name of the RPC
        self, request: pricing_internal_pb2.SumCommissionsRequest, _context: Any
    ) -> pricing_internal_pb2.SumCommissionsResponse:
        """Sum up what a promoter earns in campaigns; INVALID_ARGUMENT with every field that is wrong."""
        platform_id, campaigns = _wanted(request)
        async with self._database.read() as connection:
            sums = await store.sum_commissions(connection, platform_id, request.promoter_id, campaigns)
        return pricing_internal_pb2.SumCommissionsResponse(
            commissions=(
                pricing_internal_pb2.Commission(
                    campaign_id=ids.opaque(translate.CAMPAIGN, campaign_id), earned=earned, taken_back=taken_back
                )
                for campaign_id, (earned, taken_back) in sums.items()
            )
        )


def _wanted(request: pricing_internal_pb2.SumCommissionsRequest) -> tuple[UUID, list[UUID]]:
    """Read of whom and of which campaigns sums are asked for."""
    platform = ids.parse(translate.PLATFORM, request.platform_id, 1)
    campaigns = [ids.parse(translate.CAMPAIGN, campaign, 1) for campaign in request.campaign_ids]
    checks = (
        ("platform_id", platform is None, "is no platform's id; it looks like plat_..."),
        ("promoter_id", not request.promoter_id or "\0" in request.promoter_id, "must be said, without NUL"),
        ("campaign_ids", not 1 <= len(campaigns) <= MOST_CAMPAIGNS, f"must be 1 to {MOST_CAMPAIGNS}"),
        ("campaign_ids", None in campaigns, "has one that is no campaign's id; they look like camp_..."),
    )
    wrong = tuple(FieldViolation(field, problem) for field, is_wrong, problem in checks if is_wrong)
    if wrong or platform is None:
        raise Rejected("INVALID_ARGUMENT", fields=wrong)
    return platform[0], [campaign[0] for campaign in campaigns if campaign]
