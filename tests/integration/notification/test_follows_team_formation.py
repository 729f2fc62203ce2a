"""What team_formation itself tells of random histories is followed seat by seat, and nobody is told twice."""

import random
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

from groupbuy.team_formation.v1 import events_pb2

from deploy.check import invariants
from deploy.check.runner import check_databases
from services.chassis import ids
from services.chassis.clock import ManualClock
from services.chassis.errors import Rejected
from services.team_formation import domain
from services.team_formation.handlers import Ask
from tests.support.database import Database
from tests.support.formation import PLATFORM, START, Formation, a_campaign, a_formation
from tests.support.notifying import Notifying, a_notification, in_batches
from tests.support.teams import record

MEMBERS = [f"m{number}" for number in range(7)]
WAITS = [timedelta(), timedelta(), timedelta(), timedelta(minutes=3), timedelta(minutes=11)]
CHECKED = {
    "5_seats_agree_in_notification",
    "6_nothing_parked_in_notification",
    "6_team_events_applied_in_notification",
    "7_one_delivery_per_cause",
    "8_rows_of_one_platform_in_notification",
}


def a_campaign_with_everything() -> domain.Campaign:
    """Make a campaign that waits, sponsors, extends and takes back."""
    rules = {
        "on_full": domain.OnFull.WAITLIST,
        "max_sponsored": 1,
        "hold_extension": timedelta(minutes=10),
        "leave_after_formed": timedelta(days=1),
        "leader_reward": 500,
    }
    ends_at = START + timedelta(days=100)
    return a_campaign(
        maximum=4, leave_until=domain.LeaveUntil.ENDED, close_when_full=False, ends_at=ends_at, rules=rules
    )


async def play(formation: Formation, seed: int) -> None:
    """Ask for some forty things at random in one team; what is refused is no event."""
    chance = random.Random(seed)  # noqa: S311 - a history, not a secret
    campaign = await formation.create(a_campaign_with_everything())
    opened = await formation.open(campaign, MEMBERS[0], quantity=2)
    seats: dict[str, Any] = {MEMBERS[0]: opened.seat}
    for _ in range(40):
        formation.clock.move(chance.choice(WAITS))
        with suppress(Rejected):
            match chance.choices(("join", "confirm", "rarer"), (7, 6, 7))[0]:
                case "join":
                    member, quantity = chance.choice(MEMBERS), chance.randint(1, 2)
                    limit = chance.choice([None, None, 1])
                    joined = await formation.join(opened.team.team_id, member, quantity=quantity, max_unit_price=limit)
                    seats[member] = joined.seat
                case "confirm":
                    await formation.confirm(await as_it_is_now(formation, chance.choice(list(seats.values()))))
                case _:
                    await ask(formation, chance, chance.choice(list(seats.values())))
    formation.clock.move(timedelta(hours=1))
    while await formation.finder.run_once():
        pass


async def as_it_is_now(formation: Formation, seat: Any) -> Any:
    """Give a seat with the cap and the quantity that it has by now."""
    _, seat_id = parsed("seat", seat.seat_id)
    [(cap, quantity)] = await formation.rows("SELECT cap, quantity FROM seats WHERE seat_id = %s", seat_id)
    seat.cap.minor_units, seat.quantity = cap, quantity
    return seat


async def ask(formation: Formation, chance: random.Random, seat: Any) -> None:
    """Ask for one of the rarer things, of a seat or of its team."""
    rarer: dict[Any, float] = {
        domain.Leave(): 6,
        domain.Leave(1): 4,
        domain.Extend(): 2,
        domain.Default("for the books"): 3,
        domain.Sponsor((ids.new_id(),), "mango"): 2,
        domain.Cancel("hail"): 0.5,
    }
    command = chance.choices(list(rarer), list(rarer.values()))[0]
    campaign_id, seat_id = parsed("seat", seat.seat_id)
    key = formation.key(type(command).__name__, campaign_id)
    if isinstance(command, domain.Sponsor | domain.Cancel):
        asked = Ask(PLATFORM, campaign_id, command, key, team_id=parsed("team", seat.team_id)[1])
    else:
        asked = Ask(PLATFORM, campaign_id, command, key, seat_id=seat_id)
    await formation.commands.submit(asked)


def parsed(prefix: str, text: str) -> tuple[UUID, UUID]:
    """Read an id of two parts."""
    campaign_id, own_id = ids.parse(prefix, text, 2) or ()
    return campaign_id, own_id


async def carry(formation: Formation, notification: Notifying) -> None:
    """Carry what team_formation told, each batch twice."""
    rows = await formation.rows("SELECT payload FROM outbox WHERE aggregatetype = 'groupbuy.team.v1' ORDER BY position")
    records = [record(events_pb2.TeamEvent.FromString(payload)) for (payload,) in rows]
    for batch in in_batches(records, 7):
        await notification.apply(*batch)
        await notification.apply(*batch)


async def test_random_histories_are_followed(database: Database) -> None:
    urls = {service: await database(service) for service in ("team_formation", "notification")}
    only = [item for item in invariants() if item.name in CHECKED]
    clock = ManualClock(START)
    async with (
        a_formation(urls["team_formation"], clock) as formation,
        a_notification(urls["notification"], clock) as told,
    ):
        for seed in range(20):
            await play(formation, seed)
        await carry(formation, told)
        results = await check_databases(urls, only, now=clock.now())
        kinds = {kind for kind, _ in await told.told()}
        assert await told.rows("SELECT 1 FROM deliveries WHERE member_id = ''") == []
    assert {item.name for item in results} == CHECKED
    assert [item for item in results if item.violations or not item.checked] == []
    assert {"JOINED", "WAITLISTED", "SEAT_FREE", "PRICED_OUT", "WAITED_IN_VAIN"} < kinds
    assert {"REDUCED", "WITHDRAWN", "DEFAULTED", "LEADING", "CANCELLED", "TIPPED", "UNTIPPED"} < kinds
