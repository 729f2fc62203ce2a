"""Pictures of products: which campaign needs which, when each is fetched, and what is served of it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.arrays import byteas, uuids
from services.team_formation.domain import Campaign

KEEP = timedelta(days=30)
"""After a campaign's end its picture is kept, for whoever opens an old link."""
LINGER = timedelta(minutes=10)
"""What another picture took the place of is kept: pages that were made a moment ago name it."""


@dataclass(frozen=True, slots=True)
class DueImage:
    """A picture that was claimed."""

    platform_id: UUID
    source_hash: bytes
    source: str
    attempts: int
    """With this one."""
    claims: int
    """Whoever claims it after this raises it."""
    tag: str
    """What its server calls what we have; empty where we have nothing."""
    file: str | None


@dataclass(frozen=True, slots=True)
class ImageFile:
    """What is served of a picture."""

    name: str
    width: int
    height: int
    large: bytes = field(repr=False)
    small: bytes | None = field(repr=False)
    small_width: int


@dataclass(frozen=True, slots=True)
class ShownImage:
    """What pages need to know of a picture."""

    name: str
    width: int
    height: int
    small_width: int
    """0 where there is no small one."""

    @property
    def tag(self) -> str:
        """A part of the name, which tells one picture from another of the same campaign."""
        return self.name[:8]


@dataclass(frozen=True, slots=True)
class ImageStanding:
    """What platforms are told of a picture."""

    is_shown: bool
    problem: str
    fetched_at: datetime | None
    due_at: datetime | None


def hash_source(source: str) -> bytes:
    """Hash an address as it is stored."""
    return hashlib.sha256(source.encode()).digest()


async def note_image(connection: AsyncConnection[TupleRow], campaign: Campaign, now: datetime) -> None:
    """Note which picture a campaign needs and until when; it is fetched at once where that failed or has not been."""
    source = campaign.presentation.image_url
    if source:
        # a conflict locks the row, so that nobody removes it meanwhile
        await connection.execute(
            "INSERT INTO images AS i (platform_id, source_hash, source, due_at) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (platform_id, source_hash) DO UPDATE SET"
            " due_at = CASE WHEN i.due_at IS NULL OR i.problem <> '' THEN excluded.due_at ELSE i.due_at END,"
            " attempts = CASE WHEN i.due_at IS NULL OR i.problem <> '' THEN 0 ELSE i.attempts END",
            (campaign.platform_id, hash_source(source), source, now),
        )
        ends_at = max(campaign.ends_at, campaign.latest_end or campaign.ends_at)
        await connection.execute(
            "INSERT INTO image_uses (campaign_id, source_hash, platform_id, live_until, keep_until)"
            " VALUES (%s, %s, %s, %s, %s) ON CONFLICT (campaign_id, source_hash) DO UPDATE SET"
            " live_until = excluded.live_until, keep_until = excluded.keep_until",
            (campaign.campaign_id, hash_source(source), campaign.platform_id, ends_at, ends_at + KEEP),
        )
    await connection.execute(
        "UPDATE image_uses SET live_until = least(live_until, %s), keep_until = least(keep_until, %s)"
        " WHERE campaign_id = %s AND platform_id = %s AND source_hash <> %s",
        (now, now + LINGER, campaign.campaign_id, campaign.platform_id, hash_source(source)),
    )


async def claim_images(
    connection: AsyncConnection[TupleRow],
    now: datetime,
    lease: timedelta,
    room: tuple[int, int],
    busy: Sequence[UUID],
) -> list[DueImage]:
    """Claim pictures whose time has come: `room` is for how many in all and of one platform; `busy` have no room.

    Of those that are due longest so many are looked at that platforms with room have their turn. One whose worker dies
    is due again when the lease has run out. A finder over all platforms.
    """
    limit, per_platform = room
    cursor = await connection.execute(
        "WITH due AS (SELECT platform_id, source_hash, due_at FROM images"
        " WHERE due_at <= %(now)s AND platform_id <> ALL (%(busy)s) ORDER BY due_at LIMIT %(look)s),"
        " turns AS (SELECT *, row_number() OVER (PARTITION BY platform_id ORDER BY due_at) AS turn FROM due),"
        " taken AS (SELECT i.platform_id, i.source_hash"
        " FROM images AS i JOIN turns AS t USING (platform_id, source_hash)"
        " WHERE t.turn <= %(each)s AND i.due_at <= %(now)s ORDER BY t.turn, t.due_at LIMIT %(limit)s"
        " FOR UPDATE OF i SKIP LOCKED)"
        " UPDATE images AS i SET due_at = %(until)s, attempts = i.attempts + 1, claims = i.claims + 1 FROM taken"
        " WHERE i.platform_id = taken.platform_id AND i.source_hash = taken.source_hash"
        " RETURNING i.platform_id, i.source_hash, i.source, i.attempts, i.claims, i.tag, i.file",
        {
            "now": now,
            "busy": uuids(busy),
            "look": 50 * limit,
            "each": per_platform,
            "limit": limit,
            "until": now + lease,
        },
    )
    return [DueImage(*row) async for row in cursor]


async def count_shown(connection: AsyncConnection[TupleRow], platform_id: UUID, most: int) -> int:
    """Count the pictures of a platform that are served, to `most`."""
    cursor = await connection.execute(
        "SELECT count(*) FROM (SELECT FROM images WHERE platform_id = %s AND file IS NOT NULL LIMIT %s) AS shown",
        (platform_id, most),
    )
    [(count,)] = await cursor.fetchall()
    return int(count)


_NEEDED = (
    "CASE WHEN EXISTS (SELECT FROM image_uses AS u WHERE u.platform_id = i.platform_id"
    " AND u.source_hash = i.source_hash AND u.live_until > %(now)s) THEN %(due_at)s::timestamptz END"
)
"""When it is due again, as long as a campaign goes on that needs it."""
_CLAIMED = " WHERE i.platform_id = %(platform_id)s AND i.source_hash = %(source_hash)s AND i.claims = %(claims)s"


async def end_image(
    connection: AsyncConnection[TupleRow],
    image: DueImage,
    read: tuple[ImageFile | None, str],
    now: datetime,
    due_at: datetime,
) -> bool:
    """Note what was read of a picture and its server's tag, without a file that it is as it was.

    False where somebody else has claimed it since: nothing is noted then.
    """
    file, tag = read
    cursor = await connection.execute(
        "UPDATE images AS i SET attempts = 0, problem = '', fetched_at = %(now)s, tag = %(tag)s,"  # noqa: S608 - constants
        f" file = coalesce(%(file)s, i.file), due_at = {_NEEDED}{_CLAIMED} RETURNING 1",
        {**_names(image), "now": now, "tag": tag, "file": file.name if file else None, "due_at": due_at},
    )
    is_noted = await cursor.fetchone() is not None
    if not is_noted or file is None:
        return is_noted
    await connection.execute(
        "INSERT INTO image_files (name, platform_id, source_hash, width, height, large, small, small_width, made_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (name) DO UPDATE SET gone_at = NULL"
        " WHERE image_files.platform_id = excluded.platform_id",
        (
            file.name,
            image.platform_id,
            image.source_hash,
            file.width,
            file.height,
            file.large,
            file.small,
            file.small_width,
            now,
        ),
    )
    await connection.execute(
        "UPDATE image_files SET gone_at = %s"
        " WHERE platform_id = %s AND source_hash = %s AND name <> %s AND gone_at IS NULL",
        (now + LINGER, image.platform_id, image.source_hash, file.name),
    )
    return True


async def put_off_image(
    connection: AsyncConnection[TupleRow], image: DueImage, problem: str, now: datetime, due_at: datetime | None
) -> bool:
    """Note why a picture was not read, and when it is tried again; False where somebody else claimed it since."""
    cursor = await connection.execute(
        f"UPDATE images AS i SET problem = %(problem)s, due_at = {_NEEDED}{_CLAIMED} RETURNING 1",  # noqa: S608 - constants
        {**_names(image), "problem": problem, "now": now, "due_at": due_at},
    )
    return await cursor.fetchone() is not None


def _names(image: DueImage) -> dict[str, object]:
    return {"platform_id": image.platform_id, "source_hash": image.source_hash, "claims": image.claims}


async def find_shown(connection: AsyncConnection[TupleRow], platform_id: UUID, source: str) -> ShownImage | None:
    """Find what is shown of the picture at an address."""
    cursor = await connection.execute(
        "SELECT f.name, f.width, f.height, f.small_width FROM images AS i"
        " JOIN image_files AS f ON f.name = i.file AND f.platform_id = i.platform_id"
        " WHERE i.platform_id = %s AND i.source_hash = %s",
        (platform_id, hash_source(source)),
    )
    row = await cursor.fetchone()
    return ShownImage(*row) if row else None


async def find_standing(connection: AsyncConnection[TupleRow], platform_id: UUID, source: str) -> ImageStanding | None:
    """Find how the picture at an address stands."""
    cursor = await connection.execute(
        "SELECT file IS NOT NULL, problem, fetched_at, due_at FROM images WHERE platform_id = %s AND source_hash = %s",
        (platform_id, hash_source(source)),
    )
    row = await cursor.fetchone()
    return ImageStanding(*row) if row else None


async def find_bytes(connection: AsyncConnection[TupleRow], name: str, *, small: bool) -> bytes | None:
    """Find a picture by its name. A finder: its address names no platform."""
    cursor = await connection.execute(
        "SELECT CASE WHEN %s THEN small ELSE large END FROM image_files WHERE name = %s", (small, name)
    )
    row = await cursor.fetchone()
    return row[0] if row else None


async def drop_images(connection: AsyncConnection[TupleRow], now: datetime, limit: int) -> int:
    """Forget uses whose time is over, pictures that nobody uses then, and files that others took the place of.

    Returns how many pictures and files were looked at. A picture is locked before its uses are, as where one is noted,
    so that none is removed that is used; one that is locked by somebody has its turn the next time.
    """
    cursor = await connection.execute(
        "SELECT platform_id, source_hash FROM images WHERE (platform_id, source_hash) IN"
        " (SELECT platform_id, source_hash FROM image_uses WHERE keep_until <= %s ORDER BY keep_until LIMIT %s)"
        " ORDER BY platform_id, source_hash FOR UPDATE SKIP LOCKED",
        (now, limit),
    )
    locked = await cursor.fetchall()
    if locked:
        names = uuids(platform_id for platform_id, _ in locked), byteas(source_hash for _, source_hash in locked)
        await connection.execute(
            "DELETE FROM image_uses WHERE keep_until <= %s"
            " AND (platform_id, source_hash) IN (SELECT * FROM unnest(%s, %s))",
            (now, *names),
        )
        await connection.execute(
            "DELETE FROM images AS i WHERE (i.platform_id, i.source_hash) IN (SELECT * FROM unnest(%s, %s))"
            " AND NOT EXISTS (SELECT FROM image_uses AS u"
            " WHERE u.platform_id = i.platform_id AND u.source_hash = i.source_hash)",
            names,
        )
    cursor = await connection.execute(
        "DELETE FROM image_files WHERE name IN (SELECT name FROM image_files WHERE gone_at <= %s"
        " ORDER BY gone_at LIMIT %s FOR UPDATE SKIP LOCKED) RETURNING 1",
        (now, limit),
    )
    return len(locked) + len(await cursor.fetchall())
