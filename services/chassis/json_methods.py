"""The methods of a servicer as the door of JSON needs them, taken from generated code and descriptors."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf import descriptor_pool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from services.chassis.server import Servicer


@dataclass(frozen=True, slots=True)
class Method:
    """One RPC: what it reads and answers with, and what does it; None where it answers with a stream."""

    request: type[Message]
    response: type[Message]
    behaviour: Callable[[Any, Any], Any] | None


def methods_of(servicer: Servicer) -> dict[str, Method]:
    """Give a servicer's methods by their paths, "/package.Service/Method"."""
    taken = _Taken()
    servicer.add(servicer.implementation, taken)
    service = descriptor_pool.Default().FindServiceByName(servicer.name)
    return {
        f"/{servicer.name}/{name}": Method(
            GetMessageClass(service.methods_by_name[name].input_type),
            GetMessageClass(service.methods_by_name[name].output_type),
            handler.unary_unary,
        )
        for name, handler in taken.handlers.items()
    }


class _Taken:
    """What generated code takes for a server: it keeps the methods that are added."""

    def __init__(self) -> None:
        self.handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}

    def add_generic_rpc_handlers(self, handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        """Leave out: the same methods come with their names below."""

    def add_registered_method_handlers(
        self, _service: str, methods: "Mapping[str, grpc.RpcMethodHandler[Any, Any]]"
    ) -> None:
        """Keep a service's methods."""
        self.handlers |= methods
