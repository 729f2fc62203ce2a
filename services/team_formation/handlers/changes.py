"""What the decisions of a batch changed in one campaign."""

from uuid import UUID

from services.chassis.requests import Decided
from services.team_formation.domain import Fact, Invite, ReleaseReason, Seat, SeatState, Team


class Changes:
    """What a book's decisions changed, by id: the rows themselves are in the book."""

    def __init__(self) -> None:
        self.stored: dict[UUID, Seat] = {}
        """Seats as they were loaded: what is not among them is new."""
        self.new_teams: set[UUID] = set()
        self.teams: set[UUID] = set()
        self.seats: set[UUID] = set()
        self.new_invites: list[Invite] = []
        self.invites: set[UUID] = set()
        self.released: list[tuple[Team, SeatState, ReleaseReason]] = []
        self.facts: list[Fact] = []
        self.traces: list[str] = []
        """Of each fact, the trace of the command that led to it."""
        self.decided: list[Decided] = []
