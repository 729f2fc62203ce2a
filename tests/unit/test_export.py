"""groupbuy settlements export: what promoters and leaders earn."""

import io
import json

from groupbuy.money.v1.money_pb2 import Money
from groupbuy.pricing.v1 import events_pb2, settlements_pb2

from deploy.cli.settlements import write_earnings

REWARD = settlements_pb2.BeneficiaryLine(
    row_id="row",
    beneficiary_id="tom, the first",
    line_id="line",
    seat_id="seat",
    merchant_id="merchant-7",
    cause=events_pb2.SETTLEMENT_CAUSE_SEAT_WITHDRAWN,
    quantity=-2,
    unit_price=Money(minor_units=2990, currency="EUR"),
    amount=Money(minor_units=-500, currency="EUR"),
    kind=settlements_pb2.BENEFICIARY_KIND_LEADER_REWARD,
)


def test_what_is_earned_is_written_as_csv() -> None:
    written = io.StringIO(newline="")
    write_earnings(written, "csv", iter([REWARD]))
    header, row = written.getvalue().splitlines()
    assert header.startswith("row_id,kind,beneficiary_id,line_id,")
    assert row.startswith('row,LEADER_REWARD,"tom, the first",line,seat,merchant-7,')
    assert row.endswith(",SEAT_WITHDRAWN,-2,EUR,2990,0,-500")


def test_what_is_earned_is_written_as_json_lines() -> None:
    written = io.StringIO()
    write_earnings(written, "jsonl", iter([REWARD, REWARD]))
    first, second = map(json.loads, written.getvalue().splitlines())
    assert first == second
    assert (first["kind"], first["amount"], first["currency"]) == ("LEADER_REWARD", -500, "EUR")
