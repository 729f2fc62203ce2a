"""ReportDelivery: units that are refused at the door are due no longer, once, whatever becomes of the seat since."""

from itertools import count

import pytest
from google.protobuf.json_format import MessageToDict
from groupbuy.pricing.v1 import deliveries_pb2, events_pb2

from deploy.check.invariants import invariants
from deploy.verify.verifier import verify
from services.chassis import ids
from services.chassis.errors import Rejected, Unavailable
from services.chassis.requests import RequestKey
from services.pricing.domain import DeliveryOutcome
from services.pricing.handlers import CHUNK, DeliveryWriter, ReportDelivery
from tests.integration.pricing.test_rpc import Api, api
from tests.support.pricing import PricingService
from tests.support.pricing_lives import FullLife
from tests.support.teams import PAY_ON_DELIVERY, PREPAID

__all__ = ["api"]

ACCEPTED, IN_PART, REFUSED = DeliveryOutcome.ACCEPTED, DeliveryOutcome.ACCEPTED_IN_PART, DeliveryOutcome.REFUSED
_numbers = count()


def formed(**changes: object) -> FullLife:
    """A team that pays on delivery and has formed; Tom has five units."""
    life = FullLife(**{"payment_mode": PAY_ON_DELIVERY} | changes)  # type: ignore[arg-type]
    life.open("mei")
    life.confirm("mei")
    life.join("tom", quantity=5)
    life.form()
    return life


async def deliver(
    pricing: PricingService,
    life: FullLife,
    member: str,
    outcome: DeliveryOutcome,
    accepted: int = 0,
    request_id: str = "",
) -> events_pb2.SettlementLine:
    """Report a delivery; gives the line, which is empty where there is none."""
    reason = "" if outcome is ACCEPTED else "DAMAGED"
    campaign, seat = ids.parse("seat", life.seat(member).seat_id, 2) or ()
    key = RequestKey(campaign, life.platform, "ReportDelivery", request_id or f"r{next(_numbers)}", b"")
    writer = DeliveryWriter(pricing.database, pricing.clock, pricing.tables)
    answer = await writer.decide(ReportDelivery(key, seat, outcome, reason, accepted))
    if isinstance(answer, Rejected):
        raise answer
    return deliveries_pb2.ReportDeliveryResponse.FromString(answer).line


async def due(pricing: PricingService, member: str = "tom") -> int:
    """What a member owes by all lines; every invariant of settlement holds."""
    for item in invariants():
        for database, statement in item.sections if item.name.startswith("4_") else ():
            if database == "pricing" and len(item.sections) == 1:
                async with pricing.database.read() as connection:
                    row = await (await connection.execute(statement.encode())).fetchone()
                assert row is not None
                assert row[1] == 0, (item.name, row)
    rows = await pricing.rows(f"SELECT sum(due)::bigint AS due FROM settlement_lines WHERE member_id = '{member}'")  # noqa: S608
    return int(rows[0]["due"])


async def test_what_is_refused_is_due_no_longer(pricing: PricingService) -> None:
    life = formed()
    await pricing.apply(life.records)
    assert not (await deliver(pricing, life, "mei", ACCEPTED)).line_id
    assert await due(pricing, "mei") == 3490
    line = await deliver(pricing, life, "tom", IN_PART, 3)
    assert (line.quantity, line.due.minor_units) == (-2, -6980)
    assert line.cause == events_pb2.SETTLEMENT_CAUSE_DELIVERY_REFUSED
    assert await due(pricing) == 3 * 3490
    told = await pricing.settled()
    assert [event.sequence for event in told] == [1, 2, 3]
    assert told[-1].settlement_line_recorded.line == line


@pytest.mark.parametrize("accepted", [0, 3])
async def test_the_price_of_what_stays_is_explained_and_verified(
    pricing: PricingService, api: Api, accepted: int
) -> None:
    life = formed(platform=api.acme)
    await pricing.apply(life.records)
    await deliver(pricing, life, "tom", IN_PART if accepted else REFUSED, accepted)
    told = await api.explain(life.seat("tom").seat_id)
    assert (told.quantity, told.refused_units) == (5, 5 - accepted)
    assert told.amount.minor_units == told.unit_price.minor_units * accepted == await due(pricing)
    assert f"for each of {accepted} units" in told.sentence
    assert verify(MessageToDict(told))[1] == []
    life.withdraw("tom")
    await pricing.apply(life.records[-1:])
    assert verify(MessageToDict(await api.explain(life.seat("tom").seat_id)))[1] == []


async def test_the_same_report_again_is_the_same_and_another_is_refused(pricing: PricingService) -> None:
    life = formed()
    await pricing.apply(life.records)
    line = await deliver(pricing, life, "tom", REFUSED, request_id="once")
    assert await deliver(pricing, life, "tom", REFUSED, request_id="once") == line
    with pytest.raises(Rejected, match="DELIVERY_REPORTED"):
        await deliver(pricing, life, "tom", ACCEPTED)
    assert await due(pricing) == 0


@pytest.mark.parametrize("then", ["default", "withdraw", "cancel", "reduce", "reduce twice"])
async def test_what_was_refused_is_not_taken_back_again(pricing: PricingService, then: str) -> None:
    life = formed()
    await pricing.apply(life.records)
    await deliver(pricing, life, "tom", IN_PART, 3)
    seen = len(life.records)
    match then:
        case "default":
            life.default("tom")
        case "withdraw":
            life.withdraw("tom")
        case "cancel":
            life.cancel()
        case "reduce":
            life.reduce("tom", 2)
        case _:
            life.reduce("tom", 2)
            life.reduce("tom", 2)
    await pricing.apply(life.records[seen:])
    assert await pricing.parked() == {}
    assert await due(pricing) == (3490 if then == "reduce" else 0)


async def test_what_cannot_be_is_refused(pricing: PricingService) -> None:
    life = FullLife(payment_mode=PAY_ON_DELIVERY)
    life.open("mei")
    life.confirm("mei")
    life.join("tom", quantity=5)
    await pricing.apply(life.records)
    with pytest.raises(Rejected, match="SEAT_STATE"):
        await deliver(pricing, life, "tom", ACCEPTED)
    seen = len(life.records)
    life.form()
    await pricing.apply(life.records[seen:])
    for accepted in (0, 5):
        with pytest.raises(Rejected, match="QUANTITY_OUT_OF_RANGE"):
            await deliver(pricing, life, "tom", IN_PART, accepted)
    prepaid = formed(payment_mode=PREPAID)
    await pricing.apply(prepaid.records)
    with pytest.raises(Rejected, match="NOT_PAID_ON_DELIVERY"):
        await deliver(pricing, prepaid, "tom", REFUSED)
    other = formed()
    with pytest.raises(Rejected, match="SEAT_UNKNOWN"):
        await deliver(pricing, other, "tom", REFUSED)


async def test_a_report_waits_for_the_lines_of_its_team(pricing: PricingService) -> None:
    life = FullLife(payment_mode=PAY_ON_DELIVERY, maximum=CHUNK + 9)
    life.open("mei")
    life.confirm("mei")
    for number in range(CHUNK + 1):
        life.join(f"m{number}")
    life.form()
    await pricing.apply(life.records)
    with pytest.raises(Unavailable):
        await deliver(pricing, life, "m1", REFUSED)
    await pricing.settle()
    await deliver(pricing, life, "m1", REFUSED)
    assert await due(pricing, "m1") == 0


async def test_what_is_refused_earns_no_commission(pricing: PricingService) -> None:
    life = formed()
    await pricing.apply(life.records[:-1])
    async with pricing.database.work() as work:
        await work.connection.execute(
            "UPDATE seats SET promoter_id = 'kol', commission_basis_points = 1000 WHERE member_id = 'tom'"
        )
    await pricing.apply(life.records)
    line = await deliver(pricing, life, "tom", IN_PART, 2)
    rows = await pricing.rows("SELECT amount FROM beneficiary_lines WHERE beneficiary_id = 'kol' ORDER BY amount")
    unit = (line.unit_price.minor_units * 1000 + 5000) // 10_000
    assert [row["amount"] for row in rows] == [-3 * unit, 5 * unit]
