"""What was measured: joins per second, and how long a price message takes from the join that caused it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from groupbuy.notification.v1.events_pb2 import DeliveryEvent, MessageKind
from groupbuy.pricing.v1.events_pb2 import PriceEvent
from groupbuy.team_formation.v1.events_pb2 import TeamEvent
from groupbuy.team_formation.v1.team_formation_service_pb2 import JoinTeamResponse, OpenTeamResponse
from groupbuy.team_formation.v1.types_pb2 import Seat

from deploy.demo.actor import Call
from deploy.demo.journal import Journal, Note
from deploy.demo.play.crowd import CrowdResult

QUIET = "quiet"
"""The name under which scenes without a crowd are summed up."""

_PERCENT = 99


@dataclass(frozen=True, slots=True)
class Delays:
    """Delays in milliseconds."""

    count: int
    median_ms: float
    p99_ms: float
    longest_ms: float


def delays(seconds: Iterable[float]) -> Delays | None:
    """Sum up delays; None if there are none. The 99th percentile is the smallest value that 99 of 100 do not exceed."""
    ordered = sorted(round(value * 1000, 1) for value in seconds)
    if not ordered:
        return None
    p99 = ordered[-(-len(ordered) * _PERCENT // 100) - 1]
    return Delays(len(ordered), median(ordered), p99, ordered[-1])


def join_to_price_message(journal: Journal, calls: Sequence[Call], apart: Collection[str]) -> dict[str, list[float]]:
    """Measure, for each message "the price fell", the seconds from the call of the join that lowered it; by team.

    The way back: message -> delivery -> price event -> team event -> seat -> the call that took the seat. Seats paid
    `apart` from their join are left out: their price fell by the payment.
    """
    sent = {seat_id: at for seat_id, at in _sent_by_seat(calls).items() if seat_id not in apart}
    found: dict[str, list[float]] = {}
    for event in journal.deliveries():
        arrival = journal.arrivals.get(event.delivery_id)
        if arrival is None or event.delivery_ended.kind != MessageKind.MESSAGE_KIND_PRICE_FELL:
            continue
        seat_id = _seat_that_caused(journal, event)
        if seat_id in sent:
            found.setdefault(event.delivery_ended.team_id, []).append(arrival.at - sent[seat_id])
    return found


def _seat_that_caused(journal: Journal, event: DeliveryEvent) -> str:
    price = _what(journal.events.get(event.delivery_ended.cause_event_id))
    if not isinstance(price, PriceEvent):
        return ""
    cause = _what(journal.events.get(price.price_changed.cause_event_id))
    return cause.seat_confirmed.seat.seat_id if isinstance(cause, TeamEvent) else ""


def _what(note: Note | None) -> object:
    return note.what if note else None


def _sent_by_seat(calls: Sequence[Call]) -> dict[str, float]:
    return {seat.seat_id: call.sent for call in calls if (seat := seat_given(call))}


def seat_given(call: Call) -> Seat | None:
    """Tell the seat that a call was answered with."""
    if call.refused:
        return None
    match call.request.DESCRIPTOR.name:
        case "JoinTeamRequest":
            return JoinTeamResponse.FromString(call.answer).seat
        case "OpenTeamRequest":
            return OpenTeamResponse.FromString(call.answer).seat
    return None


def crowd_figures(crowd: CrowdResult) -> dict[str, Any]:
    """Sum up a crowd."""
    return {
        "members": crowd.size,
        "seated": len(crowd.seats),
        "refused": dict(crowd.refused),
        "calls_sent_again": crowd.retries,
        "killed_at_seat": crowd.killed_at_seat,
        "away_seconds": round(crowd.away_seconds, 3),
        "answered_after_seconds": round(crowd.join_seconds, 3),
        "joins_per_second": round(crowd.size / crowd.join_seconds, 1),
    }


def as_data(figures: Delays | None) -> dict[str, Any] | None:
    """Turn delays into data."""
    return asdict(figures) if figures else None
