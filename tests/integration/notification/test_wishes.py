"""Wishes as a platform registers them, and the sender that keeps them."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from groupbuy.notification.v1 import events_pb2, messaging_rules_pb2
from groupbuy.notification.v1 import notification_service_pb2 as pb

from services.notification.contacts import Contacts
from services.notification.domain import Kind, Limits, Member, Point, QuietHours, Wishes
from tests.integration.notification.test_rpc import a_request
from tests.integration.notification.test_sending import Scripted, a_sender, turn
from tests.support.notification_rpc import OTHER, Api
from tests.support.notifying import SEALER, START, Notifying
from tests.support.team_turns import TeamTurns
from tests.support.teams import TeamLife


def a_consent(source: str = "checkout, box ticked", at: datetime | None = START) -> pb.Consent:
    consent = pb.Consent(source=source)
    if at:
        consent.at.FromDatetime(at)
    return consent


def with_consent(consent: pb.Consent) -> pb.PutMemberRequest:
    request = a_request()
    request.member.contact_points[0].consent.CopyFrom(consent)
    return request


async def test_wishes_are_stored_replaced_and_read(api: Api) -> None:
    request = with_consent(a_consent())
    request.member.quiet_hours.CopyFrom(pb.QuietHours(starts="22:00", ends="00:00"))
    request.member.muted.extend([events_pb2.MESSAGE_KIND_PRICE_FELL, events_pb2.MESSAGE_KIND_TIPPED])
    request.member.promotions = request.member.muted_all = True
    assert (await api.call("PutMember", request)).member == request.member
    assert (await api.call("GetMember", pb.GetMemberRequest(member_id="mei"))).member == request.member
    await api.call("PutMember", a_request("r-2"))
    assert (await api.call("GetMember", pb.GetMemberRequest(member_id="mei"))).member == a_request().member


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"quiet_hours": pb.QuietHours(starts="24:00", ends="08:00")}, "member.quiet_hours.starts"),
        ({"quiet_hours": pb.QuietHours(starts="22:00", ends="8")}, "member.quiet_hours.ends"),
        ({"quiet_hours": pb.QuietHours(starts="22:00", ends="22:00")}, "member.quiet_hours"),
        ({"quiet_hours": pb.QuietHours(starts="08:00", ends="00:30")}, "member.quiet_hours"),
        ({"quiet_hours": pb.QuietHours(starts="22:00", ends="08:00"), "time_zone": ""}, "member.time_zone"),
        ({"quiet_hours": pb.QuietHours(starts="22:00", ends="08:00"), "time_zone": "Mars"}, "member.time_zone"),
        ({"muted": [2, 1]}, "member.muted[1]"),
        ({"muted": [0]}, "member.muted[0]"),
        ({"muted": [2, 5, 999]}, "member.muted[2]"),
    ],
)
async def test_each_wish_is_checked(api: Api, changes: dict[str, Any], field: str) -> None:
    reason, fields = await api.refused("PutMember", a_request(**changes))
    assert reason == "INVALID_ARGUMENT"
    assert list(fields) == [field]
    assert "must" in fields[field]


@pytest.mark.parametrize(
    ("consent", "field"),
    [
        (a_consent(source=""), "source"),
        (a_consent(source="x" * 201), "source"),
        (a_consent(source="a\nb"), "source"),
        (a_consent(at=None), "at"),
        (a_consent(at=START + timedelta(hours=1)), "at"),
        (pb.Consent(source="x", at=Timestamp(seconds=1 << 60)), "at"),
    ],
)
async def test_consent_says_where_and_when(api: Api, consent: pb.Consent, field: str) -> None:
    reason, fields = await api.refused("PutMember", with_consent(consent))
    assert (reason, list(fields)) == ("INVALID_ARGUMENT", [f"member.contact_points[0].consent.{field}"])


def rules(request_id: str, *windows: tuple[int, int]) -> messaging_rules_pb2.PutMessagingRulesRequest:
    wire = [
        messaging_rules_pb2.MessagingWindow(kind=events_pb2.MessageKind.ValueType(kind), seconds=seconds)
        for kind, seconds in windows
    ]
    said = messaging_rules_pb2.MessagingRules(windows=wire)
    return messaging_rules_pb2.PutMessagingRulesRequest(request_id=request_id, rules=said)


async def test_rules_are_stored_once_replaced_and_each_platforms_own(api: Api) -> None:
    first, second = rules("r-1", (2, 600), (5, 43200)), rules("r-2", (4, 1))
    ask = messaging_rules_pb2.GetMessagingRulesRequest()
    for request, then in ((first, first), (second, second), (first, second), (rules("r-3"), rules("r-3"))):
        assert (await api.call("PutMessagingRules", request)).rules == request.rules
        assert (await api.call("GetMessagingRules", ask)).rules == then.rules
    await api.call("PutMessagingRules", first, OTHER)
    assert not (await api.call("GetMessagingRules", ask)).rules.windows
    assert (await api.refused("PutMessagingRules", rules("r-1")))[0] == "REQUEST_ID_REUSED"


@pytest.mark.parametrize(
    ("windows", "field"),
    [
        ([(2, 0)], "[0].seconds"),
        ([(2, 43201)], "[0].seconds"),
        ([(2, 60), (7, 60)], "[1].kind"),
        ([(0, 60)], "[0].kind"),
        ([(99, 60)], "[0].kind"),
        ([(2, 60), (2, 61)], "[1].kind"),
    ],
)
async def test_each_window_is_checked(api: Api, windows: list[tuple[int, int]], field: str) -> None:
    reason, fields = await api.refused("PutMessagingRules", rules("r-1", *windows))
    assert (reason, list(fields)) == ("INVALID_ARGUMENT", [f"rules.windows{field}"])


async def test_within_a_window_a_member_is_told_once_about_a_team(notification: Notifying) -> None:
    life, console = TeamTurns(minimum=2), Scripted("console")
    await notification.put(life.platform, "mei")
    await notification.do("INSERT INTO messaging_windows VALUES (%s, 'TIPPED', 600)", life.platform)
    life.open("mei")
    life.confirm("mei")
    life.tip()
    await notification.apply(*life.records)
    other = TeamTurns(platform=life.platform)
    other.open("mei")
    other.confirm("mei")
    other.tip()
    tipped = "SELECT team_version, state, due_at FROM deliveries WHERE kind = 'TIPPED' AND team_id = %s ORDER BY 1"
    async with a_sender(notification, console) as sender:
        await turn(sender)
        notification.clock.move(timedelta(seconds=60))
        life.untip()
        life.tip()
        await notification.apply(*life.records, *other.records)
        await turn(sender)
        states = [tuple(row[1:]) for row in await notification.rows(tipped, life.team)]
        assert [state for state, _ in states] == ["SENT", "PENDING"]
        assert states[1][1] == START + timedelta(seconds=600)
        assert [row[1] for row in await notification.rows(tipped, other.team)] == ["SENT"]
        notification.clock.move(timedelta(seconds=540))
        await turn(sender)
    assert [row[1] for row in await notification.rows(tipped, life.team)] == ["SENT", "SENT"]


async def put(notification: Notifying, life: TeamLife, member: str, wishes: Wishes) -> None:
    async with notification.database.work() as work:
        known = Member(member, "en", "Europe/Berlin", (Point("console", member),), wishes)
        await Contacts(SEALER).save(work.connection, [(life.platform, known)], notification.clock.now)


async def test_quiet_hours_hold_what_can_wait_and_what_is_untrue_by_then_is_not_sent(notification: Notifying) -> None:
    life, console = TeamTurns(), Scripted("console")
    quiet = Wishes(QuietHours(time(12), time(20), "Europe/Berlin"))
    await put(notification, life, "mei", quiet)
    life.open("mei")
    life.cancel()
    await notification.apply(*life.records)
    async with a_sender(notification, console, limits=Limits()) as sender:
        await turn(sender)
        assert await notification.states() == {("JOINED", "mei"): "SUPERSEDED", ("CANCELLED", "mei"): "PENDING"}
        [(due,)] = await notification.rows("SELECT due_at FROM deliveries WHERE kind = 'CANCELLED'")
        assert due == datetime(2026, 11, 21, 19, tzinfo=UTC)
        await put(notification, life, "mei", quiet)
        notification.clock.move(due - START - timedelta(seconds=1))
        await turn(sender)
        assert console.sent == []
        notification.clock.move(timedelta(seconds=1))
        await turn(sender)
    assert [letter.kind for letter in console.sent] == [Kind.CANCELLED]


async def test_what_is_muted_when_its_turn_comes_is_not_sent(notification: Notifying) -> None:
    life, console = TeamTurns(), Scripted("console")
    for member in ("mei", "ann"):
        await put(notification, life, member, Wishes(muted_all=member == "ann"))
    life.open("mei")
    life.join("ann")
    await notification.apply(*life.records)
    await notification.do("UPDATE deliveries SET kind = 'LEADING'")
    await notification.do("UPDATE deliveries SET kind = 'PRICE_FELL' WHERE member_id = 'ann'")
    async with a_sender(notification, console) as sender:
        await turn(sender)
    assert await notification.states() == {("LEADING", "mei"): "SENT", ("PRICE_FELL", "ann"): "SUPPRESSED"}
    assert [(event.delivery_ended.member_id, event.delivery_ended.reason) for event in await notification.ended()] == [
        ("ann", "the member muted it"),
        ("mei", ""),
    ]
