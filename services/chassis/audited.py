"""Tells the other services what this one knows of a platform's calls: AuditInternal, answered by every service."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from groupbuy.chassis.v1 import audit_internal_pb2 as pb
from groupbuy.chassis.v1 import audit_internal_pb2_grpc as pb_grpc
from groupbuy.chassis.v1 import audit_pb2

from services.chassis import audit, ids, key_uses, pages, platforms
from services.chassis.audit import Filter, Row
from services.chassis.database import Database
from services.chassis.errors import Rejected, invalid
from services.chassis.server import Servicer

NAME = "groupbuy.chassis.v1.AuditInternal"

_Context = grpc.aio.ServicerContext[Any, Any]


def servicer(service: str, database: Database) -> Servicer:
    """Make the gRPC service of a service's database."""
    return Servicer(NAME, AuditServicer(service, database), pb_grpc.add_AuditInternalServicer_to_server)


class AuditServicer(pb_grpc.AuditInternalServicer):
    """Answers callers that have the services' own key."""

    def __init__(self, service: str, database: Database) -> None:
        self._service = service
        self._database = database

    async def ListKeyUses(self, request: pb.ListKeyUsesRequest, _context: _Context) -> pb.ListKeyUsesResponse:  # noqa: N802 - the name of the RPC
        """List when keys were last seen; PLATFORM_UNKNOWN."""
        async with self._database.read() as connection:
            uses = await key_uses.list_uses(connection, _platform(request.platform_id))
        return pb.ListKeyUsesResponse(
            keys=[pb.UsedKey(key_id=key_id, last_used_at=timestamp(at)) for key_id, at in uses.items()]
        )

    async def ListChanges(self, request: pb.ListChangesRequest, _context: _Context) -> pb.ListChangesResponse:  # noqa: N802 - the name of the RPC
        """List entries; PLATFORM_UNKNOWN."""
        platform_id = _platform(request.platform_id)
        limit, wanted = _limit(request.limit), read_filter(request.filter)
        async with self._database.read() as connection:
            rows = await audit.list_entries(connection, platform_id, wanted, _entry(request.before_entry_id), limit)
        return pb.ListChangesResponse(entries=[written(self._service, row) for row in rows])


def read_filter(given: Any) -> Filter:
    """Read which entries are wanted: of an AuditFilter, or what has its fields."""
    for field in ("key_id", "rpc", "subject"):
        if "\0" in getattr(given, field):
            raise invalid(field, "no name has a NUL in it")
    return Filter(
        _time(given, "since"), _time(given, "until"), given.key_id, given.rpc, given.subject, given.by_operators
    )


def written(service: str, row: Row) -> audit_pb2.AuditEntry:
    """Write an entry of a service."""
    return audit_pb2.AuditEntry(
        entry_id=str(row.entry_id),
        occurred_at=timestamp(row.occurred_at),
        service=service,
        rpc=row.rpc,
        key_id=row.key_id,
        request_id=row.request_id,
        subject=row.subject,
        before=row.before,
        after=row.after,
    )


def _limit(asked: int) -> int:
    """Read how many are wanted: one more than a page has, so that whoever asks knows whether there is a next page."""
    if not 0 <= asked <= pages.MOST + 1:
        raise invalid("limit", f"must be 1 to {pages.MOST + 1}, or 0 for {pages.USUAL}")
    return asked or pages.USUAL


def timestamp(at: datetime) -> Timestamp:
    """Write a time."""
    stamp = Timestamp()
    stamp.FromDatetime(at)
    return stamp


def _time(given: Any, field: str) -> datetime | None:
    if not given.HasField(field):
        return None
    try:
        at: datetime = getattr(given, field).ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise invalid(field, "must be a time between the years 1 and 9999") from None
    return at


def _platform(text: str) -> UUID:
    found = ids.parse(platforms.ID_PREFIX, text, 1)
    if found is None:
        raise Rejected("PLATFORM_UNKNOWN")
    return found[0]


def _entry(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise invalid("before_entry_id", "must be the id of an entry") from None
