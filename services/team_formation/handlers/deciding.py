"""Decides one command on a book: what it leads to is entered there, and a reply says what is answered."""

from dataclasses import replace
from typing import NamedTuple
from uuid import UUID

from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb

from services.chassis import forcing, ids
from services.chassis.errors import Raced, Rejected
from services.chassis.reasons import named
from services.chassis.twins import is_test
from services.team_formation import domain, translate
from services.team_formation.codes import InviteCodes
from services.team_formation.domain import (
    Cancel,
    Confirm,
    Decision,
    Default,
    Extend,
    Import,
    Join,
    Leave,
    NewInvite,
    OnFull,
    Open,
    Outcome,
    Problem,
    Refusal,
    Sponsor,
)
from services.team_formation.handlers import importing, responses
from services.team_formation.handlers.asks import Ask, Look, Revoke
from services.team_formation.handlers.book import Book
from services.team_formation.invites import write_invite

_SERVICE = pb.DESCRIPTOR.services_by_name["TeamFormation"].full_name


class LockedElsewhere(Raced):
    """Teams that take late comers, locked only where nobody else has them, are needed: they can be locked in order."""

    def __init__(self, campaign_id: UUID, team_ids: set[UUID]) -> None:
        super().__init__("a team that takes late comers is locked by another transaction")
        self.campaign_id = campaign_id
        self.team_ids = team_ids


class Draft(NamedTuple):
    """An answer that is still to be written: that takes longer than to decide, and rows can be on their way by then."""

    form: responses.Form
    decision: Decision
    rest: bytes = b""


class Reply(NamedTuple):
    """What is answered to a command, and the row that it made or changed."""

    subject: UUID | None
    answer: bytes | Rejected = b""
    draft: Draft | None = None

    def written(self, book: Book) -> bytes | Rejected:
        """Give the answer."""
        if self.draft is None:
            return self.answer
        decision = self.draft.decision
        return self.draft.form.fill(book.scribe, decision, book.terms(decision.team), self.draft.rest)


class Decider:
    """Decides commands one by one."""

    def __init__(self, codes: InviteCodes) -> None:
        self._codes = codes

    def decide(self, book: Book, ask: Ask) -> Reply:
        """Decide a command and enter it in the book."""
        match ask.command:
            case Join() | NewInvite() | Sponsor() | Cancel():
                return self._on_team(book, ask, ask.command)
            case Confirm() | Leave() | Extend() | Default():
                return self._on_seat(book, ask, ask.command)
            case Open():
                return self._open(book, ask.command)
            case Import():
                return self._import(book, ask.command)
            case Revoke():
                return self._revoke(book, ask.command)
            case Look():
                return Reply(None)  # bringing the team up to date was all

    def _open(self, book: Book, command: Open) -> Reply:
        if book.campaign is None:
            return _refused(Rejected("CAMPAIGN_UNKNOWN"))
        usage = book.usage(command.join.member_id)
        if book.signs.rules:
            command = replace(command, join=book.looked_at(command.join))
        decision = domain.open_team(book.around_new(book.campaign), command, usage)
        if isinstance(decision, Refusal):
            _note_suspicion(book, command.join, decision)
            return _refused(_rejected(decision))
        book.enter(decision, new=True)
        book.note_join(command.join, decision.seat)
        return Reply(command.team_id, draft=Draft(responses.OPEN, decision))

    def _import(self, book: Book, command: Import) -> Reply:
        """Bring a team over; one that is here stays as it is."""
        if command.team_id in book.teams:
            return Reply(command.team_id, importing.there_before(book.campaign_id, command))
        if book.campaign is None:
            return _refused(Rejected("CAMPAIGN_UNKNOWN"))
        decision = domain.import_team(book.around_new(book.campaign), command, book.usage)
        if isinstance(decision, Problem):
            return _refused(importing.refused(decision))
        book.enter(decision, new=True)
        return Reply(command.team_id, importing.imported(decision))

    def _on_team(self, book: Book, ask: Ask, command: Join | NewInvite | Sponsor | Cancel) -> Reply:
        team = book.teams.get(ask.team_id) if ask.team_id else None
        if team is None:
            return _refused(Rejected("TEAM_UNKNOWN"))
        match command:
            case Join():
                return self._join(book, team, command)
            case NewInvite():
                return self._invite(book, team, command)
            case Sponsor():
                return self._sponsor(book, team, command)
            case Cancel():
                decision = domain.cancel_team(team, book.around(team), command)
                return self._done(book, decision, responses.CANCEL, team.team_id)

    def _join(self, book: Book, team: domain.Team, command: Join) -> Reply:
        invite = book.invites.get(command.invite_id) if command.invite_id else None
        if command.invite_id:
            refusal = domain.invite_refusal(invite, book.now) if invite else Refusal("INVITE_UNKNOWN")
            if refusal:
                return _refused(_rejected(refusal))
        if invite and invite.commission_basis_points:
            earns = invite.commission_basis_points
            command = replace(command, promoter_id=invite.promoter_id, commission_basis_points=earns)
        command = book.looked_at(command, invite)
        live, usage = book.live(team.team_id, command.member_id), book.usage(command.member_id)
        decision = domain.join_team(team, book.around(team), live, usage, command)
        outcome = pb.JOIN_OUTCOME_SEAT
        if decision.outcome is Outcome.WAITLISTED:
            outcome = pb.JOIN_OUTCOME_WAITLISTED
        if domain.is_full(decision) and book.terms(team).rules.on_full is OnFull.OPEN_TEAM:
            elsewhere, outcome = self._join_elsewhere(book, team, command), pb.JOIN_OUTCOME_OTHER_TEAM
            if isinstance(elsewhere, Refusal):
                return _refused(_rejected(elsewhere))
            decision = elsewhere
            live = book.live(decision.team.team_id, command.member_id)
        if isinstance(decision.outcome, Refusal):
            _note_suspicion(book, command, decision.outcome)
            return _refused(_rejected(decision.outcome, live))
        book.enter(decision, new=decision.team.version == len(decision.facts))
        book.note_join(command, decision.seat)
        if invite:
            book.enter_invite(domain.use_invite(invite))
        return Reply(command.seat_id, draft=Draft(responses.JOIN, decision, responses.JOINED[outcome]))

    def _join_elsewhere(self, book: Book, team: domain.Team, command: Join) -> domain.Decision | Refusal:
        """Seat a late comer in the newest team that was opened for late comers; in a new one where that is full."""
        if not book.keeps_campaign or book.campaign is None:
            raise Raced("the campaign has full teams open others since now")
        other = book.teams.get(team.overflow_team_id) if team.overflow_team_id else None
        if team.overflow_team_id and other is None and not book.opens_anyway:
            raise LockedElsewhere(book.campaign_id, book.locked_elsewhere())
        usage = book.usage(command.member_id)
        if other and other.state.is_open and book.now < other.ends_at:
            live = book.live(other.team_id, command.member_id)
            decision = domain.join_team(other, book.around(other), live, usage, command)
            if not domain.is_full(decision):
                return decision
        opening = Open(ids.new_id(), command)
        opened = domain.open_team(book.around_new(book.campaign), opening, usage, overflow_of=team.team_id)
        if not isinstance(opened, Refusal):
            book.change(domain.overflow_into(team, opened.team))
        return opened

    def _sponsor(self, book: Book, team: domain.Team, command: Sponsor) -> Reply:
        decision = domain.sponsor_team(team, book.around(team), command)
        return self._done(book, decision, responses.SPONSOR, team.team_id)

    def _on_seat(self, book: Book, ask: Ask, command: Confirm | Leave | Extend | Default) -> Reply:
        seat = book.seats.get(ask.seat_id) if ask.seat_id else None
        team = book.teams.get(seat.team_id) if seat else None
        if seat is None or team is None:
            return _refused(Rejected("SEAT_UNKNOWN"))
        if refused := _asked_for(book, ask, seat):
            return _refused(refused)
        around = book.around(team)
        match command:
            case Confirm():
                return self._confirm(book, team, seat, command)
            case Leave():
                decision = domain.leave_team(team, around, seat, book.heirs(team), command)
                return self._done(book, decision, responses.LEAVE, seat.seat_id)
            case Extend():
                return self._done(book, domain.extend_hold(team, around, seat), responses.EXTEND, seat.seat_id)
            case Default():
                decision = domain.default_seat(team, around, seat, book.heirs(team), command)
                return self._done(book, decision, responses.DEFAULT, seat.seat_id)

    def _confirm(self, book: Book, team: domain.Team, seat: domain.Seat, command: Confirm) -> Reply:
        live, usage = book.live(team.team_id, seat.member_id), book.usage(seat.member_id)
        late = book.late.get(seat.seat_id, ())
        decision = domain.confirm_seat(team, book.around(team), seat, live, usage, late, command)
        outcome = pb.CONFIRM_OUTCOME_CONFIRMED
        if decision.outcome is Outcome.REFUND_REQUIRED:
            outcome = pb.CONFIRM_OUTCOME_REFUND_REQUIRED
        return self._done(book, decision, responses.CONFIRM, seat.seat_id, responses.CONFIRMED[outcome])

    def _done(
        self, book: Book, decision: domain.Decision, form: responses.Form, subject: UUID, rest: bytes = b""
    ) -> Reply:
        """Enter a decision and answer it."""
        if isinstance(decision.outcome, Refusal):
            return _refused(_rejected(decision.outcome))
        book.enter(decision)
        return Reply(subject, draft=Draft(form, decision, rest))

    def _invite(self, book: Book, team: domain.Team, command: NewInvite) -> Reply:
        live = book.live(team.team_id, command.member_id) if command.member_id else None
        invite = domain.create_invite(team, live, command, book.now)
        if isinstance(invite, Refusal):
            return _refused(_rejected(invite))
        book.enter_invite(invite, new=True)
        response = pb.CreateInviteResponse(invite=write_invite(invite, self._codes, command.language))
        return Reply(invite.invite_id, response.SerializeToString())

    def _revoke(self, book: Book, command: Revoke) -> Reply:
        invite = book.invites.get(command.invite_id)
        if invite is None:
            return _refused(Rejected("INVITE_UNKNOWN"))
        revoked = domain.revoke_invite(invite, book.now)
        book.enter_invite(revoked)
        response = pb.RevokeInviteResponse(invite=write_invite(revoked, self._codes, command.language))
        return Reply(revoked.invite_id, response.SerializeToString())


def _asked_for(book: Book, ask: Ask, seat: domain.Seat) -> Rejected | None:
    """Give the refusal that a test twin has named a seat's member by."""
    if not ask.request or not is_test(book.platform_id):
        return None
    wanted = forcing.asked(f"{_SERVICE}.{ask.request.rpc}", seat.member_id)
    return forcing.refusal(wanted, "seat_id") if wanted else None


def _note_suspicion(book: Book, join: Join, refusal: Refusal) -> None:
    if refusal.reason == "JOIN_SUSPECTED":
        book.note_join(join, None)


def _refused(rejected: Rejected) -> Reply:
    return Reply(None, rejected)


def _rejected(refusal: Refusal, seat: domain.Seat | None = None) -> Rejected:
    metadata = dict(refusal.metadata)
    if seat and "seat_id" in metadata:
        metadata["seat_id"] = translate.seat_id(seat.campaign_id, seat.seat_id)
    return Rejected(named(refusal.reason), metadata)
