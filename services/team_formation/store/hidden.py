"""What public pages do not show, by platform, campaign, promoter, member and invite."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow


@dataclass(frozen=True, slots=True)
class Hidden:
    """What is hidden."""

    labels: bool = False
    notes: bool = False
    images: bool = False

    def __bool__(self) -> bool:
        """Tell whether anything is."""
        return self.labels or self.notes or self.images

    @property
    def tag(self) -> str:
        """Name it, for versions of pages: empty where nothing is hidden."""
        return "".join(letter for letter, is_on in (("l", self.labels), ("n", self.notes), ("i", self.images)) if is_on)


NOTHING_HIDDEN = Hidden()


async def save_hidden(
    connection: AsyncConnection[TupleRow],
    platform_id: UUID,
    subject: tuple[str, str],
    hidden: Hidden,
    now: datetime,
) -> None:
    """Save what is hidden of a subject, given as kind and id; nothing: its row goes."""
    if hidden:
        await connection.execute(
            "INSERT INTO hidden_content (platform_id, subject, subject_id, labels, notes, images, changed_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (platform_id, subject, subject_id) DO UPDATE SET"
            " labels = excluded.labels, notes = excluded.notes, images = excluded.images,"
            " changed_at = excluded.changed_at",
            (platform_id, *subject, hidden.labels, hidden.notes, hidden.images, now),
        )
    else:
        await connection.execute(
            "DELETE FROM hidden_content WHERE platform_id = %s AND subject = %s AND subject_id = %s",
            (platform_id, *subject),
        )


async def find_hidden(
    connection: AsyncConnection[TupleRow], platform_id: UUID, subjects: Sequence[tuple[str, str]]
) -> Hidden:
    """Tell what any of some subjects hides, given as kind and id."""
    cursor = await connection.execute(
        "SELECT coalesce(bool_or(h.labels), false), coalesce(bool_or(h.notes), false),"
        " coalesce(bool_or(h.images), false) FROM unnest(%s::text[], %s::text[]) AS k (subject, subject_id)"
        " JOIN hidden_content AS h ON h.platform_id = %s AND h.subject = k.subject AND h.subject_id = k.subject_id",
        ([kind for kind, _ in subjects], [name for _, name in subjects], platform_id),
    )
    row = await cursor.fetchone()
    return Hidden(*row) if row else Hidden()
