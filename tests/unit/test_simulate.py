"""groupbuy simulate: files that are read or refused, what is said, and the geometry of its picture."""

import re
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result
from groupbuy.money.v1.money_pb2 import Money
from groupbuy.pricing.v1 import ladder_pb2, simulation_pb2
from groupbuy.team_formation.v1 import types_pb2
from rich.console import Console

from deploy.cli import COMMANDS
from deploy.cli.group import LazyGroup
from deploy.local.errors import LocalError
from deploy.simulate.asking import from_file, of_campaign
from deploy.simulate.picture import HEIGHT, LEFT, REVENUE_BOTTOM, REVENUE_TOP, RIGHT, WIDTH, svg
from deploy.simulate.series import Series, series
from deploy.simulate.terminal import plot
from services.pricing.rpc.simulation import simulate_ladder

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "ladder.toml"
SVG = "{http://www.w3.org/2000/svg}"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(LazyGroup(COMMANDS, name="groupbuy"), ["simulate", *arguments])


def an_example(currency: str = "EUR", **more: int) -> Series:
    request = from_file(EXAMPLE)
    request.currency = currency
    for name, value in more.items():
        setattr(request, name, value)
    return series(simulate_ladder(request))


def test_it_says_dips_and_the_worst_case_and_draws(tmp_path: Path) -> None:
    picture = tmp_path / "ladder.svg"
    result = run("--ladder", str(EXAMPLE), "--plot", "--svg", str(picture))
    assert result.exit_code == 0, result.output
    assert "mango at 5 members brings 124.50 EUR, less than 135.68 EUR at 4." in result.output
    assert "A unit of mango that stays brings at least 19.90 EUR (with a coupon 19.90 EUR)." in result.output
    assert "A team that forms brings at least 59.70 EUR, a margin of 5.70 EUR" in result.output
    assert picture.read_text(encoding="utf-8") == (ROOT / "docs" / "pictures" / "simulation.svg").read_text(
        encoding="utf-8"
    ), "the picture in docs/ is of another ladder: groupbuy simulate --ladder ... --svg docs/pictures/simulation.svg"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("currency =", "cannot be read as a ladder"),
        ('colour = "red"', "cannot be read as a ladder"),
        ('currency = "EUR"\nmax_fill = 3', "ladder.basis"),
    ],
)
def test_a_bad_file_is_refused_with_a_remedy(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    result = run("--ladder", str(path))
    assert result.exit_code == 1
    assert words in result.output
    assert "defect" not in result.output


def test_what_cannot_be_meant_is_said(tmp_path: Path) -> None:
    assert "Name one of" in run().output
    assert "Name one of" in run("--ladder", str(EXAMPLE), "--campaign", "camp_1").output
    assert "in minor units" in run("--ladder", str(EXAMPLE), "--cost", "mango").output
    assert "There are: mango." in run("--ladder", str(EXAMPLE), "--item", "pear").output
    assert "cannot be read" in run("--ladder", str(tmp_path / "nowhere.toml")).output


@pytest.mark.parametrize(
    ("basis", "counted_in", "top"),
    [
        (ladder_pb2.BASIS_TEAM_MEMBERS, types_pb2.COUNTED_IN_MEMBERS, 5),
        (ladder_pb2.BASIS_TEAM_UNITS, types_pb2.COUNTED_IN_UNITS, 5),
        (ladder_pb2.BASIS_TEAM_UNITS, types_pb2.COUNTED_IN_MEMBERS, 15),
    ],
)
def test_a_campaign_is_asked_about_up_to_the_highest_fill_it_can_have(
    basis: ladder_pb2.Basis.ValueType, counted_in: types_pb2.CountedIn.ValueType, top: int
) -> None:
    rules = types_pb2.Rules(minimum=2, maximum=5, max_units_per_seat=3, counted_in=counted_in, max_sponsored=1)
    ladder = ladder_pb2.Ladder(basis=basis)
    item = types_pb2.Item(sku="mango", list_price=Money(minor_units=3990), floor_price=Money(minor_units=1990))
    campaign = types_pb2.Campaign(currency="EUR", items=[item], ladder=ladder, rules=rules)
    request = of_campaign(campaign, [simulation_pb2.UnitCost(sku="mango", unit_cost=7)])
    assert (request.max_fill, request.minimum, request.max_sponsored) == (top, 2, 1)
    assert request.list_prices[0] == ladder_pb2.ListPrice(sku="mango", unit_price=3990, floor_price=1990)
    assert simulate_ladder(request).worst_case.units == 1


def test_what_the_whole_campaign_fills_is_asked_about_up_to_the_last_tier() -> None:
    tier = ladder_pb2.Tier(threshold=500, discounts=[ladder_pb2.Discount(fixed_price=1)])
    ladder = ladder_pb2.Ladder(basis=ladder_pb2.Basis.ValueType(3), tiers=[tier])
    item = types_pb2.Item(sku="mango", list_price=Money(minor_units=3990))
    rules = types_pb2.Rules(minimum=2, maximum=5)
    assert of_campaign(types_pb2.Campaign(items=[item], ladder=ladder, rules=rules), []).max_fill == 500


def test_a_tier_that_cannot_be_reached_by_the_answer_is_no_worst_case() -> None:
    tier = ladder_pb2.Tier(threshold=10_001, discounts=[ladder_pb2.Discount(fixed_price=1)])
    ladder = ladder_pb2.Ladder(basis=ladder_pb2.BASIS_TEAM_MEMBERS, tiers=[tier])
    item = types_pb2.Item(sku="mango", list_price=Money(minor_units=3990))
    campaign = types_pb2.Campaign(currency="EUR", items=[item], ladder=ladder, rules=types_pb2.Rules(maximum=20_000))
    with pytest.raises(LocalError, match="above fill 10000"):
        of_campaign(campaign, [])
    del campaign.ladder.tiers[:]
    assert of_campaign(campaign, []).max_fill == 10_000


@pytest.mark.parametrize(("currency", "amount"), [("JPY", "3,990 JPY"), ("EUR", "39.90 EUR"), ("KWD", "3.990 KWD")])
def test_the_terminal_has_a_bar_for_each_fill(currency: str, amount: str) -> None:
    console = Console(width=80, record=True, file=StringIO())
    console.print(plot(an_example(currency)))
    lines = [line for line in console.export_text().splitlines() if re.match(r"\s*\d+ ", line)]
    assert [int(line.split()[0]) for line in lines] == list(range(1, 13))
    assert amount in lines[0]
    bars = [line.count("\N{FULL BLOCK}") for line in lines]
    assert max(bars) == bars[11] > bars[4] > bars[0] > 0
    assert [number for number, line in enumerate(lines, 1) if "\N{BLACK DOWN-POINTING TRIANGLE}" in line] == [5, 10]


def test_of_many_fills_the_terminal_shows_some_and_every_change() -> None:
    found = an_example(max_fill=1000)
    assert 40 <= plot(found).row_count <= 50


def pieces(found: Series) -> ET.Element:
    return ET.fromstring(svg(found))  # noqa: S314 - our own


def of_class(root: ET.Element, name: str) -> list[str]:
    return [path.get("d", "") for path in root.iter(f"{SVG}path") if path.get("class") == name]


def numbers(path: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?[\d.]+", path)]


@pytest.mark.parametrize("currency", ["JPY", "EUR", "KWD"])
@pytest.mark.parametrize("top", [1, 12, 1000])
def test_everything_of_the_picture_lies_inside_it(currency: str, top: int) -> None:
    root = pieces(an_example(currency, max_fill=top, minimum=1))
    for text in root.iter(f"{SVG}text"):
        x, y, wide = float(text.get("x", "")), float(text.get("y", "")), 7.6 * len(text.text or "")
        left = {"start": x, "middle": x - wide / 2, "end": x - wide}[text.get("text-anchor", "start")]
        assert 0 <= left <= left + wide <= WIDTH, text.text
        assert 0 < y <= HEIGHT
    for name in ("revenue", "worst-case"):
        (line,) = of_class(root, name)
        found = numbers(line)
        assert all(LEFT <= x <= RIGHT for x in found[::2])
        assert all(REVENUE_TOP <= y <= REVENUE_BOTTOM for y in found[1::2])


def test_axes_are_labelled_with_the_currency_and_the_lines_are_to_scale() -> None:
    found = an_example()
    root = pieces(found)
    words = [text.text or "" for text in root.iter(f"{SVG}text")]
    assert {"Unit price of a member, EUR", "Revenue of the team, EUR", "confirmed members"} <= set(words)
    assert {"tier 1", "tier 2", "tier 3"} <= set(words)
    highest = max(float(word.removesuffix(" EUR")) for word in words if re.fullmatch(r"[\d.]+ EUR", word)) * 100
    (line,) = of_class(root, "revenue")
    points = list(zip(numbers(line)[::2], numbers(line)[1::2], strict=True))
    for fill, (x, y) in enumerate(points):
        assert x == pytest.approx(LEFT + (RIGHT - LEFT) * fill / 12, abs=0.1)
        assert y == pytest.approx(
            REVENUE_BOTTOM - (REVENUE_BOTTOM - REVENUE_TOP) * found.revenue[fill] / highest, abs=0.1
        )
    tiers = [numbers(path)[0] for path in of_class(root, "tier")]
    assert tiers == [points[fill][0] for fill in (3, 5, 10)]
    dips = [numbers(path)[:2] for path in of_class(root, "dip")]
    assert dips == [[points[fill][0], round(points[fill][1] - 6, 1)] for fill in (5, 10)]


def test_an_item_of_any_name_is_no_markup() -> None:
    request = from_file(EXAMPLE)
    request.list_prices[0].sku = request.unit_costs[0].sku = "<a'&\">"
    root = pieces(series(simulate_ladder(request)))
    assert next(root.iter(f"{SVG}text")).text == "<a'&\">: price and revenue by confirmed members"
