"""A notification of one process without its network: events in, deliveries and outbox rows out."""

import base64
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from groupbuy.notification.v1 import events_pb2

from services.chassis.clock import Clock, ManualClock
from services.chassis.database import Database
from services.chassis.erased import TOPIC
from services.chassis.erasing import on_member_events
from services.chassis.inbox import Inbox
from services.chassis.messages import Record
from services.chassis.sealing import Sealer
from services.notification.channels import Channels
from services.notification.contacts import Contacts
from services.notification.domain import Member, Point
from services.notification.handlers import EventHandlers, PlatformEvents, StartReminders
from services.notification.handlers.fanout import PRICES, SETTLEMENTS, TEAMS
from services.notification.sandbox import Sandbox
from services.notification.translate import CAMPAIGNS, DELIVERY_TOPIC

SEAL_KEYS = f"test:{base64.b64encode(bytes(range(32))).decode()}"
SEALER = Sealer.read(SEAL_KEYS)
START = datetime(2026, 11, 21, 12, tzinfo=UTC)


@dataclass
class Notifying:
    """One replica."""

    database: Database
    clock: ManualClock
    events: EventHandlers
    inbox: Inbox

    async def apply(self, *records: Record) -> None:
        """Apply records in one batch, as the consumer does."""
        await self.inbox.apply(records)

    async def put(self, platform_id: UUID, member_id: str, *points: tuple[str, str], language: str = "en") -> None:
        """Register a member, by default on the console."""
        chosen = tuple(Point(*point) for point in points or [("console", f"console of {member_id}")])
        member = Member(member_id, language, "Europe/Berlin", chosen)
        async with self.database.work() as work:
            await Contacts(SEALER).save(work.connection, [(platform_id, member)], self.clock.now)

    async def rows(self, query: str, *values: Any) -> list[Any]:
        """Read rows."""
        async with self.database.read() as connection:
            return await (await connection.execute(query, values)).fetchall()

    async def do(self, statement: str, *values: Any) -> None:
        """Change rows, as time or an operator would."""
        async with self.database.read() as connection:
            await connection.execute(statement, values)

    async def told(self) -> list[tuple[str, str]]:
        """Who was told what: kind and member of every delivery, sorted."""
        return sorted(tuple(row) for row in await self.rows("SELECT kind, member_id FROM deliveries"))

    async def states(self) -> dict[tuple[str, str], str]:
        """How each delivery stands, by kind and member."""
        return {(row[0], row[1]): row[2] for row in await self.rows("SELECT kind, member_id, state FROM deliveries")}

    async def ended(self) -> list[events_pb2.DeliveryEvent]:
        """What was told of deliveries, in order."""
        query = "SELECT payload FROM outbox WHERE aggregatetype = %s ORDER BY position"
        return [events_pb2.DeliveryEvent.FromString(row[0]) for row in await self.rows(query, DELIVERY_TOPIC)]


def inbox_of(database: Database, clock: Clock, events: EventHandlers) -> Inbox:
    """Make the inbox of notification's own topics."""
    kept = PlatformEvents(database, clock)
    handlers = {
        CAMPAIGNS: kept.after(StartReminders(database, clock).on_campaign_events),
        TEAMS: kept.after(events.on_team_events),
        PRICES: kept.after(events.on_price_events),
        SETTLEMENTS: kept.after(events.on_settlement_events),
        TOPIC: on_member_events,
    }
    return Inbox(database, handlers)


def a_sandbox(channels: Channels, clock: Clock, *, private: bool = True) -> Sandbox:
    """Make what test platforms have in the place of services."""
    return Sandbox(channels, SEALER, clock, "shop@example.com", allow_private=private)


@asynccontextmanager
async def a_notification(url: str, clock: ManualClock) -> AsyncIterator[Notifying]:
    """Run a replica on a database."""
    database = Database(url, pool_size=6)
    await database.start()
    events = EventHandlers(database, clock)
    try:
        yield Notifying(database, clock, events, inbox_of(database, clock, events))
    finally:
        await database.stop()


def in_batches(records: Sequence[Record], size: int) -> list[Sequence[Record]]:
    """Cut records into batches."""
    return [records[at : at + size] for at in range(0, len(records), size)]
