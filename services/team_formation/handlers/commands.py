"""The one path of every command on teams: a batch of one or more, one transaction, an answer for each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb
from groupbuy.team_formation.v1 import types_pb2

from services.chassis import requests
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.errors import Rejected
from services.chassis.requests import Decided, RequestKey
from services.team_formation import domain, store, translate
from services.team_formation.catalogue import Catalogue
from services.team_formation.codes import InviteCodes
from services.team_formation.domain import Confirm, Join, Leave, NewInvite, Open, Refusal
from services.team_formation.handlers.book import MOST_HELD, Book
from services.team_formation.invites import write_invite


@dataclass(frozen=True, slots=True)
class Revoke:
    """Take an invite back."""

    invite_id: UUID


@dataclass(frozen=True, slots=True)
class Expire:
    """Look at a team whose time has come: what timers ask."""


Command: TypeAlias = Open | Join | Confirm | Leave | NewInvite | Revoke | Expire
Answer: TypeAlias = bytes
"""A response message as bytes, as it is stored; empty for a timer."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A command with whom it comes from and what it is about."""

    platform_id: UUID
    campaign_id: UUID
    command: Command
    request: RequestKey | None = None
    team_id: UUID | None = None
    seat_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class _Reply:
    answer: bytes | Rejected
    subject: UUID | None = None


class _Moment:
    """The time of one batch: taken when its teams are locked, and the same for every decision in it.

    What is due must not change between loading what is due and deciding.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._times: dict[UUID, datetime] = {}

    def now(self, platform_id: UUID) -> datetime:
        """Tell the time for a platform."""
        return self._times.setdefault(platform_id, self._clock.now(platform_id))

    def is_due(self, team: domain.Team) -> bool:
        """Tell whether a team has to be brought up to date."""
        return team.state.is_open and team.due_at <= self.now(team.platform_id)


class TeamHandler:
    """Decides batches of commands."""

    def __init__(self, database: Database, clock: Clock, catalogue: Catalogue, codes: InviteCodes) -> None:
        self._database = database
        self._clock = clock
        self._catalogue = catalogue
        self._codes = codes

    async def decide(self, asks: Sequence[Ask]) -> Sequence[Answer | Rejected]:
        """Decide a batch and commit it; one answer for each ask, in order."""
        async with self._database.work() as work:
            keys = [ask.request for ask in asks if ask.request]
            known = await requests.claim(work.connection, keys, self._clock.now()) if keys else {}
            book, moment = Book(work, self._catalogue, self._codes), _Moment(self._clock)
            await self._load(book, [ask for ask in asks if ask.request not in known], moment)
            answers, decided = self._play(book, asks, known, moment)
            await book.save()
            if decided:
                await requests.store_claimed(work.connection, decided)
        return answers

    async def _load(self, book: Book, asks: Sequence[Ask], moment: _Moment) -> None:
        connection = book.connection
        named = [(ask.platform_id, ask.campaign_id, ask.seat_id) for ask in asks if ask.seat_id]
        seat_teams = await store.find_seat_teams(connection, named) if named else {}
        teams = [(ask.platform_id, ask.campaign_id, ask.team_id) for ask in asks if ask.team_id]
        of_seats = [(p, c, seat_teams[c, s]) for p, c, s in named if (c, s) in seat_teams]
        await book.lock_teams([*teams, *of_seats])
        await book.load_due([team for team in book.teams.values() if moment.is_due(team)])
        await book.load_seats([(c, s) for _, c, s in named if (c, s) in seat_teams])
        await book.load_members(_members(asks))
        await book.load_invites(_invites(asks))
        for ask in asks:
            if isinstance(ask.command, Open):
                await book.load_campaign(ask.campaign_id)

    def _play(
        self, book: Book, asks: Sequence[Ask], known: dict[RequestKey, bytes | Rejected], moment: _Moment
    ) -> tuple[list[Answer | Rejected], list[Decided]]:
        for team in list(book.teams.values()):
            if moment.is_due(team):
                held = book.held.get((team.campaign_id, team.team_id), [])
                now = moment.now(team.platform_id)
                all_held = len(held) < MOST_HELD
                book.enter(domain.bring_up_to_date(team, book.terms(team), held, now, all_held=all_held))
        answers: list[Answer | Rejected] = []
        decided: list[Decided] = []
        for ask in asks:
            if ask.request and ask.request in known:
                answers.append(known[ask.request])
                continue
            reply = self._decide(book, ask, moment.now(ask.platform_id))
            answers.append(reply.answer)
            if ask.request:
                known[ask.request] = reply.answer
                decided.append(Decided(ask.request, reply.answer, reply.subject))
        return answers, decided

    def _decide(self, book: Book, ask: Ask, now: datetime) -> _Reply:
        match ask.command:
            case Open():
                return self._open(book, ask, ask.command, now)
            case Revoke():
                return self._revoke(book, ask, ask.command, now)
            case Confirm() | Leave():
                return self._on_seat(book, ask, ask.command, now)
            case Join() | NewInvite():
                return self._on_team(book, ask, ask.command, now)
            case Expire():
                return _Reply(b"")  # bringing the team up to date was all

    def _on_team(self, book: Book, ask: Ask, command: Join | NewInvite, now: datetime) -> _Reply:
        team = book.teams.get((ask.campaign_id, ask.team_id)) if ask.team_id else None
        if team is None:
            return _Reply(Rejected("TEAM_UNKNOWN"))
        if isinstance(command, Join):
            return self._join(book, team, command, now)
        return self._invite(book, team, command, now)

    def _open(self, book: Book, ask: Ask, command: Open, now: datetime) -> _Reply:
        campaign = book.campaign(ask.campaign_id)
        if campaign is None or campaign.platform_id != ask.platform_id:
            return _Reply(Rejected("CAMPAIGN_UNKNOWN"))
        decision = domain.open_team(campaign, command, now)
        if isinstance(decision, Refusal):
            return _Reply(_rejected(decision))
        book.remember(campaign)
        book.enter(decision, new=True)
        seat, team = _written(decision, campaign.terms)
        return _Reply(pb.OpenTeamResponse(seat=seat, team=team).SerializeToString(), command.team_id)

    def _join(self, book: Book, team: domain.Team, command: Join, now: datetime) -> _Reply:
        terms = book.terms(team)
        if command.invite_id:
            invite = book.invites.get((team.campaign_id, command.invite_id))
            if invite is None:
                return _Reply(Rejected("INVITE_UNKNOWN"))
            if refusal := domain.invite_refusal(invite, now):
                return _Reply(_rejected(refusal))
        live = book.live.get((team.campaign_id, team.team_id, command.member_id))
        decision = domain.join_team(team, terms, live, command, now)
        if isinstance(decision.outcome, Refusal):
            return _Reply(_rejected(decision.outcome, live))
        book.enter(decision)
        seat, written = _written(decision, terms)
        return _Reply(pb.JoinTeamResponse(seat=seat, team=written).SerializeToString(), command.seat_id)

    def _on_seat(self, book: Book, ask: Ask, command: Confirm | Leave, now: datetime) -> _Reply:
        seat = book.seats.get((ask.campaign_id, ask.seat_id)) if ask.seat_id else None
        if seat is None or seat.platform_id != ask.platform_id:
            return _Reply(Rejected("SEAT_UNKNOWN"))
        team = book.teams[seat.campaign_id, seat.team_id]
        terms = book.terms(team)
        if isinstance(command, Leave):
            decision = domain.leave_team(team, terms, seat, now)
        else:
            live = book.live.get((seat.campaign_id, seat.team_id, seat.member_id))
            late = book.late.get((seat.campaign_id, seat.seat_id), ())
            decision = domain.confirm_seat(team, terms, seat, live, late, command, now)
        if isinstance(decision.outcome, Refusal):
            return _Reply(_rejected(decision.outcome))
        book.enter(decision)
        written, as_team = _written(decision, terms)
        if isinstance(command, Leave):
            return _Reply(pb.LeaveTeamResponse(seat=written, team=as_team).SerializeToString(), seat.seat_id)
        outcome = pb.ConfirmOutcome.Value(f"CONFIRM_OUTCOME_{decision.outcome}")
        response = pb.ConfirmSeatResponse(outcome=outcome, seat=written, team=as_team)
        return _Reply(response.SerializeToString(), seat.seat_id)

    def _invite(self, book: Book, team: domain.Team, command: NewInvite, now: datetime) -> _Reply:
        live = book.live.get((team.campaign_id, team.team_id, command.member_id))
        invite = domain.create_invite(team, live, command, now)
        if isinstance(invite, Refusal):
            return _Reply(_rejected(invite))
        book.enter_invite(invite, new=True)
        response = pb.CreateInviteResponse(invite=write_invite(invite, self._codes))
        return _Reply(response.SerializeToString(), invite.invite_id)

    def _revoke(self, book: Book, ask: Ask, command: Revoke, now: datetime) -> _Reply:
        invite = book.invites.get((ask.campaign_id, command.invite_id))
        if invite is None:
            return _Reply(Rejected("INVITE_UNKNOWN"))
        revoked = domain.revoke_invite(invite, now)
        book.enter_invite(revoked, new=False)
        response = pb.RevokeInviteResponse(invite=write_invite(revoked, self._codes))
        return _Reply(response.SerializeToString(), revoked.invite_id)


def _members(asks: Sequence[Ask]) -> list[tuple[UUID, UUID, str]]:
    return [
        (ask.campaign_id, ask.team_id, ask.command.member_id)
        for ask in asks
        if ask.team_id and isinstance(ask.command, Join | NewInvite) and ask.command.member_id
    ]


def _invites(asks: Sequence[Ask]) -> list[tuple[UUID, UUID, UUID]]:
    return [
        (ask.platform_id, ask.campaign_id, ask.command.invite_id)
        for ask in asks
        if isinstance(ask.command, Join | Revoke) and ask.command.invite_id
    ]


def _rejected(refusal: Refusal, seat: domain.Seat | None = None) -> Rejected:
    metadata = dict(refusal.metadata)
    if seat and "seat_id" in metadata:
        metadata["seat_id"] = translate.seat_id(seat.campaign_id, seat.seat_id)
    return Rejected(refusal.reason, metadata)


def _written(decision: domain.Decision, terms: domain.Terms) -> tuple[types_pb2.Seat | None, types_pb2.Team]:
    seat = translate.seat(decision.seat, terms.price_table.currency) if decision.seat else None
    return seat, translate.team(decision.team, terms)
