"""How much a platform may say in its own words: by the second and by the day, with exact counts in SQL."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from services.chassis.limit_rows import LimitReader
from services.chassis.limits import Limiter
from services.notification.handlers.messages import MessageWriter
from tests.integration.notification.test_own_words import a_message, register
from tests.support.notification_rpc import OTHER, SHOP, Api, an_api
from tests.support.notifying import Notifying

A_DAY, A_SECOND = 6, 4
MEMBERS = [f"m{number}" for number in range(12)]


@pytest.fixture
async def api(notification: Notifying, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Api]:
    """A server whose buckets do not fill, and twelve members who can be reached."""
    monkeypatch.setattr("services.chassis.limits.monotonic", lambda: 1000.0)
    limits = {"messages_per_second": A_SECOND, "key_messages_per_second": 1000, "messages_per_day": A_DAY}
    limiter = Limiter(limits, LimitReader(notification.database).find)
    async with an_api(notification, limiter=limiter) as running:
        for name in MEMBERS:
            await register(running, name, tags=("vip",))
        yield running


async def said(api: Api, request_id: str, *members: str) -> str:
    """Send a message; tells OK or the reason."""
    try:
        await api.call("SendMessage", a_message(*members, request_id=request_id))
    except grpc.aio.AioRpcError as error:
        return _reason(error)
    return "OK"


def _reason(error: grpc.aio.AioRpcError) -> str:
    """Tell why a limit refused a call, which says when to come again."""
    status = rpc_status.from_call(error)  # type: ignore[arg-type]  # it has what a call has
    assert status is not None
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert any(detail.Is(error_details_pb2.RetryInfo.DESCRIPTOR) for detail in status.details)
    info = error_details_pb2.ErrorInfo()
    assert any(detail.Unpack(info) for detail in status.details)
    return info.reason


async def counted(notification: Notifying) -> tuple[int, int, int]:
    """Count messages, answers and refusals that are stored."""
    [(messages,)] = await notification.rows("SELECT count(*) FROM deliveries WHERE kind = 'PERSONAL'")
    [(answers,)] = await notification.rows("SELECT count(*) FROM requests WHERE rpc = 'SendMessage' AND NOT refused")
    [(refusals,)] = await notification.rows("SELECT count(*) FROM requests WHERE refused")
    return messages, answers, refusals


async def test_a_second_has_so_many_members(notification: Notifying, api: Api) -> None:
    assert await said(api, "a", *MEMBERS[:4]) == "OK"
    assert await said(api, "b", *MEMBERS[4:6]) == "OK"
    assert await said(api, "c", *MEMBERS[6:9]) == "RATE_LIMITED", "a burst has eight, six are used"
    answer = await api.call("SendMessage", a_message(*MEMBERS[:1]), OTHER)
    assert answer.written == 0, "another platform is not touched, and has no such member"
    assert await counted(notification) == (6, 3, 0)


async def test_a_day_has_so_many_messages_however_many_are_sent_at_once(notification: Notifying, api: Api) -> None:
    calls = [said(api, f"r{number}", MEMBERS[number]) for number in range(8)]
    assert Counter(await asyncio.gather(*calls)) == {"OK": A_DAY, "QUOTA_EXHAUSTED": 2}
    assert await counted(notification) == (A_DAY, A_DAY, 0)
    writer = MessageWriter(notification.database, notification.clock)
    assert (await writer.count_today(SHOP), await writer.count_today(OTHER)) == (A_DAY, 0)


async def test_the_next_day_makes_room_and_the_same_call_is_decided_then(
    notification: Notifying, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await said(api, "r", *MEMBERS[:6]) == "OK"
    assert await said(api, "s", MEMBERS[6]) == "QUOTA_EXHAUSTED"
    now = notification.clock.now()
    midnight = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), tzinfo=UTC)
    notification.clock.move(midnight - now)
    assert await said(api, "s", MEMBERS[6]) == "OK"
    writer = MessageWriter(notification.database, notification.clock)
    assert await writer.count_today(SHOP) == 1
    assert await writer.forget_days() == 0, "yesterday is kept"
    notification.clock.move(timedelta(days=1))
    assert await writer.forget_days() == 1


async def test_a_message_to_a_tag_is_begun_while_there_is_room_and_then_completed(
    notification: Notifying, api: Api
) -> None:
    await api.call("SendMessage", a_message(tags=["vip"], request_id="t"))
    writer = MessageWriter(notification.database, notification.clock)
    await writer.tell_tagged()
    assert await writer.count_today(SHOP) == len(MEMBERS), "all of them, though the day has six"
    reason, _ = await api.refused("SendMessage", a_message(tags=["vip"], request_id="u"))
    assert reason == "QUOTA_EXHAUSTED"
    assert await notification.rows("SELECT count(*) FROM own_messages") == [(0,)]
