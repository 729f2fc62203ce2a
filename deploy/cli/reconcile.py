"""groupbuy reconcile: compare a shop's own books with the settlement lines, order by order."""

import csv
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import click
import grpc
from groupbuy.pricing.v1 import events_pb2, pricing_service_pb2, settlements_pb2

from deploy.cli.settlements import SECONDS, pricing, read_settlements
from deploy.cli.stack import data_option
from deploy.local.answers import code_of
from deploy.local.errors import LocalError

_NEEDED = ("seat_id", "amount", "currency")
_LARGEST = 2**63


@dataclass(frozen=True)
class Order:
    """What a shop has of a seat in the end, by its own books; minor units."""

    amount: int
    currency: str


@dataclass
class Books:
    """What pricing says: what each seat owes in the end, and the lines that nobody reported in time."""

    owed: dict[str, Order] = field(default_factory=dict)
    unreported: list[str] = field(default_factory=list)


@click.command()
@click.option(
    "--orders",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A .csv or .jsonl file with seat_id, amount (minor units that the shop has in the end) and currency.",
)
@click.option(
    "--hours",
    type=click.FloatRange(min=0),
    default=24.0,
    show_default=True,
    help="After so many hours a line must have been reported.",
)
@data_option
def reconcile(orders: Path, hours: float, data: Path) -> None:
    """Compare the shop's books with the settlement lines; exit code 1 if anything differs.

    Several rows of one seat are added up, refunds below zero. Orders of teams that are open yet have no lines: they are
    counted and left out.
    """
    theirs = read_orders(orders)
    before = datetime.now(UTC) - timedelta(hours=hours)
    with pricing(data) as (stub, metadata):
        ours = books(read_settlements(stub, metadata, settlements_pb2.ListSettlementsRequest()), before)

        def is_open(seat_id: str) -> bool:
            try:
                request = pricing_service_pb2.ExplainPriceRequest(seat_id=seat_id)
                return not stub.ExplainPrice(request, metadata=metadata, timeout=SECONDS).final
            except grpc.RpcError as error:
                if code_of(error) is grpc.StatusCode.NOT_FOUND:
                    return False
                raise

        found = list(differences(theirs, ours, is_open))
    for sentence in found:
        click.echo(sentence)
    click.echo(f"{len(theirs)} orders there, {len(ours.owed)} settled here: {len(found) or 'no'} differences")
    sys.exit(1 if found else 0)


def books(found: Iterable[settlements_pb2.Settlement], before: datetime) -> Books:
    """Add up what each seat owes, and find the lines of before a time that are not done."""
    result = Books()
    for item in found:
        line = item.line
        charged = line.to_capture.minor_units + line.to_keep.minor_units + line.due.minor_units
        known = result.owed.get(line.seat_id, Order(0, line.unit_price.currency))
        result.owed[line.seat_id] = Order(known.amount + charged, known.currency)
        if item.state != events_pb2.LINE_STATE_DONE and item.occurred_at.ToDatetime(tzinfo=UTC) < before:
            state = events_pb2.LineState.Name(item.state).removeprefix("LINE_STATE_")
            result.unreported.append(f"not reported: line {line.line_id} of {line.seat_id} is {state}")
    return result


def differences(theirs: Mapping[str, Order], ours: Books, is_open: Callable[[str], bool]) -> Iterator[str]:
    """Say what differs, one sentence each."""
    for seat_id, order in theirs.items():
        owed = ours.owed.get(seat_id)
        if owed is None:
            if order.amount and not is_open(seat_id):
                yield f"there and not here: {seat_id} has {order.amount} {order.currency} there"
        elif owed != order and (owed.amount or order.amount):
            yield (
                f"other amounts: {seat_id} has {order.amount} {order.currency} there,"
                f" owes {owed.amount} {owed.currency} here"
            )
    for seat_id, owed in ours.owed.items():
        if owed.amount and seat_id not in theirs:
            yield f"here and not there: {seat_id} owes {owed.amount} {owed.currency} here"
    yield from ours.unreported


def read_orders(path: Path) -> dict[str, Order]:
    """Read a shop's books, the rows of a seat added up; LocalError names the line that cannot be read."""
    readers = {".csv": _csv_rows, ".jsonl": _json_rows}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise LocalError(f"{path.name} is neither .csv nor .jsonl.", "Name the file by what it holds.")
    orders: dict[str, Order] = {}
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise LocalError(f"{path.name} is not UTF-8.", "Save it as UTF-8.") from None
    for number, values in reader(text, path.name):
        seat_id, order = _order(values, path.name, number)
        known = orders.get(seat_id, Order(0, order.currency))
        if known.currency != order.currency:
            raise _unreadable(path.name, number, f"{seat_id} has {known.currency} in an earlier row")
        orders[seat_id] = Order(known.amount + order.amount, order.currency)
    return orders


def _csv_rows(text: str, name: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    reader = csv.DictReader(StringIO(text, newline=""))
    try:
        missing = [column for column in _NEEDED if column not in (reader.fieldnames or ())]
        if missing:
            names = ", ".join(_NEEDED)
            raise LocalError(f"{name} has no column {', '.join(missing)}.", f"Its first line names: {names}.")
        for values in reader:
            yield reader.line_num, values
    except csv.Error as error:
        raise _unreadable(name, reader.line_num, f"it is no CSV ({error})") from None


def _json_rows(text: str, name: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            values = json.loads(line)
        except (ValueError, RecursionError):
            raise _unreadable(name, number, "it is no JSON") from None
        if not isinstance(values, dict):
            raise _unreadable(name, number, "it is no JSON object")
        yield number, values


def _order(values: Mapping[str, object], name: str, number: int) -> tuple[str, Order]:
    seat_id, amount, currency = (values.get(column) for column in _NEEDED)
    if not isinstance(seat_id, str) or not seat_id:
        raise _unreadable(name, number, "seat_id is missing")
    if not isinstance(currency, str) or not currency:
        raise _unreadable(name, number, "currency is missing")
    return seat_id, Order(_minor_units(amount, name, number), currency)


def _minor_units(amount: object, name: str, number: int) -> int:
    text = amount.strip() if isinstance(amount, str) else amount
    digits = text.removeprefix("-") if isinstance(text, str) else ""
    if isinstance(text, str) and digits.isascii() and digits.isdecimal() and len(digits) < len(str(_LARGEST)):
        return int(text)
    if isinstance(text, int) and not isinstance(text, bool) and abs(text) < _LARGEST:
        return text
    raise _unreadable(name, number, "amount must be a whole number of minor units, such as 2990 for 29.90 EUR")


def _unreadable(name: str, number: int, why: str) -> LocalError:
    return LocalError(f"{name}, line {number}: {why}.", f"Each row has {', '.join(_NEEDED)}.")
