"""Stored requests: decided once, the same answer to whoever asks again, refusals too."""

import asyncio
import contextlib
from collections.abc import Sequence
from uuid import UUID

import pytest
from google.rpc import status_pb2
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb
from psycopg.errors import UniqueViolation

from services.chassis import requests
from services.chassis.coalesce import Coalescer
from services.chassis.database import Database
from services.chassis.errors import FieldViolation, Raced, Rejected
from services.chassis.requests import NO_CAMPAIGN, Answers, Decided, RequestKey
from services.chassis.status import rejected_of, status_of
from services.chassis.work import Work


def key(request_id: str = "r-1", body: bytes = b"body", rpc: str = "JoinTeam") -> RequestKey:
    return RequestKey(NO_CAMPAIGN, UUID(int=7), rpc, request_id, body)


async def ask(store: Database, *keys: RequestKey, answer: bytes | Rejected = b"yes") -> list[bytes | Rejected]:
    """Decide the keys that are new, as a handler does."""
    async with store.work() as work:
        known = await find(work, *keys)
        fresh = [item for item in dict.fromkeys(keys) if known.get(item) is None]
        if fresh:
            await requests.store(work.connection, [[Decided(item, answer) for item in fresh]])
        for item in fresh:
            known.keep(item, answer)
    return [found for item in keys if (found := known.get(item)) is not None]


async def find(work: Work, *keys: RequestKey) -> Answers:
    """What is stored for keys."""
    return Answers(keys, await (await requests.known(work.connection, [keys])).one())


def seen(answer: bytes | Rejected) -> object:
    """An answer as something that can be compared."""
    return (answer.reason, answer.metadata, answer.fields) if isinstance(answer, Rejected) else answer


@pytest.mark.parametrize(
    "answer",
    [
        b"yes",
        b"",
        Rejected("TEAM_FULL", {"unpaid": 2, "maximum": 5}),
        Rejected("INVALID_ARGUMENT", fields=(FieldViolation("quantity", "must be 1"), FieldViolation("sku", "?"))),
    ],
    ids=["answer", "empty", "refusal", "fields"],
)
async def test_the_same_request_gets_the_same_answer(store: Database, answer: bytes | Rejected) -> None:
    first = await ask(store, key(), answer=answer)
    again = await ask(store, key(), answer=b"other")
    assert [seen(item) for item in first] == [seen(item) for item in again] == [seen(answer)]


async def test_another_body_is_refused(store: Database) -> None:
    await ask(store, key())
    [answer] = await ask(store, key(body=b"other"))
    assert seen(answer) == ("REQUEST_ID_REUSED", {}, ())


async def test_the_same_id_of_another_rpc_is_another_request(store: Database) -> None:
    await ask(store, key())
    assert await ask(store, key(rpc="LeaveTeam"), answer=b"left") == [b"left"]


async def test_twice_among_the_known_each_is_judged_by_its_own_body(store: Database) -> None:
    await ask(store, key())
    async with store.work() as work:
        known = await find(work, key(), key("r-2"))
    answers = [known.get(item) for item in (key(), key(body=b"other"), key("r-2"))]
    assert [answer and seen(answer) for answer in answers] == [b"yes", ("REQUEST_ID_REUSED", {}, ()), None]


async def test_another_campaigns_request_is_another_request(store: Database) -> None:
    await ask(store, key())
    async with store.work() as work:
        other = key()._replace(campaign_id=UUID(int=1))
        assert await (await requests.known(work.connection, [[other]])).one() == []


async def test_the_loser_of_two_transactions_is_told_so_and_then_reads_the_winners_answer(store: Database) -> None:
    async with store.work() as winner:
        assert (await find(winner, key())).get(key()) is None
        await requests.store(winner.connection, [[Decided(key(), b"winner's")]])
        assert (await find(winner, key())).get(key()) == b"winner's"
        losing = asyncio.create_task(ask(store, key(), answer=b"mine"))
        await _waits_for_a_lock(store)
    with pytest.raises(Raced):
        await losing
    assert await ask(store, key(), answer=b"mine") == [b"winner's"]


async def test_another_unique_violation_is_no_race(store: Database) -> None:
    async def twice() -> None:
        async with store.work() as work:
            for _ in range(2):
                await work.connection.execute("INSERT INTO inbox (topic, key, sequence) VALUES ('t', 'k', 1)")

    with pytest.raises(UniqueViolation):
        await twice()


async def _waits_for_a_lock(store: Database) -> None:
    async with asyncio.timeout(30), store.direct() as connection:
        while True:
            row = await connection.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if (await row.fetchone() or (0,))[0]:
                return


async def test_replicas_that_decide_the_same_ids_in_other_orders_agree_and_do_not_deadlock(store: Database) -> None:
    ids = [f"r-{n}" for n in range(20)]
    batches = [[key(item) for item in order] for order in (ids, ids[::-1], ids[10:] + ids[:10])]

    async def replica(number: int) -> list[bytes | Rejected]:
        async def decide(keys: Sequence[RequestKey]) -> list[bytes | Rejected]:
            return await ask(store, *keys, answer=b"%d" % number)

        queue: Coalescer[RequestKey, bytes] = Coalescer("test", decide)
        running = asyncio.create_task(queue.run())
        try:
            return list(await asyncio.gather(*map(queue.submit, batches[number])))
        finally:
            running.cancel()

    answers = await asyncio.gather(*map(replica, range(3)))
    by_key = {item: answer for batch, given in zip(batches, answers, strict=True) for item, answer in zip(batch, given)}  # noqa: B905
    for batch, given in zip(batches, answers, strict=True):
        assert given == [by_key[item] for item in batch]


async def test_what_is_rolled_back_leaves_nothing(store: Database) -> None:
    with contextlib.suppress(ZeroDivisionError):
        async with store.work() as work:
            await requests.store(work.connection, [[Decided(key(), b"first")]])
            raise ZeroDivisionError
    assert await ask(store, key(), answer=b"second") == [b"second"]


def test_a_body_is_hashed_without_its_id_and_stays_as_it_was() -> None:
    one = pb.LeaveTeamRequest(request_id="r-1", seat_id="seat_a")
    assert requests.body_hash(one) == requests.body_hash(pb.LeaveTeamRequest(request_id="r-2", seat_id="seat_a"))
    assert requests.body_hash(one) != requests.body_hash(pb.LeaveTeamRequest(request_id="r-1", seat_id="seat_b"))
    assert one.request_id == "r-1"


def test_a_refusal_survives_being_stored() -> None:
    refusal = Rejected("TEAM_FULL", {"unpaid": 2, "maximum": 5}, (FieldViolation("a", "b"),))
    status = status_pb2.Status.FromString(status_of(refusal).SerializeToString())
    assert status.message == ("The team is full; 2 of its 5 are not confirmed yet and may become free. a: b")
    assert seen(rejected_of(status)) == seen(refusal)
