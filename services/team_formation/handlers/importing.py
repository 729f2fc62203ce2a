"""Answers to teams that are brought over from another system."""

from uuid import UUID

from groupbuy.team_formation.v1 import importing_pb2 as pb

from services.chassis.errors import FieldViolation, Rejected
from services.team_formation import translate
from services.team_formation.domain import Decision, Import, Problem


def imported(decision: Decision, *, checked: bool = False) -> bytes:
    """Say what was brought over; of a team that was only checked, what would be."""
    team = decision.team
    return pb.ImportedTeam(
        team_id="" if checked else translate.team_id(team.campaign_id, team.team_id),
        seats=len(decision.seats),
        promised_less=sum(seat.cap_from_quote for seat in decision.seats),
    ).SerializeToString()


def there_before(campaign_id: UUID, command: Import) -> bytes:
    """Say that a team is here, and stays as it is."""
    return pb.ImportedTeam(
        team_id=translate.team_id(campaign_id, command.team_id), there_before=True
    ).SerializeToString()


def refused(problem: Problem) -> Rejected:
    """Say what is wrong with a team, and what to do."""
    return Rejected("INVALID_ARGUMENT", fields=(FieldViolation(problem.field, problem.description),))
