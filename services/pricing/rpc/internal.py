"""The gRPC service for the other services: compiles a ladder, stores nothing."""

from typing import Any, NoReturn

from groupbuy.pricing.v1 import pricing_internal_pb2, pricing_internal_pb2_grpc

from services.chassis.errors import FieldViolation, Rejected
from services.pricing import domain, translate


class PricingInternal(pricing_internal_pb2_grpc.PricingInternalServicer):
    """Compiles ladders."""

    async def CompileLadder(  # noqa: N802 - the name of the RPC
        self, request: pricing_internal_pb2.CompileLadderRequest, _context: Any
    ) -> pricing_internal_pb2.CompileLadderResponse:
        """Compile a ladder; LADDER_INVALID with one violation for each field that is wrong."""
        ladder, problems = translate.read_ladder(request.ladder)
        if not translate.known_currency(request.currency):
            problems = (domain.Problem("currency", f"{request.currency or 'empty'} is no ISO 4217 code"), *problems)
        prices = translate.read_list_prices(request.list_prices)
        shown = translate.read_references(request.references)
        compiled = domain.compile_ladder(request.currency, prices, ladder, request.ladder_version, shown)
        if isinstance(compiled, tuple):
            problems += compiled
        if problems or isinstance(compiled, tuple):
            _refuse(problems)
        return pricing_internal_pb2.CompileLadderResponse(price_table=translate.price_table(compiled))


def _refuse(problems: tuple[domain.Problem, ...]) -> NoReturn:
    fields = {problem.field: problem.description for problem in reversed(problems)}
    raise Rejected("LADDER_INVALID", fields=tuple(FieldViolation(*item) for item in reversed(fields.items())))
