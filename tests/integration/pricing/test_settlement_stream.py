"""ListSettlements and StreamSettlements: all lines and reports of a platform, and no late commit is skipped."""

import asyncio
import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from groupbuy.money.v1.money_pb2 import Money
from groupbuy.pricing.v1 import events_pb2, settlements_pb2

from services.chassis import messages
from services.chassis.clock import Clock
from services.pricing.handlers import Place, ReportWriter, SettlementStream, TeamHandler
from services.pricing.translate import Settled
from tests.integration.pricing.test_line_reports import PLATFORM, a_command, a_report
from tests.integration.pricing.test_payment_terms import FAILED, TERMS, lines, report, told
from tests.integration.pricing.test_rpc import Api, api, bearer, refusal
from tests.support.pricing import PricingService
from tests.support.pricing_lives import FullLife
from tests.support.teams import HOLD, PREPAID, TeamLife
from tests.support.until import until

__all__ = ["api"]

REFUNDED = events_pb2.REPORT_KIND_REFUNDED
PB = settlements_pb2


def a_life_with_terms(platform: UUID) -> FullLife:
    life = FullLife(payment_mode=HOLD, payment_terms=TERMS, platform=platform)
    life.open("mei")
    life.confirm("mei")
    life.join("tom")
    life.form()
    return life


def a_formed_life(platform: UUID = PLATFORM, members: int = 3) -> TeamLife:
    life = TeamLife(payment_mode=PREPAID, platform=platform, maximum=100)
    life.open("m0")
    life.confirm("m0")
    for n in range(1, members):
        life.join(f"m{n}")
    life.form()
    return life


async def read_all(stream: SettlementStream, platform: UUID = PLATFORM) -> list[tuple[UUID, int]]:
    """Read what there is by now, page by page: team and number of each."""
    place, seen = Place(), []
    while True:
        found, hidden = await stream.read(platform, place)
        seen += [(item.team_id, item.sequence) for _, item in found]
        if not found and not hidden:
            return seen
        if found:
            place = found[-1][0]


async def test_a_transaction_that_commits_late_is_not_skipped(pricing: PricingService) -> None:
    late, early = a_formed_life(), a_formed_life()
    stream = SettlementStream(pricing.database)
    async with pricing.database.work() as work:
        await TeamHandler(pricing.tables).on_team_events(work, [messages.decode(record) for record in late.records])
        await (await work.connection.execute("SELECT 1")).fetchone()  # what was done is at the server now
        await pricing.apply(early.records)
        assert len(await pricing.settled()) == 3
        for _ in range(3):
            assert await stream.read(PLATFORM, Place()) == ([], True)
    assert await read_all(stream) == [(life.team, n) for life in (late, early) for n in (1, 2, 3)]


async def test_a_reader_misses_nothing_while_many_write(pricing: PricingService) -> None:
    chance = random.Random(5)  # noqa: S311 - no secret
    lives = [a_formed_life(members=chance.randint(2, 6)) for _ in range(24)]
    stream = SettlementStream(pricing.database)
    seen: list[tuple[Place, Settled]] = []

    async def follow() -> None:
        async for one in stream.follow(PLATFORM, Place()):
            seen.append(one)  # noqa: PERF401 - it never ends

    async def write(own: Sequence[TeamLife], service: PricingService) -> None:
        writer = ReportWriter(service.database, Clock())
        for life in own:
            await service.apply(life.records)
            told = [event.settlement_line_recorded.line for event in await service.settled()]
            back = [line for line in told if line.to_refund.minor_units]
            some = chance.sample(back, min(3, len(back)))
            await writer.decide([a_command(*(a_report(line, REFUNDED, line.to_refund.minor_units) for line in some))])

    reading = asyncio.create_task(follow())
    await asyncio.gather(*(write(lives[n::4], PricingService(pricing.database)) for n in range(4)))
    told = [(event.team_id, event.sequence) for event in await pricing.settled()]

    async def all_seen() -> bool:
        return len(seen) >= len(told)

    await until(all_seen)
    await stream.stop()
    await reading
    assert len(seen) == len(told)
    by_team: dict[UUID, list[int]] = {}
    for _, item in seen:
        by_team.setdefault(item.team_id, []).append(item.sequence)
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in by_team.values())
    middle = seen[len(seen) // 2][0]
    rest, _ = await stream.read(PLATFORM, middle)
    assert rest == seen[len(seen) // 2 + 1 :]


async def test_a_stream_over_grpc_goes_on_from_its_cursor(api: Api, pricing: PricingService) -> None:
    ours, theirs = a_formed_life(api.acme), a_formed_life(api.rival)
    await pricing.apply([*ours.records, *theirs.records])
    events = await pricing.settled()

    async def read(cursor: str, count: int) -> list[PB.StreamSettlementsResponse]:
        stream = api.public.StreamSettlements(
            PB.StreamSettlementsRequest(cursor=cursor), metadata=bearer("gbk_acme_secret")
        )
        found = [await stream.read() for _ in range(count)]
        stream.cancel()
        return found

    first = await read("", 3)
    assert [answer.event for answer in first] == [event for event in events if event.team_id == ours.team_id]
    assert [answer.event for answer in await read(first[0].cursor, 2)] == [answer.event for answer in first[1:]]
    line = first[0].event.settlement_line_recorded.line
    report = a_report(line, REFUNDED, line.to_refund.minor_units)
    request = PB.ReportSettlementRequest(request_id="r-1", reports=[report])
    answer = await api.public.ReportSettlement(request, metadata=bearer("gbk_acme_secret"))
    assert [item.state for item in answer.lines] == [events_pb2.LINE_STATE_DONE]
    [more] = await read(first[-1].cursor, 1)
    assert more.event.settlement_reported.line_id == line.line_id
    for wrong in ("x", first[0].cursor[:-1], "\0"):
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await read_or_fail(api, wrong, "gbk_acme_secret")
        assert refusal(error) == ("INVALID_ARGUMENT", ["cursor"])
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await read_or_fail(api, first[0].cursor, "gbk_rival_secret")
    assert refusal(error) == ("INVALID_ARGUMENT", ["cursor"])


async def test_facts_of_payments_are_streamed_and_listed_with_their_lines(api: Api, pricing: PricingService) -> None:
    life = a_life_with_terms(api.acme)
    await pricing.apply(life.records)
    _, tom = await lines(pricing)
    await report(pricing, life, tom, FAILED, life.now)
    await told(pricing, life.now + timedelta(hours=2))
    await told(pricing, life.now + timedelta(days=5))
    await told(pricing, life.now + timedelta(days=30))
    events = await pricing.settled()
    facts = [event.WhichOneof("fact") for event in events]
    assert facts.count("payment_due") == 1
    assert facts.count("authorisation_lapsing") == 1
    assert facts.count("payment_lapsed") == 2
    stream = api.public.StreamSettlements(PB.StreamSettlementsRequest(), metadata=bearer("gbk_acme_secret"))
    assert [(await stream.read()).event for _ in events] == events
    stream.cancel()
    of_tom = [event for event in events if _seat_of(event) == tom.seat_id]
    [listed_tom] = await listed(api, seat_id=tom.seat_id)
    assert [listed_tom.line, *listed_tom.reports, *listed_tom.payment_events] == [
        of_tom[0].settlement_line_recorded.line,
        of_tom[1].settlement_reported,
        *of_tom[2:],
    ]
    assert await listed(api, "gbk_rival_secret", seat_id=tom.seat_id) == []


def _seat_of(event: events_pb2.SettlementEvent) -> str:
    name = event.WhichOneof("fact")
    fact = getattr(event, name or "")
    return str(fact.line.seat_id if name == "settlement_line_recorded" else fact.seat_id)


async def read_or_fail(api: Api, cursor: str, key: str) -> None:
    async for _ in api.public.StreamSettlements(PB.StreamSettlementsRequest(cursor=cursor), metadata=bearer(key)):
        raise AssertionError("a cursor of something else was taken")


async def listed(api: Api, key: str = "gbk_acme_secret", **asked: Any) -> list[PB.Settlement]:
    """List every page."""
    found: list[PB.Settlement] = []
    token = ""
    while True:
        request = PB.ListSettlementsRequest(page_token=token, page_size=2, **asked)
        answer = await api.public.ListSettlements(request, metadata=bearer(key))
        found += answer.settlements
        token = answer.next_page_token
        if not token:
            return found


async def test_settlements_are_listed_by_campaign_merchant_state_and_time(api: Api, pricing: PricingService) -> None:
    first, second, theirs = a_formed_life(api.acme), a_formed_life(api.acme), a_formed_life(api.rival)
    for life in (first, second, theirs):
        await pricing.apply(life.records)
    everything = await listed(api)
    assert [(item.team_id, item.sequence) for item in everything] == [
        (life.team_id, n) for life in (first, second) for n in (1, 2, 3)
    ]
    assert [item.team_id for item in await listed(api, campaign_id=second.campaign_id)] == [second.team_id] * 3
    assert len(await listed(api, merchant_id="orchard")) == 6
    assert await listed(api, merchant_id="nobody") == []
    since = Timestamp()
    since.FromDatetime(Clock().now())
    line = next(item.line for item in everything if item.line.to_refund.minor_units)
    report = PB.LineReport(
        line_id=line.line_id,
        kind=REFUNDED,
        amount=Money(minor_units=line.to_refund.minor_units, currency="EUR"),
        reference="re-7",
    )
    request = PB.ReportSettlementRequest(request_id="r", reports=[report])
    await api.public.ReportSettlement(request, metadata=bearer("gbk_acme_secret"))
    [moved] = await listed(api, updated_since=since)
    assert (moved.line, moved.state) == (line, events_pb2.LINE_STATE_DONE)
    assert [item.reference for item in moved.reports] == ["re-7"]
    states = [item.state for item in everything]
    done = len([state for state in states if state == events_pb2.LINE_STATE_DONE])
    assert len(await listed(api, state=events_pb2.LINE_STATE_DONE)) == done + 1
    assert len(await listed(api, state=events_pb2.LINE_STATE_OPEN)) == 5 - done


async def test_a_bad_list_names_its_fields(api: Api) -> None:
    since = Timestamp(seconds=2**60)
    cases: list[tuple[dict[str, Any], tuple[str, list[str]]]] = [
        ({"campaign_id": "x", "merchant_id": "\0"}, ("INVALID_ARGUMENT", ["campaign_id", "merchant_id"])),
        ({"state": 9, "updated_since": since}, ("INVALID_ARGUMENT", ["state", "updated_since"])),
        ({"campaign_id": "x", "seat_id": "y"}, ("INVALID_ARGUMENT", ["campaign_id", "seat_id"])),
        ({"page_token": "x"}, ("PAGE_TOKEN_INVALID", [])),
        ({"page_size": 1001}, ("INVALID_ARGUMENT", ["page_size"])),
    ]
    for asked, expected in cases:
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await api.public.ListSettlements(PB.ListSettlementsRequest(**asked), metadata=bearer("gbk_acme_secret"))
        assert refusal(error) == expected
