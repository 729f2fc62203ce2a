"""Works the calls of chat services: finds the invites in what was said, and has the chat answered.

A call is a row with a lease. It is worked again until what it asks for is done and it is answered, refused for good, or
too old for an answer; then what it said is forgotten, and its id is kept for as long as the service may send it again.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from uuid import UUID

from services.chassis import logs
from services.chassis.clock import Clock
from services.chassis.coalesce import Coalescer
from services.chassis.database import Database
from services.chassis.status import transient
from services.team_formation.chats.answers import End, Outcome
from services.team_formation.chats.calls import Calls
from services.team_formation.chats.finding import Found
from services.team_formation.chats.keeper import WAKE_CHANNEL
from services.team_formation.chats.noting import Answered, Noter
from services.team_formation.claims import Claims
from services.team_formation.hooks.reading.incoming import Incoming, Reply
from services.team_formation.hooks.registry import SERVICES
from services.team_formation.store import chat_apps as shelf
from services.team_formation.store.chat_apps import CallNote, DueCall

POLL_SECONDS = 1.0
MOST = 40
"""Calls worked at once by a process."""
PER_APP = 8
"""Of these, of one app: a service that answers slowly keeps nobody else waiting. A claim may double it for a moment."""
LEASE = timedelta(seconds=60)
TOO_OLD = timedelta(minutes=30)
"""After so long nobody waits for the answer, and what it would be sent to is closed; what was asked is done still."""
RETRY_SECONDS = (1, 2, 5, 15, 60, 300, 300, 300, 300, 900)
MOST_ATTEMPTS = 10
"""An answer that got none itself may have arrived: it is not given for ever."""
MOST_FAILURES = 3
"""Attempts that end by a fault of ours."""
KEEP = timedelta(days=8)
"""Longer than any service sends again what it got no answer to: WhatsApp does so for seven days."""
FORGET_PAGE = 1000

Think = Callable[[DueCall, Incoming, bool], Awaitable[Found]]
"""Does what a call asks for, and finds what to say; the last is whether somebody may still wait for that."""
Give = Callable[[UUID, Reply, Found], Awaitable[Outcome]]
"""Says it."""

log = logs.logger(__name__)


class Worker:
    """The part of a process that works calls: so many at once, and of one app no more than its part."""

    def __init__(self, database: Database, clock: Clock, calls: Calls, think: Think, give: Give, noter: Noter) -> None:
        self._database = database
        self._clock = clock
        self._calls = calls
        self._think = think
        self._give = give
        self._noter = noter
        self.notes: Coalescer[CallNote, bool] = Coalescer("notes of hook calls", self._note)
        """Ends of attempts, written many at once. A part of the process of its own, which stops after this one."""
        self._claims: Claims[str] = Claims("calls of chat apps", self._begin, most=MOST, per_lane=PER_APP)

    async def run(self) -> None:
        """Work for as long as the process runs: woken when calls are kept or one is done, else once a second."""
        await self._claims.run(self._database.wakes, WAKE_CHANNEL, POLL_SECONDS)

    async def run_once(self) -> int:
        """Work what is due, and wait until that is done; returns how many calls were claimed."""
        return await self._claims.run_once()

    async def _begin(self) -> int:
        """Claim what there is room for, and begin to work it; returns how many calls that are."""
        free = self._claims.free
        if free <= 0:
            return 0
        async with self._database.work() as work:
            calls = await shelf.claim_calls(
                work.connection, self._clock.now(), LEASE, (free, PER_APP), self._claims.busy
            )
        for call in calls:
            self._claims.begin(call.app_id, self._work(call))
        return len(calls)

    async def forget(self) -> int:
        """Forget the ids of calls that no service sends again; returns how many. Run by a timer."""
        async with self._database.work() as work:
            return await shelf.forget_calls(work.connection, self._clock.now() - KEEP, FORGET_PAGE)

    async def _work(self, call: DueCall) -> None:
        """Do what a call asks for, then answer it: the first until it is done, the second while somebody waits."""
        now, is_wanted = self._clock.now(), self._is_wanted(call)
        done, outcome = await self._done(call, is_wanted=is_wanted)
        if done and is_wanted:
            outcome = await self._answered(call, *done)
        is_open = is_wanted if done else now - (call.received_at or now) < KEEP
        again = outcome.end in {End.RETRY, End.MISCONFIGURED} and is_open
        due_at = self._clock.now() + self._pause(call, outcome) if again else None
        await self.notes.submit(CallNote(call, _noted(outcome), due_at))
        if outcome.end is End.MISCONFIGURED:
            log.error("a chat app is misconfigured", service=call.service, why=outcome.why)

    async def _done(self, call: DueCall, *, is_wanted: bool) -> tuple[tuple[Incoming, Found] | None, Outcome]:
        """Do what a call asks for; gives what was read and what is to be said, or how it ended without."""
        try:
            payload = self._calls.opened(call)
            if payload is None:
                return None, Outcome(End.REFUSED, "it does not open")
            incoming = SERVICES[call.service].read(payload)
            if incoming is None:
                return None, Outcome(End.SENT, "nothing to answer")
            return (incoming, await self._think(call, incoming, is_wanted)), Outcome(End.REFUSED, "too late")
        except Exception as error:  # noqa: BLE001 - one call must not harm the others
            log.warning("a call of a chat app failed", service=call.service, why=type(error).__name__)
            return None, Outcome(End.RETRY, type(error).__name__)

    async def _note(self, notes: Sequence[CallNote]) -> Sequence[bool]:
        async with self._database.work(by_key=True) as work:
            await shelf.note_calls(work.connection, notes)
        return [True] * len(notes)

    def _is_wanted(self, call: DueCall) -> bool:
        """Tell whether somebody may still wait for the answer."""
        return self._clock.now() - call.happened_at < TOO_OLD and call.attempts <= MOST_ATTEMPTS

    def _pause(self, call: DueCall, outcome: Outcome) -> timedelta:
        usual = timedelta(seconds=RETRY_SECONDS[min(call.attempts, len(RETRY_SECONDS)) - 1])
        return max(outcome.retry_after or timedelta(), usual)

    async def _answered(self, call: DueCall, incoming: Incoming, found: Found) -> Outcome:
        if incoming.reply is None or not (found.cards or found.text):
            return Outcome(End.SENT, "nothing to say")
        try:
            outcome = await self._give(call.platform_id, incoming.reply, found)
        except Exception as error:  # noqa: BLE001 - as above
            log.warning("a call of a chat app was not answered", service=call.service, why=type(error).__name__)
            is_fault = transient(error) is None and call.attempts >= MOST_FAILURES
            return Outcome(End.REFUSED if is_fault else End.RETRY, type(error).__name__)
        if outcome.end is End.SENT:
            answered = Answered(call.app_id, call.platform_id, call.happened_at)
            await self._noter.note(answered, incoming, found.cards, outcome.place)
        return outcome


def _noted(outcome: Outcome) -> str:
    return f"{outcome.end}: {outcome.why}"[:200] if outcome.why else str(outcome.end)
