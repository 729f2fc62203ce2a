"""Computes a price again from its explanation alone, and says what does not fit.

    python verifier.py EXPLANATION.json        "-" reads standard input

The explanation is an answer of Pricing.ExplainPrice in protobuf's JSON: 64-bit numbers are texts of digits there, and
what is zero, false or unset is left out. Prints the prices as they were computed here, and exits with 0 where they are
those of the explanation, 1 where something differs, 2 where the file is no explanation. Python and nothing else is
needed: this file shares no code with the engine. docs/explanations.md says its rules
in words, for other languages.
"""

import json
import sys
from pathlib import Path
from typing import Any

_GONE = {"SEAT_STANDING_RELEASED", "SEAT_STANDING_DEFAULTED"}
_WHOLE = 10_000  # basis points
_CHARGES = ("toCapture", "toKeep", "due")
_AMOUNTS = ("authorised", "paid", "toVoid", "toRefund", *_CHARGES)
_AT_THE_END = {"SETTLEMENT_CAUSE_TEAM_FORMED", "SETTLEMENT_CAUSE_TEAM_FAILED"}


class NotAnExplanationError(ValueError):
    """The data are no explanation; the message says why."""


def verify(explanation: Any) -> tuple[dict[str, Any], list[str]]:
    """Compute the prices of an explanation; returns them, and one sentence for each thing that differs.

    NotAnExplanationError where the data cannot be read.
    """
    if not isinstance(explanation, dict):
        raise NotAnExplanationError("it is no JSON object")
    if _list(explanation, "prices"):
        return _verify_team(explanation)
    if not explanation.get("seatId"):
        raise NotAnExplanationError("it names neither a seat nor prices of a team")
    return _verify_seat(explanation)


def _verify_team(explanation: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    wrong = _Differences()
    _check_fill(wrong, explanation)
    fill, computed = _number(explanation, "fill"), []
    for place, priced in enumerate(_list(explanation, "prices")):
        at, row = f"prices[{place}]", _object(priced, "row")
        _check_row(wrong, f"{at}.row", row)
        step = _step_at(row, fill)
        _check_step(wrong, at, priced, row, step)
        price = _unit_price(row, step)
        wrong.equal(f"{at}.unitPrice", _money(wrong, explanation, f"{at}.unitPrice", priced, "unitPrice"), price)
        computed.append({"sku": row.get("sku", ""), "role": row.get("role", ""), "unitPrice": price})
    return {"currency": explanation.get("currency", ""), "prices": computed}, wrong.found


def _verify_seat(explanation: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    wrong = _Differences()
    _check_fill(wrong, explanation)
    row = _object(explanation, "row")
    _check_row(wrong, "row", row)
    step = _step_at(row, _number(explanation, "fill"))
    _check_step(wrong, "", explanation, row, step)
    listed = _money(wrong, explanation, "listPrice", explanation, "listPrice")
    wrong.equal("listPrice", listed, _list_price(row))
    cap = _cap(wrong, explanation)
    price = _price_at(explanation, row, _number(explanation, "fill"))
    if cap is not None:
        price = min(price, cap)
    free = explanation.get("sponsored") is True or explanation.get("standing") in _GONE
    unit_price = 0 if free else price
    quantity = _number(explanation, "quantity")
    wrong.true("quantity", quantity >= 1, f"is {quantity}; a seat has at least one unit")
    said_price = _money(wrong, explanation, "unitPrice", explanation, "unitPrice")
    wrong.equal("unitPrice", said_price, unit_price)
    refused = _number(explanation, "refusedUnits")
    wrong.true("refusedUnits", 0 <= refused <= quantity, f"is {refused} of {quantity}")
    amount = unit_price * (quantity - refused)
    wrong.equal("amount", _money(wrong, explanation, "amount", explanation, "amount"), amount)
    _check_lines(wrong, explanation, price, cap, amount)
    computed = {"currency": explanation.get("currency", ""), "unitPrice": unit_price, "amount": amount, "cap": cap}
    return computed, wrong.found


def _check_fill(wrong: "_Differences", explanation: dict[str, Any]) -> None:
    """The fill is that of the fact that set it; a fill of the whole campaign comes from a tally instead."""
    if explanation.get("basis") == "BASIS_CAMPAIGN_UNITS":
        wrong.equal("fill", _number(explanation, "fill"), _tallied(explanation, "tallySeq"))
        return
    version = _number(explanation, "fillVersion")
    fills = [_number(fact, "fill") for fact in _list(explanation, "facts") if _number(fact, "teamVersion") == version]
    if wrong.true("facts", bool(fills), f"lack the one of version {version}, which set the fill"):
        wrong.equal("fill", _number(explanation, "fill"), fills[0])


def _check_row(wrong: "_Differences", at: str, row: dict[str, Any]) -> None:
    """Every price of a row follows from the list price and the step's discount, and is not below the floor."""
    steps = _list(row, "steps")
    thresholds = [_number(step, "threshold") for step in steps]
    if thresholds[:1] != [0] or thresholds != sorted(set(thresholds)):
        raise NotAnExplanationError(f"{at}.steps do not ascend from 0")
    floor = _number(row, "floorPrice")
    for place, step in enumerate(steps):
        price = _unit_price(row, step)
        wrong.equal(f"{at}.steps[{place}].unitPrice", _number(step, "unitPrice"), price)
        wrong.true(f"{at}.steps[{place}].unitPrice", price >= floor, f"is {price}, below the floor price of {floor}")
        wrong.true(f"{at}.steps[{place}].tier", (_number(step, "tier") > 0) == (place > 0), "is 0 for the list alone")
        wrong.true(f"{at}.steps[{place}].discount", _is_for(_object(step, "discount"), row), "is for another row")


def _is_for(discount: dict[str, Any], row: dict[str, Any]) -> bool:
    every_role = discount.get("role", "ROLE_UNSPECIFIED") == "ROLE_UNSPECIFIED"
    return discount.get("sku", "") in {"", row.get("sku")} and (every_role or discount["role"] == row.get("role"))


def _check_step(
    wrong: "_Differences", at: str, explained: dict[str, Any], row: dict[str, Any], step: dict[str, Any]
) -> None:
    """The step shown is the one that holds at the fill, and its exact price is the discount's."""
    dot = f"{at}." if at else ""
    shown, exact = _object(explained, "step"), _object(explained, "exact")
    for name in ("threshold", "unitPrice", "tier"):
        wrong.equal(f"{dot}step.{name}", _number(shown, name), _number(step, name))
    wrong.true(f"{dot}step.discount", shown.get("discount") == step.get("discount"), "is not the row's")
    numerator, denominator = _exact(row, step)
    wrong.equal(f"{dot}exact.numerator", _number(exact, "numerator"), numerator)
    wrong.equal(f"{dot}exact.denominator", _number(exact, "denominator"), denominator)
    wrong.true(f"{dot}exact.rounding", exact.get("rounding") == "ROUNDING_HALF_UP", "is not ROUNDING_HALF_UP")


def _cap(wrong: "_Differences", explanation: dict[str, Any]) -> int | None:
    """The cap is the price of its row at the fill with this seat added, or lower where a quote promised less."""
    if "cap" not in explanation:
        return None
    said, row = _money(wrong, explanation, "cap", explanation, "cap"), _object(explanation, "capRow")
    _check_row(wrong, "capRow", row)
    wrong.true("capRow.sku", row.get("sku") == _object(explanation, "row").get("sku"), "is another item")
    # an item has one list price, whoever takes it; a ladder of fixed prices would not show another one
    wrong.equal("capRow.steps[0].unitPrice", _list_price(row), _list_price(_object(explanation, "row")))
    price = _price_at(explanation, row, _number(explanation, "capFill"))
    if explanation.get("capFromQuote") is True:
        wrong.true("cap", 0 <= said <= price, f"says {said}, above the price of {price} at its fill")
    else:
        wrong.equal("cap", said, price)
    _check_cap_fill(wrong, explanation)
    return said


def _check_cap_fill(wrong: "_Differences", explanation: dict[str, Any]) -> None:
    """The cap was read at the fill after the seat was held, with this seat added as it was then.

    Who took a place of a formed team from the waitlist never held one: its cap is the final price.
    """
    own = [fact for fact in _list(explanation, "facts") if fact.get("ofSeat") is True]
    held = _named(own, "SeatHeld")
    if not held and _named(own, "SeatWaitlisted") and _named(own, "SeatConfirmed"):
        wrong.equal("capFill", _number(explanation, "capFill"), _number(explanation, "fill"))
        return
    if not wrong.true("facts", bool(held), "lack the SeatHeld that the cap is from"):
        return
    since = _number(held[-1], "teamVersion")
    given_back = sum(_number(fact, "unitsBack") for fact in own if _number(fact, "teamVersion") > since)
    units = _number(explanation, "quantity") + given_back
    added = 1 if explanation.get("basis") == "BASIS_TEAM_MEMBERS" else units
    of_campaign = explanation.get("basis") == "BASIS_CAMPAIGN_UNITS"
    before = _tallied(explanation, "capTallySeq") if of_campaign else _number(held[-1], "fill")
    wrong.equal("capFill", _number(explanation, "capFill"), before + added)


def _named(facts: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [fact for fact in facts if str(fact.get("fact", "")).endswith("." + name)]


def _tallied(explanation: dict[str, Any], name: str) -> int:
    """What the tally named counted: units that fill the ladder of the whole campaign; nothing before its first."""
    seq = _number(explanation, name)
    found = [tally for tally in _list(explanation, "tallies") if _number(tally, "seq") == seq]
    if seq and not found:
        raise NotAnExplanationError(f"tallies lacks the one that {name} names")
    return _number(found[0], "unitsOfFill") if seq else 0


def _check_lines(wrong: "_Differences", explanation: dict[str, Any], price: int, cap: int | None, amount: int) -> None:
    """Every line balances, and all together charge what the seat owes, as soon as that is final."""
    lines = _list(explanation, "lines")
    charged = 0
    for place, line in enumerate(lines):
        charged += _check_line(wrong, f"lines[{place}]", explanation, line, price, cap)
    if len({line.get("lineId") for line in lines}) < len(lines):
        wrong.found.append("lines: one is there twice")
    if explanation.get("linesComplete") is True and explanation.get("standing") != "SEAT_STANDING_HELD":
        wrong.equal("lines: what they charge", charged, amount if explanation.get("final") is True else 0)


def _check_line(
    wrong: "_Differences",
    at: str,
    explanation: dict[str, Any],
    line: dict[str, Any],
    price: int,
    cap: int | None,
) -> int:
    money = {name: _money(wrong, explanation, f"{at}.{name}", line, name) for name in _AMOUNTS}
    units = _number(line, "quantity")
    charged = sum(money[name] for name in _CHARGES)
    wrong.equal(f"{at}.authorised", money["authorised"], money["toCapture"] + money["toVoid"])
    wrong.equal(f"{at}.paid", money["paid"], money["toKeep"] + money["toRefund"])
    charges = line.get("cause") == "SETTLEMENT_CAUSE_TEAM_FORMED" or units <= 0
    unit_price = _money(wrong, explanation, f"{at}.unitPrice", line, "unitPrice")
    wrong.equal(f"{at}.unitPrice", unit_price, price if charges else 0)
    wrong.equal(f"{at}: what it charges", charged, unit_price * units)
    wrong.equal(f"{at}.cap", _money(wrong, explanation, f"{at}.cap", line, "cap"), cap or 0)
    wrong.true(f"{at}.quantity", units != 0 or _number(explanation, "refusedUnits") > 0, "is 0")
    wrong.true(f"{at}.seatId", line.get("seatId") == explanation.get("seatId"), "is another seat")
    if line.get("cause") in _AT_THE_END:
        brought = money["authorised"] + money["paid"]
        wrong.true(f"{at}", brought in {0, (cap or 0) * units}, f"brought {brought}, not cap times quantity")
    if units > 0:
        wrong.true(f"{at}", min(money.values()) >= 0, "has an amount below zero")
    else:
        wrong.equal(f"{at}.authorised", money["authorised"], 0)
    return charged


def _price_at(explanation: dict[str, Any], row: dict[str, Any], fill: int) -> int:
    """The unit price at a fill: by the seat's own steps where a quote gave it some, else by the row's."""
    own = _list(explanation, "ownSteps")
    if own:
        return _number(_step_at({"steps": own}, fill), "unitPrice")
    return _unit_price(row, _step_at(row, fill))


def _step_at(row: dict[str, Any], fill: int) -> dict[str, Any]:
    """The step with the greatest threshold that the fill has reached."""
    reached = [step for step in _list(row, "steps") if _number(step, "threshold") <= fill]
    if not reached:
        raise NotAnExplanationError(f"no step holds at the fill {fill}")
    return max(reached, key=lambda step: _number(step, "threshold"))


def _list_price(row: dict[str, Any]) -> int:
    return _number(_step_at(row, 0), "unitPrice")


def _unit_price(row: dict[str, Any], step: dict[str, Any]) -> int:
    """Round the exact price half up: the floor of it plus one half."""
    numerator, denominator = _exact(row, step)
    return (2 * numerator + denominator) // (2 * denominator)


def _exact(row: dict[str, Any], step: dict[str, Any]) -> tuple[int, int]:
    """The price before rounding, as numerator and denominator: the list price less the step's discount."""
    listed, discount = _list_price(row), _object(step, "discount")
    if "fixedPrice" in discount:
        return _number(discount, "fixedPrice"), 1
    if "amountOff" in discount:
        return listed - _number(discount, "amountOff"), 1
    if "basisPointsOff" in discount:
        return listed * (_WHOLE - _number(discount, "basisPointsOff")), _WHOLE
    if _number(step, "threshold"):
        raise NotAnExplanationError("a step above 0 has no discount")
    return listed, 1


class _Differences:
    """Collects what differs."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def equal(self, at: str, said: int, computed: int) -> None:
        """Compare a number of the explanation with the one computed."""
        if said != computed:
            self.found.append(f"{at}: the explanation says {said}, computed is {computed}")

    def true(self, at: str, holds: bool, otherwise: str) -> bool:  # noqa: FBT001 - what is checked
        """Note a sentence where something does not hold; gives back whether it does."""
        if not holds:
            self.found.append(f"{at} {otherwise}")
        return holds


def _money(wrong: _Differences, explanation: dict[str, Any], at: str, of: dict[str, Any], name: str) -> int:
    """Read an amount in minor units; its currency must be the explanation's."""
    money = _object(of, name)
    currency = explanation.get("currency", "")
    wrong.true(f"{at}.currency", money.get("currency", "") == currency, f"is not {currency}")
    return _number(money, "minorUnits")


def _number(of: dict[str, Any], name: str) -> int:
    """Read a whole number; 64-bit ones are texts in protobuf's JSON, and zero is left out."""
    value = of.get(name, 0)
    if isinstance(value, str) and value.lstrip("-").isdecimal() and value.isascii():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise NotAnExplanationError(f"{name} is no whole number: {value!r}")


def _object(of: dict[str, Any], name: str) -> dict[str, Any]:
    value = of.get(name, {})
    if not isinstance(value, dict):
        raise NotAnExplanationError(f"{name} is no object")
    return value


def _list(of: dict[str, Any], name: str) -> list[dict[str, Any]]:
    value = of.get(name, [])
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise NotAnExplanationError(f"{name} is no list of objects")
    return value


def main(arguments: list[str]) -> int:
    """Verify the file that the arguments name; gives the exit code."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python verifier.py EXPLANATION.json\n")
        return 2
    name = arguments[0]
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
        computed, differences = verify(json.loads(text))
    except (OSError, ValueError) as problem:
        sys.stderr.write(f"{name} is no explanation: {problem}\n")
        return 2
    sys.stdout.write(json.dumps(computed) + "\n")
    sys.stderr.writelines(f"differs: {difference}\n" for difference in differences)
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
