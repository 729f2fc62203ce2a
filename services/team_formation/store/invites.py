"""Invites, by campaign; found by the hash of their code."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.arrays import bigints, byteas, texts, times, uuids
from services.chassis.rows import Asked, Rows, ask, put
from services.team_formation.domain import Invite

COLUMNS = (
    "i.invite_id, i.campaign_id, i.team_id, i.platform_id, i.member_id, i.promoter_id, i.channel, i.label, i.note,"
    " i.created_at, i.expires_at, i.revoked_at, i.max_uses, i.uses, i.commission_basis_points"
)


async def find_doors(
    connection: AsyncConnection[TupleRow], code_hashes: Iterable[bytes]
) -> Rows[tuple[bytes, UUID, UUID, UUID, UUID]]:
    """Find where codes lead, by their hashes: platform, campaign, team, invite. A finder: it names no campaign."""
    cursor = await connection.execute(
        "SELECT c.code_hash, i.platform_id, i.campaign_id, i.team_id, i.invite_id"
        " FROM invite_codes AS c JOIN invites AS i USING (campaign_id, invite_id) WHERE c.code_hash = ANY (%s)",
        (byteas(code_hashes),),
        binary=True,
    )
    return Rows(cursor, lambda row: (row[0], row[1], row[2], row[3], row[4]))


async def find_invite(
    connection: AsyncConnection[TupleRow], platform_id: UUID, campaign_id: UUID, invite_id: UUID
) -> Invite | None:
    """Find one invite of a platform."""
    found = await (await load_invites(connection, [(platform_id, campaign_id, [invite_id])])).one()
    return found[0] if found else None


async def load_invites(
    connection: AsyncConnection[TupleRow], wanted: Sequence[tuple[UUID, UUID, Sequence[UUID]]]
) -> Asked[Invite]:
    """Load invites by platform, campaign and id."""
    return await ask(
        connection,
        f"SELECT {COLUMNS} FROM unnest(%s) AS k (invite_id)"  # noqa: S608 - a constant
        " CROSS JOIN LATERAL (SELECT * FROM invites AS n WHERE n.campaign_id = %s AND n.platform_id = %s"
        " AND n.invite_id = k.invite_id OFFSET 0) AS i",
        [(uuids(invites), campaign, platform) for platform, campaign, invites in wanted],
        invite_of,
    )


async def insert_invites(
    connection: AsyncConnection[TupleRow], campaign_id: UUID, invites: Sequence[tuple[Invite, bytes]]
) -> None:
    """Store new invites of a campaign with the hashes of their codes."""
    made = [invite for invite, _ in invites]
    await connection.execute(
        "INSERT INTO invites (campaign_id, invite_id, team_id, platform_id, member_id, promoter_id, channel, label,"
        " note, created_at, expires_at, max_uses, commission_basis_points)"
        " SELECT %s, k.* FROM unnest(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) AS k",
        (
            campaign_id,
            uuids(invite.invite_id for invite in made),
            uuids(invite.team_id for invite in made),
            uuids(invite.platform_id for invite in made),
            texts(invite.member_id for invite in made),
            texts(invite.promoter_id for invite in made),
            texts(invite.channel for invite in made),
            texts(invite.label for invite in made),
            texts(invite.note for invite in made),
            times(invite.created_at for invite in made),
            times(invite.expires_at for invite in made),
            bigints(invite.max_uses for invite in made),
            bigints(invite.commission_basis_points for invite in made),
        ),
    )
    await connection.execute(
        "INSERT INTO invite_codes (campaign_id, code_hash, invite_id) SELECT %s, k.* FROM unnest(%s, %s) AS k",
        (campaign_id, byteas(code_hash for _, code_hash in invites), uuids(invite.invite_id for invite in made)),
    )


async def update_invites(connection: AsyncConnection[TupleRow], invites: Sequence[Invite]) -> None:
    """Store uses and revocations of invites, in id order: nothing else locks them; the first revocation stays."""
    await put(
        connection,
        "UPDATE invites SET uses = greatest(uses, %s), revoked_at = coalesce(revoked_at, %s)"
        " WHERE campaign_id = %s AND invite_id = %s",
        [
            (invite.uses, invite.revoked_at, invite.campaign_id, invite.invite_id)
            for invite in sorted(invites, key=lambda invite: invite.invite_id)
        ],
    )


def invite_of(row: TupleRow) -> Invite:
    """Make an invite of a row of COLUMNS."""
    return Invite(*row)


async def find_some_invites(
    connection: AsyncConnection[TupleRow], campaigns: Sequence[UUID], limit: int
) -> list[tuple[UUID, UUID]]:
    """Find some invites of campaigns: campaign and invite."""
    cursor = await connection.execute(
        "SELECT campaign_id, invite_id FROM invites WHERE campaign_id = ANY (%s) LIMIT %s", (list(campaigns), limit)
    )
    return [(campaign_id, invite_id) async for campaign_id, invite_id in cursor]


async def remove_invites(
    connection: AsyncConnection[TupleRow], invites: Sequence[tuple[UUID, UUID]], code_hashes: Sequence[bytes]
) -> None:
    """Remove invites, by campaign and invite, with their codes."""
    campaigns = [campaign_id for campaign_id, _ in invites]
    await connection.execute(
        "DELETE FROM invite_codes WHERE code_hash = ANY (%s) AND campaign_id = ANY (%s)",
        (list(code_hashes), campaigns),
    )
    await connection.execute(
        "DELETE FROM invites AS i USING unnest(%s::uuid[], %s::uuid[]) AS k (campaign_id, invite_id)"
        " WHERE i.campaign_id = k.campaign_id AND i.invite_id = k.invite_id",
        (campaigns, [invite_id for _, invite_id in invites]),
    )
