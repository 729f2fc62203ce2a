"""What did not arrive is tried again: with new attempts and time, once per request, ended by an event of its own."""

import asyncio
import os
import sys
from datetime import timedelta
from typing import Any

import pytest
from groupbuy.notification.v1 import events_pb2, messages_pb2

from services.notification.channels import Refused, Retry
from tests.integration.notification.test_sending import LIMITS, Scripted, a_sender, turn
from tests.support.notification_rpc import OTHER, SHOP, Api
from tests.support.notifying import Notifying
from tests.support.teams import TeamLife

DEAD, REFUSED = events_pb2.DELIVERY_STATE_DEAD, events_pb2.DELIVERY_STATE_REFUSED


async def failed(notification: Notifying, *outcomes: Any, members: tuple[str, ...] = ("mei",)) -> TeamLife:
    """Open a team whose members are told in vain."""
    life = TeamLife(platform=SHOP, maximum=50)
    for member in members:
        await notification.put(SHOP, member, ("chat", f"{member}-1"))
    life.open(members[0])
    for member in members[1:]:
        life.hold(member)
    await notification.apply(*life.records)
    chat = Scripted("chat", list(outcomes) * len(members))
    async with a_sender(notification, chat) as sender:
        for _ in range(LIMITS.attempts):
            await turn(sender)
            notification.clock.move(timedelta(minutes=10))
        await turn(sender)
    return life


async def again(api: Api, request_id: str = "r", **fields: Any) -> int:
    request = messages_pb2.RedriveDeliveriesRequest(request_id=request_id, **fields)
    return int((await api.call("RedriveDeliveries", request)).count)


async def sent(notification: Notifying, *outcomes: Any) -> int:
    chat = Scripted("chat", list(outcomes))
    async with a_sender(notification, chat) as sender:
        await turn(sender)
    return len(chat.sent)


async def test_a_refused_message_is_tried_again_and_its_end_told_again(notification: Notifying, api: Api) -> None:
    await failed(notification, Refused("no"))
    assert await notification.states() == {("JOINED", "mei"): "REFUSED"}
    assert await again(api) == 1
    assert await again(api) == 1  # the same request changes nothing more
    assert await sent(notification) == 1
    assert await notification.states() == {("JOINED", "mei"): "SENT"}
    assert [(event.sequence, event.delivery_ended.state) for event in await notification.ended()] == [
        (1, REFUSED),
        (2, events_pb2.DELIVERY_STATE_SENT),
    ]
    assert len({event.event_id for event in await notification.ended()}) == 2
    assert await notification.rows("SELECT number, outcome FROM attempts ORDER BY number") == [
        (1, "refused"),
        (2, "sent"),
    ]
    assert await again(api, "r2") == 0


async def test_a_dead_message_has_as_many_attempts_and_as_much_time_as_a_new_one(
    notification: Notifying, api: Api
) -> None:
    await failed(notification, *[Retry("busy")] * LIMITS.attempts)
    assert await notification.states() == {("JOINED", "mei"): "DEAD"}
    notification.clock.move(timedelta(days=3))
    assert await again(api, states=[DEAD]) == 1
    for _ in range(LIMITS.attempts - 1):
        assert await sent(notification, Retry("busy")) == 1
        notification.clock.move(timedelta(minutes=5))
    assert await sent(notification) == 1
    assert await notification.states() == {("JOINED", "mei"): "SENT"}


async def test_only_what_is_asked_for_and_only_of_the_own_platform(notification: Notifying, api: Api) -> None:
    life = await failed(notification, Refused("no"), members=("mei", "tom"))
    kinds = [events_pb2.MESSAGE_KIND_FORMED]
    assert await again(api, "a", states=[DEAD]) == 0
    assert await again(api, "b", kinds=kinds) == 0
    assert await again(api, "c", member_id="eva") == 0
    assert await again(api, "d", team_id=TeamLife().team_id) == 0
    other = messages_pb2.RedriveDeliveriesRequest(request_id="e")
    assert (await api.call("RedriveDeliveries", other, OTHER)).count == 0
    assert await again(api, "f", member_id="tom", team_id=life.team_id) == 1
    assert await again(api, "g") == 1


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"states": [events_pb2.DELIVERY_STATE_SENT]}, "states"),
        ({"kinds": [999]}, "kinds"),
        ({"team_id": "x"}, "team_id"),
        ({"member_id": "a b"}, "member_id"),
    ],
)
async def test_bad_requests_are_refused(api: Api, fields: dict[str, Any], field: str) -> None:
    request = messages_pb2.RedriveDeliveriesRequest(request_id="r", **fields)
    assert list((await api.refused("RedriveDeliveries", request))[1]) == [field]


async def test_the_command_lists_and_redrives(notification: Notifying, api: Api) -> None:
    await failed(notification, Refused("no such chat"))
    environment = {**os.environ, "GROUPBUY_NOTIFICATION": api.address}
    environment["GROUPBUY_PLATFORM_KEY"] = f"gbk_{SHOP.int}_secret"

    async def run(*words: str) -> str:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "deploy.cli", "deliveries", *words, env=environment, stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate()
        assert process.returncode == 0
        return output.decode()

    listed = await run("list", "--member", "mei")
    assert "refused" in listed
    assert "JOINED" in listed
    assert await run("list", "--state", "sent") == ""
    assert await run("redrive", "--kind", "joined") == "1 deliveries are tried again.\n"
    assert await sent(notification) == 1
