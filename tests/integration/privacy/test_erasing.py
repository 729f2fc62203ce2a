"""EraseMember: what a member left behind in three services is found nowhere any more, and the books balance."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import grpc
import pytest
import structlog
from groupbuy.team_formation.v1 import history_pb2

from deploy.check.runner import check_databases
from services.chassis import erased
from services.chassis.errors import Rejected
from services.chassis.partitions import keep_partitions
from tests.support.database import Database
from tests.support.erasing import BUYER, METADATA, TRACES, Town, a_town, live, park, refusal
from tests.support.formation import Formation, a_formation
from tests.support.pricing import PricingService
from tests.support.traces import search

CONSUMED = tuple(f"groupbuy.{name}.v1" for name in ("campaign", "team", "price", "settlement"))
ROUNDS = 12
TAGS = "SELECT count(*) FROM seat_tags AS t JOIN seats AS s USING (campaign_id, seat_id) WHERE s.member_id = %s"
LATE = ("outbox", "erased_members")


async def _formed(town: Town) -> None:
    formation = town.engine.formation
    formation.clock.move(timedelta(hours=2))
    await formation.finder.run_once()
    await town.carry()


async def test_nothing_of_a_member_is_found_after_its_erasure(database: Database, counts: Callable[..., None]) -> None:
    with structlog.testing.capture_logs() as said:
        async with a_town(database) as town:
            invite, joined = await live(town)
            assert await refusal(town.erase("erase-0")) == "MEMBER_HAS_SEATS"
            await _formed(town)
            await park(town)
            before = await search(town.engine.urls.values(), TRACES)
            assert len(before.found) > 20
            assert await town.engine.formation.rows(TAGS, BUYER) == [(1,)]

            answer = await town.erase()
            assert await town.erase() == answer
            assert await town.erase("erase-2") == answer
            assert answer.pseudonym.startswith(erased.PREFIX)
            await town.carry()
            assert await town.erasers() == 5  # the first of team_formation was made by the call

            for call in (
                town.join(invite.code, BUYER, "join-again"),
                town.put_member(BUYER, "put-again"),
                town.send(BUYER, "send-again"),
            ):
                assert await refusal(call) == "MEMBER_ERASED"

            after = await search(town.engine.urls.values(), TRACES, without=LATE)
            assert after.found == []
            rows = await town.engine.formation.rows("SELECT member_id FROM seats WHERE member_id LIKE 'erased-%%'")
            assert rows == [(answer.pseudonym,)] * 2
            assert await town.engine.formation.rows(TAGS, answer.pseudonym) == [(0,)]

            audited = await town.engine.formation.rows("SELECT subject FROM audit_entries WHERE rpc = 'EraseMember'")
            assert audited == [(f"member {answer.pseudonym}",)]
            request = history_pb2.ListSeatEventsRequest(seat_id=joined.seat.seat_id)
            story = await town.formation.ListSeatEvents(request, metadata=METADATA)
            assert [event for event in story.events if BUYER in str(event)] == []
            assert [event for event in story.events if answer.pseudonym in str(event)]

            days = (answer.complete_at.ToDatetime(tzinfo=UTC) - town.engine.formation.clock.now()).days
            for service in (town.engine.formation, town.engine.pricing, town.engine.notification):
                async with service.database.direct() as connection:
                    await keep_partitions(connection, (datetime.now(UTC) + timedelta(days=days)).date())
            complete = await search(town.engine.urls.values(), TRACES)
            assert complete.found == []
    lines = [str(line) for line in said]
    assert not [line for line in lines if any(text in line for text in TRACES)]
    counts(
        places_before=len(before.found),
        places_after=len(complete.found),
        tables_searched=complete.tables,
        columns=complete.columns,
        rows=complete.rows,
        log_lines=len(lines),
    )


async def test_books_balance_and_events_of_before_bring_no_id_back(
    database: Database, counts: Callable[..., None]
) -> None:
    async with a_town(database) as town:
        await live(town)
        await _formed(town)
        await town.erase()
        await town.carry()
        await town.erasers()
        pricing, notification = town.engine.pricing, town.engine.notification
        checked = await check_databases(town.engine.urls)
        assert [item.name for item in checked if item.violations] == []

        state = await pricing.state()
        again = PricingService(pricing.database)
        await again.empty()
        naming = [record for record in town.told if BUYER.encode() in record.value]
        await again.apply([record for record in town.told if record.topic in CONSUMED[:2]])
        await again.settle()
        assert await again.state() == state

        await notification.do(
            "TRUNCATE inbox, teams, seats, fanout_jobs, attempts, deliveries, platform_events CASCADE"
        )
        await notification.apply(*[record for record in town.told if record.topic in CONSUMED])
        found = await search(town.engine.urls.values(), TRACES, without=LATE)
        assert found.found == []
        counts(
            invariants=len(checked),
            rows_checked=sum(item.checked for item in checked),
            events_that_name_the_id=len(naming),
            places_after_all_events_again=len(found.found),
        )


@pytest.mark.parametrize("seed", range(2))
async def test_who_joins_while_it_is_erased_leaves_no_trace(
    database: Database, seed: int, counts: Callable[..., None]
) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secret
    async with a_town(database) as town, a_formation(town.engine.urls["team_formation"]) as other:
        replicas = (town.engine.formation, other)
        outcomes = Counter[str]()
        for nth in range(ROUNDS):
            member = f"runner-{seed}-{nth}-{chance.randrange(10**9)}"
            teams: list[str] = []
            for _ in range(3):
                teams.append((await replicas[0].open(town.campaign, f"host-{nth}-{len(teams)}")).team.team_id)

            async def join(team: str, replica: Formation, name: str) -> str:
                await asyncio.sleep(chance.random() / 15)
                try:
                    await replica.join(team, name)
                except Rejected as refused:
                    return refused.reason
                return "joined"

            async def erase(name: str, number: int) -> str:
                try:
                    await town.erase(f"erase-{number}", name)
                except grpc.aio.AioRpcError as failed:
                    return "refused" if failed.code() is grpc.StatusCode.FAILED_PRECONDITION else failed.code().name
                return "erased"

            joins = [join(team, replicas[at % 2], member) for at, team in enumerate(teams)]
            *joined, was = await asyncio.gather(*joins, erase(member, nth))
            outcomes.update([*joined, was])
            while await town.engine.erase():
                pass
            found = await search([town.engine.urls["team_formation"]], [member], without=("outbox",))
            assert bool(found.found) == (was == "refused"), (joined, was, found.found)
        assert outcomes["erased"] + outcomes["refused"] == ROUNDS
        counts(seed=seed, **{name.lower(): number for name, number in sorted(outcomes.items())})
