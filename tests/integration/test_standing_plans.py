"""How far a service is with a test twin is read along indexes that begin with the twin: asked of PostgreSQL itself.

It is asked many times a second while a clock moves, beside the rows of all real platforms.
"""

from collections.abc import AsyncIterator, Iterator
from typing import Any, cast

import pytest

from services.chassis.database import Connection
from services.chassis.inbox_rows import sum_applied
from services.chassis.standing import Pace
from services.chassis.twins import twin_of
from services.notification.handlers.pace import PACE as NOTIFICATION
from services.pricing.store import pace as pricing
from services.team_formation.standings import PACE as TEAM_FORMATION
from tests.support.database import Database
from tests.support.engine import Engine
from tests.support.formation import PLATFORM
from tests.support.rpcs import a_server

TWIN = twin_of(PLATFORM, 1)
SMALL = {"reminder_marks", "twin_reminder_marks"}
"""Two rows, or two of each twin."""
FOUND_BY = ("platform_id", "campaign_id", "twin_id")


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[Engine]:
    async with a_server(database) as server:
        yield server.engine


class Explained:
    """A connection that asks for the plan of a statement first, as if tables were too large to be read."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.plans: list[dict[str, Any]] = []

    async def execute(self, query: str, values: Any = None) -> Any:
        """Explain and execute."""
        await self.connection.execute("SET LOCAL enable_seqscan = off")
        cursor = await self.connection.execute(f"EXPLAIN (FORMAT JSON) {query}".encode(), values)
        [(plan,)] = await cursor.fetchall()
        self.plans.append(plan[0]["Plan"])
        return await self.connection.execute(query.encode(), values)


@pytest.mark.parametrize("name", ["team_formation", "pricing", "notification"])
async def test_how_far_a_twin_is_reads_nothing_of_other_platforms(engine: Engine, name: str) -> None:
    database, pace = {
        "team_formation": (engine.formation.database, TEAM_FORMATION),
        "pricing": (engine.pricing.database, Pace(pricing.find_next_due, pricing.sum_told)),
        "notification": (engine.notification.database, NOTIFICATION),
    }[name]
    async with database.one_moment() as lent:
        explained = Explained(lent)
        connection = cast("Connection", explained)
        await pace.told(connection, TWIN)
        await sum_applied(connection, TWIN)
        await pace.next_due(connection, TWIN)
    assert len(explained.plans) >= 2
    wrong = [breach for plan in explained.plans for node in nodes(plan) for breach in breaches(node)]
    assert wrong == []


def breaches(node: dict[str, Any]) -> Iterator[str]:
    """Tell what is wrong with a part of a plan."""
    table = node.get("Relation Name", "")
    if node["Node Type"] == "Seq Scan" and table not in SMALL:
        yield f"{table} is read as a whole"
    if "Index Name" in node and table not in SMALL:
        condition = node.get("Index Cond", "")
        if not any(column in condition for column in FOUND_BY):
            yield f"{node['Index Name']} is read by {condition or 'nothing'}"


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Go through a plan."""
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)
