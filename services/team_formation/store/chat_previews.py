"""Cards in chats that follow their teams: kept, looked at, changed and forgotten."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.arrays import bigints, booleans, byteas, texts, times, uuids

_KEY = "campaign_id, team_id, app_id, place"
_SAME = "v.campaign_id = k.campaign_id AND v.team_id = k.team_id AND v.app_id = k.app_id AND v.place = k.place"
_CLAIMED = (
    "v.campaign_id, v.team_id, v.app_id, v.place, v.platform_id, v.way, v.sealed, v.shown, v.version, v.claim,"
    " v.failures, v.until, v.chat"
)


@dataclass(frozen=True, slots=True)
class Preview:
    """A card that is to be followed."""

    campaign_id: UUID
    team_id: UUID
    app_id: str
    place: bytes
    platform_id: UUID
    way: str
    sealed: bytes = field(repr=False)
    shown: bytes
    until: datetime
    chat: int
    """By whose number it shares turns with other cards; 0: with none."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A card that this process alone looks at or changes, until the claim runs out."""

    campaign_id: UUID
    team_id: UUID
    app_id: str
    place: bytes
    platform_id: UUID
    way: str
    sealed: bytes = field(repr=False)
    shown: bytes
    version: int
    claim: int
    failures: int
    until: datetime
    chat: int


@dataclass(frozen=True, slots=True)
class Looked:
    """A card that was looked at: what its team, and what may be sold of it, were then."""

    version: int
    campaign_version: int
    sold_out: int


@dataclass(frozen=True, slots=True)
class Lane:
    """A way of an app with cards that are to be changed now."""

    app_id: str
    way: str
    free_at: datetime


async def keep_previews(connection: AsyncConnection[TupleRow], previews: Sequence[Preview], now: datetime) -> None:
    """Follow cards; those that are followed are left as they are. Each is looked at at once."""
    ordered = sorted(previews, key=lambda one: (one.campaign_id, one.team_id, one.app_id, one.place))
    await connection.execute(
        "INSERT INTO chat_previews (campaign_id, team_id, app_id, place, platform_id, way, sealed, shown, until, chat,"
        " version, campaign_version, sold_out, looked_at, is_moved, wants, due_at, next_at, claim,"
        " failures, created_at)"
        " SELECT k.*, 0, 0, 0, %s, false, false, %s, %s, 0, 0, %s"
        " FROM unnest(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
        " AS k (campaign_id, team_id, app_id, place, platform_id, way, sealed, shown, until, chat)"
        " ON CONFLICT (campaign_id, team_id, app_id, place) DO NOTHING",
        (
            *[now] * 4,
            uuids(one.campaign_id for one in ordered),
            uuids(one.team_id for one in ordered),
            texts(one.app_id for one in ordered),
            byteas(one.place for one in ordered),
            uuids(one.platform_id for one in ordered),
            texts(one.way for one in ordered),
            byteas(one.sealed for one in ordered),
            byteas(one.shown for one in ordered),
            times(one.until for one in ordered),
            bigints(one.chat for one in ordered),
        ),
    )
    lanes = sorted({(one.app_id, one.way, one.platform_id) for one in ordered})
    await connection.execute(
        "INSERT INTO chat_paces (app_id, way, platform_id, free_at, chat) SELECT k.*, %s, 0 FROM unnest(%s, %s, %s)"
        " AS k (app_id, way, platform_id) ON CONFLICT (app_id, way, chat) DO NOTHING",
        (now, texts(app for app, _, _ in lanes), texts(way for _, way, _ in lanes), uuids(of for _, _, of in lanes)),
    )


async def trim_team(connection: AsyncConnection[TupleRow], campaign_id: UUID, team_id: UUID, most: int) -> None:
    """Follow no more cards of a team than so many: those that have stood longest give way."""
    await connection.execute(
        "DELETE FROM chat_previews WHERE campaign_id = %s AND team_id = %s AND (app_id, place) IN"
        " (SELECT app_id, place FROM chat_previews WHERE campaign_id = %s AND team_id = %s"
        " ORDER BY created_at DESC, app_id, place OFFSET %s)",
        (campaign_id, team_id, campaign_id, team_id, most),
    )


async def trim_app(connection: AsyncConnection[TupleRow], app_id: str, most: int) -> None:
    """Follow no more cards of an app than so many, and those as old as the last. A finder: it has many campaigns.

    The last is found in an index alone.
    """
    await connection.execute(
        "DELETE FROM chat_previews WHERE app_id = %s AND created_at < (SELECT created_at FROM chat_previews"
        " WHERE app_id = %s ORDER BY created_at DESC OFFSET %s LIMIT 1)",
        (app_id, app_id, most - 1),
    )


async def claim_looks(
    connection: AsyncConnection[TupleRow], now: datetime, lease: timedelta, limit: int
) -> list[Claimed]:
    """Claim cards that are to be looked at. A finder over all platforms."""
    return await _claim(
        connection,
        f"(SELECT {_KEY} FROM chat_previews WHERE due_at <= %s AND NOT wants ORDER BY due_at LIMIT %s"  # noqa: S608 - constants
        " FOR UPDATE SKIP LOCKED)",
        (now, limit),
        now + lease,
    )


async def claim_lanes(
    connection: AsyncConnection[TupleRow], now: datetime, limit: int, busy: Sequence[tuple[str, str]]
) -> list[Lane]:
    """Lock ways of apps with cards that are to be changed and whose rate allows it; without those that are busy.

    It steps from one to the next in the index of what is to be changed: where there is nothing, that is one look.
    A finder over all platforms.
    """
    cursor = await connection.execute(
        "WITH RECURSIVE lanes AS ((SELECT v.app_id, v.way FROM chat_previews AS v WHERE v.wants"
        " ORDER BY v.app_id, v.way LIMIT 1) UNION ALL SELECT n.app_id, n.way FROM lanes AS l CROSS JOIN LATERAL"
        " (SELECT v.app_id, v.way FROM chat_previews AS v WHERE v.wants AND (v.app_id, v.way) > (l.app_id, l.way)"
        " ORDER BY v.app_id, v.way LIMIT 1) AS n)"
        " SELECT p.app_id, p.way, p.free_at FROM lanes AS l JOIN chat_paces AS p USING (app_id, way)"
        " WHERE p.chat = 0 AND p.free_at < %s AND (p.app_id, p.way) NOT IN (SELECT * FROM unnest(%s, %s))"
        " AND EXISTS (SELECT FROM chat_previews AS v WHERE v.wants AND v.app_id = p.app_id AND v.way = p.way"
        " AND v.due_at <= %s) ORDER BY p.free_at LIMIT %s FOR UPDATE OF p SKIP LOCKED",
        (now, texts(app for app, _ in busy), texts(way for _, way in busy), now, limit),
    )
    return [Lane(*row) async for row in cursor]


async def claim_changes(
    connection: AsyncConnection[TupleRow],
    now: datetime,
    lease: timedelta,
    lanes: Sequence[tuple[Lane, int]],
) -> list[Claimed]:
    """Claim cards that are to be changed, of each way so many. A finder over all platforms."""
    return await _claim(
        connection,
        f"(SELECT {', '.join(f'd.{name}' for name in _KEY.split(', '))} FROM unnest(%s, %s, %s)"  # noqa: S608 - constants
        f" AS l (app_id, way, room) CROSS JOIN LATERAL (SELECT {_KEY} FROM chat_previews AS v WHERE v.wants"
        " AND v.app_id = l.app_id AND v.way = l.way AND v.due_at <= %s ORDER BY v.due_at LIMIT l.room"
        " FOR UPDATE SKIP LOCKED) AS d)",
        (
            texts(lane.app_id for lane, _ in lanes),
            texts(lane.way for lane, _ in lanes),
            bigints(room for _, room in lanes),
            now,
        ),
        now + lease,
    )


async def _claim(
    connection: AsyncConnection[TupleRow], found: str, values: tuple[object, ...], until: datetime
) -> list[Claimed]:
    cursor = await connection.execute(
        f"WITH k AS MATERIALIZED {found} UPDATE chat_previews AS v SET due_at = %s, next_at = %s, is_moved = false,"  # noqa: S608 - constants
        f" claim = v.claim + 1 FROM k WHERE {_SAME} RETURNING {_CLAIMED}",
        (*values, until, until),
    )
    return [Claimed(*row) async for row in cursor]


async def end_looks(
    connection: AsyncConnection[TupleRow],
    looks: Sequence[tuple[Claimed, Looked, bool, datetime, datetime | None]],
    now: datetime,
) -> None:
    """Note what claimed cards are: whether each is to be changed, not sooner than when, and when to look unasked."""
    ordered = sorted(looks, key=lambda one: (one[0].campaign_id, one[0].team_id, one[0].app_id, one[0].place))
    await connection.execute(
        "UPDATE chat_previews AS v SET version = k.version, campaign_version = k.campaign_version,"  # noqa: S608 - constants
        " sold_out = k.sold_out, looked_at = %s, wants = k.wants, next_at = k.next_at, due_at = CASE WHEN v.is_moved"
        " OR k.wants THEN k.next_at ELSE k.again_at END"
        " FROM unnest(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) AS k (campaign_id, team_id, app_id, place, claim,"
        f" version, campaign_version, sold_out, wants, next_at, again_at) WHERE {_SAME} AND v.claim = k.claim",
        (
            now,
            uuids(one.campaign_id for one, *_ in ordered),
            uuids(one.team_id for one, *_ in ordered),
            texts(one.app_id for one, *_ in ordered),
            byteas(one.place for one, *_ in ordered),
            bigints(one.claim for one, *_ in ordered),
            bigints(looked.version for _, looked, *_ in ordered),
            bigints(looked.campaign_version for _, looked, *_ in ordered),
            bigints(looked.sold_out for _, looked, *_ in ordered),
            booleans(wants for _, _, wants, _, _ in ordered),
            times(next_at for *_, next_at, _ in ordered),
            times(again_at for *_, again_at in ordered),
        ),
    )


async def end_change(
    connection: AsyncConnection[TupleRow],
    one: Claimed,
    looked: Looked,
    shown: bytes,
    times_of: tuple[datetime, datetime, datetime | None],
) -> None:
    """Note that a card was changed, unless somebody else has claimed it since.

    `times_of` are now, the time of the next change, and of the next look though nothing is heard of it.
    """
    now, next_at, again_at = times_of
    await connection.execute(
        "UPDATE chat_previews SET version = %s, campaign_version = %s, sold_out = %s, looked_at = %s, shown = %s,"
        " wants = false, failures = 0, next_at = %s, due_at = CASE WHEN is_moved THEN %s ELSE %s END"
        " WHERE campaign_id = %s AND team_id = %s AND app_id = %s AND place = %s AND claim = %s",
        (
            looked.version,
            looked.campaign_version,
            looked.sold_out,
            now,
            shown,
            next_at,
            next_at,
            again_at,
            *_claim_of(one),
        ),
    )


async def put_off_change(connection: AsyncConnection[TupleRow], one: Claimed, until: datetime, failures: int) -> None:
    """Note that a card is to be changed later, after failures in a row; unless somebody has claimed it since."""
    await connection.execute(
        "UPDATE chat_previews SET failures = %s, next_at = %s, due_at = %s"
        " WHERE campaign_id = %s AND team_id = %s AND app_id = %s AND place = %s AND claim = %s",
        (failures, until, until, *_claim_of(one)),
    )


async def forget_preview(connection: AsyncConnection[TupleRow], one: Claimed) -> None:
    """Follow a card no more, unless somebody else has claimed it since."""
    await connection.execute(
        "DELETE FROM chat_previews"
        " WHERE campaign_id = %s AND team_id = %s AND app_id = %s AND place = %s AND claim = %s",
        _claim_of(one),
    )


async def forget_old(connection: AsyncConnection[TupleRow], now: datetime, limit: int) -> int:
    """Follow cards no more whose time is over; returns how many. A finder over all platforms."""
    cursor = await connection.execute(
        f"DELETE FROM chat_previews WHERE ({_KEY}) IN (SELECT {_KEY} FROM chat_previews WHERE until <= %s"  # noqa: S608 - constants
        " ORDER BY until LIMIT %s FOR UPDATE SKIP LOCKED) RETURNING 1",
        (now, limit),
    )
    return len(await cursor.fetchall())


async def pace(connection: AsyncConnection[TupleRow], lane: Lane, free_at: datetime) -> None:
    """Keep when what a way of an app sent has had its time; its row is locked."""
    await connection.execute(
        "UPDATE chat_paces SET free_at = %s WHERE app_id = %s AND way = %s AND chat = 0",
        (free_at, lane.app_id, lane.way),
    )


async def rest(connection: AsyncConnection[TupleRow], one: Claimed, until: datetime) -> None:
    """Have nothing changed by a way of an app until a time."""
    await connection.execute(
        "UPDATE chat_paces SET free_at = greatest(free_at, %s) WHERE app_id = %s AND way = %s AND chat = 0",
        (until, one.app_id, one.way),
    )


def _claim_of(one: Claimed) -> tuple[object, ...]:
    return one.campaign_id, one.team_id, one.app_id, one.place, one.claim
