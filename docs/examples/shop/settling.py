"""Takes settlement lines by webhook, carries them out at the payment provider and reports them: once each."""

import base64
import hmac
import json
import time
from collections.abc import Mapping

from google.protobuf.json_format import ParseDict
from groupbuy.pricing.v1.events_pb2 import ReportKind, SettlementEvent
from groupbuy.pricing.v1.settlements_pb2 import LineReport, ReportSettlementRequest

from .engine import Engine
from .sink import Sink

FRESH = 300  # seconds


async def settle(body: bytes, engine: Engine, sink: Sink) -> None:
    """Do what the line in a post asks for, and report it: by the line's id once, however often it comes."""
    event = json.loads(body)
    if event["type"] != "settlement.settlement_line_recorded":
        return
    line = ParseDict(event["data"], SettlementEvent(), ignore_unknown_fields=True).settlement_line_recorded.line
    asked = ((sink.capture, line.to_capture), (sink.give_back, line.to_void), (sink.give_back, line.to_refund))
    reports = []
    for move, money in asked:
        if money.minor_units > 0:  # below zero is "less of it", which another field of the line gives back
            done = move(line.payment_reference, line.line_id, money.minor_units)
            kind = ReportKind.Value(f"REPORT_KIND_{done}")
            reports.append(LineReport(line_id=line.line_id, kind=kind, amount=money, reference=line.line_id))
    if reports:
        request = ReportSettlementRequest(request_id=line.line_id, reports=reports)
        await engine.ask(engine.prices.ReportSettlement, request)


def is_ours(headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    """Tell whether the engine signed a post, and lately (docs/webhooks.md)."""
    number, at, signatures = (headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    if not key or not at.isdecimal() or abs(time.time() - int(at)) > FRESH:
        return False
    wanted = b"v1," + base64.b64encode(hmac.digest(key, f"{number}.{at}.".encode() + body, "sha256"))
    return any(hmac.compare_digest(wanted, one.encode()) for one in signatures.split(" "))
