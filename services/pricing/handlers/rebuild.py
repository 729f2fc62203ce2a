"""Builds pricing's derived tables a second time from the topics, compares them with those in use, and swaps them.

Nothing is told: the outbox is off. The service in use goes on meanwhile; only the last step holds it up: the events
since are applied, both are compared at the very same events, and the tables change places, in one transaction.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from time import monotonic

from kafka import TopicPartition

from services.chassis import ids, logs
from services.chassis.backlog import Backlog, Positions
from services.chassis.database import Connection, Database
from services.chassis.errors import Stop
from services.chassis.inbox import Fill, Handler, Inbox
from services.chassis.messages import Event, Record, Undecodable, decode
from services.chassis.migrations import migrations
from services.chassis.work import Work
from services.pricing import store as tables
from services.pricing import translate
from services.pricing.handlers.lanes import Lanes
from services.pricing.handlers.refused import RefusedLines
from services.pricing.handlers.settle import SettlementFinder
from services.pricing.store import rebuild as store

_ANY_NUMBER = 10**9
_NAMED = 5
_SETTLE_WAIT_SECONDS = 0.5
_LOOKS_AT_THE_SAME = 40
"""So often it looks at settlements that do not get on, some twenty seconds, before it gives up."""

log = logs.logger(__name__)


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild showed: differences by table, events applied, seconds, teams taken over as they were."""

    differences: list[store.Difference]
    events: int
    seconds: float
    carried_over: int
    reasons: list[str]
    """Why teams were taken over, a few of them."""
    swapped: bool

    @property
    def identical(self) -> bool:
        """Whether what was built is, row by row, what is in use."""
        return all(item.identical for item in self.differences)


class Rebuild:
    """One rebuild. `beside` is the service's database with the schema `rebuild` first; handlers work on that."""

    def __init__(
        self,
        database: Database,
        beside: Database,
        tallies: Backlog,
        teams: Backlog,
        handlers: Mapping[str, Handler],
        fills: Mapping[str, Fill],
        settlements: SettlementFinder,
        refused: RefusedLines,
    ) -> None:
        """Name the parts; tallies are read before the events of teams, whose caps and prices refer to them."""
        self._database = database
        self._beside = beside
        self._tallies = tallies
        self._teams = teams
        self._settlements = settlements
        self._refused = refused
        self._inbox = Inbox(beside, handlers, fills, max_parked_keys=_ANY_NUMBER)
        self._positions: Positions = {}
        """By partition: where to read on."""
        self._held_back: set[TopicPartition] = set()
        self._built: dict[tuple[str, str], int] = {}
        """By topic and key: the last sequence that was applied again."""
        self._events = 0

    async def run(self, *, accept_differences: bool = False) -> Rebuilt:
        """Build, compare, and swap where both are identical or differences are accepted.

        Stop where lines of settlements are not made, which would have to be before.
        """
        async with self._database.direct() as connection:
            await store.prepare(connection, [item.sql for item in migrations("pricing") if item.source == "pricing"])
            try:
                return await self._build(connection, accept_differences=accept_differences)
            finally:
                await store.clear(connection)

    async def _build(self, connection: Connection, *, accept_differences: bool) -> Rebuilt:
        started = monotonic()
        await self._play(connection)
        built = monotonic() - started
        async with connection.transaction():
            await self._stop_the_clock(connection)
            await self._play(connection)
            await store.end_numbers(connection)
            carried, reasons = await store.carry_over(connection), await store.why_parked(connection)
            differences = await store.compare(connection)
            swapped = accept_differences or all(item.identical for item in differences)
            if swapped:
                await store.swap(connection)
        return Rebuilt(differences, self._events, built, carried, reasons, swapped)

    async def _stop_the_clock(self, connection: Connection) -> None:
        """Wait, within the transaction, until no line is to be made; others can make them between the looks.

        Stop where they make none.
        """
        before, same = await self._look(connection), 0
        while before:
            log.info("settlements are under way; looking again")
            await asyncio.sleep(_SETTLE_WAIT_SECONDS)
            found = await self._look(connection)
            same = same + 1 if found == before else 0
            if same == _LOOKS_AT_THE_SAME:
                teams = ", ".join(sorted({str(job.team_id) for job in before})[:_NAMED])
                raise Stop(f"lines of teams wait to be made, and nobody makes them; does pricing run? Teams: {teams}")
            before = found

    async def _look(self, connection: Connection) -> Sequence[store.Waiting]:
        """Stop the clock where no line is to be made; else give the locks back and say what is."""
        await connection.execute("SAVEPOINT looked")
        waiting = await store.stop_the_clock(connection)
        if waiting:
            await connection.execute("ROLLBACK TO SAVEPOINT looked")
        return waiting

    async def _play(self, connection: Connection) -> None:
        """Apply what the service in use has applied, as far as the topics have it, and make the lines."""
        self._held_back = set()
        await self._read(connection, self._tallies)
        async with self._beside.work() as work:
            await store.carry_tallies(work.connection)
        await self._read(connection, self._teams)
        async with self._beside.work() as work:
            await store.fix_teams(work.connection)
        while await self._settlements.run_once():
            pass
        await self._refused.make()

    async def _read(self, connection: Connection, backlog: Backlog) -> None:
        lanes = Lanes(self._inbox.apply)
        try:
            async with aclosing(backlog.read(self._positions)) as batches:
                async for records in batches:
                    await lanes.put(await self._for_now(connection, records))
            await lanes.finish()
        finally:
            await lanes.stop()

    async def _for_now(self, connection: Connection, records: list[Record]) -> list[Record]:
        known = await self._known(connection, records)
        for_now = [item for item in records if self._is_for_now(item, known)]
        self._events += len(for_now)
        return for_now

    async def _known(self, connection: Connection, records: list[Record]) -> dict[tuple[str, str], int]:
        found: dict[tuple[str, str], int] = {}
        for topic in {item.topic for item in records}:
            keys = sorted({item.key for item in records if item.topic == topic})
            known = await (
                _tallied(connection, keys) if topic == translate.TALLY_TOPIC else store.applied(connection, topic, keys)
            )
            found |= {(topic, key): last for key, last in known.items()}
        return found

    def _is_for_now(self, record: Record, known: Mapping[tuple[str, str], int]) -> bool:
        """Tell whether the service in use has applied a record; from the first that it has not, it is read again."""
        at, key, sequence = (
            TopicPartition(record.topic, record.partition),
            (record.topic, record.key),
            _sequence(record),
        )
        ahead = sequence > known.get(key, 0)
        if ahead:
            self._held_back.add(at)
        if at not in self._held_back:
            self._positions[at] = record.offset + 1
        if ahead or sequence <= self._built.get(key, 0):
            return False
        self._built[key] = sequence
        return True


async def on_tally_events(work: Work, events: list[Event]) -> None:
    """Record tallies again that the service in use once made, and which teams they fixed."""
    for tally in map(translate.read_tally, events):
        await store.forget_tally(work.connection, tally.campaign_id, tally.seq)
        await tables.insert_tally(work.connection, tally)
        if tally.fixed:
            await tables.insert_fixes(work.connection, tally)


async def _tallied(connection: Connection, keys: Sequence[str]) -> dict[str, int]:
    """Tell, by key of the tally topic, the last tally that the service in use has made."""
    campaigns = {found[0]: key for key in keys if (found := ids.parse(translate.CAMPAIGN, key, 1))}
    return {campaigns[one]: seq for one, seq in (await store.tallied(connection, list(campaigns))).items()}


def _sequence(record: Record) -> int:
    """Give an event's sequence; what is no event was applied by nobody."""
    try:
        return decode(record).sequence
    except Undecodable:
        return _ANY_NUMBER
