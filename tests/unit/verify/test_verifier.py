"""The verifier computes the same cents as the engine, from JSON alone, and notices whatever was changed."""

import copy
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from groupbuy.pricing.v1 import ladder_pb2
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.verify import verifier
from services.chassis import ids
from services.pricing import translate
from services.pricing.domain import (
    Basis,
    Discount,
    DiscountKind,
    Ladder,
    ListPrice,
    PriceTable,
    Role,
    Tier,
    compile_ladder,
    discounted,
)
from tests.support.explaining import Explained
from tests.support.pricing_histories import Oracle, play
from tests.support.pricing_lives import a_full_life
from tests.support.teams import COMMIT, HOLD, PAY_ON_DELIVERY, PREPAID

ROOT = Path(__file__).parents[3]
PROGRAM = ROOT / "deploy" / "verify" / "verifier.py"
VECTORS = sorted((ROOT / "tests" / "vectors").glob("*.json"))

NUMBERS = st.lists(st.tuples(st.integers(0, 999), st.integers(0, 999)), min_size=12, max_size=30)
MODES = st.sampled_from([COMMIT, HOLD, PREPAID, PAY_ON_DELIVERY])


@st.composite
def tables(draw: st.DrawFn) -> ladder_pb2.PriceTable:
    """A random ladder, compiled: the list price, and tiers that never make it dearer, of every kind and for roles."""
    listed = draw(st.integers(1, 10**12))
    tiers, threshold, before = [], 0, dict.fromkeys(Role, listed)
    for _ in range(draw(st.integers(0, 4))):
        threshold += draw(st.integers(1, 4))
        roles = draw(st.sampled_from([(None,), (Role.LEADER, None), (Role.LEADER, Role.MEMBER)]))
        discounts = tuple(draw(discounts_for(listed, role, before)) for role in roles)
        tiers.append(Tier(threshold, discounts))
        for role in Role:
            own = next((item for item in discounts if item.role is role), discounts[-1])
            before[role] = discounted(listed, own)
    currency = draw(st.sampled_from(["EUR", "JPY", "KWD"]))
    basis = draw(st.sampled_from([Basis.TEAM_MEMBERS, Basis.TEAM_UNITS]))
    made = compile_ladder(currency, [ListPrice("mango", listed)], Ladder(basis, tuple(tiers)), 1)
    assert isinstance(made, PriceTable), made
    return translate.price_table(made)


@st.composite
def discounts_for(draw: st.DrawFn, listed: int, role: Role | None, before: dict[Role, int]) -> Discount:
    """One discount that brings a role to its price before or below, whichever kind it is of."""
    most = min(before.values()) if role is None else before[role]
    kind = draw(st.sampled_from(DiscountKind))
    if kind is DiscountKind.BASIS_POINTS_OFF:
        least = 10_000 - 10_000 * most // listed if most < listed else 1
        points = draw(st.integers(min(max(1, least), 10_000), 10_000))
        points = points if discounted(listed, Discount(kind, points)) <= most else 10_000
        return Discount(kind, points, role=role)
    price = draw(st.integers(0, most))
    return Discount(kind, price if kind is DiscountKind.FIXED_PRICE else listed - price, role=role)


@settings(deadline=None, max_examples=50)
@given(NUMBERS, MODES, tables())
def test_it_computes_the_cents_of_every_seat_and_version(
    numbers: list[tuple[int, int]], mode: int, table: ladder_pb2.PriceTable
) -> None:
    life = a_full_life(table=table, payment_mode=mode)
    play(life, numbers)
    played, oracle = Explained().play(life), Oracle(life)
    for seat_id, explanation in played.of_seats():
        computed, differences = verifier.verify(through_text(explanation))
        assert differences == []
        assert computed["amount"] == int(explanation["amount"].get("minorUnits", 0))
        owed = oracle.seats[ids.opaque("seat", life.campaign, seat_id)]
        if explanation.get("final"):
            assert computed["amount"] == owed.charged
    for version in range(1, len(life.records) + 1):
        explanation = through_text(played.of_team(version))
        computed, differences = verifier.verify(explanation)
        assert differences == []
        said = [int(item["unitPrice"].get("minorUnits", 0)) for item in explanation["prices"]]
        assert [item["unitPrice"] for item in computed["prices"]] == said


def through_text(explanation: dict[str, Any]) -> dict[str, Any]:
    """Write and read it, as a file or a call would."""
    read: dict[str, Any] = json.loads(json.dumps(explanation))
    return read


@settings(deadline=None, max_examples=50)
@given(NUMBERS, MODES, tables(), st.data())
def test_a_number_that_was_changed_is_noticed_or_changes_no_cent(
    numbers: list[tuple[int, int]], mode: int, table: ladder_pb2.PriceTable, data: st.DataObject
) -> None:
    life = a_full_life(table=table, payment_mode=mode)
    play(life, numbers)
    explanations = [explanation for _, explanation in Explained().play(life).of_seats()]
    explanation = through_text(data.draw(st.sampled_from(explanations)))
    before, differences = verifier.verify(explanation)
    assert differences == []
    path = data.draw(st.sampled_from([path for path in number_paths(explanation) if path[-1] != "tier"]))
    change(explanation, path, data.draw(st.sampled_from([-1, 1, 1000])))
    try:
        after, differences = verifier.verify(explanation)
    except verifier.NotAnExplanationError:
        return
    assert differences or (is_quiet(path) and after == before), path


def test_another_list_price_where_the_cap_was_read_is_noticed_though_all_prices_are_fixed() -> None:
    life = a_full_life(payment_mode=COMMIT)
    life.open("mei")
    life.confirm("mei")
    life.join("tom")
    [explanation, *_] = [through_text(item) for _, item in Explained().play(life).of_seats()]
    assert verifier.verify(explanation)[1] == []
    change(explanation, ("capRow", "steps", 0, "unitPrice"), 1000)
    for step in explanation["capRow"]["steps"][1:]:  # nothing else follows from the list price
        price = int(step.get("unitPrice", 0))
        step["discount"] = {"fixedPrice": price}
    assert any("capRow.steps[0].unitPrice" in str(item) for item in verifier.verify(explanation)[1])


def test_who_waits_in_a_formed_team_owes_nothing_until_a_place_is_free() -> None:
    life = a_full_life(payment_mode=COMMIT)
    life.open("mei")
    life.confirm("mei")
    life.join("tom")
    life.wait("ann")
    life.form(waitlist_stays=True)
    waiting = next(item for _, item in Explained().play(life).of_seats() if item["standing"] == "SEAT_STANDING_WAITING")
    assert verifier.verify(through_text(waiting))[1] == []
    assert "final" not in waiting
    life.default("tom")
    life.fill_place("ann")
    for _, explanation in Explained().play(life).of_seats():
        assert verifier.verify(through_text(explanation))[1] == []
        assert explanation["final"]


QUIET = {"threshold", "teamVersion", "fillVersion", "quantity", "basisPointsOff"}


def is_quiet(path: tuple[str | int, ...]) -> bool:
    """Whether a number can be another without any price being so, and without anything to compare it with.

    That is how far a step lies that holds nowhere asked, what rounds to the same, which of two facts left the
    same fill, and units that cost nothing. Of facts, only the fill of those that set a fill or a cap matters, and
    units given back where units fill the ladder.
    """
    return path[-1] in QUIET or path[0] == "facts"


def number_paths(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every whole number of some JSON, by the way to it; a version of the team itself is only shown."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from number_paths(item, (*at, name))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from number_paths(item, (*at, place))
    elif isinstance(value, int | str) and not isinstance(value, bool) and str(value).lstrip("-").isdecimal():
        yield at


def change(value: Any, path: tuple[str | int, ...], by: int) -> None:
    """Change one number of some JSON, and leave it the kind that it was."""
    *way, last = path
    for name in way:
        value = value[name]
    value[last] = type(value[last])(int(value[last]) + by)


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_the_vectors(path: Path) -> None:
    vector = json.loads(path.read_text(encoding="utf-8"))
    computed, differences = verifier.verify(vector["explanation"])
    if "differs" in vector:
        assert [item.split(":")[0].split(" ")[0] for item in differences] == vector["differs"]
    else:
        assert (differences, computed) == ([], vector["computed"])


def test_there_are_vectors_of_both_kinds() -> None:
    kinds = {"differs" in json.loads(path.read_text(encoding="utf-8")) for path in VECTORS}
    assert kinds == {True, False}


def good() -> dict[str, Any]:
    """The explanation of a confirmed seat."""
    vector = json.loads((ROOT / "tests" / "vectors" / "formed-prepaid.json").read_text(encoding="utf-8"))
    explanation: dict[str, Any] = vector["explanation"]
    return explanation


def test_it_runs_alone_and_tells_by_its_exit_code(tmp_path: Path) -> None:
    explanation = good()
    wrong = copy.deepcopy(explanation)
    wrong["amount"]["minorUnits"] = "1"
    for content, code, said in (
        (json.dumps(explanation), 0, ""),
        (json.dumps(wrong), 1, "differs: amount: the explanation says 1, computed is"),
        ("{}", 2, "names neither a seat nor prices of a team"),
        ("[]", 2, "it is no JSON object"),
        ("no json", 2, "is no explanation"),
    ):
        file = tmp_path / "explanation.json"
        file.write_text(content, encoding="utf-8")
        for arguments, given_in in (([str(file)], None), (["-"], content)):
            command = [sys.executable, "-I", str(PROGRAM), *arguments]
            done = subprocess.run(command, capture_output=True, text=True, input=given_in, check=False)
            assert done.returncode == code, done.stderr
            assert said in done.stderr
    done = subprocess.run([sys.executable, "-I", str(PROGRAM)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.startswith("usage:")) == (2, True)


@pytest.mark.parametrize(
    ("name", "value"),
    [("row", []), ("facts", {}), ("fill", "many"), ("fill", 1.5), ("fill", True), ("lines", ["x"]), ("quantity", "²")],
)
def test_what_cannot_be_read_is_no_explanation(name: str, value: object) -> None:
    with pytest.raises(verifier.NotAnExplanationError, match=name):
        verifier.verify(good() | {name: value})


def test_a_quotes_own_steps_and_a_lower_cap_go_before_the_row() -> None:
    own = [{"unitPrice": "3000"}, {"threshold": "2", "unitPrice": "2500"}, {"threshold": "3", "unitPrice": "2400"}]
    explanation = good()
    quoted = explanation | {"ownSteps": own, "capFromQuote": True, "cap": explanation["cap"] | {"minorUnits": "2450"}}
    computed, _ = verifier.verify(quoted)
    assert (computed["unitPrice"], computed["cap"]) == (2400, 2450)
    too_high = quoted | {"cap": explanation["cap"] | {"minorUnits": "3490"}}
    assert any(item.startswith("cap says 3490, above") for item in verifier.verify(too_high)[1])


def test_a_fill_of_the_whole_campaign_is_no_facts_of_the_team() -> None:
    explanation = good() | {"fill": "1000"}
    assert any(item.startswith("fill:") for item in verifier.verify(explanation)[1])
    tallies = [{"seq": "7", "unitsOfFill": "1000"}]
    tallied = explanation | {"basis": "BASIS_CAMPAIGN_UNITS", "tallySeq": "7", "tallies": tallies}
    assert not any(item.startswith("fill:") for item in verifier.verify(tallied)[1])
    tallied["fill"] = "999"
    assert any(item.startswith("fill:") for item in verifier.verify(tallied)[1])
