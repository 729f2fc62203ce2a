"""Watching on a real database: changes of any replica are found in whatever order they commit, and campaigns add up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb
from groupbuy.team_formation.v1 import types_pb2

from services.chassis import ids, outbox
from services.chassis.clock import ManualClock
from services.chassis.database import Connection, Database
from services.chassis.errors import Rejected
from services.chassis.messages import Message
from services.team_formation import domain, store, translate
from services.team_formation.catalogue import Catalogue
from services.team_formation.watch import Watch, message_watch
from services.team_formation.watch.tail import Tail
from tests.support.formation import OTHER_PLATFORM, PLATFORM, START, Formation, a_campaign


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    """A process' way to the database."""
    database = Database(url, pool_size=4)
    await database.start()
    yield database
    await database.stop()


@asynccontextmanager
async def replica(url: str, clock: ManualClock) -> AsyncIterator[Watch[bytes, bytes]]:
    """The readers of another process."""
    async with opened(url) as database:
        watch = message_watch(database, clock, Catalogue())
        running = asyncio.create_task(watch.run())
        yield watch
        running.cancel()
        await asyncio.wait([running])
        await watch.stop()


def told(key: str, sequence: int, topic: str = translate.TEAM_TOPIC) -> Message:
    """Make an event."""
    return Message(topic, key, ids.new_id(), "a fact", sequence, START, b"", "")


async def tell(connection: Connection, *events: Message) -> None:
    """Tell events in a transaction of their own."""
    async with connection.transaction():
        await outbox.append(connection, events)


async def test_a_look_finds_what_was_told_since_the_one_before(url: str) -> None:
    async with opened(url) as database, database.read() as writes, database.read() as looks:
        await tell(writes, told("team_old", 1))
        tail = Tail()
        assert await tail.look(looks) is None  # what happened before is for whoever begins to read
        assert await tail.look(looks) == []
        await tell(writes, told("team_a", 1), told("team_a", 2), told("team_b", 7))
        await tell(writes, told("camp_c", 1, translate.CAMPAIGN_TOPIC), told("plat_d", 1, "groupbuy.platform.v1"))
        assert sorted(await tail.look(looks) or []) == ["camp_c", "team_a", "team_b"]
        assert await tail.look(looks) == []
        await tell(writes, told("team_a", 3))
        assert await tail.look(looks) == ["team_a"]


async def test_a_change_that_commits_late_is_found_though_later_ones_were_seen(url: str) -> None:
    async with opened(url) as database, database.read() as slow, database.read() as quick, database.read() as looks:
        tail = Tail()
        await tail.look(looks)
        async with slow.transaction():
            await outbox.append(slow, [told("team_slow", 1)])
            await tell(quick, told("team_quick", 1))
            assert await tail.look(looks) == ["team_quick"]
            await tell(quick, told("team_quick", 2))
            assert await tail.look(looks) == ["team_quick"]
            assert await tail.look(looks) == []  # it is seen again, but told once
        assert await tail.look(looks) == ["team_slow"]
        assert await tail.look(looks) == []


async def test_a_tail_begins_only_where_nothing_is_hidden(url: str) -> None:
    async with opened(url) as database, database.read() as slow, database.read() as looks:
        tail = Tail()
        async with slow.transaction():
            await outbox.append(slow, [told("team_slow", 1)])
            assert await tail.look(looks) is None
            assert await tail.look(looks) is None
        assert await tail.look(looks) is None
        await tell(slow, told("team_slow", 2))
        assert await tail.look(looks) == ["team_slow"]


async def test_readers_of_one_replica_see_what_another_one_does(
    url: str, formation: Formation, clock: ManualClock
) -> None:
    campaign = await formation.create(a_campaign())
    team_id = (await formation.open(campaign)).team.team_id
    other = (await formation.open(campaign, "ann")).team.team_id
    async with replica(url, clock) as watch:
        stream = watch.teams.follow(PLATFORM, team_id, 0)
        first = pb.WatchTeamResponse.FromString(await anext(stream))
        assert first.team.totals.held_members == 1
        for member in ("tom", "eva"):
            await formation.join(other, member)
            joined = await formation.join(team_id, member)
            assert pb.WatchTeamResponse.FromString(await anext(stream)).team == joined.team
        with pytest.raises(Rejected, match="TEAM_UNKNOWN"):
            await anext(watch.teams.follow(OTHER_PLATFORM, team_id, 0))


async def test_a_team_is_given_with_the_platforms_time_at_which_it_was_read(
    url: str, formation: Formation, clock: ManualClock
) -> None:
    campaign = await formation.create(a_campaign())
    team_id = (await formation.open(campaign)).team.team_id
    async with replica(url, clock) as watch:
        stream = watch.teams.follow(PLATFORM, team_id, 0)
        first = await anext(stream)
        assert pb.WatchTeamResponse.FromString(first).as_of == translate.time(START)
        clock.move(timedelta(minutes=3))
        assert (
            await anext(watch.teams.follow(PLATFORM, team_id, 0)) is first
        )  # written once, for those who come later too
        await formation.join(team_id, "tom")
        assert pb.WatchTeamResponse.FromString(await anext(stream)).as_of == translate.time(clock.now())


async def test_teams_that_nobody_watches_are_not_loaded(url: str, formation: Formation, clock: ManualClock) -> None:
    campaign = await formation.create(a_campaign())
    watched, unwatched = [(await formation.open(campaign, member)).team.team_id for member in ("mei", "ann")]
    async with opened(url) as database:
        watch = message_watch(database, clock, Catalogue())
        stream = watch.teams.follow(PLATFORM, watched, 0)
        await anext(stream)
        await watch.run_once()
        await formation.join(unwatched, "tom")
        joined = await formation.join(watched, "tom")
        await watch.run_once()
        assert pb.WatchTeamResponse.FromString(await anext(stream)).team == joined.team
        assert list(watch.teams.watched) == [watched]
        await stream.aclose()
        assert watch.readers == 0


async def sums(stream: AsyncIterator[bytes]) -> pb.WatchCampaignResponse:
    """Read the next sums."""
    return pb.WatchCampaignResponse.FromString(await anext(stream))


async def test_a_campaigns_sums_are_those_of_its_teams(url: str, formation: Formation, clock: ManualClock) -> None:
    campaign = await formation.create(a_campaign(stock=100, maximum=2))
    await formation.create(other := a_campaign())
    await formation.open(other, "zoe")
    async with replica(url, clock) as watch, replica(url, clock) as elsewhere:
        stream = watch.campaigns.follow(PLATFORM, campaign.campaign_id, 0)
        first = await sums(stream)
        assert (first.state, first.open_teams, first.totals) == (
            types_pb2.CAMPAIGN_STATE_RUNNING,
            0,
            types_pb2.Totals(),
        )
        full, half = [await formation.open(campaign, member, quantity=3) for member in ("mei", "ann")]
        joined = await formation.join(full.team.team_id, "tom")
        for seat in (full.seat, joined.seat, half.seat):
            await formation.confirm(seat)
        last = await _settled(stream, formed=1)
        assert (last.open_teams, last.tipped_teams, last.formed_teams) == (1, 0, 1)
        assert (last.totals.confirmed_members, last.totals.confirmed_units, last.totals.held_members) == (3, 7, 0)
        assert [(item.sku, item.offered, item.taken) for item in last.stock] == [("mango", 100, 7)]
        assert last.revision > first.revision
        again = await sums(elsewhere.campaigns.follow(PLATFORM, campaign.campaign_id, first.revision))
        assert again == last
        with pytest.raises(Rejected, match="CAMPAIGN_UNKNOWN"):
            await sums(watch.campaigns.follow(OTHER_PLATFORM, campaign.campaign_id, 0))


async def test_a_campaign_is_given_with_its_list_prices_and_the_lowest_that_an_open_team_has_reached(
    url: str, formation: Formation, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.team_formation.watch.campaigns.REST_SECONDS", 0.0)
    campaign = await formation.create(a_campaign())
    table = campaign.terms.price_table

    def prices(fill: int) -> list[tuple[str, int, int, int]]:
        return [
            (row.sku, translate.ROLES[row.role], row.at(0).unit_price, row.at(fill).unit_price) for row in table.rows
        ]

    async def read(names: UUID = campaign.campaign_id) -> list[tuple[str, int, int, int]]:
        seen = await sums(watch.campaigns.follow(PLATFORM, names, 0))
        assert seen.as_of == translate.time(clock.now())
        assert {price.list_price.currency for price in seen.prices} == {"EUR"}
        return [
            (price.sku, price.role, price.list_price.minor_units, price.unit_price.minor_units) for price in seen.prices
        ]

    async with replica(url, clock) as watch:
        assert await read() == prices(0)
        fuller = await formation.open(campaign)
        await formation.confirm(fuller.seat)
        joined = await formation.join(fuller.team.team_id, "tom")
        assert await read() == prices(1)  # a hold lowers no price
        await formation.confirm(joined.seat)
        emptier = await formation.open(campaign, "ann")
        await formation.confirm(emptier.seat)
        assert await read() == prices(2) != prices(1)
        clock.move(timedelta(hours=2))
        await formation.finder.run_once()
        assert await read() == prices(0)  # the team has formed: nobody joins it any more


async def test_an_open_teams_prices_are_those_it_opened_with(
    url: str, formation: Formation, clock: ManualClock
) -> None:
    campaign = await formation.create(a_campaign())
    opened = await formation.open(campaign)
    await formation.confirm(opened.seat)
    await formation.confirm((await formation.join(opened.team.team_id, "tom")).seat)
    steps = (domain.PriceStep(0, 5000), domain.PriceStep(2, 4900))
    rows = tuple(domain.PriceRow("mango", role, steps) for role in domain.Role)
    table = replace(campaign.terms.price_table, rows=(*rows, domain.PriceRow("kiwi", domain.Role.MEMBER, steps)))
    changed = replace(campaign, version=2, terms=replace(campaign.terms, version=2, price_table=table))
    async with formation.database.work() as work:
        await store.insert_terms(work.connection, changed)
        await store.update_campaign(work.connection, changed, sweeps=False)
    reached = campaign.terms.price_table.row("mango", domain.Role.MEMBER).at(2).unit_price
    async with replica(url, clock) as watch:
        seen = await sums(watch.campaigns.follow(PLATFORM, campaign.campaign_id, 0))
        found = {(price.sku, price.role): (price.list_price, price.unit_price) for price in seen.prices}
        member = translate.ROLES[domain.Role.MEMBER]
        assert found["mango", member] == (translate.money(5000, "EUR"), translate.money(reached, "EUR"))
        assert found["kiwi", member] == (translate.money(5000, "EUR"), translate.money(5000, "EUR"))
        # both versions have an open team: the lowest price counts
        newer = await formation.open(changed, "ann")
        await formation.confirm(newer.seat)
        await formation.confirm((await formation.join(newer.team.team_id, "ben")).seat)
    async with replica(url, clock) as watch:
        again = await sums(watch.campaigns.follow(PLATFORM, campaign.campaign_id, 0))
        found = {(price.sku, price.role): (price.list_price, price.unit_price) for price in again.prices}
        assert found["mango", member][1] == translate.money(reached, "EUR")
        assert found["kiwi", member][1] == translate.money(4900, "EUR")


async def _settled(stream: AsyncIterator[bytes], formed: int) -> pb.WatchCampaignResponse:
    """Read until teams have formed and all that was told is counted; each revision is higher than the one before."""
    seen = await sums(stream)
    while seen.formed_teams < formed or seen.totals.held_members:
        later = await sums(stream)
        assert later.revision > seen.revision
        seen = later
    return seen


async def test_the_stream_of_a_campaign_ends_when_all_its_teams_have_ended(
    url: str, formation: Formation, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.team_formation.watch.campaigns.REST_SECONDS", 0.0)
    campaign = await formation.create(a_campaign())
    await formation.open(campaign)
    async with replica(url, clock) as watch:
        stream = watch.campaigns.follow(PLATFORM, campaign.campaign_id, 0)
        assert (await sums(stream)).open_teams == 1
        clock.move(timedelta(days=2))
        watch.campaigns.changed([campaign.campaign_id])
        over = await sums(stream)
        assert (over.state, over.open_teams) == (types_pb2.CAMPAIGN_STATE_ENDED, 1)
        await formation.finder.run_once()
        rest = [pb.WatchCampaignResponse.FromString(raw) async for raw in stream]
        assert rest[-1].open_teams == 0
        assert rest[-1].revision > over.revision


@pytest.mark.parametrize("phase", list(domain.Phase))
async def test_a_campaigns_state_is_counted_in_its_revision(
    url: str, formation: Formation, clock: ManualClock, phase: domain.Phase
) -> None:
    campaign = await formation.create(a_campaign())
    changed = replace(campaign, phase=phase, version=2)
    async with replica(url, clock) as watch:
        first = await sums(watch.campaigns.follow(PLATFORM, campaign.campaign_id, 0))
    async with formation.database.work() as work:
        await store.update_campaign(work.connection, changed, sweeps=False)
    async with replica(url, clock) as watch:
        second = await sums(watch.campaigns.follow(PLATFORM, campaign.campaign_id, first.revision))
    assert second.revision > first.revision
    assert second.state == types_pb2.CampaignState.Value(f"CAMPAIGN_STATE_{changed.state(clock.now())}")


async def test_what_is_no_campaign_is_unknown(url: str, clock: ManualClock) -> None:
    async with replica(url, clock) as watch:
        with pytest.raises(Rejected, match="CAMPAIGN_UNKNOWN"):
            await sums(watch.campaigns.follow(PLATFORM, UUID(int=1), 0))
