"""A platform's own keys: made, listed with their last use, replaced, taken back."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from google.protobuf.message import Message
from groupbuy.chassis.v1 import audit_internal_pb2
from groupbuy.team_formation.v1 import keys_pb2 as pb

from services.chassis import key_uses, requests
from services.chassis.audited import timestamp
from services.chassis.database import Database
from services.chassis.errors import Rejected
from services.chassis.platforms import Key
from services.chassis.requests import RequestKey
from services.chassis.server import caller
from services.team_formation.handlers import PlatformHandler
from services.team_formation.handlers.identity import Command, Done, RevokeKey
from services.team_formation.handlers.platforms import Response
from services.team_formation.neighbours import Neighbours
from services.team_formation.rpc import fields, identity_fields
from services.team_formation.rpc.base import Context, Rpcs
from services.team_formation.translate.identity import api_key

OWN = "team_formation"


class KeyRpcs(Rpcs):
    """Answers about the caller's keys."""

    async def CreateKey(  # noqa: N802
        self, request: pb.TeamFormationCreateKeyRequest, _context: Context
    ) -> pb.TeamFormationCreateKeyResponse:
        """Make another key."""
        key = _request_key("CreateKey", request)
        now = self._desk.clock.now()
        command = identity_fields.new_key_of(request, now, needs_scopes=True)
        raw, done = await self._asked(key, command, _created, test=request.test)
        answer = pb.TeamFormationCreateKeyResponse.FromString(raw)
        answer.secret = done.text if done else ""
        return answer

    async def RotateKey(self, request: pb.RotateKeyRequest, _context: Context) -> pb.RotateKeyResponse:  # noqa: N802
        """Make a key in the place of another one."""
        key = _request_key("RotateKey", request)
        command = identity_fields.rotation_of(request, self._desk.clock.now())
        raw, done = await self._asked(key, command, _rotated, test=request.test)
        answer = pb.RotateKeyResponse.FromString(raw)
        answer.secret = done.text if done else ""
        return answer

    async def RevokeKey(self, request: pb.RevokeKeyRequest, _context: Context) -> pb.RevokeKeyResponse:  # noqa: N802
        """Take a key back."""
        key = _request_key("RevokeKey", request)
        command = RevokeKey(request.key_id, even_last=False)
        await self._asked(key, command, lambda _: pb.RevokeKeyResponse(), test=request.test)
        return pb.RevokeKeyResponse()

    async def ListKeys(self, request: pb.ListKeysRequest, _context: Context) -> pb.ListKeysResponse:  # noqa: N802
        """List the platform's keys."""
        desk = self._desk
        platform = await PlatformHandler(desk.database, desk.clock).find(caller(), test=request.test)
        keys, silent = await listed(desk.database, desk.neighbours, platform.platform_id, platform.keys)
        return pb.ListKeysResponse(keys=keys, silent_services=silent)

    async def _asked(
        self, key: RequestKey, command: Command, response: Response, *, test: bool
    ) -> tuple[bytes, Done | None]:
        handler = PlatformHandler(self._desk.database, self._desk.clock)
        answer, done = await handler.asked(key, command, response, test=test)
        if isinstance(answer, Rejected):
            raise answer
        return answer, done


async def listed(
    database: Database, neighbours: Neighbours, platform_id: UUID, keys: Sequence[Key]
) -> tuple[list[pb.ApiKey], list[str]]:
    """Give a platform's keys with when each service was last called with them, and the services that do not say."""
    uses = await neighbours.key_uses(platform_id)
    async with database.read() as connection:
        own = await key_uses.list_uses(connection, platform_id)
    uses[OWN] = [audit_internal_pb2.UsedKey(key_id=key_id, last_used_at=timestamp(at)) for key_id, at in own.items()]
    written = [_with_uses(key, uses) for key in keys]
    return written, sorted(name for name, used in uses.items() if used is None)


def _with_uses(key: Key, uses: Mapping[str, list[audit_internal_pb2.UsedKey] | None]) -> pb.ApiKey:
    written = api_key(key)
    for service in sorted(uses):
        for used in uses[service] or ():
            if used.key_id == key.key_id:
                written.uses.add(service=service, last_used_at=used.last_used_at)
    return written


def _request_key(rpc: str, request: Message) -> RequestKey:
    return fields.request_key(rpc, caller(), requests.NO_CAMPAIGN, request)


def _created(done: Done) -> Message:
    return pb.TeamFormationCreateKeyResponse(key=api_key(done.key) if done.key else None)


def _rotated(done: Done) -> Message:
    return pb.RotateKeyResponse(
        key=api_key(done.key) if done.key else None, replaced=api_key(done.replaced) if done.replaced else None
    )
