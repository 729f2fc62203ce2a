"""Every table says how long its rows are kept; what is kept for a time is removed after it, in small batches."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from psycopg import AsyncConnection

from services.chassis import requests, retention
from services.chassis.clock import ManualClock
from services.chassis.database import Database
from services.chassis.requests import Decided, RequestKey
from services.chassis.retention import Retention, rules
from services.chassis.settings import ChassisSettings
from services.notification.settings import Settings as NotificationSettings
from services.pricing.settings import Settings as PricingSettings
from services.team_formation.settings import Settings as TeamFormationSettings
from tests.support.database import Database as MakeDatabase
from tests.support.formation import PLATFORM, a_campaign, a_formation

SERVICES: dict[str, type[ChassisSettings]] = {
    "team_formation": TeamFormationSettings,
    "pricing": PricingSettings,
    "notification": NotificationSettings,
}
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


async def columns_of(url: str) -> dict[str, set[str]]:
    """Read the tables of a database, without partitions, with their columns."""
    async with await AsyncConnection.connect(url) as connection:
        rows = await connection.execute(
            "SELECT c.relname, array_agg(a.attname::text) FROM pg_class AS c JOIN pg_attribute AS a"
            " ON a.attrelid = c.oid AND a.attnum > 0 WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition"
            " AND c.relnamespace = 'public'::regnamespace GROUP BY c.relname"
        )
        return {name: set(columns) async for name, columns in rows}


@pytest.mark.parametrize("service", SERVICES)
async def test_every_table_says_how_long_it_is_kept(
    database: MakeDatabase, service: str, counts: Callable[..., None]
) -> None:
    tables = await columns_of(await database(service))
    stated = rules(service)
    assert sorted(stated) == sorted(tables)
    for rule in stated.values():
        assert rule.kept
        assert rule.why
        assert {*rule.key, *filter(None, [rule.by])} <= tables[rule.table], rule
        assert bool(rule.days) == bool(rule.by), rule
        assert not rule.key or rule.days, rule
        named = any(column.endswith(("member_id", "promoter_id", "beneficiary_id")) for column in tables[rule.table])
        assert rule.holds or not named, rule
    counts(tables=len(tables), with_a_time=sum(bool(rule.days) for rule in stated.values()))


@pytest.mark.parametrize("service", SERVICES)
def test_settings_are_those_of_the_data(service: str) -> None:
    fields = SERVICES[service].model_fields
    of_rules = {rule.setting: rule for rule in rules(service).values() if rule.setting}
    assert of_rules
    for name, rule in of_rules.items():
        assert fields[name].default == rule.days
        least = next(item.ge for item in fields[name].metadata if hasattr(item, "ge"))
        assert least == rule.least_days
    assert [name for name in fields if name.startswith("keep_")] == [name for name in fields if name in of_rules]


async def test_answers_are_removed_after_their_time_and_not_before(
    database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_formation(await database("team_formation")) as formation:
        campaign = await formation.create(a_campaign(maximum=50))
        opened = await formation.open(campaign)
        for number in range(7):
            await formation.join(opened.team.team_id, f"member-{number}")
        made = (await formation.rows("SELECT max(created_at) FROM requests"))[0][0]
        monkeypatch.setattr(retention, "PAGE", 3)
        clock = ManualClock(made + timedelta(days=30) - timedelta(seconds=1))
        removing = Retention(formation.database, clock, "team_formation", {"keep_requests_days": 30})
        await formation.rows("UPDATE requests SET created_at = %s RETURNING 1", made)
        assert await removing.run_once() == 0
        clock.move(timedelta(seconds=2))
        assert [await removing.run_once() for _ in range(4)] == [3, 3, 2, 0]
        assert await formation.rows("SELECT count(*) FROM seats") == [(8,)]


async def test_an_answer_is_given_for_the_time_that_is_promised(database: MakeDatabase) -> None:
    key = RequestKey(requests.NO_CAMPAIGN, PLATFORM, "PutMember", "r-1", b"body")
    owned = Database(await database("notification"), pool_size=2)
    await owned.start()
    try:
        async with owned.work() as work:
            await requests.store(work.connection, [[Decided(key, b"answer")]])
        least = ManualClock(datetime.now(UTC) + timedelta(days=7) - timedelta(minutes=1))
        days = {"keep_requests_days": 7, "keep_deliveries_days": 30}
        assert await Retention(owned, least, "notification", days).run_once() == 0
        async with owned.read() as connection:
            assert await requests.find(connection, key) == b"answer"
    finally:
        await owned.stop()


async def test_messages_go_with_their_attempts_but_cards_of_groups_stay(database: MakeDatabase) -> None:
    owned = Database(await database("notification"), pool_size=2)
    await owned.start()
    row = (
        "INSERT INTO deliveries (campaign_id, delivery_id, platform_id, team_id, seat_id, member_id, kind,"
        " cause_event_id, team_version, language, subject, body, created_at, state, ended_at, channel, due_at)"
        " VALUES (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'mei',"
        " %s, gen_random_uuid(), 1, 'en', '', '', %s, %s, %s, 'console', %s)"
    )
    try:
        async with owned.read() as connection:
            for kind, state, ended in (
                ("JOINED", "SENT", NOW),
                ("LEFT", "PENDING", None),
                ("GROUP_CARD", "SENT", NOW),
                ("FORMED", "SENT", NOW + timedelta(days=1)),
            ):
                await connection.execute(row, (kind, NOW, state, ended, NOW))
            await connection.execute(
                "INSERT INTO attempts (campaign_id, delivery_id, number, platform_id, contact_id, channel,"
                " attempted_at, outcome, provider_id, detail) SELECT campaign_id, delivery_id, 1, platform_id,"
                " gen_random_uuid(), 'console', created_at, 'sent', '', '' FROM deliveries"
            )
        clock = ManualClock(NOW + timedelta(days=30, hours=1))
        days = {"keep_requests_days": 7, "keep_deliveries_days": 30}
        assert await Retention(owned, clock, "notification", days).run_once() == 1
        async with owned.read() as connection:
            left = await (await connection.execute("SELECT kind FROM deliveries ORDER BY kind")).fetchall()
            attempts = await (await connection.execute("SELECT count(*) FROM attempts")).fetchall()
        assert (left, attempts) == ([("FORMED",), ("GROUP_CARD",), ("LEFT",)], [(3,)])
    finally:
        await owned.stop()
