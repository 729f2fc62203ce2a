"""Group chats that are bound to a team, in SQL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.notification.domain import Group
from services.notification.store.twins import AHEAD, named, twins_alone

Connection: TypeAlias = AsyncConnection[TupleRow]

_COLUMNS = ", ".join(Group.__dataclass_fields__)
_COLUMNS_OF_G = ", ".join(f"g.{name}" for name in Group.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class ToldGroup:
    """What a group was told."""

    on_its_way: bool
    """Its card is being sent now, or the first one was tried and may have arrived: another could be a second one."""
    cannot_edit: bool
    """A card was refused: the first, or the place that it should take."""
    on: bool
    """It was told, or will be, that the minimum is reached."""
    is_gone: bool
    """Its chat takes nothing any more."""


async def insert_group(connection: Connection, group: Group) -> None:
    """Bind a group; its card is due at once."""
    names = list(Group.__dataclass_fields__)
    await connection.execute(
        f"INSERT INTO group_chats ({_COLUMNS}, look_at) VALUES ({', '.join(['%s'] * len(names))}, %s)",  # noqa: S608 - constants
        (*[getattr(group, name) for name in names], group.bound_at),
    )


async def lock_team(connection: Connection, campaign_id: UUID, team_id: UUID) -> None:
    """Have a team's groups bound one after the other."""
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('group_chats' || %s::text || %s::text, 0))",
        (campaign_id, team_id),
    )


async def bind_again(connection: Connection, group: Group) -> bool:
    """Store a group's link, and have its card written anew; False where it is told nothing more."""
    cursor = await connection.execute(
        "UPDATE group_chats SET link = %s, shown = '', seen_version = 0, bindings = bindings + 1"
        " WHERE group_id = %s AND platform_id = %s AND over_at IS NULL RETURNING 1",
        (group.link, group.group_id, group.platform_id),
    )
    return await cursor.fetchone() is not None


async def list_groups(connection: Connection, platform_id: UUID, campaign_id: UUID, team_id: UUID) -> list[Group]:
    """List the groups of a platform's team, in the order in which they were bound."""
    cursor = await connection.execute(
        f"SELECT {_COLUMNS} FROM group_chats WHERE campaign_id = %s AND team_id = %s AND platform_id = %s"  # noqa: S608 - constants
        " ORDER BY bound_at, group_id",
        (campaign_id, team_id, platform_id),
    )
    return [Group(*row) async for row in cursor]


async def stop_group(connection: Connection, platform_id: UUID, group_id: UUID, now: datetime) -> str | None:
    """Have a platform's group told nothing more; gives its member id, None where there is no such group."""
    cursor = await connection.execute(
        f"UPDATE group_chats SET stopped = true, over_at = coalesce(over_at, %s)"  # noqa: S608 - constants
        f" WHERE group_id = %s AND platform_id = %s RETURNING {_COLUMNS}",
        (now, group_id, platform_id),
    )
    row = await cursor.fetchone()
    return Group(*row).member_id if row else None


async def has_group(connection: Connection, platform_id: UUID, group_id: UUID) -> bool:
    """Tell whether a platform has a group."""
    cursor = await connection.execute(
        "SELECT FROM group_chats WHERE group_id = %s AND platform_id = %s", (group_id, platform_id)
    )
    return await cursor.fetchone() is not None


_TAKE = (
    f"SELECT {_COLUMNS_OF_G} FROM group_chats AS g JOIN teams AS t USING (campaign_id, team_id)"  # noqa: S608 - constants
    "{twins} WHERE g.over_at IS NULL AND {due} AND (t.version > g.seen_version OR g.seen_price <"
    "  (SELECT version FROM team_prices AS p WHERE p.campaign_id = g.campaign_id AND p.team_id ="
    "  CASE WHEN t.of_campaign THEN '00000000-0000-0000-0000-000000000000' ELSE g.team_id END"
    "  AND p.ladder_version = CASE WHEN t.of_campaign THEN t.ladder_version ELSE 0 END))"
    " ORDER BY g.look_at LIMIT %(limit)s FOR UPDATE OF g SKIP LOCKED"
)
_TAKE_OF_ALL = _TAKE.format(twins="", due="g.look_at <= %(now)s")
_TAKE_OF_TWINS = _TAKE.format(
    twins=f" JOIN {AHEAD} ON g.platform_id = k.whose AND {twins_alone('g')}",
    due="g.look_at > %(now)s AND g.look_at <= k.now",
)


async def take_due_groups(
    connection: Connection, now: datetime, ahead: Mapping[UUID, datetime], limit: int
) -> list[Group]:
    """Lock groups whose team, or its price, has moved since they were looked at, by the time of their platform."""
    values = {"now": now, "limit": limit, **named(ahead)}
    rows = await (await connection.execute(_TAKE_OF_ALL, values)).fetchall()
    if ahead:
        rows += await (await connection.execute(_TAKE_OF_TWINS, values)).fetchall()
    return [Group(*row) for row in rows]


async def lock_told(connection: Connection, members: Sequence[tuple[UUID, str]]) -> dict[tuple[UUID, str], ToldGroup]:
    """Read what groups were told, given as (platform, member), and lock their pending cards: nobody claims them now."""
    keys = [platform_id for platform_id, _ in members], [member_id for _, member_id in members]
    cursor = await connection.execute(
        "SELECT d.platform_id, d.member_id, d.claim_id IS NOT NULL FROM deliveries AS d"
        " JOIN unnest(%s::uuid[], %s::text[]) AS k (platform_id, member_id) USING (platform_id, member_id)"
        " WHERE d.kind = 'GROUP_CARD' AND d.state = 'PENDING' ORDER BY d.campaign_id, d.delivery_id FOR UPDATE OF d",
        keys,
    )
    flying = {(row[0], row[1]) async for row in cursor if row[2]}
    of_group = "SELECT FROM deliveries AS d WHERE d.platform_id = k.platform_id AND d.member_id = k.member_id AND"
    cursor = await connection.execute(
        "SELECT k.platform_id, k.member_id,"  # noqa: S608 - constants
        f" EXISTS ({of_group} d.kind = 'GROUP_CARD' AND d.state = 'PENDING' AND d.attempts > 0)"
        f" AND NOT EXISTS ({of_group} d.kind = 'GROUP_CARD' AND d.state = 'SENT'),"
        f" EXISTS ({of_group} d.kind = 'GROUP_CARD' AND d.state = 'REFUSED'),"
        f" EXISTS ({of_group} d.kind = 'GROUP_ON' AND d.state <> 'SUPERSEDED'),"
        " NOT EXISTS (SELECT FROM contact_points AS c WHERE c.platform_id = k.platform_id"
        "  AND c.member_id = k.member_id AND c.gone_at IS NULL)"
        " FROM unnest(%s::uuid[], %s::text[]) AS k (platform_id, member_id)",
        keys,
    )
    return {
        (platform_id, member_id): ToldGroup((platform_id, member_id) in flying or tried, refused, on, gone)
        async for platform_id, member_id, tried, refused, on, gone in cursor
    }


async def tell_again(connection: Connection, campaign_id: UUID, team_id: UUID) -> None:
    """Have a team's groups looked at again that knew its end."""
    await connection.execute(
        "UPDATE group_chats SET over_at = NULL WHERE campaign_id = %s AND team_id = %s AND NOT stopped",
        (campaign_id, team_id),
    )


async def move_groups(connection: Connection, groups: Sequence[tuple[Group, datetime]]) -> None:
    """Store what locked groups were told, given with when to look again."""
    await connection.cursor().executemany(
        "UPDATE group_chats SET shown = %s, knew = %s, over_at = %s, seen_version = %s, seen_price = %s, look_at = %s"
        " WHERE campaign_id = %s AND team_id = %s AND group_id = %s",
        [
            (
                one.shown,
                one.knew,
                one.over_at,
                one.seen_version,
                one.seen_price,
                look_at,
                one.campaign_id,
                one.team_id,
                one.group_id,
            )
            for one, look_at in groups
        ],
    )


async def find_cards(connection: Connection, wanted: Sequence[tuple[UUID, str]]) -> dict[tuple[UUID, str], str]:
    """Read the services' ids of the cards that groups have, given as (platform, member)."""
    cursor = await connection.execute(
        "SELECT k.platform_id, k.member_id, (SELECT a.provider_id FROM deliveries AS d"
        " JOIN attempts AS a USING (campaign_id, delivery_id) WHERE d.platform_id = k.platform_id"
        " AND d.member_id = k.member_id AND d.kind = 'GROUP_CARD' AND a.outcome = 'sent' AND a.provider_id <> ''"
        " ORDER BY d.team_version DESC, a.number DESC LIMIT 1)"
        " FROM unnest(%s::uuid[], %s::text[]) AS k (platform_id, member_id)",
        ([platform_id for platform_id, _ in wanted], [member_id for _, member_id in wanted]),
    )
    return {(row[0], row[1]): row[2] async for row in cursor if row[2]}
