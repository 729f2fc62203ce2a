"""The Chinese sentences that explain a price, word for word."""

# ruff: noqa: RUF001 - the punctuation is Chinese

from typing import Any

import pytest

from services.pricing.domain import (
    Basis,
    Discount,
    PaymentMode,
    PriceTable,
    ReleaseReason,
    Role,
    Seat,
    SeatState,
    Team,
    TeamState,
    Totals,
    explain,
    explain_team,
)
from services.pricing.translate.chinese import explain_seat
from services.pricing.translate.languages import words_in
from tests.unit.pricing.test_sentences import ID, MANGO, POINTS, table


def a_team(fill: int, state: TeamState = TeamState.TIPPED) -> Team:
    formed = 9 if state is TeamState.FORMED else None
    return Team(
        ID,
        ID,
        ID,
        "orchard",
        PaymentMode.PREPAID,
        1,
        state,
        9,
        Totals(),
        fill,
        8,
        ended_version=9,
        formed_version=formed,
    )


def sentence(of: PriceTable, fill: int, cap: int, team_state: TeamState = TeamState.TIPPED, **of_seat: Any) -> str:
    held: dict[str, Any] = {"quantity": 1, "cap_fill": 2, "state": SeatState.CONFIRMED} | of_seat
    seat = Seat(ID, ID, ID, ID, "tom", "mango", Role.MEMBER, cap=cap, **held)
    return explain_seat(explain(a_team(fill, team_state), seat, of), of.currency)


def test_a_confirmed_seat() -> None:
    assert sentence(MANGO, 3, 3490, quantity=2) == (
        "已有3人确认，满3起每件29.90 EUR（原价39.90减10.00）。"
        "此席位的封顶价为34.90 EUR，需支付：每件29.90 EUR，共2件：59.80 EUR。价格仍可能变动，但绝不会超过封顶价。"
    )
    assert sentence(MANGO, 0, 2990, team_state=TeamState.FORMED) == (
        "尚无人确认，未达到第一档，每件按原价39.90 EUR。"
        "此席位的封顶价为29.90 EUR（更低），需支付：每件29.90 EUR，共1件：29.90 EUR。已成团，价格不再变动。"
    )


def test_seats_that_are_held_or_wait() -> None:
    assert sentence(MANGO, 2, 3490, state=SeatState.HELD).endswith(
        "此席位尚未确认，封顶价为34.90 EUR，确认后需支付：每件34.90 EUR，共1件：34.90 EUR。"
    )
    assert "正在等候空位" in sentence(MANGO, 2, 0, state=SeatState.WAITING, cap_fill=0)


def test_the_exact_number_is_named_where_it_was_rounded() -> None:
    units = table((5, Discount(POINTS, 2500)), basis=Basis.TEAM_UNITS)
    assert sentence(units, 5, 2993).startswith("已有5件确认，满5起每件29.93 EUR（原价39.90减25 %为29.925，四舍五入）。")


@pytest.mark.parametrize("reason", ReleaseReason)
def test_every_reason_has_words(reason: ReleaseReason) -> None:
    told = sentence(MANGO, 1, 3490, state=SeatState.RELEASED, release_reason=reason)
    assert "此席位已释放，原因：" in told
    assert told.endswith("无需付款。")


def test_seats_that_defaulted_or_are_sponsored() -> None:
    assert "款项未到账" in sentence(MANGO, 2, 3490, state=SeatState.DEFAULTED)
    assert "平台赞助" in sentence(MANGO, 2, 3490, sponsored=True)


def test_a_team() -> None:
    team = a_team(2)
    told = words_in("zh").of_team(explain_team(team, MANGO, 5, 2, 5), MANGO)
    assert told == ("该团第5版时已有2人确认，适用满2起的价格：mango（团长）每件34.90 EUR，mango（团员）每件34.90 EUR。")
    many = table((2, Discount(POINTS, 100)), skus="a b c")
    assert words_in("zh").of_team(explain_team(team, many, 5, 1, 3), many).endswith("，另有3项见数据。")
    assert words_in("en").of_team(explain_team(team, many, 5, 1, 3), many).endswith(", and 3 more are in the data.")
