"""What the demo draws: cards, the team, text in columns, effects; never wider than 80 columns."""

import io
from datetime import UTC, datetime

import pytest
from groupbuy.money.v1.money_pb2 import Money
from groupbuy.pricing.v1.ladder_pb2 import ROLE_LEADER, ROLE_MEMBER
from groupbuy.team_formation.v1 import types_pb2
from groupbuy.team_formation.v1.team_formation_service_pb2 import Invite, ResolveInviteResponse
from rich.cells import cell_len

from deploy.demo.money import money, plain
from deploy.demo.play.receipts import common_sentences
from deploy.demo.proof.figures import delays
from deploy.demo.show.cards import draw, offer_of
from deploy.demo.show.picture import SPONSORED, picture_of
from deploy.demo.show.stage import Stage
from deploy.demo.show.table import table
from deploy.demo.show.text import WIDTH, cut, span, wrap
from deploy.demo.show.view import PlainView
from tests.support.teams import price_table

CARDS = """\
+-- WeChat --------------+ +-- Telegram ------------+ +-- WhatsApp ------------+
| Mei: Who wants mangoes | | Mei: Who wants mangoes | | Mangoes 5 kg           |
| with me?               | | with me?               | | 34.90 EUR together     |
|                        | |                        | | instead of 39.90 EUR.  |
| Mangoes 5 kg           | |   | Orchard Street     | | 1 more and it is       |
| Group buy 34.90 EUR,   | |   | Mangoes 5 kg       | | 29.90.                 |
| 29.90 with 1 more!     | |   | Now 34.90 EUR,     | | Closes Sat 21 Nov,     |
| Alone 39.90 EUR.       | |   | 29.90 with 1 more. | | 07:44 CET.             |
| Ends Sat 21 Nov, 07:44 | |   | 3 seats left,      | | shop.example           |
| CET                    | |   | until Sat 21 Nov,  | | ---------------------- |
| ---------------------- | |   | 07:44 CET.         | | Who wants mangoes with |
| Orchard Street         | |                        | | me?                    |
+------------------------+ | shop.example           | +------------------------+
                           +------------------------+"""


def team(confirmed: int = 2, maximum: int = 5, **changes: object) -> types_pb2.Team:
    """A team at 34.90, one short of 29.90."""
    found = types_pb2.Team(
        version=7,
        state=types_pb2.TEAM_STATE_FORMING,
        totals=types_pb2.Totals(confirmed_members=confirmed),
        minimum=4,
        maximum=maximum,
        prices=[
            types_pb2.PriceNow(
                sku="mango",
                role=role,
                unit_price=Money(minor_units=3490, currency="EUR"),
                next_unit_price=Money(minor_units=2990, currency="EUR"),
                missing_to_next=1,
            )
            for role in (ROLE_LEADER, ROLE_MEMBER)
        ],
    )
    found.ends_at.FromDatetime(datetime(2026, 11, 21, 6, 44, tzinfo=UTC))
    found.MergeFrom(types_pb2.Team(**changes))  # type: ignore[arg-type]  # fields by name
    return found


def answer(title: str = "Mangoes 5 kg") -> ResolveInviteResponse:
    return ResolveInviteResponse(
        invite=Invite(url="https://shop.example/i/AbCdEf123456", label="Mei", note="Who wants mangoes with me?"),
        team=team(),
        campaign=types_pb2.Campaign(
            currency="EUR",
            items=[types_pb2.Item(sku="mango", list_price=Money(minor_units=3990, currency="EUR"))],
            presentation=types_pb2.Presentation(
                texts=[types_pb2.LocalizedText(language="en", title=title)],
                seller="Orchard Street",
                time_zone="Europe/Berlin",
            ),
        ),
    )


def test_three_chats_stand_side_by_side() -> None:
    offer = offer_of(answer())
    assert "\n".join(draw([("wechat", offer), ("telegram", offer), ("whatsapp", offer)])) == CARDS


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7])
def test_cards_fit_into_80_columns_and_an_unknown_chat_has_one_too(count: int) -> None:
    offer = offer_of(answer("芒果五公斤装" * 5))
    lines = draw([(f"chat{number}", offer) for number in range(count)])
    assert max(map(cell_len, lines)) <= WIDTH
    assert sum(line.count("+-- chat") for line in lines) == count


def test_a_card_at_the_lowest_price_asks_for_nobody() -> None:
    found = answer()
    for price in found.team.prices:
        price.missing_to_next = 0
        price.ClearField("next_unit_price")
    assert "the lowest price is" in " ".join(draw([("line", offer_of(found))]))


def test_a_team_is_drawn_with_a_letter_for_each_member() -> None:
    picture = picture_of(team(totals=types_pb2.Totals(held_members=1)), price_table(), ["M", "T", "a"])
    assert picture.seats == "[MTa..] 2 of 5 seats paid, 1 unpaid, at least 4 needed"
    assert picture.ladder == "alone 39.90 | [from 2: 34.90] | from 3: 29.90 | from 5: 24.90"
    assert picture.price == "FORMING: 34.90 EUR now, 29.90 with 1 more"


def test_a_big_team_is_a_bar_and_an_ended_one_says_how() -> None:
    assert (
        picture_of(team(200, 400), price_table(), []).seats
        == f"[{'#' * 10}{'.' * 10}] 200 of 400 seats paid, at least 4 needed"
    )
    assert picture_of(team(state=types_pb2.TEAM_STATE_FORMED), price_table(), []).price == "FORMED at 34.90 EUR"
    assert picture_of(team(state=types_pb2.TEAM_STATE_FAILED), price_table(), []).price == "FAILED: nobody is charged"


def test_text_is_measured_in_columns() -> None:
    assert cut("abcdefgh", 8) == "abcdefgh"
    assert cut("abcdefghi", 8) == "abcde..."
    assert wrap("one two three", 7) == ["one two", "three"]
    assert wrap("abcdefghij k", 4) == ["abcd", "efgh", "ij k"]
    assert all(cell_len(line) <= 5 for line in wrap("芒果五公斤装", 5))
    assert "".join(wrap("芒果五公斤装", 5)) == "芒果五公斤装"


def test_an_effect_is_one_line_of_80_columns_at_most() -> None:
    out = io.StringIO()
    stage = Stage(PlainView(out), hurry=True)
    stage.effect(1234.4, "one more makes it 34.90 EUR", "groupbuy.price.v1")
    stage.effect(-0.2, "x" * 99, "y" * 99)
    first, second = out.getvalue().splitlines()
    assert first == "  1,234 ms  one more makes it 34.90 EUR                   groupbuy.price.v1"
    assert len(second) == WIDTH


def test_wide_characters_keep_the_columns() -> None:
    out = io.StringIO()
    stage = Stage(PlainView(out), hurry=True)
    stage.head("两位朋友拼一箱" * 9)
    stage.head("1  两位朋友拼一箱")
    stage.effect(1, "Ida: 席位已为您保留绿茶", "e-mail")
    _, long, _, head, effect = out.getvalue().splitlines()
    assert [cell_len(line) for line in (long, head)] == [WIDTH, WIDTH]
    assert head.startswith("== 1  两位朋友拼一箱 ===")
    assert cell_len(effect.removesuffix("e-mail")) == len(f"{'':10}  {'':44}  ")


def test_one_seat_is_one() -> None:
    found = answer()
    found.team.totals.confirmed_members = 4
    words = " ".join(draw([("telegram", offer_of(found))])).replace("|", "").split()
    assert "1 seat left," in " ".join(words)


def test_money_has_the_decimals_of_its_currency() -> None:
    assert money(2490, "EUR") == "24.90 EUR"
    assert plain(2490, "JPY") == "2490"
    assert plain(2490, "KWD") == "2.490"
    assert plain(5, "EUR") == "0.05"


def test_what_reasons_have_in_common_is_whole_sentences() -> None:
    reasons = ["5 are in. The cap is 39. It is final.", "5 are in. The cap is 29. It is final."]
    assert common_sentences(reasons) == "5 are in. "
    assert common_sentences(["Yes. No.", "No. Yes."]) == ""


def test_delays_are_summed_up() -> None:
    assert delays([]) is None
    found = delays([0.002 * number for number in range(1, 101)])
    assert found is not None
    assert (found.count, found.median_ms, found.p99_ms, found.longest_ms) == (100, 101.0, 198.0, 200.0)


def test_a_table_has_its_first_column_to_the_left_and_numbers_to_the_right() -> None:
    rows = [["", "opened", "amount"], ["微信", "40", "77.00 EUR"], ["telegram", "5", "1,115.50 EUR"]]
    assert table(rows) == [
        "          opened        amount",
        "微信          40     77.00 EUR",
        "telegram       5  1,115.50 EUR",
    ]


def test_sponsored_places_are_drawn_apart_from_those_that_were_paid() -> None:
    totals = types_pb2.Totals(held_members=1, sponsored_members=1, waiting_members=2)
    picture = picture_of(team(3, totals=totals), price_table(), ["M", "T", "a", SPONSORED])
    assert picture.seats == "[MTa*.] 2 of 5 seats paid, 1 unpaid, 1 sponsored, 2 waiting, at least 4 needed"
    cancelled = picture_of(team(state=types_pb2.TEAM_STATE_CANCELLED), price_table(), [])
    assert cancelled.price == "CANCELLED: nobody is charged"


@pytest.mark.parametrize("chat", ["wechat", "telegram", "whatsapp", "line"])
def test_every_card_says_that_a_place_is_sponsored_and_that_an_invite_is_advertising(chat: str) -> None:
    found = answer()
    plainly = " ".join(" ".join(draw([(chat, offer_of(found))])).replace("|", "").split())
    assert "sponsored" not in plainly
    assert "Advertising" not in plainly
    found.invite.commission_basis_points = 250
    found.team.totals.sponsored_members = 1
    words = " ".join(" ".join(draw([(chat, offer_of(found))])).replace("|", "").split())
    assert "Advertising: Mei earns 2.5 %." in words
    assert "1 place of the team is sponsored." in words


def test_a_quoted_text_keeps_its_empty_lines_and_fits() -> None:
    out = io.StringIO()
    Stage(PlainView(out), hurry=True).quote(["one", "", "x" * 100])
    assert out.getvalue().splitlines() == ["    | one", "    |", f"    | {'x' * 74}", f"    | {'x' * 26}"]


def test_a_length_of_time_is_written_in_its_largest_whole_unit() -> None:
    assert [span(seconds) for seconds in (0.5, 1, 90, 600, 7200, 86_400)] == [
        "0.5 s",
        "1 s",
        "90 s",
        "10 min",
        "2 h",
        "1 d",
    ]
