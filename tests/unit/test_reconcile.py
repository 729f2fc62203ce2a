"""groupbuy reconcile: what differs between a shop's books and ours, and files that cannot be read."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from groupbuy.money.v1.money_pb2 import Money
from groupbuy.pricing.v1 import events_pb2, settlements_pb2

from deploy.cli.reconcile import Order, books, differences, read_orders
from deploy.local.errors import LocalError

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def settled(
    seat_id: str, kept: int, *, state: str = "DONE", age: timedelta = timedelta(), currency: str = "EUR"
) -> settlements_pb2.Settlement:
    item = settlements_pb2.Settlement(state=events_pb2.LineState.Value(f"LINE_STATE_{state}"))
    item.line.seat_id, item.line.line_id = seat_id, f"line-of-{seat_id}"
    item.line.unit_price.currency = currency
    item.line.to_keep.CopyFrom(Money(minor_units=kept, currency=currency))
    item.occurred_at.FromDatetime(NOW - age)
    return item


def test_every_kind_of_difference_is_said() -> None:
    found = [
        settled("same", 2990),
        settled("other", 2990),
        settled("missing", 2990),
        settled("gone", 2990),
        settled("gone", -2990),
        settled("slow", 0, state="OPEN", age=timedelta(hours=30)),
        settled("young", 0, state="OPEN", age=timedelta(hours=3)),
        settled("yen", 2990, currency="JPY"),
    ]
    theirs = {
        "same": Order(2990, "EUR"),
        "other": Order(3990, "EUR"),
        "unknown": Order(10, "EUR"),
        "open": Order(3990, "EUR"),
        "refunded": Order(0, "EUR"),
        "yen": Order(2990, "EUR"),
    }
    ours = books(found, NOW - timedelta(hours=24))
    assert list(differences(theirs, ours, lambda seat_id: seat_id == "open")) == [
        "other amounts: other has 3990 EUR there, owes 2990 EUR here",
        "there and not here: unknown has 10 EUR there",
        "other amounts: yen has 2990 EUR there, owes 2990 JPY here",
        "here and not there: missing owes 2990 EUR here",
        "not reported: line line-of-slow of slow is OPEN",
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "seat_id,amount,currency,note\nx,2990,EUR,ok\ny,5,EUR,\nx,-90,EUR,refund\n"),
        ("a.csv", '\ufeffseat_id,amount,currency\r\nx,"2900",EUR\r\ny,5,EUR\r\n'),
        (
            "a.jsonl",
            '{"seat_id": "x", "amount": 2900, "currency": "EUR"}\n\n{"seat_id":"y","amount":"5","currency":"EUR"}',
        ),
    ],
)
def test_rows_of_a_seat_are_added_up(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    assert read_orders(path) == {"x": Order(2900, "EUR"), "y": Order(5, "EUR")}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.xls", b"", "neither .csv nor .jsonl"),
        ("a.csv", b"", "no column seat_id, amount, currency"),
        ("a.csv", b"seat_id,amount\nx,1\n", "no column currency"),
        ("a.csv", b"seat_id,amount,currency\nx,29.90,EUR\n", "line 2: amount"),
        ("a.csv", b"seat_id,amount,currency\nx,99999999999999999999,EUR\n", "line 2: amount"),
        ("a.csv", b"seat_id,amount,currency\nx\n", "line 2: currency is missing"),
        ("a.csv", b"seat_id,amount,currency\nx,1,EUR\nx,1,USD\n", "line 3: x has EUR"),
        ("a.csv", b"\xff\xfe", "not UTF-8"),
        ("a.csv", b"seat_id,amount,currency\n" + b"x" * 200_000, "no CSV"),
        ("a.jsonl", b'{"seat_id": ', "line 1: it is no JSON"),
        ("a.jsonl", b"[" * 100_000, "line 1: it is no JSON"),
        ("a.jsonl", b"[]", "line 1: it is no JSON object"),
        ("a.jsonl", b'{"seat_id": "x", "amount": 1.5, "currency": "EUR"}', "line 1: amount"),
        ("a.jsonl", b'{"seat_id": "x", "amount": true, "currency": "EUR"}', "line 1: amount"),
        ("a.jsonl", b'{"seat_id": 7, "amount": 1, "currency": "EUR"}', "line 1: seat_id"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_by_line(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(LocalError) as caught:
        read_orders(path)
    assert said in str(caught.value)
