"""FindTeam's search: the fullest team that fits, by turns among equals, never one the member is in."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from services.chassis.database import Connection, Database
from services.team_formation import domain
from services.team_formation.store import lists
from tests.support.formation import OTHER_PLATFORM, PLATFORM, START
from tests.support.team_rows import Rows, write_rows

pytestmark = pytest.mark.parametrize("counted_in", list(domain.CountedIn))


@pytest.fixture
async def connection(url: str) -> AsyncIterator[Connection]:
    """A connection to a fresh database."""
    database = Database(url, pool_size=2)
    await database.start()
    async with database.read() as lent:
        yield lent
    await database.stop()


@pytest.fixture
async def rows(connection: Connection, counted_in: domain.CountedIn) -> Rows:
    """Forty teams, of which those that form are listed, with 0 to 3 of 5 places taken; nobody has a seat."""
    return await write_rows(connection, campaigns=3, seats=0, invites=0, counted_in=counted_in)


async def find(
    connection: Connection,
    rows: Rows,
    member_id: str = "tom",
    *,
    quantity: int = 1,
    turn: int = 0,
    key: str = "",
    platform_id: UUID = PLATFORM,
    now: datetime = START,
) -> domain.Team | None:
    """Find a team."""
    campaign_id = rows.campaign.campaign_id
    return await lists.find_fullest(connection, platform_id, campaign_id, key, member_id, quantity, now, turn)


async def change(connection: Connection, rows: Rows, columns: str, *values: object) -> None:
    """Change all listed teams of the campaign."""
    statement = f"UPDATE listed_teams SET {columns} WHERE campaign_id = %s"  # noqa: S608 - a constant
    await connection.execute(statement.encode(), (*values, rows.campaign.campaign_id))


async def test_the_fullest_forming_team_is_found_and_equals_take_turns(connection: Connection, rows: Rows) -> None:
    found = [await find(connection, rows, turn=turn) for turn in range(200)]
    chosen = Counter(team.team_id for team in found if team)
    query = "SELECT team_id FROM listed_teams WHERE campaign_id = %s AND taken = 3"
    fullest = await (await connection.execute(query, (rows.campaign.campaign_id,))).fetchall()
    assert set(chosen) == {team_id for (team_id,) in fullest}
    assert len(chosen) > 1
    assert max(chosen.values()) < 3 * min(chosen.values())
    assert {team.state for team in found if team} == {domain.TeamState.FORMING}
    assert await find(connection, rows, turn=7) == found[7]


async def test_a_team_has_room_for_what_is_asked(
    connection: Connection, rows: Rows, counted_in: domain.CountedIn
) -> None:
    team = await find(connection, rows, quantity=3)
    assert team
    # 2 places are left where 3 are taken: too few for three units, enough for one member
    assert team.totals.confirmed_units == (2 if counted_in is domain.CountedIn.UNITS else 3)
    assert await find(connection, rows, quantity=4) is None  # more than a seat may have
    await change(connection, rows, "room = 0")
    assert await find(connection, rows) is None


async def test_a_team_in_which_the_member_sits_or_waits_is_left_out(connection: Connection, rows: Rows) -> None:
    team = await find(connection, rows)
    assert team
    for state in domain.SeatState:
        await connection.execute("DELETE FROM seats")
        await connection.execute(
            "INSERT INTO seats (campaign_id, seat_id, team_id, platform_id, member_id, sku, quantity, role, state, cap,"
            " cap_fill, held_at, hold_until, external_ref, payment_reference, number, updated_at, release_reason)"
            " VALUES (%s, %s, %s, %s, 'tom', 'mango', 1, 'MEMBER', %s, 1, 1, %s, %s, '', '', 1, %s, %s)",
            (
                team.campaign_id,
                UUID(int=1),
                team.team_id,
                PLATFORM,
                state,
                START,
                START,
                START,
                "LEFT" if state is domain.SeatState.RELEASED else None,
            ),
        )
        for_tom, for_eva = await find(connection, rows, "tom"), await find(connection, rows, "eva")
        assert for_tom
        assert (for_tom.team_id == team.team_id) is not state.is_live
        assert for_eva == team


async def test_a_team_past_its_end_or_no_longer_forming_is_not_found(connection: Connection, rows: Rows) -> None:
    assert await find(connection, rows, now=START + timedelta(hours=2)) is None
    await connection.execute("UPDATE teams SET state = 'TIPPED'")
    assert await find(connection, rows) is None


async def test_match_key_and_platform_must_be_the_same(connection: Connection, rows: Rows) -> None:
    assert await find(connection, rows, platform_id=OTHER_PLATFORM) is None
    await change(connection, rows, "match_key = %s", "gate-5")
    assert await find(connection, rows) is None
    assert await find(connection, rows, key="gate-6") is None
    assert await find(connection, rows, key="gate-5")


async def test_who_has_a_match_key_finds_teams_that_need_none_too(connection: Connection, rows: Rows) -> None:
    """A rule changes for teams opened later: some need a key, older or newer ones do not, and the fullest is found."""
    without = await find(connection, rows)
    assert without
    assert await find(connection, rows, key="gate-5") == without
    where = f"WHERE team_id <> '{without.team_id}'"
    await change(connection, rows, "match_key = %s", "gate-5")
    await connection.execute(f"UPDATE listed_teams SET match_key = '' {where}".encode())  # noqa: S608 - an id
    await connection.execute(f"UPDATE listed_teams SET taken = 0 {where}".encode())  # noqa: S608 - an id
    assert await find(connection, rows, key="gate-5") == without
    await connection.execute("UPDATE listed_teams SET taken = 3 - taken")
    other = await find(connection, rows, key="gate-5")
    assert other
    assert other.team_id != without.team_id
