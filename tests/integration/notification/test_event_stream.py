"""StreamEvents: everything once a reader asks, in the order of commits, from its own cursor on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import grpc
import pytest
from groupbuy.notification.v1 import streaming_pb2 as pb

from services.chassis.errors import Rejected
from services.notification.handlers import EventStream
from services.notification.handlers.event_stream import ALIVE, LONGEST, MOST_STREAMS, Place
from services.notification.translate import event_types
from tests.support.notification_rpc import OTHER, SHOP, Api
from tests.support.notifying import Notifying
from tests.support.teams import TeamLife


@asynccontextmanager
async def a_stream(api: Api, **fields: Any) -> AsyncIterator[Any]:
    """Open a stream with the platform's key."""
    metadata = (("authorization", f"Bearer gbk_{SHOP.int}_secret"),)
    call = api.stub.StreamEvents(pb.StreamEventsRequest(**fields), metadata=metadata, timeout=20)
    try:
        yield call
    finally:
        call.cancel()


async def taken(call: Any, count: int) -> list[pb.StreamEventsResponse]:
    """Read so many events, passing by signs of life."""
    found: list[pb.StreamEventsResponse] = []
    async for item in call:
        if item.type:
            found.append(item)
        if len(found) == count:
            break
    return found


async def is_read(notification: Notifying) -> bool:
    return bool(await notification.rows("SELECT platform_id FROM event_readers"))


async def opened(api: Api, notification: Notifying) -> str:
    """Open a stream for the first time; gives the cursor of a sign of life."""
    async with a_stream(api) as call:
        reading = asyncio.create_task(anext(aiter(call)))
        while not reading.done():
            notification.clock.move(ALIVE)
            await asyncio.wait([reading], timeout=0.1)
        first = reading.result()
    assert not first.type
    return str(first.cursor)


def a_team(*members: str) -> TeamLife:
    life = TeamLife(platform=SHOP, maximum=500)
    life.open("mei")
    for member in members:
        life.join(member)
    return life


async def test_what_happens_after_the_first_call_is_streamed_with_its_facts(notification: Notifying, api: Api) -> None:
    await notification.apply(*a_team().records)
    cursor = await opened(api, notification)
    life = a_team("tom")
    await notification.apply(*life.records)
    async with a_stream(api, cursor=cursor, types=["team.*"]) as call:
        found = await taken(call, 4)
    assert [item.type for item in found] == [
        "team.team_opened",
        "team.seat_held",
        "team.seat_held",
        "team.seat_confirmed",
    ]
    assert [item.team.SerializeToString() for item in found] == [item.value for item in life.records]
    # from the second one's cursor on, the third comes next
    async with a_stream(api, cursor=found[1].cursor) as call:
        assert (await taken(call, 1))[0].team == found[2].team
    async with a_stream(api, from_start=True, types=["team.seat_confirmed"]) as call:
        assert (await taken(call, 1))[0].team == found[3].team


async def test_what_happens_while_it_is_open_comes_at_once(notification: Notifying, api: Api) -> None:
    cursor = await opened(api, notification)
    async with a_stream(api, cursor=cursor) as call:
        reading = asyncio.create_task(taken(call, 1))
        await asyncio.sleep(0)
        await notification.apply(*a_team().records)
        assert (await reading)[0].type == "team.team_opened"


async def test_a_late_commit_is_not_skipped(notification: Notifying) -> None:
    """A transaction that drew a lower position commits after a higher one was read."""
    stream = EventStream(notification.database, notification.clock)
    place = await stream.start(SHOP, from_start=False)
    early, late = a_team(), a_team()
    async with notification.database.read() as other, other.transaction():
        await other.execute(
            "WITH t AS MATERIALIZED (SELECT pg_current_xact_id()) INSERT INTO platform_events"
            " (platform_id, event_id, type, subject, occurred_at, kept_at, value)"
            " SELECT %s, gen_random_uuid(), 'team.team_opened', 'early', now(), now(), %s FROM t",
            (SHOP, early.records[0].value),
        )
        await notification.apply(*late.records)
        rows, place, hidden = await stream._read(SHOP, place, event_types())
        assert (rows, hidden) == ([], True)
    found: list[str] = []
    for _ in range(2):
        rows, place, _ = await stream._read(SHOP, place, event_types())
        found += [row.type for row in rows]
    assert found[:2] == ["team.team_opened"] * 2


async def test_another_platforms_cursor_is_refused(notification: Notifying, api: Api) -> None:
    cursor = await opened(api, notification)
    for bad in (cursor[:-2], "x", cursor + "A"):
        assert await refused(api, cursor=bad) == grpc.StatusCode.INVALID_ARGUMENT
    call = api.stub.StreamEvents(
        pb.StreamEventsRequest(cursor=cursor),
        metadata=(("authorization", f"Bearer gbk_{OTHER.int}_secret"),),
        timeout=20,
    )
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await anext(aiter(call))
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


async def refused(api: Api, **fields: Any) -> grpc.StatusCode:
    async with a_stream(api, **fields) as call:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await anext(aiter(call))
    return caught.value.code()


async def test_bad_requests_are_refused(notification: Notifying, api: Api) -> None:
    cursor = await opened(api, notification)
    assert await refused(api, types=["team.nothing"]) == grpc.StatusCode.INVALID_ARGUMENT
    assert await refused(api, cursor=cursor, from_start=True) == grpc.StatusCode.INVALID_ARGUMENT
    notification.clock.move(timedelta(days=7, seconds=1))
    assert await refused(api, cursor=cursor) == grpc.StatusCode.OUT_OF_RANGE


async def test_an_open_stream_ends_when_the_process_stops(notification: Notifying) -> None:
    stream = EventStream(notification.database, notification.clock)
    place = await stream.start(SHOP, from_start=True)
    assert place == Place(0, notification.clock.now())

    async def read() -> int:
        return len([item async for item in stream.follow(SHOP, place, event_types()) if item.event])

    reading = asyncio.create_task(read())
    await asyncio.sleep(0)
    await stream.stop()
    assert await reading == 0


async def test_a_stream_begins_at_once_with_a_cursor_and_none_of_the_past(notification: Notifying, api: Api) -> None:
    await opened(api, notification)
    await notification.apply(*a_team().records)
    async with notification.database.read() as other, other.transaction():
        await other.execute("SELECT pg_current_xact_id()")  # a transaction under way holds the horizon back
        async with a_stream(api) as call:
            first = await anext(aiter(call))
    assert (first.type, bool(first.cursor)) == ("", True)
    life = a_team("tom")
    async with a_stream(api, cursor=first.cursor, types=["team.*"]) as call:
        await notification.apply(*life.records)
        assert (await taken(call, 1))[0].team.team_id == life.team_id


async def test_a_platform_has_so_many_streams_and_each_ends(notification: Notifying, api: Api) -> None:
    stream = EventStream(notification.database, notification.clock)
    for _ in range(MOST_STREAMS):
        stream.enter(SHOP)
    stream.enter(OTHER)
    with pytest.raises(Rejected, match="TOO_MANY_STREAMS"):
        stream.enter(SHOP)
    stream.leave(SHOP)
    stream.enter(SHOP)
    place = await stream.start(SHOP, from_start=True)
    items = stream.follow(SHOP, place, event_types())
    assert (await anext(items)).event is None
    notification.clock.move(LONGEST)
    assert [item async for item in items if item.event] == []
