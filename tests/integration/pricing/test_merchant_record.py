"""GetMerchantRecord: what became of a merchant's teams, from stored facts alone."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from groupbuy.pricing.v1 import events_pb2, settlements_pb2
from groupbuy.team_formation.v1 import types_pb2

from services.chassis.clock import ManualClock
from services.pricing.handlers import ReportWriter
from tests.integration.pricing.test_line_reports import a_command, a_report
from tests.integration.pricing.test_rpc import Api, api, bearer, refusal
from tests.integration.pricing.test_settlement_stream import a_formed_life
from tests.support.pricing import PricingService
from tests.support.pricing_lives import FullLife, a_full_life
from tests.support.teams import COMMIT, HOLD, PREPAID, TeamLife

__all__ = ["api"]

LEFT, WITHDRAWN = events_pb2.SETTLEMENT_CAUSE_SEAT_LEFT, events_pb2.SETTLEMENT_CAUSE_SEAT_WITHDRAWN


def stamp(at: datetime) -> Timestamp:
    made = Timestamp()
    made.FromDatetime(at)
    return made


async def record(
    api: Api, since: datetime, until: datetime, key: str = "gbk_acme_secret", but: dict[str, Any] | None = None
) -> Any:
    asked: dict[str, Any] = {"merchant_id": "orchard", "since": stamp(since), "until": stamp(until)}
    request = settlements_pb2.GetMerchantRecordRequest(**asked | (but or {}))
    return await api.public.GetMerchantRecord(request, metadata=bearer(key))


async def test_a_record_counts_teams_refunds_and_what_was_given_back(api: Api, pricing: PricingService) -> None:
    formed, failed = a_full_life(platform=api.acme), TeamLife(payment_mode=PREPAID, platform=api.acme)
    formed.open("m0")
    formed.confirm("m0")
    formed.join("m1")
    formed.form()
    formed.withdraw("m1")
    failed.open("mei")
    failed.confirm("mei")
    failed.join("tom")
    failed.leave("tom")
    failed.fail()
    theirs = a_formed_life(api.rival)
    for life in (formed, failed, theirs):
        await pricing.apply(life.records)
    opened = formed.events[0].occurred_at.ToDatetime(tzinfo=UTC)
    since, until = opened - timedelta(days=1), opened + timedelta(days=1)
    events = [event for event in await pricing.settled() if event.team_id in {formed.team_id, failed.team_id}]
    back = [event for event in events if event.settlement_line_recorded.line.to_refund.minor_units]
    for event, hours in zip(back[:2], (2, 4), strict=True):
        clock = ManualClock(event.occurred_at.ToDatetime(tzinfo=UTC) + timedelta(hours=hours))
        line = event.settlement_line_recorded.line
        report = a_report(line, events_pb2.REPORT_KIND_REFUNDED, line.to_refund.minor_units)
        await ReportWriter(pricing.database, clock).decide([a_command(report, platform=api.acme)])
    found = await record(api, since, until)
    assert (found.teams_opened, found.teams_formed, found.teams_failed, found.teams_cancelled) == (2, 1, 1, 0)
    assert (found.lines_to_refund, found.lines_refunded) == (len(back), 2)
    assert (found.median_hours_to_refund, found.p90_hours_to_refund) == pytest.approx((3.0, 3.8))
    assert [(item.cause, item.lines, item.units) for item in found.given_back] == [(LEFT, 1, 1), (WITHDRAWN, 1, 1)]
    assert (await record(api, since, until, "gbk_rival_secret")).teams_opened == 1
    empty = settlements_pb2.GetMerchantRecordResponse()
    assert await record(api, since, until, but={"merchant_id": "nobody"}) == empty
    assert await record(api, until, until + timedelta(days=1)) == empty


async def report_after(
    pricing: PricingService,
    event: events_pb2.SettlementEvent,
    kind: events_pb2.ReportKind.ValueType,
    amount: int,
    hours: int,
    platform: UUID,
) -> None:
    """Have a shop report about a line so many hours after its cause."""
    clock = ManualClock(event.occurred_at.ToDatetime(tzinfo=UTC) + timedelta(hours=hours))
    line = event.settlement_line_recorded.line
    [answer] = await ReportWriter(pricing.database, clock).decide(
        [a_command(a_report(line, kind, amount), platform=platform)]
    )
    assert isinstance(answer, bytes), answer


def formed_of(platform: UUID, mode: types_pb2.PaymentMode.ValueType) -> FullLife:
    life = FullLife(payment_mode=mode, platform=platform)
    life.open("mei")
    life.confirm("mei")
    life.join("tom")
    life.form()
    return life


async def test_voids_and_dues_paid_back_count_as_money_that_goes_back(api: Api, pricing: PricingService) -> None:
    held, due = formed_of(api.acme, HOLD), formed_of(api.acme, COMMIT)
    for life in (held, due):
        await pricing.apply(life.records)
    events = await pricing.settled()
    since = events[0].occurred_at.ToDatetime(tzinfo=UTC) - timedelta(days=1)
    asked = (api, since, since + timedelta(days=2))
    [voids] = [one for one in events if one.settlement_line_recorded.line.to_void.minor_units]
    paid = next(one for one in events if one.team_id == due.team_id)
    assert ((await record(*asked)).lines_to_refund, (await record(*asked)).lines_refunded) == (1, 0)
    amount = voids.settlement_line_recorded.line.to_void.minor_units
    await report_after(pricing, voids, events_pb2.REPORT_KIND_VOIDED, amount, 2, api.acme)
    amount = paid.settlement_line_recorded.line.due.minor_units
    await report_after(pricing, paid, events_pb2.REPORT_KIND_PAID, amount, 0, api.acme)
    seen = len(due.records)
    due.withdraw("mei")
    due.withdraw("tom")
    await pricing.apply(due.records[seen:])
    found = await record(*asked)
    assert (found.lines_to_refund, found.lines_refunded) == (2, 1)
    back = (await pricing.settled())[-2]
    await report_after(pricing, back, events_pb2.REPORT_KIND_REFUNDED, amount, 4, api.acme)
    found = await record(*asked)
    assert (found.lines_to_refund, found.lines_refunded, found.median_hours_to_refund) == (2, 2, pytest.approx(3.0))


async def test_a_record_says_what_others_earned(api: Api, pricing: PricingService) -> None:
    life = formed_of(api.acme, PREPAID)
    await pricing.apply(life.records[:-1])
    async with pricing.database.work() as work:
        await work.connection.execute("UPDATE seats SET promoter_id = 'kol', commission_basis_points = 1000")
        await work.connection.execute("UPDATE seats SET leader_reward = 500 WHERE member_id = 'mei'")
    await pricing.apply(life.records)
    opened = life.events[0].occurred_at.ToDatetime(tzinfo=UTC)
    asked = (api, opened - timedelta(days=1), opened + timedelta(days=1))
    found = await record(*asked)
    assert [(one.minor_units, one.currency) for one in found.commissions] == [(2 * 349, "EUR")]
    assert [(one.minor_units, one.currency) for one in found.leader_rewards] == [(500, "EUR")]
    life.withdraw("tom")
    await pricing.apply(life.records[-1:])
    assert [one.minor_units for one in (await record(*asked)).commissions] == [349]


async def test_a_bad_record_names_its_fields(api: Api) -> None:
    at = datetime(2026, 11, 21, tzinfo=UTC)
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({"merchant_id": ""}, ["merchant_id"]),
        ({"merchant_id": "\0"}, ["merchant_id"]),
        ({"since": Timestamp(seconds=2**60)}, ["since"]),
        ({"until": stamp(at)}, ["until"]),
    ]
    for asked, fields in cases:
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await record(api, at, at + timedelta(days=1), but=asked)
        assert refusal(error) == ("INVALID_ARGUMENT", fields)
