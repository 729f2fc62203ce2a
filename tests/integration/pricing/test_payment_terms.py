"""By when money has to come: told with the lines of a team that formed, where its payment terms say so."""

from datetime import UTC, timedelta

import pytest
from google.protobuf.duration_pb2 import Duration
from groupbuy.pricing.v1 import events_pb2
from groupbuy.team_formation.v1 import types_pb2

from tests.support.pricing import PricingService
from tests.support.teams import COMMIT, HOLD, PAY_ON_DELIVERY, TeamLife

TERMS = types_pb2.PaymentTerms(
    pay_within=Duration(seconds=7200),
    authorisation_lifetime=Duration(seconds=6 * 86_400),
    lapse_warning=Duration(seconds=86_400),
)


def formed(mode: types_pb2.PaymentMode.ValueType, terms: types_pb2.PaymentTerms | None) -> TeamLife:
    """A team of two that has formed."""
    life = TeamLife(payment_mode=mode, payment_terms=terms)
    life.open("mei")
    life.confirm("mei")
    life.join("tom")
    life.form()
    return life


async def lines(pricing: PricingService) -> list[events_pb2.SettlementLine]:
    """The lines told."""
    return [event.settlement_line_recorded.line for event in await pricing.settled()]


async def test_what_is_due_says_by_when_from_the_forming_on(pricing: PricingService) -> None:
    life = formed(COMMIT, TERMS)
    await pricing.apply(life.records)
    told = await lines(pricing)
    assert [line.pay_by.ToDatetime(tzinfo=UTC) for line in told] == [life.now + timedelta(hours=2)] * 2
    stored = await pricing.rows("SELECT pay_by FROM settlement_lines")
    assert [row["pay_by"] for row in stored] == [life.now + timedelta(hours=2)] * 2


@pytest.mark.parametrize(("mode", "terms"), [(COMMIT, None), (HOLD, TERMS), (PAY_ON_DELIVERY, TERMS)])
async def test_nobody_has_to_pay_by_a_time_that_nobody_said(
    pricing: PricingService, mode: types_pb2.PaymentMode.ValueType, terms: types_pb2.PaymentTerms | None
) -> None:
    await pricing.apply(formed(mode, terms).records)
    assert [line.HasField("pay_by") for line in await lines(pricing)] == [False, False]


async def test_a_line_that_takes_back_says_nothing_of_a_time(pricing: PricingService) -> None:
    life = formed(COMMIT, TERMS)
    await pricing.apply(life.records)
    life.default("tom")
    await pricing.apply(life.records[-1:])
    assert [line.HasField("pay_by") for line in await lines(pricing)] == [True, True, False]
