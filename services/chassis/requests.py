"""Stored requests: what was decided for a request id is given again to whoever asks again, and decided once.

A batch locks what it decides about, reads the answers that are stored, decides the rest, and inserts its own answers
last, in order. Where two transactions decide the same id though they lock nothing in common, the second one's insert
waits for the first and fails as Raced; the whole batch is rolled back and decided again, and then finds the answer.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
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
from services.chassis.rows import Rows
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

    def __hash__(self) -> int:
        """Hash what differs among the keys of a batch."""
        return hash(self.request_id)


@dataclass(frozen=True, slots=True)
class Decided:
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
    connection: AsyncConnection[TupleRow], campaign_id: UUID, keys: Sequence[RequestKey]
) -> Rows[tuple[RequestKey, Answer]]:
    """Ask what was decided for keys of one campaign, each given back with its answer where there is one.

    To be asked after what they are about was locked: whoever waited for a lock then reads what the other decided.
    """
    cursor = await connection.execute(
        "SELECT k.nth, r.body_hash, r.refused, r.answer"
        " FROM unnest(%s, %s, %s) WITH ORDINALITY AS k (platform_id, rpc, request_id, nth)"
        " JOIN requests AS r ON r.campaign_id = %s AND r.platform_id = k.platform_id AND r.rpc = k.rpc"
        " AND r.request_id = k.request_id",
        (*_columns(keys), campaign_id),
    )
    return Rows(cursor, lambda row: (keys[row[0] - 1], _answer(keys[row[0] - 1], row[1:])))


async def store(connection: AsyncConnection[TupleRow], campaign_id: UUID, decided: Sequence[Decided]) -> None:
    """Store what was decided for keys of one campaign, each of them once; the last that a transaction saves.

    Database.work raises Raced where another transaction has stored one of them since `known` was asked. Several
    campaigns are stored in the order of their ids.
    """
    ordered = sorted(decided, key=lambda item: item.key)
    await connection.execute(
        "INSERT INTO requests (campaign_id, platform_id, rpc, request_id, body_hash, refused, answer, subject,"
        " created_at) SELECT %s, k.*, %s FROM unnest(%s, %s, %s, %s, %s, %s, %s) AS k",
        (
            campaign_id,
            datetime.now(UTC),
            *_columns([item.key for item in ordered]),
            arrays.byteas(item.key.body_hash for item in ordered),
            arrays.booleans(isinstance(item.answer, Rejected) for item in ordered),
            arrays.byteas(_bytes(item.answer) for item in ordered),
            arrays.uuids(item.subject for item in ordered),
        ),
    )


def is_race(error: psycopg.Error) -> bool:
    """Tell whether an error means that an id was stored by another transaction; a partition's name begins like ours."""
    table = error.diag.table_name or ""
    return isinstance(error, psycopg.errors.UniqueViolation) and table.startswith("requests")


def _answer(key: RequestKey, stored: tuple[bytes, bool, bytes]) -> Answer:
    stored_hash, refused, answer = stored
    if stored_hash != key.body_hash:
        return Rejected("REQUEST_ID_REUSED")
    return rejected_of(status_pb2.Status.FromString(answer)) if refused else answer


def _bytes(answer: Answer) -> bytes:
    return status_of(answer).SerializeToString() if isinstance(answer, Rejected) else answer


def _columns(keys: Sequence[RequestKey]) -> tuple[arrays.Array, arrays.Array, arrays.Array]:
    return (
        arrays.uuids(key.platform_id for key in keys),
        arrays.texts(key.rpc for key in keys),
        arrays.texts(key.request_id for key in keys),
    )
