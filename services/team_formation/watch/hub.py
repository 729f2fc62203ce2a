"""Readers of things that change: what changed is loaded once for all of them, at most so often, and always at last."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Generic, TypeAlias, TypeVar
from uuid import UUID

from services.chassis import logs
from services.chassis.errors import Rejected
from services.team_formation.watch.topic import REST_SECONDS, State, Topic
from services.team_formation.watch.turns import Turn, Turns

RETRY_SECONDS = 1.0
BATCH = 100

log = logs.logger(__name__)

Key = TypeVar("Key")
Body = TypeVar("Body")
Name: TypeAlias = tuple[UUID, Key]
"""A platform, and the key of a thing of it."""
Load: TypeAlias = Callable[[Sequence[Name[Key]]], Awaitable[Mapping[Name[Key], State[Body]]]]


class Hub(Generic[Key, Body]):
    """Gives things of one kind to their readers.

    `load` returns the states of those that exist; who asks for another one gets the refusal that `unknown` makes. A
    thing that changes all the time is loaded once per `State.rest`, and each reader is given each state at most once,
    in turn: whoever is slow, or far back in the queue, gets the state of when its turn comes.
    """

    def __init__(self, load: Load[Key, Body], turns: Turns, unknown: Callable[[], Rejected]) -> None:
        self._load = load
        self._turns = turns
        self._unknown = unknown
        self._topics: dict[Key, dict[UUID, Topic[Key, Body]]] = {}
        self._due: dict[Name[Key], Topic[Key, Body]] = {}
        self._loader: asyncio.Task[None] | None = None
        self._stopping = False

    @property
    def readers(self) -> int:
        """How many readers there are."""
        return sum(topic.readers for topic in self._all())

    @property
    def watched(self) -> Collection[Key]:
        """What has readers."""
        return self._topics.keys()

    async def follow(self, platform_id: UUID, key: Key, after: int, turn: int = 0) -> AsyncGenerator[Body, None]:
        """Give a thing at once if it is newer than a version and turn, then after changes, until it is final."""
        topic = self._topics.setdefault(key, {}).setdefault(platform_id, Topic(platform_id, key))
        topic.readers += 1
        woken = False
        try:
            state = await self._first(topic, after)
            seen = (min(after, state.version), turn)  # a version that is yet to come would never be passed
            while True:
                if state.follows(*seen):
                    yield state.body
                seen = (state.version, state.turn)
                if state.final:
                    return
                if woken:
                    self._turns.over()
                    woken = False
                state = await self._next(topic, state)
                woken = True
        finally:
            if woken:
                self._turns.over()
            topic.readers -= 1
            if not topic.readers:
                self._forget(topic)

    def changed(self, keys: Iterable[Key]) -> None:
        """Have things loaded again that have changed, those that are watched."""
        for key in keys:
            for topic in self._topics.get(key, {}).values():
                self._want(topic)

    def stop(self) -> None:
        """End every stream, so that its reader comes back to another replica."""
        self._stopping = True
        for topic in self._all():
            self._turns.give(topic.take_parked())

    def _all(self) -> Iterator[Topic[Key, Body]]:
        return (topic for topics in self._topics.values() for topic in topics.values())

    async def _first(self, topic: Topic[Key, Body], after: int) -> State[Body]:
        """Read the state; anew where a reader has seen a later one, on another replica."""
        if topic.state is None or after > topic.state.version:
            turn: Turn = asyncio.get_running_loop().create_future()
            topic.loading.append(turn)
            self._want(topic)
            await turn
        if topic.state is None:
            raise self._unknown()
        return topic.state

    async def _next(self, topic: Topic[Key, Body], seen: State[Body]) -> State[Body]:
        """Wait for a state that is newer, and for the reader's turn."""
        turn: Turn = asyncio.get_running_loop().create_future()
        if topic.state is seen and not self._stopping:
            topic.parked.add(turn)
        else:
            self._turns.give((turn,))
        try:
            await turn
        finally:
            topic.parked.discard(turn)
        if self._stopping or topic.state is None:
            # refused, not raised as unavailable: thousands of readers are not to be thousands of lines in the log
            raise Rejected("UNAVAILABLE", {"cause": "the service is stopping"})
        return topic.state

    def _forget(self, topic: Topic[Key, Body]) -> None:
        if topic.timer:
            topic.timer.cancel()
        topics = self._topics[topic.key]
        del topics[topic.platform_id]
        if not topics:
            del self._topics[topic.key]

    def _want(self, topic: Topic[Key, Body], at: float = 0.0) -> None:
        """Have a topic loaded by a load that begins from now on, as soon as it has rested."""
        at = max(at, topic.not_before)
        if topic.timer:
            if topic.wanted_at <= at:
                return
            topic.timer.cancel()
        topic.wanted_at = at
        topic.timer = asyncio.get_running_loop().call_at(at, self._fall_due, topic)

    def _fall_due(self, topic: Topic[Key, Body]) -> None:
        topic.timer = None
        self._due[topic.name] = topic
        if self._loader is None:
            self._loader = asyncio.create_task(self._load_due(), name="watched")

    async def _load_due(self) -> None:
        try:
            while self._due:
                batch = [self._due.pop(name) for name in list(self._due)[:BATCH]]
                await self._load_batch([topic for topic in batch if topic.readers])
        finally:
            self._loader = None

    async def _load_batch(self, batch: Sequence[Topic[Key, Body]]) -> None:
        now = asyncio.get_running_loop().time()
        for topic in batch:
            topic.not_before = now + (topic.state.rest if topic.state else REST_SECONDS)
        try:
            states = await self._load([topic.name for topic in batch])
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to the readers who wait
            log.warning("watched things were not loaded", count=len(batch), why=str(error).strip())
            self._put_off(batch, error)
        else:
            for topic in batch:
                self._take(topic, states.get(topic.name))

    def _put_off(self, batch: Sequence[Topic[Key, Body]], error: Exception) -> None:
        again = asyncio.get_running_loop().time() + RETRY_SECONDS
        for topic in batch:
            topic.settle(error)
            if topic.readers:
                self._want(topic, again)

    def _take(self, topic: Topic[Key, Body], state: State[Body] | None) -> None:
        if state and topic.readers:
            now = asyncio.get_running_loop().time()
            topic.not_before = now + state.rest
            if topic.state is None or state.follows(topic.state.version, topic.state.turn):
                topic.state = state
                self._turns.give(topic.take_parked())
            if state.again is not None:
                self._want(topic, now + state.again)
        topic.settle()
