"""Every list reads along an index, within one campaign: asked of PostgreSQL itself, on a few thousand rows."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias, cast
from uuid import UUID

import pytest

from services.chassis.database import Connection, Database
from services.team_formation import domain
from services.team_formation.store import lists, watching
from tests.support.formation import PLATFORM, START
from tests.support.team_rows import Rows, write_rows

Plan: TypeAlias = dict[str, Any]

SMALL = {"campaign_terms"}
"""A handful of rows of one campaign: PostgreSQL may read them as it likes."""


class Explained:
    """A connection that asks for the plan of each statement before it executes it."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.plans: list[Plan] = []

    async def execute(self, query: str, values: Any = None, **options: Any) -> Any:
        """Explain and execute."""
        cursor = await self.connection.execute(f"EXPLAIN (FORMAT JSON) {query}".encode(), values)
        [(plan,)] = await cursor.fetchall()
        self.plans.append((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"])
        return await self.connection.execute(query.encode(), values, **options)


@pytest.fixture
async def connection(url: str) -> AsyncIterator[Connection]:
    """A connection to a fresh database."""
    database = Database(url, pool_size=2)
    await database.start()
    async with database.read() as lent:
        yield lent
    await database.stop()


def nodes(plan: Plan) -> Iterator[Plan]:
    """Go through a plan."""
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


Ask: TypeAlias = Callable[[Connection, Rows], Awaitable[object]]


def _id(rows: Rows) -> UUID:
    return rows.campaign.campaign_id


def _teams(**wanted: Any) -> Ask:
    return lambda at, rows: lists.list_teams(at, PLATFORM, _id(rows), lists.TeamFilter(**wanted), UUID(int=2**127), 101)


def _seats(**wanted: Any) -> Ask:
    after = (START, UUID(int=5))
    return lambda at, rows: lists.list_seats_by_change(at, PLATFORM, _id(rows), lists.SeatFilter(**wanted), after, 101)


def _team_seats(**wanted: Any) -> Ask:
    filters = lists.SeatFilter(team_id=UUID(int=7), **wanted)
    return lambda at, rows: lists.list_seats_of_team(at, PLATFORM, _id(rows), filters, 4, 101)


def _invites(**wanted: Any) -> Ask:
    return lambda at, rows: lists.list_invites(at, PLATFORM, _id(rows), lists.InviteFilter(**wanted), UUID(int=5), 101)


def _campaigns(**wanted: Any) -> Ask:
    filters = lists.CampaignFilter(**wanted)
    return lambda at, _rows: lists.list_campaigns(at, PLATFORM, filters, START, UUID(int=2**127), 101)


ASKS: dict[str, tuple[Ask, str]] = {
    "campaigns": (_campaigns(), "campaigns_of_platform"),
    "campaigns by state": (_campaigns(states=(domain.CampaignState.RUNNING,)), "campaigns_of_platform"),
    "campaigns of a merchant": (_campaigns(merchant_id="merchant-3"), "campaigns_of_merchant"),
    "changes": (lambda at, rows: lists.list_changes(at, PLATFORM, _id(rows), 3, 101), "campaign_changes_pkey"),
    "teams": (_teams(), "teams_pkey"),
    "teams by state": (_teams(states=(domain.TeamState.FORMED,)), "teams_pkey"),
    "teams by order": (_teams(external_ref="order-3"), "teams_by_reference"),
    "teams by opener": (_teams(opener_member_id="member-3"), "teams_by_opener"),
    "seats": (_seats(), "seats_by_change"),
    "seats by state": (_seats(states=(domain.SeatState.HELD,)), "seats_by_change"),
    "seats that changed": (_seats(updated_after=START + timedelta(minutes=11)), "seats_by_change"),
    "seats of a member": (_seats(member_id="member-3"), "seats_of_member"),
    "seats by order": (_seats(external_ref="order-3"), "seats_by_reference"),
    "seats of a team": (_team_seats(), "seats_of_team"),
    "invites": (_invites(), "invites_pkey"),
    "invites of a team": (_invites(team_id=UUID(int=7)), "invites_of_team"),
    "invites of a promoter": (_invites(promoter_id="promoter-3"), "invites_of_promoter"),
    "a team to join": (
        lambda at, rows: lists.find_fullest(at, PLATFORM, _id(rows), "gate-5", "member-3", 1, START, 5),
        "listed_teams_fullest",
    ),
    "teams that changed": (
        lambda at, rows: watching.find_teams(at, PLATFORM, _id(rows), [UUID(int=n) for n in range(9)]),
        "teams_pkey",
    ),
    "what was told": (lambda at, _rows: watching.find_told(at, 7_900, datetime.now(UTC) - timedelta(days=1)), "outbox"),
}


async def test_every_list_has_an_index_that_begins_with_its_campaign(connection: Connection) -> None:
    rows = await write_rows(connection, campaigns=3000, teams=2000, seats=6, invites=3, changes=2000, told=8000)
    wrong = []
    for name, (ask, index) in ASKS.items():
        explained = Explained(connection)
        await ask(cast("Connection", explained), rows)
        for plan in explained.plans:
            wrong += [f"{name}: {breach}" for breach in breaches(plan, index)]
    assert not wrong, "\n".join(wrong)


def breaches(plan: Plan, index: str) -> Iterator[str]:
    """Tell what is wrong with a plan: no such index, whole tables, or rows beyond the campaign."""
    found = list(nodes(plan))
    if not any(node.get("Index Name", "").startswith(index) for node in found):
        yield f"{index} is not used, but {sorted(node.get('Index Name', '') for node in found)}"
    for node in found:
        if node["Node Type"] == "Seq Scan" and node["Relation Name"] not in SMALL:
            yield f"{node['Relation Name']} is read as a whole"
        condition = node.get("Index Cond", "campaign_id")
        if not any(scope in condition for scope in ("campaign_id", "platform_id", "position")):
            yield f"{condition} names no campaign"


def test_a_whole_table_is_noticed() -> None:
    plan = {"Node Type": "Limit", "Plans": [{"Node Type": "Seq Scan", "Relation Name": "seats"}]}
    assert len(list(breaches(plan, "seats_of_team"))) == 2
