"""Notification as a process, from the topics' ends on, and whose members it is to tell."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import psycopg

from tests.bench.consuming import TEAMS
from tests.bench.crowd import NOTIFICATION
from tests.bench.errors import BenchError
from tests.bench.installation import Installation, Program
from tests.bench.reading import forget_backlog

PRICES, SETTLEMENTS = "groupbuy.price.v1", "groupbuy.settlement.v1"


@asynccontextmanager
async def notification_from_now(whole: Installation, *roles: str, **settings: str) -> AsyncIterator[Program]:
    """Have notification run, with some roles or all, behind all that is in its topics, until this ends."""
    await forget_backlog(whole, NOTIFICATION, [TEAMS, PRICES, SETTLEMENTS])
    program = await whole.run(NOTIFICATION, f"services.{NOTIFICATION}", *roles, **settings)
    try:
        yield program
    finally:
        await whole.end(NOTIFICATION)


async def platform_of(whole: Installation, campaign_id: UUID) -> UUID:
    """Give the platform that a campaign belongs to."""
    async with await psycopg.AsyncConnection.connect(whole.database, autocommit=True) as connection:
        cursor = await connection.execute("SELECT platform_id FROM campaigns WHERE campaign_id = %s", (campaign_id,))
        row = await cursor.fetchone()
    if row is None:
        raise BenchError(f"There is no campaign {campaign_id}.")
    return UUID(str(row[0]))
