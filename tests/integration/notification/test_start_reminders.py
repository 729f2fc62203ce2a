"""Who wants to be reminded of a start is, once, before it, and not in the same second as all others."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from groupbuy.notification.v1 import messages_pb2
from groupbuy.team_formation.v1 import events_pb2, types_pb2

from services.chassis import ids
from services.chassis.messages import Record, headers, message
from services.notification.domain import LATEST_REMINDER, SPREAD, reminded_before
from services.notification.handlers import StartReminders
from services.notification.translate import CAMPAIGNS
from tests.integration.notification.test_sending import Scripted, a_sender, turn
from tests.support.notification_rpc import OTHER, SHOP, Api
from tests.support.notifying import START, Notifying
from tests.support.teams import presentation_of

SCHEDULED, PAUSED = types_pb2.CAMPAIGN_STATE_SCHEDULED, types_pb2.CAMPAIGN_STATE_PAUSED
STARTS = START + timedelta(hours=2)
CAMPAIGN = uuid4()
NAME = ids.opaque("camp", CAMPAIGN)


def told_of(version: int, state: types_pb2.CampaignState.ValueType = SCHEDULED, starts_at: datetime = STARTS) -> Record:
    """Tell how a campaign stands at a version."""
    event = events_pb2.CampaignEvent(
        event_id=str(ids.derived_id(CAMPAIGN, version)),
        platform_id=ids.opaque("plat", SHOP),
        sequence=version,
        campaign_id=NAME,
    )
    event.occurred_at.FromDatetime(START)
    item = event.campaign_created.campaign if version == 1 else event.campaign_changed.campaign
    item.campaign_id, item.currency, item.state = NAME, "EUR", state
    item.rules.payment_mode, item.rules.minimum, item.rules.maximum = types_pb2.PAYMENT_MODE_PREPAID, 2, 5
    item.presentation.CopyFrom(presentation_of("Mangoes, 2 kg"))
    item.starts_at.FromDatetime(starts_at)
    item.ends_at.FromDatetime(starts_at + timedelta(days=1))
    told = message(CAMPAIGNS, NAME, event)
    return Record(CAMPAIGNS, told.key, told.payload, tuple(headers(told)), 0, version)


async def remind(api: Api, member: str, request_id: str = "") -> messages_pb2.RemindMemberResponse:
    request = messages_pb2.RemindMemberRequest(request_id=request_id or member, campaign_id=NAME, member_id=member)
    answer = await api.call("RemindMember", request)
    assert isinstance(answer, messages_pb2.RemindMemberResponse)
    return answer


async def look(notification: Notifying) -> None:
    for _ in range(2):
        await StartReminders(notification.database, notification.clock).tell_starts()


async def reminded(notification: Notifying) -> list[str]:
    return [member for kind, member in await notification.told() if kind == "REMINDER"]


async def test_a_member_is_reminded_once_before_the_start(notification: Notifying, api: Api) -> None:
    await notification.put(SHOP, "mei")
    await notification.apply(told_of(1))
    for request_id in ("a", "b"):
        assert (await remind(api, "mei", request_id)).starts_at.ToDatetime() == STARTS.replace(tzinfo=None)
    notification.clock.move(STARTS - START - LATEST_REMINDER - SPREAD - timedelta(seconds=1))
    await look(notification)
    assert await reminded(notification) == []
    notification.clock.move(SPREAD + timedelta(seconds=1))
    await look(notification)
    await look(notification)
    assert await reminded(notification) == ["mei"]
    console = Scripted("console")
    async with a_sender(notification, console) as sender:
        await turn(sender)
    [letter] = console.sent
    assert ("Mangoes" in letter.subject, letter.team_id) == (True, "")


async def test_reminders_are_spread(notification: Notifying, api: Api) -> None:
    members = [f"m{number}" for number in range(40)]
    befores = {reminded_before(CAMPAIGN, member) for member in members}
    assert len(befores) > 30
    assert LATEST_REMINDER <= min(befores) <= max(befores) <= LATEST_REMINDER + SPREAD
    await notification.apply(told_of(1))
    for member in members:
        await notification.put(SHOP, member)
        await remind(api, member)
    notification.clock.move(STARTS - START - LATEST_REMINDER - SPREAD / 2)
    await look(notification)
    assert 5 < len(await reminded(notification)) < 35


async def test_a_start_that_moves_takes_its_reminders_along(notification: Notifying, api: Api) -> None:
    await notification.put(SHOP, "mei")
    await notification.apply(told_of(1))
    await remind(api, "mei")
    await notification.apply(told_of(2, PAUSED), told_of(3, PAUSED, STARTS + timedelta(hours=5)))
    notification.clock.move(STARTS - START)
    await look(notification)
    assert await reminded(notification) == []
    notification.clock.move(timedelta(hours=5))
    await look(notification)
    assert await reminded(notification) == []
    await notification.apply(told_of(4, SCHEDULED, STARTS + timedelta(hours=6)))
    notification.clock.move(timedelta(minutes=50))
    await look(notification)
    assert await reminded(notification) == ["mei"]


async def test_of_a_cancelled_campaign_nobody_is_reminded(notification: Notifying, api: Api) -> None:
    await notification.put(SHOP, "mei")
    await notification.apply(told_of(1))
    await remind(api, "mei")
    await notification.apply(told_of(2, types_pb2.CAMPAIGN_STATE_CANCELLED))
    notification.clock.move(STARTS - START)
    await look(notification)
    assert await reminded(notification) == []
    assert await notification.rows("SELECT count(*) FROM start_reminders") == [(0,)]
    assert await refused(api) == "CAMPAIGN_CANCELLED"


async def test_of_a_start_that_is_over_nobody_is_reminded(notification: Notifying, api: Api) -> None:
    await notification.put(SHOP, "mei")
    await notification.apply(told_of(1))
    await remind(api, "mei")
    await notification.apply(told_of(2, PAUSED))
    notification.clock.move(STARTS - START + timedelta(hours=1))
    await notification.apply(told_of(3, types_pb2.CAMPAIGN_STATE_RUNNING))
    await look(notification)
    assert await reminded(notification) == []


async def test_a_reminder_that_was_held_up_is_not_sent_after_the_start(notification: Notifying, api: Api) -> None:
    await notification.put(SHOP, "mei")
    await notification.apply(told_of(1))
    await remind(api, "mei")
    notification.clock.move(STARTS - START - LATEST_REMINDER)
    await look(notification)
    notification.clock.move(LATEST_REMINDER)
    console = Scripted("console")
    async with a_sender(notification, console) as sender:
        await turn(sender)
    assert console.sent == []
    assert await notification.states() == {("REMINDER", "mei"): "SUPERSEDED"}


async def test_of_a_campaign_that_never_started_nothing_is_left(notification: Notifying, api: Api) -> None:
    await notification.put(SHOP, "mei")
    await notification.apply(told_of(1))
    await remind(api, "mei")
    await notification.apply(told_of(2, PAUSED))
    notification.clock.move(STARTS - START + timedelta(days=1, seconds=1))
    await look(notification)
    assert await reminded(notification) == []
    assert await notification.rows("SELECT count(*) FROM start_reminders") == [(0,)]


async def refused(api: Api, platform: UUID = SHOP, **changes: Any) -> str:
    fields = {"request_id": str(uuid4()), "campaign_id": NAME, "member_id": "mei", **changes}
    return (await api.refused("RemindMember", messages_pb2.RemindMemberRequest(**fields), platform))[0]


async def test_what_cannot_be_is_refused(notification: Notifying, api: Api) -> None:
    await notification.put(SHOP, "mei")
    assert await refused(api) == "CAMPAIGN_UNKNOWN"
    await notification.apply(told_of(1, types_pb2.CAMPAIGN_STATE_DRAFT))
    assert await refused(api) == "CAMPAIGN_UNKNOWN"
    await notification.apply(told_of(2))
    assert await refused(api, OTHER) == "CAMPAIGN_UNKNOWN"
    assert await refused(api, campaign_id="x") == "CAMPAIGN_UNKNOWN"
    assert await refused(api, member_id="tom") == "MEMBER_UNKNOWN"
    notification.clock.move(timedelta(hours=3))
    assert await refused(api) == "CAMPAIGN_STATE"


@pytest.mark.parametrize("state", [SCHEDULED, PAUSED])
async def test_an_older_event_changes_nothing(
    notification: Notifying, state: types_pb2.CampaignState.ValueType
) -> None:
    await notification.apply(told_of(2, state))
    await notification.do("DELETE FROM inbox")
    await notification.apply(told_of(2, state), told_of(1))
    assert await notification.rows("SELECT version FROM campaigns") == [(2,)]
