"""What docs/scaling.md says of spreading tables by campaign is true of the schema and of statements of hot paths."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from groupbuy.team_formation.v1.team_formation_service_pb2 import LeaveTeamRequest
from psycopg import AsyncConnection

from tests.support.database import Database, DatabaseServer
from tests.support.isolation.catalogue import tables_of
from tests.support.isolation.distribution import BY, HOT, UNIQUE, WHOLE, unspread
from tests.support.isolation.exceptions import IDS_IN_TEXT
from tests.support.isolation.proving import Prover
from tests.support.isolation.sources import Table
from tests.support.isolation.watching import watching
from tests.support.rpcs import a_server, stand
from tests.support.shops import SHOP

SERVICES = ("team_formation", "pricing", "notification")
PAGE = Path(__file__).resolve().parents[2] / "docs" / "scaling.md"
TOUCHED = {
    "team_formation": {"stock", "campaign_members", "teams", "seats", "requests", "outbox"},
    "pricing": {"teams", "seats", "facts", "settlement_lines", "tally_deltas", "inbox", "outbox"},
    "notification": {"teams", "seats", "inbox"},
}
"""What a seat that is taken, paid and given back reads or writes at least: so the hot paths were gone indeed."""

_KEYS = (
    "SELECT i.indrelid::regclass::text, i.indisprimary, array_remove(array_agg(a.attname::text), NULL)"
    " FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid AND NOT c.relispartition"
    " AND c.relnamespace = 'public'::regnamespace LEFT JOIN pg_attribute AS a"
    " ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) WHERE i.indisunique GROUP BY i.indexrelid, i.indrelid"
)


@pytest.fixture(scope="module")
def keys(database_server: DatabaseServer) -> Mapping[str, list[tuple[bool, list[str]]]]:
    """Unique indexes by `service.table`: whether it is the primary key, and its columns."""

    async def read(service: str) -> dict[str, list[tuple[bool, list[str]]]]:
        url = database_server.database_url(await database_server.template(service))
        found: dict[str, list[tuple[bool, list[str]]]] = {}
        async with await AsyncConnection.connect(url) as connection:
            for table, is_primary, columns in await (await connection.execute(_KEYS)).fetchall():
                found.setdefault(f"{service}.{table}", []).append((is_primary, columns))
        return found

    return {name: kept for service in SERVICES for name, kept in asyncio.run(read(service)).items()}


def test_each_table_is_spread_by_campaign_or_named_with_a_reason(
    keys: Mapping[str, list[tuple[bool, list[str]]]],
) -> None:
    whole = {
        name.partition(".")[2]
        for name, indexes in keys.items()
        if not any(is_primary and BY in columns for is_primary, columns in indexes)
    }
    assert whole == set(WHOLE)


def test_each_unique_index_of_a_table_that_is_spread_has_the_campaign_or_is_named(
    keys: Mapping[str, list[tuple[bool, list[str]]]],
) -> None:
    alone = {
        name.partition(".")[2]
        for name, indexes in keys.items()
        if name.partition(".")[2] not in WHOLE and any(BY not in columns for _, columns in indexes)
    }
    assert alone == set(UNIQUE)


def test_the_page_names_what_grows_and_is_not_spread() -> None:
    page = PAGE.read_text(encoding="utf-8")
    growing = [name for name, why in WHOLE.items() if why.startswith("GROWS")]
    assert growing
    assert [name for name in (*growing, *UNIQUE) if f"`{name}`" not in page] == []


async def test_statements_of_hot_paths_name_a_campaign(
    database: Database, database_server: DatabaseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables: dict[str, Mapping[str, Table]] = {}
    async with a_server(database) as server:
        names = {urlsplit(url).path[1:]: service for service, url in server.engine.urls.items()}
        for service, url in server.engine.urls.items():
            async with await AsyncConnection.connect(url) as connection:
                tables[service] = await tables_of(connection, IDS_IN_TEXT)
        provers = {name: Prover(tables[service]) for name, service in names.items()}
        with watching(monkeypatch, provers, ()) as watched:
            there = await stand(server, SHOP)
            await server.ask("team_formation.v1.TeamFormation.LeaveTeam", LeaveTeamRequest(seat_id=there.seat))
            await server.engine.carry()
    found: dict[str, set[str]] = {}
    for name, statements in watched.seen.items():
        accesses = [one for statement in statements for one in provers[name].accesses(statement)]
        assert {access.table for access in accesses} >= TOUCHED[names[name]]
        for table, those in unspread(statements, tables[names[name]]).items():
            found.setdefault(table, set()).update(those)
    assert {table: those for table, those in found.items() if table not in {*WHOLE, *HOT}} == {}
    assert [table for table in HOT if table not in found] == []
