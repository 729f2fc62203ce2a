"""The book of one batch: the locked teams and the rows that its commands concern, and what changes in them."""

from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis import messages
from services.chassis.work import Work
from services.team_formation import store, translate
from services.team_formation.catalogue import Catalogue
from services.team_formation.codes import InviteCodes, hash_code
from services.team_formation.domain import (
    Campaign,
    Decision,
    Fact,
    FactKind,
    Invite,
    ReleaseReason,
    Seat,
    SeatState,
    Team,
    Terms,
)

MOST_HELD = 1000
"""Holds of one team that are looked at in one transaction."""


class Book:
    """Rows by id while a batch is decided; written once at its end."""

    def __init__(self, work: Work, catalogue: Catalogue, codes: InviteCodes) -> None:
        self._work = work
        self._catalogue = catalogue
        self._codes = codes
        self.teams: dict[tuple[UUID, UUID], Team] = {}
        self.seats: dict[tuple[UUID, UUID], Seat] = {}
        self.live: dict[tuple[UUID, UUID, str], Seat] = {}
        self.held: dict[tuple[UUID, UUID], list[Seat]] = {}
        self.invites: dict[tuple[UUID, UUID], Invite] = {}
        self.late: dict[tuple[UUID, UUID], list[str]] = {}
        self._campaigns: dict[tuple[UUID, int | None], Campaign] = {}
        self._new_teams: set[tuple[UUID, UUID]] = set()
        self._changed_teams: set[tuple[UUID, UUID]] = set()
        self._changed_seats: set[tuple[UUID, UUID]] = set()
        self._new_invites: list[Invite] = []
        self._revoked: list[Invite] = []
        self._failed: list[Team] = []
        self._facts: list[Fact] = []

    @property
    def connection(self) -> AsyncConnection[TupleRow]:
        """The transaction's connection."""
        return self._work.connection

    def remember(self, campaign: Campaign) -> None:
        """Have the terms of a team at hand that was opened in this batch."""
        self._campaigns[campaign.campaign_id, campaign.terms.version] = campaign

    async def lock_teams(self, ids: Iterable[tuple[UUID, UUID, UUID]]) -> None:
        """Lock teams named by platform, campaign and team, and load what is due in them and their terms."""
        wanted = sorted(set(ids), key=lambda item: item[1:])
        if not wanted:
            return
        self.teams = await store.lock_teams(self._work.connection, wanted)
        for team in self.teams.values():
            await self.load_campaign(team.campaign_id, team.terms_version)

    async def load_campaign(self, campaign_id: UUID, terms_version: int | None = None) -> None:
        """Have a campaign at hand."""
        campaign = await self._catalogue.find(self._work.connection, campaign_id, terms_version)
        if campaign:
            self._campaigns[campaign_id, terms_version] = campaign

    def campaign(self, campaign_id: UUID) -> Campaign | None:
        """Give a campaign that was loaded, with its terms for teams opened now."""
        return self._campaigns.get((campaign_id, None))

    def terms(self, team: Team) -> Terms:
        """Give the terms a team opened with."""
        return self._campaigns[team.campaign_id, team.terms_version].terms

    async def load_due(self, teams: Iterable[Team]) -> None:
        """Load the holds of teams that are due."""
        keys = [(team.campaign_id, team.team_id) for team in teams]
        if keys:
            for seat in await store.load_held(self._work.connection, keys, MOST_HELD):
                self.held.setdefault((seat.campaign_id, seat.team_id), []).append(seat)
                self._put(seat)

    async def load_seats(self, ids: Iterable[tuple[UUID, UUID]]) -> None:
        """Load seats named by campaign and seat, their members' live seats, and payments reported late for them."""
        wanted = sorted(set(ids))
        if not wanted:
            return
        for seat in await store.load_seats(self._work.connection, wanted):
            self._put(seat)
        for campaign_id, seat_id, reference in await store.load_late_payments(self._work.connection, wanted):
            self.late.setdefault((campaign_id, seat_id), []).append(reference)

    async def load_members(self, members: Iterable[tuple[UUID, UUID, str]]) -> None:
        """Load the live seats of members named by campaign, team and member."""
        wanted = sorted(set(members))
        if wanted:
            for seat in await store.load_live_of_members(self._work.connection, wanted):
                self._put(seat)

    async def load_invites(self, ids: Iterable[tuple[UUID, UUID, UUID]]) -> None:
        """Load invites named by platform, campaign and invite."""
        wanted = sorted(set(ids))
        if wanted:
            found = await store.load_invites(self._work.connection, wanted)
            self.invites.update({(invite.campaign_id, invite.invite_id): invite for invite in found})

    def _put(self, seat: Seat) -> None:
        self.seats[seat.campaign_id, seat.seat_id] = seat
        place = (seat.campaign_id, seat.team_id, seat.member_id)
        if seat.state.is_live:
            self.live[place] = seat
        elif place in self.live and self.live[place].seat_id == seat.seat_id:
            del self.live[place]

    def enter(self, decision: Decision, *, new: bool = False) -> None:
        """Write a decision into the book: its rows stand from now on, for the commands that follow too."""
        team = decision.team
        key = (team.campaign_id, team.team_id)
        if new:
            self._new_teams.add(key)
        elif self.teams[key] != team:
            self._changed_teams.add(key)
        self.teams[key] = team
        for seat in decision.seats:
            self._put(seat)
            self._changed_seats.add((seat.campaign_id, seat.seat_id))
        if decision.all_released:
            self._release_all(team)
        for fact in decision.facts:
            self._facts.append(fact)
            if fact.kind is FactKind.LATE_PAYMENT_REPORTED and fact.seat:
                self.late.setdefault((fact.seat.campaign_id, fact.seat.seat_id), []).append(fact.payment_reference)

    def _release_all(self, team: Team) -> None:
        self._failed.append(team)
        for seat in list(self.seats.values()):
            if (seat.campaign_id, seat.team_id) == (team.campaign_id, team.team_id) and seat.state.is_live:
                released = replace(
                    seat,
                    state=SeatState.RELEASED,
                    released_at=team.ended_at,
                    release_reason=ReleaseReason.TEAM_FAILED,
                )
                self._put(released)

    def enter_invite(self, invite: Invite, *, new: bool) -> None:
        """Write an invite into the book."""
        self.invites[invite.campaign_id, invite.invite_id] = invite
        (self._new_invites if new else self._revoked).append(invite)

    async def save(self) -> None:
        """Write what changed, one statement per table, and tell the facts in order."""
        connection = self._work.connection
        if self._new_teams:
            await store.insert_teams(connection, [self.teams[key] for key in sorted(self._new_teams)])
        if changed := sorted(self._changed_teams - self._new_teams):
            await store.save_teams(connection, [self.teams[key] for key in changed])
        if self._changed_seats:
            await store.save_seats(connection, [self.seats[key] for key in self._changed_seats])
        for team in self._failed:
            await store.release_confirmed(connection, team)
        await self._save_rest()
        for fact in self._facts:
            self._tell(fact)

    async def _save_rest(self) -> None:
        connection = self._work.connection
        late = [fact for fact in self._facts if fact.kind is FactKind.LATE_PAYMENT_REPORTED]
        payments = [(fact.seat, fact.payment_reference, fact.amount, fact.at) for fact in late if fact.seat]
        if payments:
            await store.insert_late_payments(connection, payments)
        if self._new_invites:
            hashed = [(item, hash_code(self._codes.code(item.invite_id)) or b"") for item in self._new_invites]
            await store.insert_invites(connection, hashed)
        if self._revoked:
            await store.revoke_invites(connection, self._revoked)

    def _tell(self, fact: Fact) -> None:
        team = fact.team
        event = translate.team_event(fact, self.terms(team), self.campaign(team.campaign_id))
        self._work.tell(messages.message(translate.TEAM_TOPIC, event.team_id, event))
