"""Who changed what a platform has set up: written in the transaction of the change, and only added to."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from google.protobuf import json_format
from google.protobuf.message import Message
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis import ids
from services.chassis.gate import caller_key

State: TypeAlias = Message | Mapping[str, object]
"""How something stands: a message, or what is said of it, both written as JSON."""

LONGEST_STATE = 16 * 1024
"""Characters of a state that is written out; of a longer one its size alone."""


@dataclass(frozen=True, slots=True)
class Change:
    """What was changed, by which call. No secret and nothing personal may be in its states."""

    platform_id: UUID
    rpc: str
    subject: str
    """A word for its kind and its name, for instance "channel email"."""
    before: State | None = None
    """None where it was not there."""
    after: State | None = None
    """None where it is gone."""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """An entry as it is stored."""

    entry_id: UUID
    occurred_at: datetime
    rpc: str
    key_id: str
    request_id: str
    subject: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries are wanted; what is empty or None asks for all."""

    since: datetime | None = None
    until: datetime | None = None
    key_id: str = ""
    rpc: str = ""
    subject: str = ""
    by_operators: bool = False


async def note(connection: AsyncConnection[TupleRow], at: datetime, *changes: Change) -> None:
    """Write what a call has changed, with the key that it came by, in the transaction of the change."""
    for change in changes:
        await connection.execute(
            "INSERT INTO audit_entries (platform_id, entry_id, occurred_at, rpc, key_id, request_id, subject, before,"
            " after) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (
                change.platform_id,
                ids.new_id(),
                at,
                change.rpc,
                caller_key(),
                change.request_id,
                change.subject,
                _written(change.before),
                _written(change.after),
            ),
        )


async def list_entries(
    connection: AsyncConnection[TupleRow], platform_id: UUID, wanted: Filter, before: UUID | None, limit: int
) -> list[Row]:
    """List a platform's entries, the newest first, those before an entry."""
    cursor = await connection.execute(
        "SELECT entry_id, occurred_at, rpc, key_id, request_id, subject, before, after FROM audit_entries"
        " WHERE platform_id = %(platform)s AND (%(before)s::uuid IS NULL OR entry_id < %(before)s)"
        " AND (%(since)s::timestamptz IS NULL OR occurred_at >= %(since)s)"
        " AND (%(until)s::timestamptz IS NULL OR occurred_at < %(until)s)"
        " AND (%(key)s = '' OR key_id = %(key)s) AND (%(rpc)s = '' OR rpc = %(rpc)s)"
        " AND (%(subject)s = '' OR subject = %(subject)s) AND (NOT %(operators)s OR key_id = '')"
        " ORDER BY entry_id DESC LIMIT %(limit)s",
        {
            "platform": platform_id,
            "before": before,
            "since": wanted.since,
            "until": wanted.until,
            "key": wanted.key_id,
            "rpc": wanted.rpc,
            "subject": wanted.subject,
            "operators": wanted.by_operators,
            "limit": limit,
        },
    )
    return [Row(*row) async for row in cursor]


def _written(state: State | None) -> str:
    if state is None:
        return ""
    if isinstance(state, Message):
        state = json_format.MessageToDict(state, preserving_proto_field_name=True)
    text = json.dumps(state, ensure_ascii=False)
    return text if len(text) <= LONGEST_STATE else f'{{"characters": {len(text)}}}'
