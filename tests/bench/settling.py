"""A formed team in pricing's database whose lines are all to be made: a seat that pricing knows, multiplied by SQL.

Seats are numbered below the version at which their team ended, as real ones are: from 0 downwards.
"""

import asyncio
import time

import psycopg

from tests.bench.consuming import LONGEST_SECONDS
from tests.bench.errors import BenchError
from tests.bench.seed import Team

_LOOK_SECONDS = 0.05

_SEATS = """
INSERT INTO seats (campaign_id, seat_id, team_id, platform_id, member_id, sku, role, quantity, cap, cap_fill, state,
    payment_reference, number)
SELECT campaign_id, gen_random_uuid(), team_id, platform_id, member_id || '-' || n, sku, 'MEMBER', 1, cap, cap_fill,
    'CONFIRMED', '', number - n
FROM seats, generate_series(1, %(count)s) AS n WHERE campaign_id = %(campaign)s AND team_id = %(team)s
"""
_TEAM = """
UPDATE teams SET state = 'FORMED', formed_version = version, ended_version = version, fill = %(count)s,
    fill_version = version, confirmed_members = %(count)s, confirmed_units = %(count)s,
    settlement_sequence = settlement_sequence + %(count)s
WHERE campaign_id = %(campaign)s AND team_id = %(team)s
"""
_JOB = """
INSERT INTO settlement_jobs (campaign_id, team_id, version, platform_id, cause, cause_event_id, occurred_at,
    first_sequence, lines, done, after_number, amount, payment_reference)
SELECT campaign_id, team_id, version, platform_id, 'TEAM_FORMED', gen_random_uuid(), now(), 1, %(count)s, 0,
    -%(count)s, 0, ''
FROM teams WHERE campaign_id = %(campaign)s AND team_id = %(team)s
"""
_MADE = """
SELECT t.version, j.done FROM teams AS t LEFT JOIN settlement_jobs AS j USING (campaign_id, team_id)
WHERE campaign_id = %s AND team_id = %s
"""


async def settled(database: str, team: Team, count: int) -> float:
    """Have so many seats of an open team with one seat settled; gives the seconds from the first to the last line."""
    values = {"campaign": team.campaign_id, "team": team.team_id, "count": count}
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        await connection.execute(_SEATS, values)
        await connection.execute("VACUUM ANALYZE seats")
        async with connection.transaction():
            await connection.execute(_TEAM, values)
            await connection.execute(_JOB, values)
        ready = began = time.monotonic()
        while (done := await _done(connection, team)) is not None:
            if not done:
                began = time.monotonic()  # the timer looks twice a second: what it waits is not its work
            if time.monotonic() - ready > LONGEST_SECONDS:
                raise BenchError(f"Only {done:,} of {count:,} seats were settled within {LONGEST_SECONDS:.0f} s.")
            await asyncio.sleep(_LOOK_SECONDS)
        return time.monotonic() - began


async def _done(connection: "psycopg.AsyncConnection[tuple[int, int | None]]", team: Team) -> int | None:
    """Give how many lines of the job are made; None when it is finished."""
    row = await (await connection.execute(_MADE, (team.campaign_id, team.team_id))).fetchone()
    if row is None:
        raise BenchError("The team that is to be settled is not in pricing's database.")
    return row[1]
