"""What metrics tell of the services' databases: what is overdue, what is open, and what the last check found."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import Gauge
from psycopg import AsyncConnection

from deploy.check.record import record
from deploy.check.runner import CheckResult
from services.chassis import metrics as chassis
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.notification import metrics as notification
from services.notification.handlers import Measures as NotificationMeasures
from services.pricing.handlers import Measures as PricingMeasures
from services.team_formation import metrics as team_formation
from services.team_formation.handlers import Measures as TeamFormationMeasures
from tests.support.database import Database as MakeDatabase

LATE = timedelta(hours=1)


def told(gauge: Gauge, **labels: str) -> float:
    """What a gauge says."""
    [family] = gauge.collect()
    return next(sample.value for sample in family.samples if sample.labels == labels)


@pytest.fixture
async def opened(request: pytest.FixtureRequest, database: MakeDatabase) -> AsyncIterator[Database]:
    """A service's database with nothing in it, opened."""
    store = Database(await database(request.param))
    await store.start()
    yield store
    await store.stop()


@pytest.mark.parametrize("opened", ["team_formation"], indirect=True)
async def test_teams_that_should_have_ended_are_overdue_and_open_ones_are_counted(opened: Database) -> None:
    measures = TeamFormationMeasures(opened)
    assert await measures.run_once() == 0
    assert told(chassis.OVERDUE, timer="due teams") == 0
    async with opened.read() as connection:
        await _team(connection, "FORMING", datetime.now(UTC) - LATE)
        await _team(connection, "TIPPED", datetime.now(UTC) + LATE)
        await _team(connection, "FORMED", datetime.now(UTC) - 2 * LATE)
    assert await measures.run_once() == 2
    assert told(chassis.OVERDUE, timer="due teams") == pytest.approx(LATE.total_seconds(), abs=60)
    assert told(team_formation.OPEN_TEAMS, state="forming") == 1
    assert told(team_formation.OPEN_TEAMS, state="tipped") == 1


async def _team(connection: AsyncConnection[tuple[object, ...]], state: str, due_at: datetime) -> None:
    """Insert a team of which only its state and when it is due matter: what must have a value has one."""
    cursor = await connection.execute(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'teams'"
        " AND is_nullable = 'NO' AND column_default IS NULL"
    )
    known = {"state": state, "due_at": due_at}
    values = {str(name): known.get(str(name), _PLAIN[str(kind)]) for name, kind in await cursor.fetchall()} | known
    await connection.execute("SET session_replication_role = replica")  # no campaign stands behind it
    columns = ", ".join(values)
    row = ", ".join("gen_random_uuid()" if value == "id" else "%s" for value in values.values())
    given = [value for value in values.values() if value != "id"]
    await connection.execute(f"INSERT INTO teams ({columns}) VALUES ({row})", given)  # noqa: S608 - our own columns
    await connection.execute("SET session_replication_role = origin")


_PLAIN: dict[str, object] = {
    "uuid": "id",
    "text": "x",
    "bigint": 1,
    "integer": 1,
    "smallint": 1,
    "boolean": False,
    "timestamp with time zone": datetime(2030, 1, 1, tzinfo=UTC),
}


@pytest.mark.parametrize("opened", ["team_formation"], indirect=True)
async def test_what_the_last_check_found_is_told_until_the_next(opened: Database) -> None:
    measures = TeamFormationMeasures(opened)
    await measures.run_once()
    assert told(team_formation.CHECK_AT) == 0, "never"
    began = datetime.now(UTC).timestamp()
    await record(opened.direct_url, [_result("2_one_leader", 3), _result("4_lines_balance", 0)])
    await measures.run_once()
    assert told(team_formation.CHECK_VIOLATIONS, invariant="2_one_leader") == 3
    assert told(team_formation.CHECK_VIOLATIONS, invariant="4_lines_balance") == 0
    assert told(team_formation.CHECK_AT) >= began
    await record(opened.direct_url, [_result("4_lines_balance", 0)])
    await measures.run_once()
    [family] = team_formation.CHECK_VIOLATIONS.collect()
    assert [sample.labels for sample in family.samples] == [{"invariant": "4_lines_balance"}]


def _result(name: str, violations: int) -> CheckResult:
    return CheckResult(name, "What must hold.", 10, violations, [])


@pytest.mark.parametrize("opened", ["pricing"], indirect=True)
async def test_settlements_that_wait_are_overdue(opened: Database) -> None:
    measures = PricingMeasures(opened)
    assert await measures.run_once() == 0
    async with opened.read() as connection:
        await connection.execute(
            "INSERT INTO settlement_jobs (campaign_id, team_id, version, platform_id, cause, cause_event_id,"
            " occurred_at, first_sequence, lines, done, after_number, amount, payment_reference) VALUES"
            " (gen_random_uuid(), gen_random_uuid(), 1, gen_random_uuid(), 'TEAM_FAILED', gen_random_uuid(),"
            " %s, 1, 1, 0, 0, 0, '')",
            (datetime.now(UTC) - LATE,),
        )
    assert await measures.run_once() == 1
    assert told(chassis.OVERDUE, timer="settlements") == pytest.approx(LATE.total_seconds(), abs=60)
    assert told(chassis.OVERDUE, timer="payments") == 0


@pytest.mark.parametrize("opened", ["notification"], indirect=True)
async def test_messages_whose_turn_has_come_are_counted_by_channel(opened: Database) -> None:
    measures = NotificationMeasures(opened, Clock(), ["console", "email"])
    assert await measures.run_once() == 0
    async with opened.read() as connection:
        await connection.execute(
            "INSERT INTO fanout_jobs (platform_id, campaign_id, team_id, topic, sequence, team_version, value, ready,"
            " created_at) VALUES (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 't', 1, 1, '', true, %s)",
            (datetime.now(UTC) - LATE,),
        )
    await measures.run_once()
    assert told(chassis.OVERDUE, timer="fan-out") == pytest.approx(LATE.total_seconds(), abs=60)
    assert told(notification.DUE, channel="email") == 0
