"""groupbuy reconcile finds nothing once all that is to be reported was: what was taken back is not."""

import pytest
from groupbuy.pricing.v1 import events_pb2, settlements_pb2

from services.pricing.domain import DeliveryOutcome
from tests.integration.pricing.test_deliveries import deliver
from tests.integration.pricing.test_line_reports import a_report
from tests.integration.pricing.test_payment_terms import TERMS, lines
from tests.integration.pricing.test_rpc import Api, api, bearer
from tests.integration.pricing.test_settlement_commands import Shop, shop
from tests.support.pricing import PricingService
from tests.support.pricing_lives import FullLife
from tests.support.teams import COMMIT, HOLD, PAY_ON_DELIVERY

__all__ = ["api", "shop"]

CLEAN = "no differences\n"


async def formed(pricing: PricingService, api: Api, mode: int) -> FullLife:
    """A team of two that has formed; Tom has five units."""
    life = FullLife(payment_mode=mode, payment_terms=TERMS, platform=api.acme)  # type: ignore[arg-type]
    life.open("mei")
    life.confirm("mei")
    life.join("tom", quantity=5)
    life.form()
    await pricing.apply(life.records)
    return life


async def report(api: Api, line: events_pb2.SettlementLine, kind: events_pb2.ReportKind.ValueType, amount: int) -> None:
    """Have the shop report about a line."""
    reports = [a_report(line, kind, amount, f"{line.line_id}-{kind}")]
    request = settlements_pb2.ReportSettlementRequest(request_id=reports[0].reference, reports=reports)
    await api.public.ReportSettlement(request, metadata=bearer("gbk_acme_secret"))


async def books(pricing: PricingService) -> dict[str, int]:
    """What the shop has of each seat when it charged no more than it should."""
    found: dict[str, int] = {}
    for line in await lines(pricing):
        charged = line.to_capture.minor_units + line.to_keep.minor_units + line.due.minor_units
        found[line.seat_id] = found.get(line.seat_id, 0) + charged
    return {seat: amount for seat, amount in found.items() if amount}


@pytest.mark.parametrize("then", ["default", "withdraw", "refuse", "cancel"])
async def test_what_was_never_paid_is_clean_without_a_word(
    shop: Shop, api: Api, pricing: PricingService, then: str
) -> None:
    life = await formed(pricing, api, PAY_ON_DELIVERY if then == "refuse" else COMMIT)
    if then != "cancel":
        mei = (await lines(pricing))[0]
        await report(api, mei, events_pb2.REPORT_KIND_PAID, mei.due.minor_units)
    seen = len(life.records)
    match then:
        case "default":
            life.default("tom")
        case "withdraw":
            life.withdraw("tom")
        case "cancel":
            life.cancel()
        case _:
            await deliver(pricing, life, "tom", DeliveryOutcome.REFUSED)
    await pricing.apply(life.records[seen:])
    found = await shop.reconcile(await books(pricing), "--hours", "0")
    assert (found.exit_code, found.stdout[-len(CLEAN) :]) == (0, CLEAN), found.stdout


async def test_what_is_left_is_paid_and_clean(shop: Shop, api: Api, pricing: PricingService) -> None:
    life = await formed(pricing, api, PAY_ON_DELIVERY)
    await deliver(pricing, life, "tom", DeliveryOutcome.ACCEPTED_IN_PART, 3)
    mei, tom, taken_back = await lines(pricing)
    before = await shop.reconcile(await books(pricing), "--hours", "0")
    assert [f"{line.line_id} of" in before.stdout for line in (mei, tom, taken_back)] == [True, True, False]
    await report(api, mei, events_pb2.REPORT_KIND_PAID, mei.due.minor_units)
    await report(api, tom, events_pb2.REPORT_KIND_PAID, tom.due.minor_units + taken_back.due.minor_units)
    found = await shop.reconcile(await books(pricing), "--hours", "0")
    assert (found.exit_code, found.stdout[-len(CLEAN) :]) == (0, CLEAN), found.stdout


async def test_an_authorisation_of_a_seat_that_defaulted_is_clean_once_it_is_voided(
    shop: Shop, api: Api, pricing: PricingService
) -> None:
    life = await formed(pricing, api, HOLD)
    mei = (await lines(pricing))[0]
    await report(api, mei, events_pb2.REPORT_KIND_CAPTURED, mei.to_capture.minor_units)
    await report(api, mei, events_pb2.REPORT_KIND_VOIDED, mei.to_void.minor_units)
    seen = len(life.records)
    life.default("tom")
    await pricing.apply(life.records[seen:])
    taken_back = (await lines(pricing))[-1]
    before = await shop.reconcile(await books(pricing), "--hours", "0")
    assert before.stdout.count("not reported") == 1
    await report(api, taken_back, events_pb2.REPORT_KIND_VOIDED, taken_back.to_void.minor_units)
    found = await shop.reconcile(await books(pricing), "--hours", "0")
    assert (found.exit_code, found.stdout[-len(CLEAN) :]) == (0, CLEAN), found.stdout
