"""The copy of teams and seats in SQL."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from services.notification.domain import CountedIn, Opened, PaymentMode, Role, Seat, SeatState, Team, TeamState, Text

Connection: TypeAlias = AsyncConnection[TupleRow]
TeamKey: TypeAlias = tuple[UUID, UUID]
"""Campaign and team."""

_TEAM = """t.platform_id, t.campaign_id, t.team_id, t.version, t.state, t.fill, t.fill_version, t.texts, t.seller,
    t.checkout_url, t.time_zone, t.payment_mode, t.counted_in, t.minimum, t.currency, t.ends_at"""
_SEAT = """s.seat_id, s.member_id, s.sku, s.quantity, s.role, s.cap, s.state, s.hold_until, s.confirmed_version,
    s.released_version"""


async def lock_teams(connection: Connection, wanted: Iterable[tuple[UUID, UUID, UUID]]) -> dict[TeamKey, Team]:
    """Lock teams, given as (platform, campaign, team); those not known yet are inserted first, at version 0."""
    platforms: dict[TeamKey, UUID] = {}
    for platform_id, campaign_id, team_id in wanted:
        platforms.setdefault((campaign_id, team_id), platform_id)
    keys = sorted(platforms)
    campaigns, teams = [key[0] for key in keys], [key[1] for key in keys]
    await connection.execute(
        "INSERT INTO teams (campaign_id, team_id, platform_id)"
        " SELECT campaign_id, team_id, platform_id"
        " FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[]) AS k (campaign_id, team_id, platform_id)"
        " ORDER BY campaign_id, team_id ON CONFLICT DO NOTHING",
        (campaigns, teams, [platforms[key] for key in keys]),
    )
    cursor = await connection.execute(
        f"SELECT {_TEAM} FROM teams AS t JOIN unnest(%s::uuid[], %s::uuid[]) AS k (campaign_id, team_id)"  # noqa: S608
        " USING (campaign_id, team_id) ORDER BY t.campaign_id, t.team_id FOR UPDATE OF t",
        (campaigns, teams),
    )
    return {(team.campaign_id, team.team_id): team for team in [_team(row) async for row in cursor]}


async def find_team(connection: Connection, platform_id: UUID, campaign_id: UUID, team_id: UUID) -> Team | None:
    """Read one team of a platform."""
    cursor = await connection.execute(
        f"SELECT {_TEAM} FROM teams AS t WHERE t.campaign_id = %s AND t.team_id = %s AND t.platform_id = %s",  # noqa: S608
        (campaign_id, team_id, platform_id),
    )
    row = await cursor.fetchone()
    return _team(row) if row else None


def _team(row: Sequence[Any]) -> Team:
    texts, seller, checkout_url, time_zone, payment_mode, counted_in, minimum, currency, ends_at = row[7:]
    opened = texts and Opened(
        texts=tuple(Text(language, title) for language, title in texts),
        seller=seller,
        checkout_url=checkout_url,
        time_zone=time_zone,
        payment_mode=PaymentMode(payment_mode),
        counted_in=CountedIn(counted_in),
        minimum=minimum,
        currency=currency,
        ends_at=ends_at,
    )
    return Team(row[0], row[1], row[2], row[3], TeamState(row[4]), row[5], row[6], opened or None)


async def save_teams(connection: Connection, teams: Sequence[Team]) -> None:
    """Save teams that were opened; each is locked."""
    await connection.cursor().executemany(
        "UPDATE teams SET version = %s, state = %s, fill = %s, fill_version = %s, texts = %s, seller = %s,"
        " checkout_url = %s, time_zone = %s, payment_mode = %s, counted_in = %s, minimum = %s, currency = %s,"
        " ends_at = %s WHERE campaign_id = %s AND team_id = %s AND platform_id = %s",
        [_team_values(team, team.opened) for team in teams if team.opened],
    )


def _team_values(team: Team, opened: Opened) -> tuple[object, ...]:
    return (
        team.version,
        team.state,
        team.fill,
        team.fill_version,
        Jsonb([[text.language, text.title] for text in opened.texts]),
        opened.seller,
        opened.checkout_url,
        opened.time_zone,
        opened.payment_mode,
        opened.counted_in,
        opened.minimum,
        opened.currency,
        opened.ends_at,
        team.campaign_id,
        team.team_id,
        team.platform_id,
    )


async def load_seats(connection: Connection, keys: Sequence[tuple[UUID, UUID, UUID]]) -> dict[UUID, Seat]:
    """Read seats, given as (campaign, team, seat), of teams that are locked."""
    cursor = await connection.execute(
        f"SELECT {_SEAT} FROM seats AS s"  # noqa: S608
        " JOIN unnest(%s::uuid[], %s::uuid[], %s::uuid[]) AS k (campaign_id, team_id, seat_id)"
        " USING (campaign_id, team_id, seat_id)",
        tuple(map(list, zip(*keys, strict=True))),
    )
    return {seat.seat_id: seat for seat in [_seat(row) async for row in cursor]}


async def find_counted_seats(
    connection: Connection, campaign_id: UUID, team_id: UUID, version: int, after: UUID | None, limit: int
) -> list[Seat]:
    """Read the seats that counted at a version of the team, in the order of their ids, from behind `after`."""
    cursor = await connection.execute(
        f"SELECT {_SEAT} FROM seats AS s WHERE s.campaign_id = %s AND s.team_id = %s AND s.confirmed_version <= %s"  # noqa: S608
        " AND (s.released_version IS NULL OR s.released_version > %s) AND s.seat_id > %s ORDER BY s.seat_id LIMIT %s",
        (campaign_id, team_id, version, version, after or UUID(int=0), limit),
    )
    return [_seat(row) async for row in cursor]


def _seat(row: Sequence[Any]) -> Seat:
    seat_id, member_id, sku, quantity, role, cap, state, *rest = row
    return Seat(seat_id, member_id, sku, quantity, Role(role), cap, SeatState(state), *rest)


async def save_seats(connection: Connection, rows: Sequence[tuple[Team, Seat]]) -> None:
    """Save seats of teams that are locked."""
    await connection.cursor().executemany(
        "INSERT INTO seats (campaign_id, team_id, seat_id, platform_id, member_id, sku, quantity, role, cap, state,"
        " hold_until, confirmed_version, released_version) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (campaign_id, team_id, seat_id) DO UPDATE SET state = excluded.state, cap = excluded.cap,"
        " quantity = excluded.quantity, hold_until = excluded.hold_until,"
        " confirmed_version = excluded.confirmed_version, released_version = excluded.released_version",
        [
            (
                team.campaign_id,
                team.team_id,
                seat.seat_id,
                team.platform_id,
                seat.member_id,
                seat.sku,
                seat.quantity,
                seat.role,
                seat.cap,
                seat.state,
                seat.hold_until,
                seat.confirmed_version,
                seat.released_version,
            )
            for team, seat in rows
        ],
    )
