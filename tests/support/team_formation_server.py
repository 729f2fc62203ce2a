"""A gRPC server that answers ListTeamEvents from the teams that tests play, as team_formation does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
from groupbuy.team_formation.v1 import team_formation_internal_pb2 as internal_pb2

from tests.support.teams import TeamLife

SERVICE_KEY = "key-of-the-services"


class TeamFormationServer:
    """Answers from `lives`; `kept_from` is the oldest version still kept, `page` the most events of one answer."""

    def __init__(self, *lives: TeamLife) -> None:
        self.lives = {life.team_id: life for life in lives}
        self.kept_from = 1
        self.page = 1_000
        self.away = False
        self.asked: list[internal_pb2.ListTeamEventsRequest] = []
        self.address = ""

    async def list_team_events(
        self, request: internal_pb2.ListTeamEventsRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> internal_pb2.ListTeamEventsResponse:
        """Answer as the contract says."""
        self.asked.append(request)
        if self.away:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "away")
        if ("authorization", f"Bearer {SERVICE_KEY}") not in tuple(context.invocation_metadata() or ()):
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "wrong key")
        life = self.lives.get(request.team_id)
        if life is None or life.platform_id != request.platform_id:
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such team")
            raise AssertionError("abort raises")
        found = [
            event
            for event in life.events
            if max(request.after_version, self.kept_from - 1) < event.sequence
            and (not request.before_version or event.sequence < request.before_version)
        ]
        return internal_pb2.ListTeamEventsResponse(events=found[: self.page])


@asynccontextmanager
async def serving(*lives: TeamLife) -> AsyncIterator[TeamFormationServer]:
    """Run a server on a free port of this machine."""
    servicer = TeamFormationServer(*lives)
    server = grpc.aio.server()
    handler = grpc.unary_unary_rpc_method_handler(
        servicer.list_team_events,
        internal_pb2.ListTeamEventsRequest.FromString,
        internal_pb2.ListTeamEventsResponse.SerializeToString,
    )
    name = internal_pb2.DESCRIPTOR.services_by_name["TeamFormationInternal"].full_name
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, {"ListTeamEvents": handler}),))
    servicer.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    yield servicer
    await server.stop(None)
