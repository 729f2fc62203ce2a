"""Private chats: a member binds one by a code, is known there again, has no more messages, or takes it away."""

import hashlib
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from groupbuy.notification.v1 import chats_pb2
from groupbuy.notification.v1 import notification_internal_pb2 as internal_pb2

from services.chassis import erased, ids, requests
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.errors import Raced, Rejected
from services.chassis.requests import NO_CAMPAIGN, Answer, Decided, RequestKey
from services.chassis.work import Work
from services.notification import store
from services.notification.contacts import Contacts
from services.notification.domain import (
    CODE_ALPHABET,
    CODE_LENGTH,
    CODE_LIFETIME,
    MOST_CHATS,
    MOST_CODES,
    Act,
    Chat,
    Heard,
    Point,
    read_code,
)
from services.notification.handlers.member_messages import Written, keep_message
from services.notification.handlers.platform_events import keep
from services.notification.store import chats as shelf
from services.notification.translate import binding_changed

PAGE = 1_000
MOST_SEATS = 10
_RPC = "HearChat"
_HOWEVER_READ = b""
"""An event is the same one however a later release reads what it wants: what came of it first is its answer."""
_LATELY = timedelta(days=90)
"""What a member was told of before that is not what it asks about."""
_TURNS = 8
"""So often an event is begun anew: its chat was bound to another meanwhile, or it is heard twice at once."""


class _BoundMeanwhile(Exception):
    """A chat was bound to somebody else, whose lock this transaction may no longer ask for."""


@dataclass(frozen=True, slots=True)
class Overheard:
    """What somebody did in a private chat, checked."""

    platform_id: UUID
    event_key: str
    point: Point
    act: Act
    code: str
    words: str
    language: str
    happened_at: datetime
    is_signed: bool


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of it."""

    heard: Heard
    member_id: str = ""
    language: str = ""
    seats: Sequence[tuple[UUID, UUID]] = ()
    """Live ones, as campaign and seat, those told of last first."""


@dataclass(frozen=True, slots=True)
class UnbindChat:
    """A checked command."""

    key: RequestKey
    chat_id: UUID


class Chats:
    """Decides about chats, each time in a transaction of its own."""

    def __init__(self, database: Database, clock: Clock, contacts: Contacts) -> None:
        self._database = database
        self._clock = clock
        self._contacts = contacts

    async def make_code(self, platform_id: UUID, member_id: str, via: str = "") -> tuple[str, datetime]:
        """Make a code for a member, on the page of a seat or elsewhere; good for an hour, kept as its hash alone."""
        code, expires_at = _new_code(), self._clock.now(platform_id) + CODE_LIFETIME
        kept = shelf.Code(_hash(code), member_id, via, expires_at)
        async with self._database.work() as work:
            await erased.refuse(work.connection, platform_id, [member_id])
            await shelf.insert_code(work.connection, platform_id, kept, MOST_CODES)
        return code, expires_at

    async def list(self, platform_id: UUID, member_id: str) -> Sequence[Chat]:
        """List a member's chats."""
        async with self._database.read() as connection:
            return await shelf.list_chats(connection, platform_id, member_id)

    async def hear(self, what: Overheard) -> bytes:
        """Do what somebody wants, and give the answer as it is stored: the same event again has no more effect."""
        once = hashlib.sha256(what.event_key.encode()).hexdigest()
        key = RequestKey(NO_CAMPAIGN, what.platform_id, _RPC, once, _HOWEVER_READ)
        for _ in range(_TURNS):
            with suppress(_BoundMeanwhile, Raced):
                return await self._once(what, key)
        raise Rejected("UNAVAILABLE", {"cause": "others decide about the same chat at this moment"})

    async def _once(self, what: Overheard, key: RequestKey) -> bytes:
        async with self._database.work() as work:
            if what.act is Act.ASKED:
                return _wire(await self._heard(work, what))
            known = await requests.find(work.connection, key)
            if isinstance(known, bytes):
                return known
            answer = _wire(await self._heard(work, what))
            await requests.store(work.connection, [[Decided(key, answer)]])
        return answer

    async def _heard(self, work: Work, what: Overheard) -> Answered:
        marks = self._contacts.marks(what.point)
        if what.act is Act.STARTED and what.code:
            return await self._bound(work, what, marks)
        chat = await self._locked(work, what.platform_id, marks)
        if chat is None:
            return Answered(Heard.UNKNOWN)
        if what.act is Act.LEFT:
            await self._forget(work, what.platform_id, [chat])
            return Answered(Heard.FORGOTTEN)
        await shelf.note_heard(work.connection, chat, what.happened_at)
        return await self._answered(work, await self._acted(work, what, chat), chat)

    async def _acted(self, work: Work, what: Overheard, chat: Chat) -> Heard:
        """Do what a member wants whose chat this is."""
        member = (chat.platform_id, chat.member_id)
        match what.act:
            case Act.STOPPED:
                if await shelf.note_act(work.connection, chat, what.happened_at):
                    await store.unsubscribe(work.connection, member, self._clock.now(chat.platform_id), all_kinds=True)
                return Heard.MUTED
            case Act.STARTED:
                if await shelf.note_act(work.connection, chat, what.happened_at):
                    await store.unmute(work.connection, member)
                return Heard.UNMUTED
            case Act.WROTE:
                written = Written(
                    chat.platform_id, what.event_key, chat.member_id, what.words, chat, "", what.is_signed
                )
                before = await keep_message(work, written, what.happened_at, self._clock.now(chat.platform_id))
                if before is None:
                    return Heard.TOO_MANY
                return Heard.KEPT if before else Heard.KEPT_FIRST
            case _:
                return Heard.KNOWN

    async def _locked(self, work: Work, platform_id: UUID, marks: Sequence[bytes], *also: str) -> Chat | None:
        """Find a chat, its member locked, and others; members come before chats, or two would wait in a ring."""
        before = await shelf.find_chat(work.connection, platform_id, marks)
        await shelf.lock_members(work.connection, platform_id, {*also, *([before.member_id] if before else [])})
        chat = await shelf.find_chat(work.connection, platform_id, marks)
        if chat and chat.member_id not in {*also, before.member_id if before else ""}:
            raise _BoundMeanwhile
        return chat

    async def _bound(self, work: Work, what: Overheard, marks: Sequence[bytes]) -> Answered:
        """Bind a chat to the member whose code was sent there, in the place of whom it was bound to before."""
        now, code = self._clock.now(what.platform_id), read_code(what.code)
        used = shelf.use_code(work.connection, what.platform_id, _hash(code), marks, now) if code else None
        found = await used if used else None
        if found is None or await erased.find_erased(work.connection, {what.platform_id: [found[0]]}):
            return Answered(Heard.CODE_UNKNOWN)
        member_id, via = found
        await shelf.lock_identity(work.connection, what.platform_id, marks[0])
        await shelf.register_member(work.connection, what.platform_id, member_id, what.language, now)
        chat = await self._locked(work, what.platform_id, marks, member_id)
        if chat is None or chat.member_id != member_id:
            row = self._contacts.bound(what.platform_id, member_id, what.point, via, now)
            others = await shelf.list_chats(work.connection, what.platform_id, member_id)
            await self._forget(work, what.platform_id, [*([chat] if chat else []), *others[MOST_CHATS - 1 :]])
            await shelf.insert_chat(work.connection, row)
            chat = row.chat
            event_id = ids.derived_id(chat.chat_id, "bound")
            await keep(work, [binding_changed(chat, event_id, now, is_bound=True)], now)
        await shelf.note_heard(work.connection, chat, what.happened_at)
        await store.unmute(work.connection, (chat.platform_id, chat.member_id))
        return await self._answered(work, Heard.BOUND, chat)

    async def _answered(self, work: Work, heard: Heard, chat: Chat) -> Answered:
        found = await store.find_members(work.connection, [(chat.platform_id, chat.member_id)])
        member, _ = found[chat.platform_id, chat.member_id]
        if heard not in {Heard.KNOWN, Heard.BOUND}:
            return Answered(heard, chat.member_id, member.language)
        seats = await shelf.find_live_seats(
            work.connection, chat.platform_id, chat.member_id, self._clock.now(chat.platform_id) - _LATELY, MOST_SEATS
        )
        return Answered(heard, chat.member_id, member.language, seats)

    async def unbind(self, command: UnbindChat) -> Answer:
        """Forget a chat, and store the answer."""
        platform_id = command.key.platform_id
        async with self._database.work() as work:
            known = await requests.find(work.connection, command.key)
            if known is not None:
                return known
            found = await shelf.find_chats(work.connection, platform_id, [command.chat_id])
            if not found:
                raise Rejected("CHAT_UNKNOWN")
            await shelf.lock_members(work.connection, platform_id, [chat.member_id for chat in found.values()])
            await self._forget(work, platform_id, list(found.values()))
            answer = chats_pb2.UnbindChatResponse().SerializeToString()
            await requests.store(work.connection, [[Decided(command.key, answer)]])
        return answer

    async def end(self, platform_id: UUID, member_id: str, via: str) -> None:
        """Forget all chats of a member; or, of those of one seat's page, what was bound from it, and its codes."""
        async with self._database.work() as work:
            await shelf.lock_members(work.connection, platform_id, [member_id])
            if via:
                await shelf.drop_codes(work.connection, platform_id, member_id, via)
                chats = await shelf.find_via(work.connection, platform_id, member_id, via)
            else:
                chats = await shelf.list_chats(work.connection, platform_id, member_id)
            await self._forget(work, platform_id, chats)

    async def forget_codes(self) -> int:
        """Forget codes that are over; returns how many. Run by a timer."""
        async with self._database.work() as work:
            return await shelf.forget_codes(work.connection, self._clock.now(), PAGE)

    async def _forget(self, work: Work, platform_id: UUID, chats: Sequence[Chat]) -> None:
        now = self._clock.now(platform_id)
        gone = await shelf.delete_chats(work.connection, platform_id, [chat.chat_id for chat in chats])
        told = [binding_changed(chat, ids.derived_id(chat.chat_id, "unbound"), now, is_bound=False) for chat in gone]
        await keep(work, told, now)


def _new_code() -> str:
    """Make a code with a digit in it, so that no word is one."""
    while True:
        code = "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))
        if not code.isalpha():
            return code


def _wire(answered: Answered) -> bytes:
    return internal_pb2.HearChatResponse(
        heard=_HEARD[answered.heard],
        is_first=answered.heard is Heard.KEPT_FIRST,
        member_id=answered.member_id,
        language=answered.language,
        seat_ids=[ids.opaque("seat", *seat) for seat in answered.seats],
    ).SerializeToString()


_HEARD = {one: internal_pb2.ChatHeard.Value(f"CHAT_HEARD_{one.name.removesuffix('_FIRST')}") for one in Heard}


def _hash(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()
