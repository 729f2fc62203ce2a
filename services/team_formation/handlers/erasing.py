"""EraseMember: notes who is erased, waits until the rows of this service are replaced, and has the others told."""

import asyncio
import hashlib
import secrets
from collections.abc import Sequence
from datetime import UTC
from uuid import UUID

from groupbuy.team_formation.v1 import events_pb2
from groupbuy.team_formation.v1 import privacy_pb2 as pb

from services.chassis import audit, erased, erased_rows, ids, messages, platforms, requests
from services.chassis.audit import Change
from services.chassis.clock import Clock
from services.chassis.database import Connection, Database
from services.chassis.erased_rows import Erased
from services.chassis.erasing import Eraser, Service
from services.chassis.errors import Raced, Rejected, Unavailable
from services.chassis.requests import NO_CAMPAIGN, Decided, RequestKey
from services.chassis.work import Work
from services.team_formation import translate
from services.team_formation.store import erasing as shelf

RPC = "EraseMember"
WAIT_SECONDS = 5.0
_LOOK_SECONDS = 0.02
_TRIES = 5
_PSEUDONYM_BYTES = 12


class MemberEraser:
    """Erases members on behalf of platforms."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self.eraser = Eraser(
            database,
            clock,
            Service(
                shelf.replace_member,
                ("groupbuy.team_formation.v1.TeamFormation",),
                locate=shelf.find_campaigns,
                tell=tell_erased,
            ),
        )

    async def erase(self, platform_id: UUID, request: pb.EraseMemberRequest) -> bytes | Rejected:
        """Erase a member; Rejected MEMBER_HAS_SEATS, or Unavailable where transactions under way take too long."""
        for _ in range(_TRIES):
            try:
                answer = await self._note(platform_id, request.request_id, request.member_id)
            except Raced:
                continue
            if isinstance(answer, bytes):
                await self._replaced(pb.EraseMemberResponse.FromString(answer).pseudonym)
            return answer
        raise Raced("another process decides the same request")

    async def _note(self, platform_id: UUID, request_id: str, member_id: str) -> bytes | Rejected:
        async with self._database.work() as work:
            hashed = await erased_rows.hash_of(work.connection, platform_id, member_id)
            # a plain hash of the request would be one of the id
            key = RequestKey(NO_CAMPAIGN, platform_id, RPC, request_id, hashlib.sha256(hashed).digest())
            known = await requests.find(work.connection, key)
            if known is not None:
                return known
            answer = await self._decide(work.connection, platform_id, member_id, request_id)
            await requests.store(work.connection, [[Decided(key, answer)]])
        return answer

    async def _decide(
        self, connection: Connection, platform_id: UUID, member_id: str, request_id: str
    ) -> bytes | Rejected:
        found = await erased_rows.find(connection, platform_id, member_id)
        if found is None:
            live = await shelf.find_live_seats(connection, platform_id, member_id)
            if live:
                return _has_seats(live)
            now = self._clock.now()
            pseudonym = f"{erased.PREFIX}{secrets.token_hex(_PSEUDONYM_BYTES)}"
            found = Erased(platform_id, pseudonym, now, erased.complete_at(now), member_id=member_id)
            if not await erased_rows.note(connection, found):
                raise Raced("another process erases the same member")
            # which member it was is what nobody is to know
            await audit.note(connection, now, Change(platform_id, RPC, f"member {pseudonym}", request_id=request_id))
        return _written(found)

    async def _replaced(self, pseudonym: str) -> None:
        """Wait until the rows of this service are replaced for the first time."""
        loop = asyncio.get_running_loop()
        until = loop.time() + WAIT_SECONDS
        while not await self._is_replaced(pseudonym):
            if loop.time() > until:
                raise Unavailable("transactions that began before are still under way; the member is erased after them")
            await self.eraser.run_once()
            await asyncio.sleep(_LOOK_SECONDS)

    async def _is_replaced(self, pseudonym: str) -> bool:
        async with self._database.read() as connection:
            return await erased_rows.is_replaced(connection, pseudonym)


def tell_erased(work: Work, found: Erased) -> None:
    """Tell the other services who is to be forgotten."""
    event = events_pb2.MemberEvent(
        event_id=str(ids.derived_id(found.platform_id, found.pseudonym)),
        platform_id=ids.opaque(platforms.ID_PREFIX, found.platform_id),
        sequence=1,
        occurred_at=translate.time(found.erased_at),
        member_erased=events_pb2.MemberErased(
            member_id=found.member_id,
            pseudonym=found.pseudonym,
            complete_at=translate.time(found.complete_at),
            campaign_ids=[ids.opaque(translate.CAMPAIGN, one) for one in found.campaigns],
        ),
    )
    work.tell(messages.message(erased.TOPIC, found.pseudonym, event))


def _written(found: Erased) -> bytes:
    return pb.EraseMemberResponse(
        pseudonym=found.pseudonym,
        erased_at=translate.time(found.erased_at),
        complete_at=translate.time(found.complete_at),
    ).SerializeToString()


def _has_seats(live: Sequence[shelf.LiveSeat]) -> Rejected:
    first, last = live[0], live[-1]
    return Rejected(
        "MEMBER_HAS_SEATS",
        {
            "seats": len(live),
            "seat_id": translate.seat_id(first.campaign_id, first.seat_id),
            "team_id": translate.team_id(first.campaign_id, first.team_id),
            "until": last.ends_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        },
    )
