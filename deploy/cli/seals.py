"""groupbuy seals: which keys have sealed what is stored, so that one knows when an old key can go."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import click
from psycopg import AsyncConnection

from deploy.cli.databases import databases_read
from deploy.cli.installation import find_installation
from deploy.cli.stack import data_option
from services.chassis.database import database_url

_OF_BYTES = (
    "SELECT convert_from(substring({column} FROM 2 FOR get_byte({column}, 0)), 'UTF8'), count(*)"
    " FROM {table} WHERE {column} IS NOT NULL GROUP BY 1 ORDER BY 1"
)
SEALED = (
    ("notification", "contact_points", "sealed"),
    ("notification", "member_chats", "sealed"),
    ("notification", "captured", "content"),
    ("notification", "channel_accounts", "secrets"),
    ("notification", "webhook_endpoints", "secrets"),
    ("team_formation", "chat_apps", "secrets"),
    ("team_formation", "chat_previews", "sealed"),
    ("team_formation", "hook_calls", "payload"),
    ("team_formation", "hook_calls", "intent"),
)
"""Every column that is sealed. What an older key has sealed timers seal anew; but calls, which are gone soon."""


@click.command()
@data_option
@click.option("--json", "as_json", is_flag=True, help="The same as data.")
def seals(data: Path, *, as_json: bool) -> None:
    """Count what is sealed by key: a key can leave GROUPBUY_SEAL_KEYS when nothing is sealed with it any more."""
    url = find_installation(data).need("database_url")
    with databases_read():
        found = asyncio.run(count_seals(url))
    if as_json:
        names = ("service", "table", "column", "key", "rows")
        click.echo(json.dumps([dict(zip(names, row, strict=True)) for row in found], indent=2))
    else:
        lines = [f"{key:<16} {rows:>9}  {service}.{table}.{column}" for service, table, column, key, rows in found]
        click.echo("\n".join(lines) if lines else "nothing is sealed")


async def count_seals(server_url: str) -> Sequence[tuple[str, str, str, str, int]]:
    """Count sealed values: service, table, column, key and rows."""
    found: list[tuple[str, str, str, str, int]] = []
    for service in dict.fromkeys(service for service, _, _ in SEALED):
        async with await AsyncConnection.connect(database_url(server_url, service)) as connection:
            await connection.set_read_only(True)
            for _, table, column in (row for row in SEALED if row[0] == service):
                rows = await connection.execute(_OF_BYTES.format(table=table, column=column).encode())
                found += [(service, table, column, key, count) async for key, count in rows]
    return found
