"""Answers to commands, as they are stored and sent: response messages in bytes."""

from typing import Any

from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb

from services.team_formation.domain import Decision, Terms
from services.team_formation.translate import Scribe
from services.team_formation.translate.wire import field

JOINED = {code: pb.JoinTeamResponse(outcome=code).SerializeToString() for code in pb.JoinOutcome.values()}
CONFIRMED = {code: pb.ConfirmSeatResponse(outcome=code).SerializeToString() for code in pb.ConfirmOutcome.values()}


class Form:
    """Where a response has its seat, its seats and its team."""

    def __init__(self, response: Any) -> None:
        numbers = {name: item.number for name, item in response.DESCRIPTOR.fields_by_name.items()}
        self._seat = numbers.get("seat", 0)
        self._seats = numbers.get("seats", 0)
        self._team = numbers["team"]

    def fill(self, scribe: Scribe, decision: Decision, terms: Terms, rest: bytes = b"") -> bytes:
        """Write the response to a decision; `rest` are its other fields."""
        currency = terms.price_table.currency
        seats = []
        if self._seat and decision.seat:
            seats = [field(self._seat, scribe.seat(decision.seat, currency))]
        elif self._seats:
            seats = [field(self._seats, scribe.seat(seat, currency)) for seat in decision.seats if seat.sponsored]
        return b"".join((*seats, field(self._team, scribe.team(decision.team, terms)), rest))


OPEN = Form(pb.OpenTeamResponse)
JOIN = Form(pb.JoinTeamResponse)
CONFIRM = Form(pb.ConfirmSeatResponse)
LEAVE = Form(pb.LeaveTeamResponse)
EXTEND = Form(pb.ExtendHoldResponse)
DEFAULT = Form(pb.DefaultSeatResponse)
SPONSOR = Form(pb.SponsorTeamResponse)
CANCEL = Form(pb.CancelTeamResponse)
