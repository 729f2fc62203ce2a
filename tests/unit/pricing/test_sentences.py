"""The sentences that explain a price, word for word."""

from typing import Any
from uuid import UUID

import pytest

from services.pricing.domain import (
    Basis,
    Discount,
    DiscountKind,
    Ladder,
    ListPrice,
    PaymentMode,
    PriceChanged,
    PriceTable,
    ReleaseReason,
    Role,
    Seat,
    SeatState,
    Team,
    TeamState,
    Tier,
    Totals,
    compile_ladder,
    explain,
)
from services.pricing.translate import explain_move, explain_seat, money_text

ID = UUID(int=1)
AMOUNT, POINTS = DiscountKind.AMOUNT_OFF, DiscountKind.BASIS_POINTS_OFF


def table(
    *discounts: tuple[int, Discount], basis: Basis = Basis.TEAM_MEMBERS, currency: str = "EUR", skus: str = "mango"
) -> PriceTable:
    tiers = tuple(Tier(threshold, (discount,)) for threshold, discount in discounts)
    items = [ListPrice(sku, 3990) for sku in skus.split()]
    made = compile_ladder(currency, items, Ladder(basis, tiers), 1)
    assert isinstance(made, PriceTable), made
    return made


MANGO = table((2, Discount(AMOUNT, 500)), (3, Discount(AMOUNT, 1000)))


def sentence(
    of: PriceTable,
    fill: int,
    cap: int,
    *,
    team_state: TeamState = TeamState.TIPPED,
    formed_version: int | None = None,
    **of_seat: Any,
) -> str:
    mode, member = PaymentMode.PREPAID, Role.MEMBER
    team = Team(ID, ID, ID, "orchard", mode, 1, team_state, 9, Totals(), fill, 8, formed_version=formed_version)
    held: dict[str, Any] = {"quantity": 1, "cap_fill": 2, "state": SeatState.CONFIRMED} | of_seat
    seat = Seat(ID, ID, ID, ID, "tom", "mango", member, cap=cap, **held)
    return explain_seat(explain(team, seat, of), of.currency)


def test_a_confirmed_seat_of_an_open_team() -> None:
    assert sentence(MANGO, 3, 3490) == (
        "3 members are confirmed; from 3 on one unit costs 29.90 EUR (list price 39.90 less 10.00)."
        " This seat's cap is 34.90 EUR, so it pays 29.90 EUR for each of 1 unit: 29.90 EUR."
        " It can still change, but never above the cap."
    )


def test_the_cap_protects_when_others_leave() -> None:
    assert sentence(MANGO, 1, 2990, quantity=3) == (
        "1 member is confirmed; below the first tier one unit costs its list price of 39.90 EUR."
        " This seat's cap is 29.90 EUR, which is lower, so it pays 29.90 EUR for each of 3 units: 89.70 EUR."
        " It can still change, but never above the cap."
    )


def test_a_formed_team_is_final() -> None:
    assert sentence(MANGO, 2, 3490, team_state=TeamState.FORMED) == (
        "2 members are confirmed; from 2 on one unit costs 34.90 EUR (list price 39.90 less 5.00)."
        " This seat's cap is 34.90 EUR, so it pays 34.90 EUR for each of 1 unit: 34.90 EUR."
        " The team has formed: this is final."
    )


def test_a_held_seat() -> None:
    assert sentence(MANGO, 0, 3990, state=SeatState.HELD) == (
        "No members are confirmed; below the first tier one unit costs its list price of 39.90 EUR."
        " This seat is not confirmed yet; its cap is 39.90 EUR, so confirmed it pays 39.90 EUR for each of 1 unit:"
        " 39.90 EUR."
    )


CONFIRMED, WAITING, RELEASED = SeatState.CONFIRMED, SeatState.WAITING, SeatState.RELEASED


@pytest.mark.parametrize(
    ("state", "reason", "team_state", "why"),
    [
        (RELEASED, ReleaseReason.LEFT, TeamState.TIPPED, "the member left"),
        (RELEASED, ReleaseReason.EXPIRED, TeamState.TIPPED, "its hold ran out before it was confirmed"),
        (RELEASED, ReleaseReason.WITHDRAWN, TeamState.FORMED, "the member gave it back after the team had formed"),
        (
            RELEASED,
            ReleaseReason.PRICE_CHANGED,
            TeamState.TIPPED,
            "its turn came at a price above the most it wanted to pay",
        ),
        (CONFIRMED, None, TeamState.FAILED, "the team ended below its minimum"),
        (CONFIRMED, None, TeamState.CANCELLED, "the team was cancelled"),
        (SeatState.HELD, None, TeamState.CANCELLED, "the team was cancelled"),
        (WAITING, None, TeamState.CANCELLED, "the team was cancelled"),
        (WAITING, None, TeamState.FORMED, "the team ended before there was room for it"),
        (WAITING, None, TeamState.FAILED, "the team ended before there was room for it"),
    ],
)
def test_a_seat_given_back(state: SeatState, reason: ReleaseReason | None, team_state: TeamState, why: str) -> None:
    assert sentence(MANGO, 1, 3490, state=state, release_reason=reason, team_state=team_state) == (
        "1 member is confirmed; below the first tier one unit costs its list price of 39.90 EUR."
        f" This seat was given back because {why}: it pays nothing."
    )


def test_who_waited_when_the_team_formed_was_given_back_then_whatever_came_later() -> None:
    told = sentence(MANGO, 1, 0, state=WAITING, team_state=TeamState.CANCELLED, formed_version=5)
    assert "because the team ended before there was room for it" in told


def test_a_seat_that_waits_is_told_the_price_of_now_and_no_cap() -> None:
    assert sentence(MANGO, 2, 0, state=WAITING, cap_fill=0, quantity=2).endswith(
        " This seat waits for room; its cap is fixed when it takes a place."
        " Now it would pay 34.90 EUR for each of 2 units: 69.80 EUR."
    )


def test_a_seat_whose_money_did_not_come_and_one_that_is_sponsored_pay_nothing() -> None:
    assert sentence(MANGO, 2, 3490, state=SeatState.DEFAULTED).endswith(
        "The money of this seat did not come: it has no place any more and pays nothing."
    )
    assert sentence(MANGO, 2, 3490, sponsored=True).endswith(
        "The platform sponsors this seat to complete the team: it pays nothing."
    )


def test_basis_points_name_the_exact_number_where_it_was_rounded() -> None:
    units = table((5, Discount(POINTS, 2500)), (10, Discount(POINTS, 3000)), basis=Basis.TEAM_UNITS)
    assert sentence(units, 5, 2993).startswith(
        "5 units are confirmed; from 5 on one unit costs 29.93 EUR"
        " (list price 39.90 less 25 % is 29.925, rounded half up)."
    )
    assert sentence(units, 10, 2993).startswith(
        "10 units are confirmed; from 10 on one unit costs 27.93 EUR (list price 39.90 less 30 %)."
    )


@pytest.mark.parametrize(
    ("minor_units", "currency", "text"),
    [
        (0, "EUR", "0.00 EUR"),
        (5, "EUR", "0.05 EUR"),
        (123450, "EUR", "1,234.50 EUR"),
        (3990, "JPY", "3,990 JPY"),
        (5, "KWD", "0.005 KWD"),
        (3990, "RSD", "39.90 RSD"),
        (10**12, "EUR", "10,000,000,000.00 EUR"),
    ],
)
def test_money_has_the_decimals_of_its_currency(minor_units: int, currency: str, text: str) -> None:
    assert money_text(minor_units, currency) == text


def moved(of: PriceTable, old_fill: int, fill: int) -> str:
    moves = of.moves(old_fill, fill)
    return explain_move(PriceChanged(1, moves, old_fill, fill, of.tier(fill), of.missing_to_next(fill)), of)


def test_why_the_price_moved() -> None:
    assert moved(MANGO, 2, 3) == (
        "3 members are confirmed instead of 2, so the price from 3 on holds:"
        " one unit of mango costs 29.90 EUR instead of 34.90 EUR."
    )
    assert moved(MANGO, 2, 1) == (
        "1 member is confirmed instead of 2, so the list price holds:"
        " one unit of mango costs 39.90 EUR instead of 34.90 EUR."
    )


def test_a_price_that_moved_for_one_role_says_whose() -> None:
    of_leader = table((2, Discount(AMOUNT, 500, role=Role.LEADER)))
    assert moved(of_leader, 1, 2).endswith("one unit of mango costs a leader 34.90 EUR instead of 39.90 EUR.")


def test_many_items_are_not_all_named() -> None:
    many = table((2, Discount(AMOUNT, 3990)), currency="JPY", skus="a b c d e")
    assert moved(many, 1, 2) == (
        "2 members are confirmed instead of 1, so the price from 2 on holds:"
        " one unit of a costs 0 JPY instead of 3,990 JPY, one unit of b costs 0 JPY instead of 3,990 JPY,"
        " one unit of c costs 0 JPY instead of 3,990 JPY, and 2 more moved."
    )
