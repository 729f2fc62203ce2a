"""Who changed what the platform has set up: the entries of all three services as one list."""

from uuid import UUID

from groupbuy.chassis.v1 import audit_internal_pb2
from groupbuy.team_formation.v1 import audit_pb2 as pb

from services.chassis import audit, audited, ids, pages
from services.chassis.audit import Filter
from services.chassis.errors import Rejected
from services.chassis.server import caller
from services.team_formation import translate
from services.team_formation.rpc.base import Context, Rpcs
from services.team_formation.rpc.keys import OWN


class AuditRpcs(Rpcs):
    """Answers about changes."""

    async def ListAuditEntries(  # noqa: N802
        self, request: pb.ListAuditEntriesRequest, _context: Context
    ) -> pb.ListAuditEntriesResponse:
        """List a page: of each service as many as it has room for, and of those the newest."""
        size, wanted = pages.size(request.page_size), audited.read_filter(request)
        of = f"audit of {caller()} {wanted}"
        before = _position(pages.read(request.page_token, of))
        found = [audited.written(OWN, row) for row in await self._own(wanted, before, size + 1)]
        found += await self._desk.neighbours.changes(_asked(request, before, size + 1))
        found.sort(key=lambda entry: entry.entry_id, reverse=True)
        page = found[:size]
        following = pages.token(page[-1].entry_id, of) if len(found) > size else ""
        return pb.ListAuditEntriesResponse(entries=page, next_page_token=following)

    async def _own(self, wanted: Filter, before: UUID | None, limit: int) -> list[audit.Row]:
        async with self._desk.database.read() as connection:
            return await audit.list_entries(connection, caller(), wanted, before, limit)


def _asked(
    request: pb.ListAuditEntriesRequest, before: UUID | None, limit: int
) -> audit_internal_pb2.ListChangesRequest:
    wanted = audit_internal_pb2.AuditFilter(
        since=request.since if request.HasField("since") else None,
        until=request.until if request.HasField("until") else None,
        key_id=request.key_id,
        rpc=request.rpc,
        subject=request.subject,
        by_operators=request.by_operators,
    )
    return audit_internal_pb2.ListChangesRequest(
        platform_id=ids.opaque(translate.PLATFORM, caller()),
        filter=wanted,
        before_entry_id=str(before) if before else "",
        limit=limit,
    )


def _position(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise Rejected("PAGE_TOKEN_INVALID") from None
