"""What platforms report about deliveries that are paid at the door."""

from typing import Any

from groupbuy.pricing.v1 import deliveries_pb2, pricing_service_pb2_grpc

from services.chassis import ids, requests
from services.chassis.errors import FieldViolation, Rejected
from services.chassis.requests import RequestKey
from services.chassis.server import caller
from services.pricing import domain, translate
from services.pricing.handlers import DeliveryWriter, ReportDelivery

_OUTCOMES = {
    deliveries_pb2.DeliveryOutcome.Value(f"DELIVERY_OUTCOME_{outcome}"): outcome for outcome in domain.DeliveryOutcome
}
_REASONS = {
    code: deliveries_pb2.RefusalReason.Name(code).removeprefix("REFUSAL_REASON_") if code else ""
    for code in deliveries_pb2.RefusalReason.values()
}


class DeliveryRpcs(pricing_service_pb2_grpc.PricingServicer):
    """Answers about deliveries of the caller's seats."""

    _deliveries: DeliveryWriter

    async def ReportDelivery(  # noqa: N802 - the name of the RPC
        self, request: deliveries_pb2.ReportDeliveryRequest, _context: Any
    ) -> deliveries_pb2.ReportDeliveryResponse:
        """Take a report; SEAT_UNKNOWN, SEAT_STATE, NOT_PAID_ON_DELIVERY, DELIVERY_REPORTED, QUANTITY_OUT_OF_RANGE."""
        requests.check_request_id(request.request_id)
        _check(request)
        named = ids.parse(translate.SEAT, request.seat_id, 2)
        if named is None:
            raise Rejected("SEAT_UNKNOWN")
        campaign_id, seat_id = named
        key = RequestKey(campaign_id, caller(), "ReportDelivery", request.request_id, requests.body_hash(request))
        command = ReportDelivery(
            key, seat_id, _OUTCOMES[request.outcome], _REASONS[request.reason], request.accepted_units
        )
        answer = await self._deliveries.decide(command)
        if isinstance(answer, Rejected):
            raise answer
        return deliveries_pb2.ReportDeliveryResponse.FromString(answer)


def _check(request: deliveries_pb2.ReportDeliveryRequest) -> None:
    """Refuse what says nothing, or two things at once, naming every field."""
    problems = []
    outcome = _OUTCOMES.get(request.outcome)
    if outcome is None:
        problems.append(FieldViolation("outcome", "say what became of it: ACCEPTED, ACCEPTED_IN_PART or REFUSED"))
    accepted = outcome is domain.DeliveryOutcome.ACCEPTED
    if request.reason not in _REASONS or (outcome and bool(request.reason) is accepted):
        what = "leave it out where all was accepted" if accepted else "say why units were not accepted"
        problems.append(FieldViolation("reason", what))
    if outcome and request.accepted_units and outcome is not domain.DeliveryOutcome.ACCEPTED_IN_PART:
        problems.append(FieldViolation("accepted_units", "is for ACCEPTED_IN_PART; leave it out otherwise"))
    if problems:
        raise Rejected("INVALID_ARGUMENT", fields=tuple(problems))
