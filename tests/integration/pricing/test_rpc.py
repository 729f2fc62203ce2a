"""The answers of pricing over a real gRPC server, and what other platforms see of them: nothing."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import grpc
import pytest
from google.rpc import error_details_pb2
from groupbuy.pricing.v1 import (
    events_pb2,
    ladder_pb2,
    pricing_internal_pb2,
    pricing_internal_pb2_grpc,
    pricing_service_pb2,
    pricing_service_pb2_grpc,
    simulation_pb2,
)
from grpc_status import rpc_status

from services.chassis import ids, platforms
from services.chassis.clock import Clock
from services.chassis.coalesce import Coalescer
from services.chassis.server import GrpcServer, Servicer
from services.pricing import store, translate
from services.pricing.handlers import (
    DeliveryWriter,
    QuoteWriter,
    ReportWriter,
    SettlementStream,
)
from services.pricing.rpc import (
    DemandReader,
    Pricing,
    PricingInternal,
)
from tests.support.pricing import PricingService
from tests.support.pricing_lives import a_full_life
from tests.support.teams import LEADER, MEMBER, MEMBERS, TeamLife, price_table

SERVICE_KEY = "key-of-the-services"
SECRET = platforms.hash_secret("secret")
PB = pricing_service_pb2


@dataclass
class Api:
    """Clients of a running server, and two platforms with keys."""

    public: Any
    internal: Any
    acme: UUID
    rival: UUID
    address: str = ""

    async def get_price(self, team_id: str, key: str = "gbk_acme_secret") -> PB.GetPriceResponse:
        answer: PB.GetPriceResponse = await self.public.GetPrice(
            PB.GetPriceRequest(team_id=team_id), metadata=bearer(key)
        )
        return answer

    async def explain(self, seat_id: str, key: str = "gbk_acme_secret") -> PB.ExplainPriceResponse:
        answer: PB.ExplainPriceResponse = await self.public.ExplainPrice(
            PB.ExplainPriceRequest(seat_id=seat_id), metadata=bearer(key)
        )
        return answer

    async def get_settlement(
        self, team_id: str, size: int = 0, token: str = "", key: str = "gbk_acme_secret"
    ) -> PB.GetSettlementResponse:
        request = PB.GetSettlementRequest(team_id=team_id, page_size=size, page_token=token)
        answer: PB.GetSettlementResponse = await self.public.GetSettlement(request, metadata=bearer(key))
        return answer

    async def compile(
        self, request: pricing_internal_pb2.CompileLadderRequest, key: str = SERVICE_KEY
    ) -> pricing_internal_pb2.CompileLadderResponse:
        answer: pricing_internal_pb2.CompileLadderResponse = await self.internal.CompileLadder(
            request, metadata=bearer(key)
        )
        return answer


def bearer(key: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {key}"),)


@pytest.fixture
async def api(pricing: PricingService) -> AsyncIterator[Api]:
    acme, rival = uuid4(), uuid4()
    async with pricing.database.work() as work:
        found = [
            platforms.Platform(platform, name, suspended=False, sequence=1, keys=(platforms.Key(name, SECRET, None),))
            for platform, name in ((acme, "acme"), (rival, "rival"))
        ]
        await platforms.save_platforms(work.connection, found, datetime.now(UTC))
    stream = SettlementStream(pricing.database)
    reports = Coalescer("reports", ReportWriter(pricing.database, Clock()).decide)
    reporting = asyncio.create_task(reports.run())
    server = GrpcServer(
        "127.0.0.1:0",
        [
            Servicer(
                "groupbuy.pricing.v1.Pricing",
                Pricing(
                    pricing.database,
                    pricing.tables,
                    reports,
                    stream,
                    DemandReader(pricing.database, Clock()),
                    DeliveryWriter(pricing.database, pricing.clock, pricing.tables),
                    QuoteWriter(pricing.database, pricing.clock, pricing.tables, None),
                ),
                pricing_service_pb2_grpc.add_PricingServicer_to_server,
            ),
            Servicer(
                "groupbuy.pricing.v1.PricingInternal",
                PricingInternal(pricing.database),
                pricing_internal_pb2_grpc.add_PricingInternalServicer_to_server,
            ),
        ],
        platforms.KeyRing(pricing.database, Clock()),
        service_key=SERVICE_KEY,
        drain_seconds=1,
    )
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield Api(
            pricing_service_pb2_grpc.PricingStub(channel),
            pricing_internal_pb2_grpc.PricingInternalStub(channel),
            acme,
            rival,
            f"127.0.0.1:{server.port}",
        )
    await stream.stop()
    await server.stop()
    reporting.cancel()
    await asyncio.wait([reporting])


def refusal(error: pytest.ExceptionInfo[grpc.aio.AioRpcError]) -> tuple[str, list[str]]:
    """The reason of a refusal and the fields at fault."""
    status = rpc_status.from_call(error.value)  # type: ignore[arg-type]
    assert status
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(bad)
    return info.reason, [violation.field for violation in bad.field_violations]


def a_life(api: Api) -> TeamLife:
    life = TeamLife(platform=api.acme)
    life.open("mei")
    life.confirm("mei")
    life.join("tom", quantity=2)
    return life


async def test_the_price_now(api: Api, pricing: PricingService) -> None:
    life = a_life(api)
    await pricing.apply(life.records)
    price = await api.get_price(life.team_id)
    assert (price.team_id, price.team_version, price.fill, price.tier) == (life.team_id, 5, 2, 1)
    assert (price.missing_to_next, price.ladder_version) == (1, 1)
    assert [(item.sku, item.role) for item in price.prices] == [("mango", LEADER), ("mango", MEMBER)]
    assert {(item.unit_price.minor_units, item.unit_price.currency) for item in price.prices} == {(3490, "EUR")}
    assert {item.next_unit_price.minor_units for item in price.prices} == {2990}


async def test_the_price_comes_with_what_an_item_costs_who_buys_alone(api: Api, pricing: PricingService) -> None:
    table = price_table()
    table.references.add(sku="mango", unit_price=4290, kind=ladder_pb2.REFERENCE_KIND_LIST)
    life = TeamLife(platform=api.acme, table=table)
    life.open("mei")
    await pricing.apply(life.records)
    assert list((await api.get_price(life.team_id)).references) == list(table.references)


async def test_at_the_last_tier_there_is_no_next_price(api: Api, pricing: PricingService) -> None:
    life = a_life(api)
    for member in ("ann", "eva", "leo"):
        life.join(member)
    await pricing.apply(life.records)
    price = await api.get_price(life.team_id)
    assert (price.tier, price.missing_to_next) == (3, 0)
    assert not any(item.HasField("next_unit_price") for item in price.prices)


async def test_a_seat_is_explained_from_stored_facts(api: Api, pricing: PricingService) -> None:
    life = a_life(api)
    last = life.join("ann")
    life.hold("eva")
    await pricing.apply(life.records)
    tom = life.seat("tom")
    told = await api.explain(tom.seat_id)
    assert told.sentence == (
        "3 members are confirmed; from 3 on one unit costs 29.90 EUR (list price 39.90 less 10.00)."
        " This seat's cap is 34.90 EUR, so it pays 29.90 EUR for each of 2 units: 59.80 EUR."
        " It can still change, but never above the cap."
    )
    assert (told.seat_id, told.fill, told.basis, told.quantity, told.final) == (tom.seat_id, 3, MEMBERS, 2, False)
    assert (told.step.threshold, told.step.unit_price, told.step.tier) == (3, 2990, 2)
    assert told.step.discount.fixed_price == 2990
    money = (told.list_price, told.cap, told.unit_price, told.amount)
    assert [item.minor_units for item in money] == [3990, 3490, 2990, 5980]
    assert {item.currency for item in money} == {"EUR"}
    names = [(fact.fact.rpartition(".")[2], fact.team_version, fact.fill) for fact in told.facts]
    assert names == [("SeatHeld", 4, 1), ("SeatConfirmed", 5, 2), ("SeatConfirmed", 7, 3)]
    assert {fact.fact.rpartition(".")[0] for fact in told.facts} == {"groupbuy.team_formation.v1"}
    assert (told.facts[-1].event_id, told.facts[-1].occurred_at) == (last.event_id, last.occurred_at)
    assert list(told.lines) == []


async def test_after_the_end_the_explanation_is_final_and_has_the_lines(api: Api, pricing: PricingService) -> None:
    life = a_life(api)
    life.join("ann")
    life.leave("ann")
    life.form()
    await pricing.apply(life.records)
    told = await api.explain(life.seat("tom").seat_id)
    assert told.final
    assert told.amount.minor_units == 6980
    assert [fact.fact.rpartition(".")[2] for fact in told.facts] == [
        "SeatHeld",
        "SeatConfirmed",
        "SeatReleased",
        "TeamFormed",
    ]
    [line] = told.lines
    assert line.to_keep.minor_units == told.amount.minor_units
    left = await api.explain(life.seat("ann").seat_id)
    assert (left.final, left.amount.minor_units, left.unit_price.minor_units) == (True, 0, 0)
    assert left.sentence.endswith("This seat was given back because the member left: it pays nothing.")
    assert [line.cause for line in left.lines] == [events_pb2.SETTLEMENT_CAUSE_SEAT_LEFT]


async def test_a_failed_team_pays_nothing(api: Api, pricing: PricingService) -> None:
    life = a_life(api)
    life.fail()
    await pricing.apply(life.records)
    told = await api.explain(life.seat("tom").seat_id)
    assert (told.final, told.amount.minor_units, told.fill) == (True, 0, 2)
    assert told.sentence.endswith("because the team ended below its minimum: it pays nothing.")
    assert (await api.get_price(life.team_id)).fill == 2


async def test_seats_that_wait_are_sponsored_or_gone_are_explained(api: Api, pricing: PricingService) -> None:
    life = a_full_life(platform=api.acme)
    life.open("mei")
    life.confirm("mei")
    life.join("tom", quantity=2)
    life.wait("ann", quantity=2)
    life.sponsor("place")
    await pricing.apply(life.records)
    waiting, sponsored = [await api.explain(life.seat(name).seat_id) for name in ("ann", "place")]
    assert (waiting.HasField("cap"), waiting.final, waiting.amount.minor_units) == (False, False, 2 * 2990)
    assert (sponsored.HasField("cap"), sponsored.final, sponsored.amount.minor_units) == (False, True, 0)
    life.form()
    life.reduce("tom", 1)
    life.withdraw("mei")
    life.default("tom")
    life.cancel()
    await pricing.apply(life.records)
    tom, mei = [await api.explain(life.seat(name).seat_id) for name in ("tom", "mei")]
    assert [line.quantity for line in tom.lines] == [2, -1, -1]
    assert [line.cause for line in mei.lines] == [
        events_pb2.SETTLEMENT_CAUSE_TEAM_FORMED,
        events_pb2.SETTLEMENT_CAUSE_SEAT_WITHDRAWN,
    ]
    assert (tom.amount.minor_units, mei.amount.minor_units, tom.fill) == (0, 0, 3)
    assert [fact.fact.rpartition(".")[2] for fact in tom.facts] == [
        "SeatHeld",
        "SeatConfirmed",
        "SeatSponsored",
        "TeamFormed",
        "SeatReduced",
        "SeatDefaulted",
        "TeamCancelled",
    ]


async def test_settlement_comes_page_by_page(api: Api, pricing: PricingService) -> None:
    life = TeamLife(platform=api.acme, maximum=10)
    life.open("m0")
    life.confirm("m0")
    for n in range(1, 7):
        life.join(f"m{n}")
    life.leave("m3")
    await pricing.apply(life.records)
    open_yet = await api.get_settlement(life.team_id)
    assert ([line.member_id for line in open_yet.lines], open_yet.complete) == (["m3"], False)
    life.form()
    await pricing.apply(life.records[-1:])
    members, token, pages = [], "", 0
    while pages == 0 or token:
        page = await api.get_settlement(life.team_id, size=3, token=token)
        members += [line.member_id for line in page.lines]
        token, pages = page.next_page_token, pages + 1
        assert page.complete
    assert (members, pages) == (["m3", "m0", "m1", "m2", "m4", "m5", "m6"], 3)
    assert len((await api.get_settlement(life.team_id)).lines) == 7


async def test_a_settlement_under_way_is_not_complete(
    api: Api, pricing: PricingService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.pricing.handlers.settle.CHUNK", 1)
    life = a_life(api)
    life.form()
    await pricing.apply(life.records)
    seen = []
    while not (page := await api.get_settlement(life.team_id)).complete:
        seen.append(len(page.lines))
        await pricing.settlements.run_once()
    assert (seen, len(page.lines)) == ([0, 1], 2)


async def test_a_page_token_belongs_to_its_team(api: Api, pricing: PricingService) -> None:
    first, second = a_life(api), a_life(api)
    for life in (first, second):
        life.form()
        await pricing.apply(life.records)
    token = (await api.get_settlement(first.team_id, size=1)).next_page_token
    assert token
    for wrong in (token[:-2], "page_", "1", ids.opaque("page", first.team, UUID(int=1 << 64))):
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await api.get_settlement(first.team_id, token=wrong)
        assert refusal(error) == ("PAGE_TOKEN_INVALID", [])
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await api.get_settlement(second.team_id, token=token)
    assert refusal(error) == ("PAGE_TOKEN_INVALID", [])


@pytest.mark.parametrize("size", [-1, 1001])
async def test_a_page_size_out_of_range_is_refused(api: Api, size: int) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await api.get_settlement("team_x", size=size)
    assert refusal(error) == ("INVALID_ARGUMENT", ["page_size"])


async def test_rows_of_another_platform_look_like_rows_that_do_not_exist(api: Api, pricing: PricingService) -> None:
    life = a_life(api)
    life.form()
    await pricing.apply(life.records)
    missing_team = ids.opaque("team", uuid4(), uuid4())
    missing_seat = ids.opaque("seat", uuid4(), uuid4())
    answers = set()
    for team_id, seat_id in ((life.team_id, life.seat("tom").seat_id), (missing_team, missing_seat), ("", "x")):
        for call, reason in (
            (api.get_price(team_id, "gbk_rival_secret"), "TEAM_UNKNOWN"),
            (api.get_settlement(team_id, key="gbk_rival_secret"), "TEAM_UNKNOWN"),
            (api.explain(seat_id, "gbk_rival_secret"), "SEAT_UNKNOWN"),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as error:
                await call
            assert error.value.code() is grpc.StatusCode.NOT_FOUND
            assert refusal(error) == (reason, [])
            answers.add(error.value.details())
    assert len(answers) == 2


async def test_two_platforms_with_the_same_members_do_not_touch(api: Api, pricing: PricingService) -> None:
    ours, theirs = a_life(api), TeamLife(platform=api.rival)
    theirs.open("mei")
    theirs.confirm("mei")
    theirs.fail()
    ours.form()
    await pricing.apply([*ours.records, *theirs.records])
    assert (await api.get_price(ours.team_id)).fill == 2
    assert (await api.get_price(theirs.team_id, "gbk_rival_secret")).fill == 1
    for table in ("teams", "seats", "facts", "settlement_lines", "price_tables", "price_steps"):
        rows = await pricing.rows(f"SELECT platform_id, campaign_id FROM {table}")  # noqa: S608
        assert {(row["platform_id"], row["campaign_id"]) for row in rows} == {
            (api.acme, ours.campaign),
            (api.rival, theirs.campaign),
        }


def ladder_request(**more: Any) -> pricing_internal_pb2.CompileLadderRequest:
    tier = ladder_pb2.Tier(threshold=2, discounts=[ladder_pb2.Discount(basis_points_off=2500)])
    given = {
        "platform_id": "plat",
        "currency": "EUR",
        "list_prices": [ladder_pb2.ListPrice(sku="mango", unit_price=3990)],
        "ladder": ladder_pb2.Ladder(basis=MEMBERS, tiers=[tier]),
        "ladder_version": 1,
    }
    return pricing_internal_pb2.CompileLadderRequest(**{**given, **more})


async def test_floor_and_reference_prices_stand_in_the_table(api: Api) -> None:
    listed = [ladder_pb2.ListPrice(sku="mango", unit_price=3990, floor_price=2000)]
    shown = [ladder_pb2.ReferencePrice(sku="mango", unit_price=4290, kind=ladder_pb2.REFERENCE_KIND_LIST)]
    table = (await api.compile(ladder_request(list_prices=listed, references=shown))).price_table
    assert [row.floor_price for row in table.rows] == [2000, 2000]
    assert list(table.references) == shown


async def test_what_is_stored_keeps_floor_and_reference_prices(pricing: PricingService) -> None:
    table = price_table()
    for row in table.rows:
        row.floor_price = 2490
    table.references.add(sku="mango", unit_price=4290, kind=ladder_pb2.REFERENCE_KIND_LOWEST_OF_30_DAYS)
    read = translate.read_price_table(table)
    key = (uuid4(), uuid4(), 1)
    async with pricing.database.work() as work:
        await store.insert_tables(work.connection, [(key[0], key[1], read)])
        assert await store.load_tables(work.connection, [key]) == {key: read}
        assert translate.price_table(read) == table


async def test_a_ladder_is_simulated_for_a_platform(api: Api) -> None:
    tier = ladder_pb2.Tier(threshold=2, discounts=[ladder_pb2.Discount(fixed_price=2990)])
    request = simulation_pb2.SimulateLadderRequest(
        currency="EUR",
        list_prices=[ladder_pb2.ListPrice(sku="mango", unit_price=3990)],
        ladder=ladder_pb2.Ladder(basis=MEMBERS, tiers=[tier]),
        max_fill=3,
        minimum=2,
    )
    answer = await api.public.SimulateLadder(request, metadata=bearer("gbk_acme_secret"))
    assert [point.items[0].revenue for point in answer.points] == [0, 3990, 5980, 8970]
    assert answer.worst_case.revenue == 5980
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await api.public.SimulateLadder(request, metadata=bearer("gbk_acme_wrong"))
    assert raised.value.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_a_ladder_is_compiled_for_the_services(api: Api) -> None:
    table = (await api.compile(ladder_request())).price_table
    assert (table.currency, table.basis, table.ladder_version) == ("EUR", MEMBERS, 1)
    assert [(row.sku, row.role) for row in table.rows] == [("mango", LEADER), ("mango", MEMBER)]
    first, second = table.rows[0].steps
    assert (first.threshold, first.unit_price, first.tier, first.HasField("discount")) == (0, 3990, 0, False)
    assert (second.threshold, second.unit_price, second.tier) == (2, 2993, 1)
    assert second.discount == ladder_pb2.Discount(basis_points_off=2500)


@pytest.mark.parametrize(
    ("more", "fields"),
    [
        ({"currency": "ZZZ"}, ["currency"]),
        ({"currency": "eur"}, ["currency"]),
        ({"ladder": ladder_pb2.Ladder()}, ["ladder.basis"]),
        (
            {"ladder": ladder_pb2.Ladder(basis=MEMBERS, tiers=[ladder_pb2.Tier(threshold=2)] * 2)},
            ["ladder.tiers[0].discounts", "ladder.tiers[1].threshold", "ladder.tiers[1].discounts"],
        ),
        (
            {
                "ladder": ladder_pb2.Ladder(
                    basis=MEMBERS,
                    tiers=[
                        ladder_pb2.Tier(
                            threshold=2,
                            discounts=[ladder_pb2.Discount(role=7, fixed_price=1)],  # type: ignore[arg-type]
                        )
                    ],
                )
            },
            ["ladder.tiers[0].discounts[0].role"],
        ),
    ],
)
async def test_a_bad_ladder_names_its_fields(api: Api, more: dict[str, Any], fields: list[str]) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await api.compile(ladder_request(**more))
    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert refusal(error) == ("LADDER_INVALID", fields)


@pytest.mark.parametrize("key", ["gbk_acme_secret", "wrong"])
async def test_only_the_services_compile(api: Api, key: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await api.compile(ladder_request(), key)
    assert refusal(error) == ("KEY_UNKNOWN", [])


async def test_a_compiled_table_is_what_a_team_opens_with(api: Api, pricing: PricingService) -> None:
    table = (await api.compile(ladder_request())).price_table
    life = TeamLife(platform=api.acme, table=table)
    life.open("mei")
    life.confirm("mei")
    life.join("tom")
    await pricing.apply(life.records)
    assert await pricing.parked() == {}
    told = await api.explain(life.seat("tom").seat_id)
    assert "(list price 39.90 less 25 % is 29.925, rounded half up)" in told.sentence
    assert price_table().basis == told.basis
