"""Deliveries whose turn has come, claimed by a sender, and what its next step depends on, in SQL."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.chassis.twins import TWINS_ALONE
from services.notification.domain import Kind, SeatState, Standing, TeamState, Tried
from services.notification.store.deliveries import Connection, DeliveryKey


@dataclass(frozen=True, slots=True)
class Claim:
    """How many due deliveries of one channel are wanted."""

    channel: str
    limit: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery whose turn has come, ours until the claim's end."""

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
    channel: str
    attempts: int
    claim_id: UUID
    link: str
    link_label: str
    deadline: datetime | None = None
    again_at: datetime | None = None
    """When it was last tried again after it had ended."""
    attempts_before: int = 0
    ends_before: int = 0
    due_at: datetime | None = None
    traceparent: str = ""

    @property
    def key(self) -> DeliveryKey:
        """Campaign and delivery."""
        return self.campaign_id, self.delivery_id

    @property
    def since(self) -> datetime:
        """From when its age counts."""
        return self.again_at or self.created_at


_CLAIM = (
    " UPDATE deliveries AS d SET claim_id = %s, claimed_until = %s FROM due"
    " WHERE d.campaign_id = due.campaign_id AND d.delivery_id = due.delivery_id"
    " RETURNING d.platform_id, d.campaign_id, d.delivery_id, d.team_id, d.seat_id, d.member_id, d.kind,"
    " d.cause_event_id, d.team_version, d.language, d.subject, d.body, d.created_at, d.channel, d.attempts,"
    " d.claim_id, d.link, d.link_label, d.deadline, d.again_at, d.attempts_before, d.ends_before,"
    " d.due_at, d.traceparent"
)


async def claim_due(
    connection: Connection, claims: Sequence[Claim], most: int, claim_id: UUID, now: datetime, until: datetime
) -> list[Claimed]:
    """Claim due deliveries, the longest due first, passing by those that others have; each channel's in turn.

    At most `most` in all: where more are due, no channel has more than its share before every channel has it.
    """
    cursor = await connection.execute(
        "WITH found AS MATERIALIZED ("  # noqa: S608 - constants
        " SELECT c.channel, d.* FROM unnest(%s::text[], %s::integer[]) AS c (channel, most)"
        " CROSS JOIN LATERAL (SELECT campaign_id, delivery_id, due_at FROM deliveries"
        " WHERE state = 'PENDING' AND channel = c.channel AND due_at <= %s"
        " AND (claimed_until IS NULL OR claimed_until <= %s)"
        " ORDER BY due_at LIMIT c.most FOR UPDATE SKIP LOCKED) AS d),"
        " due AS MATERIALIZED (SELECT campaign_id, delivery_id FROM found"
        " ORDER BY row_number() OVER (PARTITION BY channel ORDER BY due_at), due_at LIMIT %s)"
        f"{_CLAIM}",
        ([claim.channel for claim in claims], [claim.limit for claim in claims], now, now, most, claim_id, until),
    )
    return [_claimed(*row) async for row in cursor]


async def claim_due_of_twins(
    connection: Connection,
    ahead: Mapping[UUID, datetime],
    channels: Sequence[str],
    most: int,
    claim_id: UUID,
    now: datetime,
    until: datetime,
) -> list[Claimed]:
    """Claim what is due by the clocks of test twins that are ahead, the longest due first, at most `most` in all.

    Claims end by the machine's time, for them too: `now`.
    """
    cursor = await connection.execute(
        "WITH found AS MATERIALIZED ("  # noqa: S608 - constants
        " SELECT d.* FROM unnest(%s::uuid[], %s::timestamptz[]) AS a (platform_id, now)"
        " CROSS JOIN LATERAL (SELECT campaign_id, delivery_id, due_at FROM deliveries"
        f" WHERE state = 'PENDING' AND platform_id = a.platform_id AND {TWINS_ALONE}"
        " AND due_at <= a.now AND channel = ANY(%s) AND (claimed_until IS NULL OR claimed_until <= %s)"
        " ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED) AS d),"
        " due AS MATERIALIZED (SELECT campaign_id, delivery_id FROM found ORDER BY due_at LIMIT %s)"
        f"{_CLAIM}",
        ([*ahead], [*ahead.values()], [*channels], now, most, most, claim_id, until),
    )
    return [_claimed(*row) async for row in cursor]


def _claimed(*row: Any) -> Claimed:
    platform_id, campaign_id, delivery_id, team_id, seat_id, member_id, kind, *rest = row
    return Claimed(platform_id, campaign_id, delivery_id, team_id, seat_id, member_id, Kind(kind), *rest)


@dataclass(frozen=True, slots=True)
class Standings:
    """What is known of claimed deliveries, by campaign and delivery."""

    standing: Mapping[DeliveryKey, Standing]
    tried: Mapping[DeliveryKey, Mapping[UUID, Tried]]


async def find_standings(connection: Connection, claimed: Sequence[Claimed]) -> Standings:
    """Read what the next step of claimed deliveries depends on.

    Scalar subqueries rather than joins: each looks into a primary key, whatever the planner believes of a hot team.
    """
    cursor = await connection.execute(
        "SELECT k.campaign_id, k.delivery_id,"
        " (SELECT state FROM teams WHERE campaign_id = k.campaign_id AND team_id = k.team_id),"
        " (SELECT fill_version FROM teams WHERE campaign_id = k.campaign_id AND team_id = k.team_id),"
        " (SELECT end_version FROM teams WHERE campaign_id = k.campaign_id AND team_id = k.team_id),"
        " (SELECT waiting > 0 FROM teams WHERE campaign_id = k.campaign_id AND team_id = k.team_id),"
        " (SELECT state FROM seats"
        "  WHERE campaign_id = k.campaign_id AND team_id = k.team_id AND seat_id = k.seat_id),"
        " (SELECT reduced_version FROM seats"
        "  WHERE campaign_id = k.campaign_id AND team_id = k.team_id AND seat_id = k.seat_id),"
        " EXISTS (SELECT FROM deliveries AS n WHERE n.campaign_id = k.campaign_id AND n.team_id = k.team_id"
        "  AND n.member_id = k.member_id AND n.kind IN ('PRICE_FELL', 'PRICE_ROSE', 'ONE_MISSING')"
        "  AND (n.team_version > k.team_version"
        "   OR n.team_version = k.team_version AND k.kind = 'ONE_MISSING' AND n.kind <> 'ONE_MISSING')),"
        " k.kind IN ('GROUP_CARD', 'GROUP_ENDED') AND EXISTS (SELECT FROM deliveries AS n"
        "  WHERE n.platform_id = k.platform_id AND n.member_id = k.member_id AND n.kind = k.kind"
        "  AND n.kind IN ('GROUP_CARD', 'GROUP_ON', 'GROUP_ENDED') AND n.team_version > k.team_version),"
        " (SELECT nullif(maximum, 0) - taken FROM teams WHERE campaign_id = k.campaign_id AND team_id = k.team_id),"
        " k.kind = 'PAYMENT_DUE' AND EXISTS (SELECT FROM payments_due AS p WHERE p.campaign_id = k.campaign_id"
        "  AND p.seat_id = k.seat_id AND p.came),"
        " (SELECT max(s.ended_at) + make_interval(secs => w.seconds) FROM messaging_windows AS w"
        "  JOIN deliveries AS s ON s.platform_id = w.platform_id AND s.member_id = k.member_id"
        "  WHERE w.platform_id = k.platform_id AND w.kind = k.kind AND s.campaign_id = k.campaign_id"
        "  AND s.team_id = k.team_id AND s.kind = k.kind AND s.state = 'SENT'"
        "  AND s.created_at > k.created_at - make_interval(days => 2) GROUP BY w.seconds)"
        " FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::uuid[], %s::text[], %s::text[], %s::bigint[],"
        " %s::uuid[], %s::timestamptz[]) AS k (campaign_id, delivery_id, team_id, seat_id, member_id, kind,"
        " team_version, platform_id, created_at)",
        [
            [getattr(item, name) for item in claimed]
            for name in (
                "campaign_id",
                "delivery_id",
                "team_id",
                "seat_id",
                "member_id",
                "kind",
                "team_version",
                "platform_id",
                "created_at",
            )
        ],
    )
    rows = {(row[0], row[1]): row[2:] async for row in cursor}
    return Standings(
        {item.key: _standing(item, *rows[item.key]) for item in claimed},
        await _tried(connection, claimed),
    )


def _standing(item: Claimed, *found: Any) -> Standing:
    team_state, fill_version, end_version, team_waits, seat_state, reduced_version, newer_price, *rest = found
    newer_card, places_left, paid, window_ends = rest
    return Standing(
        kind=item.kind,
        team_version=item.team_version,
        channel=item.channel,
        attempts=item.attempts - item.attempts_before,
        created_at=item.since,
        team_state=TeamState(team_state or TeamState.UNKNOWN),  # unknown where it is about no team
        fill_version=fill_version or 0,
        end_version=end_version or 0,
        seat_state=SeatState(seat_state) if seat_state else None,
        reduced_version=reduced_version,
        newer_price=newer_price,
        newer_card=newer_card,
        asks_to_join=item.kind is Kind.GROUP_CARD and bool(item.link),
        team_waits=bool(team_waits),
        places_left=places_left,
        paid=paid,
        deadline=item.deadline,
        window_ends=window_ends,
    )


async def _tried(connection: Connection, claimed: Sequence[Claimed]) -> dict[DeliveryKey, dict[UUID, Tried]]:
    found: dict[DeliveryKey, dict[UUID, Tried]] = {}
    cursor = await connection.execute(
        "SELECT campaign_id, delivery_id, contact_id, count(*), bool_or(outcome = 'refused') FROM attempts"
        " JOIN unnest(%s::uuid[], %s::uuid[], %s::integer[]) AS k (campaign_id, delivery_id, attempts_before)"
        " USING (campaign_id, delivery_id) WHERE number > k.attempts_before"
        " GROUP BY campaign_id, delivery_id, contact_id",
        (
            [item.campaign_id for item in claimed],
            [item.delivery_id for item in claimed],
            [item.attempts_before for item in claimed],
        ),
    )
    async for campaign_id, delivery_id, contact_id, attempts, refused in cursor:
        found.setdefault((campaign_id, delivery_id), {})[contact_id] = Tried(attempts, refused)
    return found


async def release_claims(connection: Connection, claimed: Iterable[Claimed]) -> None:
    """Give up claims on deliveries whose attempt was not made or not finished."""
    await connection.cursor().executemany(
        "UPDATE deliveries SET claim_id = NULL, claimed_until = NULL"
        " WHERE campaign_id = %s AND delivery_id = %s AND claim_id = %s",
        [(*item.key, item.claim_id) for item in sorted(claimed, key=lambda item: item.key)],
    )
