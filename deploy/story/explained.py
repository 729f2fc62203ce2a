"""Writes an explanation as text: the sentence, then the numbers it rests on."""

from collections.abc import Iterator
from typing import Any

from deploy.story.words import amount, at, fact_name, minor, units, word


def explanation_lines(explained: Any) -> Iterator[str]:
    """Write an answer of ExplainPrice, line by line."""
    yield explained.sentence
    yield ""
    if explained.prices:
        yield from _of_team(explained)
    else:
        yield from _of_seat(explained)
    yield "facts"
    for fact in explained.facts:
        yield (
            f"  version {fact.team_version:<4} {at(fact.occurred_at)}  {fact_name(fact.fact):<16}"
            f" fill {fact.fill:<4} event {fact.event_id}"
        )
    if explained.lines:
        yield "settlement"
        yield from (f"  {line_text(line)}" for line in explained.lines)


def line_text(line: Any) -> str:
    """Write a settlement line: the cause, what is charged, and every amount that is not zero."""
    names = ("authorised", "paid", "to_capture", "to_void", "to_keep", "to_refund", "due")
    moved = [f"{name.replace('_', ' ')} {amount(getattr(line, name))}" for name in names if _is_some(line, name)]
    charged = f"{units(line.quantity)} at {amount(line.unit_price)}"
    return f"{word(line, 'cause')}: {charged}" + (f"; {', '.join(moved)}" if moved else "; nothing moves")


def _is_some(line: Any, name: str) -> bool:
    return bool(getattr(line, name).minor_units)


def _of_seat(explained: Any) -> Iterator[str]:
    currency = explained.currency
    yield f"seat        {explained.seat_id}"
    standing = "sponsored" if explained.sponsored else word(explained, "standing")
    yield f"            {standing}, {word(explained, 'role')}, {units(explained.quantity)} of {explained.row.sku}"
    yield f"list price  {amount(explained.list_price)}"
    yield f"fill        {explained.fill} {word(explained, 'basis')}, set by version {explained.fill_version}"
    yield f"step        {_step(explained)}"
    if explained.HasField("cap"):
        read = f"read at fill {explained.cap_fill}"
        other = explained.cap_row.role != explained.row.role
        yield f"cap         {amount(explained.cap)}, {read}{' in the row of another role' if other else ''}"
    yield (
        f"price       {amount(explained.unit_price)} x {explained.quantity - explained.refused_units}"
        f" = {amount(explained.amount)}" + (", final" if explained.final else ", not final yet")
    )
    steps = ", ".join(f"from {step.threshold} {minor(step.unit_price, currency)}" for step in explained.row.steps)
    yield f"price row   {steps}"


def _of_team(explained: Any) -> Iterator[str]:
    yield f"team        {explained.team_id} at version {explained.team_version}"
    yield f"fill        {explained.fill} {word(explained, 'basis')}, set by version {explained.fill_version}"
    for priced in explained.prices:
        yield f"{priced.row.sku}, {word(priced.row, 'role')}: {amount(priced.unit_price)}; {_step(priced)}"


def _step(priced: Any) -> str:
    """The step that holds, and how its price was rounded."""
    exact, where = priced.exact, f"tier {priced.step.tier}, from {priced.step.threshold} on"
    if not priced.step.tier:
        return "the list price, below the first tier"
    if exact.denominator == 1:
        return f"{where}: {exact.numerator} minor units, nothing to round"
    return f"{where}: {exact.numerator}/{exact.denominator} minor units, rounded half up to {priced.step.unit_price}"
