"""groupbuy settlements export and groupbuy reconcile, against pricing's own server."""

import asyncio
import csv
import json
from io import StringIO
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from groupbuy.money.v1.money_pb2 import Money
from groupbuy.pricing.v1 import events_pb2, settlements_pb2

from deploy.cli.reconcile import reconcile
from deploy.cli.settlements import COLUMNS, settlements
from tests.integration.pricing.test_rpc import Api, api, bearer
from tests.integration.pricing.test_settlement_stream import a_formed_life
from tests.support.pricing import PricingService
from tests.support.teams import PREPAID, TeamLife

__all__ = ["api"]


class Shop:
    """Runs commands with a shop's key."""

    def __init__(self, port_of: Api, folder: Path) -> None:
        self.folder = folder
        self.environment = {"GROUPBUY_PRICING": port_of.address, "GROUPBUY_PLATFORM_KEY": "gbk_acme_secret"}

    async def export(self, *arguments: str) -> Result:
        return await self._run(settlements, ["export", *arguments])

    async def reconcile(self, orders: dict[str, int], *arguments: str) -> Result:
        path = self.folder / "orders.csv"
        rows = [f"{seat_id},{amount},EUR" for seat_id, amount in orders.items()]
        path.write_text("\n".join(["seat_id,amount,currency", *rows]), encoding="utf-8")
        return await self._run(reconcile, ["--orders", str(path), *arguments])

    async def _run(self, command: object, arguments: list[str]) -> Result:
        everything = [*arguments, "--data", str(self.folder)]
        return await asyncio.to_thread(CliRunner(env=self.environment).invoke, command, everything)  # type: ignore[arg-type]


@pytest.fixture
def shop(api: Api, tmp_path: Path) -> Shop:
    return Shop(api, tmp_path)


async def test_lines_are_exported_as_csv_and_json_lines(shop: Shop, api: Api, pricing: PricingService) -> None:
    life = a_formed_life(api.acme)
    await pricing.apply([*life.records, *a_formed_life(api.rival).records])
    told = [event.settlement_line_recorded.line for event in await pricing.settled()]
    ours = [line for line in told if line.seat_id in {life.seat(f"m{n}").seat_id for n in range(3)}]
    as_csv = await shop.export()
    rows = list(csv.DictReader(StringIO(as_csv.stdout)))
    assert (as_csv.exit_code, list(rows[0])) == (0, list(COLUMNS))
    assert [(row["line_id"], row["to_keep"], row["currency"]) for row in rows] == [
        (line.line_id, str(line.to_keep.minor_units), "EUR") for line in ours
    ]
    back = next(line for line in ours if line.to_refund.minor_units)
    report = settlements_pb2.LineReport(
        line_id=back.line_id,
        kind=events_pb2.REPORT_KIND_REFUNDED,
        amount=Money(minor_units=back.to_refund.minor_units, currency="EUR"),
        reference="re-1",
    )
    request = settlements_pb2.ReportSettlementRequest(request_id="r", reports=[report])
    await api.public.ReportSettlement(request, metadata=bearer("gbk_acme_secret"))
    as_json = await shop.export("--format", "jsonl", "--state", "done", "--merchant", "orchard")
    found = {item["line_id"]: item for item in map(json.loads, as_json.stdout.splitlines())}
    assert found[back.line_id]["state"] == "DONE"
    assert [item["reference"] for item in found[back.line_id]["reports"]] == ["re-1"]


async def test_books_that_agree_and_books_that_do_not(shop: Shop, api: Api, pricing: PricingService) -> None:
    life = a_formed_life(api.acme)
    still_open = TeamLife(payment_mode=PREPAID, platform=api.acme)
    still_open.open("eva")
    still_open.confirm("eva")
    await pricing.apply([*life.records, *still_open.records])
    told = [event.settlement_line_recorded.line for event in await pricing.settled()]
    orders = {line.seat_id: line.to_keep.minor_units for line in told} | {still_open.seat("eva").seat_id: 3990}
    agree = await shop.reconcile(orders, "--hours", "1000000")
    assert (agree.exit_code, agree.stdout) == (0, "4 orders there, 3 settled here: no differences\n")
    first, second = told[0].seat_id, told[1].seat_id
    differ = await shop.reconcile(orders | {first: 1, "seat_x": 7, second: 0}, "--hours", "1000000")
    assert differ.exit_code == 1
    assert f"other amounts: {first} has 1 EUR there" in differ.stdout
    assert "there and not here: seat_x has 7 EUR there" in differ.stdout
    del orders[second]
    missing = await shop.reconcile(orders, "--hours", "0")
    assert f"here and not there: {second} owes" in missing.stdout
    assert "not reported: line " in missing.stdout


async def test_a_wrong_key_is_said_with_its_remedy(shop: Shop) -> None:
    shop.environment["GROUPBUY_PLATFORM_KEY"] = "gbk_acme_wrong"
    refused = await shop.export()
    assert refused.exit_code == 1
    assert "GROUPBUY_PLATFORM_KEY" in str(refused.exception)
