"""Begins a test twin anew: the next one takes its keys and limits, and what was is given up, to be removed."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from google.protobuf.message import Message

from services.chassis import audit, platforms, requests
from services.chassis.audit import Change
from services.chassis.clock import Clock
from services.chassis.database import Connection, Database
from services.chassis.errors import Raced, Rejected
from services.chassis.platforms import Platform
from services.chassis.requests import Answer, Decided, RequestKey
from services.chassis.twins import twin_of
from services.chassis.work import Work
from services.team_formation.codes import InviteCodes, hash_code
from services.team_formation.handlers.platforms import tell_platform
from services.team_formation.handlers.test_clock import SETTLE_SECONDS, TRIES, only_test
from services.team_formation.standings import Standings
from services.team_formation.store.clock_targets import end_moving
from services.team_formation.store.invites import find_some_invites, remove_invites


class Resetter:
    """What platforms ask of their twins as a whole."""

    def __init__(self, database: Database, clock: Clock, standings: Standings) -> None:
        self._database = database
        self._clock = clock
        self._standings = standings

    async def reset(self, key: RequestKey, response: Message) -> Answer:
        """Begin the twin that calls anew, once for a request id of its platform; gives the stored answer."""
        only_test(key.platform_id)
        for _ in range(TRIES):
            try:
                return await self._reset(key, response)
            except Raced:
                continue
        raise Raced("another process decides the same request")

    async def known_everywhere(self, former: UUID, seconds: float) -> list[str]:
        """Wait until all services know the twin in use; names those that do not after some seconds."""
        ends_at = asyncio.get_running_loop().time() + seconds
        while True:
            async with self._database.read() as connection:
                live = await _live_of(connection, former)
            standings = await self._standings.of(twin_of(live.platform_id, live.generation))
            unknown = [name for name, one in standings.items() if one.platform_sequence < 1]
            if not unknown or asyncio.get_running_loop().time() >= ends_at:
                return unknown
            await asyncio.sleep(SETTLE_SECONDS)

    async def _reset(self, key: RequestKey, response: Message) -> Answer:
        async with self._database.work() as work:
            live = await _live_of(work.connection, key.platform_id)
            own = key._replace(platform_id=live.platform_id)
            known = await requests.find(work.connection, own)
            if known is not None:
                return known
            await self._begin_anew(work, live.platform_id, key)
            answer = response.SerializeToString()
            await requests.store(work.connection, [[Decided(own, answer)]])
        return answer

    async def _begin_anew(self, work: Work, live_id: UUID, key: RequestKey) -> None:
        now = self._clock.now()
        live = await platforms.lock_platform(work.connection, live_id)
        former = await platforms.lock_platform(work.connection, twin_of(live_id, live.generation)) if live else None
        if live is None or former is None:
            raise Rejected("PLATFORM_UNKNOWN")
        live = replace(live, generation=live.generation + 1, sequence=live.sequence + 1)
        next_one = Platform(
            twin_of(live_id, live.generation),
            live.name,
            former.suspended,
            sequence=1,
            keys=former.keys,
            suspension_reason=former.suspension_reason,
            limits=former.limits,
            test_of=live_id,
            generation=live.generation,
        )
        given_up = replace(former, keys=(), sequence=former.sequence + 1, retired_at=now)
        await end_moving(work.connection, former.platform_id)
        for platform in (live, given_up, next_one):
            await platforms.save_platforms(work.connection, [platform], now)
            tell_platform(work, platform, now)
        await audit.note(
            work.connection, now, Change(live_id, key.rpc, "test platform", None, None, request_id=key.request_id)
        )


async def _live_of(connection: Connection, twin: UUID) -> Platform:
    """Find the platform that a twin is the twin of; Rejected PLATFORM_UNKNOWN."""
    found = await platforms.find_platform(connection, twin)
    live = await platforms.find_platform(connection, found.test_of) if found and found.test_of else None
    if live is None:
        raise Rejected("PLATFORM_UNKNOWN")
    return live


class InviteRemover:
    """Removes invites of a twin that was given up: their codes are found by nothing else."""

    def __init__(self, codes: InviteCodes) -> None:
        self._codes = codes

    async def run_once(self, connection: Connection, _twin: UUID, campaigns: Sequence[UUID], limit: int) -> int:
        """Remove invites of campaigns with their codes, no more than so many; returns how many."""
        invites = await find_some_invites(connection, campaigns, limit)
        hashes = [code_hash for _, invite_id in invites if (code_hash := hash_code(self._codes.code(invite_id)))]
        if invites:
            await remove_invites(connection, invites, hashes)
        return len(invites)
