"""The copy of campaigns, and who wants to be reminded of a start, in SQL."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.notification.domain import Campaign, CampaignState, CountedIn, Opened, PaymentMode, Text
from services.notification.store.twins import AHEAD, named, twins_alone

Connection: TypeAlias = AsyncConnection[TupleRow]

_COLUMNS = (
    "campaign_id, platform_id, version, state, starts_at, ends_at, texts, seller, checkout_url, time_zone,"
    " payment_mode, counted_in, minimum, maximum, currency"
)


async def save_campaigns(connection: Connection, campaigns: Sequence[Campaign]) -> None:
    """Store campaigns; one that is known at a later version stays."""
    changed = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS.split(", ")[2:])
    await connection.cursor().executemany(
        f"INSERT INTO campaigns AS c ({_COLUMNS}) VALUES ({', '.join(['%s'] * 15)})"  # noqa: S608 - constants
        f" ON CONFLICT (campaign_id) DO UPDATE SET {changed} WHERE c.version < excluded.version",
        [_values(campaign) for campaign in campaigns],
    )


def _values(campaign: Campaign) -> tuple[Any, ...]:
    opened = campaign.opened
    return (
        campaign.campaign_id,
        campaign.platform_id,
        campaign.version,
        campaign.state,
        campaign.starts_at,
        opened.ends_at,
        json.dumps([[text.language, text.title] for text in opened.texts]),
        opened.seller,
        opened.checkout_url,
        opened.time_zone,
        opened.payment_mode,
        opened.counted_in,
        opened.minimum,
        opened.maximum,
        opened.currency,
    )


async def find_campaign(connection: Connection, platform_id: UUID, campaign_id: UUID) -> Campaign | None:
    """Read one campaign of a platform."""
    cursor = await connection.execute(
        f"SELECT {_COLUMNS} FROM campaigns WHERE campaign_id = %s AND platform_id = %s",  # noqa: S608 - constants
        (campaign_id, platform_id),
    )
    row = await cursor.fetchone()
    return _campaign(*row) if row else None


async def find_campaigns(connection: Connection, campaign_ids: Sequence[UUID]) -> dict[UUID, Campaign]:
    """Read campaigns by their ids."""
    cursor = await connection.execute(
        f"SELECT {_COLUMNS} FROM campaigns WHERE campaign_id = ANY(%s)",  # noqa: S608 - constants
        (list(campaign_ids),),
    )
    return {row[0]: _campaign(*row) async for row in cursor}


def _campaign(*row: Any) -> Campaign:
    campaign_id, platform_id, version, state, starts_at, ends_at, texts, seller, checkout_url, time_zone, *rest = row
    payment_mode, counted_in, minimum, maximum, currency = rest
    opened = Opened(
        texts=tuple(Text(language, title) for language, title in texts),
        seller=seller,
        checkout_url=checkout_url,
        time_zone=time_zone,
        payment_mode=PaymentMode(payment_mode),
        counted_in=CountedIn(counted_in),
        minimum=minimum,
        currency=currency,
        ends_at=ends_at,
        maximum=maximum,
    )
    return Campaign(campaign_id, platform_id, version, CampaignState(state), starts_at, opened)


async def insert_reminder(connection: Connection, campaign: Campaign, member_id: str, before: timedelta) -> None:
    """Note that a member wants to be reminded; once is enough."""
    await connection.execute(
        "INSERT INTO start_reminders (campaign_id, member_id, platform_id, before_seconds) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT DO NOTHING",
        (campaign.campaign_id, member_id, campaign.platform_id, int(before.total_seconds())),
    )


_TAKE = (
    "WITH due AS (SELECT r.campaign_id, r.member_id FROM campaigns AS c"
    " JOIN start_reminders AS r USING (campaign_id){twins}"
    " WHERE c.starts_at <= {now} + %(longest)s AND (c.state <> 'PAUSED' OR c.ends_at <= {now})"
    " AND c.starts_at - make_interval(secs => r.before_seconds) <= {now}"
    " ORDER BY c.starts_at - make_interval(secs => r.before_seconds) LIMIT %(limit)s FOR UPDATE OF r SKIP LOCKED)"
    " DELETE FROM start_reminders AS r USING due"
    " WHERE r.campaign_id = due.campaign_id AND r.member_id = due.member_id RETURNING r.campaign_id, r.member_id"
)
_TAKE_OF_ALL = _TAKE.format(twins="", now="%(now)s")
_TAKE_OF_TWINS = _TAKE.format(twins=f" JOIN {AHEAD} ON c.platform_id = k.whose AND {twins_alone('c')}", now="k.now")


async def take_due_reminders(
    connection: Connection, now: datetime, ahead: Mapping[UUID, datetime], longest: timedelta, limit: int
) -> list[tuple[UUID, str]]:
    """Take away reminders whose time has come, as (campaign, member); of a paused campaign they wait for its end.

    It has come by the machine's time, or by that of the platform.
    """
    values = {"now": now, "longest": longest, "limit": limit, **named(ahead)}
    rows = await (await connection.execute(_TAKE_OF_ALL, values)).fetchall()
    if ahead:
        rows += await (await connection.execute(_TAKE_OF_TWINS, values)).fetchall()
    return [(row[0], row[1]) for row in rows]
