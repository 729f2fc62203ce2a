"""One quote at once in many hands: two teams, two replicas, one batch; one seat has it, and waits and leads with it."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from services.chassis import ids
from services.chassis.errors import Rejected
from services.team_formation import domain, store
from services.team_formation.domain import OnFull, OwnStep, Quote
from tests.support.crowding import violations
from tests.support.formation import PLATFORM, Formation, a_campaign

STEPS = (OwnStep(0, 3000), OwnStep(2, 2600), OwnStep(3, 2100))


def a_quote(cap: int = 3000) -> Quote:
    return Quote(uuid4(), cap, 1, STEPS)


async def stored(formation: Formation, seat_id: str) -> domain.Seat:
    found = ids.parse("seat", seat_id, 2)
    assert found
    async with formation.database.read() as connection:
        seat = await store.find_seat(connection, PLATFORM, *found)
    assert seat
    return seat


async def test_two_replicas_take_a_quote_once(replicas: list[Formation], counts: Callable[..., None]) -> None:
    one, two = replicas
    campaign = await one.create(a_campaign(maximum=50))
    first, second = await one.open(campaign, "mei"), await one.open(campaign, "ann")
    rounds = 15
    for number in range(rounds):
        quote = a_quote()
        said = await asyncio.gather(
            one.join(first.team.team_id, f"tom-{number}", quote=quote),
            two.join(second.team.team_id, f"tom-{number}", quote=quote),
            one.open(campaign, f"tom-{number}", quote=quote),
            return_exceptions=True,
        )
        refused = [item for item in said if isinstance(item, Rejected)]
        assert [item.reason for item in refused] == ["QUOTE_USED", "QUOTE_USED"], said
    counts(rounds=rounds, takers=3 * rounds, seats=rounds)
    assert not await violations(one)


async def test_one_batch_takes_a_quote_once(formation: Formation) -> None:
    campaign = await formation.create(a_campaign())
    quote = a_quote()
    said: list[Any] = await asyncio.gather(
        *(formation.open(campaign, f"tom-{number}", quote=quote) for number in range(6)), return_exceptions=True
    )
    assert sum(not isinstance(item, Rejected) for item in said) == 1


async def test_who_waits_keeps_its_quote_until_there_is_room(formation: Formation) -> None:
    rules = {"on_full": OnFull.WAITLIST}
    campaign = await formation.create(
        a_campaign(maximum=2, rules=rules, leave_until=domain.LeaveUntil.ENDED, close_when_full=False)
    )
    opened = await formation.open(campaign, "mei")
    await formation.confirm(opened.seat)
    ann = await formation.join(opened.team.team_id, "ann")
    waits = (await formation.join(opened.team.team_id, "tom", quote=a_quote(2500))).seat
    assert waits.own_steps
    assert not waits.cap.minor_units
    await formation.leave(ann.seat)
    seat = await stored(formation, waits.seat_id)
    assert (seat.cap, seat.cap_fill, seat.cap_from_quote) == (2500, 2, True)


async def test_an_own_price_stays_with_who_leads(formation: Formation) -> None:
    campaign = await formation.create(a_campaign(leave_until=domain.LeaveUntil.ENDED))
    opened = await formation.open(campaign, "mei")
    await formation.confirm(opened.seat)
    quote = a_quote()
    joined = await formation.join(opened.team.team_id, "tom", quote=quote)
    await formation.confirm(joined.seat)
    await formation.leave(opened.seat)
    seat = await stored(formation, joined.seat.seat_id)
    assert seat.role is domain.Role.LEADER
    assert seat.quote == quote
    assert (seat.cap, seat.cap_from_quote) == (2600, False)


async def test_a_quote_of_another_ladder_is_refused(formation: Formation) -> None:
    campaign = await formation.create(a_campaign())
    older = Quote(uuid4(), 3000, 2, STEPS)
    with pytest.raises(Rejected) as refused:
        await formation.open(campaign, "tom", quote=older)
    assert refused.value.reason == "QUOTE_MISMATCH"
    assert refused.value.metadata == {"field": "ladder_version", "quoted": "2", "given": "1"}
