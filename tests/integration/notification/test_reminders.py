"""Before a hold runs out and before a team ends, each is told once; what is over by then is not told."""

from datetime import timedelta
from uuid import uuid4

from groupbuy.money.v1.money_pb2 import Money
from groupbuy.notification.v1 import messages_pb2
from groupbuy.pricing.v1 import events_pb2 as pricing_pb2

from services.notification.domain import Limits
from services.notification.handlers import Fanout, Reminders
from services.notification.handlers.reminders import HOLD_LEAD, TEAM_LEAD
from tests.integration.notification.test_payment_due import settled
from tests.integration.notification.test_sending import Scripted, a_sender, turn
from tests.support.notification_rpc import OTHER, SHOP, Api
from tests.support.notifying import START, Notifying
from tests.support.teams import TeamLife


async def a_team(notification: Notifying, *members: str, held: tuple[str, ...] = ()) -> TeamLife:
    """Open a team that ends in an hour, with confirmed members and others that only hold a seat, for 15 minutes."""
    life = TeamLife(maximum=50, start=START)
    await notification.do("UPDATE reminder_marks SET reached = %s", START)  # the machine's clock is no ManualClock
    for member in (*members, *held):
        await notification.put(life.platform, member)
    life.open(members[0])
    life.confirm(members[0])
    for member in members[1:]:
        life.join(member)
    for member in held:
        life.hold(member)
    await notification.apply(*life.records)
    return life


async def told(notification: Notifying, kind: str) -> list[str]:
    return [member for one, member in await notification.told() if one == kind]


async def look(notification: Notifying) -> None:
    """Run both finders and the fan-out, twice."""
    reminders = Reminders(notification.database, notification.clock)
    fanout = Fanout(notification.database, notification.clock)
    for _ in range(2):
        await reminders.tell_holds()
        await reminders.tell_teams()
        while await fanout.run_once():
            pass


async def test_a_hold_that_runs_out_soon_is_told_once(notification: Notifying) -> None:
    await a_team(notification, "mei", held=("tom",))
    await look(notification)
    assert await told(notification, "HOLD_ENDING") == []
    notification.clock.move(timedelta(minutes=15, seconds=10) - HOLD_LEAD)
    await look(notification)
    notification.clock.move(timedelta(minutes=1))
    await look(notification)
    assert await told(notification, "HOLD_ENDING") == ["tom"]


async def test_a_hold_that_was_confirmed_meanwhile_is_not_told(notification: Notifying) -> None:
    life = await a_team(notification, "mei", held=("tom", "ana"))
    notification.clock.move(timedelta(minutes=15, seconds=10) - HOLD_LEAD)
    await look(notification)
    before = len(life.records)
    life.confirm("tom")
    await notification.apply(*life.records[before:])
    console = Scripted("console")
    async with a_sender(notification, console, limits=Limits(attempts=9, age=timedelta(hours=9))) as sender:
        await turn(sender)
    states = await notification.states()
    assert (states["HOLD_ENDING", "tom"], states["HOLD_ENDING", "ana"]) == ("SUPERSEDED", "SENT")


async def test_an_end_that_is_near_is_told_to_confirmed_members_once(notification: Notifying) -> None:
    life = await a_team(notification, "mei", "ana", held=("tom",))
    [(ends_at,)] = await notification.rows("SELECT ends_at FROM teams")
    notification.clock.move(ends_at - START - TEAM_LEAD - timedelta(seconds=1))
    await look(notification)
    assert await told(notification, "TIME_RUNNING_OUT") == []
    notification.clock.move(timedelta(seconds=2))
    await look(notification)
    notification.clock.move(timedelta(minutes=5))
    await look(notification)
    assert await told(notification, "TIME_RUNNING_OUT") == ["ana", "mei"]
    before = len(life.records)
    life.fail()
    await notification.apply(*life.records[before:])
    async with a_sender(notification, Scripted("console"), limits=Limits(attempts=9, age=timedelta(days=9))) as sender:
        await turn(sender)
    states = await notification.states()
    assert {states["TIME_RUNNING_OUT", member] for member in ("mei", "ana")} == {"SUPERSEDED"}


async def test_a_refund_that_was_made_is_told(notification: Notifying) -> None:
    life = await a_team(notification, "mei", "ana")
    report = pricing_pb2.SettlementReported(
        report_id=str(uuid4()),
        line_id=str(uuid4()),
        seat_id=life.seat("ana").seat_id,
        member_id="ana",
        kind=pricing_pb2.REPORT_KIND_REFUNDED,
        amount=Money(minor_units=1490, currency="EUR"),
    )
    refund = settled(life, 1, pricing_pb2.SettlementEvent(settlement_reported=report))
    await notification.apply(refund)
    await notification.apply(refund)
    [(body,)] = await notification.rows("SELECT body FROM deliveries WHERE kind = 'REFUND_DONE'")
    assert "14.90" in body
    assert await told(notification, "REFUND_DONE") == ["ana"]


async def test_that_one_place_is_left_is_told_once_while_it_is_true(notification: Notifying) -> None:
    life = TeamLife(maximum=4, minimum=2, start=START)
    for member in ("mei", "ana", "tom", "eva"):
        await notification.put(life.platform, member)
    life.open("mei")
    life.confirm("mei")
    life.join("ana")
    life.hold("tom")
    await notification.apply(*life.records)
    assert await told(notification, "ONE_SEAT_LEFT") == ["ana", "mei"]
    seen = len(life.records)
    life.expire("tom")
    life.hold("eva")
    await notification.apply(*life.records[seen:])
    assert await told(notification, "ONE_SEAT_LEFT") == ["ana", "mei"]
    seen = len(life.records)
    life.hold("leo")
    await notification.apply(*life.records[seen:])
    async with a_sender(notification, Scripted("console")) as sender:
        await turn(sender)
    states = await notification.states()
    assert {states["ONE_SEAT_LEFT", member] for member in ("mei", "ana")} == {"SUPERSEDED"}


async def test_a_nudge_goes_to_confirmed_members_once_in_six_hours(notification: Notifying, api: Api) -> None:
    life = TeamLife(platform=SHOP, maximum=50, start=START)
    for member in ("mei", "tom"):
        await notification.put(SHOP, member)
    life.open("mei")
    life.confirm("mei")
    life.hold("tom")
    await notification.apply(*life.records)
    for number in range(3):
        await api.call("NudgeTeam", messages_pb2.NudgeTeamRequest(request_id=f"n{number}", team_id=life.team_id))
        await look(notification)
    assert await told(notification, "NUDGE") == ["mei"]
    notification.clock.move(timedelta(hours=6))
    await api.call("NudgeTeam", messages_pb2.NudgeTeamRequest(request_id="later", team_id=life.team_id))
    await look(notification)
    assert await told(notification, "NUDGE") == ["mei", "mei"]
    request = messages_pb2.NudgeTeamRequest(request_id="x", team_id=life.team_id)
    assert (await api.refused("NudgeTeam", request, OTHER))[0] == "TEAM_UNKNOWN"
    seen = len(life.records)
    life.fail()
    await notification.apply(*life.records[seen:])
    assert (await api.refused("NudgeTeam", request))[0] == "TEAM_ENDED"
