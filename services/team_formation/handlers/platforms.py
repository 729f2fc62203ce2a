"""Creates and changes platforms; publishes the whole state of each, and notes in the audit what was changed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from google.protobuf.message import Message
from groupbuy.team_formation.v1 import events_pb2

from services.chassis import audit, ids, messages, platforms, requests
from services.chassis.audit import Change
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.errors import Raced, Rejected
from services.chassis.platforms import Platform
from services.chassis.requests import Answer, Decided, RequestKey
from services.chassis.work import Work
from services.team_formation import translate
from services.team_formation.handlers.identity import Command, CreateKey, Done, Touched, decide, new_key
from services.team_formation.store.merchants import note_merchant
from services.team_formation.translate.identity import api_key, platform_changed, platform_state

TRIES = 5

Response: TypeAlias = Callable[[Done], Message]
"""Makes the response that is stored for a request: without a secret."""


class PlatformHandler:
    """What operators ask about platforms, and platforms about themselves."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def now(self) -> datetime:
        """Tell the time, by which keys expire."""
        return self._clock.now()

    async def create(self, name: str) -> tuple[UUID, str]:
        """Create a platform; returns its id and its first key, which is not stored and cannot be shown again."""
        now = self._clock.now()
        key, text = new_key(CreateKey(), now)
        platform = Platform(ids.new_id(), name, suspended=False, sequence=1, keys=(key,))
        touched = (
            Touched("platform", None, platform_state(platform)),
            Touched(f"key {key.key_id}", None, api_key(key)),
        )
        async with self._database.work() as work:
            await self._save(work, Done(platform, touched), "CreatePlatform", "")
        return platform.platform_id, text

    async def change(self, platform_id: UUID, rpc: str, command: Command) -> Done:
        """Do what operators ask; Rejected PLATFORM_UNKNOWN, and what `decide` says."""
        async with self._database.work() as work:
            return await self._changed(work, platform_id, rpc, command, "")

    async def asked(self, key: RequestKey, command: Command, response: Response) -> tuple[Answer, Done | None]:
        """Do what a platform asks of itself, once for a request id: the stored answer, and what was done just now.

        Only who is answered first sees a secret: it is in what was done, and in nothing that is stored.
        """
        for _ in range(TRIES):
            try:
                return await self._asked(key, command, response)
            except Raced:
                continue
        raise Raced("another process decides the same request")

    async def find(self, platform_id: UUID) -> Platform:
        """Read a platform; Rejected PLATFORM_UNKNOWN."""
        async with self._database.read() as connection:
            platform = await platforms.find_platform(connection, platform_id)
        if platform is None:
            raise Rejected("PLATFORM_UNKNOWN")
        return platform

    async def _asked(self, key: RequestKey, command: Command, response: Response) -> tuple[Answer, Done | None]:
        async with self._database.work() as work:
            known = await requests.find(work.connection, key)
            if known is not None:
                return known, None
            tried = await self._tried(work, key, command)
            done = tried if isinstance(tried, Done) else None
            answer = response(tried).SerializeToString() if isinstance(tried, Done) else tried
            await requests.store(work.connection, [[Decided(key, answer)]])
        return answer, done

    async def _tried(self, work: Work, key: RequestKey, command: Command) -> Done | Rejected:
        try:
            return await self._changed(work, key.platform_id, key.rpc, command, key.request_id)
        except Rejected as refusal:
            return refusal

    async def _changed(self, work: Work, platform_id: UUID, rpc: str, command: Command, request_id: str) -> Done:
        platform = await platforms.lock_platform(work.connection, platform_id)
        if platform is None:
            raise Rejected("PLATFORM_UNKNOWN")
        done = decide(platform, command, self._clock.now())
        if done.touched:
            await self._save(
                work, replace(done, platform=replace(done.platform, sequence=platform.sequence + 1)), rpc, request_id
            )
        return done

    async def _save(self, work: Work, done: Done, rpc: str, request_id: str) -> None:
        platform, now = done.platform, self._clock.now()
        await platforms.save_platforms(work.connection, [platform], now)
        changes = [
            Change(platform.platform_id, rpc, item.subject, item.before, item.after, request_id)
            for item in done.touched
        ]
        await audit.note(work.connection, now, *changes)
        if done.merchant_id:
            await note_merchant(work.connection, platform.platform_id, done.merchant_id)
        event = events_pb2.PlatformEvent(
            event_id=str(ids.derived_id(platform.platform_id, platform.sequence)),
            platform_id=ids.opaque(platforms.ID_PREFIX, platform.platform_id),
            sequence=platform.sequence,
            occurred_at=translate.time(now),
            platform_changed=platform_changed(platform),
        )
        work.tell(messages.message(platforms.TOPIC, event.platform_id, event))
