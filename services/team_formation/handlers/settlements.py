"""What pricing tells of settlements: a payment that lapsed takes its seat back, by the ordinary path."""

import asyncio
from uuid import UUID

from groupbuy.pricing.v1 import events_pb2

from services.chassis import ids, trace
from services.chassis.coalesce import Coalescer
from services.chassis.errors import Poison, Rejected
from services.chassis.messages import Event
from services.chassis.requests import RequestKey
from services.chassis.work import Work
from services.team_formation import translate
from services.team_formation.domain import Default
from services.team_formation.handlers.asks import Answer, Ask

TOPIC = "groupbuy.settlement.v1"

_REASONS = {
    events_pb2.LAPSE_REASON_NOT_PAID: "not paid in time",
    events_pb2.LAPSE_REASON_NOT_CAPTURED: "the authorisation lapsed before it was captured",
}
_IS_GONE = {"SEAT_STATE", "TEAM_ENDED"}
"""The seat was given back, or its team was given up, before the news came: nothing is left to do."""


class SettlementHandler:
    """The handler of groupbuy.settlement.v1."""

    def __init__(self, commands: Coalescer[Ask, Answer]) -> None:
        self._commands = commands

    async def on_settlement_events(self, _work: Work, events: list[Event]) -> None:
        """Have the seats of lapsed payments defaulted; Poison for a seat that is not here.

        Each is a request by the event's id, which is decided in a transaction of its own: the same event again finds
        the answer.
        """
        asked = [(event, ask) for event in events if (ask := _ask(event))]
        answers = await asyncio.gather(*(self._submit(*item) for item in asked), return_exceptions=True)
        for (event, _), answer in zip(asked, answers, strict=True):
            _check(event, answer)

    async def _submit(self, event: Event, ask: Ask) -> Answer:
        trace.caused_by(event.event_id)
        return await self._commands.submit(ask)


def _check(event: Event, answer: Answer | BaseException) -> None:
    if isinstance(answer, Rejected):
        if answer.reason not in _IS_GONE:
            raise Poison(event.event_id, f"the seat cannot be taken back: {answer.reason}")
    elif isinstance(answer, BaseException):
        raise answer


def _ask(event: Event) -> Ask | None:
    message = event.read_as(events_pb2.SettlementEvent)
    if message.WhichOneof("fact") != "payment_lapsed":
        return None
    lapsed = message.payment_lapsed
    platform = ids.parse(translate.PLATFORM, message.platform_id, 1)
    seat = ids.parse(translate.SEAT, lapsed.seat_id, 2)
    if platform is None or seat is None or lapsed.reason not in _REASONS:
        raise Poison(event.event_id, "cannot be read: a lapsed payment without platform, seat or reason")
    (platform_id,), (campaign_id, seat_id) = platform, seat
    return _default(platform_id, campaign_id, seat_id, event.event_id, _REASONS[lapsed.reason])


def _default(platform_id: UUID, campaign_id: UUID, seat_id: UUID, event_id: UUID, reason: str) -> Ask:
    key = RequestKey(campaign_id, platform_id, "PaymentLapsed", str(event_id), seat_id.bytes)
    return Ask(platform_id, campaign_id, Default(reason), key, seat_id=seat_id)
