"""Stored requests: decided once, the same answer to whoever asks again, refusals too."""

import asyncio
import contextlib
from datetime import UTC, datetime
from uuid import UUID

import pytest
from google.rpc import status_pb2

from services.chassis import requests
from services.chassis.database import Database
from services.chassis.errors import FieldViolation, Rejected
from services.chassis.requests import NO_CAMPAIGN, Decided, RequestKey
from services.chassis.status import rejected_of, status_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def key(request_id: str = "r-1", body: bytes = b"body", rpc: str = "JoinTeam") -> RequestKey:
    return RequestKey(NO_CAMPAIGN, UUID(int=7), rpc, request_id, body)


async def ask(store: Database, *keys: RequestKey, answer: bytes | Rejected = b"yes") -> list[bytes | Rejected]:
    """Claim keys as a handler does, and decide those that are new."""
    async with store.work() as work:
        known = await requests.claim(work.connection, keys, NOW)
        decided = [Decided(item, answer) for item in dict.fromkeys(keys) if item not in known]
        if decided:
            await requests.store(work.connection, decided)
    return [known.get(item, answer) for item in keys]


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


async def test_twice_in_one_batch_is_decided_once(store: Database) -> None:
    assert await ask(store, key(), key("r-2"), key()) == [b"yes"] * 3


@pytest.mark.parametrize("others", range(5))
async def test_twice_in_one_batch_with_two_bodies_the_first_wins(store: Database, others: int) -> None:
    answers = await ask(store, key(body=b"a%d" % others), key(body=b"b%d" % others))
    assert [seen(item) for item in answers] == [b"yes", ("REQUEST_ID_REUSED", {}, ())]


async def test_the_loser_of_two_transactions_reads_the_winners_answer(store: Database) -> None:
    async with store.work() as winner:
        assert await requests.claim(winner.connection, [key()], NOW) == {}
        losing = asyncio.create_task(ask(store, key(), answer=b"mine"))
        await _waits_for_a_lock(store)
        await requests.store(winner.connection, [Decided(key(), b"winner's")])
    assert await losing == [b"winner's"]


async def _waits_for_a_lock(store: Database) -> None:
    async with asyncio.timeout(30), store.direct() as connection:
        while True:
            row = await connection.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if (await row.fetchone() or (0,))[0]:
                return


async def test_batches_that_share_ids_in_other_orders_do_not_deadlock(store: Database) -> None:
    ids = [f"r-{n}" for n in range(20)]
    batches = [[key(item) for item in order] for order in (ids, ids[::-1], ids[10:] + ids[:10])]
    answers = await asyncio.gather(*(ask(store, *batch, answer=b"%d" % n) for n, batch in enumerate(batches)))
    by_key = {item: answer for batch, given in zip(batches, answers, strict=True) for item, answer in zip(batch, given)}  # noqa: B905
    for batch, given in zip(batches, answers, strict=True):
        assert given == [by_key[item] for item in batch]


async def test_a_claim_that_is_rolled_back_leaves_nothing(store: Database) -> None:
    with contextlib.suppress(ZeroDivisionError):
        async with store.work() as work:
            await requests.claim(work.connection, [key()], NOW)
            raise ZeroDivisionError
    assert await ask(store, key(), answer=b"second") == [b"second"]


def test_a_refusal_survives_being_stored() -> None:
    refusal = Rejected("TEAM_FULL", {"unpaid": 2, "maximum": 5}, (FieldViolation("a", "b"),))
    status = status_pb2.Status.FromString(status_of(refusal).SerializeToString())
    assert status.message == ("The team is full; 2 of its 5 are not confirmed yet and may become free. a: b")
    assert seen(rejected_of(status)) == seen(refusal)
