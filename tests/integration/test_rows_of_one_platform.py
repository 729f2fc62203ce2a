"""Every table of every service that names a platform is looked at by the invariant about whose its rows are."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from typing import LiteralString, TypeAlias

import pytest
from psycopg import AsyncConnection, sql
from psycopg.rows import TupleRow

from deploy.check import invariants
from deploy.check.runner import run_check
from tests.support.database import Database
from tests.support.engine import Engine, an_engine
from tests.support.histories import History

Connection: TypeAlias = AsyncConnection[TupleRow]

CHECKS = {
    "team_formation": "8_rows_of_one_platform",
    "pricing": "8_rows_of_one_platform_in_pricing",
    "notification": "8_rows_of_one_platform_in_notification",
}
OF_NO_CAMPAIGN = {
    "platforms": "the platform itself",
    "platform_keys": "held to its platform by a foreign key",
    "suspended_merchants": "held to its platform by a foreign key",
    "audit_entries": "of a platform, not of a campaign; only added to, by a trigger",
    "merchant_sweeps": "of a platform, not of a campaign",
    "platform_limits": "held to its platform by a foreign key",
    "message_days": "of a platform, not of a campaign",
    "key_uses": "of a platform, as the key that was used",
    "campaigns in team_formation": "says whose a campaign is: all others are held against it",
    "share_templates": "of a platform, not of a campaign",
    "chat_apps": "of a platform, not of a campaign; its secrets open for that platform alone",
    "hook_calls": "of a platform; held to its app and the app's platform by a foreign key",
    "chat_paces": "of a platform; held to its app and the app's platform by a foreign key",
    "wechat_files": "of a platform, not of a campaign",
    "images": "of a platform, not of a campaign",
    "image_files": "of a platform; held to its image by a foreign key",
    "members": "of a platform, not of a campaign",
    "hidden_content": "of a platform; a campaign or invite that it names is looked up as the platform's",
    "erased_members": "of a platform; its campaigns are those that team_formation found the member in",
    "channel_accounts": "of a platform, not of a campaign; its secrets open for that platform alone",
    "channel_pauses": "of a platform, not of a campaign",
    "messaging_windows": "of a platform, not of a campaign",
    "templates": "of a platform, not of a campaign",
    "template_sets": "of a platform, not of a campaign",
    "own_messages": "of a platform, not of a campaign",
    "clock_targets": "of a test twin, not of a campaign",
    "twin_reminder_marks": "of a test twin, not of a campaign",
    "captured": "of a test twin, as what it would have sent",
    "event_readers": "of a platform, not of a campaign",
    "platform_events": "of a platform, as its envelope says",
    "webhook_endpoints": "of a platform, not of a campaign; its secrets open for that platform alone",
    "webhook_posts": "of a platform; held to its endpoint and its event by foreign keys",
    "webhook_attempts": "of a platform, not of a campaign",
    "promoter_links": "of a platform, not of a campaign",
    "member_chats": "of a platform, not of a campaign; held to the member by a foreign key",
    "chat_codes": "of a platform, not of a campaign",
    "member_messages": "of a platform, not of a campaign",
    "member_replies": "of a platform; held to what is answered by a foreign key",
    "contact_points": "of a platform, not of a campaign; held to the member by a foreign key",
}
"""Tables that no campaign's platform can contradict, and why."""

VALUES: Mapping[str, LiteralString] = {
    "uuid": "gen_random_uuid()",
    "text": "'x'",
    "bytea": "'x'::bytea",
    "boolean": "false",
    "jsonb": "'[]'::jsonb",
    "ARRAY": "'{}'::text[]",
    "interval": "'1 h'::interval",
    "date": "'2026-11-01'::date",
    "timestamp with time zone": "'2026-11-01'::timestamptz",
}
"""A value of each type; a number is 1."""


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[Engine]:
    async with an_engine(database) as running:
        yield running


async def test_a_row_of_another_platform_is_counted_whatever_table_it_is_in(engine: Engine) -> None:
    for seed in range(3):
        await History(engine.formation, seed).play()
    await engine.carry()
    by_name = {item.name: item for item in invariants()}
    unseen, looked_at = list[str](), 0
    async with AsyncExitStack() as stack:
        for service, url in engine.urls.items():
            connection = await stack.enter_async_context(await AsyncConnection.connect(url))
            check = by_name[CHECKS[service]]
            for table in await tables(connection):
                if {table, f"{table} in {service}"} & set(OF_NO_CAMPAIGN):
                    continue
                before = await run_check(check, {service: connection})
                await give_away(connection, table)
                after = await run_check(check, {service: connection})
                await connection.rollback()
                looked_at += 1
                if before.violations or not after.violations:
                    unseen.append(f"{table} in {service}")
    assert unseen == []
    assert looked_at >= 35


async def tables(connection: Connection) -> list[str]:
    """Name the tables that have a platform's id."""
    cursor = await connection.execute(
        "SELECT c.relname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid"
        " WHERE a.attname = 'platform_id' AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
        " AND c.relnamespace = 'public'::regnamespace ORDER BY c.relname"
    )
    return [str(name) for (name,) in await cursor.fetchall()]


async def give_away(connection: Connection, table: str) -> None:
    """Give a table's rows to another platform; where there are none, make one for a campaign and team that exist."""
    name = sql.Identifier(table)
    done = await connection.execute(sql.SQL("UPDATE {} SET platform_id = gen_random_uuid()").format(name))
    if done.rowcount:
        return
    for (constraint,) in await (
        await connection.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype IN ('c', 'f')", (table,)
        )
    ).fetchall():
        drop = sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}")
        await connection.execute(drop.format(name, sql.Identifier(str(constraint))))
    columns = await (
        await connection.execute(
            "SELECT column_name, data_type FROM information_schema.columns"
            " WHERE table_name = %s AND table_schema = 'public' AND is_identity = 'NO'",
            (table,),
        )
    ).fetchall()
    known = {"campaign_id": sql.SQL("t.campaign_id"), "team_id": sql.SQL("t.team_id")}
    values = [known.get(column, sql.SQL(VALUES.get(kind, "1"))) for column, kind in columns]
    insert = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM teams AS t LIMIT 1")
    names = sql.SQL(", ").join(sql.Identifier(column) for column, _ in columns)
    await connection.execute(insert.format(name, names, sql.SQL(", ").join(values)))


async def test_a_row_whose_team_nobody_knows_is_counted(engine: Engine) -> None:
    await History(engine.formation, 1).play()
    await engine.carry()
    by_name = {item.name: item for item in invariants()}
    for service, table in (("pricing", "facts"), ("notification", "seats"), ("team_formation", "seats")):
        async with await AsyncConnection.connect(engine.urls[service]) as connection:
            column = sql.Identifier("campaign_id" if service == "team_formation" else "team_id")
            await connection.execute(
                sql.SQL("UPDATE {} SET {} = gen_random_uuid()").format(sql.Identifier(table), column)
            )
            assert (await run_check(by_name[CHECKS[service]], {service: connection})).violations, service
            await connection.rollback()
