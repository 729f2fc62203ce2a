"""The book of one campaign in one batch: the locked rows that its commands concern, and what changes in them.

It lies in memory: loading.py fills it, decisions read it and are entered, saving.py writes what changed.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from operator import attrgetter
from uuid import UUID

from services.chassis import erased, trace
from services.chassis.erased_rows import Known
from services.chassis.errors import Rejected
from services.chassis.requests import Answers, Decided, RequestKey
from services.team_formation import domain, translate
from services.team_formation.domain import (
    NO_TALLY,
    AbuseRule,
    Around,
    Basis,
    Campaign,
    CampaignState,
    Cancel,
    CountedIn,
    Decision,
    Default,
    FactKind,
    Heirs,
    Import,
    Invite,
    Join,
    Leave,
    Level,
    Open,
    ReleaseReason,
    Seat,
    SeatState,
    Tally,
    Team,
    TeamState,
    Terms,
    Usage,
)
from services.team_formation.handlers.asks import Ask, Look
from services.team_formation.handlers.changes import Changes
from services.team_formation.handlers.naming import invites_of, joins_of, members_of, named_by, quotes_of
from services.team_formation.handlers.signs import Signs

_BY_NUMBER = attrgetter("int")
"""Orders ids as they order themselves, but UUID does so in Python."""

MOST_HELD = 1000
MOST_WAITING = 1000
"""Holds, and members who wait, of one team that are looked at in one transaction."""
MOST_HELD_AT_ONCE = 5000
"""Holds of all teams that are looked at in one transaction: while they are released, joins wait."""


class Book:
    """Rows of a campaign by id while its part of a batch is decided; `others` are teams to lock besides those named."""

    def __init__(self, asks: Sequence[Ask], now: datetime, others: Iterable[UUID] = ()) -> None:
        self.now = now
        self.platform_id, self.campaign_id = asks[0].platform_id, asks[0].campaign_id
        self.scribe = translate.Scribe(self.platform_id, self.campaign_id)
        self.version: int | None = None
        self.campaign: Campaign | None = None
        self.terms_by_version: dict[int, Terms] = {}
        self.teams: dict[UUID, Team] = {}
        self.seats: dict[UUID, Seat] = {}
        self.invites: dict[UUID, Invite] = {}
        self.late: dict[UUID, list[str]] = {}
        self.known = Answers()
        self.erased: dict[str, Rejected] = {}
        """What is answered to who asks for members or promoters that were erased, by their ids."""
        self.changes = Changes()
        self._around: dict[int, Around] = {}
        self._left: dict[str, int] = {}
        self._of_member: dict[str, dict[UUID, Seat]] = {}
        self._opened: dict[str, int] = {}
        self._held: dict[UUID, list[UUID]] = {}
        self._held_in_part: set[UUID] = set()
        self._waiting: dict[UUID, list[UUID]] = {}
        self._beyond: dict[UUID, list[UUID]] = {}
        self._confirmed: dict[UUID, list[UUID]] = {}
        self._returns: dict[tuple[UUID, SeatState], dict[str, int]] = {}

        self.team_ids = sorted({ask.team_id for ask in asks if ask.team_id}.union(others), key=_BY_NUMBER)
        self.seat_ids = sorted({ask.seat_id for ask in asks if ask.seat_id}, key=_BY_NUMBER)
        self.member_ids = members_of(asks)
        self.named = sorted(set().union(*map(named_by, asks)))
        self.invite_ids = sorted(invites_of(asks), key=_BY_NUMBER)
        self.quote_ids = sorted(set(quotes_of(asks)), key=_BY_NUMBER)
        self._used_quotes: set[UUID] = set()
        keys = (ask.request for ask in asks if ask.request)
        self.keys = list({(key.rpc, key.request_id): key for key in keys}.values())
        self.leaving = {ask.seat_id for ask in asks if isinstance(ask.command, Leave | Default)}
        self.cancelled = {ask.team_id for ask in asks if isinstance(ask.command, Cancel)}
        self._joins = list(joins_of(asks))
        self.signs = Signs((), (), now)
        self.opens = any(isinstance(ask.command, Open | Import) for ask in asks)
        self._asked = Counter(ask.team_id for ask in asks)
        self._looked = {ask.team_id for ask in asks if isinstance(ask.command, Look)}
        self.keeps_campaign = False
        """The campaign cannot change until the end, so that a team may be opened."""
        self.opens_anyway = False
        """Late comers have another team opened even where the one that takes them is locked by somebody else."""
        self.locks_stock = self.has_waitlists = False
        self.returned: set[str] = set()
        """Items with stock of which units were given back, whoever has taken them since."""
        self.locks_members = False
        self.tally: Tally | None = None
        """The campaign's last tally; None where it was not asked for."""

    # What is loaded.

    def look_for_signs(self, rules: Sequence[AbuseRule]) -> None:
        """Look for what rules ask in the joins."""
        self.signs = Signs(rules, self._joins, self.now)

    def looks_by(self, rules: Sequence[AbuseRule]) -> bool:
        """Tell whether its joins, if there are any, are looked at by these rules."""
        return self.signs.rules == rules or not self._joins

    def take_stock(self, levels: Iterable[tuple[str, Level]]) -> None:
        """Take the stock, which is locked."""
        self._left |= {sku: level.offered - level.taken for sku, level in levels}

    def take_erased(self, found: Iterable[Known]) -> None:
        """Take which of the members that are asked for were erased."""
        self.erased = {known.member_id: erased.refusal(known) for known in found}

    def refused(self, ask: Ask) -> Rejected | None:
        """Give what is answered where a member that is asked for was erased."""
        return next((self.erased[one] for one in named_by(ask) if one in self.erased), None) if self.erased else None

    def take_tally(self, tallies: Sequence[Tally]) -> None:
        """Take the campaign's last tally, if there was one."""
        self.tally = tallies[0] if tallies else NO_TALLY

    def price_teams(self) -> None:
        """Have teams whose ladder the whole campaign fills know the tally."""
        if self.tally is None:
            return
        for team_id, team in self.teams.items():
            if self.terms(team).price_table.basis is Basis.CAMPAIGN_UNITS:
                self.teams[team_id] = replace(team, tally=self.tally)

    def take_seats(self, seats: Iterable[Seat]) -> None:
        """Take seats as they are stored; what is here already stays as it is."""
        for seat in seats:
            if seat.seat_id not in self.seats:
                self.changes.stored[seat.seat_id] = seat
                self._put(seat)

    def take_seats_again(self, teams: Sequence[Team], seats: Iterable[Seat]) -> None:
        """Take members' seats in teams that were locked after seats were read: that may be so no more."""
        team_ids = {team.team_id for team in teams}
        for seat in [seat for seat in self.seats.values() if seat.team_id in team_ids]:
            del self.seats[seat.seat_id], self.changes.stored[seat.seat_id]
            self._of_member[seat.member_id].pop(seat.team_id, None)
        self.take_seats(seat for seat in seats if seat.team_id in team_ids)

    def take_held(self, seats: Sequence[Seat]) -> None:
        """Take the held seats of teams that are looked at, those that run out first."""
        self._list(self._held, seats)

    def leave_held(self, team: Team) -> None:
        """Note that not all held seats of a team are taken: it is looked at again."""
        self._held_in_part.add(team.team_id)

    def take_waiting(self, seats: Sequence[Seat]) -> None:
        """Take who waits for room, the longest waiting first."""
        self._list(self._waiting, seats)

    def take_beyond(self, seats: Sequence[Seat]) -> None:
        """Take, of those who wait after those taken before, the longest waiting of each item and quantity."""
        self._list(self._beyond, sorted(seats, key=lambda seat: seat.number))

    def long_waitlists(self) -> list[tuple[UUID, int]]:
        """Tell in which teams more may wait than are taken, and the number of the last who is."""
        return [
            (team_id, self.seats[waiting[-1]].number)
            for team_id, waiting in self._waiting.items()
            if len(waiting) >= MOST_WAITING
        ]

    def take_confirmed(self, seats: Sequence[Seat]) -> None:
        """Take who could lead teams that may lose their leader, the earliest confirmed first."""
        self._list(self._confirmed, seats)

    def follow_confirmations(self) -> None:
        """Where no member is confirmed yet, have those who are in this batch lead after a leader who leaves in it."""
        for team in self.teams.values() if self.leaving else ():
            if team.totals.confirmed_members == team.totals.sponsored_members:
                self._confirmed[team.team_id] = []

    def take_first_holds(self, holds: Iterable[tuple[UUID, datetime]]) -> None:
        """Take when the next hold of teams ends: when they are due may still be that of one confirmed since."""
        for team_id, hold_until in holds:
            team = self.teams[team_id]
            self.teams[team_id] = replace(team, due_at=min(hold_until, team.ends_at))

    def take_late(self, payments: Iterable[tuple[UUID, str]]) -> None:
        """Take references of payments reported late."""
        for seat_id, reference in payments:
            self.late.setdefault(seat_id, []).append(reference)

    def take_invites(self, invites: Iterable[Invite]) -> None:
        """Take invites."""
        self.invites = {invite.invite_id: invite for invite in invites}

    def take_used_quotes(self, quotes: Iterable[UUID]) -> None:
        """Take which of the quotes asked for are used."""
        self._used_quotes |= set(quotes)

    def take_opened(self, counts: Iterable[tuple[str, int]]) -> None:
        """Take how many teams members have opened."""
        self._opened = dict(counts)

    def take_returns(self, units: Iterable[tuple[UUID, SeatState, str, int]]) -> None:
        """Take what teams that may end give back to the stock: units per team, state and SKU, as they are stored."""
        for team_id, state, sku, many in units:
            self._returns.setdefault((team_id, state), {})[sku] = many

    def _list(self, lists: dict[UUID, list[UUID]], seats: Sequence[Seat]) -> None:
        self.take_seats(seats)
        for seat in seats:
            lists.setdefault(seat.team_id, []).append(seat.seat_id)

    # What decisions ask.

    def terms(self, team: Team) -> Terms:
        """Give the terms a team opened with."""
        return self.terms_by_version[team.terms_version]

    def around(self, team: Team) -> Around:
        """Give what a decision about a team needs besides it."""
        known = self._around.get(team.terms_version)
        if known is None:
            if self.campaign is None:
                raise RuntimeError(f"campaign {self.campaign_id} has teams, and is not there")
            known = Around(
                self.campaign,
                self.terms_by_version[team.terms_version],
                self.now,
                self._left,
                used_quotes=self._used_quotes,
            )
            self._around[team.terms_version] = known
        return known

    def around_new(self, campaign: Campaign) -> Around:
        """Give what opening a team needs."""
        return Around(campaign, campaign.terms, self.now, self._left, self.tally or NO_TALLY, self._used_quotes)

    def is_looked_at(self, team: Team) -> bool:
        """Tell whether a team is brought up to date before its commands are decided."""
        return team.team_id in self._looked or domain.is_due(team, self.around(team))

    def is_asked_for_more(self, team: Team) -> bool:
        """Tell whether there are more commands on an open team than seats fit into it, so that some may be refused."""
        rules, asked = self.terms(team).rules, self._asked[team.team_id]
        most = asked if rules.counted_in is CountedIn.MEMBERS else asked * rules.max_units_per_seat
        return team.state.is_open and team.totals.taken(rules.counted_in) + most > rules.maximum

    def is_asked_for(self, team: Team) -> bool:
        """Tell whether there are commands on a team, rather than a look at it alone."""
        return team.team_id not in self._looked

    def locked_elsewhere(self) -> set[UUID]:
        """Tell which teams take late comers of those here, and were locked by somebody else."""
        return {team.overflow_team_id for team in self.teams.values() if team.overflow_team_id} - set(self.teams)

    def live(self, team_id: UUID, member_id: str) -> Seat | None:
        """Give the live seat of a member in a team."""
        return self._of_member.get(member_id, {}).get(team_id)

    def usage(self, member_id: str) -> Usage:
        """Tell what a member has in the campaign."""
        seats = self._of_member.get(member_id)
        if not seats and not self._opened:
            return _NOTHING_USED
        units = sum(seat.quantity for seat in seats.values()) if seats else 0
        return Usage(units, len(seats) if seats else 0, self._opened.get(member_id, 0))

    def looked_at(self, join: Join, invite: Invite | None = None) -> Join:
        """Give a join with what it shows of abuse, where rules ask."""
        return replace(join, seen=self.signs.of(join, invite)) if self.signs.rules else join

    def held(self, team: Team) -> list[Seat]:
        """Give the held seats of a team that is looked at, those that run out first."""
        return self._in_state(self._held, team, SeatState.HELD)

    def has_all_held(self, team: Team) -> bool:
        """Tell whether the held seats at hand are all there are."""
        return team.team_id not in self._held_in_part

    def heirs(self, team: Team) -> Heirs:
        """Give who profits when a seat of a team is given back."""
        if team.team_id not in self._waiting and team.team_id not in self._confirmed:
            return _NO_HEIRS
        waiting = self._in_state(self._waiting, team, SeatState.WAITING)
        confirmed = self._in_state(self._confirmed, team, SeatState.CONFIRMED)
        taken = len(self._waiting.get(team.team_id, ()))
        if taken < MOST_WAITING:
            return Heirs(waiting, confirmed)
        beyond = self._in_state(self._beyond, team, SeatState.WAITING)
        return Heirs(waiting, confirmed, more=True, beyond=beyond, fewer=len(waiting) < taken)

    def _in_state(self, lists: dict[UUID, list[UUID]], team: Team, state: SeatState) -> list[Seat]:
        seats = map(self.seats.__getitem__, lists.get(team.team_id, ()))
        return [seat for seat in seats if seat.state is state]

    # What decisions change.

    def enter(self, decision: Decision, *, new: bool = False) -> None:
        """Write a decision into the book: its rows stand from now on, for the commands that follow too."""
        team = decision.team
        self.change(team, new=new)
        for seat in decision.seats:
            self._change_seat(seat)
        for state, reason in decision.released:
            self._release_all(team, state, reason)
        self.changes.facts += decision.facts
        self.changes.traces += [trace.current()] * len(decision.facts)
        for fact in decision.facts:
            if fact.kind is FactKind.LATE_PAYMENT_REPORTED and fact.seat:
                self.late.setdefault(fact.seat.seat_id, []).append(fact.payment_reference)

    def note_join(self, join: Join, seat: Seat | None) -> None:
        """Note what a join showed of abuse; with a seat, that it was taken."""
        if self.signs.rules:
            self.signs.note(join)
            if seat:
                self.signs.enter(join, seat)

    def change(self, team: Team, *, new: bool = False) -> None:
        """Have a team stand as it is now."""
        if new:
            self.changes.new_teams.add(team.team_id)
            self._opened[team.opener_member_id] = self._opened.get(team.opener_member_id, 0) + 1
        elif (before := self.teams[team.team_id]) is not team:
            self.changes.teams.add(team.team_id)
            if team.opener_member_id in self._opened and _came_to_nothing(team) and not _came_to_nothing(before):
                self._opened[team.opener_member_id] -= 1
        self.teams[team.team_id] = team

    def _change_seat(self, seat: Seat) -> None:
        before = self.seats.get(seat.seat_id)
        if before is None and seat.quote:
            self._used_quotes.add(seat.quote.quote_id)
        self._return(seat.sku, units_taken(before) - units_taken(seat))
        if seat.state is SeatState.WAITING and before is None:
            waiting = self._waiting.setdefault(seat.team_id, [])
            if len(waiting) < MOST_WAITING:  # nobody stands in between
                waiting.append(seat.seat_id)
        if seat.state is SeatState.CONFIRMED and seat.team_id in self._confirmed:
            self._confirmed[seat.team_id].append(seat.seat_id)
        self._put(seat)
        self.changes.seats.add(seat.seat_id)

    def _put(self, seat: Seat) -> None:
        self.seats[seat.seat_id] = seat
        if seat.sponsored:
            return
        of_member = self._of_member.setdefault(seat.member_id, {})
        if seat.state.is_live:
            of_member[seat.team_id] = seat
        elif (live := of_member.get(seat.team_id)) and live.seat_id == seat.seat_id:
            del of_member[seat.team_id]

    def _release_all(self, team: Team, state: SeatState, reason: ReleaseReason) -> None:
        self.changes.released.append((team, state, reason))
        self._put_back(team, state)
        for seat in list(self.seats.values()):
            if seat.team_id == team.team_id and seat.state is state:
                at = self.now
                after = replace(seat, state=SeatState.RELEASED, released_at=at, updated_at=at, release_reason=reason)
                if seat.seat_id in self.changes.seats:
                    self._change_seat(after)
                else:
                    self._put(after)

    def _put_back(self, team: Team, state: SeatState) -> None:
        """Count what a team that has ended gives back; what changed in this batch is counted with its seat."""
        back = self._returns.get((team.team_id, state), {})
        for seat_id in self.changes.seats if back else ():
            stored = self.changes.stored.get(seat_id)
            if stored and stored.team_id == team.team_id and stored.state is state:
                back[stored.sku] -= stored.quantity
        for sku, units in back.items():
            self._return(sku, units)

    def _return(self, sku: str, units: int) -> None:
        """Count units of an item back into the stock; below zero: out of it."""
        if sku in self._left:
            self._left[sku] += units
            if units > 0:
                self.returned.add(sku)

    def frees_stock(self) -> bool:
        """Tell whether units were given back, and some are left, that somebody who waits in another team may want."""
        if not self.has_waitlists or not self.campaign:
            return False
        is_open = self.campaign.state(self.now) is CampaignState.RUNNING
        return is_open and any(self._left[sku] > 0 for sku in self.returned)

    def enter_invite(self, invite: Invite, *, new: bool = False) -> None:
        """Write an invite into the book."""
        self.invites[invite.invite_id] = invite
        if new:
            self.changes.new_invites.append(invite)
        else:
            self.changes.invites.add(invite.invite_id)

    def decide(self, key: RequestKey, answer: bytes | Rejected, subject: UUID | None) -> None:
        """Keep what was decided for a request."""
        self.known.keep(key, answer)
        self.changes.decided.append(Decided(key, answer, subject))

    def ended_seats(self) -> list[UUID]:
        """List the seats that were somebody's and are no more."""
        stored = self.changes.stored
        mine = (seat_id for seat_id in self.changes.seats if seat_id in stored and stored[seat_id].state.is_live)
        return sorted(seat_id for seat_id in mine if not self.seats[seat_id].state.is_live)

    def stock_taken(self) -> dict[str, int]:
        """Tell how many units were taken, per SKU with stock; below zero: given back."""
        taken: dict[str, int] = {}
        for seat_id in self.changes.seats if self._left else ():
            seat = self.seats[seat_id]
            if seat.sku in self._left:
                units = units_taken(seat) - units_taken(self.changes.stored.get(seat_id))
                taken[seat.sku] = taken.get(seat.sku, 0) + units
        return {sku: units for sku, units in taken.items() if units}


_NO_HEIRS = Heirs()
_NOTHING_USED = Usage()


def units_taken(seat: Seat | None) -> int:
    """Tell how many units a seat takes of the stock."""
    return seat.quantity if seat and seat.state.takes_room else 0


def _came_to_nothing(team: Team) -> bool:
    return team.state is TeamState.FAILED or team.state is TeamState.CANCELLED
