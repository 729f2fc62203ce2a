"""A team whose members are to be told something, made in notification's tables by notification's own code."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID

import psycopg

from services.chassis import ids
from services.chassis.clock import Clock
from services.chassis.database import Database, database_url
from services.chassis.sealing import Sealer
from services.notification import store
from services.notification.contacts import Contacts
from services.notification.domain import (
    CountedIn,
    Kind,
    Member,
    Message,
    Opened,
    PaymentMode,
    Point,
    Role,
    Seat,
    SeatState,
    Settled,
    Team,
    TeamState,
    Text,
)
from services.notification.handlers.writing import delivery_id, write_deliveries
from tests.bench.installation import Installation

Item = TypeVar("Item")

NOTIFICATION = "notification"
_PAGE = 5_000
_FACTS = Settled(quantity=1, unit_price=2490, due=0, captured=2490, kept=0, voided=0, refunded=1000)


@dataclass(frozen=True)
class Crowd:
    """A team and its members' seats."""

    team: Team
    seats: Sequence[Seat]


def notification_database(whole: Installation) -> str:
    """Give the address of notification's database."""
    return database_url(whole.postgres.url, NOTIFICATION)


@asynccontextmanager
async def opened_database(whole: Installation) -> AsyncIterator[Database]:
    """Use notification's database as notification does, until this ends."""
    database = Database(notification_database(whole))
    await database.start()
    try:
        yield database
    finally:
        await database.stop()


async def register(whole: Installation, database: Database, platform_id: UUID, names: Sequence[str], to: Point) -> None:
    """Have members be reached in one way, their addresses sealed."""
    contacts, clock = Contacts(Sealer.read(whole.settings()["SEAL_KEYS"])), Clock()
    for page in _pages(names):
        members = [(platform_id, Member(name, "en", "UTC", (to,))) for name in page]
        async with database.work() as work:
            await contacts.save(work.connection, members, clock.now)


async def a_crowd(
    whole: Installation, database: Database, count: int, to: Point, state: TeamState = TeamState.FORMED
) -> Crowd:
    """Make a team of a platform of its own, whose members are all confirmed and reached in one way."""
    team = _team(count, state)
    seats = [_seat(number) for number in range(1, count + 1)]
    await register(whole, database, team.platform_id, [seat.member_id for seat in seats], to)
    async with database.work() as work:
        await store.save_teams(work.connection, [team], [], Clock().now, 600)
        for page in _pages(seats):
            await store.save_seats(work.connection, [(team, seat) for seat in page])
    async with await psycopg.AsyncConnection.connect(notification_database(whole), autocommit=True) as connection:
        await connection.execute("VACUUM ANALYZE")
    return Crowd(team, seats)


async def tell(database: Database, crowd: Crowd, seats: Sequence[Seat]) -> list[UUID]:
    """Write a pending delivery to each of these seats, all in one transaction; gives the deliveries' ids.

    Each is of kind FORMED and has a cause of its own, so that members can be told again and again.
    """
    told = [
        Message(ids.new_id(), crowd.team.version, Kind.FORMED, seat.seat_id, seat.member_id, _FACTS) for seat in seats
    ]
    async with database.work() as work:
        await write_deliveries(work, [(crowd.team, message) for message in told], Clock())
    return [delivery_id(message) for message in told]


async def forget(whole: Installation, crowd: Crowd) -> None:
    """Delete a crowd's deliveries, while no sender runs."""
    async with await psycopg.AsyncConnection.connect(notification_database(whole)) as connection:
        for table in ("attempts", "deliveries"):
            await connection.execute(f"DELETE FROM {table} WHERE campaign_id = %s".encode(), (crowd.team.campaign_id,))  # noqa: S608 - names of tables


def _pages(items: Sequence[Item]) -> list[Sequence[Item]]:
    return [items[start : start + _PAGE] for start in range(0, len(items), _PAGE)]


def _team(count: int, state: TeamState) -> Team:
    return Team(
        platform_id=ids.new_id(),
        campaign_id=ids.new_id(),
        team_id=ids.new_id(),
        version=count,
        state=state,
        fill=count,
        fill_version=count,
        opened=_opened(),
    )


def _seat(number: int) -> Seat:
    return Seat(
        seat_id=ids.new_id(),
        member_id=f"crowd-{number}",
        sku="mango",
        quantity=1,
        role=Role.LEADER if number == 1 else Role.MEMBER,
        cap=3490,
        state=SeatState.CONFIRMED,
        hold_until=datetime.now(UTC) + timedelta(days=1),
        confirmed_version=number,
        taken_version=number,
    )


def _opened() -> Opened:
    return Opened(
        texts=(Text("en", "Mangoes"),),
        seller="Fruit Shop",
        checkout_url="https://shop.example.com/checkout",
        time_zone="UTC",
        payment_mode=PaymentMode.PREPAID,
        counted_in=CountedIn.MEMBERS,
        minimum=4,
        currency="EUR",
        ends_at=datetime.now(UTC) + timedelta(days=20),
    )
