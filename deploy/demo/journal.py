"""Everything the demo has received, in the order it came: events from Kafka, messages at the sinks."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from groupbuy.notification.v1.events_pb2 import DeliveryEvent, MessageKind
from groupbuy.pricing.v1.events_pb2 import PriceEvent, SettlementEvent
from groupbuy.team_formation.v1.events_pb2 import TeamEvent

from deploy.demo.sinks import Arrival

Fact: TypeAlias = TeamEvent | PriceEvent | SettlementEvent | DeliveryEvent

_ENVELOPES: dict[str, type[TeamEvent] | type[PriceEvent] | type[SettlementEvent] | type[DeliveryEvent]] = {
    "groupbuy.team.v1": TeamEvent,
    "groupbuy.price.v1": PriceEvent,
    "groupbuy.settlement.v1": SettlementEvent,
    "groupbuy.delivery.v1": DeliveryEvent,
}
TOPICS = tuple(_ENVELOPES)


@dataclass(frozen=True, slots=True)
class Note:
    """One thing received; `at` by the demo's monotonic clock."""

    at: float
    what: Fact | Arrival


class Journal:
    """Collects notes. A record seen again (Kafka delivers at least once) is counted and otherwise left out."""

    def __init__(self) -> None:
        self.notes: list[Note] = []
        self.events: dict[str, Note] = {}
        """The first sight of each event, by its id."""
        self.teams: dict[str, dict[int, TeamEvent]] = {}
        """Events of each team by version."""
        self.arrivals: dict[str, Arrival] = {}
        """The first arrival of each delivery, by its id."""
        self.arrived_again = 0
        self._pulse = asyncio.Event()

    def on_record(self, topic: str, value: bytes, at: float) -> None:
        """Take one record from Kafka."""
        event = _ENVELOPES[topic].FromString(value)
        if event.event_id in self.events:
            return
        note = Note(at, event)
        self.events[event.event_id] = note
        if isinstance(event, TeamEvent):
            self.teams.setdefault(event.team_id, {})[event.sequence] = event
        self._add(note)

    def on_arrival(self, arrival: Arrival) -> None:
        """Take one message from a sink."""
        if arrival.delivery_id in self.arrivals:
            self.arrived_again += 1
            return
        self.arrivals[arrival.delivery_id] = arrival
        self._add(Note(arrival.at, arrival))

    def has_team_version(self, team_id: str, version: int) -> bool:
        """Tell whether all events of a team up to a version were seen."""
        seen = self.teams.get(team_id, {})
        return all(number in seen for number in range(1, version + 1))

    def has_price_after(self, team_id: str, version: int) -> bool:
        """Tell whether a change of a team's price after a version was seen."""
        return any(
            isinstance(note.what, PriceEvent)
            and note.what.team_id == team_id
            and note.what.team_version > version
            and note.what.WhichOneof("fact") == "price_changed"
            for note in reversed(self.notes)
        )

    def deliveries(self) -> list[DeliveryEvent]:
        """List the deliveries that ended."""
        return [note.what for note in self.notes if isinstance(note.what, DeliveryEvent)]

    def last_to(self, member_id: str, kind: str = "") -> Arrival | None:
        """Give the last message, or the last one of a kind, that a member has received at a sink."""
        found = [arrival for arrival in self.arrivals.values() if arrival.member_id == member_id]
        if kind:
            alike = {event.delivery_id for event in self.deliveries() if _kind(event) == kind}
            found = [arrival for arrival in found if arrival.delivery_id in alike]
        return found[-1] if found else None

    async def until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait until a condition on what was received holds; False if it does not in time."""
        ends = asyncio.get_running_loop().time() + seconds
        while not condition():
            self._pulse.clear()
            try:
                async with asyncio.timeout_at(ends):
                    await self._pulse.wait()
            except TimeoutError:
                return condition()
        return True

    async def next_note(self, after: int, seconds: float) -> bool:
        """Wait for one more note than `after`; False if none comes in time."""
        return await self.until(lambda: len(self.notes) > after, seconds)

    def _add(self, note: Note) -> None:
        self.notes.append(note)
        self._pulse.set()


def _kind(event: DeliveryEvent) -> str:
    return MessageKind.Name(event.delivery_ended.kind).removeprefix("MESSAGE_KIND_")
