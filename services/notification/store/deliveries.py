"""Deliveries and attempts in SQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, Final, TypeAlias
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.arrays import Kind as Column
from services.chassis.arrays import bigints, packed, texts, times, uuids
from services.chassis.rows import ask, marks
from services.notification.domain import Kind, State

Connection: TypeAlias = AsyncConnection[TupleRow]
DeliveryKey: TypeAlias = tuple[UUID, UUID]
"""Campaign and delivery."""

WAKE_CHANNEL = "groupbuy_deliveries"


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """A delivery as it is written: pending, or suppressed with a reason."""

    platform_id: UUID
    campaign_id: UUID
    delivery_id: UUID
    team_id: UUID
    seat_id: UUID
    member_id: str
    kind: Kind
    cause_event_id: UUID
    team_version: int
    language: str
    subject: str
    body: str
    created_at: datetime
    state: State
    reason: str
    ended_at: datetime | None
    channel: str
    due_at: datetime
    template_channel: str
    template_version: int
    link: str
    link_label: str
    deadline: datetime | None
    traceparent: str
    """Of the trace that sending goes on in; empty where none is recorded."""


_values = attrgetter(*NewDelivery.__dataclass_fields__)
_KINDS: Final[Sequence[Column]] = (
    *[uuids] * 5,
    texts,
    texts,
    uuids,
    bigints,
    *[texts] * 3,
    times,
    texts,
    texts,
    times,
    texts,
    times,
    texts,
    bigints,
    texts,
    texts,
    times,
    texts,
)
"""Of a new delivery's fields, which have the names of the columns."""
_INSERT = (
    f"INSERT INTO deliveries ({', '.join(NewDelivery.__dataclass_fields__)})"  # noqa: S608 - constants
    f" SELECT * FROM unnest({marks(len(_KINDS))}) ON CONFLICT DO NOTHING RETURNING delivery_id"
)


async def insert_deliveries(connection: Connection, rows: Sequence[NewDelivery]) -> set[UUID]:
    """Write deliveries; returns the ids of those that were not there before."""
    written = await ask(connection, _INSERT, [packed(_KINDS, map(_values, rows))], lambda row: row[0])
    return set(await written.one())


async def end_deliveries(
    connection: Connection, rows: Sequence[tuple[DeliveryKey, State, str, str, int, datetime]]
) -> None:
    """End locked deliveries, given as (key, state, reason, channel, attempts, when)."""
    await connection.cursor().executemany(
        "UPDATE deliveries SET state = %s, reason = %s, channel = %s, attempts = %s, ended_at = %s, claim_id = NULL,"
        " claimed_until = NULL WHERE campaign_id = %s AND delivery_id = %s",
        [(state, reason, channel, attempts, at, *key) for key, state, reason, channel, attempts, at in rows],
    )


async def reroute_deliveries(connection: Connection, rows: Sequence[tuple[DeliveryKey, str]]) -> None:
    """Give claimed deliveries back for another channel."""
    await connection.cursor().executemany(
        "UPDATE deliveries SET channel = %s, claim_id = NULL, claimed_until = NULL"
        " WHERE campaign_id = %s AND delivery_id = %s",
        [(channel, *key) for key, channel in rows],
    )


async def wait_deliveries(connection: Connection, rows: Sequence[tuple[DeliveryKey, int, datetime, bool]]) -> None:
    """Count attempts of locked deliveries, given as (key, attempts, due, ours); another's claim is left as it is."""
    await connection.cursor().executemany(
        "UPDATE deliveries SET attempts = %s, due_at = CASE WHEN %s THEN %s ELSE due_at END,"
        " claim_id = CASE WHEN %s THEN NULL ELSE claim_id END,"
        " claimed_until = CASE WHEN %s THEN NULL ELSE claimed_until END WHERE campaign_id = %s AND delivery_id = %s",
        [(attempts, ours, due_at, ours, ours, *key) for key, attempts, due_at, ours in rows],
    )


@dataclass(frozen=True, slots=True)
class Again:
    """Which deliveries that ended are tried again; None means all. Times are those at which they were written."""

    platform_id: UUID
    states: Sequence[State]
    kinds: Sequence[Kind] | None
    since: datetime
    until: datetime
    campaign_id: UUID | None = None
    team_id: UUID | None = None
    member_id: str | None = None


async def try_again(connection: Connection, wanted: Again, now: datetime, limit: int) -> int:
    """Have deliveries that ended tried again, the newest first; returns how many.

    One whose member has no contact point stays as it is.
    """
    cursor = await connection.execute(
        "WITH ended AS ("
        " SELECT d.campaign_id, d.delivery_id, (SELECT c.channel FROM contact_points AS c"
        "  WHERE c.platform_id = d.platform_id AND c.member_id = d.member_id AND c.gone_at IS NULL"
        "  ORDER BY c.position LIMIT 1) AS channel"
        " FROM deliveries AS d WHERE d.platform_id = %(platform)s AND d.state = ANY(%(states)s)"
        " AND d.created_at >= %(since)s AND d.created_at < %(until)s"
        " AND (%(kinds)s::text[] IS NULL OR d.kind = ANY(%(kinds)s::text[]))"
        " AND (%(campaign)s::uuid IS NULL OR d.campaign_id = %(campaign)s AND d.team_id = %(team)s)"
        " AND (%(member)s::text IS NULL OR d.member_id = %(member)s)"
        " ORDER BY d.created_at DESC, d.delivery_id DESC LIMIT %(limit)s FOR UPDATE),"
        " again AS (UPDATE deliveries AS d SET state = 'PENDING', reason = '', ended_at = NULL, due_at = %(now)s,"
        " again_at = %(now)s, attempts_before = d.attempts, ends_before = d.ends_before + 1, channel = ended.channel"
        " FROM ended WHERE d.campaign_id = ended.campaign_id AND d.delivery_id = ended.delivery_id"
        " AND ended.channel IS NOT NULL RETURNING 1)"
        " SELECT count(*) FROM again",
        {
            "platform": wanted.platform_id,
            "states": list(wanted.states),
            "kinds": None if wanted.kinds is None else list(wanted.kinds),
            "since": wanted.since,
            "until": wanted.until,
            "campaign": wanted.campaign_id,
            "team": wanted.team_id,
            "member": wanted.member_id,
            "now": now,
            "limit": limit,
        },
    )
    [(count,)] = await cursor.fetchall()
    return int(count)


@dataclass(frozen=True, slots=True)
class Locked:
    """What recording an outcome needs of a delivery, locked."""

    state: State
    claim_id: UUID | None
    attempts: int


async def lock_deliveries(connection: Connection, keys: Sequence[DeliveryKey]) -> dict[DeliveryKey, Locked]:
    """Lock deliveries in the order of their ids."""
    ordered = sorted(set(keys))
    cursor = await connection.execute(
        "SELECT d.* FROM unnest(%s::uuid[], %s::uuid[]) AS k (campaign_id, delivery_id) CROSS JOIN LATERAL"
        " (SELECT campaign_id, delivery_id, state, claim_id, attempts FROM deliveries"
        " WHERE campaign_id = k.campaign_id AND delivery_id = k.delivery_id FOR UPDATE) AS d",
        ([key[0] for key in ordered], [key[1] for key in ordered]),
    )
    return {(row[0], row[1]): Locked(State(row[2]), row[3], row[4]) async for row in cursor}


@dataclass(frozen=True, slots=True)
class NewAttempt:
    """One try to send, as it is recorded."""

    platform_id: UUID
    campaign_id: UUID
    delivery_id: UUID
    number: int
    contact_id: UUID
    channel: str
    attempted_at: datetime
    outcome: str
    provider_id: str
    detail: str


async def insert_attempts(connection: Connection, attempts: Sequence[NewAttempt]) -> None:
    """Record attempts of locked deliveries."""
    await connection.cursor().executemany(
        "INSERT INTO attempts (platform_id, campaign_id, delivery_id, number, contact_id, channel, attempted_at,"
        " outcome, provider_id, detail) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [tuple(getattr(item, name) for name in NewAttempt.__dataclass_fields__) for item in attempts],
    )


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page of deliveries ended."""

    created_at: datetime
    delivery_id: UUID


@dataclass(frozen=True, slots=True)
class Filter:
    """Which deliveries of a platform are wanted; None means all."""

    platform_id: UUID
    campaign_id: UUID | None = None
    team_id: UUID | None = None
    member_id: str | None = None
    seat_id: UUID | None = None
    """Beside a team or a member: there is no index of seats."""


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """A delivery as it is shown."""

    campaign_id: UUID
    delivery_id: UUID
    team_id: UUID
    member_id: str
    kind: Kind
    cause_event_id: UUID
    state: State
    reason: str
    created_at: datetime
    ended_at: datetime | None
    subject: str
    body: str
    seat_id: UUID
    language: str
    template_channel: str
    template_version: int
    link: str
    link_label: str


async def list_deliveries(
    connection: Connection, wanted: Filter, before: Position | None, limit: int
) -> list[DeliveryRow]:
    """List deliveries of a platform, the newest first, from behind a position."""
    conditions = ["platform_id = %(platform_id)s"]
    if wanted.team_id:
        conditions.append("campaign_id = %(campaign_id)s AND team_id = %(team_id)s")
    if wanted.seat_id:
        conditions.append("campaign_id = %(campaign_id)s AND seat_id = %(seat_id)s")
    if wanted.member_id:
        conditions.append("member_id = %(member_id)s")
    if before:
        conditions.append("(created_at, delivery_id) < (%(created_at)s, %(delivery_id)s)")
    cursor = await connection.execute(
        "SELECT campaign_id, delivery_id, team_id, member_id, kind, cause_event_id, state, reason, created_at,"  # noqa: S608
        " ended_at, subject, body, seat_id, language, template_channel, template_version,"
        " link, link_label FROM deliveries"
        f" WHERE {' AND '.join(conditions)}"
        " ORDER BY created_at DESC, delivery_id DESC LIMIT %(limit)s",
        {
            "platform_id": wanted.platform_id,
            "campaign_id": wanted.campaign_id,
            "team_id": wanted.team_id,
            "member_id": wanted.member_id,
            "seat_id": wanted.seat_id,
            "created_at": before and before.created_at,
            "delivery_id": before and before.delivery_id,
            "limit": limit,
        },
    )
    return [_shown(*row) async for row in cursor]


def _shown(*row: Any) -> DeliveryRow:
    campaign_id, delivery_id, team_id, member_id, kind, cause_event_id, state, *rest = row
    return DeliveryRow(campaign_id, delivery_id, team_id, member_id, Kind(kind), cause_event_id, State(state), *rest)


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One try to send, as it is shown."""

    number: int
    channel: str
    attempted_at: datetime
    outcome: str
    provider_id: str
    detail: str


async def find_attempts(connection: Connection, keys: Sequence[DeliveryKey]) -> dict[DeliveryKey, list[AttemptRow]]:
    """Read the attempts of deliveries, in order."""
    found: dict[DeliveryKey, list[AttemptRow]] = {}
    cursor = await connection.execute(
        "SELECT campaign_id, delivery_id, number, channel, attempted_at, outcome, provider_id, detail FROM attempts"
        " JOIN unnest(%s::uuid[], %s::uuid[]) AS k (campaign_id, delivery_id) USING (campaign_id, delivery_id)"
        " ORDER BY campaign_id, delivery_id, number",
        ([key[0] for key in keys], [key[1] for key in keys]),
    )
    async for campaign_id, delivery_id, *attempt in cursor:
        found.setdefault((campaign_id, delivery_id), []).append(AttemptRow(*attempt))
    return found
