"""ExportMember: what this service holds of a member, then what pricing and notification hold, page by page."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import grpc
from groupbuy.chassis.v1 import export_pb2, export_pb2_grpc
from groupbuy.team_formation.v1 import privacy_pb2 as pb

from services.chassis import exporting, ids, pages, platforms
from services.chassis.database import Database
from services.chassis.errors import Rejected, Unavailable
from services.chassis.exporting import Held, Row, Wanted
from services.team_formation import translate
from services.team_formation.store import erasing, seats
from services.team_formation.store.exporting import sections

_CALL_SECONDS = 10.0
_HERE, _PRICING = "team_formation", "pricing"
_ORDER = (_HERE, _PRICING, "notification")

Stub: TypeAlias = "export_pb2_grpc.ExportInternalAsyncStub"


class MemberExport:
    """Puts together what the services hold; `others` are stubs by service."""

    def __init__(self, database: Database, others: Mapping[str, Stub], service_key: str) -> None:
        self._database = database
        self._held = Held(database, _HERE, sections(_seat))
        self._others = others
        self._metadata = (("authorization", f"Bearer {service_key}"),)

    async def page(self, wanted: Wanted, token: str) -> pb.ExportMemberResponse:
        """Read a page; Unavailable where a service does not answer, as nothing may be missing unsaid."""
        of = f"export {wanted.platform_id} {wanted.member_id}"
        service, inner = _read(token, of)
        async with self._database.read() as connection:
            campaigns = await erasing.find_campaigns(connection, wanted.platform_id, wanted.member_id)
        asked = replace(wanted, campaigns=campaigns)
        records, following = await self._of(service, asked, inner)
        if not following and service < len(_ORDER) - 1:
            service, following = service + 1, ""
        elif not following:
            return pb.ExportMemberResponse(records=records)
        return pb.ExportMemberResponse(records=records, next_page_token=_write(service, following, of))

    async def _of(self, service: int, wanted: Wanted, inner: str) -> tuple[Sequence[export_pb2.HeldRecord], str]:
        of = f"held {wanted.member_id}"
        if _ORDER[service] == _HERE:
            section, after = exporting.read_place(inner, of)
            page = await self._held.page(replace(wanted, section=section, after=after))
            return page.records, exporting.write_place(page.next, of)
        return await self._ask(_ORDER[service], wanted, inner)

    async def _ask(self, name: str, wanted: Wanted, inner: str) -> tuple[Sequence[export_pb2.HeldRecord], str]:
        stub = self._others.get(name)
        if stub is None:
            raise Unavailable(f"{name} is not set up here")
        request = export_pb2.ListHeldRequest(
            platform_id=ids.opaque(platforms.ID_PREFIX, wanted.platform_id),
            member_id=wanted.member_id,
            campaign_ids=[ids.opaque(translate.CAMPAIGN, one) for one in wanted.campaigns],
            page_size=wanted.size,
            page_token=inner,
        )
        try:
            answer: Any = await stub.ListHeld(request, metadata=self._metadata, timeout=_CALL_SECONDS)
        except grpc.aio.AioRpcError as error:
            raise Unavailable(f"{name} does not answer: {error.code().name}") from None
        return answer.records, answer.next_page_token


def _seat(row: Row) -> Row:
    """Write a seat as the API and the member's own page do."""
    *columns, currency = row.values()
    return translate.seat_record(seats.seat_of(tuple(columns)), currency)


def _read(token: str, of: str) -> tuple[int, str]:
    text = pages.read(token, of) or "0:"
    service, _, inner = text.partition(":")
    if not service.isdecimal() or int(service) >= len(_ORDER):
        raise Rejected("PAGE_TOKEN_INVALID")
    return int(service), inner


def _write(service: int, inner: str, of: str) -> str:
    return pages.token(f"{service}:{inner}", of)
