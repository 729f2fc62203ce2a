"""Payment terms of a campaign: what is possible, what is refused with field and remedy, and that they travel whole."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from groupbuy.team_formation.v1 import types_pb2

from services.team_formation import domain, translate
from services.team_formation.domain import OnBelowMinimum, OnFull, OnUnpaid, PaymentMode, PaymentTerms
from tests.support.formation import a_campaign

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def problems(mode: PaymentMode, terms: PaymentTerms, **rules: Any) -> dict[str, str]:
    """The problems of a campaign of 30 days with these terms, by field."""
    campaign = a_campaign()
    wanted = replace(campaign.terms.rules, payment_mode=mode, payment_terms=terms, **rules)
    found = domain.check_campaign(
        campaign.merchant_id,
        campaign.external_ref,
        campaign.starts_at,
        campaign.starts_at + 30 * DAY,
        campaign.terms.items,
        wanted,
        campaign.presentation,
    )
    return {problem.field: problem.description for problem in found}


@pytest.mark.parametrize("mode", [PaymentMode.COMMIT, PaymentMode.HOLD])
def test_usual_terms_are_accepted(mode: PaymentMode) -> None:
    assert problems(mode, PaymentTerms(), team_lifetime=6 * DAY) == {}


@pytest.mark.parametrize("mode", [PaymentMode.PREPAID, PaymentMode.PAY_ON_DELIVERY])
def test_terms_are_for_modes_that_wait_for_money(mode: PaymentMode) -> None:
    assert "leave them out" in problems(mode, PaymentTerms())["rules.payment_terms"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("pay_within", timedelta(seconds=59)),
        ("pay_within", 91 * DAY),
        ("authorisation_lifetime", timedelta(minutes=59)),
        ("authorisation_lifetime", 91 * DAY),
        ("lapse_warning", timedelta(seconds=-1)),
        ("lapse_warning", 7 * DAY),
    ],
)
def test_times_that_cannot_be_are_refused_by_name(field: str, value: timedelta) -> None:
    terms = PaymentTerms()
    changed: dict[str, Any] = {"pay_within": terms.pay_within, "lapse_warning": terms.lapse_warning, field: value}
    found = problems(PaymentMode.COMMIT, replace(terms, **changed))
    assert "leave it out" in found[f"rules.payment_terms.{field}"]


def test_teams_that_outlive_their_authorisations_are_refused_with_the_remedy() -> None:
    found = problems(PaymentMode.HOLD, PaymentTerms(), team_lifetime=6 * DAY + HOUR)
    assert "shorten rules.team_lifetime to at most 6 days" in found["rules.payment_terms.authorisation_lifetime"]
    assert problems(PaymentMode.COMMIT, PaymentTerms(), team_lifetime=20 * DAY) == {}


def test_a_campaign_that_ends_before_bounds_how_long_its_teams_are_open() -> None:
    terms = PaymentTerms(authorisation_lifetime=31 * DAY)
    assert problems(PaymentMode.HOLD, terms, team_lifetime=90 * DAY) == {}


def test_terms_travel_whole_and_what_is_not_said_gets_its_default() -> None:
    terms = PaymentTerms(2 * HOUR, on_below_minimum=OnBelowMinimum.FAIL, lapse_warning=3 * HOUR)
    rules = replace(a_campaign().terms.rules, payment_terms=terms)
    assert translate.read_rules(translate.rules(rules, "EUR")) == rules
    message = translate.rules(replace(rules, payment_terms=None), "EUR")
    assert translate.read_rules(message).payment_terms is None
    message.payment_terms.SetInParent()
    assert translate.read_rules(message).payment_terms == PaymentTerms()
    message.payment_terms.pay_within.CopyFrom(Duration(seconds=60))
    assert translate.read_rules(message).payment_terms == PaymentTerms(timedelta(seconds=60))


def test_a_word_of_a_newer_release_is_named() -> None:
    message = translate.rules(a_campaign().terms.rules, "EUR")
    message.payment_terms.CopyFrom(types_pb2.PaymentTerms(on_unpaid=types_pb2.OnUnpaid.ValueType(9)))
    with pytest.raises(KeyError, match=r"payment_terms\.on_unpaid"):
        translate.read_rules(message)


@pytest.mark.parametrize(
    ("mode", "on_full", "accepted"),
    [
        (PaymentMode.COMMIT, OnFull.WAITLIST, True),
        (PaymentMode.COMMIT, OnFull.REFUSE, False),
        (PaymentMode.HOLD, OnFull.WAITLIST, False),
    ],
)
def test_places_are_filled_where_somebody_may_wait_and_nothing_is_paid_before(
    mode: PaymentMode, on_full: OnFull, *, accepted: bool
) -> None:
    found = problems(mode, PaymentTerms(on_unpaid=OnUnpaid.FILL_FROM_WAITLIST), on_full=on_full, max_waiting=9)
    assert ("rules.payment_terms.on_unpaid" not in found) is accepted
