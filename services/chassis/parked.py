"""Shows operators what is parked and lets a key go on: ParkedInternal, answered by services that read topics."""

from typing import Any

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from groupbuy.chassis.v1 import parked_internal_pb2 as pb
from groupbuy.chassis.v1 import parked_internal_pb2_grpc as pb_grpc

from services.chassis import inbox_rows
from services.chassis.database import Database
from services.chassis.errors import Rejected, invalid
from services.chassis.inbox import Inbox, StillParked
from services.chassis.server import Servicer

NAME = "groupbuy.chassis.v1.ParkedInternal"
_MOST_KEYS = 1_000
_MOST_MESSAGES = 1_000
_FEW_MESSAGES = 100

_Context = grpc.aio.ServicerContext[Any, Any]


def servicer(database: Database, inbox: Inbox) -> Servicer:
    """Make the gRPC service of an inbox."""
    return Servicer(NAME, ParkedServicer(database, inbox), pb_grpc.add_ParkedInternalServicer_to_server)


class ParkedServicer(pb_grpc.ParkedInternalServicer):
    """Answers callers that have the services' own key."""

    def __init__(self, database: Database, inbox: Inbox) -> None:
        self._database = database
        self._inbox = inbox

    async def ListParkedKeys(self, request: pb.ListParkedKeysRequest, _context: _Context) -> pb.ListParkedKeysResponse:  # noqa: N802 - the name of the RPC
        """List parked keys."""
        limit = _limit(request.limit, _MOST_KEYS, _MOST_KEYS)
        async with self._database.read() as connection:
            found = await inbox_rows.list_parked_keys(connection, limit)
        keys = [
            pb.ParkedKey(
                topic=item.topic,
                key=item.key,
                messages=item.messages,
                reason=item.reason,
                parked_at=_timestamp(item.parked_at),
            )
            for item in found
        ]
        return pb.ListParkedKeysResponse(keys=keys)

    async def ListParkedMessages(  # noqa: N802 - the name of the RPC
        self, request: pb.ListParkedMessagesRequest, _context: _Context
    ) -> pb.ListParkedMessagesResponse:
        """List the messages of a parked key; KEY_NOT_PARKED."""
        limit = _limit(request.limit, _FEW_MESSAGES, _MOST_MESSAGES)
        _check_key(request.topic, request.key)
        async with self._database.read() as connection:
            found = await inbox_rows.list_parked(connection, request.topic, request.key, limit)
        if not found:
            raise _not_parked(request.topic, request.key)
        messages = [
            pb.ParkedMessage(
                partition=item.record.partition,
                offset=item.record.offset,
                reason=item.reason,
                parked_at=_timestamp(at),
                headers={name: value.decode() for name, value in item.record.headers},
                value=item.record.value,
            )
            for item, at in found
        ]
        return pb.ListParkedMessagesResponse(messages=messages)

    async def RedriveKey(self, request: pb.RedriveKeyRequest, _context: _Context) -> pb.RedriveKeyResponse:  # noqa: N802 - the name of the RPC
        """Apply what is parked of a key, all of it or nothing; KEY_NOT_PARKED, STILL_PARKED."""
        _check_key(request.topic, request.key)
        try:
            applied = await self._inbox.redrive(request.topic, request.key)
        except StillParked as problem:
            metadata = {"topic": request.topic, "key": request.key, "cause": str(problem)}
            raise Rejected("STILL_PARKED", metadata) from None
        if not applied:
            raise _not_parked(request.topic, request.key)
        return pb.RedriveKeyResponse(applied=applied)


def _check_key(topic: str, key: str) -> None:
    """Refuse what no text in PostgreSQL can be, and so no key is."""
    if "\0" in topic + key:
        raise _not_parked(topic, key)


def _not_parked(topic: str, key: str) -> Rejected:
    return Rejected("KEY_NOT_PARKED", {"topic": topic, "key": key})


def _limit(asked: int, unsaid: int, most: int) -> int:
    if not 0 <= asked <= most:
        raise invalid("limit", f"must be 0 to {most}, not {asked}")
    return asked or unsaid


def _timestamp(at: Any) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(at)
    return stamp
