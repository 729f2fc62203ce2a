"""Batches that form themselves: who waits for whom, who is answered how, and that nobody harms a neighbour."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest

from services.chassis import coalesce, trace
from services.chassis.coalesce import Coalescer
from services.chassis.errors import Raced, Rejected, Unavailable
from tests.support.until import until


class Decider:
    """Answers a command with itself in capitals; can be held, and does to commands as their names say."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.traces: list[str] = []
        self.go = asyncio.Event()
        self.go.set()
        self.fails: list[Exception] = []

    async def decide(self, batch: Sequence[str]) -> Sequence[str | Rejected]:
        self.batches.append(list(batch))
        self.traces.append(trace.trace_id())
        await self.go.wait()
        if self.fails:
            raise self.fails.pop(0)
        if "bad" in batch:
            raise ZeroDivisionError("bad")
        return [Rejected("TEAM_FULL") if item == "no" else item.upper() for item in batch]


@asynccontextmanager
async def running(
    decide: Callable[[Sequence[str]], Awaitable[Sequence[str | Rejected]]], **options: Any
) -> AsyncIterator[Coalescer[str, str]]:
    queue = Coalescer[str, str]("test", decide, **options)
    task = asyncio.create_task(queue.run())
    await asyncio.sleep(0)
    yield queue
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def until_batches(decider: Decider, count: int) -> None:
    await until(lambda: len(decider.batches) >= count)


async def test_a_lone_command_is_decided_at_once() -> None:
    decider = Decider()
    async with running(decider.decide) as queue:
        assert await queue.submit("a") == "A"
        assert await queue.submit("b") == "B"
    assert decider.batches == [["a"], ["b"]]


async def test_what_arrives_during_a_decision_forms_the_next_batch() -> None:
    decider = Decider()
    async with running(decider.decide) as queue:
        decider.go.clear()
        first = asyncio.create_task(queue.submit("a"))
        await until_batches(decider, 1)
        more = [asyncio.create_task(queue.submit(name)) for name in "bcd"]
        await asyncio.sleep(0)
        decider.go.set()
        assert await asyncio.gather(first, *more) == ["A", "B", "C", "D"]
    assert decider.batches == [["a"], ["b", "c", "d"]]


async def _after_a_crowd(decider: Decider, queue: Coalescer[str, str], more: str) -> list[asyncio.Task[str]]:
    """Have four decided, and more come meanwhile; gives those that came meanwhile."""
    decider.go.clear()
    crowd = [asyncio.create_task(queue.submit(one)) for one in "abcd"]
    await until_batches(decider, 1)
    waiting = [asyncio.create_task(queue.submit(one)) for one in more]
    await asyncio.sleep(0)
    decider.go.set()
    assert await asyncio.gather(*crowd) == list("ABCD")
    return waiting


async def test_while_a_crowd_is_calling_a_batch_grows() -> None:
    decider = Decider()
    async with running(decider.decide, gather=60) as queue:
        first = await _after_a_crowd(decider, queue, "efgh")
        assert await asyncio.gather(*map(queue.submit, "ijkl")) == list("IJKL")
        assert await asyncio.gather(*first) == list("EFGH")
    assert decider.batches == [list("abcd"), list("efghijkl")]


@pytest.mark.parametrize(("names", "times"), [("a1 a2", 1), ("a1 b1", 2)])
async def test_a_crowd_of_several_parties_is_given_longer_to_grow(
    names: str, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept = list[float]()
    queue = Coalescer[str, str]("test", Decider().decide, gather=0.006, party=lambda name: name[0])
    calls = [asyncio.create_task(queue.submit(name)) for name in names.split()]
    await until(lambda: queue.waiting == len(calls))

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    await queue._gather_more(100)
    monkeypatch.undo()
    assert len(slept) == 6 * times
    assert await queue.run_once() == len(calls)
    assert await asyncio.gather(*calls) == [name.upper() for name in names.split()]


async def test_few_who_come_while_a_crowd_is_decided_wait_for_no_others() -> None:
    decider = Decider()
    async with running(decider.decide, gather=60) as queue:
        few = await _after_a_crowd(decider, queue, "efg")
        assert await asyncio.wait_for(asyncio.gather(*few), 30) == list("EFG")
    assert decider.batches == [list("abcd"), list("efg")]


async def test_a_lone_call_after_a_crowd_waits_for_nothing() -> None:
    decider = Decider()
    async with running(decider.decide, gather=60) as queue:
        await asyncio.gather(*map(queue.submit, "abcd"))
        assert await asyncio.wait_for(queue.submit("e"), 30) == "E"
    assert decider.batches == [list("abcd"), ["e"]]


async def test_a_lone_bulk_waits_for_nothing_however_often_it_comes() -> None:
    decider = Decider()
    async with running(decider.decide, gather=60) as queue:
        for _ in range(2):
            assert await asyncio.wait_for(queue.submit_all(list("abcdef")), 30) == list("ABCDEF")
    assert decider.batches == [list("abcdef")] * 2


async def test_a_batch_has_a_limit() -> None:
    decider = Decider()
    async with running(decider.decide, limit=2, gather=0) as queue:
        assert await asyncio.gather(*map(queue.submit, "abcde")) == list("ABCDE")
    assert decider.batches == [["a", "b"], ["c", "d"], ["e"]]


async def test_a_refusal_is_raised_for_its_caller_alone() -> None:
    decider = Decider()
    async with running(decider.decide) as queue:
        a, no, b = await asyncio.gather(*map(queue.submit, ("a", "no", "b")), return_exceptions=True)
    assert (a, b) == ("A", "B")
    assert isinstance(no, Rejected)
    assert len(decider.batches) == 1


async def test_a_caller_that_has_given_up_is_not_decided() -> None:
    decider = Decider()
    async with running(decider.decide) as queue:
        decider.go.clear()
        first = asyncio.create_task(queue.submit("a"))
        await until_batches(decider, 1)
        gone = asyncio.create_task(queue.submit("b"))
        stays = asyncio.create_task(queue.submit("c"))
        await asyncio.sleep(0)
        gone.cancel()
        first.cancel()
        decider.go.set()
        assert await stays == "C"
    assert decider.batches == [["a"], ["c"]]


async def test_one_bad_command_harms_none_of_its_neighbours() -> None:
    decider = Decider()
    names = ["a", "b", "c", "bad", "d", "e", "f", "g"]
    async with running(decider.decide) as queue:
        answers = await asyncio.gather(*map(queue.submit, names), return_exceptions=True)
    assert [str(answer) for answer in answers] == ["A", "B", "C", "bad", "D", "E", "F", "G"]
    assert isinstance(answers[3], ZeroDivisionError)
    assert len(decider.batches) < len(names)


def seen(answers: Sequence[str | Rejected]) -> list[str]:
    """Answers as texts, refusals by their reason."""
    return [answer.reason if isinstance(answer, Rejected) else answer for answer in answers]


async def test_a_bulk_is_one_batch_with_an_answer_each() -> None:
    decider = Decider()
    async with running(decider.decide) as queue:
        assert seen(await queue.submit_all(["a", "no", "b"])) == ["A", "TEAM_FULL", "B"]
        assert await queue.submit_all([]) == []
    assert decider.batches == [["a", "no", "b"]]


async def test_a_bulk_larger_than_the_limit_is_several_batches() -> None:
    decider = Decider()
    async with running(decider.decide, limit=2, gather=0) as queue:
        assert await queue.submit_all("abcde") == list("ABCDE")
    assert decider.batches == [["a", "b"], ["c", "d"], ["e"]]


async def test_a_bad_command_harms_none_of_its_bulk() -> None:
    decider = Decider()
    async with running(decider.decide) as queue:
        assert seen(await queue.submit_all(["a", "b", "bad", "c"])) == ["A", "B", "INTERNAL", "C"]


async def test_trouble_that_may_pass_is_raised_for_the_whole_bulk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coalesce, "RETRY_SECONDS", ())
    decider = Decider()
    decider.fails = [psycopg.OperationalError("away")]
    async with running(decider.decide) as queue:
        with pytest.raises(psycopg.OperationalError):
            await queue.submit_all(["a", "b"])
        assert await queue.submit("c") == "C"


async def test_bulks_and_single_calls_take_turns() -> None:
    decider = Decider()
    async with running(decider.decide, limit=4, gather=0) as queue:
        decider.go.clear()
        first = asyncio.create_task(queue.submit_all("abcd"))
        await until_batches(decider, 1)
        bulks = [asyncio.create_task(queue.submit_all(name * 4)) for name in "xyz"]
        await asyncio.sleep(0)
        singles = [asyncio.create_task(queue.submit(name)) for name in "efghij"]
        await asyncio.sleep(0)
        decider.go.set()
        await asyncio.gather(first, *bulks, *singles)
    assert list(map("".join, decider.batches)) == ["abcd", "efgh", "xxxx", "ij", "yyyy", "zzzz"]


async def test_a_small_bulk_shares_a_batch_with_single_calls() -> None:
    decider = Decider()
    async with running(decider.decide) as queue:
        await asyncio.gather(queue.submit("a"), queue.submit_all("bc"), queue.submit("d"))
    assert decider.batches == [["a", "d", "b", "c"]]


async def test_a_bulk_whose_caller_has_given_up_is_not_decided() -> None:
    decider = Decider()
    async with running(decider.decide) as queue:
        decider.go.clear()
        first = asyncio.create_task(queue.submit("a"))
        await until_batches(decider, 1)
        gone, stays = asyncio.create_task(queue.submit_all("bc")), asyncio.create_task(queue.submit_all("de"))
        await asyncio.sleep(0)
        gone.cancel()
        decider.go.set()
        assert await stays == ["D", "E"]
        assert await first == "A"
    assert decider.batches == [["a"], ["d", "e"]]


@pytest.mark.parametrize("answers", [[], ["A", "B"]])
async def test_answers_that_do_not_match_are_a_failure_for_the_caller(answers: list[str]) -> None:
    async def decide(_batch: Sequence[str]) -> Sequence[str | Rejected]:
        return answers

    async with running(decide) as queue:
        with pytest.raises(RuntimeError, match="1 commands got"):
            await queue.submit("a")
        with pytest.raises(RuntimeError, match="1 commands got"):
            await queue.submit("b")


async def test_trouble_that_passes_is_not_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coalesce, "RETRY_SECONDS", (0, 0))
    decider = Decider()
    decider.fails = [psycopg.errors.DeadlockDetected("x"), psycopg.OperationalError("y")]
    async with running(decider.decide) as queue:
        assert await queue.submit("a") == "A"
    assert decider.batches == [["a"]] * 3


async def test_a_race_is_decided_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coalesce, "RETRY_FOR_SECONDS", -1)
    decider = Decider()
    decider.fails = [Raced("x") for _ in range(coalesce.RACES)]
    async with running(decider.decide) as queue:
        assert await queue.submit("a") == "A"
    assert decider.batches == [["a"]] * (coalesce.RACES + 1)


async def test_races_without_end_are_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coalesce, "RETRY_FOR_SECONDS", -1)
    decider = Decider()
    decider.fails = [Raced("x") for _ in range(coalesce.RACES + 1)]
    async with running(decider.decide) as queue:
        with pytest.raises(Unavailable):
            await queue.submit("a")
        assert await queue.submit("b") == "B"


async def test_trouble_that_stays_is_everybodys_and_the_batch_is_not_taken_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(coalesce, "RETRY_SECONDS", (0, 0))
    decider = Decider()
    decider.fails = [psycopg.OperationalError("away") for _ in range(3)]
    async with running(decider.decide) as queue:
        answers = await asyncio.gather(*map(queue.submit, "ab"), return_exceptions=True)
        assert await queue.submit("c") == "C"
    assert [type(answer) for answer in answers] == [psycopg.OperationalError] * 2
    assert decider.batches == [["a", "b"]] * 3 + [["c"]]


async def test_a_try_that_waited_long_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coalesce, "RETRY_FOR_SECONDS", -1)
    decider = Decider()
    decider.fails = [psycopg.OperationalError("away")]
    async with running(decider.decide) as queue:
        with pytest.raises(psycopg.OperationalError):
            await queue.submit("a")
    assert len(decider.batches) == 1


async def test_a_stop_answers_who_waits_and_who_comes() -> None:
    decider = Decider()
    decider.go.clear()
    async with running(decider.decide) as queue:
        under_way = asyncio.create_task(queue.submit("a"))
        await until_batches(decider, 1)
        waiting = asyncio.create_task(queue.submit("b"))
        await asyncio.sleep(0)
    bulk = asyncio.create_task(queue.submit_all("de"))
    for caller in (under_way, waiting, bulk, asyncio.create_task(queue.submit("c"))):
        with pytest.raises(Unavailable, match="stopping"):
            await caller


async def test_a_stop_answers_who_is_decided_apart() -> None:
    halves = asyncio.Event()

    async def decide(batch: Sequence[str]) -> Sequence[str | Rejected]:
        if len(batch) == 4:
            raise ZeroDivisionError
        halves.set()
        await asyncio.Event().wait()
        return []

    async with running(decide) as queue:
        callers = [asyncio.create_task(queue.submit(name)) for name in "abcd"]
        await halves.wait()
    answers = await asyncio.gather(*callers, return_exceptions=True)
    assert [type(answer) for answer in answers] == [Unavailable] * 4


async def test_a_batch_runs_under_the_trace_of_its_first_command() -> None:
    decider = Decider()
    async with running(decider.decide) as queue:
        first, second = trace.new_traceparent(), trace.new_traceparent()
        trace.enter(first)
        one = asyncio.create_task(queue.submit("a"))
        await one
        trace.enter(second)
        await queue.submit("b")
    assert decider.traces == [first[3:35], second[3:35]]


async def test_a_slow_batch_keeps_nobody_waiting_where_several_may_be_under_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(coalesce, "PATIENCE_SECONDS", 0.01)
    decider = Decider()
    decider.go.clear()
    async with running(decider.decide, abreast=2) as queue:
        callers = []
        for count, name in enumerate("abcd", 1):
            callers.append(asyncio.create_task(queue.submit(name)))
            await until_batches(decider, min(count, 2))
        assert decider.batches == [["a"], ["b"]]  # no more than two, however slow they are
        decider.go.set()
        assert await asyncio.gather(*callers) == ["A", "B", "C", "D"]
    assert decider.batches == [["a"], ["b"], ["c", "d"]]


async def test_quick_batches_come_one_after_the_other_even_so() -> None:
    decider = Decider()
    most = under_way = 0

    async def decide(batch: Sequence[str]) -> Sequence[str | Rejected]:
        nonlocal most, under_way
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        answers = await decider.decide(batch)
        under_way -= 1
        return answers

    async with running(decide, abreast=4, limit=1) as queue:
        assert await asyncio.gather(*map(queue.submit, "abcdefgh")) == list("ABCDEFGH")
    assert (most, len(decider.batches)) == (1, 8)


async def test_a_stop_answers_who_is_decided_abreast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coalesce, "PATIENCE_SECONDS", 0.01)
    decider = Decider()
    decider.go.clear()
    async with running(decider.decide, abreast=2) as queue:
        callers = []
        for count, name in enumerate("abc", 1):
            callers.append(asyncio.create_task(queue.submit(name)))
            await until_batches(decider, min(count, 2))
    answers = await asyncio.gather(*callers, return_exceptions=True)
    assert [type(answer) for answer in answers] == [Unavailable] * 3
