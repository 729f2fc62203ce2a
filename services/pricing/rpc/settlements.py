"""What platforms report about settlement lines."""

from typing import Any

from groupbuy.pricing.v1 import pricing_service_pb2_grpc, settlements_pb2

from services.chassis import requests
from services.chassis.coalesce import Coalescer
from services.chassis.requests import NO_CAMPAIGN, RequestKey
from services.chassis.server import caller
from services.pricing import translate
from services.pricing.handlers import ReportLines


class SettlementRpcs(pricing_service_pb2_grpc.PricingServicer):
    """Answers about settlements of all teams of the caller."""

    _reports: Coalescer[ReportLines, bytes]

    async def ReportSettlement(  # noqa: N802 - the name of the RPC
        self, request: settlements_pb2.ReportSettlementRequest, _context: Any
    ) -> settlements_pb2.ReportSettlementResponse:
        """Take reports; LINE_UNKNOWN, AMOUNT_MISMATCH, CURRENCY_MISMATCH, REFERENCE_MISSING."""
        requests.check_request_id(request.request_id)
        reports = translate.read_reports(request.reports)
        key = RequestKey(NO_CAMPAIGN, caller(), "ReportSettlement", request.request_id, requests.body_hash(request))
        answer = await self._reports.submit(ReportLines(key, reports))
        return settlements_pb2.ReportSettlementResponse.FromString(answer)
