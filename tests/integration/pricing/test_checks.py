"""The invariants that pricing's database alone can answer: they hold after random histories, and see damage."""

import random
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from google.protobuf.duration_pb2 import Duration
from groupbuy.pricing.v1 import ladder_pb2
from groupbuy.team_formation.v1 import types_pb2
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from deploy.check import Invariant, invariants
from deploy.check.runner import run_check
from tests.support import teams
from tests.support.platform_acts import Platform
from tests.support.pricing import PricingService
from tests.support.pricing_histories import play
from tests.support.pricing_lives import EXPIRED, HELD, FullLife, a_full_life, leaders_pay_less
from tests.support.teams import COMMIT, MEMBERS, PAY_ON_DELIVERY, PREPAID, UNITS, price_table

MODES = (COMMIT, teams.HOLD, PREPAID, PAY_ON_DELIVERY)
LIVES = 60
ACTS = 80
TERMS = types_pb2.PaymentTerms(
    pay_within=Duration(seconds=7200),
    authorisation_lifetime=Duration(seconds=86_400),
    lapse_warning=Duration(seconds=3600),
)


def without_one(*causes: str) -> list[str]:
    """Lose one line of each cause, the one with the most money."""
    lost = "SELECT line_id FROM settlement_lines WHERE cause = '{}' ORDER BY authorised + paid DESC LIMIT 1"
    delete = f"DELETE FROM settlement_lines WHERE line_id = ({lost})"  # noqa: S608 - our own words
    return [delete.format(cause) for cause in causes]


DAMAGE = {
    "4_cancelled_seats_have_their_line": [
        *without_one("TEAM_CANCELLED"),
        "UPDATE settlement_lines SET cause = 'TEAM_FAILED' WHERE cause = 'TEAM_CANCELLED'",
    ],
    "4_each_cause_has_its_line": [
        *without_one("SEAT_REDUCED", "SEAT_WITHDRAWN", "SEAT_DEFAULTED", "SEAT_LEFT", "LATE_PAYMENT"),
        "UPDATE settlement_lines SET cause_event_id = gen_random_uuid() WHERE cause = 'SEAT_REDUCED'",
    ],
    "4_lines_balance": [
        (
            "ALTER TABLE settlement_lines DROP CONSTRAINT settlement_lines_signs;"
            " UPDATE settlement_lines SET paid = paid - 1, to_refund = to_refund - 1 WHERE to_refund = 0"
        ),
    ],
    "4_seat_lines_add_up": [
        *without_one("TEAM_FORMED", "SEAT_WITHDRAWN", "TEAM_FAILED"),
        "UPDATE facts SET units_back = units_back + 1 WHERE kind = 'SeatReduced'",
        "UPDATE seats SET state = 'RELEASED', release_reason = 'WITHDRAWN' WHERE state = 'CONFIRMED'",
    ],
    "4_settlement_numbers_without_gap": [
        "DELETE FROM settlement_lines WHERE sequence = 1",
        "DELETE FROM settlement_lines WHERE sequence = 2",
        "DELETE FROM line_reports",
        "DELETE FROM payment_facts",
        "UPDATE payment_facts SET sequence = 1",
        "UPDATE line_reports SET sequence = sequence + 1000",
        "UPDATE teams SET settlement_sequence = settlement_sequence + 1",
        "UPDATE settlement_lines SET team_id = gen_random_uuid() WHERE cause = 'TEAM_FAILED'",
        (
            "INSERT INTO settlement_jobs SELECT campaign_id, team_id, version, platform_id, 'TEAM_FORMED', event_id,"
            " occurred_at, 1, 1, 0, 0, seat_id, 0, '' FROM facts WHERE version = 1;"
            " DELETE FROM settlement_jobs WHERE team_id = (SELECT min(team_id::text)::uuid FROM line_reports);"
            " DELETE FROM line_reports"
        ),
    ],
    "4_sponsored_seats_have_no_line": ["UPDATE seats SET sponsored = true"],
    "5_caps_are_in_the_table": ["UPDATE seats SET cap_role = NULL"],
    "5_fill_from_scratch": [
        "UPDATE facts SET fill = fill + 1 WHERE kind = 'SeatDefaulted'",
        "UPDATE facts SET fill = fill + 1 WHERE kind = 'SeatSponsored'",
        "UPDATE facts SET units_back = 0",
        "UPDATE teams SET fill = fill + 1 WHERE state = 'CANCELLED'",
    ],
    "5_campaign_prices_are_tallies": [
        "UPDATE teams SET fill = fill + 1 WHERE tally_seq > 0",
        "UPDATE seats SET cap_tally_seq = 1 WHERE cap_fill > 0",
        "UPDATE seats SET cap_tally_seq = 99 WHERE cap_fill > 0",
        "UPDATE seats SET cap_fill = cap_fill + 1 WHERE cap_fill > 0",
        "UPDATE settlement_lines SET tally_seq = tally_seq + 1",
        "DELETE FROM tally_fixes",
    ],
    "5_tallies_are_the_teams": [
        "DELETE FROM tallies WHERE campaign_id = (SELECT min(campaign_id::text)::uuid FROM tallies)",
        "UPDATE tallies SET units_confirmed_now = units_confirmed_now + 1",
        "UPDATE tallies SET teams_formed = teams_formed + 1",
        "UPDATE tallies SET units_of_fill = units_of_fill + 1",
        "UPDATE seats SET formed_quantity = formed_quantity + 1",
    ],
    "5_tallies_are_the_facts": [
        *(f"UPDATE tallies SET {name} = {name} + 1" for name in ("seats_held", "seats_confirmed")),  # noqa: S608
        *(f"UPDATE tallies SET {name} = {name} + 1" for name in ("seats_left", "seats_expired")),  # noqa: S608
        "DELETE FROM facts WHERE kind = 'SeatReleased'",
    ],
    "8_rows_of_one_platform_in_pricing": [
        "UPDATE tallies SET platform_id = gen_random_uuid()",
        "UPDATE tally_fixes SET platform_id = gen_random_uuid()",
        (
            "INSERT INTO tally_waits (campaign_id, team_id, platform_id, team_version)"
            " SELECT campaign_id, team_id, gen_random_uuid(), 1 FROM teams"
        ),
    ],
    "5_nobody_pays_above_the_cap": ["UPDATE price_steps SET unit_price = 0"],
}


def form(life: FullLife) -> None:
    """Form a team that is still open, so that money is waited for when the platform acts."""
    if not life.is_open:
        return
    for name in life.members(HELD):
        life.release(name, EXPIRED)
    life.form()


def of_pricing() -> list[Invariant]:
    """Those that need no other database and no relay."""
    return [
        item
        for item in invariants()
        if {database for database, _ in item.sections} == {"pricing"} and len(item.sections) == 1
        if not item.name.endswith("_in_kafka")
    ]


@pytest.fixture
async def connection(pricing: PricingService) -> AsyncIterator[AsyncConnection[TupleRow]]:
    """A connection in a transaction, after many random histories."""
    chance = random.Random(4)  # noqa: S311 - no secret
    for number in range(LIVES):
        table = leaders_pay_less(
            price_table(basis=chance.choice([MEMBERS, UNITS, ladder_pb2.BASIS_CAMPAIGN_UNITS])), 200
        )
        life = a_full_life(table=table, payment_mode=MODES[number % len(MODES)], payment_terms=TERMS)
        play(life, [(chance.randrange(999), chance.randrange(999)) for _ in range(chance.randint(5, 50))])
        if number % 3:
            form(life)
        await pricing.apply(life.records)
    await pricing.tallies.run_once()
    await pricing.settle()
    pricing.clock.move(timedelta(days=3))  # what was not paid so far lapses
    await pricing.payments.run_once()
    platform = Platform(pricing, chance)
    for _ in range(ACTS):
        await platform.act()
    async with pricing.database.read() as lent, lent.transaction(force_rollback=True):
        yield lent


async def test_they_hold_after_random_histories(connection: AsyncConnection[TupleRow]) -> None:
    results = [await run_check(item, {"pricing": connection}) for item in of_pricing()]
    assert [result for result in results if result.violations] == []
    looked_at = {result.name: result.checked for result in results}
    assert min(looked_at.values()) > 0, looked_at


async def test_each_sees_the_damage_that_it_speaks_of(connection: AsyncConnection[TupleRow]) -> None:
    by_name = {item.name: item for item in of_pricing()}
    for name, damages in DAMAGE.items():
        for damage in damages:
            async with connection.transaction(force_rollback=True):
                for statement in damage.split(";"):
                    await connection.execute(statement.encode())
                result = await run_check(by_name[name], {"pricing": connection})
                assert result.violations, f"{name} does not see: {damage}"
