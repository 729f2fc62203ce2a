"""The board of a live campaign: each statement runs in pricing's database, by the role that Grafana has."""

import re
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from tests.support.database import Database as MakeDatabase
from tests.support.rules import dashboards, targets

ROLE = Path(__file__).resolve().parents[3] / "deploy" / "observability" / "grafana-reader.sql"
BOARD = dashboards()["campaign-live"]
STATEMENTS = [(title, target["rawSql"]) for title, target in targets(BOARD)]
STATEMENTS += [("choice", BOARD["templating"]["list"][1]["query"])]


def filled(statement: str, campaign: str) -> str:
    """Put in what Grafana puts in."""
    timed = re.sub(r"\$__timeFilter\((\w+)\)", r"\1 BETWEEN now() - interval '1 hour' AND now()", statement)
    return timed.replace("${campaign:sqlstring}", f"'{campaign}'")


@pytest.fixture
async def reader(database: MakeDatabase) -> str:
    """Give pricing's database with a campaign of two tallies, and a name for the role that is this test's alone."""
    url, role = await database("pricing"), f"grafana_{uuid4().hex}"
    made = "\n".join(line for line in ROLE.read_text().splitlines() if not line.startswith("--"))
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(made.replace("groupbuy_grafana", role).replace(":password", "'x'"))
        await connection.execute(
            "INSERT INTO tallies SELECT %s, n, gen_random_uuid(), now() - (3 - n) * interval '1 minute', n, 0, 0, 0,"
            " 5 * n, 4 * n, 0, 0, 4 * n, 0, 4 * n, 4 * n, n, 0 FROM generate_series(1, 2) AS n",
            (CAMPAIGN,),
        )
    return f"{url}{'&' if '?' in url else '?'}options=-c%20role%3D{role}"


CAMPAIGN = str(uuid4())


@pytest.mark.parametrize(("title", "statement"), STATEMENTS, ids=[title for title, _ in STATEMENTS])
async def test_a_statement_of_the_board_runs(reader: str, title: str, statement: str) -> None:
    async with await psycopg.AsyncConnection.connect(reader, autocommit=True) as connection:
        cursor = await connection.execute(filled(statement, CAMPAIGN))
        rows = await cursor.fetchall()
        columns = [column.name for column in cursor.description or ()]
    if title == "Members who bought":
        assert rows == [(8,)]
    if title == "Seats held, by minute":
        assert columns == ["time", "held"]
        assert [held for _, held in rows] == [None, 5]
    assert rows or title in {"choice", "Price table"}


async def test_the_role_reads_nothing_else_and_changes_nothing(reader: str) -> None:
    async with await psycopg.AsyncConnection.connect(reader, autocommit=True) as connection:
        for refused in ("SELECT * FROM seats", "SELECT * FROM settlement_lines", "DELETE FROM tallies"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await connection.execute(refused)
