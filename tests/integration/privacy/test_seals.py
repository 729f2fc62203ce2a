"""What is sealed says with which key: cards are sealed anew after a rotation, and operators see what is left."""

import base64
import json
from typing import Any, cast
from uuid import UUID

import pytest
from psycopg import AsyncConnection

from deploy.cli import seals
from deploy.cli.seals import SEALED
from services.chassis.clock import ManualClock
from services.chassis.database import Database
from services.chassis.sealing import NotOpened, Sealer, sealed_with
from services.team_formation.chats import noting
from services.team_formation.chats.noting import Noter, _sealed_for
from tests.support.database import Database as MakeDatabase
from tests.support.formation import PLATFORM, START

OLD = f"old:{base64.b64encode(bytes(32)).decode()}"
NEW = f"new:{base64.b64encode(bytes(range(32))).decode()}"
CARDS = 5


async def put_cards(url: str) -> None:
    """Keep cards whose places the old key has sealed, and one that nobody opens."""
    sealer = Sealer.read(OLD)
    async with await AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(
            "INSERT INTO chat_apps VALUES ('app', %s, 'slack', 'shop', E'\\\\x0178', 'old', 1, %s, %s)",
            (PLATFORM, START, START),
        )
        for number in range(CARDS + 1):
            place = bytes([number])
            sealed = sealer.seal(json.dumps({"nth": number}).encode(), _sealed_for("app", place))
            await connection.execute(
                "INSERT INTO chat_previews (campaign_id, team_id, app_id, place, platform_id, way, sealed, shown,"
                " version, campaign_version, sold_out, looked_at, is_moved, wants, next_at, claim, failures,"
                " created_at, until, chat) VALUES (%s, %s, 'app', %s, %s, 'SLACK_UNFURL', %s, 'x', 0, 0, 0, %s, false,"
                " false, %s, 0, 0, %s, %s, 0)",
                (UUID(int=1), UUID(int=2), place, PLATFORM, sealed if number else b"\x04gone" + sealed, *[START] * 4),
            )


async def test_cards_are_sealed_anew_after_a_rotation(database: MakeDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    url = await database("team_formation")
    await put_cards(url)
    monkeypatch.setattr(noting, "SEALS_PAGE", 2)
    owned = Database(url, pool_size=2)
    await owned.start()
    try:
        noter = Noter(owned, ManualClock(START), Sealer.read(f"{NEW},{OLD}"), cast("Any", None), "")
        for _ in range(CARDS + 2):
            await noter.seal_anew()
        only_new = Sealer.read(NEW)
        async with owned.read() as connection:
            rows = await (await connection.execute("SELECT place, sealed FROM chat_previews ORDER BY place")).fetchall()
        assert sealed_with(rows[0][1]) == "gone"
        opened = [json.loads(only_new.open(sealed, _sealed_for("app", place)))["nth"] for place, sealed in rows[1:]]
        assert opened == list(range(1, CARDS + 1))
        with pytest.raises(NotOpened):
            Sealer.read(OLD).open(rows[1][1], _sealed_for("app", rows[1][0]))
    finally:
        await owned.stop()


async def test_what_is_left_is_counted_by_key(database: MakeDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    urls = {service: await database(service) for service in ("team_formation", "notification")}
    await put_cards(urls["team_formation"])
    monkeypatch.setattr(seals, "database_url", lambda _server, service: urls[service])
    assert await seals.count_seals("postgresql://somewhere") == [
        ("team_formation", "chat_apps", "secrets", "x", 1),
        ("team_formation", "chat_previews", "sealed", "gone", 1),
        ("team_formation", "chat_previews", "sealed", "old", CARDS),
    ]


@pytest.mark.parametrize("service", ["team_formation", "pricing", "notification"])
async def test_every_sealed_column_is_counted(database: MakeDatabase, service: str) -> None:
    async with await AsyncConnection.connect(await database(service)) as connection:
        rows = await connection.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
            " AND data_type = 'bytea' AND (column_name IN ('sealed', 'secrets', 'intent')"
            " OR (table_name, column_name) IN (('hook_calls', 'payload'), ('captured', 'content')))"
        )
        found = {(service, *row) async for row in rows}
    assert found == {row for row in SEALED if row[0] == service}
