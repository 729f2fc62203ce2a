"""What team_formation itself tells of random histories is followed and settled; both databases agree on every cent."""

import random
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

from groupbuy.team_formation.v1 import events_pb2

from deploy.check import Invariant, invariants
from deploy.check.runner import check_databases
from services.chassis import ids
from services.chassis.clock import ManualClock
from services.chassis.database import Database as Store
from services.chassis.errors import Rejected
from services.team_formation import domain
from services.team_formation.handlers import Ask
from tests.support.database import Database
from tests.support.formation import PLATFORM, START, Formation, a_campaign, a_formation
from tests.support.pricing import PricingService
from tests.support.tallies import apply as apply_tallies
from tests.support.tallies import tally_record
from tests.support.teams import record

HISTORIES = 32
COMMANDS = 45
BATCH = 25
WAITS = [timedelta(), timedelta(), timedelta(), timedelta(minutes=3), timedelta(minutes=11)]
RARER: dict[Any, float] = {
    domain.Leave(): 4,
    domain.Leave(1): 5,
    domain.Extend(): 5,
    domain.Default("declined"): 2,
    domain.Sponsor: 2,
    domain.Cancel("hail"): 0.4,
}

FAILS_BELOW = domain.PaymentTerms(on_below_minimum=domain.OnBelowMinimum.FAIL)
NO_TERMS = {domain.PaymentMode.PREPAID, domain.PaymentMode.PAY_ON_DELIVERY}


def a_campaign_of(mode: domain.PaymentMode, basis: domain.Basis) -> domain.Campaign:
    """Make a campaign with waitlist, sponsored places, time to withdraw and, where money may fail to come, terms."""
    campaign = a_campaign(
        payment_mode=mode,
        basis=basis,
        minimum=2 if mode in NO_TERMS else 3,
        maximum=5 if mode in NO_TERMS else 4,
        leave_until=domain.LeaveUntil.ENDED,
        close_when_full=False,
        ends_at=START + timedelta(days=100),
        rules={
            "on_full": domain.OnFull.WAITLIST,
            "max_sponsored": 1,
            "hold_extension": timedelta(minutes=10),
            "leave_after_formed": timedelta(days=1),
            "payment_terms": None if mode in NO_TERMS else FAILS_BELOW,
        },
    )
    table = campaign.terms.price_table
    return replace(campaign, terms=replace(campaign.terms, price_table=replace(table, rows=_leader_less(table.rows))))


def _leader_less(rows: tuple[domain.PriceRow, ...]) -> tuple[domain.PriceRow, ...]:
    return tuple(
        replace(row, steps=tuple(replace(step, unit_price=step.unit_price - 150 * step.tier) for step in row.steps))
        if row.role is domain.Role.LEADER
        else row
        for row in rows
    )


async def play(formation: Formation, campaign: domain.Campaign, chance: random.Random) -> None:
    """Ask for many things at random in one team; what is refused is no event."""
    members = [f"m{number}" for number in range(8)]
    opened = await formation.open(await formation.create(campaign), members[0], quantity=2)
    for _ in range(COMMANDS):
        formation.clock.move(chance.choice(WAITS))
        if chance.random() < 0.3:  # else whatever is due comes up with the next command
            await formation.finder.run_once()
        with suppress(Rejected):
            if chance.random() < 0.4:
                quantity, most = chance.randint(1, 3), chance.choice([None, None, 2600])
                await formation.join(
                    opened.team.team_id, chance.choice(members), quantity=quantity, max_unit_price=most
                )
            else:
                await _ask_about_a_seat(formation, campaign, opened.team.team_id, chance)
    formation.clock.move(timedelta(hours=1))
    while await formation.finder.run_once():
        pass
    if campaign.terms.rules.payment_terms:
        await _let_payments_lapse(formation, campaign)


async def _let_payments_lapse(formation: Formation, campaign: domain.Campaign) -> None:
    """Have one seat after another default, until too few are left: then the others are cancelled."""
    query = "SELECT seat_id FROM seats WHERE campaign_id = %s AND state = 'CONFIRMED' ORDER BY number"
    for (seat_id,) in await formation.rows(query, campaign.campaign_id):
        key = formation.key("PaymentLapsed", campaign.campaign_id)
        with suppress(Rejected):
            await formation.commands.submit(
                Ask(PLATFORM, campaign.campaign_id, domain.Default("not paid"), key, seat_id=seat_id)
            )


async def _ask_about_a_seat(formation: Formation, campaign: domain.Campaign, team: str, chance: random.Random) -> None:
    query = "SELECT seat_id, cap * quantity FROM seats WHERE campaign_id = %s ORDER BY number, seat_id"
    seat_id, amount = chance.choice(await formation.rows(query, campaign.campaign_id))
    command: Any = domain.Confirm(int(amount), "EUR", chance.choice([f"pay-{seat_id}"] * 4 + ["once-more"]))
    if chance.random() < 0.4:
        command = chance.choices(list(RARER), list(RARER.values()))[0]
    if command is domain.Sponsor:
        command = domain.Sponsor((ids.new_id(),), "mango")
    key = formation.key(type(command).__name__, campaign.campaign_id)
    about: dict[str, Any] = {"seat_id": seat_id}
    if isinstance(command, domain.Sponsor | domain.Cancel):
        about = {"team_id": (ids.parse("team", team, 2) or ())[1]}
    await formation.commands.submit(Ask(PLATFORM, campaign.campaign_id, command, key, **about))


def between_the_two() -> list[Invariant]:
    """The invariants that pricing's database has a part in, and that need no relay."""
    return [
        item
        for item in invariants()
        if "pricing" in {database for database, _ in item.sections} <= {"pricing", "team_formation"}
        if not item.name.endswith("_in_kafka")
    ]


async def test_random_histories_are_followed_and_settled(database: Database) -> None:
    urls = {service: await database(service) for service in ("team_formation", "pricing")}
    store = Store(urls["pricing"], pool_size=2)
    await store.start()
    pricing, chance = PricingService(store), random.Random(7)  # noqa: S311 - histories, no secret
    async with a_formation(urls["team_formation"], ManualClock(START)) as formation:
        for number in range(HISTORIES):
            mode = list(domain.PaymentMode)[number % 4]
            await play(formation, a_campaign_of(mode, chance.choice(list(domain.Basis))), chance)
        query = "SELECT payload FROM outbox WHERE aggregatetype = 'groupbuy.team.v1' ORDER BY position"
        events = [events_pb2.TeamEvent.FromString(payload) for (payload,) in await formation.rows(query)]
        records = [record(event) for event in events]
        for at in range(0, len(records), BATCH):
            await pricing.apply(records[at : at + BATCH])
        while await pricing.tallies.run_once():  # fixes the teams whose ladder the whole campaign fills
            pass
        await apply_tallies(formation, *map(tally_record, await pricing.tallied()))
    await pricing.settle()
    parked = await pricing.parked()
    causes = {row["cause"] for row in await pricing.rows("SELECT DISTINCT cause FROM settlement_lines")}
    await store.stop()
    assert parked == {}
    results = await check_databases(urls, between_the_two(), now=formation.clock.now())
    assert [item for item in results if item.violations or not item.checked] == []
    assert {"SEAT_REDUCED", "SEAT_WITHDRAWN", "SEAT_DEFAULTED", "TEAM_CANCELLED", "TEAM_FORMED", "SEAT_LEFT"} <= causes
    assert any(event.team_cancelled.below_minimum for event in events)
    told = {event.WhichOneof("fact") for event in events}
    assert {"seat_waitlisted", "hold_extended", "seat_sponsored", "leader_changed", "late_payment_reported"} <= told
