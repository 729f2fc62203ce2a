"""Settlements of all teams of a platform: what is reported about them, lists, and the stream."""

import hashlib
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from groupbuy.pricing.v1 import pricing_service_pb2_grpc, settlements_pb2

from services.chassis import ids, pages, requests
from services.chassis.coalesce import Coalescer
from services.chassis.database import Database
from services.chassis.errors import FieldViolation, Rejected, invalid
from services.chassis.requests import NO_CAMPAIGN, RequestKey
from services.chassis.server import caller
from services.pricing import store, translate
from services.pricing.handlers import Place, ReportLines, SettlementStream

MOST_BYTES = 3_500_000
LONGEST_MERCHANT = 64


class SettlementRpcs(pricing_service_pb2_grpc.PricingServicer):
    """Answers about settlements of all teams of the caller."""

    _database: Database
    _reports: Coalescer[ReportLines, bytes]
    _stream: SettlementStream

    async def ReportSettlement(  # noqa: N802 - the name of the RPC
        self, request: settlements_pb2.ReportSettlementRequest, _context: Any
    ) -> settlements_pb2.ReportSettlementResponse:
        """Take reports; LINE_UNKNOWN, AMOUNT_MISMATCH, CURRENCY_MISMATCH, REFERENCE_MISSING."""
        requests.check_request_id(request.request_id)
        reports = translate.read_reports(request.reports)
        key = RequestKey(NO_CAMPAIGN, caller(), "ReportSettlement", request.request_id, requests.body_hash(request))
        answer = await self._reports.submit(ReportLines(key, reports))
        return settlements_pb2.ReportSettlementResponse.FromString(answer)

    async def ListSettlements(  # noqa: N802 - the name of the RPC
        self, request: settlements_pb2.ListSettlementsRequest, _context: Any
    ) -> settlements_pb2.ListSettlementsResponse:
        """List lines with what was reported about them; PAGE_TOKEN_INVALID."""
        wanted, size, of = _wanted(request), pages.size(request.page_size), _list_of(request)
        after = _read_place(request.page_token, of)
        async with self._database.one_moment() as connection:
            found = await store.list_settlements(connection, wanted, after, size + 1)
            page = found[:size]
            keys = [(item.line.campaign_id, item.line.line_id) for item in page]
            reports = await store.load_reports(connection, keys) if keys else {}
            told = await store.load_payment_facts(connection, keys) if keys else {}
        written = [
            translate.settlement(item, reports.get(key, ()), told.get(key, ()))
            for key, item in zip(keys, page, strict=True)
        ]
        fitting = _fitting(written)
        last = page[fitting - 1] if len(found) > fitting else None
        return settlements_pb2.ListSettlementsResponse(
            settlements=written[:fitting],
            next_page_token=_token(Place(last.position, last.line.sequence), of) if last else "",
        )

    async def ListBeneficiaryLines(  # noqa: N802 - the name of the RPC
        self, request: settlements_pb2.ListBeneficiaryLinesRequest, _context: Any
    ) -> settlements_pb2.ListBeneficiaryLinesResponse:
        """List what promoters and leaders earn; PAGE_TOKEN_INVALID."""
        campaign = _earners(request)
        size, of = pages.size(request.page_size), _list_of(request)
        after = _after_row(pages.read(request.page_token, of))
        wanted = (caller(), request.merchant_id, request.beneficiary_id, campaign)
        async with self._database.read() as connection:
            rows = await store.list_beneficiaries(connection, *wanted, after, size + 1)
        last = rows[size - 1] if len(rows) > size else None
        return settlements_pb2.ListBeneficiaryLinesResponse(
            lines=map(translate.beneficiary_line, rows[:size]),
            next_page_token=pages.token(f"{last.campaign_id}/{last.team_id}/{last.sequence}/{last.kind}", of)
            if last
            else "",
        )

    async def GetMerchantRecord(  # noqa: N802 - the name of the RPC
        self, request: settlements_pb2.GetMerchantRecordRequest, _context: Any
    ) -> settlements_pb2.GetMerchantRecordResponse:
        """Count what became of a merchant's teams; a merchant without any has a record of zeros."""
        since, until = _span(request)
        async with self._database.one_moment() as connection:
            record = await store.read_merchant_record(connection, caller(), request.merchant_id, since, until)
        return translate.merchant_record(record)

    async def StreamSettlements(  # noqa: N802 - the name of the RPC
        self, request: settlements_pb2.StreamSettlementsRequest, _context: Any
    ) -> AsyncIterator[settlements_pb2.StreamSettlementsResponse]:
        """Send what is recorded and reported after a cursor, and what will be."""
        of = f"StreamSettlements {caller()}"
        try:
            after = _read_place(request.cursor, of)
        except Rejected:
            raise invalid("cursor", "is none of this platform's stream; send the last one received, or none") from None
        async for place, item in self._stream.follow(caller(), after):
            yield settlements_pb2.StreamSettlementsResponse(
                cursor=_token(place, of), event=translate.settled_event(item)
            )


def _fitting(written: Sequence[settlements_pb2.Settlement]) -> int:
    """Count how many fit into an answer, at least one: gRPC clients take no more than 4 MiB."""
    total = 0
    for count, item in enumerate(written):
        total += item.ByteSize()
        if count and total > MOST_BYTES:
            return count
    return len(written)


def _wanted(request: settlements_pb2.ListSettlementsRequest) -> store.Wanted:
    """Read what a list is about; INVALID_ARGUMENT with every field that is wrong."""
    campaign = ids.parse(translate.CAMPAIGN, request.campaign_id, 1) if request.campaign_id else None
    seat = ids.parse(translate.SEAT, request.seat_id, 2) if request.seat_id else None
    state = translate.READ_STATES.get(request.state)
    since = _time(request, "updated_since")
    checks = (
        ("campaign_id", bool(request.campaign_id) and campaign is None, "is no campaign's id; it looks like camp_..."),
        ("seat_id", bool(request.seat_id) and seat is None, "is no seat's id; it looks like seat_..."),
        (
            "seat_id",
            seat is not None and campaign is not None and seat[:1] != campaign,
            "is of another campaign than campaign_id",
        ),
        ("merchant_id", "\0" in request.merchant_id, "must not contain NUL"),
        (
            "state",
            bool(request.state) and state is None,
            "must be OPEN, PARTLY, DONE or FAILED, or unspecified for all",
        ),
        ("updated_since", request.HasField("updated_since") and since is None, "must be a time of the years 1 to 9999"),
    )
    wrong = tuple(FieldViolation(field, problem) for field, is_wrong, problem in checks if is_wrong)
    if wrong:
        raise Rejected("INVALID_ARGUMENT", fields=wrong)
    return store.Wanted(
        caller(), _first(seat or campaign), request.merchant_id, state, since, seat[1] if seat else None
    )


def _first(found: tuple[UUID, ...] | None) -> UUID | None:
    return found[0] if found else None


def _span(request: settlements_pb2.GetMerchantRecordRequest) -> tuple[datetime, datetime]:
    """Read from when to when a record is; INVALID_ARGUMENT with every field that is wrong."""
    since, until = _time(request, "since"), _time(request, "until")
    merchant = request.merchant_id
    known = 1 <= len(merchant) <= LONGEST_MERCHANT and merchant.isascii() and merchant.isprintable()
    checks = (
        ("merchant_id", not known, f"must be 1 to {LONGEST_MERCHANT} visible ASCII characters"),
        ("since", since is None, "must be a time"),
        ("until", until is None or (since is not None and until <= since), "must be a time after since"),
    )
    wrong = tuple(FieldViolation(field, problem) for field, is_wrong, problem in checks if is_wrong)
    if wrong or since is None or until is None:
        raise Rejected("INVALID_ARGUMENT", fields=wrong)
    return since, until


def _time(request: Any, field: str) -> datetime | None:
    """Read a time; None where it is not given, or is none of the years 1 to 9999."""
    if not request.HasField(field):
        return None
    try:
        at: datetime = getattr(request, field).ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return at


def _earners(request: settlements_pb2.ListBeneficiaryLinesRequest) -> UUID | None:
    """Read of which campaign earnings are listed, None means all; INVALID_ARGUMENT with every field that is wrong."""
    campaign = ids.parse(translate.CAMPAIGN, request.campaign_id, 1) if request.campaign_id else None
    checks = (
        ("campaign_id", bool(request.campaign_id) and campaign is None, "is no campaign's id; it looks like camp_..."),
        ("merchant_id", "\0" in request.merchant_id, "must not contain NUL"),
        ("beneficiary_id", "\0" in request.beneficiary_id, "must not contain NUL"),
    )
    wrong = tuple(FieldViolation(field, problem) for field, is_wrong, problem in checks if is_wrong)
    if wrong:
        raise Rejected("INVALID_ARGUMENT", fields=wrong)
    return _first(campaign)


def _after_row(position: str | None) -> tuple[UUID, UUID, int, str]:
    if position is None:
        return UUID(int=0), UUID(int=0), 0, ""
    try:
        campaign, team, sequence, kind = position.split("/")
        return UUID(campaign), UUID(team), int(sequence), kind
    except ValueError:
        raise Rejected("PAGE_TOKEN_INVALID") from None


def _list_of(request: Any) -> str:
    """Describe a list apart from its pages: a token belongs to the platform and to the rest of the request."""
    bare = type(request)()
    bare.CopyFrom(request)
    bare.ClearField("page_size")
    bare.ClearField("page_token")
    asked = f"{type(request).__name__} {caller()} ".encode() + bare.SerializeToString(deterministic=True)
    return hashlib.sha256(asked).hexdigest()


def _token(place: Place, of: str) -> str:
    return pages.token(f"{place.position}.{place.sequence}", of)


def _read_place(text: str, of: str) -> Place:
    """Read a place; the beginning where none is given, Rejected PAGE_TOKEN_INVALID for one of another list."""
    position = pages.read(text, of)
    if position is None:
        return Place()
    numbers = position.split(".")
    if len(numbers) != 2 or not all(_is_number(item) for item in numbers):  # noqa: PLR2004 - position and sequence
        raise Rejected("PAGE_TOKEN_INVALID")
    return Place(*map(int, numbers))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and int(text) < 2**63
