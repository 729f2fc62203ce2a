"""Moves the clocks of test twins on: from one moment at which something is due to the next, in all services together.

No service sees a moment before all of them are done with the moments before it. So what follows from a moment in
another service, such as a deadline after an end, is due at its own time, and all happens in the order it would have.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from google.protobuf.message import Message

from services.chassis import platforms, requests
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.errors import Raced, Rejected
from services.chassis.requests import Answer, Decided, RequestKey
from services.chassis.standing import Standing, unsettled
from services.chassis.timers import Timer
from services.chassis.twin_clocks import CHANNEL
from services.chassis.twins import is_test
from services.chassis.work import Work
from services.team_formation.handlers.platforms import tell_platform
from services.team_formation.standings import OWN, Standings
from services.team_formation.store import clock_targets as shelf

FURTHEST = timedelta(days=3_660)
"""Ten years: no clock is further ahead."""
TOGETHER = timedelta(seconds=1)
"""What is due within a second of the first that is due comes in one step, as timers would find it together."""
LOOK_SECONDS = 1.0
SETTLE_SECONDS = 0.03
"""How long to wait before a service that is not done is asked again, at least."""
PATIENCE = 10
"""Where no clock has moved for some time, what is not done is asked again after this part of it."""
PAGE = 100
TRIES = 5


@dataclass(frozen=True, slots=True)
class TestClock:
    """The clock of a twin."""

    __test__ = False

    now: datetime
    ahead: timedelta
    target: datetime | None
    """Up to when it is being moved; None where it has arrived."""
    unsettled: tuple[str, ...]
    """Services that are not done with what was due up to now."""


class TestClocks:
    """What platforms ask of the clocks of their twins."""

    __test__ = False

    def __init__(self, database: Database, clock: Clock, standings: Standings) -> None:
        self._database = database
        self._clock = clock
        self._standings = standings

    async def advance(
        self, key: RequestKey, wanted: timedelta | datetime, response: Callable[[datetime], Message]
    ) -> Answer:
        """Have a clock moved by a span, or up to a time, once for a request id; gives the stored answer.

        Rejected SANDBOX_ONLY, CLOCK_IN_PAST or CLOCK_TOO_FAR.
        """
        for _ in range(TRIES):
            try:
                return await self._advance(key, wanted, response)
            except Raced:
                continue
        raise Raced("another process decides the same request")

    async def find(self, platform_id: UUID) -> TestClock:
        """Tell a clock, and how far what follows from it is; Rejected SANDBOX_ONLY."""
        only_test(platform_id)
        async with self._database.read() as connection:
            target = await shelf.find_target(connection, platform_id)
        standings = await self._standings.of(platform_id)
        now = self._clock.now(platform_id)
        return TestClock(now, self._clock.lead(platform_id), target, tuple(unsettled(standings, OWN, now)))

    async def arrived(self, platform_id: UUID, seconds: float) -> TestClock:
        """Wait until a clock has arrived, at most some seconds; tell how it stands then."""
        with self._database.wakes.listening(CHANNEL) as bell:
            ends_at = asyncio.get_running_loop().time() + seconds
            while await self._is_moving(platform_id):
                left = ends_at - asyncio.get_running_loop().time()
                if left <= 0:
                    break
                await bell.rung(min(left, LOOK_SECONDS))
        return await self.find(platform_id)

    async def _is_moving(self, platform_id: UUID) -> bool:
        async with self._database.read() as connection:
            return await shelf.find_target(connection, platform_id) is not None

    async def _advance(
        self, key: RequestKey, wanted: timedelta | datetime, response: Callable[[datetime], Message]
    ) -> Answer:
        async with self._database.work() as work:
            known = await requests.find(work.connection, key)
            if known is not None:
                return known
            answer: Answer
            try:
                answer = response(await self._set_target(work, key.platform_id, wanted)).SerializeToString()
            except Rejected as refusal:
                answer = refusal
            await requests.store(work.connection, [[Decided(key, answer)]])
        return answer

    async def _set_target(self, work: Work, platform_id: UUID, wanted: timedelta | datetime) -> datetime:
        only_test(platform_id)
        platform = await platforms.lock_platform(work.connection, platform_id)
        if platform is None or platform.retired_at:
            raise Rejected("PLATFORM_UNKNOWN")
        machine = self._clock.now()
        begin = await shelf.find_target(work.connection, platform_id) or machine + platform.clock_ahead
        target = begin + wanted if isinstance(wanted, timedelta) else wanted
        if target < begin:
            raise Rejected("CLOCK_IN_PAST", {"now": _said(begin)})
        if target > machine + FURTHEST:
            raise Rejected("CLOCK_TOO_FAR", {"wanted": _said(target), "latest": _said(machine + FURTHEST)})
        await shelf.set_target(work.connection, platform_id, target)
        work.call(CHANNEL)
        return target


class ClockMover:
    """Moves every clock that has a target; the part of a process that runs timers."""

    def __init__(self, database: Database, clock: Clock, standings: Standings) -> None:
        self._database = database
        self._clock = clock
        self._standings = standings
        self._moving = 0

    async def run(self) -> None:
        """Move clocks for as long as the process runs: at once where one is to be moved, in any process."""
        timer = Timer("test clocks", self.run_once, every=SETTLE_SECONDS)
        time, stood_since = asyncio.get_running_loop().time, 0.0
        with self._database.wakes.listening(CHANNEL) as bell:
            while True:
                moved = await timer.once()
                if moved or not self._moving:
                    stood_since = time()
                await bell.rung(pause(time() - stood_since) if self._moving else LOOK_SECONDS)

    async def run_once(self) -> int:
        """Move each clock by one step where all services are done with the last one; returns how many were moved."""
        self._moving = 0
        async with self._database.read() as connection:
            found = await shelf.find_moving(connection, PAGE)
        self._moving = len(found)
        return sum(await asyncio.gather(*(self._step(*item) for item in found)))

    async def _step(self, platform_id: UUID, target: datetime) -> int:
        now = await self._time_of(platform_id)
        standings = await self._standings.of(platform_id)
        if unsettled(standings, OWN, now):
            return 0
        return await self._move(platform_id, standings[OWN].platform_sequence, next_stop(standings, target))

    async def _time_of(self, platform_id: UUID) -> datetime:
        """Tell a twin's time by the database: another process may have moved its clock just now."""
        async with self._database.read() as connection:
            platform = await platforms.find_platform(connection, platform_id)
        return self._clock.now() + (platform.clock_ahead if platform else timedelta())

    async def _move(self, platform_id: UUID, sequence: int, to: datetime) -> int:
        """Move a clock that nobody has moved since it was looked at; at its target, with all done, it has arrived."""
        async with self._database.work() as work:
            platform = await platforms.lock_platform(work.connection, platform_id)
            target = await shelf.find_target(work.connection, platform_id)
            if platform is None or target is None or platform.sequence != sequence:
                return 0
            machine = self._clock.now()
            if machine + platform.clock_ahead >= target:
                await shelf.end_moving(work.connection, platform_id)
                work.call(CHANNEL)
                return 0
            ahead = max(min(to, target) - machine, platform.clock_ahead)
            moved = replace(platform, clock_ahead=ahead, sequence=platform.sequence + 1)
            await platforms.save_platforms(work.connection, [moved], machine)
            tell_platform(work, moved, machine)
        self._clock.set_ahead(platform_id, ahead)
        return 1


def pause(stood: float) -> float:
    """Tell how long to wait where no clock has moved for so many seconds: one may stand for days, and costs little."""
    return min(max(stood / PATIENCE, SETTLE_SECONDS), LOOK_SECONDS)


def next_stop(standings: Mapping[str, Standing], target: datetime) -> datetime:
    """Tell up to when a clock can be moved at once: to the first that is due anywhere, and what is due just after."""
    due = min((one.due_at for one in standings.values() if one.due_at), default=target)
    return min(due + TOGETHER, target)


def only_test(platform_id: UUID) -> None:
    """Refuse what a real platform does not have: Rejected SANDBOX_ONLY."""
    if not is_test(platform_id):
        raise Rejected("SANDBOX_ONLY")


def _said(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
