"""Stories of a test twin: its clock moves, services in front of it are throttled or away, and an integrator looks."""

import asyncio
import json
import os
import sys
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from groupbuy.notification.v1 import captured_pb2 as pb
from groupbuy.notification.v1 import notification_internal_pb2 as inner
from groupbuy.notification.v1 import notification_service_pb2 as nt
from groupbuy.notification.v1 import platform_webhooks_pb2 as hooks
from standardwebhooks import Webhook

from services.chassis import ids
from services.chassis.erased_rows import Erased
from services.chassis.platforms import ID_PREFIX
from services.notification.channels import Channels
from services.notification.domain import QuietHours, Wishes
from services.notification.handlers.messages import MessageWriter
from services.notification.metrics import ATTEMPTS
from services.notification.sandbox import written_within
from services.notification.store import captured as shelf
from services.notification.store.erasing import replace_member
from tests.integration.notification.test_captured import a_process, a_team, channels
from tests.integration.notification.test_groups import asked, groups_of
from tests.integration.notification.test_sending import turn
from tests.integration.notification.test_webhooks import a_poster
from tests.integration.notification.test_webhooks import turn as post_all
from tests.integration.notification.test_wishes import put as put_wishes
from tests.support.addressed import ADDRESSES
from tests.support.notification_rpc import OTHER, SHOP, TWIN, Api
from tests.support.notifying import START, Notifying
from tests.support.teams import TeamLife
from tests.support.until import until

__all__ = ["channels"]


async def listed(api: Api, **wanted: Any) -> list[pb.Captured]:
    """List what was captured, by the twin's key."""
    answer = await api.call("ListCaptured", pb.ListCapturedRequest(**wanted), TWIN)
    return list(answer.captured)


async def test_quiet_hours_are_over_when_the_twins_clock_says_so(
    notification: Notifying, api: Api, channels: Channels
) -> None:
    lives = [TeamLife(platform=platform) for platform in (TWIN, SHOP)]
    for life in lives:
        quiet = QuietHours(time(12), time(20), "Europe/Berlin")
        await put_wishes(notification, life, "mei", Wishes(quiet))
        life.open("mei")
        life.cancel()
        await notification.apply(*life.records)
    async with a_process(notification, channels) as sender:
        await turn(sender)
        assert await listed(api) == []
        notification.clock.set_ahead(TWIN, timedelta(hours=7, minutes=1))
        await turn(sender)
    [one] = await listed(api)
    assert one.captured_at.ToDatetime(tzinfo=UTC) == START + timedelta(hours=7, minutes=1)
    assert "cancelled" in f"{one.subject} {one.body}".lower()
    states = await notification.rows("SELECT state FROM deliveries WHERE platform_id = %s AND kind = 'CANCELLED'", SHOP)
    assert [row[0] for row in states] == ["PENDING"]  # by the machine's time it is noon still


async def test_what_is_throttled_waits_as_long_as_was_asked_by_the_twins_clock(
    notification: Notifying, api: Api, channels: Channels
) -> None:
    await a_team(notification, ("webhook", "https://shop.example.com/test-throttled-1/mei"))
    counted = ATTEMPTS.labels("webhook", "retry")._value.get()
    async with a_process(notification, channels) as sender:
        await turn(sender)
        [first] = await listed(api)
        notification.clock.set_ahead(TWIN, timedelta(seconds=59))
        await turn(sender)
        assert len(await listed(api)) == 1
        notification.clock.set_ahead(TWIN, timedelta(seconds=61))
        await turn(sender)
    second, again = await listed(api)
    assert again == first
    assert ATTEMPTS.labels("webhook", "retry")._value.get() == counted
    assert (first.outcome, first.request.status, first.attempt) == ("retry", 429, 1)
    assert (second.outcome, second.request.status, second.attempt) == ("sent", 200, 2)
    assert first.request.headers["idempotency-key"] == second.request.headers["idempotency-key"] == first.delivery_id
    assert json.loads(second.request.body)["member_id"] == "mei"
    deliveries = await api.call("ListDeliveries", nt.ListDeliveriesRequest(member_id="mei"), TWIN)
    [delivery] = deliveries.deliveries
    assert [attempt.provider_id for attempt in delivery.attempts] == ["", second.captured_id]
    assert [one async for one in _ids(api, page_size=1)] == [second.captured_id, first.captured_id]
    assert [one.attempt for one in await listed(api, oldest_first=True, delivery_id=first.delivery_id)] == [1, 2]
    assert [one.attempt for one in await listed(api, since=second.captured_at)] == [2]
    assert await listed(api, member_id="tom") == []


async def test_a_sender_that_runs_looks_as_soon_as_a_twins_clock_was_moved(
    notification: Notifying, api: Api, channels: Channels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.notification.flights.POLL_SECONDS", 3600.0)
    await a_team(notification, ("webhook", "https://shop.example.com/test-throttled-1/mei"))
    async with a_process(notification, channels) as sender:
        running = asyncio.create_task(sender.run())
        await until(lambda: _is_listed(api, 1))
        await sender.idle()
        notification.clock.set_ahead(TWIN, timedelta(seconds=61))
        await until(lambda: _is_listed(api, 2))
        await sender.stop()
        await running


async def _is_listed(api: Api, count: int) -> bool:
    return len(await listed(api)) == count


async def _ids(api: Api, **wanted: Any) -> Any:
    token = ""
    while True:
        page = await api.call("ListCaptured", pb.ListCapturedRequest(page_token=token, **wanted), TWIN)
        for one in page.captured:
            yield one.captured_id
        token = page.next_page_token
        if not token:
            return


async def test_a_member_who_is_gone_is_told_by_the_next_channel_and_one_nobody_reaches_dies(
    notification: Notifying, api: Api, channels: Channels
) -> None:
    life = TeamLife(platform=TWIN)
    await notification.put(TWIN, "test-telegram-gone", ("telegram", "4711"), ("email", "test@example.com"))
    await notification.put(TWIN, "mei", ("email", "mei+test-unavailable@example.com"))
    life.open("test-telegram-gone")
    life.join("mei")
    await notification.apply(*life.records)
    async with a_process(notification, channels) as sender:
        for hours in range(30):
            notification.clock.set_ahead(TWIN, timedelta(hours=hours, minutes=1))
            await turn(sender)
    told = await listed(api, member_id="test-telegram-gone", oldest_first=True)
    assert [(one.channel, one.outcome) for one in told][:2] == [("telegram", "refused"), ("email", "sent")]
    assert told[0].request.url == "https://api.telegram.org/bot[token]/sendMessage"
    assert told[1].request.body.startswith("From: shop@example.com")
    rows = await notification.rows("SELECT state, kind FROM deliveries WHERE member_id = 'mei' AND state = 'DEAD'")
    assert rows
    member = await api.call("GetMember", nt.GetMemberRequest(member_id="test-telegram-gone"), TWIN)
    assert member.member.contact_points[0].gone
    ended = {event.delivery_ended.member_id for event in await notification.ended()}
    assert ended == {"test-telegram-gone", "mei"}


async def test_a_post_can_be_verified_and_is_tried_again_by_the_twins_clock(notification: Notifying, api: Api) -> None:
    notification.clock.move(datetime.now(UTC) - START)  # a verifier compares with its own clock
    put = hooks.PutWebhookEndpointRequest(
        request_id="put",
        endpoint=hooks.WebhookEndpoint(url="https://shop.example.com/test-unavailable-1", types=["team.team_opened"]),
    )
    endpoint = await api.call("PutWebhookEndpoint", put, TWIN)
    async with a_poster(notification, private=False) as poster:
        life = TeamLife(platform=TWIN)
        life.open("mei")
        await notification.apply(*life.records)
        await post_all(poster)
        notification.clock.set_ahead(TWIN, timedelta(seconds=7))
        await post_all(poster)
    tested = await api.call(
        "SendTestEvent", hooks.SendTestEventRequest(endpoint_id=endpoint.endpoint.endpoint_id), TWIN
    )
    assert tested.attempt.status == 503
    test, second, first = await listed(api, kind=pb.CAPTURED_KIND_WEBHOOK)
    assert [(one.request.status, one.attempt) for one in (first, second)] == [(503, 1), (200, 2)]
    assert test.type == "webhook.test"
    for one in (first, second, test):
        said = Webhook(endpoint.secret).verify(one.request.body, dict(one.request.headers))
        assert said["type"] == one.type
        assert one.request.headers["webhook-id"] == one.webhook_id
        assert (one.request.method, one.endpoint_id) == ("POST", endpoint.endpoint.endpoint_id)
    assert await notification.rows("SELECT state FROM webhook_posts") == [("TAKEN",)]
    erased = Erased(TWIN, "erased-1", START, START, member_id="mei")
    async with notification.database.work() as work:
        await replace_member(work.connection, erased, "", written_within("mei"), START, lambda _, value: value)
    assert [one.type for one in await listed(api)] == ["webhook.test"]


async def test_answers_in_chats_are_captured_without_an_account(notification: Notifying, api: Api) -> None:
    request = inner.AnswerChatRequest(
        platform_id=ids.opaque(ID_PREFIX, TWIN), way="slack_response_url", text="Mangoes",
        values={"url": "https://hooks.slack.com/commands/T1/2/abcdefghijklmnopqrstuvwx"},
    )  # fmt: skip
    response = await api.call_internal("AnswerChat", request)
    assert response.outcome == inner.CHAT_ANSWER_OUTCOME_SENT
    request.way = "telegram"
    request.values.clear()
    request.values["chat_id"] = "42"
    response = await api.call_internal("AnswerChat", request)
    assert response.outcome == inner.CHAT_ANSWER_OUTCOME_SENT
    assert response.place.values["edits"].isdecimal()
    second, first = await listed(api, kind=pb.CAPTURED_KIND_CHAT_ANSWER)
    assert (first.channel, first.request.url) == ("slack_response_url", "[url]")
    assert json.loads(second.request.body)["text"] == "Mangoes"
    ticket = inner.GetWeChatTicketRequest(platform_id=ids.opaque(ID_PREFIX, TWIN))
    assert await api.call_internal("GetWeChatTicket", ticket) == inner.GetWeChatTicketResponse()


async def test_a_groups_card_is_edited_in_its_place(notification: Notifying, api: Api, channels: Channels) -> None:
    life = await a_team(notification)
    groups = groups_of(notification, "telegram")
    answer = await api.call("BindGroup", asked(life, channel="telegram", address="-10042"), TWIN)
    before = len(life.records)
    async with a_process(notification, channels) as sender:
        await groups.tell()
        await turn(sender)
        life.join("tom")
        await notification.apply(*life.records[before:])
        notification.clock.set_ahead(TWIN, timedelta(minutes=1))
        await groups.tell()
        await turn(sender)
    card, edited = await listed(api, kind=pb.CAPTURED_KIND_GROUP, oldest_first=True)
    assert {card.group_id, edited.group_id} == {answer.group_id}
    assert card.member_id == ""
    assert card.request.url.endswith("/sendMessage")
    assert edited.request.url.endswith("/editMessageText")
    message = json.loads(card.request.answer)["result"]["message_id"]
    assert json.loads(edited.request.body)["message_id"] == message


async def test_what_is_captured_is_a_test_platforms_own(notification: Notifying, api: Api, channels: Channels) -> None:
    await a_team(notification, ("email", ADDRESSES["email"]))
    async with a_process(notification, channels) as sender:
        await turn(sender)
    assert len(await listed(api)) == 1
    for real in (SHOP, OTHER):
        assert (await api.refused("ListCaptured", pb.ListCapturedRequest(), real))[0] == "SANDBOX_ONLY"
    stored = await notification.rows("SELECT content, key_id FROM captured")
    assert [row[1] for row in stored] == ["test"]
    assert not [row for row in stored if b"mei@example.com" in row[0] or b"Mango" in row[0]]
    reason, fields = await api.refused("ListCaptured", pb.ListCapturedRequest(team_id="x", delivery_id="x"), TWIN)
    assert (reason, sorted(fields)) == ("INVALID_ARGUMENT", ["delivery_id", "team_id"])
    async with notification.database.work() as work:
        assert await shelf.drop_most(work.connection, 1, 10) == 0
        assert await shelf.drop_most(work.connection, 0, 10) == 1
    assert await listed(api) == []


async def test_days_of_limits_are_the_machines(notification: Notifying) -> None:
    writer = MessageWriter(notification.database, notification.clock)
    async with notification.database.work() as work:
        await work.connection.execute(
            "INSERT INTO message_days (platform_id, day, messages) VALUES (%s, %s, 3)", (TWIN, START.date())
        )
    notification.clock.set_ahead(TWIN, timedelta(days=3))
    assert await writer.count_today(TWIN) == 3


async def test_the_command_shows_what_was_captured(notification: Notifying, api: Api, channels: Channels) -> None:
    await a_team(notification, ("webhook", ADDRESSES["webhook"]))
    async with a_process(notification, channels) as sender:
        await turn(sender)
    environment = {**os.environ, "GROUPBUY_NOTIFICATION": api.address}

    async def run(key: str, *words: str) -> tuple[int | None, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "deploy.cli", "captured", *words, env=environment | {"GROUPBUY_PLATFORM_KEY": key},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        output, _ = await process.communicate()
        return process.returncode, output.decode()

    code, line = await run(f"gbt_{TWIN.int}_secret", "--member", "mei", "--kind", "message")
    assert code == 0
    assert f"sent          message     webhook   mei  {ADDRESSES['webhook']}" in line
    code, whole = await run(f"gbt_{TWIN.int}_secret", "--json")
    assert json.loads(whole)["request"]["method"] == "POST"
    code, said = await run(f"gbk_{SHOP.int}_secret")
    assert code == 1
    assert "gbt_" in said
