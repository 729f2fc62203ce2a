"""Invites, found by the hash of their code."""

from collections.abc import Sequence
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.columns import columns
from services.team_formation.domain import Invite

_COLUMNS = (
    "i.invite_id, i.campaign_id, i.team_id, i.platform_id, i.member_id, i.promoter_id, i.channel, i.label, i.note,"
    " i.created_at, i.expires_at, i.revoked_at"
)


async def find_code(connection: AsyncConnection[TupleRow], code_hash: bytes) -> tuple[UUID, UUID] | None:
    """Find the campaign and invite of a code by its hash."""
    cursor = await connection.execute(
        "SELECT campaign_id, invite_id FROM invite_codes WHERE code_hash = %s", (code_hash,)
    )
    row = await cursor.fetchone()
    return (row[0], row[1]) if row else None


async def find_invite(
    connection: AsyncConnection[TupleRow], platform_id: UUID, campaign_id: UUID, invite_id: UUID
) -> Invite | None:
    """Find one invite of a platform."""
    found = await load_invites(connection, [(platform_id, campaign_id, invite_id)])
    return found[0] if found else None


async def load_invites(connection: AsyncConnection[TupleRow], ids: Sequence[tuple[UUID, UUID, UUID]]) -> list[Invite]:
    """Load invites named by platform, campaign and invite."""
    cursor = await connection.execute(
        f"SELECT {_COLUMNS} FROM invites AS i"  # noqa: S608 - a constant
        " JOIN unnest(%s::uuid[], %s::uuid[], %s::uuid[]) AS k (platform_id, campaign_id, invite_id)"
        " USING (platform_id, campaign_id, invite_id)",
        columns(ids),
    )
    return [Invite(*row) async for row in cursor]


async def insert_invites(connection: AsyncConnection[TupleRow], invites: Sequence[tuple[Invite, bytes]]) -> None:
    """Store new invites, at least one, with the hashes of their codes."""
    rows = [
        (
            item.campaign_id,
            item.invite_id,
            item.team_id,
            item.platform_id,
            item.member_id,
            item.promoter_id,
            item.channel,
            item.label,
            item.note,
            item.created_at,
            item.expires_at,
        )
        for item, _ in invites
    ]
    await connection.execute(
        "INSERT INTO invites (campaign_id, invite_id, team_id, platform_id, member_id, promoter_id, channel, label,"
        " note, created_at, expires_at)"
        " SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::uuid[], %s::text[], %s::text[], %s::text[],"
        " %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[])",
        columns(rows),
    )
    await connection.execute(
        "INSERT INTO invite_codes (code_hash, campaign_id, invite_id)"
        " SELECT * FROM unnest(%s::bytea[], %s::uuid[], %s::uuid[])",
        columns([(code_hash, item.campaign_id, item.invite_id) for item, code_hash in invites]),
    )


async def revoke_invites(connection: AsyncConnection[TupleRow], invites: Sequence[Invite]) -> None:
    """Store since when invites are revoked, in id order: nothing else locks them; the first time stays."""
    for item in sorted(invites, key=lambda item: (item.campaign_id, item.invite_id)):
        await connection.execute(
            "UPDATE invites SET revoked_at = coalesce(revoked_at, %s) WHERE campaign_id = %s AND invite_id = %s",
            (item.revoked_at, item.campaign_id, item.invite_id),
        )
