"""Members' addresses: sealed where they are kept, opened where something is sent or the platform asks for them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from services.chassis import ids, logs
from services.chassis.database import Connection, Database
from services.chassis.sealing import NotOpened, Sealer
from services.notification import store
from services.notification.domain import NO_WISHES, Chat, Consent, Contact, Member, Point, Wishes
from services.notification.store import PointRow, SealPosition
from services.notification.store import chats as shelf
from services.notification.store.chats import ChatRow

_PAGE = 500
_IDENTITY = "member_chats/identity"
_START: SealPosition = ("", UUID(int=0), "", -1)
Now: TypeAlias = Callable[[UUID], datetime]
"""Tells the time of a platform."""
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

    async def save(self, connection: Connection, members: Sequence[tuple[UUID, Member]], now: Now) -> None:
        """Replace what is known of members, given with their platform; no member twice. `now` tells a platform's time.

        A contact point keeps its id while channel and address stay: the old addresses are opened and compared, since
        what is made from an address without a key could be guessed back to it.
        """
        ordered = sorted(members, key=lambda item: (item[0], item[1].member_id))
        await store.save_members(connection, ordered, [now(platform_id) for platform_id, _ in ordered])
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

    def marks(self, point: Point) -> tuple[bytes, ...]:
        """Give what a bound chat is found by, the one to keep first."""
        return self._sealer.marks(f"{point.channel}\0{point.address}".encode(), _IDENTITY)

    def bound(self, platform_id: UUID, member_id: str, point: Point, via: str, now: datetime) -> ChatRow:
        """Make the row of a chat that a member binds itself."""
        chat_id = ids.new_id()
        sealed = self._sealer.seal(point.address.encode(), _chat_place(platform_id, chat_id))
        chat = Chat(platform_id, member_id, chat_id, point.channel, now, now, "")
        return ChatRow(chat, sealed, self._sealer.key_id, self.marks(point)[0], via)

    async def find_member(self, connection: Connection, platform_id: UUID, member_id: str) -> Member | None:
        """Read a member as its platform registered it; an address that does not open is empty, with the reason."""
        found = await store.find_members(connection, [(platform_id, member_id)])
        if not found:
            return None
        member, rows = found[platform_id, member_id]
        return replace(member, points=tuple(map(self._point, rows)))

    def _point(self, row: PointRow) -> Point:
        address, problem = self._opened(row)
        consent = Consent(row.consent_source, row.consent_at) if row.consent_at else None
        return Point(row.channel, address, row.gone_why or problem, consent)

    async def find(
        self, connection: Connection, members: Sequence[tuple[UUID, str]]
    ) -> dict[tuple[UUID, str], Reachable]:
        """Read how members, given as (platform, member), are reached: chats, points that are not gone, wishes."""
        found = await store.find_members(connection, members)
        chats = await shelf.find_open(connection, members)
        return {
            key: Reachable(
                [
                    *map(self._chat, chats.get(key, ())),
                    *(self._contact(row, member.wishes) for row in rows if row.gone_at is None),
                ],
                member.wishes,
            )
            for key, (member, rows) in found.items()
        }

    def opened(self, row: PointRow) -> str:
        """Give the address of a contact point; empty where it does not open."""
        return self._opened(row)[0]

    def opened_chat(self, row: ChatRow) -> str:
        """Give the address of a chat; empty where it does not open."""
        return self._chat(row).address

    def _chat(self, row: ChatRow) -> Contact:
        """Reach a chat that the member bound itself; that it agreed to promotions there nobody has said."""
        chat = row.chat
        try:
            address, problem = self._sealer.open(row.sealed, _chat_place(chat.platform_id, chat.chat_id)).decode(), ""
        except NotOpened as why:
            log.error("address of a chat does not open", platform=str(chat.platform_id), why=str(why))  # noqa: TRY400 - the reason is enough
            address, problem = "", f"the address does not open: {why}"
        return Contact(chat.chat_id, chat.service, address, problem)

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

    async def seal_chats_anew(self, database: Database) -> int:
        """Seal a page of chats' addresses anew, as `seal_anew` does; one that does not open is passed by, loudly."""
        async with database.work() as work:
            rows = await shelf.find_sealed_otherwise(work.connection, self._sealer.key_id, _PAGE)
            sealed = [self._chat_anew(row, contact.address) for row in rows if not (contact := self._chat(row)).problem]
            await shelf.seal_chats_anew(work.connection, sealed)
        return len(sealed)

    def _chat_anew(self, row: ChatRow, address: str) -> ChatRow:
        chat = row.chat
        sealed = self._sealer.seal(address.encode(), _chat_place(chat.platform_id, chat.chat_id))
        identity = self.marks(Point(chat.service, address))[0]
        return replace(row, sealed=sealed, key_id=self._sealer.key_id, identity=identity)

    def _anew(self, row: PointRow, address: str) -> PointRow:
        sealed = self._sealer.seal(address.encode(), _place(row.platform_id, row.contact_id))
        return replace(row, address=None, sealed=sealed, key_id=self._sealer.key_id)

    def _opened(self, row: PointRow) -> tuple[str, str]:
        """Give an address, or why it does not open."""
        if row.sealed is None:
            return row.address or "", ""
        try:
            return self._sealer.open(row.sealed, _place(row.platform_id, row.contact_id)).decode(), ""
        except NotOpened as problem:
            contact = str(row.contact_id)  # not the member: ids of members are in no log
            log.error("address does not open", platform=str(row.platform_id), contact=contact, why=str(problem))  # noqa: TRY400 - the reason is enough
            return "", f"the address does not open: {problem}"


def _position(row: PointRow) -> SealPosition:
    return row.key_id, row.platform_id, row.member_id, row.position


def _place(platform_id: UUID, contact_id: UUID) -> str:
    return f"contact_points/address/{platform_id}/{contact_id}"


def _chat_place(platform_id: UUID, chat_id: UUID) -> str:
    return f"member_chats/sealed/{platform_id}/{chat_id}"
