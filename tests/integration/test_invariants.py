"""Each invariant can fail: damage of the kind that it speaks of is seen, in databases where it held before."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from psycopg import AsyncConnection

from deploy.check import invariants
from deploy.check.runner import run_check
from tests.support.database import Database
from tests.support.engine import Engine, an_engine
from tests.support.histories import History

SEEDS = range(8)
DAMAGE = {
    "1_acknowledged_seats_exist": ("team_formation", "DELETE FROM seats"),
    "2_listed_teams_are_those_that_form": (
        "team_formation",
        "UPDATE campaign_terms SET visibility = 'LISTED'; UPDATE teams SET state = 'FORMING'",
    ),
    "2_members_keep_their_limits": (
        "team_formation",
        (
            "UPDATE campaign_terms SET max_teams_opened_per_member = 1;"
            " UPDATE teams SET state = 'FORMED', opener_member_id = 'one'"
        ),
    ),
    "2_no_team_over_capacity": (
        "team_formation",
        (
            "UPDATE campaign_terms SET minimum = 1, maximum = 1;"
            " UPDATE seats SET state = 'HELD', release_reason = NULL, member_id = seat_id::text"
        ),
    ),
    "2_nobody_waits_in_vain": (
        "team_formation",
        "UPDATE seats SET state = 'WAITING', release_reason = NULL, member_id = seat_id::text",
    ),
    "2_one_leader": ("team_formation", "UPDATE teams SET state = 'FORMING', leader_seat_id = gen_random_uuid()"),
    "2_one_live_seat_per_member": (
        "team_formation",
        (
            "DROP INDEX seats_one_live_per_member;"
            " UPDATE seats SET member_id = 'one', state = 'HELD', release_reason = NULL"
        ),
    ),
    "2_stock_is_the_seats": ("team_formation", "UPDATE stock SET offered = offered + 1, taken = taken + 1"),
    "2_totals_are_the_seats": ("team_formation", "UPDATE teams SET held_units = held_units + 1"),
    "2_who_fits_does_not_wait": (
        "team_formation",
        (
            "UPDATE seats SET state = 'WAITING', release_reason = NULL, member_id = seat_id::text;"
            " UPDATE teams SET state = 'FORMING', ends_at = '2100-01-01', due_at = '2100-01-01', held_members = 0,"
            " held_units = 0, confirmed_members = 0, confirmed_units = 0; UPDATE stock SET taken = 0;"
            " UPDATE campaigns SET phase = 'PUBLISHED', sweeping = false, starts_at = '2020-01-01',"
            " ends_at = '2100-01-01'"
        ),
    ),
    "3_one_change_per_campaign_version": ("team_formation", "UPDATE campaigns SET sequence = sequence + 1"),
    "3_one_change_per_request": (
        "team_formation",
        (
            "INSERT INTO requests SELECT campaign_id, platform_id, rpc, request_id || '-twice', body_hash, refused,"
            " answer, subject, created_at FROM requests"
        ),
    ),
    "4_cancelled_seats_have_their_line": ("pricing", "UPDATE teams SET state = 'CANCELLED'"),
    "4_each_cause_has_its_line": ("pricing", "DELETE FROM settlement_lines WHERE cause = 'LATE_PAYMENT'"),
    "4_ends_exactly_once": ("team_formation", "UPDATE teams SET state = 'FORMING', ends_at = '2020-01-01'"),
    "4_lines_balance": (
        "pricing",
        (
            "ALTER TABLE settlement_lines DROP CONSTRAINT settlement_lines_check1;"
            " UPDATE settlement_lines SET to_refund = to_refund + 1"
        ),
    ),
    "4_money_goes_back": ("pricing", "UPDATE settlement_lines SET payment_reference = 'of somebody else'"),
    "4_one_line_per_seat_and_cause": ("team_formation", "DELETE FROM late_payments"),
    "4_seat_lines_add_up": ("pricing", "DELETE FROM settlement_lines"),
    "4_settlement_numbers_without_gap": ("pricing", "DELETE FROM settlement_lines WHERE sequence = 1"),
    "4_sponsored_seats_have_no_line": ("pricing", "UPDATE seats SET sponsored = true"),
    "5_caps_agree": ("pricing", "UPDATE seats SET cap = cap + 1"),
    "5_caps_are_in_the_table": ("pricing", "UPDATE price_steps SET unit_price = unit_price + 1"),
    "5_fill_from_scratch": ("pricing", "UPDATE facts SET fill = fill + 1 WHERE kind = 'SeatHeld'"),
    "5_nobody_pays_above_the_cap": ("pricing", "UPDATE price_steps SET unit_price = 0"),
    "5_seats_agree": ("pricing", "UPDATE seats SET quantity = quantity + 1"),
    "5_seats_agree_in_notification": ("notification", "UPDATE seats SET role = 'LEADER', quantity = quantity + 1"),
    "5_teams_agree": ("team_formation", "UPDATE teams SET version = version + 1"),
    "5_campaign_prices_are_tallies": (
        "pricing",
        "UPDATE price_tables SET basis = 'CAMPAIGN_UNITS'; UPDATE teams SET tally_seq = 7",
    ),
    "5_tallies_are_the_facts": ("pricing", "UPDATE tallies SET seats_left = seats_left + 1"),
    "5_tallies_are_the_teams": ("pricing", "DELETE FROM tally_deltas; DELETE FROM tallies"),
    "6_every_delivery_in_kafka": ("notification", "UPDATE relay_positions SET position = 0"),
    "6_every_event_in_kafka": ("team_formation", "UPDATE relay_positions SET position = 0"),
    "6_every_price_in_kafka": ("pricing", "UPDATE relay_positions SET position = 0"),
    "6_no_version_skipped_pricing": ("pricing", "DELETE FROM outbox WHERE sequence = 2"),
    "6_no_version_skipped_team_formation": ("team_formation", "DELETE FROM outbox WHERE sequence = 2"),
    "6_nothing_parked_in_notification": ("notification", "UPDATE inbox SET parked = true"),
    "6_nothing_parked_in_pricing": ("pricing", "UPDATE inbox SET parked = true"),
    "6_nothing_parked_in_team_formation": (
        "team_formation",
        "INSERT INTO inbox (topic, key, sequence, parked) VALUES ('groupbuy.settlement.v1', 'a team', 1, true)",
    ),
    "6_prices_applied_in_notification": ("notification", "DELETE FROM inbox WHERE topic = 'groupbuy.price.v1'"),
    "6_tallies_applied_in_team_formation": ("team_formation", "UPDATE inbox SET sequence = sequence + 1"),
    "6_team_events_applied_in_notification": ("notification", "UPDATE inbox SET sequence = sequence - 1"),
    "6_team_events_applied_in_pricing": ("pricing", "DELETE FROM inbox"),
    "7_deliveries_end": ("notification", "UPDATE deliveries SET reason = ''"),
    "7_one_delivery_per_cause": (
        "notification",
        (
            "ALTER TABLE deliveries DROP CONSTRAINT deliveries_platform_id_campaign_id_cause_event_id_member_id_key;"
            " UPDATE deliveries SET member_id = 'one', kind = 'LEFT', cause_event_id = team_id"
        ),
    ),
    "8_rows_of_one_platform": ("team_formation", "UPDATE invites SET platform_id = gen_random_uuid()"),
    "8_rows_of_one_platform_in_notification": ("notification", "UPDATE deliveries SET platform_id = gen_random_uuid()"),
    "8_rows_of_one_platform_in_pricing": ("pricing", "UPDATE facts SET platform_id = gen_random_uuid()"),
}


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[Engine]:
    async with an_engine(database) as running:
        yield running


async def test_each_invariant_sees_the_damage_that_it_speaks_of(engine: Engine) -> None:
    assert set(DAMAGE) == {item.name for item in invariants()}
    for seed in SEEDS:
        await History(engine.formation, seed).play()
    await engine.carry()
    blind = []
    async with AsyncExitStack() as stack:
        connections = {
            service: await stack.enter_async_context(await AsyncConnection.connect(url))
            for service, url in engine.urls.items()
        }
        for item in invariants():
            before = await run_check(item, connections)
            service, damage = DAMAGE[item.name]
            await connections[service].execute(damage)
            after = await run_check(item, connections)
            if before.violations or not after.violations:
                blind.append((item.name, before, after))
            for connection in connections.values():
                await connection.rollback()
    assert not blind
