"""Refuses a test twin as it asks (see forcing.py), before anything else is done about its call."""

from collections.abc import AsyncIterator
from functools import wraps
from typing import Any

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message

from services.chassis import forcing, requests
from services.chassis.database import Database
from services.chassis.errors import Rejected
from services.chassis.gate import caller, is_internal
from services.chassis.requests import NO_CAMPAIGN, Decided, RequestKey
from services.chassis.server import Servicer
from services.chassis.twins import is_test


def refusing(servicer: Servicer, database: Database) -> Servicer:
    """Have every RPC of a service for platforms look first whether it is asked to refuse."""
    if not is_internal(f"/{servicer.name}/"):
        service = descriptor_pool.Default().FindServiceByName(servicer.name)
        for method in service.methods:
            look = _stream if method.server_streaming else _unary
            behaviour = getattr(servicer.implementation, method.name)
            setattr(servicer.implementation, method.name, look(method, behaviour, database))
    return servicer


async def refuse_as_asked(database: Database, method: MethodDescriptor, request: Message) -> None:
    """Raise the refusal that a test twin asks for, stored for its request id as any other of its kind is."""
    if not is_test(caller()):
        return
    refused = forcing.forced(method, request)
    if refused is None:
        return
    if "request_id" not in method.input_type.fields_by_name or not forcing.is_stored(refused):
        raise refused
    request_id: str = request.request_id  # type: ignore[attr-defined]
    requests.check_request_id(request_id)
    key = RequestKey(NO_CAMPAIGN, caller(), method.name, request_id, requests.body_hash(request))
    async with database.work() as work:
        answer = await requests.keep(work.connection, Decided(key, refused))
    raise answer if isinstance(answer, Rejected) else refused


def _unary(method: MethodDescriptor, behaviour: Any, database: Database) -> Any:
    @wraps(behaviour)
    async def call(request: Any, context: Any) -> Any:
        await refuse_as_asked(database, method, request)
        return await behaviour(request, context)

    return call


def _stream(method: MethodDescriptor, behaviour: Any, database: Database) -> Any:
    @wraps(behaviour)
    async def call(request: Any, context: Any) -> AsyncIterator[Any]:
        await refuse_as_asked(database, method, request)
        async for response in behaviour(request, context):
            yield response

    return call
