"""The echo: `python -m tests.bench.echo FILE` is team_formation's server, gate, keys and messages with empty handlers.

FILE has one real answer to a join; every join gets it.
"""

import sys
from pathlib import Path
from typing import Any

from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb
from groupbuy.team_formation.v1 import team_formation_service_pb2_grpc as pb_grpc

from services.chassis.process import Plan, Process
from services.chassis.runner import main, run_parts
from services.chassis.server import Servicer
from services.chassis.settings import ChassisSettings, load

NAME = "groupbuy.team_formation.v1.TeamFormation"


class Echo(pb_grpc.TeamFormationServicer):
    """Answers every join alike, without looking at it."""

    def __init__(self, answer: pb.JoinTeamResponse) -> None:
        self._answer = answer

    async def JoinTeam(self, request: pb.JoinTeamRequest, _context: Any) -> pb.JoinTeamResponse:  # noqa: N802
        """Answer."""
        return self._answer


def answered(file: str) -> pb.JoinTeamResponse:
    """Read the answer."""
    return pb.JoinTeamResponse.FromString(Path(file).read_bytes())


async def process() -> None:
    """Answer until told to stop."""
    chassis = Process("team_formation", load(ChassisSettings))
    echo = Echo(answered(sys.argv[1]))  # type: ignore[abstract]  # it answers one RPC, the others are not called
    plan = Plan(servicers=[Servicer(NAME, echo, pb_grpc.add_TeamFormationServicer_to_server)])
    await run_parts(chassis.parts(plan, ["rpc"]))


if __name__ == "__main__":
    main(process)
