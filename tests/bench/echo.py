"""The echo: `python -m tests.bench.echo` is team_formation's server, gate, keys and messages with an empty handler."""

import sys
from typing import Any

from groupbuy.money.v1.money_pb2 import Money
from groupbuy.pricing.v1 import ladder_pb2
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb
from groupbuy.team_formation.v1 import team_formation_service_pb2_grpc as pb_grpc
from groupbuy.team_formation.v1 import types_pb2

from services.chassis import ids
from services.chassis.process import Plan, Process
from services.chassis.runner import main, run_parts
from services.chassis.server import Servicer
from services.chassis.settings import ChassisSettings, load
from services.team_formation import translate

NAME = "groupbuy.team_formation.v1.TeamFormation"


class Echo(pb_grpc.TeamFormationServicer):
    """Answers every join with one seat, without looking at it."""

    def __init__(self) -> None:
        self._answer = an_answer()

    async def JoinTeam(self, request: pb.JoinTeamRequest, _context: Any) -> pb.JoinTeamResponse:  # noqa: N802
        """Answer."""
        return self._answer


def an_answer() -> pb.JoinTeamResponse:
    """Make an answer as full as a real one."""
    campaign_id, team_id, seat_id = ids.new_id(), ids.new_id(), ids.new_id()
    price = Money(minor_units=3490, currency="EUR")
    seat = types_pb2.Seat(
        seat_id=ids.opaque(translate.SEAT, campaign_id, seat_id),
        team_id=ids.opaque(translate.TEAM, campaign_id, team_id),
        member_id="member-0000000001",
        sku="mango",
        quantity=1,
        role=ladder_pb2.ROLE_MEMBER,
        state=types_pb2.SEAT_STATE_HELD,
        cap=price,
        cap_fill=1,
    )
    seat.hold_until.GetCurrentTime()
    team = types_pb2.Team(
        team_id=seat.team_id,
        campaign_id=ids.opaque(translate.CAMPAIGN, campaign_id),
        state=types_pb2.TEAM_STATE_FORMING,
        version=2,
        totals=types_pb2.Totals(held_members=2, held_units=2),
        minimum=2,
        maximum=1_000_000,
        counted_in=types_pb2.COUNTED_IN_MEMBERS,
        prices=[
            types_pb2.PriceNow(sku="mango", role=role, unit_price=price, next_unit_price=price, missing_to_next=1)
            for role in (ladder_pb2.ROLE_LEADER, ladder_pb2.ROLE_MEMBER)
        ],
    )
    team.opened_at.GetCurrentTime()
    team.ends_at.GetCurrentTime()
    return pb.JoinTeamResponse(seat=seat, team=team)


async def process() -> None:
    """Answer until told to stop."""
    chassis = Process("team_formation", load(ChassisSettings))
    echo = Echo()  # type: ignore[abstract]  # it answers one RPC, the others are not called
    plan = Plan(servicers=[Servicer(NAME, echo, pb_grpc.add_TeamFormationServicer_to_server)])
    await run_parts(chassis.parts(plan, sys.argv[1:] or ["rpc"]))


if __name__ == "__main__":
    main(process)
