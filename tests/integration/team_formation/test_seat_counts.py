"""The counting that fault tests end in can fail: each kind of damage is seen, where it counted nothing before."""

from typing import Any

import psycopg
import pytest

from tests.support.formation import Formation, a_campaign
from tests.support.seat_counts import SeatCounts, count_seats

DAMAGE = {
    "lost": "DELETE FROM seats WHERE member_id = 'tom'",
    "unconfirmed": "UPDATE seats SET confirmed_at = NULL WHERE member_id = 'mei'",
    "sit twice": ("DROP INDEX seats_one_live_per_member; UPDATE seats SET member_id = 'mei' WHERE member_id = 'tom'"),
    "made twice": (
        "INSERT INTO requests SELECT campaign_id, platform_id, rpc, request_id || '-again', body_hash, refused, answer,"
        " subject, created_at FROM requests WHERE rpc = 'JoinTeam'"
    ),
}
A_SEAT_MORE = (
    "UPDATE requests SET subject = gen_random_uuid() WHERE rpc = 'JoinTeam' AND request_id = 'toms'",
    "DELETE FROM requests WHERE rpc = 'OpenTeam'",
)


@pytest.fixture
async def told(formation: Formation) -> tuple[list[str], list[str]]:
    """What callers were told: the seats of mei, who confirmed, and tom; lin's came and went."""
    opened = await formation.open(await formation.create(a_campaign()))
    tom = await formation.join(opened.team.team_id, "tom", request_id="toms")
    lin = await formation.join(opened.team.team_id, "lin")
    await formation.leave(lin.seat)
    await formation.confirm(opened.seat)
    seats: list[Any] = [opened.seat, tom.seat, lin.seat]
    return [seat.seat_id for seat in seats], [opened.seat.seat_id]


async def damaged(url: str, told: tuple[list[str], list[str]], *damage: str) -> SeatCounts:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        for sql in damage:
            await connection.execute(sql.encode())
    return await count_seats(url, *told)


@pytest.mark.parametrize("kind", DAMAGE)
async def test_damage_is_counted(url: str, told: tuple[list[str], list[str]], kind: str) -> None:
    assert (await count_seats(url, *told)).wrong() == {}
    assert (await damaged(url, told, DAMAGE[kind])).wrong()[kind] >= 1


@pytest.mark.parametrize("damage", A_SEAT_MORE)
async def test_a_seat_that_no_request_made_is_counted(url: str, told: tuple[list[str], list[str]], damage: str) -> None:
    """As where one request made two: it names one of them."""
    assert (await damaged(url, told, damage)).wrong() == {"made twice": 1}


async def test_two_calls_that_were_told_of_one_seat_are_counted(url: str, told: tuple[list[str], list[str]]) -> None:
    seats, confirmed = told
    assert (await count_seats(url, [*seats, seats[0]], confirmed)).wrong() == {"told twice": 1}
