"""Writes tests/vectors anew: explanations for verifiers in other languages, by the real domain.

    PYTHONPATH=.:gen python -m tests.support.vectors

Ids are random, so run it only where explanations carry something new.
"""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from groupbuy.team_formation.v1 import types_pb2

from deploy.verify.verifier import verify
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
)
from tests.support.explaining import Explained
from tests.support.pricing_lives import FullLife
from tests.support.teams import COMMIT, HOLD, PAY_ON_DELIVERY, PREPAID

FOLDER = Path(__file__).parents[1] / "vectors"

Json: TypeAlias = dict[str, Any]


def a_life(
    mode: types_pb2.PaymentMode.ValueType, currency: str = "EUR", basis: Basis = Basis.TEAM_MEMBERS, listed: int = 3990
) -> FullLife:
    """Open a team of three kinds of discount; its leader pays less."""
    tiers = (
        Tier(2, (Discount(DiscountKind.AMOUNT_OFF, 500),)),
        Tier(
            3,
            (
                Discount(DiscountKind.BASIS_POINTS_OFF, 2725),
                Discount(DiscountKind.BASIS_POINTS_OFF, 3001, role=Role.LEADER),
            ),
        ),
        Tier(5, (Discount(DiscountKind.FIXED_PRICE, 1990),)),
    )
    table = compile_ladder(currency, [ListPrice("mango", listed)], Ladder(basis, tiers), 1)
    assert isinstance(table, PriceTable), table
    return FullLife(table=translate.price_table(table), payment_mode=mode, maximum=100)


def a_formed_team(mode: types_pb2.PaymentMode.ValueType) -> FullLife:
    """Three join and the team forms."""
    life = a_life(mode)
    life.open("mei")
    life.confirm("mei")
    life.join("tom", quantity=2)
    life.join("ann")
    life.form()
    return life


def explained(life: FullLife, member: str) -> Json:
    """Explain the seat of a member."""
    found = ids.parse("seat", life.seat(member).seat_id, 2) or ()
    return dict(Explained().play(life).of_seats())[found[1]]


def _open_team() -> Json:
    life = a_life(COMMIT)
    life.open("mei")
    life.confirm("mei")
    life.join("tom")
    life.join("ann")
    life.leave("ann")
    return explained(life, "tom")


def _cap_protects() -> Json:
    life = a_life(PREPAID)
    life.open("mei")
    life.confirm("mei")
    life.join("tom")
    life.join("ann", quantity=3)
    life.leave("tom")
    life.form()
    return explained(life, "ann")


def _reduced_after_forming() -> Json:
    life = a_formed_team(HOLD)
    life.reduce("tom", 1)
    return explained(life, "tom")


def _late_payment() -> Json:
    life = a_formed_team(PREPAID)
    life.late("tom", "pay-again")
    return explained(life, "tom")


def _units() -> Json:
    life = a_life(PAY_ON_DELIVERY, "KWD", Basis.TEAM_UNITS, 10_000_001)
    life.open("mei", quantity=2)
    life.confirm("mei")
    life.join("tom", quantity=3)
    life.reduce("tom", 2)
    return explained(life, "tom")


def _failed() -> Json:
    life = a_life(PREPAID, "JPY")
    life.open("mei")
    life.confirm("mei")
    life.fail()
    return explained(life, "mei")


def _defaulted() -> Json:
    life = a_formed_team(PREPAID)
    life.default("ann")
    return explained(life, "ann")


def _waiting() -> Json:
    life = a_life(HOLD)
    life.open("mei")
    life.confirm("mei")
    life.wait("tom", quantity=2)
    return explained(life, "tom")


def _sponsored() -> Json:
    life = a_life(HOLD)
    life.open("mei")
    life.confirm("mei")
    life.sponsor("place")
    return explained(life, "place")


GOOD: dict[str, tuple[str, Callable[[], Json]]] = {
    "open-commit": ("a confirmed seat of an open team, after somebody left", _open_team),
    "formed-prepaid": ("a formed team; the difference goes back", lambda: explained(a_formed_team(PREPAID), "tom")),
    "formed-leader": ("the leader's own row, rounded half up", lambda: explained(a_formed_team(COMMIT), "mei")),
    "formed-cap": ("the price rose, and the cap protects", _cap_protects),
    "formed-reduced": ("a line takes back what was charged for a unit", _reduced_after_forming),
    "formed-paid-again": ("a second payment goes back by a line of its own", _late_payment),
    "open-units": ("units fill the ladder; part of the seat was given back; three decimals", _units),
    "failed-yen": ("a failed team: all goes back; no decimals", _failed),
    "defaulted": ("the money did not come: nothing is charged any more", _defaulted),
    "waiting": ("a seat that waits for room has no cap yet", _waiting),
    "sponsored": ("a place of the platform's pays nothing", _sponsored),
    "team-version": ("every item and role of a team at an old version", lambda: _team(a_formed_team(HOLD))),
}


def _team(life: FullLife) -> Json:
    return Explained().play(life).of_team(5)


TAMPERED: dict[str, tuple[str, str, Callable[[Json], None]]] = {
    "tampered-amount": ("formed-prepaid", "one cent more", lambda of: _more(of["amount"], 1)),
    "tampered-rounding": (
        "formed-leader",
        "rounded up instead of half up",
        lambda of: _more(of["step"], 1, "unitPrice"),
    ),
    "tampered-cap": ("formed-cap", "a higher cap", lambda of: _more(of["cap"], 100)),
    "tampered-fill": ("open-commit", "a lower fill than the facts say", lambda of: of.update(fill="1")),
    "tampered-discount": (
        "open-units",
        "another discount",
        lambda of: of["row"]["steps"][1]["discount"].update(amountOff="400"),
    ),
    "tampered-line": ("formed-prepaid", "less goes back", lambda of: _more(of["lines"][0]["toRefund"], -1)),
    "tampered-lines": ("formed-reduced", "a line is missing", lambda of: of["lines"].pop()),
    "tampered-team": ("team-version", "another price", lambda of: _more(of["prices"][1]["unitPrice"], 1)),
}


def _more(of: Json, by: int, name: str = "minorUnits") -> None:
    of[name] = str(int(of[name]) + by)


def write() -> None:
    """Write every vector; what is computed and what differs is told by the verifier, and to be read by us."""
    made = {name: (about, make()) for name, (about, make) in GOOD.items()}
    for name, (about, explanation) in made.items():
        computed, differences = verify(explanation)
        assert not differences, (name, differences)
        _write(name, {"about": about, "explanation": explanation, "computed": computed})
    for name, (of, about, tamper) in TAMPERED.items():
        explanation = copy.deepcopy(made[of][1])
        tamper(explanation)
        differs = [item.split(":")[0].split(" ")[0] for item in verify(explanation)[1]]
        assert differs, name
        _write(name, {"about": f"{of}, {about}", "explanation": explanation, "differs": differs})


def _write(name: str, vector: Json) -> None:
    text = json.dumps(vector, indent=2, ensure_ascii=False) + "\n"
    (FOLDER / f"{name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
