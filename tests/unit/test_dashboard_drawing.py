"""How numbers of a drawn board are written, and that a panel without data says so."""

import pytest

from tests.dashboard.drawing import Series, legend, page, written
from tests.support.rules import dashboards


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, "s", "0 s"),
        (0.0123, "s", "12.3 ms"),
        (1.5, "s", "1.5 s"),
        (600, "s", "10 min"),
        (15.4, "ops", "15.4/s"),
        (1500, "ops", "1.5 K/s"),
        (1500, "short", "1.5 K"),
        (3 * 1024**2, "bytes", "3 MiB"),
        (0.9391, "percentunit", "93.91%"),
    ],
)
def test_a_number_is_written_in_its_unit(value: float, unit: str, text: str) -> None:
    assert written(value, unit) == text


def test_a_legend_is_filled_from_labels() -> None:
    assert legend("p99 {{topic}}", {"topic": "groupbuy.team.v1"}) == "p99 groupbuy.team.v1"
    assert legend("__auto", {"__name__": "up", "service": "pricing"}) == "pricing"
    assert legend("", {}) == "value"


def test_every_panel_of_a_board_is_on_the_page_and_without_data_it_says_so() -> None:
    board = dashboards()["overview"]
    panels = [panel for panel in board["panels"] if panel["type"] != "row"]
    drawn = {panel["id"]: [Series("one", [(0.0, 1.0), (2.0, 3.0)])] for panel in panels[1:]}
    text = page(board, drawn, "A <caption>.")
    assert all(f"<div class=title>{panel['title']}</div>" in text for panel in panels)
    assert text.count("No data") == 1
    assert "A &lt;caption&gt;." in text
