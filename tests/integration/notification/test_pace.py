"""How far notification is with a test twin: its clock stops at each moment at which something is due, and no more."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID

from groupbuy.notification.v1 import events_pb2
from groupbuy.notification.v1 import messaging_rules_pb2 as rules

from services.notification.channels import Channels
from services.notification.handlers import Fanout, JoinDigests, PromoterDays, Reminders, StartReminders
from services.notification.handlers.pace import next_due
from tests.integration.notification.test_captured import a_process, captured, channels
from tests.integration.notification.test_sending import turn
from tests.support.notification_rpc import SHOP, TWIN, Api
from tests.support.notifying import START, Notifying
from tests.support.teams import TeamLife

__all__ = ["channels"]
_STEPS = 30


async def due(notification: Notifying, platform: UUID = TWIN) -> datetime | None:
    async with notification.database.read() as connection:
        return await next_due(connection, platform)


async def stops(notification: Notifying, work: Callable[[], Awaitable[None]]) -> list[timedelta]:
    """Move the twin's clock on from one moment to the next, as far as there is one; where it stopped, in seconds."""
    found: list[timedelta] = []
    for _ in range(_STEPS):
        await work()
        at = await due(notification)
        if at is None:
            return found
        assert at > notification.clock.now(TWIN), "what is due was done"
        notification.clock.set_ahead(TWIN, at - notification.clock.now())
        found.append(timedelta(seconds=round((at - START).total_seconds())))
    raise AssertionError(f"it never ends: {found}")


async def test_a_twins_clock_stops_where_something_is_due_and_it_happens_then(
    notification: Notifying, api: Api, channels: Channels
) -> None:
    window = rules.MessagingWindow(kind=events_pb2.MESSAGE_KIND_SOMEONE_JOINED, seconds=900)
    request = rules.PutMessagingRulesRequest(request_id="r", rules=rules.MessagingRules(windows=[window]))
    await api.call("PutMessagingRules", request, TWIN)
    # of a real platform nothing comes before its time
    await notification.do("UPDATE reminder_marks SET reached = %s", START)
    for platform in (TWIN, SHOP):
        for member in ("mei", "tom"):
            await notification.put(platform, member, ("webhook", f"https://shop.example.com/test-throttled-1/{member}"))
        life = TeamLife(platform=platform, start=START)
        life.open("mei")
        life.confirm("mei")
        life.join("tom")
        await notification.apply(*life.records)
    parts = (notification.database, notification.clock)
    reminders, finders = Reminders(*parts), (JoinDigests(*parts), Fanout(*parts))

    async with a_process(notification, channels) as sender:

        async def work() -> None:
            await reminders.tell_holds()
            await reminders.tell_teams()
            await PromoterDays(*parts).tell()
            await StartReminders(*parts).tell_starts()
            for finder in finders:
                while await finder.run_once():
                    pass
            await turn(sender)

        found = await stops(notification, work)
    told = await captured(notification)
    assert found[0] == timedelta(seconds=60), "what was throttled"
    assert timedelta(minutes=15) in found, "the digest of joins"
    kinds = {row[0]: row[1] for row in await notification.rows(
        "SELECT kind, state FROM deliveries WHERE platform_id = %s", TWIN
    )}  # fmt: skip
    assert set(kinds.values()) <= {"SENT", "SUPERSEDED"}
    assert {"SOMEONE_JOINED", "TIME_RUNNING_OUT"} <= kinds.keys()
    ats = [row.captured_at for row, _ in told]
    assert ats == sorted(ats)
    real = await notification.rows("SELECT kind, state FROM deliveries WHERE platform_id = %s", SHOP)
    assert {row[0] for row in real} & {"SOMEONE_JOINED", "TIME_RUNNING_OUT"} == set()
