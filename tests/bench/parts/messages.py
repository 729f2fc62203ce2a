"""The way of a price: from the commit that moves it to the commit by which notification has consumed it.

Joins arrive by chance at half of the maximum. Beside them seats are confirmed, each of which moves its team's price: a
seat counts for a price once it is confirmed. The allowance is two ways through Kafka and two commits, timed meanwhile.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from groupbuy.money.v1.money_pb2 import Money
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb

from services.chassis.database import database_url
from tests.bench import commit_times
from tests.bench.bench import Bench
from tests.bench.campaign import a_campaign, of_two_units, unique
from tests.bench.commits import Commits
from tests.bench.consuming import (
    PRICING,
    SPREAD_TEAMS,
    TEAMS,
    opened_seats,
    opened_teams,
    pricing_database,
    pricing_from_now,
)
from tests.bench.crowd import NOTIFICATION
from tests.bench.errors import BenchError
from tests.bench.installation import Installation
from tests.bench.kafka_beside import KafkaBeside, kafka_beside
from tests.bench.notified import PRICES, notification_from_now
from tests.bench.parts.arrivals import LONGER, open_loop
from tests.bench.reading import until_read
from tests.bench.rounds import percentile

CONFIRMED = "groupbuy.team_formation.v1.SeatConfirmed"
CHANGED = "groupbuy.pricing.v1.PriceChanged"
RATE = 50.0
"""Confirmations a second, and records a second, that are timed."""
ALLOWED = 2
"""So many ways through Kafka, and so many commits."""
LONGEST_SECONDS = 30.0
_LOOK_SECONDS = 0.2


async def run(bench: Bench) -> None:
    """Measure; each round finds the maximum anew, with all that consumes at work."""
    whole = bench.whole
    async with pricing_from_now(whole), notification_from_now(whole), kafka_beside(whole.kafka.bootstrap) as kafka:
        spread = await opened_teams(whole, whole.campaign(), SPREAD_TEAMS)
        prices = await _campaign(whole)
        for number in range(bench.rounds):
            bench.say(f"round {number + 1} of {bench.rounds}: maximum, then prices at half of it")
            rate = (await bench.join(spread)).rate / 2
            bench.results.add("price_message_joins", rate, "a second")
            seats = await opened_seats(whole, prices, int(RATE * (bench.seconds * LONGER - 1)), quantity=2)
            await _until_quiet(whole)
            loaded = asyncio.create_task(open_loop(bench, spread, rate, whole.service.address))
            await _measured(bench, kafka, seats)
            await loaded
            await _until_quiet(whole)
    _allow(bench)


async def _campaign(whole: Installation) -> str:
    async with whole.stub() as call:
        made = await call("CreateCampaign", of_two_units(a_campaign()))
    return str(made.campaign.campaign_id)


async def _until_quiet(whole: Installation) -> None:
    """Wait until both have consumed everything."""
    await until_read(whole, PRICING, [TEAMS])
    await until_read(whole, NOTIFICATION, [TEAMS, PRICES])


async def _measured(bench: Bench, kafka: KafkaBeside, seats: Sequence[Any]) -> None:
    """Confirm seats evenly while joins go on, and time Kafka and commits beside."""
    await asyncio.sleep(1)  # the load's own warm-up
    seconds = bench.seconds * LONGER - 1
    kafka.begin(seconds, RATE)
    async with Commits(bench.whole.postgres) as commits:
        teams = await _confirm(bench.whole, seats)
    seen = await kafka.seen(seconds)
    if seen["lost"]:
        raise BenchError(f"{seen['lost']} records did not arrive in time.")
    began = await commit_times.told(bench.whole.database, TEAMS, CONFIRMED, teams)
    there = await _until_there(bench.whole, teams)
    told = await commit_times.told(pricing_database(bench.whole), PRICES, CHANGED, teams)
    for name, ended in (("price_told", told), ("price_message", there)):
        _note(bench, name, [ended[team] - at for team, at in began.items()])
    _note(bench, "price_message_kafka_rtt", seen["own"])
    for share in (50, 99):
        bench.results.add(f"price_message_commit_p{share}", commits.share(share / 100) * 1000, "ms")


async def _confirm(whole: Installation, seats: Sequence[Any]) -> list[str]:
    """Confirm seats, each when it is its turn and not later for those before it; gives their teams."""
    began = time.monotonic()
    async with whole.stub() as call, asyncio.TaskGroup() as group:
        for number, seat in enumerate(seats):
            await asyncio.sleep(max(began + number / RATE - time.monotonic(), 0))
            group.create_task(call("ConfirmSeat", _confirmation(seat)))
    return [seat.team_id for seat in seats]


def _confirmation(seat: Any) -> pb.ConfirmSeatRequest:
    name = unique("confirm-")
    amount = Money(minor_units=seat.cap.minor_units * seat.quantity, currency=seat.cap.currency)
    return pb.ConfirmSeatRequest(request_id=name, seat_id=seat.seat_id, amount=amount, payment_reference=name)


async def _until_there(whole: Installation, teams: Sequence[str]) -> Mapping[str, float]:
    """Wait until notification has consumed the price of every team; BenchError when that takes too long."""
    database, ends = database_url(whole.postgres.url, NOTIFICATION), time.monotonic() + LONGEST_SECONDS
    while len(there := await commit_times.consumed(database, PRICES, teams)) < len(teams):
        if time.monotonic() > ends:
            raise BenchError(
                f"{len(teams) - len(there)} prices of {len(teams)} did not come within {LONGEST_SECONDS:.0f} s."
            )
        await asyncio.sleep(_LOOK_SECONDS)
    return there


def _note(bench: Bench, name: str, seconds: Sequence[float]) -> None:
    for share in (50, 99):
        bench.results.add(f"{name}_p{share}", percentile(seconds, share / 100) * 1000, "ms")


def _allow(bench: Bench) -> None:
    figures = bench.results.figures
    kafka, commit = figures["price_message_kafka_rtt_p99"].rounds, figures["price_message_commit_p99"].rounds
    for way, one in zip(kafka, commit, strict=True):
        bench.results.add("price_message_allowance", ALLOWED * (way + one), "ms")
    bench.results.ratio("price_message_p99_to_allowance", "price_message_p99", "price_message_allowance")
