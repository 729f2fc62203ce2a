"""Batches that form themselves: a lone command is decided at once; what arrives meanwhile forms the next batch."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from itertools import chain
from typing import Generic, TypeAlias, TypeVar

from services.chassis import logs, metrics, queueing, spans, trace
from services.chassis.errors import Raced, Rejected, Unavailable
from services.chassis.status import transient
from services.chassis.turns import Turns

Command = TypeVar("Command")
Answer = TypeVar("Answer")

Decide: TypeAlias = Callable[[Sequence[Command]], Awaitable[Sequence[Answer | Rejected]]]

LIMIT = 500
PART = 100
"""A bulk waits in parts of so many, so that parties can take turns."""
SHARE = 100
"""So many commands of a party are in a batch while others call too: so others never wait for a batch much longer."""
APART_SECONDS = 1.0
"""A party is alone when nobody else has called for so long."""
GATHER_SECONDS = 0.006
GATHER_STEP_SECONDS = 0.001
MIXED = 2
"""A crowd of several parties has so many times as long: each brings rows of its own, and small batches cost most."""
CROWD = 4
"""So many who wait by the time that a batch is done say that a crowd is calling: more than there is time for."""
PATIENCE_SECONDS = 0.35
"""A batch that takes longer keeps nobody waiting, where several may be under way."""
RACES = 5
RETRY_SECONDS = (0.02, 0.1, 0.5)
RETRY_FOR_SECONDS = 3.0
"""A try that took longer than this has waited enough for what is away; it is not repeated."""

log = logs.logger(__name__)


class _Call(Generic[Command, Answer]):
    """What one caller brings and waits for: commands, an answer for each, the trace they came with."""

    __slots__ = ("_answers", "_left", "_size", "came_at", "commands", "done", "is_bulk", "since", "traceparent")

    def __init__(self, commands: Sequence[Command], size: int, *, is_bulk: bool) -> None:
        self.commands = commands
        self._size = size
        self.is_bulk = is_bulk
        self.came_at = time.monotonic()
        self.traceparent = trace.current() or trace.new_traceparent()
        self.since = spans.now()
        self.done: asyncio.Future[list[Answer | Rejected]] = asyncio.get_running_loop().create_future()
        self._answers: list[Answer | Rejected] = [_UNANSWERED] * len(commands)
        self._left = len(commands)

    def size(self) -> int:
        """Tell how much room it takes in a batch: none where its caller has given up."""
        return 0 if self.done.done() else self._size

    def settle(self, index: int, answer: Answer | Rejected) -> None:
        self._answers[index] = answer
        self._left -= 1
        if not self._left and not self.done.done():
            self.done.set_result(self._answers)

    def fail(self, index: int, error: Exception) -> None:
        """Take the failure of one command: of a bulk it is that command's alone, unless all may succeed later."""
        if self.is_bulk and transient(error) is None:
            log.error("a command of a bulk failed", exc_info=error)
            self.settle(index, Rejected("INTERNAL", {"trace_id": self.traceparent[3:35]}))
        elif not self.done.done():
            self.done.set_exception(error)


_UNANSWERED = Rejected("INTERNAL", {"trace_id": ""})

_Slot: TypeAlias = tuple[_Call[Command, Answer], int]
"""One command: the call that brought it, and its place there."""


def _one(_command: object) -> int:
    """Take all commands as equally large."""
    return 1


def _nobody(_command: object) -> None:
    """Take all commands as those of one party."""


class Coalescer(Generic[Command, Answer]):
    """Hands commands to one decision at a time, as many as wait, at most `limit`.

    `decide` gets a batch and gives one answer (or refusal) for each, in order, having committed. A lone call waits for
    nothing. While a crowd is calling, whose callers come again one by one, a batch is given up to `gather` seconds to
    grow, MIXED times as long while several parties call: a commit costs as much for one as for many. Where there is
    time for all who call, nobody waits for others.
    Single calls and bulks take turns: a bulk never keeps single calls waiting twice.

    A batch runs under the trace of the first of its calls that is recorded; each command has its own by its place in
    the batch (see `trace.at`).

    Where decisions do not depend on each other, several batches may be `abreast`: the next one begins when the last one
    is slow, so that what comes meanwhile waits for the database once, not twice.

    `party` says whose a command is. Parties take turns within each batch, and
    while several call, none has more than a share of it: who brings much waits behind itself. A lone party has all.

    `weigh` says for how many a command counts in a batch, where some are larger than others.

    A caller that would wait longer than `queueing` allows is told so at once, Rejected OVERLOADED: when what its party
    brought so long ago still waits.
    """

    def __init__(
        self,
        name: str,
        decide: Decide[Command, Answer],
        *,
        limit: int = LIMIT,
        gather: float = GATHER_SECONDS,
        abreast: int = 1,
        party: Callable[[Command], Hashable] = _nobody,
        weigh: Callable[[Command], int] = _one,
    ) -> None:
        self._name = name
        self._decide = decide
        self._limit = limit
        self._gather = gather
        self._abreast = abreast
        self._under_way: set[asyncio.Task[int]] = set()
        self._party = party
        self._weigh = weigh
        self._singles: Turns[_Call[Command, Answer]] = Turns(_Call.size)
        self._bulks: Turns[_Call[Command, Answer]] = Turns(_Call.size)
        self._turns = deque([self._singles, self._bulks])
        self._last_party: Hashable = None
        self._mixed_at = float("-inf")
        """When a party called after another one did."""
        self._waiting = 0
        self._arrived = asyncio.Event()
        self._stopped = False
        metrics.SHED.labels(name)  # told as 0 from the start: a rate sees the first one then
        metrics.QUEUE_LENGTH.labels(name).set_function(lambda: self._waiting)

    @property
    def waiting(self) -> int:
        """How many commands wait for a batch."""
        return self._waiting

    async def submit(self, command: Command) -> Answer:
        """Have a command decided.

        Raises Rejected for a refusal, OVERLOADED among them, Unavailable when the process stops, and what the decision
        raised. A caller who gives up before the decision is dropped.
        """
        party = self._party(command)
        self._admit(self._singles, party)
        [answer] = await self._enter(self._singles, party, self._call([command], is_bulk=False))
        if isinstance(answer, Rejected):
            raise answer
        return answer

    async def submit_all(self, commands: Sequence[Command]) -> list[Answer | Rejected]:
        """Have commands decided in as few transactions as the limit allows; an answer or a refusal for each, in order.

        What failed for one command alone is its refusal, INTERNAL. What may pass, Unavailable and its like, is raised
        for all: some may be decided then, and the same call tells so. A caller who gives up before that is dropped.
        OVERLOADED is raised before any of them is taken on.
        """
        places: dict[Hashable, list[int]] = {}
        for place, command in enumerate(commands):
            places.setdefault(self._party(command), []).append(place)
        for party in places:
            self._admit(self._bulks, party)
        size = min(PART, self._limit)
        parts = [(party, own[at : at + size]) for party, own in places.items() for at in range(0, len(own), size)]
        calls = [(party, self._call([commands[place] for place in part], is_bulk=True)) for party, part in parts]
        answers = await asyncio.gather(*(self._enter(self._bulks, party, call) for party, call in calls))
        if len(places) <= 1:
            return list(chain.from_iterable(answers))
        return _in_place(len(commands), chain.from_iterable(part for _, part in parts), chain.from_iterable(answers))

    def _call(self, commands: Sequence[Command], *, is_bulk: bool) -> _Call[Command, Answer]:
        """Make a call; one that is larger than a batch is a batch of its own."""
        size = len(commands) if self._weigh is _one else sum(map(self._weigh, commands))
        return _Call(commands, min(size, self._limit), is_bulk=is_bulk)

    def _admit(self, queue: Turns[_Call[Command, Answer]], party: Hashable) -> None:
        """Let a command of a party in; Rejected OVERLOADED where it would wait for too long."""
        oldest = queue.oldest(party)
        if oldest is not None and (refusal := queueing.refusal(oldest.came_at)):
            metrics.SHED.labels(self._name).inc()
            raise refusal
        if party != self._last_party:
            self._mixed_at = self._mixed_at if self._last_party is None else time.monotonic()
            self._last_party = party

    def _enter(
        self, queue: Turns[_Call[Command, Answer]], party: Hashable, call: _Call[Command, Answer]
    ) -> asyncio.Future[list[Answer | Rejected]]:
        if self._stopped:
            raise _stopping()
        queue.add(party, call)
        self._waiting += len(call.commands)
        self._arrived.set()
        return call.done

    async def run(self) -> None:
        """Decide for as long as the process runs; what waits when it stops is answered as unavailable."""
        last = 1
        try:
            while True:
                await self._arrived.wait()
                if len(self._singles) >= CROWD:  # a bulk is one caller, however much it brings
                    await self._gather_more(last)
                last = await (self.run_once() if self._abreast == 1 else self._run_beside())
        finally:
            self._stopped = True
            for call in chain(*self._turns):
                call.fail(0, _stopping())
            for task in self._under_way:
                task.cancel()
            await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _run_beside(self) -> int:
        """Decide one batch; when it turns out to be slow, leave it under way. Returns its size, or 1 then."""
        task = asyncio.create_task(self.run_once())
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        await asyncio.wait([task], timeout=PATIENCE_SECONDS)
        while len(self._under_way) >= self._abreast:
            await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else 1

    async def _gather_more(self, last: int) -> None:
        """Wait until twice as many wait as the last batch had, but not for long."""
        wanted = min(2 * last, self._limit)
        longest = self._gather * (1 if self._is_apart() else MIXED)
        for _ in range(round(longest / GATHER_STEP_SECONDS)):
            if self._waiting >= wanted:
                break
            await asyncio.sleep(GATHER_STEP_SECONDS)

    async def run_once(self) -> int:
        """Decide one batch of what waits; returns its size."""
        batch = self._take()
        if batch:
            metrics.BATCH_SIZE.labels(self._name).observe(len(batch))
            waited = time.monotonic() - min(call.came_at for call, _ in batch)
            metrics.QUEUE_SECONDS.labels(self._name).observe(waited)
            began = time.perf_counter()
            await self._settle(batch, f"queue of {self._name}")
            metrics.BATCH_SECONDS.labels(self._name).observe(time.perf_counter() - began)
        return len(batch)

    def _take(self) -> list[_Slot[Command, Answer]]:
        """Take whole calls while they fit: first of those whose turn it is, then of the others, whose turn is next."""
        batch: list[_Slot[Command, Answer]] = []
        turn = bool(self._turns[0])
        alone = self._is_apart()
        had: Counter[Hashable] = Counter()
        for queue in self._turns:
            for call in queue.take(self._limit - had.total(), self._limit if alone else SHARE, had):
                self._waiting -= len(call.commands)
                if not call.done.done():
                    batch += [(call, index) for index in range(len(call.commands))]
        self._turns.rotate(turn)
        if not self._waiting:
            self._arrived.clear()
        return batch

    def _is_apart(self) -> bool:
        """Tell whether one party alone has called of late."""
        return time.monotonic() - self._mixed_at > APART_SECONDS

    async def _settle(self, batch: list[_Slot[Command, Answer]], waited: str = "") -> None:
        trace.enter(batch[0][0].traceparent)
        calls = list(dict.fromkeys(call for call, _ in batch))
        try:
            with spans.together(
                f"batch of {self._name}",
                [call.traceparent for call in calls],
                [call.since for call in calls],
                len(batch),
                waited,
            ) as traces:
                of_call = dict(zip(calls, traces, strict=True))
                trace.share([of_call[call] for call, _ in batch])
                answers = await self._try([call.commands[index] for call, index in batch])
        except asyncio.CancelledError:
            _fail(batch, _stopping())
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to the callers
            await self._part(batch, error)
        else:
            for (call, index), answer in zip(batch, answers, strict=True):
                call.settle(index, answer)

    async def _try(self, commands: list[Command]) -> Sequence[Answer | Rejected]:
        began = time.monotonic()
        for wait in RETRY_SECONDS:
            try:
                return await self._once(commands)
            except Exception as error:
                if transient(error) is None or time.monotonic() - began > RETRY_FOR_SECONDS:
                    raise
                log.warning("batch tried again", queue=self._name, size=len(commands), why=str(error).strip())
            await asyncio.sleep(wait)
        return await self._once(commands)

    async def _once(self, commands: list[Command]) -> Sequence[Answer | Rejected]:
        answers = await self._raced(commands, RACES)
        if len(answers) != len(commands):
            raise RuntimeError(f"{len(commands)} commands got {len(answers)} answers")
        return answers

    async def _raced(self, commands: list[Command], races: int) -> Sequence[Answer | Rejected]:
        """Decide, and again at once while another process decides the same requests: then their answers are there."""
        try:
            return await self._decide(commands)
        except Raced:
            if not races:
                raise
        return await self._raced(commands, races - 1)

    async def _part(self, batch: list[_Slot[Command, Answer]], error: Exception) -> None:
        """Find the command that makes a batch fail by halving it, so that its neighbours are decided."""
        if len(batch) == 1 or transient(error) is not None:
            _fail(batch, error)
            return
        log.warning("a batch failed; its halves are decided apart", queue=self._name, size=len(batch), why=str(error))
        middle = len(batch) // 2
        await self._settle_both(batch[:middle], batch[middle:])

    async def _settle_both(self, first: list[_Slot[Command, Answer]], second: list[_Slot[Command, Answer]]) -> None:
        try:
            await self._settle(first)
        except asyncio.CancelledError:
            _fail(second, _stopping())
            raise
        await self._settle(second)


def _in_place(count: int, places: Iterable[int], answers: Iterable[Answer]) -> list[Answer]:
    """Put answers where they belong."""
    ordered = dict(zip(places, answers, strict=True))
    return [ordered[place] for place in range(count)]


def _fail(batch: list[_Slot[Command, Answer]], error: Exception) -> None:
    for call, index in batch:
        call.fail(index, error)


def _stopping() -> Unavailable:
    return Unavailable("the service is stopping")
