"""A member whose authorisation could not be charged is asked to pay in another way, until the money has come."""

from datetime import timedelta

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from groupbuy.money.v1.money_pb2 import Money
from groupbuy.pricing.v1 import events_pb2

from services.chassis import ids
from services.chassis.messages import Record, headers, message
from tests.integration.notification.test_sending import Scripted, a_sender, turn
from tests.support.notifying import Notifying
from tests.support.teams import HOLD, TeamLife

LINE = str(ids.new_id())
CAPTURED, PAID, FAILED = events_pb2.REPORT_KIND_CAPTURED, events_pb2.REPORT_KIND_PAID, events_pb2.REPORT_KIND_FAILED


def a_life() -> TeamLife:
    life = TeamLife(payment_mode=HOLD)
    life.open("mei")
    life.confirm("mei")
    life.join("tom")
    return life


def settled(life: TeamLife, sequence: int, event: events_pb2.SettlementEvent) -> Record:
    """Tell a fact about the team as it stands."""
    event.event_id, event.sequence, event.team_version = str(ids.new_id()), sequence, life.version
    event.platform_id, event.campaign_id, event.team_id = life.platform_id, life.campaign_id, life.team_id
    told = message("groupbuy.settlement.v1", event.team_id, event)
    return Record("groupbuy.settlement.v1", told.key, told.payload, tuple(headers(told)), 0, sequence)


def due(life: TeamLife) -> Record:
    pay_by = Timestamp()
    pay_by.FromDatetime(life.now + timedelta(hours=2))
    fact = events_pb2.PaymentDue(
        seat_id=life.seat("mei").seat_id,
        line_id=LINE,
        member_id="mei",
        amount=Money(minor_units=3490, currency="EUR"),
        pay_by=pay_by,
    )
    return settled(life, 1, events_pb2.SettlementEvent(payment_due=fact))


def reported(life: TeamLife, kind: events_pb2.ReportKind.ValueType) -> Record:
    fact = events_pb2.SettlementReported(line_id=LINE, seat_id=life.seat("mei").seat_id, member_id="mei", kind=kind)
    return settled(life, 2, events_pb2.SettlementEvent(settlement_reported=fact))


async def test_who_has_to_pay_in_another_way_is_told_once_and_waits_for_the_team(notification: Notifying) -> None:
    life = a_life()
    asked = due(life)
    await notification.apply(asked)
    assert await notification.told() == []
    await notification.apply(*life.records, asked)
    told = [kind for kind, _ in await notification.told()]
    assert told.count("PAYMENT_DUE") == 1
    [(body,)] = await notification.rows("SELECT body FROM deliveries WHERE kind = 'PAYMENT_DUE'")
    assert "34.90" in body
    assert await notification.rows("SELECT reason FROM parked_messages") == []


@pytest.mark.parametrize(
    ("kind", "state"), [(PAID, "SUPERSEDED"), (CAPTURED, "SUPERSEDED"), (FAILED, "SENT"), (None, "SENT")]
)
async def test_nobody_is_asked_for_what_has_come(
    notification: Notifying, kind: events_pb2.ReportKind.ValueType | None, state: str
) -> None:
    life = a_life()
    await notification.put(life.platform, "mei", ("console", "mei"))
    await notification.apply(*life.records, due(life))
    if kind is not None:
        await notification.apply(reported(life, kind))
    async with a_sender(notification, Scripted("console")) as sender:
        await turn(sender)
    assert (await notification.states())["PAYMENT_DUE", "mei"] == state
