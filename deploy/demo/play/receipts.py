"""What each member pays, why, and what comes back: ExplainPrice and GetSettlement, as a shop shows them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import takewhile
from time import perf_counter
from typing import TypeVar

from google.protobuf.json_format import MessageToDict
from groupbuy.pricing.v1.events_pb2 import LineState, ReportKind, SettlementLine
from groupbuy.pricing.v1.pricing_service_pb2 import ExplainPriceRequest, ExplainPriceResponse, GetSettlementRequest
from groupbuy.pricing.v1.settlements_pb2 import ListSettlementsRequest
from groupbuy.team_formation.v1.types_pb2 import Seat

from deploy.demo.actor import Refused, Shop
from deploy.demo.errors import DemoError
from deploy.demo.money import money, plain
from deploy.verify.verifier import verify

Answer = TypeVar("Answer")

_PATIENCE_SECONDS = 30.0
_POLL_SECONDS = 0.1
_PAGE = 1000


async def explain(shop: Shop, seat_id: str) -> ExplainPriceResponse:
    """Ask why a seat is priced as it is; pricing may need a moment to hear of a seat."""
    request = ExplainPriceRequest(seat_id=seat_id)
    return await _once_known(lambda: shop.ask(shop.prices.ExplainPrice, request), "SEAT_UNKNOWN")


async def settlement(shop: Shop, team_id: str) -> list[SettlementLine]:
    """Read every line of a team that ended, once all are there; DemoError if that takes too long."""
    ends = perf_counter() + _PATIENCE_SECONDS
    while True:
        lines, complete = await settled_so_far(shop, team_id)
        if complete:
            return lines
        if perf_counter() > ends:
            raise DemoError(f"The settlement of {team_id} is not complete after {_PATIENCE_SECONDS:.0f} s.")
        await asyncio.sleep(_POLL_SECONDS)


async def settled_so_far(shop: Shop, team_id: str) -> tuple[list[SettlementLine], bool]:
    """Read the lines of a team, and whether they are all."""
    lines: list[SettlementLine] = []
    request = GetSettlementRequest(team_id=team_id, page_size=_PAGE)
    while True:
        page = await _once_known(lambda: shop.ask(shop.prices.GetSettlement, request), "TEAM_UNKNOWN")
        lines += page.lines
        if not page.next_page_token:
            return lines, page.complete
        request.page_token = page.next_page_token


async def _once_known(ask: Callable[[], Awaitable[Answer]], unknown: str) -> Answer:
    ends = perf_counter() + _PATIENCE_SECONDS
    while True:
        try:
            return await ask()
        except Refused as refused:
            if refused.reason != unknown:
                raise
            if perf_counter() > ends:
                raise DemoError(f"pricing has not heard of it after {_PATIENCE_SECONDS:.0f} s: {refused}") from None
        await asyncio.sleep(_POLL_SECONDS)


async def receipt(shop: Shop, name: str, seat: Seat) -> tuple[str, str]:
    """Write a receipt: one line of amounts, and the reason as pricing gives it; DemoError if it cannot be computed."""
    answer = await explain(shop, seat.seat_id)
    _, differences = verify(MessageToDict(answer))
    if differences:
        raise DemoError(f"The price of {name}'s seat does not follow from its explanation: {'; '.join(differences)}.")
    if seat.sponsored:
        return f"{name}: nobody pays for it", answer.sentence
    currency = answer.unit_price.currency
    reported = await _reported(shop, seat.seat_id) if answer.lines else {}
    words = [_line(line, currency) + reported.get(line.line_id, "") for line in answer.lines]
    if not words:
        words = [_without_lines(answer)]
    if len(answer.lines) > 1:
        words.append(f"in all {money(sum(map(_charged, answer.lines)), currency)}")
    return f"{name}: {'; '.join(words)}", answer.sentence


async def _reported(shop: Shop, seat_id: str) -> dict[str, str]:
    """Tell what the shop has reported about the lines of a seat, and how far they are with it."""
    answer = await shop.ask(shop.prices.ListSettlements, ListSettlementsRequest(seat_id=seat_id))
    said: dict[str, str] = {}
    for item in answer.settlements:
        kinds = [ReportKind.Name(report.kind).removeprefix("REPORT_KIND_").lower() for report in item.reports]
        if kinds:
            state = LineState.Name(item.state).removeprefix("LINE_STATE_")
            said[item.line.line_id] = f" ({', then '.join(kinds)}: {state})"
    return said


def _charged(line: SettlementLine) -> int:
    return line.to_keep.minor_units + line.to_capture.minor_units + line.due.minor_units


def _without_lines(answer: ExplainPriceResponse) -> str:
    """Say what a seat pays for which nothing is settled, or nothing yet."""
    amount = money(answer.amount.minor_units, answer.unit_price.currency)
    if answer.final:
        return f"pays {amount}, never more than {_cap(answer)}" if answer.amount.minor_units else "pays nothing"
    cap = f"never more than {_cap(answer)}" if answer.HasField("cap") else "with no cap yet"
    return f"pays as it stands {amount}, {cap}"


def common_sentences(reasons: Sequence[str]) -> str:
    """Give the whole sentences that all reasons begin with."""
    letters = takewhile(lambda column: len(set(column)) == 1, zip(*reasons, strict=False))
    common = "".join(column[0] for column in letters)
    return common[: common.rfind(". ") + 2] if ". " in common else ""


def _cap(answer: ExplainPriceResponse) -> str:
    return plain(answer.cap.minor_units * answer.quantity, answer.cap.currency)


def _line(line: SettlementLine, currency: str) -> str:
    """Write one settlement line in words."""
    charged = _charged(line)
    if line.quantity < 0:
        return f"no longer pays {money(-charged, currency)} of it"
    words = f"pays {money(charged, currency)}"
    if line.paid.minor_units:
        back = plain(line.to_refund.minor_units, currency)
        words += f" of {plain(line.paid.minor_units, currency)} paid, gets {back} back"
    if line.authorised.minor_units:
        free = plain(line.to_void.minor_units, currency)
        words += f" of {plain(line.authorised.minor_units, currency)} authorised, {free} is set free"
    return words
