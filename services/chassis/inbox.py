"""The inbox: each event takes effect once, in the order of its key; what can never succeed is parked with its key."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TypeAlias
from uuid import UUID

from services.chassis import erased, inbox_rows, logs, message_spans, metrics, trace, twin_rows
from services.chassis.database import Database
from services.chassis.errors import Poison, Stop
from services.chassis.inbox_rows import KeyState, Parked, TopicKey
from services.chassis.messages import Event, Record, Undecodable, by_topic, decode
from services.chassis.platforms import TOPIC as PLATFORMS
from services.chassis.topics import topics
from services.chassis.twins import is_test
from services.chassis.work import Work

Handler: TypeAlias = Callable[[Work, list[Event]], Awaitable[None]]
"""Applies fresh events of one topic, in order, inside a transaction; may raise Poison naming one of them."""

Fill: TypeAlias = Callable[[Event, int], Awaitable[list[Record]]]
"""Fetches records of an event's key after a sequence and before the event, where a consumer needs them all; it is asked
again after the last one it gave."""

log = logs.logger(__name__)


class TooManyParked(Stop):
    """So many keys are parked that this release must be wrong; the consumer stops rather than drain the topic."""


class StillParked(Exception):
    """A redrive failed and left everything as it was; the text is the reason of the record that failed."""


class _NothingParked(Exception):
    """No record of a key is set aside; whatever was written to find that out is undone."""


class Inbox:
    """Applies records of several topics to a service's database."""

    def __init__(
        self,
        database: Database,
        handlers: Mapping[str, Handler],
        fills: Mapping[str, Fill] | None = None,
        max_parked_keys: int = 100,
        group: str = "",
    ) -> None:
        self._database = database
        self._handlers = handlers
        self._fills = fills or {}
        self._max_parked_keys = max_parked_keys
        self._group = group

    async def apply(self, records: Sequence[Record]) -> None:
        """Apply a batch in one transaction. A poisonous event is parked, and the rest is applied without it.

        Raises TooManyParked, with nothing applied. Everything else that is raised is transient.
        """
        with message_spans.processed(records, self._group) as handled:
            batch = await self._apply(handled)
        batch.tell()

    async def _apply(self, records: Sequence[Record]) -> "_Batch":
        poisoned: dict[UUID, str] = {}
        while True:
            try:
                return await self._try(records, poisoned)
            except Poison as poison:
                if poison.event_id in poisoned:
                    raise RuntimeError(f"poison that is not of this batch: {poison.reason}") from poison
                poisoned[poison.event_id] = poison.reason

    async def redrive(self, topic: str, key: str) -> int:
        """Apply the parked records of a key in order and let it go on; returns how many (0: none is parked).

        Raises StillParked if one of them still fails; then nothing has changed.
        """
        try:
            async with self._database.work() as work:
                states = await inbox_rows.lock_keys(work.connection, {(topic, key)})
                states[topic, key].parked = False
                records = await inbox_rows.take_parked(work.connection, topic, key)
                if not records:
                    raise _NothingParked  # noqa: TRY301 - the row that was locked must not be left behind
                batch = await self._run(work, records, states, {})
                if batch.parked:
                    raise StillParked(batch.parked[0].reason)
        except _NothingParked:
            return 0
        except Poison as poison:
            raise StillParked(poison.reason) from poison
        batch.tell()
        return len(records)

    async def _try(self, records: Sequence[Record], poisoned: Mapping[UUID, str]) -> "_Batch":
        async with self._database.work() as work:
            states = await inbox_rows.lock_keys(work.connection, {(record.topic, record.key) for record in records})
            batch = await self._run(work, records, states, poisoned)
            if batch.parked:
                await inbox_rows.park(work.connection, batch.parked)
                self._limit(await inbox_rows.count_parked_keys(work.connection))
        return batch

    async def _run(
        self,
        work: Work,
        records: Iterable[Record],
        states: Mapping[TopicKey, KeyState],
        poisoned: Mapping[UUID, str],
    ) -> "_Batch":
        batch = _Batch(work, states, poisoned, self._fills)
        for record in await erased.renamed(work.connection, records):
            await batch.admit(record)
        for topic, events in by_topic(await _wanted(work, batch.fresh)).items():
            trace.cause(message_spans.traces_of(events))
            trace.enter(events[0].record.header(trace.HEADER))
            await self._handlers[topic](work, events)
        await inbox_rows.save_keys(work.connection, states)
        return batch

    def _limit(self, parked_keys: int) -> None:
        metrics.PARKED_KEYS.set(parked_keys)
        if parked_keys > self._max_parked_keys:
            raise TooManyParked(
                f"{parked_keys} keys are parked; see groupbuy dlq list before you raise GROUPBUY_MAX_PARKED_KEYS"
            )


class _Batch:
    """One attempt at a batch: which of its events are fresh, which records are set aside, and what is told of it."""

    def __init__(
        self,
        work: Work,
        states: Mapping[TopicKey, KeyState],
        poisoned: Mapping[UUID, str],
        fills: Mapping[str, Fill],
    ) -> None:
        self._work = work
        self._states = states
        self._poisoned = poisoned
        self._fills = fills
        self._outcomes: Counter[tuple[str, str]] = Counter()
        self.fresh: list[Event] = []
        self.parked: list[Parked] = []

    async def admit(self, record: Record) -> None:
        """Look at the next record."""
        state = self._states[record.topic, record.key]
        problem = "behind a parked event of its key" if state.parked else await self._problem(record, state)
        if problem:
            state.parked = True
            self.parked.append(Parked(record, problem))

    async def _problem(self, record: Record, state: KeyState) -> str | None:
        try:
            await self._take(self._decoded(record), state)
        except Undecodable as problem:
            return str(problem)
        return None

    def _decoded(self, record: Record) -> Event:
        event = decode(record)
        if event.event_id in self._poisoned:
            raise Undecodable(self._poisoned[event.event_id])
        return event

    async def _take(self, event: Event, state: KeyState) -> None:
        topic = event.record.topic
        if event.sequence <= state.sequence:
            self._outcomes[topic, "repeated"] += 1
            return
        missing = await self._missing(event, state.sequence)
        state.sequence = event.sequence
        state.twin = twin_in(event.envelope)
        self.fresh += [*missing, event]
        self._outcomes[topic, "applied"] += 1
        self._outcomes[topic, "filled"] += len(missing)

    async def _missing(self, event: Event, last: int) -> list[Event]:
        topic = event.record.topic
        if topics()[topic].retention == "compact":
            return []  # each record carries the whole state
        fill = self._fills.get(topic)
        if fill is None and last == 0:
            return []  # the first sight of a key is its base
        found = await self._fetched(fill, event, last) if fill else []
        if event.sequence > last + 1 + len(found):
            self._outcomes[topic, "gap"] += 1
            log.warning("gap", topic=topic, key=event.record.key, last=last, got=event.sequence, filled=len(found))
        return found

    async def _fetched(self, fill: Fill, event: Event, last: int) -> list[Event]:
        found: list[Event] = []
        while event.sequence > last + 1:
            # A poisonous one has no record of its own: the record that asked for it is parked.
            records = await erased.renamed(self._work.connection, await fill(event, last))
            given = [self._decoded(record) for record in records]
            new = [item for item in given if last < item.sequence < event.sequence]
            if not new:
                break
            found += new
            last = new[-1].sequence
        return found

    def tell(self) -> None:
        """Count and log what became of the records, once it is committed."""
        for (topic, outcome), number in self._outcomes.items():
            metrics.CONSUMED.labels(topic, outcome).inc(number)
        for item in self.parked:
            record = item.record
            metrics.CONSUMED.labels(record.topic, "parked").inc()
            log.error("parked", topic=record.topic, key=record.key, offset=record.offset, reason=item.reason)


async def _wanted(work: Work, events: list[Event]) -> list[Event]:
    """Leave out what comes late of test twins that were given up; that they were is told like anything else."""
    twins = {twin for event in events if (twin := twin_in(event.envelope))}
    gone = await twin_rows.find_retired_of(work.connection, twins) if twins else set()
    if not gone:
        return events
    return [item for item in events if item.record.topic == PLATFORMS or twin_in(item.envelope) not in gone]


def twin_in(envelope: object) -> UUID | None:
    """Tell whose event it is, where that is a test twin."""
    platform_id = erased.platform_of(envelope)
    return platform_id if platform_id and is_test(platform_id) else None
