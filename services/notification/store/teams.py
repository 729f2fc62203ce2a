"""The copy of teams in SQL."""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.arrays import Kind, bigints, booleans, jsonbs, packed, texts, times, uuids
from services.chassis.rows import Asked, ask, marks, put
from services.notification.domain import CountedIn, Opened, PaymentMode, Team, TeamState, Text

Connection: TypeAlias = AsyncConnection[TupleRow]
TeamKey: TypeAlias = tuple[UUID, UUID]
Now: TypeAlias = Callable[[UUID], datetime]
"""Tells the time of a platform."""
"""Campaign and team."""

_TEAM = """t.platform_id, t.campaign_id, t.team_id, t.version, t.state, t.fill, t.fill_version, t.waiting, t.sponsored,
    t.end_version, t.texts, t.seller, t.checkout_url, t.time_zone, t.payment_mode, t.counted_in, t.minimum, t.currency,
    t.ends_at, t.leader_reward, t.ladder_version, t.of_campaign, t.maximum,
    t.imported_to, t.taken"""


async def lock_teams(connection: Connection, wanted: Iterable[tuple[UUID, UUID, UUID]]) -> dict[TeamKey, Team]:
    """Lock teams, given as (platform, campaign, team); those not known yet are inserted first, at version 0."""
    asked = await ask_teams(connection, wanted)
    return {(team.campaign_id, team.team_id): team for team in await asked.one()}


async def ask_teams(connection: Connection, wanted: Iterable[tuple[UUID, UUID, UUID]]) -> Asked[Team]:
    """Have teams locked as `lock_teams` does; what is asked next is asked of locked teams, without waiting for them."""
    platforms: dict[TeamKey, UUID] = {}
    for platform_id, campaign_id, team_id in wanted:
        platforms.setdefault((campaign_id, team_id), platform_id)
    campaigns, teams = uuids(key[0] for key in platforms), uuids(key[1] for key in platforms)
    await put(
        connection,
        "INSERT INTO teams (campaign_id, team_id, platform_id)"
        " SELECT campaign_id, team_id, platform_id FROM unnest(%s, %s, %s) AS k (campaign_id, team_id, platform_id)"
        " ORDER BY campaign_id, team_id ON CONFLICT DO NOTHING",
        [(campaigns, teams, uuids(platforms.values()))],
    )
    return await ask(
        connection,
        f"SELECT {_TEAM} FROM teams AS t JOIN unnest(%s, %s) AS k (campaign_id, team_id)"  # noqa: S608
        " USING (campaign_id, team_id) ORDER BY t.campaign_id, t.team_id FOR UPDATE OF t",
        [(campaigns, teams)],
        _team,
    )


async def find_team(connection: Connection, platform_id: UUID, campaign_id: UUID, team_id: UUID) -> Team | None:
    """Read one team of a platform."""
    cursor = await connection.execute(
        f"SELECT {_TEAM} FROM teams AS t WHERE t.campaign_id = %s AND t.team_id = %s AND t.platform_id = %s",  # noqa: S608
        (campaign_id, team_id, platform_id),
    )
    row = await cursor.fetchone()
    return _team(row) if row else None


async def find_teams(
    connection: Connection, platform_id: UUID, campaign_id: UUID, team_ids: Iterable[UUID]
) -> dict[UUID, Team]:
    """Read teams of a platform's campaign."""
    cursor = await connection.execute(
        f"SELECT {_TEAM} FROM teams AS t"  # noqa: S608
        " WHERE t.campaign_id = %s AND t.team_id = ANY (%s) AND t.platform_id = %s",
        (campaign_id, sorted(team_ids), platform_id),
    )
    return {team.team_id: team for team in [_team(row) async for row in cursor]}


def _team(row: Sequence[Any]) -> Team:
    platform_id, campaign_id, team_id, version, state, fill, fill_version, waiting, sponsored, end_version, *kept = row
    return Team(
        platform_id=platform_id,
        campaign_id=campaign_id,
        team_id=team_id,
        version=version,
        state=TeamState(state),
        fill=fill,
        fill_version=fill_version,
        waiting=waiting,
        sponsored=sponsored,
        end_version=end_version,
        opened=_opened(*kept[:-1]) if version else None,
        taken=kept[-1],
    )


def _opened(*kept: Any) -> Opened:
    texts, seller, checkout_url, time_zone, payment_mode, counted_in, minimum, currency, *rest = kept
    ends_at, leader_reward, ladder_version, of_campaign, maximum, imported_to = rest
    return Opened(
        texts=tuple(Text(language, title) for language, title in texts),
        seller=seller,
        checkout_url=checkout_url,
        time_zone=time_zone,
        payment_mode=PaymentMode(payment_mode),
        counted_in=CountedIn(counted_in),
        minimum=minimum,
        currency=currency,
        ends_at=ends_at,
        leader_reward=leader_reward,
        ladder_version=ladder_version,
        of_campaign=of_campaign,
        maximum=maximum,
        imported_to=imported_to,
    )


_KINDS: Final[Sequence[Kind]] = (
    *[uuids] * 3,
    bigints,
    texts,
    *[bigints] * 5,
    jsonbs,
    *[texts] * 5,
    bigints,
    texts,
    times,
    bigints,
    bigints,
    booleans,
    bigints,
    bigints,
    bigints,
)
_DIGEST_KINDS: Final[Sequence[Kind]] = (*[uuids] * 3, bigints, times)
_KEPT = (
    "version, state, fill, fill_version, waiting, sponsored, end_version, texts, seller, checkout_url, time_zone,"
    " payment_mode, counted_in, minimum, currency, ends_at, leader_reward, ladder_version, of_campaign,"
    " maximum, imported_to, taken"
)
_SAVE = (
    f"INSERT INTO teams (campaign_id, team_id, platform_id, {_KEPT}) SELECT * FROM unnest({marks(len(_KINDS))})"  # noqa: S608 - constants
    f" ON CONFLICT (campaign_id, team_id) DO UPDATE SET ({_KEPT}) = ROW (excluded.{_KEPT.replace(', ', ', excluded.')})"
)


_SAVE_JOINED = (
    f"WITH saved AS ({_SAVE}) INSERT INTO join_digests (campaign_id, team_id, platform_id, since_version, due_at)"  # noqa: S608 - constants
    " SELECT k.campaign_id, k.team_id, k.platform_id, k.since_version, k.now + make_interval(secs => coalesce("
    "(SELECT seconds FROM messaging_windows AS w"
    " WHERE w.platform_id = k.platform_id AND w.kind = 'SOMEONE_JOINED'), %s))"
    " FROM unnest(%s, %s, %s, %s, %s) AS k (campaign_id, team_id, platform_id, since_version, now)"
    " ON CONFLICT DO NOTHING"
)


async def save_teams(
    connection: Connection, teams: Sequence[Team], joined: Sequence[Team], now: Now, window_seconds: int
) -> None:
    """Save teams that were opened; each is locked, so that it is there.

    `joined` are teams as they were before somebody joined: their members will be told, once the platform's window, or
    else `window_seconds`, is over. Where that is on its way already it stays as it is. `now` tells a platform's time.
    """
    opened = [_team_values(team, team.opened) for team in teams if team.opened]
    if opened and joined:
        digests = packed(
            _DIGEST_KINDS,
            [(one.campaign_id, one.team_id, one.platform_id, one.version, now(one.platform_id)) for one in joined],
        )
        await put(connection, _SAVE_JOINED, [(*packed(_KINDS, opened), window_seconds, *digests)])
    elif opened:
        await put(connection, _SAVE, [packed(_KINDS, opened)])


def _team_values(team: Team, opened: Opened) -> tuple[object, ...]:
    return (
        team.campaign_id,
        team.team_id,
        team.platform_id,
        team.version,
        team.state,
        team.fill,
        team.fill_version,
        team.waiting,
        team.sponsored,
        team.end_version,
        json.dumps([[text.language, text.title] for text in opened.texts]),
        opened.seller,
        opened.checkout_url,
        opened.time_zone,
        opened.payment_mode,
        opened.counted_in,
        opened.minimum,
        opened.currency,
        opened.ends_at,
        opened.leader_reward,
        opened.ladder_version,
        opened.of_campaign,
        opened.maximum,
        opened.imported_to,
        team.taken,
    )
