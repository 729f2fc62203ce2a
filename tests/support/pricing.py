"""Pricing on a real database: team events in, rows and told facts out."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from groupbuy.pricing.v1 import events_pb2
from psycopg.rows import dict_row

from services.chassis.clock import ManualClock
from services.chassis.database import Database
from services.chassis.erased import TOPIC
from services.chassis.erasing import on_member_events
from services.chassis.inbox import Fill, Inbox
from services.chassis.messages import Record
from services.pricing import translate
from services.pricing.handlers import (
    CampaignHandler,
    PaymentFinder,
    SettlementFinder,
    Tables,
    TallyFinder,
    TeamHandler,
    on_demand_events,
)
from tests.support.teams import START

Rows: TypeAlias = list[dict[str, Any]]

TABLES = (
    "campaigns",
    "price_tables",
    "price_steps",
    "teams",
    "seats",
    "facts",
    "settlement_jobs",
    "settlement_lines",
    "payment_terms",
    "beneficiary_lines",
)
COUNTED = ("tally_deltas", "tallies", "tally_heads", "tally_waits", "tally_fixes")
ENTERED = (
    "line_reports",
    "line_states",
    "settlement_feed",
    "requests",
    "awaited_payments",
    "payment_facts",
    "deliveries_reported",
)
"""Tables that a rebuild keeps."""


class PricingService:
    """Everything of pricing that reads events, on one database."""

    def __init__(self, database: Database, fill: Fill | None = None) -> None:
        self.database = database
        self.tables = Tables()
        handlers = {
            translate.DEMAND_TOPIC: on_demand_events,
            translate.CAMPAIGN_TOPIC: CampaignHandler(self.tables).on_campaign_events,
            translate.TEAM_TOPIC: TeamHandler(self.tables).on_team_events,
            TOPIC: on_member_events,
        }
        fills = {translate.TEAM_TOPIC: fill} if fill else {}
        self.inbox = Inbox(database, handlers, fills)
        self.settlements = SettlementFinder(database, self.tables)
        self.tallies = TallyFinder(database, self.tables)
        self.clock = ManualClock(START)
        self.payments = PaymentFinder(database, self.clock)

    async def apply(self, records: Sequence[Record]) -> None:
        """Apply records as one batch."""
        await self.inbox.apply(records)

    async def settle(self) -> int:
        """Work off every settlement that waits; returns the number of lines made."""
        made = 0
        while lines := await self.settlements.run_once():
            made += lines
        return made

    async def rows(self, query: str) -> Rows:
        """Read rows."""
        async with self.database.read() as connection, connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(query.encode())
            return await cursor.fetchall()

    async def empty(self) -> None:
        """Forget everything, as a rebuild would begin."""
        async with self.database.work() as work:
            names = ", ".join((*TABLES, *COUNTED, *ENTERED, "outbox", "inbox", "parked_messages"))
            await work.connection.execute(f"TRUNCATE {names}".encode())
        self.tables = Tables()

    async def state(self) -> dict[str, Rows]:
        """Read every row of every table, in a stable order."""
        return {name: sorted(await self.rows(f"SELECT * FROM {name}"), key=repr) for name in TABLES}  # noqa: S608

    async def prices(self) -> list[events_pb2.PriceEvent]:
        """Read what was told about prices, in order."""
        return [events_pb2.PriceEvent.FromString(payload) for payload in await self._told(translate.PRICE_TOPIC)]

    async def settled(self) -> list[events_pb2.SettlementEvent]:
        """Read what was told about settlements, in order."""
        told = await self._told(translate.SETTLEMENT_TOPIC)
        return [events_pb2.SettlementEvent.FromString(payload) for payload in told]

    async def tallied(self) -> list[events_pb2.TallyEvent]:
        """Read the tallies that were told, in order."""
        return [events_pb2.TallyEvent.FromString(payload) for payload in await self._told(translate.TALLY_TOPIC)]

    async def _told(self, topic: str) -> list[bytes]:
        query = f"SELECT payload FROM outbox WHERE aggregatetype = '{topic}' ORDER BY position"  # noqa: S608
        return [row["payload"] for row in await self.rows(query)]

    async def told_by_key(self) -> dict[tuple[str, str], list[bytes]]:
        """Read what was told per topic and key, in order: what a consumer can see of the order."""
        found: dict[tuple[str, str], list[bytes]] = {}
        for row in await self.rows("SELECT aggregatetype, aggregateid, payload FROM outbox ORDER BY position"):
            found.setdefault((row["aggregatetype"], row["aggregateid"]), []).append(row["payload"])
        return found

    async def parked(self) -> dict[str, list[str]]:
        """Read the reasons of parked records per key, in order."""
        found: dict[str, list[str]] = {}
        for row in await self.rows("SELECT key, reason FROM parked_messages ORDER BY number"):
            found.setdefault(row["key"], []).append(row["reason"])
        return found
