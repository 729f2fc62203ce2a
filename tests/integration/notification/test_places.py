"""Messages about a seat have the link of the member's own page, as team_formation makes it, and it is kept nowhere."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
from groupbuy.team_formation.v1 import team_formation_internal_pb2 as pb
from groupbuy.team_formation.v1 import team_formation_internal_pb2_grpc as pb_grpc

from services.chassis import ids
from services.notification import metrics
from services.notification.channels import Refused
from services.notification.places import REST_SECONDS, Places
from services.notification.translate import NOBODYS
from services.team_formation.signed_links import MemberLinks
from services.team_formation.store import member_links as shelf
from tests.integration.notification.test_sending import Scripted, a_delivery, a_sender, turn
from tests.support.database import Database
from tests.support.engine import SERVICE_KEY, Engine, an_engine, listening
from tests.support.formation import OTHER_PLATFORM, PLATFORM, PUBLIC_URL, a_campaign
from tests.support.notifying import Notifying
from tests.support.until import until

LINKS = MemberLinks("a secret of tests", PUBLIC_URL)


@dataclass
class House:
    """Team_formation behind gRPC, and what notification's sender asks it with."""

    engine: Engine
    address: str
    places: Places

    async def open(self, member: str = "mei") -> Any:
        """Have a member open a team, and a message written."""
        await self.engine.notification.put(PLATFORM, member)
        opened = await self.engine.formation.open(await self.engine.formation.create(a_campaign()), member)
        await self.engine.carry()
        return opened


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    async with an_engine(database) as engine, listening(engine) as addresses:
        places = Places(addresses["team_formation"], SERVICE_KEY)
        await places.start()
        yield House(engine, addresses["team_formation"], places)
        await places.stop()


def link(seat: Any, number: int = 0) -> str:
    """The link of a seat's page."""
    campaign_id, seat_id = ids.parse("seat", seat.seat_id, 2) or ()
    return LINKS.url(campaign_id, seat_id, number)


async def take_back(house: House, seat: Any) -> None:
    """Take a seat's links back."""
    campaign_id, seat_id = ids.parse("seat", seat.seat_id, 2) or ()
    async with house.engine.formation.database.work() as work:
        await shelf.raise_number(work.connection, PLATFORM, campaign_id, seat_id, house.engine.formation.clock.now())


async def stored(notification: Notifying) -> str:
    """Read every value of every table of notification's."""
    tables = await notification.rows(
        "SELECT c.oid::regclass::text FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
        " WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')"
    )
    assert {"deliveries", "attempts", "outbox"} <= {name for (name,) in tables}
    rows = [await notification.rows(f"SELECT t::text FROM {name} AS t") for (name,) in tables]  # noqa: S608 - ours
    payloads = [bytes(row[0]).decode(errors="replace") for row in await notification.rows("SELECT payload FROM outbox")]
    return "\n".join([row for found in rows for (row,) in found] + payloads)


async def test_a_message_has_the_link_and_nothing_keeps_it(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    notification = house.engine.notification
    seat = (await house.open()).seat
    token = link(seat).rpartition("/")[2]
    channel = Scripted("console", outcomes=[Refused(f"no room for {link(seat)}, nor for {token}")])
    async with a_sender(notification, channel, places=house.places) as sender:
        await turn(sender)
    [letter] = channel.sent
    assert letter.place == link(seat)
    assert letter.body.splitlines()[-1] == f"Your place: {link(seat)}"
    kept = await stored(notification)
    assert "no room for (address) nor for (link)" in kept
    told = str(await notification.ended())
    assert "REFUSED" in told
    for text in (kept, told, caplog.text):
        assert token not in text
        assert "/m/" not in text


async def test_after_a_link_was_taken_back_the_next_message_has_the_new_one(house: House) -> None:
    opened = await house.open()
    channel = Scripted("console")
    async with a_sender(house.engine.notification, channel, places=house.places) as sender:
        await turn(sender)
        await take_back(house, opened.seat)
        await house.engine.formation.cancel(opened.team.team_id)
        await house.engine.carry()
        await turn(sender)
    assert [letter.kind for letter in channel.sent] == ["JOINED", "CANCELLED"]
    assert [letter.place for letter in channel.sent] == [link(opened.seat), link(opened.seat, 1)]


async def test_links_are_given_for_seats_of_members_of_the_platform_alone(house: House) -> None:
    formation = house.engine.formation
    campaign = await formation.create(a_campaign(rules={"max_sponsored": 2}))
    first = await formation.open(campaign)
    second = await formation.join(first.team.team_id, "lin")
    await take_back(house, second.seat)
    await formation.sponsor(first.team.team_id)
    [(sponsored,)] = await formation.rows("SELECT seat_id FROM seats WHERE sponsored")
    other = await formation.open(await formation.create(a_campaign()), "ana")
    ours, theirs = ids.opaque("plat", PLATFORM), ids.opaque("plat", OTHER_PLATFORM)
    asked = {
        (ours, second.seat.seat_id): link(second.seat, 1),
        (theirs, first.seat.seat_id): "",
        (ours, ids.opaque("seat", campaign.campaign_id, sponsored)): "",
        (ours, ids.opaque("seat", campaign.campaign_id, ids.new_id())): "",
        (ours, "seat_nothing"): "",
        ("", first.seat.seat_id): "",
        (ours, other.seat.seat_id): link(other.seat),
        (ours, first.seat.seat_id): link(first.seat),
    }
    seats = [pb.SeatOfPlatform(platform_id=platform, seat_id=seat) for platform, seat in asked]
    async with grpc.aio.insecure_channel(house.address) as channel:
        stub: Any = pb_grpc.TeamFormationInternalStub(channel)

        async def call(count: int, key: str = SERVICE_KEY) -> list[str]:
            request = pb.ListMemberLinksRequest(seats=(seats * count)[: max(len(seats), count)])
            answer = await stub.ListMemberLinks(request, metadata=(("authorization", f"Bearer {key}"),))
            return list(answer.urls)

        assert await call(1) == [*asked.values()]
        assert len(await call(2_000)) == 2_000
        for count, key, code in (
            (2_001, SERVICE_KEY, grpc.StatusCode.INVALID_ARGUMENT),
            (1, "gbk_shop_secret", grpc.StatusCode.UNAUTHENTICATED),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call(count, key)
            assert caught.value.code() is code


@dataclass
class Gate(pb_grpc.TeamFormationInternalServicer):
    """A team_formation that answers when it is told to."""

    asked: list[int] = field(default_factory=list)
    answers: asyncio.Event = field(default_factory=asyncio.Event)

    async def ListMemberLinks(self, request: pb.ListMemberLinksRequest, _context: Any) -> pb.ListMemberLinksResponse:  # noqa: N802
        """Give links, once the gate is open."""
        self.asked.append(len(request.seats))
        await self.answers.wait()
        return pb.ListMemberLinksResponse(urls=[f"{PUBLIC_URL}/m/{at}" for at, _ in enumerate(request.seats)])


@dataclass
class Watch:
    """A clock that a test moves."""

    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


@asynccontextmanager
async def a_gate(watch: Watch, seconds: float = 0.2) -> AsyncIterator[tuple[Gate, Places]]:
    gate, server = Gate(), grpc.aio.server()  # type: ignore[abstract]  # what is missing is answered as unimplemented
    pb_grpc.add_TeamFormationInternalServicer_to_server(gate, server)
    places = Places(f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}", "", ask_seconds=seconds, now=watch)
    await server.start()
    await places.start()
    yield gate, places
    await places.stop()
    gate.answers.set()
    await server.stop(None)


def gone_without() -> float:
    [metric] = metrics.WITHOUT_PLACE.collect()
    return float(metric.samples[0].value)


MEMBERS = tuple(f"m{number}" for number in range(40))


async def test_a_batch_is_one_call_and_a_message_of_no_seat_waits_for_none(notification: Notifying) -> None:
    async with a_gate(Watch(), seconds=30) as (gate, places):
        members = MEMBERS[:30]  # a channel has room for 32 at once
        await a_delivery(notification, ("console", "x"), members=members)
        await notification.do("UPDATE deliveries SET seat_id = %s WHERE member_id = 'm7'", NOBODYS)
        channel = Scripted("console")
        async with a_sender(notification, channel, places=places) as sender:
            assert await sender.run_once() == len(members)
            await until(lambda: channel.sent and gate.asked)
            assert [(letter.member_id, letter.place) for letter in channel.sent] == [("m7", "")]
            gate.answers.set()
            await sender.idle()
        assert gate.asked == [len(members) - 1]
        assert len({letter.place for letter in channel.sent}) == len(members)


async def test_what_does_not_answer_holds_no_message_up_and_is_asked_again_later(notification: Notifying) -> None:
    watch = Watch()
    before = gone_without()
    async with a_gate(watch) as (gate, places):
        await a_delivery(notification, ("console", "x"), members=MEMBERS)
        channel = Scripted("console")
        async with a_sender(notification, channel, places=places) as sender:
            await turn(sender)
            assert len(gate.asked) == 1  # the second batch did not ask
            assert [letter.place for letter in channel.sent] == [""] * len(MEMBERS)
            assert not any("Your place" in letter.body for letter in channel.sent)
            assert gone_without() - before == len(MEMBERS)
            assert set((await notification.states()).values()) == {"SENT"}

            watch.seconds = REST_SECONDS
            await a_delivery(notification, ("console", "x"), members=MEMBERS)
            await turn(sender)
            assert len(gate.asked) == 2  # one asks whether it is back, the next does not wait again
            gate.answers.set()
            watch.seconds = 2 * REST_SECONDS
            await a_delivery(notification, ("console", "x"))
            await turn(sender)
            assert channel.sent[-1].place.startswith(f"{PUBLIC_URL}/m/")


async def test_while_nobody_listens_messages_go(notification: Notifying, unused_tcp_port: int) -> None:
    places = Places(f"127.0.0.1:{unused_tcp_port}", "")
    await places.start()
    await a_delivery(notification, ("console", "x"))
    channel = Scripted("console")
    async with a_sender(notification, channel, places=places) as sender:
        await turn(sender)
    await places.stop()
    assert [letter.place for letter in channel.sent] == [""]


async def test_without_an_address_of_team_formation_there_are_no_links(house: House) -> None:
    unset = Places("", SERVICE_KEY)
    await unset.start()
    await house.open()
    channel = Scripted("console")
    async with a_sender(house.engine.notification, channel, places=unset) as sender:
        await turn(sender)
    await unset.stop()
    assert [letter.place for letter in channel.sent] == [""]
