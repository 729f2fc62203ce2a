"""Accomplices around buyers (hold, confirm, leave, default, cancel): no history ends below the simulated worst case."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.pricing import domain as pricing
from services.pricing import translate as reading
from services.team_formation import domain, translate
from services.team_formation.domain import Basis, CountedIn, LeaveUntil, PaymentMode
from tests.support.accomplices import Crowd
from tests.support.formation import LADDER, START, a_campaign

NAMES = ("ada", "bob", "cem", "dot", "eve", "fay", "gus")
MOST_UNITS = 3
LIFE = 3600


def a_sale(
    mode: PaymentMode,
    leave: LeaveUntil,
    basis: Basis = Basis.TEAM_MEMBERS,
    counted_in: CountedIn = CountedIn.MEMBERS,
    *,
    leader_off: int = 0,
    sponsored: int = 0,
    closes: bool = False,
) -> domain.Campaign:
    """Make a campaign of mangoes and cheaper pears that forgives much; a leader may pay less, or more."""
    campaign = a_campaign(
        payment_mode=mode,
        leave_until=leave,
        basis=basis,
        counted_in=counted_in,
        minimum=2,
        maximum=6,
        close_when_full=closes,
        max_units_per_seat=MOST_UNITS,
        ends_at=START + timedelta(days=2),
        rules={
            "leave_after_formed": timedelta(days=1),
            "max_sponsored": sponsored,
            "on_full": domain.OnFull.WAITLIST,
        },
    )
    rows = tuple(
        domain.PriceRow(sku, role, _steps(sku, leader_off if role is domain.Role.LEADER else 0))
        for sku in ("mango", "pear")
        for role in domain.Role
    )
    terms = campaign.terms
    items = (*terms.items, domain.Item("pear", _price(LADDER[0], "pear")))
    return replace(campaign, terms=replace(terms, items=items, price_table=replace(terms.price_table, rows=rows)))


def _price(price: int, sku: str) -> int:
    return price if sku == "mango" else price - 2000


def _steps(sku: str, off: int) -> tuple[domain.PriceStep, ...]:
    fall = [_price(price, sku) - (off * tier if tier else 0) for tier, price in enumerate(LADDER.values())]
    return tuple(domain.PriceStep(at, price, tier) for tier, (at, price) in enumerate(zip(LADDER, fall, strict=True)))


def worst_case(campaign: domain.Campaign) -> pricing.WorstCase:
    """Ask the simulation for the campaign's own table and rules, as its documentation says to."""
    rules = campaign.terms.rules
    table = reading.read_price_table(translate.price_table(campaign.terms.price_table))
    alike = (table.basis is pricing.Basis.TEAM_UNITS) == (rules.counted_in is CountedIn.UNITS)
    most = rules.maximum if alike or table.basis is pricing.Basis.TEAM_MEMBERS else rules.maximum * MOST_UNITS
    return pricing.simulate(
        table, pricing.Assumed(most, minimum=rules.minimum, max_sponsored=rules.max_sponsored)
    ).worst_case


def check(crowd: Crowd) -> None:
    """Nobody who stays brings less than the worst case, nobody who went pays, nothing is above a cap."""
    worst, stay = worst_case(crowd.campaign), crowd.staying()
    paid = crowd.paid()
    if crowd.has_formed:
        assert crowd.revenue() >= worst.at_least(stay)
        if sum(stay.values()) >= worst.units:
            assert crowd.revenue() >= worst.revenue
        assert crowd.revenue() == sum(paid.values())
    else:
        assert not any(paid.values())
    for seat_id, amount in paid.items():
        seat = crowd.seats[seat_id]
        assert 0 <= amount <= seat.cap * seat.quantity


turns = st.lists(
    st.tuples(
        st.sampled_from(["join", "join", "confirm", "confirm", "leave", "part", "default", "sponsor", "wait"]),
        st.sampled_from(NAMES),
        st.integers(1, MOST_UNITS),
        st.sampled_from(["mango", "mango", "pear"]),
    ),
    min_size=8,
    max_size=45,
)


def act(crowd: Crowd, turn: tuple[str, str, int, str]) -> None:
    """Do one thing; what the rules refuse changes nothing."""
    what, name, units, sku = turn
    match what:
        case "join":
            crowd.join(name, sku, units)
        case "confirm":
            crowd.confirm(name)
        case "leave":
            crowd.leave(name)
        case "part":
            crowd.leave(name, 1)
        case "default":
            crowd.default(name)
        case "sponsor":
            crowd.sponsor()
        case "wait":
            crowd.wait(200 * units)


@st.composite
def sales(draw: st.DrawFn) -> domain.Campaign:
    """Draw a campaign in any payment mode, with any leave rule, any basis, counted in either."""
    return a_sale(
        draw(st.sampled_from(PaymentMode)),
        draw(st.sampled_from(LeaveUntil)),
        draw(st.sampled_from([Basis.TEAM_MEMBERS, Basis.TEAM_UNITS])),
        draw(st.sampled_from(CountedIn)),
        leader_off=draw(st.sampled_from([0, 150, -150])),
        sponsored=1,
        closes=draw(st.booleans()),
    )


@settings(deadline=None, max_examples=300)
@given(sales(), turns, turns, st.booleans())
def test_no_random_history_ends_below_the_worst_case(
    sale: domain.Campaign,
    before: list[tuple[str, str, int, str]],
    after: list[tuple[str, str, int, str]],
    cancels: bool,  # noqa: FBT001 - given by Hypothesis
) -> None:
    crowd = Crowd(sale)
    for turn in before:
        act(crowd, turn)
    crowd.wait(LIFE)
    check(crowd)
    for turn in after[:12]:
        act(crowd, turn)
    check(crowd)
    if cancels:
        crowd.cancel()
        check(crowd)


def surround(crowd: Crowd, buyers: int, gone: str) -> None:
    """Play the attack: accomplices confirm to the top, buyers take the low cap, the accomplices go."""
    accomplices, chosen = NAMES[: 6 - buyers], NAMES[6 - buyers : 6]
    for name in accomplices:
        crowd.join(name)
        crowd.confirm(name)
    for name in chosen:
        crowd.join(name)
    for name in accomplices:
        crowd.leave(name) if gone == "leave" else crowd.default(name)
    for name in chosen:
        crowd.confirm(name)


@pytest.mark.parametrize("mode", PaymentMode)
@pytest.mark.parametrize(("leave", "gone"), [(LeaveUntil.ENDED, "leave"), *((rule, "default") for rule in LeaveUntil)])
def test_the_attack_reaches_the_worst_case_and_nothing_less(mode: PaymentMode, leave: LeaveUntil, gone: str) -> None:
    crowd = Crowd(a_sale(mode, leave))
    surround(crowd, 2, gone)
    crowd.wait(LIFE)
    assert crowd.has_formed
    check(crowd)
    assert crowd.staying() == {"mango": 2}
    assert crowd.revenue() == worst_case(crowd.campaign).at_least({"mango": 2}) == 2 * LADDER[5]


@pytest.mark.parametrize("mode", PaymentMode)
@pytest.mark.parametrize("gone", ["leave", "default"])
@pytest.mark.parametrize("leave", LeaveUntil)
def test_who_goes_after_formation_lowers_no_other_price(mode: PaymentMode, gone: str, leave: LeaveUntil) -> None:
    crowd = Crowd(a_sale(mode, leave))
    for name in NAMES[:5]:
        crowd.join(name)
        crowd.confirm(name)
    crowd.wait(LIFE)
    before = crowd.revenue()
    assert before == 5 * LADDER[5]
    for name in NAMES[1:5]:
        crowd.leave(name) if gone == "leave" else crowd.default(name)
    check(crowd)
    assert (crowd.staying(), crowd.revenue()) == ({"mango": 1}, LADDER[5])
    crowd.cancel()
    check(crowd)


@pytest.mark.parametrize("mode", PaymentMode)
@pytest.mark.parametrize("off", [150, -150])
def test_an_heir_pays_by_the_row_of_who_led_and_not_below_the_cheaper_role(mode: PaymentMode, off: int) -> None:
    crowd = Crowd(a_sale(mode, LeaveUntil.ENDED, leader_off=off))
    surround(crowd, 2, "leave")
    crowd.wait(LIFE)
    assert crowd.has_formed
    check(crowd)


def test_a_sponsored_place_fills_the_minimum_and_pays_nothing() -> None:
    crowd = Crowd(a_sale(PaymentMode.PREPAID, LeaveUntil.ENDED, sponsored=1))
    crowd.join("ada")
    crowd.confirm("ada")
    crowd.sponsor()
    crowd.wait(LIFE)
    assert crowd.has_formed
    assert worst_case(crowd.campaign).units == 1
    check(crowd)
