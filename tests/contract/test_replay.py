"""A rebuild of pricing from the topics of a real broker: identical after any history, and honest about what differs."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random

import pytest
from google.protobuf.duration_pb2 import Duration
from groupbuy.team_formation.v1 import types_pb2
from kafka import KafkaProducer

from services.chassis.backlog import Backlog, Positions
from services.chassis.database import Database
from services.chassis.errors import Stop
from services.chassis.messages import Record, headers, message
from services.chassis.topics import create_topics
from services.pricing import translate
from services.pricing.handlers import SettlementFinder, Tables, TeamHandler
from services.pricing.handlers.rebuild import Rebuild, Rebuilt, on_tally_events
from services.pricing.handlers.refused import RefusedLines
from services.pricing.store.rebuild import APART, DERIVED, KEPT, SCHEMA, load_taken
from tests.support.brokers import BrokerProcess
from tests.support.campaigns import Campaign, opened
from tests.support.database import Database as MakeDatabase
from tests.support.database import database, database_server
from tests.support.platform_acts import Platform
from tests.support.pricing import PricingService, Rows
from tests.support.pricing_histories import play
from tests.support.pricing_lives import CONFIRMED, EXPIRED, HELD, FullLife, a_full_life
from tests.support.teams import COMMIT, HOLD, PAY_ON_DELIVERY, PREPAID
from tests.support.until import until

__all__ = ["database", "database_server"]

MODES = (HOLD, COMMIT, PAY_ON_DELIVERY, PREPAID, PAY_ON_DELIVERY)

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


class Interrupted(Backlog):
    """A topic; something happens in the service when it has been read for the first time."""

    def __init__(self, bootstrap: str, topic: str, meanwhile: Callable[[], Awaitable[None]] | None = None) -> None:
        super().__init__(bootstrap, [topic])
        self._meanwhile = meanwhile

    async def read(self, since: Positions) -> AsyncGenerator[list[Record], None]:
        """Read to the end; then it happens."""
        async for records in super().read(since):
            yield records
        happens, self._meanwhile = self._meanwhile, None
        if happens:
            await happens()


async def rebuild(
    broker: BrokerProcess,
    url: str,
    *,
    accept_differences: bool = False,
    meanwhile: Callable[[], Awaitable[None]] | None = None,
) -> Rebuilt:
    """Rebuild as `python -m services.pricing replay` does, on the test's own database."""
    database, beside = Database(url), Database(url, beside=SCHEMA)
    tables = Tables()
    await beside.start()
    try:
        return await Rebuild(
            database,
            beside,
            Backlog(broker.bootstrap, [translate.TALLY_TOPIC]),
            Interrupted(broker.bootstrap, translate.TEAM_TOPIC, meanwhile),
            {
                translate.TALLY_TOPIC: on_tally_events,
                translate.TEAM_TOPIC: TeamHandler(tables, load_taken).on_team_events,
            },
            {translate.TEAM_TOPIC: _nothing_kept},
            SettlementFinder(beside, tables),
            RefusedLines(beside, tables),
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


TERMS = types_pb2.PaymentTerms(
    pay_within=Duration(seconds=7200),
    authorisation_lifetime=Duration(seconds=86_400),
    lapse_warning=Duration(seconds=3600),
)


@pytest.fixture
def play_busily(pricing: PricingService, publish: Publish) -> Callable[[int, int], Awaitable[None]]:
    """Apply teams event by event and in batches, in every payment mode; the platform acts in between."""

    async def go(seed: int, count: int) -> None:
        chance = Random(seed)  # noqa: S311 - for tests
        platform = Platform(pricing, chance)
        waiting: list[list[Record]] = []
        for number in range(count):
            life = a_full_life(payment_mode=MODES[number % len(MODES)], payment_terms=TERMS)
            play(life, [(chance.randrange(1000), chance.randrange(1000)) for _ in range(30)])
            form_and_go(life)
            publish(life.records)
            waiting.append(list(life.records))
        while waiting:
            own = chance.choice(waiting)
            many = chance.randrange(1, 6)
            await pricing.apply(own[:many])
            del own[:many]
            waiting = [records for records in waiting if records]
            if chance.random() < 0.6:
                await platform.act()
        for _ in range(40):
            await platform.act()

    return go


async def test_what_platforms_did_between_the_events_is_kept_and_its_numbers_stay(
    pricing: PricingService, broker: BrokerProcess, url: str, play_busily: Callable[[int, int], Awaitable[None]]
) -> None:
    await play_busily(11, 24)
    assert await pricing.parked() == {}
    before = await every_table(pricing)
    for name in ("line_reports", "payment_facts", "deliveries_reported", "payment_terms", "awaited_payments"):
        assert before[name], name
    assert "DELIVERY_REFUSED" in {row["cause"] for row in before["settlement_lines"]}
    found = await rebuild(broker, url)
    assert found.identical, (found.differences, found.reasons)
    assert found.carried_over == 0
    assert await every_table(pricing) == before


class GoingOn:
    """The service in use: events come, platforms act, timers run, as often as they can until it is stopped."""

    def __init__(self, pricing: PricingService, played: list[FullLife], chance: Random) -> None:
        self._pricing = pricing
        self._played = played
        self._chance = chance
        self._stop = asyncio.Event()
        self.done = {"events": 0, "acts": 0, "looks": 0}

    async def consume(self) -> None:
        """Apply a few more events of a team; those that were applied before change nothing."""
        while not self._stop.is_set():
            life = self._chance.choice(self._played)
            await self._pricing.apply(life.records[: self._chance.randrange(len(life.records)) + 1])
            self.done["events"] += 1

    async def act(self) -> None:
        """Report."""
        platform = Platform(self._pricing, self._chance)
        while not self._stop.is_set():
            await platform.act()
            self.done["acts"] += 1

    async def look(self) -> None:
        """Run the timers."""
        while not self._stop.is_set():
            await self._pricing.settlements.run_once()
            await self._pricing.tallies.run_once()
            self.done["looks"] += 1

    @asynccontextmanager
    async def meanwhile(self) -> AsyncIterator[None]:
        """Do all of it at once."""
        async with asyncio.TaskGroup() as group:
            for work in (self.consume, self.consume, self.act, self.act, self.look):
                group.create_task(work())
            try:
                yield
            finally:
                self._stop.set()


async def test_the_service_goes_on_while_its_tables_are_built_and_swapped(
    pricing: PricingService, publish: Publish, broker: BrokerProcess, url: str
) -> None:
    chance, campaign = Random(21), Campaign()  # noqa: S311 - for tests
    played = [a_full_life(payment_mode=mode, payment_terms=TERMS) for mode in MODES * 4]
    played += [campaign.team(mode) for mode in MODES]
    for life in played:
        play(life, [(chance.randrange(1000), chance.randrange(1000)) for _ in range(30)])
        form_and_go(life)
        publish(life.records)
    for life in played[::2]:
        await pricing.apply(life.records)
    service = GoingOn(pricing, played, chance)
    async with service.meanwhile():
        found = [await rebuild(broker, url) for _ in range(3)]
    assert all(item.identical for item in found), [(item.differences, item.reasons) for item in found]
    assert min(service.done.values()) > 0, service.done

    for life in played:
        await pricing.apply(life.records)
    while await pricing.tallies.run_once() + await pricing.settle():
        pass
    assert await pricing.parked() == {}
    await told_once_in_order(pricing)
    last = await rebuild(broker, url)
    assert last.identical, (last.differences, last.reasons)


async def test_a_reader_who_has_one_table_and_wants_another_is_let_go_on_before_the_swap(
    pricing: PricingService, publish: Publish, broker: BrokerProcess, url: str
) -> None:
    life = lives(9, 1)[0]
    publish(life.records)
    await pricing.apply(life.records)
    await pricing.settle()
    reading = asyncio.Event()

    async def waits_for_the_reader() -> bool:
        return bool(
            await pricing.rows(
                "SELECT 1 FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'"
                " AND relation = 'seats'::regclass"
            )
        )

    async def read() -> None:
        async with pricing.database.one_moment() as connection:
            await (await connection.execute("SELECT count(*) FROM seats")).fetchone()
            reading.set()
            await until(waits_for_the_reader)
            await (await connection.execute("SELECT count(*) FROM teams")).fetchone()

    async with asyncio.TaskGroup() as group:
        group.create_task(read())
        await reading.wait()
        found = await rebuild(broker, url)
    assert (found.identical, found.swapped) == (True, True)


async def test_lines_that_nobody_makes_are_named_instead_of_waited_for(
    pricing: PricingService, publish: Publish, broker: BrokerProcess, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.pricing.handlers.rebuild._SETTLE_WAIT_SECONDS", 0)
    life = opened(Campaign(), 3)
    life.form()
    publish(life.records)
    await pricing.apply(life.records)
    with pytest.raises(Stop, match=str(life.team)):
        await rebuild(broker, url)
    await pricing.tallies.run_once()
    assert await pricing.settle() == 1
    assert (await rebuild(broker, url)).identical


async def told_once_in_order(pricing: PricingService) -> None:
    """Every number of a team is told once, in order, and each is of one row."""
    told: dict[str, list[int]] = {}
    for event in await pricing.settled():
        told.setdefault(event.team_id, []).append(event.sequence)
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in told.values())
    rows = await pricing.rows(
        "SELECT (SELECT count(*) FROM settlement_lines) + (SELECT count(*) FROM line_reports)"
        " + (SELECT count(*) FROM payment_facts) AS entered,"
        " (SELECT sum(settlement_sequence) FROM teams)::bigint AS promised"
    )
    numbers = sum(map(len, told.values()))
    assert rows == [{"entered": numbers, "promised": numbers}]


def form_and_go(life: FullLife) -> None:
    """Form a team that is still open; then some of its members go."""
    if not life.is_open:
        return
    for name in life.members(HELD):
        life.release(name, EXPIRED)
    life.form()
    confirmed = life.members(CONFIRMED)
    for name in confirmed[1::4]:
        life.withdraw(name)
    for name in confirmed[2::4]:
        life.default(name)


async def every_table(pricing: PricingService) -> dict[str, Rows]:
    """Read every row of every table, the outbox too."""
    return {name: sorted(await pricing.rows(f"TABLE {name}"), key=repr) for name in (*DERIVED, *KEPT, *APART)}


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


async def tallies(pricing: PricingService, first: int = 1) -> list[Record]:
    """The tallies that were told, as records, from a number on."""
    told = [message(translate.TALLY_TOPIC, event.campaign_id, event) for event in await pricing.tallied()]
    return [Record(item.topic, item.key, item.payload, tuple(headers(item))) for item in told[first - 1 :]]


async def a_campaign(pricing: PricingService, publish: Publish, seed: int) -> Campaign:
    """Play a campaign that fills its ladder as a whole: waves of teams, each wave's caps read at the tally before."""
    chance, campaign = Random(seed), Campaign()  # noqa: S311 - for tests
    for _ in range(3):
        wave = [campaign.team() for _ in range(4)]
        for life in wave:
            play(life, [(chance.randrange(1000), chance.randrange(1000)) for _ in range(25)])
            publish(life.records)
            await pricing.apply(life.records)
            if chance.random() < 0.5:
                await campaign.tally(pricing)
        await campaign.tally(pricing)
    await pricing.settle()
    return campaign


async def test_a_campaign_that_fills_its_ladder_as_a_whole_is_built_from_its_tallies(
    pricing: PricingService, publish: Publish, broker: BrokerProcess, url: str
) -> None:
    await a_campaign(pricing, publish, 6)
    publish(await tallies(pricing))
    before = await pricing.state()
    assert {row["tally_seq"] > 0 for row in before["settlement_lines"]} == {True, False}
    found = await rebuild(broker, url)
    assert found.identical, found.differences
    assert await pricing.state() == before


async def test_a_tally_that_is_made_while_the_tables_are_built_fixes_its_teams_there_too(
    pricing: PricingService, publish: Publish, broker: BrokerProcess, url: str
) -> None:
    life = opened(Campaign(), 3)
    life.form()
    publish(life.records)
    await pricing.apply(life.records)

    async def count() -> None:
        await pricing.tallies.run_once()
        await pricing.settle()
        publish(await tallies(pricing))

    found = await rebuild(broker, url, meanwhile=count)
    assert found.identical, found.differences
    assert [row["tally_seq"] for row in await pricing.rows("SELECT tally_seq FROM teams")] == [1]


async def test_tallies_that_the_topic_does_not_keep_any_more_or_not_yet_are_taken_over(
    pricing: PricingService, publish: Publish, broker: BrokerProcess, url: str
) -> None:
    campaign = await a_campaign(pricing, publish, 7)
    made = await tallies(pricing)
    publish(made[2:-1])
    life = opened(campaign, 1)
    publish(life.records)
    await pricing.apply(life.records)
    before = await pricing.state()
    found = await rebuild(broker, url)
    assert found.identical, (found.differences, found.reasons)
    assert await pricing.state() == before


async def test_a_tally_that_was_changed_is_found(
    pricing: PricingService, publish: Publish, broker: BrokerProcess, url: str
) -> None:
    await a_campaign(pricing, publish, 8)
    publish(await tallies(pricing))
    async with pricing.database.work() as work:
        await work.connection.execute("UPDATE tallies SET units_of_fill = units_of_fill + 1 WHERE seq = 1")
    found = await rebuild(broker, url)
    assert "tallies" in {item.table for item in found.differences if not item.identical}
