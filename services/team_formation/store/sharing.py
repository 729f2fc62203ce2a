"""What sharing keeps: the platforms' own templates, and how often links were opened."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis import arrays
from services.team_formation.sharing.channels import ShareTemplate


async def list_share_templates(connection: AsyncConnection[TupleRow], platform_id: UUID) -> list[ShareTemplate]:
    """List a platform's own templates, by channel."""
    cursor = await connection.execute(
        "SELECT channel, url, text, mini_program_path FROM share_templates WHERE platform_id = %s ORDER BY channel",
        (platform_id,),
    )
    return [ShareTemplate(*row) async for row in cursor]


async def save_share_template(
    connection: AsyncConnection[TupleRow], platform_id: UUID, template: ShareTemplate, now: datetime
) -> None:
    """Store a platform's template of a channel."""
    await connection.execute(
        "INSERT INTO share_templates (platform_id, channel, url, text, mini_program_path, updated_at)"
        " VALUES (%s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (platform_id, channel) DO UPDATE SET url = excluded.url, text = excluded.text,"
        " mini_program_path = excluded.mini_program_path, updated_at = excluded.updated_at",
        (platform_id, template.channel, template.url, template.text, template.mini_program_path, now),
    )


async def delete_share_template(connection: AsyncConnection[TupleRow], platform_id: UUID, channel: str) -> None:
    """Forget a platform's template of a channel."""
    await connection.execute(
        "DELETE FROM share_templates WHERE platform_id = %s AND channel = %s", (platform_id, channel)
    )


async def list_zones(
    connection: AsyncConnection[TupleRow], platform_id: UUID, campaign_ids: Sequence[UUID]
) -> dict[UUID, str]:
    """Tell the IANA time zones that a platform's campaigns count their days in; UTC where none is set."""
    cursor = await connection.execute(
        "SELECT campaign_id, coalesce(nullif(presentation ->> 'time_zone', ''), 'UTC') FROM campaigns"
        " WHERE platform_id = %s AND campaign_id = ANY (%s)",
        (platform_id, arrays.uuids(campaign_ids)),
    )
    return {campaign_id: zone async for campaign_id, zone in cursor}


async def count_opens(
    connection: AsyncConnection[TupleRow], platform_id: UUID, opens: Sequence[tuple[UUID, UUID, date, int]]
) -> None:
    """Add to how often invites were opened: campaign, invite, day there and times, each invite once.

    Rows are taken in the order of their ids, so that two such calls wait for each other rather than for ever.
    """
    ordered = sorted(opens)
    await connection.execute(
        "INSERT INTO invite_opens (campaign_id, invite_id, day, platform_id, opened)"
        " SELECT o.campaign_id, o.invite_id, o.day, %s, o.opened"
        " FROM unnest(%s, %s, %s::date[], %s) AS o (campaign_id, invite_id, day, opened)"
        " ORDER BY o.campaign_id, o.invite_id"
        " ON CONFLICT (campaign_id, invite_id, day) DO UPDATE SET opened = invite_opens.opened + excluded.opened",
        (
            platform_id,
            arrays.uuids(campaign_id for campaign_id, *_ in ordered),
            arrays.uuids(invite_id for _, invite_id, *_ in ordered),
            [day for _, _, day, _ in ordered],
            arrays.bigints(times for *_, times in ordered),
        ),
    )
