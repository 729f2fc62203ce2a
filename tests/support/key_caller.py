"""A shop that calls team_formation with its keys, one request id after the other, and reads how it is refused."""

from typing import Any

import grpc
import pytest
from groupbuy.chassis.v1 import scope_pb2
from groupbuy.team_formation.v1 import keys_pb2

from tests.support.doors import said_of
from tests.support.engine import KEY
from tests.support.rpcs import Server, methods_by_name


class Caller:
    """Calls team_formation with a key, the platform's first where none is named."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.number = 0

    async def call(self, name: str, request: Any = None, key: str = KEY, *, again: bool = False) -> Any:
        """Make a call, with a new request id or, again, with the last one; the answer."""
        method = methods_by_name()[f"groupbuy.team_formation.v1.TeamFormation.{name}"]
        if request is not None and "request_id" in method.input_type.fields_by_name:
            self.number += not again
            request.request_id = f"r-{self.number}"
        return await self.server.call(method, request.SerializeToString() if request else b"", key)

    async def reason(self, name: str, request: Any = None, key: str = KEY) -> str:
        """Make a call that is refused; why."""
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await self.call(name, request, key)
        return said_of(error.value).reason

    async def create(self, *scopes: scope_pb2.Scope.ValueType, **more: Any) -> Any:
        """Make another key."""
        return await self.call("CreateKey", keys_pb2.TeamFormationCreateKeyRequest(scopes=scopes, **more))
