"""Lists what a service holds of a member, page by page, as records that anybody can read: ExportInternal.

Each service names its sections: what a kind of record is called, and the statement that reads it. A test holds them
against retention.toml, which says of every table what it holds.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, TypeAlias
from uuid import UUID

import grpc
from google.protobuf import struct_pb2
from groupbuy.chassis.v1 import export_pb2 as pb
from groupbuy.chassis.v1 import export_pb2_grpc as pb_grpc
from psycopg import AsyncConnection
from psycopg.rows import TupleRow, dict_row

from services.chassis import ids, pages, platforms
from services.chassis.database import Database
from services.chassis.errors import Rejected, invalid
from services.chassis.server import Servicer

NAME = "groupbuy.chassis.v1.ExportInternal"
USUAL, MOST = 50, 100
MOST_BYTES = 2 * 1024 * 1024
"""Of a page; a record more may go beyond it."""

_OPAQUE = {"team_id": ("team", 2), "seat_id": ("seat", 2), "invite_id": ("inv", 2)}
_CAMPAIGN = "camp"

Row: TypeAlias = dict[str, Any]
Write: TypeAlias = Callable[[Row], Row]


@dataclass(frozen=True, slots=True)
class Section:
    """One kind of record. `query` takes platform, member and campaigns by name, and orders its rows."""

    kind: str
    query: str
    tables: tuple[str, ...] = ()
    """What it reads; its kind where nothing is said."""
    write: Write | None = None
    """Makes of a row what is shown of it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Of whom something is wanted, and from where on."""

    platform_id: UUID
    member_id: str
    campaigns: Sequence[UUID]
    size: int = USUAL
    section: int = 0
    after: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """Records, and where the next page begins: section and row; None on the last."""

    records: list[pb.HeldRecord]
    next: tuple[int, int] | None


class Held:
    """What one service holds."""

    def __init__(self, database: Database, service: str, sections: Sequence[Section]) -> None:
        self._database = database
        self._service = service
        self._sections = sections

    async def page(self, wanted: Wanted) -> Page:
        """Read a page."""
        found: list[pb.HeldRecord] = []
        section, after, size = wanted.section, wanted.after, 0
        async with self._database.read() as connection:
            while section < len(self._sections):
                rows = await _rows(connection, self._sections[section], wanted, after, wanted.size - len(found))
                for row in rows:
                    found.append(self._record(self._sections[section], row))
                    after, size = after + 1, size + found[-1].ByteSize()
                    if len(found) == wanted.size or size > MOST_BYTES:
                        return Page(found, (section, after))
                section, after = section + 1, 0
        return Page(found, None)

    def _record(self, section: Section, row: Row) -> pb.HeldRecord:
        shown = section.write(row) if section.write else row
        data = struct_pb2.Struct()
        data.update(written(shown))
        return pb.HeldRecord(service=self._service, kind=section.kind, data=data)


async def _rows(
    connection: AsyncConnection[TupleRow], section: Section, wanted: Wanted, after: int, limit: int
) -> list[Row]:
    named = {"platform": wanted.platform_id, "member": wanted.member_id, "campaigns": list(wanted.campaigns)}
    query = f"{section.query} OFFSET %(after)s LIMIT %(limit)s"
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query.encode(), named | {"after": after, "limit": limit})
        return await cursor.fetchall()


def written(row: Mapping[str, Any]) -> Row:
    """Write a row as everybody can read it: ids as in the API, times in RFC 3339; what is empty is left out."""
    campaign = row.get("campaign_id")
    shown: Row = {}
    for name, value in row.items():
        if value is None or value in ("", []) or isinstance(value, bytes | memoryview):
            continue
        if name == "campaign_id" and isinstance(value, UUID):
            shown[name] = ids.opaque(_CAMPAIGN, value) if value.int else None
        elif name in _OPAQUE and isinstance(value, UUID) and isinstance(campaign, UUID):
            shown[name] = ids.opaque(_OPAQUE[name][0], campaign, value) if value.int else None
        else:
            shown[name] = _value(value)
    return {name: value for name, value in shown.items() if value is not None}


def _value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, UUID | date | time):
        return str(value)
    if isinstance(value, list):
        return [_value(one) for one in value]
    return value


def size_of(asked: int) -> int:
    """Tell how many records a page has; more than 100 are refused."""
    if not 0 <= asked <= MOST:
        raise invalid("page_size", f"must be 1 to {MOST}, or 0 for {USUAL}")
    return asked or USUAL


def read_place(text: str, of: str) -> tuple[int, int]:
    """Read where a page begins; Rejected PAGE_TOKEN_INVALID."""
    section, _, after = (pages.read(text, of) or "0.0").partition(".")
    if not (section.isdecimal() and after.isdecimal()):
        raise Rejected("PAGE_TOKEN_INVALID")
    return int(section), int(after)


def write_place(place: tuple[int, int] | None, of: str) -> str:
    """Write where the next page begins; empty where there is none."""
    return pages.token(f"{place[0]}.{place[1]}", of) if place else ""


def servicer(held: Held) -> Servicer:
    """Make the gRPC service of what a service holds."""
    return Servicer(NAME, ExportServicer(held.page), pb_grpc.add_ExportInternalServicer_to_server)


class ExportServicer(pb_grpc.ExportInternalServicer):
    """Answers team_formation."""

    def __init__(self, page: Callable[[Wanted], Awaitable[Page]]) -> None:
        self._page = page

    async def ListHeld(  # noqa: N802 - the name of the RPC
        self, request: pb.ListHeldRequest, _context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.ListHeldResponse:
        """List what is held of a member."""
        platform = ids.parse(platforms.ID_PREFIX, request.platform_id, 1)
        if platform is None:
            raise invalid("platform_id", "is no platform's id")
        if not (request.member_id.isascii() and request.member_id.isprintable()):
            raise invalid("member_id", "must be visible ASCII characters")
        campaigns = [found[0] for text in request.campaign_ids if (found := ids.parse(_CAMPAIGN, text, 1))]
        of = f"held {request.platform_id} {request.member_id}"
        section, after = read_place(request.page_token, of)
        size = size_of(request.page_size)
        page = await self._page(Wanted(platform[0], request.member_id, campaigns, size, section, after))
        return pb.ListHeldResponse(records=page.records, next_page_token=write_place(page.next, of))
