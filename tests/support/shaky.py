"""A server that fails as often as a test says and then answers, at both doors: what clients are tried on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb
from groupbuy.team_formation.v1 import team_formation_service_pb2_grpc as pb_grpc
from groupbuy.team_formation.v1 import types_pb2

from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.json_door import JsonDoor, json_server
from services.chassis.platforms import Key, KeyRing, Platform, hash_secret, save_platforms
from services.chassis.server import GrpcServer, Servicer, caller

PLATFORM = UUID(int=5)
KEY = "gbk_k1_secret"
_SERVICE = "groupbuy.team_formation.v1.TeamFormation"


class Shaky(pb_grpc.TeamFormationServicer):
    """Seats whoever asks, once it has raised what is to be raised; it keeps what it was asked."""

    def __init__(self) -> None:
        self.failing: list[Exception] = []
        self.asked: list[pb.JoinTeamRequest] = []

    async def JoinTeam(self, request: pb.JoinTeamRequest, _context: Any) -> pb.JoinTeamResponse:  # noqa: N802
        self.asked.append(request)
        if self.failing:
            raise self.failing.pop(0)
        return pb.JoinTeamResponse(seat=types_pb2.Seat(seat_id=str(caller()), member_id=request.member_id, quantity=3))

    async def WatchTeam(  # noqa: N802
        self, request: pb.WatchTeamRequest, _context: Any
    ) -> AsyncIterator[pb.WatchTeamResponse]:
        if self.failing:
            raise self.failing.pop(0)
        yield pb.WatchTeamResponse(team=types_pb2.Team(team_id=request.team_id))

    async def RevokeMemberLink(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        raise self.failing.pop(0)


@dataclass
class ShakyServer:
    """Where it listens."""

    servicer: Shaky
    grpc: str
    """host:port"""
    http: str
    """The address of the door of JSON."""


@asynccontextmanager
async def a_shaky_server(store: Database) -> AsyncIterator[ShakyServer]:
    """Serve it, for one platform with one key."""
    platform = Platform(PLATFORM, "Shop", suspended=False, sequence=1, keys=(Key("k1", hash_secret("secret"), None),))
    async with store.work() as work:
        await save_platforms(work.connection, [platform], datetime.now(UTC))
    made = Shaky()  # type: ignore[abstract]  # what is missing is answered as unimplemented
    servicers = [Servicer(_SERVICE, made, pb_grpc.add_TeamFormationServicer_to_server)]
    server = GrpcServer("127.0.0.1:0", servicers, KeyRing(store, Clock()), service_key="", drain_seconds=1)
    await server.start()
    http = json_server("127.0.0.1:0", JsonDoor(servicers, server.gate), 1)
    await http.start()
    yield ShakyServer(made, f"127.0.0.1:{server.port}", f"http://127.0.0.1:{http.port}")
    await http.stop()
    await server.stop()
