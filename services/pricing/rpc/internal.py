"""The gRPC service for the other services: compiles a ladder, lists the keys that check quotes; stores nothing."""

from typing import Any

from groupbuy.pricing.v1 import pricing_internal_pb2, pricing_internal_pb2_grpc

from services.chassis.signing import KeyRing
from services.pricing import translate
from services.pricing.rpc.ladders import compiled


class PricingInternal(pricing_internal_pb2_grpc.PricingInternalServicer):
    """Compiles ladders and lists keys."""

    def __init__(self, quote_keys: KeyRing | None = None) -> None:
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
