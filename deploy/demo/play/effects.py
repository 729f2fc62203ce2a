"""Watches what follows a call, as it is received: events on their topics, prices, messages; each with its delay."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from groupbuy.notification.v1.events_pb2 import DeliveryEvent, DeliveryState, MessageKind
from groupbuy.notification.v1.notification_service_pb2 import ListDeliveriesRequest
from groupbuy.pricing.v1.events_pb2 import PriceEvent
from groupbuy.team_formation.v1.events_pb2 import TeamEvent

from deploy.demo.journal import Journal, Note
from deploy.demo.messengers import NAMES
from deploy.demo.play.record import Effect, StepRecord
from deploy.demo.play.telling import MANY, facts, meaning, price, settled, together
from deploy.demo.play.world import World
from deploy.demo.show.stage import Stage
from deploy.demo.sinks import Arrival

PATIENCE_SECONDS = 30.0
_QUIET_SECONDS, _QUIET_IN_A_HURRY = 0.5, 0.35
_GATHERING_SECONDS = 0.01
"""What is read from Kafka at once comes within this time, and is shown together."""

_MANY_SEATS = 40
_OVER = {"email": "e-mail", "webhook": "webhook", "console": "console", **NAMES}


@dataclass(frozen=True, slots=True)
class _Seen:
    """One thing to show; `who` is set where it happened to one of many alike."""

    at: float
    what: str
    where: str
    who: str = ""


class Effects:
    """Shows what comes after a moment, until all that must come has come and then nothing more does.

    The messages of many members are summed up: one line for all that are alike.
    """

    def __init__(self, journal: Journal, stage: Stage, world: World, record: StepRecord) -> None:
        self._journal = journal
        self._stage = stage
        self._world = world
        self._record = record
        self._read = len(journal.notes)
        self._waiting: list[Effect] = []

    def add(self, at: float, began: float, what: str, where: str) -> None:
        """Take one effect; it is shown in its place among the others."""
        self._waiting.append(Effect(round((at - began) * 1000, 1), what, where))

    def flush(self) -> None:
        """Show what was taken, in the order it happened."""
        for effect in sorted(self._waiting, key=lambda effect: effect.after_ms):
            self._record.effects.append(effect)
            self._stage.effect(effect.after_ms, effect.what, effect.where)
        self._waiting.clear()

    async def follow(self, began: float, complete: Callable[[], bool]) -> None:
        """Show effects until `complete` and then quiet; what does not come in time is broken."""
        many = self._world.the_team().maximum > _MANY_SEATS
        quiet = (_QUIET_IN_A_HURRY if self._stage.hurry else _QUIET_SECONDS) * (2 if many else 1)
        heard, came = self._read, True
        while came:
            came = await self._journal.next_note(heard, quiet if complete() else PATIENCE_SECONDS)
            await asyncio.sleep(_GATHERING_SECONDS)
            heard = len(self._journal.notes)
            if not many or not came:
                await self._take(began)
                self.flush()
        if not complete():
            self._record.broken.append(f"what follows has not come within {PATIENCE_SECONDS:.0f} s")

    async def _take(self, began: float) -> None:
        """Take what was received since the last time."""
        fresh = self._journal.notes[self._read :]
        self._read += len(fresh)
        for seen in (*self._events(fresh), *_summed_up(await self._messages(fresh))):
            self.add(seen.at, began, seen.what, seen.where)

    def _events(self, notes: Sequence[Note]) -> Iterator[_Seen]:
        """Read events about the team: facts that came together in one line, prices, the number of settlement lines."""
        team_id = self._world.the_team().team_id
        events = [(note.at, note.what) for note in notes if isinstance(note.what, TeamEvent)]
        ours = [(at, event) for at, event in events if event.team_id == team_id]
        for at, group in together(ours):
            yield _Seen(at, facts(group), "groupbuy.team.v1")
        for at, event in ours if len(ours) <= MANY else ():
            if words := meaning(event, self._world.name_of):
                yield _Seen(at, words, "groupbuy.team.v1")
        for at, words in settled(notes, team_id):
            yield _Seen(at, words, "groupbuy.settlement.v1")
        for note in notes:
            if isinstance(note.what, PriceEvent) and self._is_ours(note.what):
                yield _Seen(note.at, price(note.what), "groupbuy.price.v1")

    def _is_ours(self, event: PriceEvent) -> bool:
        """Tell whether a price is the team's, or that of all teams of its campaign."""
        if not event.team_id:
            return event.campaign_id == self._world.campaign.campaign_id
        return event.team_id == self._world.the_team().team_id

    async def _messages(self, notes: Sequence[Note]) -> list[_Seen]:
        seen = []
        for note in notes:
            if isinstance(note.what, Arrival):
                seen.append(self._arrived(note.what))
            elif isinstance(note.what, DeliveryEvent) and (words := await self._delivered(note.at, note.what)):
                seen.append(words)
        return seen

    def _arrived(self, arrival: Arrival) -> _Seen:
        name, where = self._world.name_of(arrival.member_id), _OVER[arrival.over]
        self._stage.view.message(f"{name}: {arrival.subject} ({where})")
        return _Seen(arrival.at, arrival.subject, where, name)

    async def _delivered(self, at: float, event: DeliveryEvent) -> _Seen | None:
        """Tell what no sink shows: what went to the console, and what was not sent."""
        ended = event.delivery_ended
        sent = ended.state == DeliveryState.DELIVERY_STATE_SENT
        name = self._world.name_of(ended.member_id)
        if not sent:
            kind = MessageKind.Name(ended.kind).removeprefix("MESSAGE_KIND_")
            state = DeliveryState.Name(ended.state).removeprefix("DELIVERY_STATE_").lower()
            return _Seen(at, f"{kind} {state}", "not sent", name)
        if ended.channel != "console":
            return None
        request = ListDeliveriesRequest(team_id=ended.team_id, member_id=ended.member_id)
        listed = (await self._world.shop.ask(self._world.shop.messages.ListDeliveries, request)).deliveries
        subject = next((item.subject for item in listed if item.delivery_id == event.delivery_id), "")
        self._stage.view.message(f"{name}: {subject} (console)")
        return _Seen(at, subject, "console", name)


def _summed_up(messages: Sequence[_Seen]) -> Iterator[_Seen]:
    """Give each message by itself, or one line for many that are alike, with the moment of the last one."""
    alike: dict[tuple[str, str], list[_Seen]] = {}
    for seen in messages:
        alike.setdefault((seen.what, seen.where), []).append(seen)
    for (what, where), group in alike.items():
        if len(group) > MANY:
            yield _Seen(group[-1].at, f"{len(group)} members: {what}", where)
        else:
            yield from (_Seen(seen.at, f"{seen.who}: {what}", where) for seen in group)
