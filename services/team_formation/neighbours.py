"""What the other services know of a platform's calls: when its keys were used there, and what was changed there."""

import asyncio
from collections.abc import Mapping
from uuid import UUID

import grpc
from groupbuy.chassis.v1 import audit_internal_pb2 as pb
from groupbuy.chassis.v1 import audit_internal_pb2_grpc as pb_grpc
from groupbuy.chassis.v1 import audit_pb2

from services.chassis import ids, logs
from services.chassis.errors import Unavailable
from services.team_formation import translate

ASK_SECONDS = 3.0

log = logs.logger(__name__)


class Neighbours:
    """Clients of the other services, by their names."""

    def __init__(self, stubs: "Mapping[str, pb_grpc.AuditInternalAsyncStub]", service_key: str) -> None:
        self._stubs = stubs
        self._metadata = (("authorization", f"Bearer {service_key}"),)

    async def key_uses(self, platform_id: UUID) -> dict[str, list[pb.UsedKey] | None]:
        """Tell by service when keys of a platform were last seen there; None where a service does not say."""
        request = pb.ListKeyUsesRequest(platform_id=ids.opaque(translate.PLATFORM, platform_id))
        found = await asyncio.gather(*(self._uses(name, request) for name in self._stubs))
        return dict(zip(self._stubs, found, strict=True))

    async def changes(self, request: pb.ListChangesRequest) -> list[audit_pb2.AuditEntry]:
        """List what was changed in the other services, those of each the newest first; Unavailable where one is away.

        A list in which entries are missing would look like one in which nothing was done.
        """
        found = await asyncio.gather(*(self._changes(name, request) for name in self._stubs))
        return [entry for entries in found for entry in entries]

    async def _uses(self, name: str, request: pb.ListKeyUsesRequest) -> list[pb.UsedKey] | None:
        try:
            answer = await self._stubs[name].ListKeyUses(request, metadata=self._metadata, timeout=ASK_SECONDS)
        except grpc.aio.AioRpcError as error:
            log.warning("uses of keys not known", service=name, why=error.details())
            return None
        return list(answer.keys)

    async def _changes(self, name: str, request: pb.ListChangesRequest) -> list[audit_pb2.AuditEntry]:
        try:
            answer = await self._stubs[name].ListChanges(request, metadata=self._metadata, timeout=ASK_SECONDS)
        except grpc.aio.AioRpcError as error:
            raise Unavailable(f"{name} does not say what was changed there") from error
        return list(answer.entries)
