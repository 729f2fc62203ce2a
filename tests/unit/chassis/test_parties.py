"""Parties in one queue of batches: who brings much waits behind itself, and is told so before it waits too long."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from prometheus_client import REGISTRY

from services.chassis import queueing
from services.chassis.coalesce import PART, SHARE, Coalescer
from services.chassis.errors import Rejected
from tests.support.until import until


class Decider:
    """Answers each command with itself, one batch for each time it is let go on."""

    def __init__(self) -> None:
        self.batches: list[Counter[str]] = []
        self.go = asyncio.Semaphore(0)

    async def decide(self, batch: Sequence[str]) -> Sequence[str | Rejected]:
        self.batches.append(Counter(item[0] for item in batch))
        await self.go.acquire()
        return list(batch)


@asynccontextmanager
async def running(decider: Decider) -> AsyncIterator[Coalescer[str, str]]:
    """Run a queue whose commands begin with the letter of their party; the first batch is under way."""
    queue = Coalescer[str, str]("parties", decider.decide, gather=0, party=lambda command: command[0])
    task = asyncio.create_task(queue.run())
    first = asyncio.create_task(queue.submit("x"))
    await until(lambda: len(decider.batches) == 1)
    yield queue
    first.cancel()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def came(queue: Coalescer[str, str], party: str, count: int) -> list["asyncio.Task[str]"]:
    """Have commands of a party wait, each of a caller of its own."""
    tasks = [asyncio.create_task(queue.submit(f"{party}{number}")) for number in range(count)]
    await asyncio.sleep(0)
    return tasks


async def test_a_quiet_party_is_in_the_next_batch_of_a_flood() -> None:
    decider = Decider()
    async with running(decider) as queue:
        flood = await came(queue, "f", 3000)
        quiet = await came(queue, "q", 1)
        decider.go.release()
        await until(lambda: len(decider.batches) == 2)
        assert decider.batches[1] == {"f": SHARE, "q": 1}
        decider.go.release()
        assert await quiet[0] == "q0"
        for _ in range(40):
            decider.go.release()
        assert await asyncio.gather(*flood) == [f"f{number}" for number in range(3000)]
    assert sum(batch["f"] for batch in decider.batches) == 3000


async def test_a_bulk_waits_in_parts_and_is_answered_whole_and_in_order() -> None:
    decider = Decider()
    async with running(decider) as queue:
        bulk = asyncio.create_task(queue.submit_all([f"f{number}" for number in range(2 * PART + 1)]))
        await asyncio.sleep(0)
        quiet = await came(queue, "q", 3)
        for _ in range(9):
            decider.go.release()
        assert await bulk == [f"f{number}" for number in range(2 * PART + 1)]
        assert [await one for one in quiet] == ["q0", "q1", "q2"]
    assert decider.batches[1:] == [{"q": 3, "f": PART}, {"f": PART}, {"f": 1}]


async def test_a_party_alone_fills_a_batch() -> None:
    decider = Decider()
    queue = Coalescer[str, str]("parties", decider.decide, gather=0, party=lambda command: command[0])
    task = asyncio.create_task(queue.run())
    first = await came(queue, "f", 1)
    await until(lambda: len(decider.batches) == 1)
    more = await came(queue, "f", 700)
    for _ in range(3):
        decider.go.release()
    await asyncio.gather(*first, *more)
    task.cancel()
    assert decider.batches == [{"f": 1}, {"f": 500}, {"f": 200}]


async def patient(queue: Coalescer[str, str], command: str, seconds: float) -> str:
    """Bring a command whose caller waits for so long."""
    queueing.enter(seconds)
    return await queue.submit(command)


def shed() -> float:
    return REGISTRY.get_sample_value("groupbuy_shed_total", {"queue": "parties"}) or 0.0


async def test_who_would_wait_for_too_long_is_told_so_at_once_and_others_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    decider, before = Decider(), shed()
    async with running(decider) as queue:
        waiting = await came(queue, "f", 2)
        monkeypatch.setattr(queueing, "QUEUE_SECONDS", 0.0)
        with pytest.raises(Rejected, match="OVERLOADED") as refused:
            await asyncio.create_task(patient(queue, "f9", 30))
        assert refused.value.retry_after is not None
        assert refused.value.retry_after >= 1
        quiet = asyncio.create_task(patient(queue, "q0", 30))
        await asyncio.sleep(0)
        with pytest.raises(Rejected, match="OVERLOADED"):
            await asyncio.create_task(patient(queue, "f8", 30))
        ours = await came(queue, "f", 1)
        for _ in range(9):
            decider.go.release()
        assert [await one for one in (*waiting, quiet, *ours)] == ["f0", "f1", "q0", "f0"], (
            "what is accepted is answered"
        )
    assert shed() - before == 2
    assert sum(sum(batch.values()) for batch in decider.batches) == 5, "what was refused was not decided"


async def test_nobody_waits_longer_than_its_caller_does() -> None:
    decider = Decider()
    async with running(decider) as queue:
        [waiting] = await came(queue, "f", 1)
        await asyncio.sleep(0.02)
        with pytest.raises(Rejected, match="OVERLOADED"):
            await asyncio.create_task(patient(queue, "f9", 0.01))
        longer = asyncio.create_task(patient(queue, "f8", 30))
        await asyncio.sleep(0)
        for _ in range(9):
            decider.go.release()
        assert (await waiting, await longer) == ("f0", "f8")


async def test_a_bulk_is_refused_before_any_of_it_is_taken_on(monkeypatch: pytest.MonkeyPatch) -> None:
    decider = Decider()
    async with running(decider) as queue:
        waiting = asyncio.create_task(queue.submit_all(["f0", "f1"]))
        await asyncio.sleep(0)
        monkeypatch.setattr(queueing, "QUEUE_SECONDS", 0.0)
        queueing.enter(30)
        with pytest.raises(Rejected, match="OVERLOADED"):
            await queue.submit_all([f"f{number}" for number in range(300)])
        for _ in range(9):
            decider.go.release()
        assert await waiting == ["f0", "f1"]
    assert sum(sum(batch.values()) for batch in decider.batches) == 3
