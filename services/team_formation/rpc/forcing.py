"""Refuses a test twin as it asks (see chassis/forcing.py), before anything else is done about its call."""

from collections.abc import AsyncIterator
from functools import wraps
from typing import Any, TypeVar

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb

from services.chassis import forcing, requests
from services.chassis.errors import Rejected
from services.chassis.server import caller
from services.chassis.twins import is_test
from services.team_formation.rpc import fields
from services.team_formation.rpc.base import Desk

_RPCS = pb.DESCRIPTOR.services_by_name["TeamFormation"].methods_by_name
Servicer = TypeVar("Servicer")


def refuses_as_asked(servicer: type[Servicer]) -> type[Servicer]:
    """Have every RPC of the service look first whether it is asked to refuse."""
    for name, method in _RPCS.items():
        look = _stream if method.server_streaming else _unary
        setattr(servicer, name, look(method, getattr(servicer, name)))
    return servicer


async def refuse_as_asked(desk: Desk, rpc: str, request: Message) -> None:
    """Raise the refusal that a test twin asks for, stored for its request id as any other of its kind is."""
    if not is_test(caller()):
        return
    refused = forcing.forced(_RPCS[rpc], request)
    if refused is None:
        return
    if "request_id" not in request.DESCRIPTOR.fields_by_name or not forcing.is_stored(refused):
        raise refused
    key = fields.request_key(rpc, caller(), requests.NO_CAMPAIGN, request)
    answer = await desk.campaigns.refuse(key, refused)
    raise answer if isinstance(answer, Rejected) else refused


def _unary(method: MethodDescriptor, behaviour: Any) -> Any:
    @wraps(behaviour)
    async def call(self: Any, request: Any, context: Any) -> Any:
        await refuse_as_asked(self._desk, method.name, request)
        return await behaviour(self, request, context)

    return call


def _stream(method: MethodDescriptor, behaviour: Any) -> Any:
    @wraps(behaviour)
    async def call(self: Any, request: Any, context: Any) -> AsyncIterator[Any]:
        await refuse_as_asked(self._desk, method.name, request)
        async for response in behaviour(self, request, context):
            yield response

    return call
