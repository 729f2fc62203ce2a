"""Creates and changes platforms and their test twins; publishes the whole state of each, and notes who changed what."""

from collections.abc import Callable
from dataclasses import dataclass, replace
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
from services.chassis.twin_clocks import CHANNEL as CLOCKS
from services.chassis.twins import is_test, twin_of
from services.chassis.work import Work
from services.team_formation import translate
from services.team_formation.handlers.identity import (
    Command,
    CreateKey,
    Done,
    ResumePlatform,
    SetLimits,
    SuspendPlatform,
    Touched,
    decide,
    new_key,
)
from services.team_formation.store.merchants import note_merchant
from services.team_formation.translate.identity import api_key, platform_changed, platform_state

TRIES = 5

Response: TypeAlias = Callable[[Done], Message]
"""Makes the response that is stored for a request: without a secret."""


_OF_BOTH = (SuspendPlatform, ResumePlatform, SetLimits)
"""What is done to a platform is done to its twin too: that is the same shop, and shares its limits."""


@dataclass(frozen=True, slots=True)
class Created:
    """A new platform, with keys that are not stored and cannot be shown again."""

    platform_id: UUID
    key: str
    test_key: str
    """Of its test twin."""


class PlatformHandler:
    """What operators ask about platforms, and platforms about themselves."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def now(self) -> datetime:
        """Tell the time, by which keys expire."""
        return self._clock.now()

    async def create(self, name: str) -> Created:
        """Create a platform and its test twin, each with its first key."""
        now, platform_id = self._clock.now(), ids.new_id()
        key, text = new_key(platform_id, CreateKey(), now)
        platform = Platform(platform_id, name, suspended=False, sequence=1, keys=(key,), generation=1)
        test_key, test_text = new_key(twin_of(platform_id, 1), CreateKey(), now)
        twin = replace(first_twin(platform), sequence=1, keys=(test_key,))
        touched = (
            Touched("platform", None, platform_state(platform)),
            Touched(f"key {key.key_id}", None, api_key(key)),
        )
        test_touched = (Touched(f"key {test_key.key_id}", None, api_key(test_key)),)
        async with self._database.work() as work:
            await self._save(work, Done(platform, touched), platform_id, "CreatePlatform", "")
            await self._save(work, Done(twin, test_touched), platform_id, "CreatePlatform", "")
        return Created(platform_id, text, test_text)

    async def change(self, platform_id: UUID, rpc: str, command: Command, *, test: bool = False) -> Done:
        """Do what operators ask; Rejected PLATFORM_UNKNOWN, and what `decide` says. With `test`, to its twin."""
        async with self._database.work() as work:
            return await self._changed(work, platform_id, rpc, command, "", test=test)

    async def asked(
        self, key: RequestKey, command: Command, response: Response, *, test: bool = False
    ) -> tuple[Answer, Done | None]:
        """Do what a platform asks of itself, or of its twin, once for a request id.

        Gives the stored answer, and what was done just now: only who is answered first sees a secret, which is in what
        was done, and in nothing that is stored.
        """
        for _ in range(TRIES):
            try:
                return await self._asked(key, command, response, test=test)
            except Raced:
                continue
        raise Raced("another process decides the same request")

    async def find(self, platform_id: UUID, *, test: bool = False) -> Platform:
        """Read a platform, or its twin as it stands or would begin; Rejected PLATFORM_UNKNOWN."""
        async with self._database.read() as connection:
            platform = await platforms.find_platform(connection, platform_id)
            if platform and test and not is_test(platform_id):
                twin = await platforms.find_platform(connection, twin_of(platform_id, platform.generation))
                platform = twin or first_twin(platform)
        if platform is None:
            raise Rejected("PLATFORM_UNKNOWN")
        return platform

    async def _asked(
        self, key: RequestKey, command: Command, response: Response, *, test: bool
    ) -> tuple[Answer, Done | None]:
        async with self._database.work() as work:
            known = await requests.find(work.connection, key)
            if known is not None:
                return known, None
            tried = await self._tried(work, key, command, test=test)
            done = tried if isinstance(tried, Done) else None
            answer = response(tried).SerializeToString() if isinstance(tried, Done) else tried
            await requests.store(work.connection, [[Decided(key, answer)]])
        return answer, done

    async def _tried(self, work: Work, key: RequestKey, command: Command, *, test: bool) -> Done | Rejected:
        try:
            return await self._changed(work, key.platform_id, key.rpc, command, key.request_id, test=test)
        except Rejected as refusal:
            return refusal

    async def _changed(
        self, work: Work, platform_id: UUID, rpc: str, command: Command, request_id: str, *, test: bool
    ) -> Done:
        platform = await platforms.lock_platform(work.connection, platform_id)
        if platform is None:
            raise Rejected("PLATFORM_UNKNOWN")
        if test and not is_test(platform_id):
            return await self._change_twin(work, platform, rpc, command, request_id)
        done = await self._apply(work, platform, platform_id, rpc, command, request_id)
        if done.touched and isinstance(command, _OF_BOTH) and not is_test(platform_id):
            twin = await _lock_twin(work, platform)
            if twin is not None:  # the audit has it once: the twin follows from the platform
                after = decide(twin, command, self._clock.now()).platform
                await self._save(work, Done(replace(after, sequence=twin.sequence + 1)), platform_id, rpc, request_id)
        return done

    async def _change_twin(self, work: Work, platform: Platform, rpc: str, command: Command, request_id: str) -> Done:
        """Do what is asked of the twin of a locked platform; one that has none gets its first with what is done."""
        twin = await _lock_twin(work, platform)
        done = await self._apply(work, twin or first_twin(platform), platform.platform_id, rpc, command, request_id)
        if twin is None and done.touched:
            begun = replace(platform, generation=1, sequence=platform.sequence + 1)
            await self._save(work, Done(begun), platform.platform_id, "", "")
        return done

    async def _apply(
        self, work: Work, platform: Platform, asking: UUID, rpc: str, command: Command, request_id: str
    ) -> Done:
        done = decide(platform, command, self._clock.now())
        if done.touched:
            after = replace(done.platform, sequence=platform.sequence + 1)
            await self._save(work, replace(done, platform=after), asking, rpc, request_id)
        return done

    async def _save(self, work: Work, done: Done, asking: UUID, rpc: str, request_id: str) -> None:
        """Save what was done to a platform; the audit of who asked for it tells that."""
        platform, now = done.platform, self._clock.now()
        await platforms.save_platforms(work.connection, [platform], now)
        of_twin = "test " if platform.platform_id != asking else ""
        changes = [
            Change(asking, rpc, f"{of_twin}{item.subject}", item.before, item.after, request_id)
            for item in done.touched
        ]
        await audit.note(work.connection, now, *changes)
        if done.merchant_id:
            await note_merchant(work.connection, platform.platform_id, done.merchant_id)
        tell_platform(work, platform, now)


async def _lock_twin(work: Work, platform: Platform) -> Platform | None:
    return await platforms.lock_platform(work.connection, twin_of(platform.platform_id, platform.generation))


def first_twin(platform: Platform) -> Platform:
    """Make the first twin of a platform, as it is before anything was done to it."""
    return Platform(
        twin_of(platform.platform_id, 1),
        platform.name,
        platform.suspended,
        sequence=0,
        keys=(),
        suspension_reason=platform.suspension_reason,
        limits=platform.limits,
        test_of=platform.platform_id,
        generation=1,
    )


def tell_platform(work: Work, platform: Platform, now: datetime) -> None:
    """Tell the whole state of a platform that was saved."""
    event = events_pb2.PlatformEvent(
        event_id=str(ids.derived_id(platform.platform_id, platform.sequence)),
        platform_id=ids.opaque(platforms.ID_PREFIX, platform.platform_id),
        sequence=platform.sequence,
        occurred_at=translate.time(now),
        platform_changed=platform_changed(platform),
    )
    work.tell(messages.message(platforms.TOPIC, event.platform_id, event))
    if is_test(platform.platform_id):
        work.call(CLOCKS)
