"""Stored requests: what was decided for a request id is given again to whoever asks again, and decided once."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from google.protobuf.message import Message as ProtoMessage
from google.rpc import status_pb2
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.errors import Rejected, invalid
from services.chassis.status import rejected_of, status_of

NO_CAMPAIGN = UUID(int=0)
_LONGEST = 64


@dataclass(frozen=True, slots=True)
class RequestKey:
    """What makes a request the same one."""

    campaign_id: UUID
    platform_id: UUID
    rpc: str
    request_id: str
    body_hash: bytes


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided: a response as bytes, or a refusal."""

    key: RequestKey
    answer: bytes | Rejected
    subject: UUID | None = None


def check_request_id(request_id: str) -> None:
    """Refuse a request id that is not 1 to 64 visible ASCII characters."""
    if not 1 <= len(request_id) <= _LONGEST or not all("!" <= letter <= "~" for letter in request_id):
        raise invalid(
            "request_id", "must be 1 to 64 visible ASCII characters; make a new one per request, for instance a UUID"
        )


def body_hash(request: ProtoMessage) -> bytes:
    """Hash a request without its request_id."""
    copy = type(request)()
    copy.CopyFrom(request)
    copy.ClearField("request_id")
    return hashlib.sha256(copy.SerializeToString(deterministic=True)).digest()


async def find(connection: AsyncConnection[TupleRow], key: RequestKey) -> bytes | Rejected | None:
    """Read what was decided for a key, claiming nothing; None where nothing was."""
    cursor = await connection.execute(
        "SELECT body_hash, refused, answer FROM requests"
        " WHERE campaign_id = %s AND platform_id = %s AND rpc = %s AND request_id = %s",
        (key.campaign_id, key.platform_id, key.rpc, key.request_id),
    )
    row = await cursor.fetchone()
    return _answer(key, (row[0], row[1], row[2])) if row else None


async def claim(
    connection: AsyncConnection[TupleRow], keys: Sequence[RequestKey], now: datetime
) -> dict[RequestKey, bytes | Rejected]:
    """Claim the keys that are new, waiting for others that decide them now; returns what was decided for the rest."""
    ordered = sorted(dict.fromkeys(keys), key=lambda key: (key.campaign_id, key.platform_id, key.rpc, key.request_id))
    cursor = await connection.execute(
        "INSERT INTO requests (campaign_id, platform_id, rpc, request_id, body_hash, created_at)"
        " SELECT k.*, %s FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::text[], %s::bytea[]) AS k"
        " ON CONFLICT DO NOTHING RETURNING campaign_id, platform_id, rpc, request_id, body_hash",
        (now, *_columns(ordered), [key.body_hash for key in ordered]),
    )
    claimed = {RequestKey(*row) for row in await cursor.fetchall()}
    known = [key for key in ordered if key not in claimed]
    return await _decided(connection, known) if known else {}


async def _decided(
    connection: AsyncConnection[TupleRow], keys: Sequence[RequestKey]
) -> dict[RequestKey, bytes | Rejected]:
    cursor = await connection.execute(
        "SELECT r.campaign_id, r.platform_id, r.rpc, r.request_id, r.body_hash, r.refused, r.answer FROM requests AS r"
        " JOIN unnest(%s::uuid[], %s::uuid[], %s::text[], %s::text[]) AS k (campaign_id, platform_id, rpc, request_id)"
        " USING (campaign_id, platform_id, rpc, request_id)",
        _columns(keys),
    )
    stored = {row[:4]: row[4:] async for row in cursor}
    return {key: _answer(key, stored[key.campaign_id, key.platform_id, key.rpc, key.request_id]) for key in keys}


def _answer(key: RequestKey, stored: tuple[bytes, bool, bytes]) -> bytes | Rejected:
    stored_hash, refused, answer = stored
    if stored_hash != key.body_hash:
        return Rejected("REQUEST_ID_REUSED")
    return rejected_of(status_pb2.Status.FromString(answer)) if refused else answer


async def store(connection: AsyncConnection[TupleRow], decided: Sequence[Decided]) -> None:
    """Store what was decided for keys claimed in this transaction."""
    keys = [item.key for item in decided]
    await connection.execute(
        "UPDATE requests AS r SET refused = k.refused, answer = k.answer, subject = k.subject"
        " FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::text[], %s::boolean[], %s::bytea[], %s::uuid[])"
        " AS k (campaign_id, platform_id, rpc, request_id, refused, answer, subject)"
        " WHERE r.campaign_id = k.campaign_id AND r.platform_id = k.platform_id AND r.rpc = k.rpc"
        " AND r.request_id = k.request_id",
        (
            *_columns(keys),
            [isinstance(item.answer, Rejected) for item in decided],
            [_bytes(item.answer) for item in decided],
            [item.subject for item in decided],
        ),
    )


def _bytes(answer: bytes | Rejected) -> bytes:
    return status_of(answer).SerializeToString() if isinstance(answer, Rejected) else answer


def _columns(keys: Sequence[RequestKey]) -> tuple[list[UUID], list[UUID], list[str], list[str]]:
    return (
        [key.campaign_id for key in keys],
        [key.platform_id for key in keys],
        [key.rpc for key in keys],
        [key.request_id for key in keys],
    )
