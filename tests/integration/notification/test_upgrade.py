"""A database of 0.1.0 with teams under way: brought up to date, its members are told of what is new."""

import pytest

from services.chassis import migrations
from services.chassis.clock import ManualClock
from services.chassis.migrations import Migration, migrate
from tests.support.database import Database
from tests.support.notifying import a_notification
from tests.support.team_turns import TeamTurns

_SEAT = """INSERT INTO seats (campaign_id, team_id, seat_id, platform_id, member_id, sku, quantity, role, cap, state,
    hold_until, confirmed_version, released_version)
    VALUES (%s, %s, gen_random_uuid(), %s, %s, 'mango', 1, 'MEMBER', 3990, %s, '2026-03-01 09:15Z', %s, %s)"""


async def test_seats_from_before_are_told_of_a_team_that_is_cancelled(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, every = await database(""), migrations.migrations("notification")
    monkeypatch.setattr(migrations, "migrations", lambda _service: _of_the_first_release(every))
    await migrate(url, "notification")
    life = TeamTurns()
    life.open("mei")
    async with a_notification(url, clock) as old:
        await old.do(
            "INSERT INTO teams (campaign_id, team_id, platform_id, version, state, fill, fill_version, texts, seller,"
            " checkout_url, time_zone, payment_mode, counted_in, minimum, currency, ends_at)"
            " VALUES (%s, %s, %s, 2, 'FORMING', 1, 2, '[[\"en\", \"Mangoes\"]]', 's', '', 'UTC', 'PREPAID', 'MEMBERS',"
            " 2, 'EUR', '2026-03-02Z')",
            *(life.campaign, life.team, life.platform),
        )
        ours = (life.campaign, life.team, life.platform)
        await old.do(_SEAT, *ours, "ann", "HELD", None, None)
        await old.do(_SEAT, *ours, "tom", "CONFIRMED", 2, None)
        await old.do(_SEAT, *ours, "bob", "RELEASED", 1, 2)
    monkeypatch.undo()
    assert await migrate(url, "notification") == [item.name for item in every if item.name > "0002"]
    life.cancel()
    async with a_notification(url, clock) as new:
        await new.apply(*life.records)
        assert await new.told() == [("CANCELLED", "ann"), ("CANCELLED", "tom")]
        assert (await new.rows("SELECT state FROM teams"))[0][0] == "CANCELLED"


def _of_the_first_release(every: list[Migration]) -> list[Migration]:
    return [item for item in every if item.name < "0002"]
