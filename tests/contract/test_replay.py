"""A rebuild of pricing from the topics of a real broker: identical after any history, and honest about what differs."""

from collections.abc import AsyncIterator, Callable
from random import Random

import pytest
from kafka import KafkaProducer

from services.chassis.backlog import Backlog
from services.chassis.database import Database
from services.chassis.messages import Record
from services.chassis.topics import create_topics
from services.pricing import translate
from services.pricing.handlers import SettlementFinder, Tables, TeamHandler
from services.pricing.handlers.rebuild import Rebuild, Rebuilt, on_tally_events
from services.pricing.store.rebuild import SCHEMA
from tests.support.brokers import BrokerProcess
from tests.support.database import Database as MakeDatabase
from tests.support.database import database, database_server
from tests.support.pricing import PricingService
from tests.support.pricing_histories import play
from tests.support.pricing_lives import FullLife, a_full_life

__all__ = ["database", "database_server"]

Publish = Callable[[list[Record]], None]


@pytest.fixture
async def url(database: MakeDatabase) -> str:
    return await database("pricing")


@pytest.fixture
async def pricing(url: str) -> AsyncIterator[PricingService]:
    store = Database(url, pool_size=4)
    await store.start()
    yield PricingService(store)
    await store.stop()


@pytest.fixture
async def publish(broker: BrokerProcess, producer: Callable[..., KafkaProducer]) -> Publish:
    await create_topics(broker.bootstrap)
    client = producer()

    def send(records: list[Record]) -> None:
        for item in records:
            client.send(item.topic, item.value, item.key.encode(), list(item.headers))
        client.flush()

    return send


async def rebuild(broker: BrokerProcess, url: str, *, accept_differences: bool = False) -> Rebuilt:
    """Rebuild as `python -m services.pricing replay` does, on the test's own database."""
    database, beside = Database(url), Database(url, beside=SCHEMA)
    tables = Tables()
    await beside.start()
    try:
        return await Rebuild(
            database,
            beside,
            [Backlog(broker.bootstrap, [topic]) for topic in (translate.TALLY_TOPIC, translate.TEAM_TOPIC)],
            {translate.TALLY_TOPIC: on_tally_events, translate.TEAM_TOPIC: TeamHandler(tables).on_team_events},
            {translate.TEAM_TOPIC: _nothing_kept},
            SettlementFinder(beside, tables),
        ).run(accept_differences=accept_differences)
    finally:
        await beside.stop()


async def _nothing_kept(_event: object, _last: int) -> list[Record]:
    return []


def lives(seed: int, count: int) -> list[FullLife]:
    """Play teams at random."""
    random = Random(seed)  # noqa: S311 - for tests
    made = []
    for _ in range(count):
        made.append(a_full_life())
        play(made[-1], [(random.randrange(1000), random.randrange(1000)) for _ in range(25)])
    return made


async def test_a_rebuild_is_identical_and_takes_the_place_of_the_tables_in_use(
    pricing: PricingService, publish: Publish, broker: BrokerProcess, url: str
) -> None:
    played = lives(1, 12)
    for life in played:
        publish(life.records)
        await pricing.apply(life.records)
    await pricing.settle()
    before, told = await pricing.state(), await pricing.told_by_key()

    found = await rebuild(broker, url)

    assert found.swapped
    assert found.identical, found.differences
    assert found.carried_over == 0
    assert found.events == sum(len(life.records) for life in played)
    assert await pricing.state() == before
    assert await pricing.told_by_key() == told
    more = lives(2, 1)[0]
    await pricing.apply(more.records)
    assert (more.campaign, 1) in {
        (row["campaign_id"], row["ladder_version"]) for row in await pricing.rows("TABLE price_tables")
    }


async def test_what_the_service_has_not_applied_yet_is_not_built_either(
    pricing: PricingService, publish: Publish, broker: BrokerProcess, url: str
) -> None:
    life = lives(3, 1)[0]
    publish(life.records)
    await pricing.apply(life.records[:7])
    found = await rebuild(broker, url)
    assert (found.swapped, found.events) == (True, 7)
    await pricing.apply(life.records)
    await pricing.settle()
    assert (await rebuild(broker, url)).identical


async def test_a_row_that_was_changed_is_found_kept_and_mended_only_if_that_is_accepted(
    pricing: PricingService, publish: Publish, broker: BrokerProcess, url: str
) -> None:
    for life in lives(4, 3):
        publish(life.records)
        await pricing.apply(life.records)
    await pricing.settle()
    right = await pricing.state()
    async with pricing.database.work() as work:
        await work.connection.execute(
            "UPDATE seats SET cap = cap + 1 WHERE seat_id = (SELECT min(seat_id::text)::uuid FROM seats)"
        )
    wrong = await pricing.state()

    found = await rebuild(broker, url)
    assert not found.swapped
    assert {item.table: (item.only_in_use, item.only_built) for item in found.differences if not item.identical} == {
        "seats": (1, 1)
    }
    assert await pricing.state() == wrong

    assert (await rebuild(broker, url, accept_differences=True)).swapped
    assert await pricing.state() == right


async def test_a_team_whose_first_events_are_gone_is_taken_over_as_it_is(
    pricing: PricingService, publish: Publish, broker: BrokerProcess, url: str
) -> None:
    old, new = lives(5, 2)
    publish(old.records[5:])
    publish(new.records)
    await pricing.apply(old.records)
    await pricing.apply(new.records)
    await pricing.settle()
    before = await pricing.state()
    found = await rebuild(broker, url)
    assert (found.identical, found.carried_over) == (True, 1)
    assert old.team_id in found.reasons[0]
    assert await pricing.state() == before
