"""Stored requests: what was decided for a request id is given again to whoever asks again, and decided once.

A batch locks what it decides about, reads the answers that are stored, decides the rest, and inserts its own answers
last, in order. Where two transactions decide the same id though they lock nothing in common, the second one's insert
waits for the first and fails as Raced; the whole batch is rolled back and decided again, and then finds the answer.
"""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

import psycopg
from google.protobuf.message import Message as ProtoMessage
from google.rpc import status_pb2
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis import arrays
from services.chassis.errors import Rejected, invalid
from services.chassis.rows import Asked, ask, put
from services.chassis.status import rejected_of, status_of

NO_CAMPAIGN = UUID(int=0)
_LONGEST = 64

Answer: TypeAlias = bytes | Rejected


class RequestKey(NamedTuple):
    """What makes a request the same one."""

    campaign_id: UUID
    platform_id: UUID
    rpc: str
    request_id: str
    body_hash: bytes


class Decided(NamedTuple):
    """What was decided: a response as bytes, or a refusal."""

    key: RequestKey
    answer: Answer
    subject: UUID | None = None


def check_request_id(request_id: str) -> None:
    """Refuse a request id that is not 1 to 64 visible ASCII characters."""
    visible = request_id.isascii() and request_id.isprintable() and " " not in request_id
    if not visible or not 1 <= len(request_id) <= _LONGEST:
        raise invalid(
            "request_id", "must be 1 to 64 visible ASCII characters; make a new one per request, for instance a UUID"
        )


def body_hash(request: ProtoMessage) -> bytes:
    """Hash a request without its request_id, which is taken out for the moment: a parsed request is ours alone."""
    ours: Any = request
    request_id = ours.request_id
    ours.request_id = ""
    raw = request.SerializeToString(deterministic=True)
    ours.request_id = request_id
    return hashlib.sha256(raw).digest()


async def known(
    connection: AsyncConnection[TupleRow], keys: Sequence[Sequence[RequestKey]]
) -> Asked[tuple[int, bytes, bool, bytes]]:
    """Ask what was decided for keys, those of each campaign apart, at least one each; Answers reads the rows.

    To be asked after what they are about was locked: whoever waited for a lock then reads what the other decided.
    """
    return await ask(
        connection,
        "SELECT k.nth, r.body_hash, r.refused, r.answer"
        " FROM unnest(%s, %s, %s) WITH ORDINALITY AS k (platform_id, rpc, request_id, nth)"
        " CROSS JOIN LATERAL (SELECT * FROM requests AS q WHERE q.campaign_id = %s AND q.platform_id = k.platform_id"
        " AND q.rpc = k.rpc AND q.request_id = k.request_id OFFSET 0) AS r",
        [(*_columns(own), own[0].campaign_id) for own in keys],
        lambda row: (row[0], row[1], row[2], row[3]),
    )


class Answers:
    """What was decided for the requests of one campaign: what `known` found, and what a batch decides itself."""

    def __init__(self, keys: Sequence[RequestKey] = (), rows: Iterable[tuple[int, bytes, bool, bytes]] = ()) -> None:
        self._answers: dict[tuple[str, str, int], tuple[bytes, Answer]] = {}
        for nth, body, refused, answer in rows:
            given = rejected_of(status_pb2.Status.FromString(answer)) if refused else answer
            self._answers[_identity(keys[nth - 1])] = (body, given)

    def get(self, key: RequestKey) -> Answer | None:
        """Give what was decided; None where nothing was, REQUEST_ID_REUSED where it was for another body."""
        found = self._answers.get(_identity(key))
        if found is None:
            return None
        return found[1] if found[0] == key.body_hash else Rejected("REQUEST_ID_REUSED")

    def keep(self, key: RequestKey, answer: Answer) -> None:
        """Keep what is decided now."""
        self._answers[_identity(key)] = (key.body_hash, answer)


def _identity(key: RequestKey) -> tuple[str, str, int]:
    return key.request_id, key.rpc, key.platform_id.int


async def find(connection: AsyncConnection[TupleRow], key: RequestKey) -> Answer | None:
    """Read what was decided for a key; None where nothing was."""
    return Answers([key], await (await known(connection, [[key]])).one()).get(key)


async def store(connection: AsyncConnection[TupleRow], decided: Sequence[Sequence[Decided]]) -> None:
    """Store what was decided, each campaign's apart, in the order of their ids: the last that a transaction saves.

    Each key once. Database.work raises Raced where another transaction has stored one since `known` was asked.
    """
    await put(
        connection,
        "INSERT INTO requests (campaign_id, platform_id, rpc, request_id, body_hash, refused, answer, subject,"
        " created_at) SELECT %s, k.*, %s FROM unnest(%s, %s, %s, %s, %s, %s, %s) AS k",
        [_row(own) for own in decided],
    )


async def keep(connection: AsyncConnection[TupleRow], decided: Decided) -> Answer:
    """Store an answer unless its key has one; gives the one that stands. Like `store`, the last in a transaction."""
    known = await find(connection, decided.key)
    if known is not None:
        return known
    await store(connection, [[decided]])
    return decided.answer


async def find_with(
    connection: AsyncConnection[TupleRow], platform_id: UUID, campaigns: Sequence[UUID], text: str
) -> list[tuple[UUID, str, str, bool, bytes]]:
    """Find answers of a platform in which a text stands, in campaigns and in what names none.

    Gives campaign, RPC, request id, whether it is a refusal, and the answer.
    """
    cursor = await connection.execute(
        "SELECT campaign_id, rpc, request_id, refused, answer FROM requests WHERE campaign_id = ANY(%s)"
        " AND platform_id = %s AND position(%s IN answer) > 0",
        ([NO_CAMPAIGN, *campaigns], platform_id, text.encode()),
    )
    return [(row[0], row[1], row[2], row[3], row[4]) async for row in cursor]


async def replace_answer(
    connection: AsyncConnection[TupleRow], key: RequestKey, answer: bytes, *, forget_body: bool
) -> None:
    """Replace a stored answer; with `forget_body` no request is the same as that which it answered any more."""
    await connection.execute(
        "UPDATE requests SET answer = %s, body_hash = CASE WHEN %s THEN sha256(gen_random_uuid()::text::bytea)"
        " ELSE body_hash END WHERE campaign_id = %s AND platform_id = %s AND rpc = %s AND request_id = %s",
        (answer, forget_body, key.campaign_id, key.platform_id, key.rpc, key.request_id),
    )


def _row(decided: Sequence[Decided]) -> tuple[object, ...]:
    # in the order of keys, but ids as numbers: UUID compares in Python
    ordered = sorted(decided, key=lambda item: (item.key.platform_id.int, item.key.rpc, item.key.request_id))
    return (
        ordered[0].key.campaign_id,
        datetime.now(UTC),
        *_columns([item.key for item in ordered]),
        arrays.byteas(item.key.body_hash for item in ordered),
        arrays.booleans(isinstance(item.answer, Rejected) for item in ordered),
        arrays.byteas(_bytes(item.answer) for item in ordered),
        arrays.uuids(item.subject for item in ordered),
    )


def is_race(error: psycopg.Error) -> bool:
    """Tell whether an error means that an id was stored by another transaction; a partition's name begins like ours."""
    table = error.diag.table_name or ""
    return isinstance(error, psycopg.errors.UniqueViolation) and table.startswith("requests")


def _bytes(answer: Answer) -> bytes:
    return status_of(answer).SerializeToString() if isinstance(answer, Rejected) else answer


def _columns(keys: Sequence[RequestKey]) -> tuple[arrays.Array, arrays.Array, arrays.Array]:
    return (
        arrays.uuids(key.platform_id for key in keys),
        arrays.texts(key.rpc for key in keys),
        arrays.texts(key.request_id for key in keys),
    )
