"""The book of one campaign in one batch: the locked rows that its commands concern, and what changes in them.

Statements are sent without waiting for each other, in the order in which rows are locked: campaign, stock, members,
teams. Each names its campaign. What was decided for the same requests before is read after that.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.chassis import requests
from services.chassis.errors import Raced, Rejected
from services.chassis.requests import Decided, RequestKey
from services.chassis.rows import Rows
from services.chassis.work import Work
from services.team_formation import domain, store, translate
from services.team_formation.catalogue import Catalogue
from services.team_formation.codes import InviteCodes, hash_code
from services.team_formation.domain import (
    Around,
    Campaign,
    Decision,
    Default,
    Fact,
    FactKind,
    Heirs,
    Invite,
    Join,
    Leave,
    Level,
    NewInvite,
    Open,
    ReleaseReason,
    Seat,
    SeatState,
    Team,
    TeamState,
    Terms,
    Usage,
    Visibility,
)
from services.team_formation.handlers.asks import Ask, Look, Revoke

MOST_HELD = 1000
MOST_WAITING = 1000
"""Holds, and members who wait, of one team that are looked at in one transaction."""


class Book:
    """Rows of a campaign by id while its part of a batch is decided; written once at its end."""

    def __init__(
        self,
        work: Work,
        catalogue: Catalogue,
        codes: InviteCodes,
        asks: Sequence[Ask],
        now: datetime,
    ) -> None:
        self._work = work
        self._connection = work.connection
        self._catalogue = catalogue
        self._codes = codes
        self._asks = asks
        self.now = now
        self.platform_id = asks[0].platform_id
        self.campaign_id = asks[0].campaign_id
        self.scribe = translate.Scribe(self.platform_id, self.campaign_id)
        self.campaign: Campaign | None = None
        self.teams: dict[UUID, Team] = {}
        self.seats: dict[UUID, Seat] = {}
        self.invites: dict[UUID, Invite] = {}
        self.late: dict[UUID, list[str]] = {}
        self.known: dict[RequestKey, bytes | Rejected] = {}
        self._left: dict[str, int] = {}
        self._of_member: dict[str, dict[UUID, Seat]] = {}
        self._opened: dict[str, int] = {}
        self._held: dict[UUID, list[UUID]] = {}
        self._waiting: dict[UUID, list[UUID]] = {}
        self._confirmed: dict[UUID, list[UUID]] = {}
        self._terms: dict[int, Terms] = {}
        self._stored_seats: dict[UUID, Seat] = {}
        self._new_teams: set[UUID] = set()
        self._changed_teams: set[UUID] = set()
        self._changed_seats: set[UUID] = set()
        self._new_invites: dict[UUID, Invite] = {}
        self._changed_invites: set[UUID] = set()
        self._bulk: list[tuple[Team, SeatState, ReleaseReason]] = []
        self._facts: list[Fact] = []
        self._decided: list[Decided] = []

        self._team_ids = sorted({ask.team_id for ask in asks if ask.team_id})
        self._seat_ids = sorted({ask.seat_id for ask in asks if ask.seat_id})
        self._looked = {ask.team_id for ask in asks if isinstance(ask.command, Look)}
        self._members = _members(asks)
        self._locks_members = catalogue.limits_members(self.campaign_id)
        self.may_open = catalogue.overflows(self.campaign_id) or any(isinstance(ask.command, Open) for ask in asks)

    # Load, first pass: all that can be named from the commands alone. Sent phase by phase, so that the order of locks
    # holds over the campaigns of a batch too.

    async def ask_campaign(self) -> None:
        """Ask for the campaign's version; where a team may be opened, it stays until the end."""
        self._version = await store.find_version(
            self._connection, self.platform_id, self.campaign_id, stays=self.may_open
        )

    async def lock_scarce(self) -> None:
        """Lock stock, then members that have limits."""
        self._stock: Rows[tuple[str, Level]] = await store.lock_stock(self._connection, self.campaign_id)
        if self._locks_members and (self._members or self._seat_ids):
            await store.lock_members(
                self._connection, self.platform_id, self.campaign_id, self._members, self._seat_ids
            )

    async def lock_teams(self) -> None:
        """Lock the teams."""
        self._teams = await store.lock_teams(
            self._connection, self.platform_id, self.campaign_id, self._team_ids, self._seat_ids
        )

    async def ask_rows(self) -> None:
        """Ask for what else the commands concern, as it is now that the locks are held."""
        connection, platform_id, campaign_id = self._connection, self.platform_id, self.campaign_id
        keys = list(dict.fromkeys(ask.request for ask in self._asks if ask.request))
        invite_ids = sorted(_invites(self._asks))
        self._known_rows = await requests.known(connection, campaign_id, keys) if keys else None
        self._live_rows = None
        if self._members or self._seat_ids:
            self._live_rows = await store.load_live_of_members(
                connection, platform_id, campaign_id, self._members, self._seat_ids
            )
        self._seat_rows = self._late_rows = self._invite_rows = self._opened_rows = None
        if self._seat_ids:
            self._seat_rows = await store.load_seats(connection, platform_id, campaign_id, self._seat_ids)
            self._late_rows = await store.load_late_payments(connection, campaign_id, self._seat_ids)
        if invite_ids:
            self._invite_rows = await store.load_invites(connection, platform_id, campaign_id, invite_ids)
        if self._locks_members and self.may_open:
            self._opened_rows = await store.count_opened(connection, campaign_id, self._members)

    async def receive(self) -> None:
        """Take what was asked for, and load what turns out to be needed besides."""
        versions = await self._version.all()
        self._left = {sku: level.offered - level.taken for sku, level in await self._stock.all()}
        self.teams = {team.team_id: team for team in await self._teams.all()}
        if self._known_rows:
            self.known = dict(await self._known_rows.all())
        for rows in (self._live_rows, self._seat_rows):
            for seat in await rows.all() if rows else ():
                self._load(seat)
        for seat_id, reference in await self._late_rows.all() if self._late_rows else ():
            self.late.setdefault(seat_id, []).append(reference)
        self.invites = {item.invite_id: item for item in await self._invite_rows.all()} if self._invite_rows else {}
        self._opened = dict(await self._opened_rows.all()) if self._opened_rows else {}
        if versions:
            self.campaign = await self._catalogue.at(self._connection, self.platform_id, self.campaign_id, versions[0])
        await self._load_terms()
        await self._load_more()

    async def _load_terms(self) -> None:
        for version in {team.terms_version for team in self.teams.values()}:
            self._terms[version] = await self._catalogue.terms(
                self._connection, self.platform_id, self.campaign_id, version
            )
        if self.campaign:
            self._terms[self.campaign.terms.version] = self.campaign.terms
        if self._catalogue.limits_members(self.campaign_id) and not self._locks_members:
            raise Raced("the campaign limits its members since now")

    async def _load_more(self) -> None:
        """Load what concerns teams that are due, have a waitlist, lose their leader or have late comers."""
        await self._load_overflow()
        due = [team.team_id for team in self.teams.values() if team.totals.held_members and self.is_looked_at(team)]
        waits = [team.team_id for team in self.teams.values() if team.totals.waiting_members]
        held = await store.load_held(self._connection, self.campaign_id, due, MOST_HELD) if due else None
        waiting = await store.load_waiting(self._connection, self.campaign_id, waits, MOST_WAITING) if waits else None
        await self._fetch(held, self._held)
        await self._fetch(waiting, self._waiting)
        await self._load_heirs()

    async def _fetch(self, rows: Rows[Seat] | None, by_team: dict[UUID, list[UUID]]) -> None:
        for seat in await rows.all() if rows else ():
            self._load(seat)
            by_team.setdefault(seat.team_id, []).append(seat.seat_id)

    async def _load_overflow(self) -> None:
        others = {team.overflow_team_id for team in self.teams.values() if team.overflow_team_id} - set(self.teams)
        if not others:
            return
        rows = await store.lock_free_teams(self._connection, self.campaign_id, sorted(others))
        for team in await rows.all():
            self.teams[team.team_id] = team
        await self._load_terms()

    async def _load_heirs(self) -> None:
        leaving = {ask.seat_id for ask in self._asks if isinstance(ask.command, Leave | Default)}
        led = [team for team in self.teams.values() if team.state.is_open and team.totals.confirmed_members]
        losing = [team.team_id for team in led if team.leader_seat_id in leaving or self._runs_out(team)]
        if losing:
            rows = await store.load_first_confirmed(self._connection, self.campaign_id, losing, len(leaving) + 2)
            await self._fetch(rows, self._confirmed)

    def _runs_out(self, team: Team) -> bool:
        leader = self.seats.get(team.leader_seat_id) if team.leader_seat_id else None
        return leader is not None and leader.state is SeatState.HELD and self.is_looked_at(team)

    # What decisions ask of the book.

    def terms(self, team: Team) -> Terms:
        """Give the terms a team opened with."""
        return self._terms[team.terms_version]

    def around(self, team: Team) -> Around:
        """Give what a decision about a team needs besides it."""
        if self.campaign is None:
            raise RuntimeError(f"campaign {self.campaign_id} has teams, and is not there")
        return Around(self.campaign, self._terms[team.terms_version], self.now, self._left)

    def around_new(self, campaign: Campaign) -> Around:
        """Give what opening a team needs."""
        return Around(campaign, campaign.terms, self.now, self._left)

    def is_looked_at(self, team: Team) -> bool:
        """Tell whether a team is brought up to date before its commands are decided."""
        return team.team_id in self._looked or domain.is_due(team, self.around(team))

    def live(self, team_id: UUID, member_id: str) -> Seat | None:
        """Give the live seat of a member in a team."""
        return self._of_member.get(member_id, {}).get(team_id)

    def usage(self, member_id: str) -> Usage:
        """Tell what a member has in the campaign."""
        seats = self._of_member.get(member_id)
        units = sum(seat.quantity for seat in seats.values()) if seats else 0
        return Usage(units, len(seats) if seats else 0, self._opened.get(member_id, 0))

    def held(self, team: Team) -> list[Seat]:
        """Give the held seats of a team that is looked at, those that run out first."""
        return self._in_state(self._held, team, SeatState.HELD)

    def has_all_held(self, team: Team) -> bool:
        """Tell whether the held seats at hand are all there are."""
        return len(self._held.get(team.team_id, ())) < MOST_HELD

    def heirs(self, team: Team) -> Heirs:
        """Give who profits when a seat of a team is given back."""
        if team.team_id not in self._waiting and team.team_id not in self._confirmed:
            return _NO_HEIRS
        waiting = self._in_state(self._waiting, team, SeatState.WAITING)
        confirmed = self._in_state(self._confirmed, team, SeatState.CONFIRMED)
        more = len(self._waiting.get(team.team_id, ())) >= MOST_WAITING
        return Heirs(waiting, confirmed, more)

    def _in_state(self, lists: dict[UUID, list[UUID]], team: Team, state: SeatState) -> list[Seat]:
        seats = map(self.seats.__getitem__, lists.get(team.team_id, ()))
        return [seat for seat in seats if seat.state is state]

    # What decisions change.

    def _load(self, seat: Seat) -> None:
        if seat.seat_id not in self.seats:
            self._stored_seats[seat.seat_id] = seat
            self._put(seat)

    def _put(self, seat: Seat) -> None:
        self.seats[seat.seat_id] = seat
        if seat.sponsored:
            return
        of_member = self._of_member.setdefault(seat.member_id, {})
        if seat.state.is_live:
            of_member[seat.team_id] = seat
        elif (live := of_member.get(seat.team_id)) and live.seat_id == seat.seat_id:
            del of_member[seat.team_id]

    def enter(self, decision: Decision, *, new: bool = False) -> None:
        """Write a decision into the book: its rows stand from now on, for the commands that follow too."""
        team = decision.team
        self.change(team, new=new)
        for seat in decision.seats:
            self._change_seat(seat)
        for state, reason in decision.released:
            self._release_all(team, state, reason)
        self._facts += decision.facts
        for fact in decision.facts:
            if fact.kind is FactKind.LATE_PAYMENT_REPORTED and fact.seat:
                self.late.setdefault(fact.seat.seat_id, []).append(fact.payment_reference)

    def change(self, team: Team, *, new: bool = False) -> None:
        """Have a team stand as it is now."""
        if new:
            self._new_teams.add(team.team_id)
            self._opened[team.opener_member_id] = self._opened.get(team.opener_member_id, 0) + 1
        elif self.teams[team.team_id] is not team:
            self._changed_teams.add(team.team_id)
        self.teams[team.team_id] = team

    def _change_seat(self, seat: Seat) -> None:
        before = self.seats.get(seat.seat_id)
        if seat.sku in self._left:
            self._left[seat.sku] += _taken(before) - _taken(seat)
        if seat.state is SeatState.WAITING and before is None:
            self._waiting.setdefault(seat.team_id, []).append(seat.seat_id)
        if seat.state is SeatState.CONFIRMED and seat.team_id in self._confirmed:
            self._confirmed[seat.team_id].append(seat.seat_id)
        self._put(seat)
        self._changed_seats.add(seat.seat_id)

    def _release_all(self, team: Team, state: SeatState, reason: ReleaseReason) -> None:
        self._bulk.append((team, state, reason))
        for seat in list(self.seats.values()):
            if seat.team_id == team.team_id and seat.state is state:
                at = team.ended_at
                after = replace(seat, state=SeatState.RELEASED, released_at=at, updated_at=at, release_reason=reason)
                if seat.seat_id in self._changed_seats:
                    self._change_seat(after)
                else:
                    self._put(after)

    def enter_invite(self, invite: Invite, *, new: bool = False) -> None:
        """Write an invite into the book."""
        self.invites[invite.invite_id] = invite
        if new or invite.invite_id in self._new_invites:
            self._new_invites[invite.invite_id] = invite
        else:
            self._changed_invites.add(invite.invite_id)

    def decide(self, key: RequestKey, answer: bytes | Rejected, subject: UUID | None) -> None:
        """Keep what was decided for a request."""
        self.known[key] = answer
        self._decided.append(Decided(key, answer, subject))

    # Save: one statement per table.

    async def save(self) -> None:
        """Write what changed and tell the facts in order; the requests are stored apart, last of all."""
        await self._save_teams()
        await self._save_seats()
        await self._save_invites()
        for fact in self._facts:
            self._work.tell(self.scribe.message(fact, self.terms(fact.team), self.campaign))

    async def save_requests(self) -> None:
        """Write what was decided for requests."""
        if self._decided:
            await requests.store(self._connection, self.campaign_id, self._decided)

    async def _save_teams(self) -> None:
        if self._new_teams:
            new = [self.teams[team_id] for team_id in sorted(self._new_teams)]
            await store.insert_teams(self._connection, self.campaign_id, new)
        changed = [self.teams[team_id] for team_id in self._changed_teams - self._new_teams]
        if changed:
            await store.update_teams(self._connection, self.campaign_id, changed)
        await self._save_listed()

    async def _save_listed(self) -> None:
        touched = (self.teams[team_id] for team_id in self._changed_teams | self._new_teams)
        listed = [team for team in touched if self.terms(team).rules.visibility is Visibility.LISTED]
        if not listed:
            return
        forming = [(team, *_fill(team, self.terms(team))) for team in listed if team.state is TeamState.FORMING]
        if forming:
            await store.list_teams(self._connection, self.campaign_id, forming)
        if others := [team.team_id for team in listed if team.state is not TeamState.FORMING]:
            await store.unlist_teams(self._connection, self.campaign_id, others)

    async def _save_seats(self) -> None:
        seats = [self.seats[seat_id] for seat_id in self._changed_seats]
        if old := [seat for seat in seats if seat.seat_id in self._stored_seats]:
            await store.update_seats(self._connection, self.campaign_id, old)
        if new := [seat for seat in seats if seat.seat_id not in self._stored_seats]:
            await store.insert_seats(self._connection, self.campaign_id, new)
        if taken := self._stock_taken(seats):
            await store.take_stock(self._connection, self.campaign_id, taken)
        for team, state, reason in self._bulk:
            await store.release_all(self._connection, team, state, reason)
        late = [fact for fact in self._facts if fact.kind is FactKind.LATE_PAYMENT_REPORTED]
        if payments := [(fact.seat, fact.payment_reference, fact.amount, fact.at) for fact in late if fact.seat]:
            await store.insert_late_payments(self._connection, self.campaign_id, payments)

    def _stock_taken(self, seats: Sequence[Seat]) -> dict[str, int]:
        taken: dict[str, int] = {}
        for seat in seats if self._left else ():
            if seat.sku in self._left:
                units = _taken(seat) - _taken(self._stored_seats.get(seat.seat_id))
                taken[seat.sku] = taken.get(seat.sku, 0) + units
        return {sku: units for sku, units in taken.items() if units}

    async def _save_invites(self) -> None:
        if self._new_invites:
            hashed = [(item, hash_code(self._codes.code(item.invite_id)) or b"") for item in self._new_invites.values()]
            await store.insert_invites(self._connection, self.campaign_id, hashed)
        if self._changed_invites:
            changed = [self.invites[invite_id] for invite_id in self._changed_invites]
            await store.update_invites(self._connection, self.campaign_id, changed)


_NO_HEIRS = Heirs()


def _taken(seat: Seat | None) -> int:
    return seat.quantity if seat and seat.state.takes_room else 0


def _fill(team: Team, terms: Terms) -> tuple[int, int]:
    taken = team.totals.taken(terms.rules.counted_in)
    return taken, terms.rules.maximum - taken


def _members(asks: Sequence[Ask]) -> list[str]:
    named = set()
    for ask in asks:
        match ask.command:
            case Join(member_id=member_id) | NewInvite(member_id=member_id) | Open(join=Join(member_id=member_id)):
                named.add(member_id)
    return sorted(named - {""})


def _invites(asks: Sequence[Ask]) -> set[UUID]:
    return {ask.command.invite_id for ask in asks if isinstance(ask.command, Join | Revoke) and ask.command.invite_id}
