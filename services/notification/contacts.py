"""Members' addresses: sealed where they are kept, opened where something is sent or the platform asks for them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from services.chassis import ids, logs
from services.chassis.database import Connection, Database
from services.chassis.sealing import NotOpened, Sealer
from services.notification import store
from services.notification.domain import NO_WISHES, Consent, Contact, Member, Point, Wishes
from services.notification.store import PointRow, SealPosition

_PAGE = 500
_IDENTITY = "contact_points/identity"
_START: SealPosition = ("", UUID(int=0), "", -1)
_Known: TypeAlias = Mapping[tuple[UUID, str, str, str], UUID]
"""Ids of contact points, by platform, member, channel and address."""

log = logs.logger(__name__)


@dataclass(frozen=True, slots=True)
class Reachable:
    """A member's contact points, in its order, and what it wishes."""

    contacts: Sequence[Contact] = ()
    wishes: Wishes = NO_WISHES


class Contacts:
    """Stores and reads members with their contact points."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer
        self._sealed_up_to = _START

    async def save(self, connection: Connection, members: Sequence[tuple[UUID, Member]], now: datetime) -> None:
        """Replace what is known of members, given with their platform; no member twice.

        A contact point keeps its id while channel and address stay: the old addresses are opened and compared, since
        what is made from an address without a key could be guessed back to it.
        """
        ordered = sorted(members, key=lambda item: (item[0], item[1].member_id))
        await store.save_members(connection, ordered, now)
        known: dict[tuple[UUID, str, str, str], UUID] = {}
        for row in await store.take_points(connection, [(owner, member.member_id) for owner, member in ordered]):
            address, problem = self._opened(row)
            if not problem:
                known[row.platform_id, row.member_id, row.channel, address] = row.contact_id
        await store.insert_points(
            connection,
            [
                self._sealed(platform_id, member.member_id, position, point, known)
                for platform_id, member in ordered
                for position, point in enumerate(member.points)
            ],
        )

    def _sealed(self, platform_id: UUID, member_id: str, position: int, point: Point, known: _Known) -> PointRow:
        contact_id = known.get((platform_id, member_id, point.channel, point.address)) or ids.new_id()
        return PointRow(
            platform_id,
            member_id,
            position,
            contact_id,
            point.channel,
            address=None,
            sealed=self._sealer.seal(point.address.encode(), _place(platform_id, contact_id)),
            key_id=self._sealer.key_id,
            consent_source=point.consent.source if point.consent else "",
            consent_at=point.consent.at if point.consent else None,
        )

    def marks(self, channel: str, address: str) -> tuple[bytes, ...]:
        """Give what a bound chat is found by, the one to keep first."""
        return self._sealer.marks(f"{channel}\0{address}".encode(), _IDENTITY)

    def bound(self, platform_id: UUID, member_id: str, point: Point, now: datetime) -> PointRow:
        """Make a contact point of a chat that a member binds itself; its position is the store's to choose."""
        row = self._sealed(platform_id, member_id, 0, point, {})
        return replace(row, identity=self.marks(point.channel, point.address)[0], bound_at=now, heard_at=now)

    async def find_member(self, connection: Connection, platform_id: UUID, member_id: str) -> Member | None:
        """Read a member of a platform, without chats that it bound itself: their addresses are told to nobody.

        An address that does not open is empty, and why stands with it.
        """
        found = await store.find_members(connection, [(platform_id, member_id)])
        if not found:
            return None
        member, rows = found[platform_id, member_id]
        return replace(member, points=tuple(self._point(row) for row in rows if row.identity is None))

    def _point(self, row: PointRow) -> Point:
        address, problem = self._opened(row)
        consent = Consent(row.consent_source, row.consent_at) if row.consent_at else None
        return Point(row.channel, address, row.gone_why or problem, consent)

    async def find(
        self, connection: Connection, members: Sequence[tuple[UUID, str]]
    ) -> dict[tuple[UUID, str], Reachable]:
        """Read how members are reached, given as (platform, member): contact points that are not gone, and wishes."""
        found = await store.find_members(connection, members)
        return {
            key: Reachable([self._contact(row, member.wishes) for row in rows if row.gone_at is None], member.wishes)
            for key, (member, rows) in found.items()
        }

    def _contact(self, row: PointRow, wishes: Wishes) -> Contact:
        return Contact(row.contact_id, row.channel, *self._opened(row), consents=wishes.allows(row.consent_at))

    async def seal_anew(self, database: Database) -> int:
        """Seal a page of addresses that are in plain or sealed with an older key; returns how many. Run by a timer.

        Pages follow each other, and begin again after the last: one that does not open is passed by, loudly.
        """
        key_id = self._sealer.key_id
        async with database.work() as work:
            rows = await store.find_points_sealed_otherwise(work.connection, key_id, self._sealed_up_to, _PAGE)
            opened = [(row, *self._opened(row)) for row in rows]
            sealed = [self._anew(row, address) for row, address, problem in opened if not problem]
            await store.seal_points_anew(work.connection, sealed)
        self._sealed_up_to = _position(rows[-1]) if rows else _START
        return len(sealed)

    def _anew(self, row: PointRow, address: str) -> PointRow:
        sealed = self._sealer.seal(address.encode(), _place(row.platform_id, row.contact_id))
        identity = self.marks(row.channel, address)[0] if row.identity else None
        return replace(row, address=None, sealed=sealed, key_id=self._sealer.key_id, identity=identity)

    def _opened(self, row: PointRow) -> tuple[str, str]:
        """Give an address, or why it does not open."""
        if row.sealed is None:
            return row.address or "", ""
        try:
            return self._sealer.open(row.sealed, _place(row.platform_id, row.contact_id)).decode(), ""
        except NotOpened as problem:
            log.error("address does not open", platform=str(row.platform_id), member=row.member_id, why=str(problem))  # noqa: TRY400 - the reason is enough
            return "", f"the address does not open: {problem}"


def _position(row: PointRow) -> SealPosition:
    return row.key_id, row.platform_id, row.member_id, row.position


def _place(platform_id: UUID, contact_id: UUID) -> str:
    return f"contact_points/address/{platform_id}/{contact_id}"
