"""groupbuy settlements: write every settlement line of a platform as CSV or JSON lines."""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import click
import grpc
from groupbuy.pricing.v1 import events_pb2, settlements_pb2
from groupbuy.pricing.v1.pricing_service_pb2_grpc import PricingStub

from deploy.channels import open_channel
from deploy.cli.installation import KEY_REMEDY, find_installation
from deploy.cli.stack import data_option
from deploy.local.answers import in_words

SECONDS = 30.0
_PAGE = 1_000
_AMOUNTS = ("cap", "unit_price", "authorised", "paid", "to_capture", "to_void", "to_keep", "to_refund", "due")
_STATES = {name.removeprefix("LINE_STATE_").lower(): name for name in events_pb2.LineState.keys()[1:]}
COLUMNS = (
    "line_id",
    "campaign_id",
    "team_id",
    "sequence",
    "seat_id",
    "member_id",
    "merchant_id",
    "occurred_at",
    "cause",
    "sku",
    "quantity",
    "currency",
    *_AMOUNTS,
    "payment_reference",
    "state",
    "updated_at",
)
"""The columns of an export, in order; amounts are minor units of `currency`."""
EARNED_COLUMNS = (
    "row_id",
    "kind",
    "beneficiary_id",
    "line_id",
    "seat_id",
    "merchant_id",
    "occurred_at",
    "cause",
    "quantity",
    "currency",
    "unit_price",
    "commission_basis_points",
    "amount",
)
"""The columns of what promoters and leaders earn."""


@click.group()
def settlements() -> None:
    """Read the settlements of a platform.

    Talks to GROUPBUY_PRICING with GROUPBUY_PLATFORM_KEY, or to the stack that runs on the data directory.
    """


@settlements.command(short_help="Write every settlement line, or what is earned, as CSV or JSON lines.")
@click.option("--format", "kind", type=click.Choice(["csv", "jsonl"]), default="csv", show_default=True)
@click.option(
    "--output", type=click.File("w", encoding="utf-8", lazy=True), default="-", help="A file; - is standard output."
)
@click.option("--campaign", default="", help="Only of this campaign, by its id.")
@click.option("--merchant", default="", help="Only of this merchant.")
@click.option("--state", type=click.Choice(list(_STATES)), help="Only lines in this state.")
@click.option("--earnings", is_flag=True, help="Write what promoters and leaders earn instead; not with --state.")
@data_option
def export(
    kind: str, output: TextIO, campaign: str, merchant: str, state: str | None, data: Path, *, earnings: bool
) -> None:
    """Write every settlement line, in the order they were recorded; amounts in minor units."""
    if earnings and state:
        raise click.UsageError("What is earned has no state. Leave out --state or --earnings.")
    if earnings:
        wanted = settlements_pb2.ListBeneficiaryLinesRequest(campaign_id=campaign, merchant_id=merchant)
        with pricing(data) as (stub, metadata):
            write_earnings(output, kind, read_earnings(stub, metadata, wanted))
        return
    asked = settlements_pb2.ListSettlementsRequest(campaign_id=campaign, merchant_id=merchant)
    if state:
        asked.state = events_pb2.LineState.Value(_STATES[state])
    with pricing(data) as (stub, metadata):
        write(output, kind, read_settlements(stub, metadata, asked))


def write(output: TextIO, kind: str, found: Iterator[settlements_pb2.Settlement]) -> None:
    """Write lines as CSV (RFC 4180) or as one JSON object a line, which has the reports too."""
    _write(output, kind, COLUMNS, map(_with_reports if kind == "jsonl" else row, found))


def _write(output: TextIO, kind: str, columns: Sequence[str], rows: Iterable[dict[str, object]]) -> None:
    if kind == "jsonl":
        output.writelines(f"{json.dumps(item, ensure_ascii=False)}\n" for item in rows)
        return
    writer = csv.DictWriter(output, columns)
    writer.writeheader()
    writer.writerows(rows)


def row(item: settlements_pb2.Settlement) -> dict[str, object]:
    """Write a line as plain values."""
    line = item.line
    return {
        "line_id": line.line_id,
        "campaign_id": item.campaign_id,
        "team_id": item.team_id,
        "sequence": item.sequence,
        "seat_id": line.seat_id,
        "member_id": line.member_id,
        "merchant_id": line.merchant_id,
        "occurred_at": _time(item.occurred_at),
        "cause": events_pb2.SettlementCause.Name(line.cause).removeprefix("SETTLEMENT_CAUSE_"),
        "sku": line.sku,
        "quantity": line.quantity,
        "currency": line.unit_price.currency,
        **{name: getattr(line, name).minor_units for name in _AMOUNTS},
        "payment_reference": line.payment_reference,
        "state": events_pb2.LineState.Name(item.state).removeprefix("LINE_STATE_"),
        "updated_at": _time(item.updated_at),
    }


def write_earnings(output: TextIO, kind: str, found: Iterator[settlements_pb2.BeneficiaryLine]) -> None:
    """Write what is earned as CSV (RFC 4180) or as one JSON object a line."""
    _write(output, kind, EARNED_COLUMNS, map(earned_row, found))


def earned_row(item: settlements_pb2.BeneficiaryLine) -> dict[str, object]:
    """Write what somebody earns as plain values."""
    return {
        "row_id": item.row_id,
        "kind": settlements_pb2.BeneficiaryKind.Name(item.kind).removeprefix("BENEFICIARY_KIND_"),
        "beneficiary_id": item.beneficiary_id,
        "line_id": item.line_id,
        "seat_id": item.seat_id,
        "merchant_id": item.merchant_id,
        "occurred_at": _time(item.occurred_at),
        "cause": events_pb2.SettlementCause.Name(item.cause).removeprefix("SETTLEMENT_CAUSE_"),
        "quantity": item.quantity,
        "currency": item.amount.currency,
        "unit_price": item.unit_price.minor_units,
        "commission_basis_points": item.commission_basis_points,
        "amount": item.amount.minor_units,
    }


def _with_reports(item: settlements_pb2.Settlement) -> dict[str, object]:
    return {**row(item), "reports": list(map(_report, item.reports))}


def _report(report: events_pb2.SettlementReported) -> dict[str, object]:
    return {
        "report_id": report.report_id,
        "kind": events_pb2.ReportKind.Name(report.kind).removeprefix("REPORT_KIND_"),
        "amount": report.amount.minor_units,
        "reference": report.reference,
        "reason": report.reason,
    }


def _time(stamp: Any) -> str:
    at: datetime = stamp.ToDatetime(tzinfo=UTC)
    return at.isoformat().replace("+00:00", "Z")


def read_settlements(
    stub: PricingStub, metadata: tuple[tuple[str, str], ...], asked: settlements_pb2.ListSettlementsRequest
) -> Iterator[settlements_pb2.Settlement]:
    """Read every page of a list."""
    return _pages(stub.ListSettlements, metadata, asked, "settlements")


def read_earnings(
    stub: PricingStub, metadata: tuple[tuple[str, str], ...], asked: settlements_pb2.ListBeneficiaryLinesRequest
) -> Iterator[settlements_pb2.BeneficiaryLine]:
    """Read every page of what is earned."""
    return _pages(stub.ListBeneficiaryLines, metadata, asked, "lines")


def _pages(method: Any, metadata: tuple[tuple[str, str], ...], asked: Any, field: str) -> Iterator[Any]:
    """Read every page of a list; what was asked is left as it was."""
    request = type(asked)()
    request.CopyFrom(asked)
    request.page_size = _PAGE
    while True:
        answer = method(request, metadata=metadata, timeout=SECONDS)
        yield from getattr(answer, field)
        if not answer.next_page_token:
            return
        request.page_token = answer.next_page_token


@contextmanager
def pricing(data: Path) -> Iterator[tuple[PricingStub, tuple[tuple[str, str], ...]]]:
    """Connect to pricing with a platform's key; what it refuses becomes a sentence with a remedy."""
    installation = find_installation(data)
    address = installation.need("pricing")
    metadata = (("authorization", f"Bearer {installation.need('platform_key')}"),)
    with open_channel(address) as channel:
        own = {grpc.StatusCode.UNAUTHENTICATED: KEY_REMEDY}
        with in_words("pricing", address, own):
            yield PricingStub(channel), metadata
